import pytest
from hypothesis import given, strategies as st

from services.intelligence.fwi import Indices
from services.intelligence.risk import (
    BELIEF_POINTS,
    DANGER_POINTS,
    KIND_POINTS,
    Danger,
    Level,
    assess,
)


def danger(fwi: float) -> Danger:
    return Danger("ridge", 12_300.0, Indices(90.0, 40.0, 200.0, 9.0, 50.0, fwi))


dangers = st.none() | st.builds(danger, st.floats(0, 500))
kinds = st.dictionaries(st.sampled_from(list(KIND_POINTS)), st.integers(1, 1000))


@given(st.floats(0, 1), kinds, dangers)
def test_the_contributions_add_up_to_the_score(confidence, seen, near):
    risk = assess(confidence, seen, near)

    assert risk.score == round(sum(factor.contribution for factor in risk.explanation), 1)
    assert 0 <= risk.score <= 100


def test_the_points_of_all_factors_are_a_hundred():
    assert DANGER_POINTS + BELIEF_POINTS + sum(KIND_POINTS.values()) == 100


@given(st.floats(0, 1), kinds, st.floats(0, 100), st.floats(0, 100))
def test_worse_fire_weather_never_lowers_the_risk(confidence, seen, one, other):
    calm, severe = sorted([one, other])

    assert (
        assess(confidence, seen, danger(calm)).score
        <= assess(confidence, seen, danger(severe)).score
    )


def test_an_explanation_names_each_factor_with_its_share():
    risk = assess(0.87, {"smoke": 3, "heat": 1}, danger(25.0))

    assert [(one.factor, one.value, one.contribution, one.text) for one in risk.explanation] == [
        ("fire_weather", 25.0, 30.0, "fire weather index 25.0 at ridge, 12 km away"),
        ("confidence", 0.87, 26.1, "the incident is real with a probability of 87%"),
        ("heat", 1, 6.0, "heat observed 1 time"),
        ("smoke", 3, 3.0, "smoke observed 3 times"),
    ]
    assert (risk.score, risk.level) == (65.1, Level.VERY_HIGH)


def test_without_weather_the_explanation_says_so():
    risk = assess(0.5, {"smoke": 1}, None)

    fire_weather = risk.explanation[0]
    assert risk.indices is None
    assert fire_weather.value is None
    assert fire_weather.contribution == DANGER_POINTS / 2
    assert fire_weather.text.startswith("fire weather unknown")


@pytest.mark.parametrize(
    ("score", "level"),
    [
        (0, "LOW"),
        (19.9, "LOW"),
        (20, "MODERATE"),
        (40, "HIGH"),
        (60, "VERY_HIGH"),
        (80, "EXTREME"),
        (100, "EXTREME"),
    ],
)
def test_levels_are_fifths_of_the_scale(score, level):
    assert Level.of(score) == level
