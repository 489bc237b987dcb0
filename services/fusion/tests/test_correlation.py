import math
import random
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given, strategies as st

from services.fusion.belief import Belief
from services.fusion.correlation import METRES_PER_DEGREE, Correlator, Gate
from services.fusion.incident import Incident, Status
from services.fusion.observation import Observation

GATE = Gate(probability=0.99, window=timedelta(hours=2), extent_m=150)
BELIEF = Belief(prior=0.2, confirm_at=0.75)
KM = 1000 / METRES_PER_DEGREE


def correlate(*seen: Observation, known: list[Incident] | None = None) -> list[Incident]:
    correlator = Correlator(GATE, BELIEF, known or [])
    return [correlator.assign(one, new_id=uuid4()) for one in seen]


def test_the_gate_holds_the_tabulated_chi_square_quantile():
    assert GATE.threshold == pytest.approx(9.2103, abs=1e-4)


def test_three_sources_that_see_smoke_in_one_place_confirm_one_incident(observation):
    seen = [
        observation(f"{source}-1", source=source, lat=46.0 + offset * KM, confidence=confidence)
        for source, offset, confidence in [
            ("tower", 0, 0.7),
            ("drone", 0.1, 0.75),
            ("sat", 0.2, 0.8),
        ]
    ]

    first, second, third = correlate(*seen)

    assert first is second is third
    assert first.status is Status.CONFIRMED
    assert first.kinds == {"smoke": 3}
    assert first.observation_count == 3


def test_one_source_that_repeats_itself_confirms_nothing(observation):
    *_, incident = correlate(*(observation(f"frame-{number}") for number in range(50)))

    assert incident.status is Status.SUSPECTED
    assert incident.confidence == pytest.approx(BELIEF.posterior([0.75]))
    assert incident.uncertainty_m == pytest.approx(100)
    assert incident.observation_count == 50


@pytest.mark.parametrize(("share_of_reach", "joined"), [(0.99, True), (1.01, False)])
def test_the_gate_ends_where_the_normalised_distance_says(observation, share_of_reach, joined):
    metres = share_of_reach * GATE.reach_m(100, 100)

    one, other = correlate(
        observation("a"), observation("b", lat=46.0 + metres / METRES_PER_DEGREE)
    )

    assert (one is other) is joined


@pytest.mark.parametrize(
    ("minutes", "joined"), [(120, True), (121, False), (-120, True), (-121, False)]
)
def test_the_window_reaches_both_ways_in_time(observation, minutes, joined):
    noon = observation()
    at = (noon.observed_at + timedelta(minutes=minutes)).isoformat()

    one, other = correlate(noon, observation("b", observed_at=at))

    assert (one is other) is joined


def test_a_late_observation_moves_only_the_beginning(observation):
    noon = observation()
    earlier = noon.observed_at - timedelta(hours=1)

    incident, _ = correlate(noon, observation("late", observed_at=earlier.isoformat()))

    assert (incident.first_seen_at, incident.last_seen_at) == (earlier, noon.observed_at)


def test_the_nearest_of_two_incidents_wins(observation):
    west, east, seen = correlate(
        observation("west"),
        observation("east", lon=7.0 + 1.2 * KM / math.cos(math.radians(46))),
        observation("between", lon=7.0 + 0.8 * KM / math.cos(math.radians(46))),
    )

    assert west is not east
    assert seen is east


def test_a_vague_incident_does_not_swallow_what_a_precise_one_explains(observation):
    precise, vague, seen = correlate(
        observation("precise", uncertainty_m=50),
        observation("vague", lat=46.0 + 33 * KM, uncertainty_m=10_000),
        observation("seen", lat=46.0 + 0.3 * KM, uncertainty_m=50),
    )

    assert precise is not vague
    assert seen is precise


def test_a_precise_source_outweighs_a_vague_one(observation):
    incident, _ = correlate(
        observation("sharp", source="drone", uncertainty_m=10),
        observation("blurred", source="sat", uncertainty_m=1000, lat=46.0 + KM),
    )

    moved = (incident.lat - 46.0) / KM
    assert moved == pytest.approx(10**2 / (10**2 + 1000**2), rel=1e-3)
    assert incident.uncertainty_m == pytest.approx((10**-2 + 1000**-2) ** -0.5)


@pytest.mark.parametrize(
    ("here", "there"),
    [((-17.0, 179.9995), (-17.0, -179.9995)), ((89.9999, 0.0), (89.9999, 180.0))],
    ids=["180th meridian", "pole"],
)
def test_the_globe_has_no_seam(observation, here, there):
    one, other = correlate(
        observation("a", lat=here[0], lon=here[1]),
        observation("b", lat=there[0], lon=there[1], source="drone"),
    )

    assert one is other
    assert abs(one.lon) == pytest.approx(180) or one.lat > 89.9999


@st.composite
def sightings_of_one_fire(draw: st.DrawFn) -> list[Observation]:
    noon = datetime.fromisoformat("2026-07-01T12:00:00Z")
    return [
        Observation.model_validate(
            {
                "key": f"k{number}",
                "kind": draw(st.sampled_from(["smoke", "heat", "lightning"])),
                "position": {
                    "lat": 46.0 + draw(st.floats(-0.05, 0.05)) * KM,
                    "lon": 7.0 + draw(st.floats(-0.05, 0.05)) * KM,
                },
                "uncertainty_m": draw(st.floats(50, 500)),
                "confidence": draw(st.floats(0.01, 0.99)),
                "source": draw(st.sampled_from("abcd")),
                "observed_at": noon + timedelta(minutes=draw(st.integers(0, 100))),
            }
        )
        for number in range(draw(st.integers(1, 12)))
    ]


@given(sightings_of_one_fire(), st.randoms(use_true_random=False))
def test_an_incident_is_the_same_in_whatever_order_it_was_seen(
    seen: list[Observation], chance: random.Random
):
    shuffled = chance.sample(seen, len(seen))

    one, other = correlate(*seen)[-1], correlate(*shuffled)[-1]

    unordered = set(Incident.__slots__) - {"id"}
    assert all(getattr(one, name) == getattr(other, name) for name in unordered)


@given(st.lists(st.tuples(st.floats(45, 47), st.floats(6, 8)), max_size=40))
def test_the_search_by_latitude_finds_what_a_search_of_everything_finds(places):
    seen = [
        Observation.model_validate(
            {
                "key": f"k{number}",
                "kind": "heat",
                "position": {"lat": lat, "lon": lon},
                "uncertainty_m": 1 + 9_999 * (number % 3) / 2,
                "confidence": 0.6,
                "source": "sat",
                "observed_at": "2026-07-01T12:00:00Z",
            }
        )
        for number, (lat, lon) in enumerate(places)
    ]
    correlator, everything = Correlator(GATE, BELIEF), list[Incident]()

    for number, one in enumerate(seen):
        costs = [(cost, i) for i, known in enumerate(everything) if (cost := GATE.cost(known, one))]
        expected = everything[min(costs)[1]] if costs else None
        incident = correlator.assign(one, new_id=UUID(int=number))
        assert expected is None or incident is expected
        if expected is None:
            everything.append(incident)
