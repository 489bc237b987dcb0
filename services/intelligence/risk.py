"""How much an incident threatens: a score of 0..100 that is the sum of explained contributions;
pure.

| factor        | points | grows with                                                       |
| ------------- | ------ | ---------------------------------------------------------------- |
| fire_weather  | 60     | the fire weather index, up to 50, where EFFIS calls it extreme   |
| confidence    | 30     | the probability that the incident is real                        |
| heat          | 6      | any observation of the kind: flames, not drifting smoke          |
| smoke         | 3      | the same                                                         |
| lightning     | 1      | the same: a cause, not yet a fire                                |

The weights are this system's policy, not a published model. Without weather the fire weather
factor stands at half its points, so that not knowing neither hides a fire nor calls every one
extreme.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from services.intelligence.fwi import Indices

DANGER_POINTS = 60.0
BELIEF_POINTS = 30.0
KIND_POINTS = {"heat": 6.0, "smoke": 3.0, "lightning": 1.0}
EXTREME_FWI = (
    50.0  # J. San-Miguel-Ayanz et al., "Comprehensive monitoring of wildfires in Europe", 2012
)


class Level(StrEnum):
    LOW = "LOW"
    MODERATE = "MODERATE"
    HIGH = "HIGH"
    VERY_HIGH = "VERY_HIGH"
    EXTREME = "EXTREME"

    @classmethod
    def of(cls, score: float) -> "Level":
        """Fifths of the scale, each with its lower edge."""
        return list(cls)[min(int(score // 20), 4)]


@dataclass(frozen=True, slots=True)
class Danger:
    """The fire weather near an incident, and where it was measured."""

    station: str
    distance_m: float
    indices: Indices


@dataclass(frozen=True, slots=True)
class Factor:
    """One line of an explanation; `value` is None where it is unknown."""

    factor: str
    value: float | None
    contribution: float
    text: str


@dataclass(frozen=True, slots=True)
class Risk:
    """`score` is exactly the sum of the explanation's contributions, in tenths."""

    score: float
    level: Level
    indices: Indices | None
    explanation: tuple[Factor, ...]


def assess(confidence: float, kinds: Mapping[str, int], danger: Danger | None) -> Risk:
    """The risk of an incident seen as `kinds`, real with probability `confidence`."""
    seen = [_kind(kind, kinds[kind]) for kind in KIND_POINTS if kinds.get(kind)]
    factors = (_fire_weather(danger), _confidence(confidence), *seen)
    score = round(sum(factor.contribution for factor in factors), 1)
    return Risk(score, Level.of(score), danger.indices if danger else None, factors)


def _fire_weather(danger: Danger | None) -> Factor:
    if danger is None:
        text = "fire weather unknown: no recent reading near enough; half of its points assumed"
        return Factor("fire_weather", None, DANGER_POINTS / 2, text)
    fwi = danger.indices.fwi
    points = round(DANGER_POINTS * min(fwi / EXTREME_FWI, 1.0), 1)
    text = (
        f"fire weather index {fwi:.1f} at {danger.station}, {danger.distance_m / 1000:.0f} km away"
    )
    return Factor("fire_weather", round(fwi, 1), points, text)


def _confidence(confidence: float) -> Factor:
    text = f"the incident is real with a probability of {confidence:.0%}"
    return Factor("confidence", confidence, round(BELIEF_POINTS * confidence, 1), text)


def _kind(kind: str, count: int) -> Factor:
    text = f"{kind} observed {count} time{'s' if count > 1 else ''}"
    return Factor(kind, count, KIND_POINTS[kind], text)
