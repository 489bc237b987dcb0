"""Which observations belong to one incident; pure, no database.

Gate: an observation may join an incident if it lies within the time window and its normalised
distance d^2 = distance^2 / s^2, with s^2 the sum of both variances and of the fire's own extent,
passes a chi-square test with two degrees of freedom. Among those, the nearest neighbour by d^2 +
ln|S|, S = s^2 I, wins, so that a vague incident does not swallow what a precise one explains
(Bar-Shalom & Fortmann, "Tracking and Data Association", 1988, ch. 4; Blackman, "Multiple-Target
Tracking with Radar Applications", 1986, ch. 4). What no gate admits opens an incident.

Errors are taken as circular Gaussians. Unlike a radar scan, many sensors see one fire at once, so
an incident may take any number of observations of a batch. Incidents are never merged: an id once
given to a dispatcher keeps its meaning.
"""

import math
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.fusion.belief import Belief
from services.fusion.incident import Incident
from services.fusion.observation import Observation
from services.kit.geo import EARTH_RADIUS_M, distance_m

METRES_PER_DEGREE = math.radians(EARTH_RADIUS_M)  # of latitude


@dataclass(frozen=True, slots=True)
class Gate:
    """`probability`: of admitting a true match; `extent_m`: how far one fire's sightings spread."""

    probability: float
    window: timedelta
    extent_m: float

    @property
    def threshold(self) -> float:
        """The chi-square quantile; with two degrees of freedom it has this closed form."""
        return -2.0 * math.log1p(-self.probability)

    def reach_m(self, *uncertainties_m: float) -> float:
        """The greatest distance that is admitted."""
        return math.sqrt(self.threshold) * math.hypot(self.extent_m, *uncertainties_m)

    def admits_time(self, incident: Incident, at: datetime) -> bool:
        """Whether `at` is in the window around the incident's life, before or after."""
        return incident.first_seen_at - self.window <= at <= incident.last_seen_at + self.window

    def cost(self, incident: Incident, seen: Observation) -> float | None:
        """The statistical distance to compare matches by, or None outside the gate."""
        variance = self.extent_m**2 + incident.uncertainty_m**2 + seen.uncertainty_m**2
        squared = distance_m(incident.position, seen.position) ** 2 / variance
        return squared + 2.0 * math.log(variance) if squared <= self.threshold else None


class Correlator:
    """Gives observations, one by one, to the incidents in memory, which it keeps by latitude."""

    def __init__(self, gate: Gate, belief: Belief, incidents: Iterable[Incident] = ()) -> None:
        self._gate = gate
        self._belief = belief
        self._incidents = sorted(incidents, key=_place)
        self._vaguest_m = max((one.uncertainty_m for one in self._incidents), default=0.0)

    def assign(self, seen: Observation, *, new_id: UUID) -> Incident:
        """The incident that took `seen`; opened as `new_id` if no gate admitted it."""
        best = min(self._admitted(seen), default=None)
        if best is None:
            incident = Incident.opened(new_id, seen)
        else:
            incident = self._incidents.pop(bisect_left(self._incidents, best[1:], key=_place))
        incident.take(seen, self._belief)
        insort(self._incidents, incident, key=_place)
        self._vaguest_m = max(self._vaguest_m, incident.uncertainty_m)
        return incident

    def _admitted(self, seen: Observation) -> Iterator[tuple[float, float, UUID]]:
        """The cost and place of each possible match; equal costs go to the older id."""
        reach = self._gate.reach_m(seen.uncertainty_m, self._vaguest_m) / METRES_PER_DEGREE
        start = bisect_left(self._incidents, seen.position.lat - reach, key=lambda one: one.lat)
        for index in range(start, len(self._incidents)):
            incident = self._incidents[index]
            if incident.lat > seen.position.lat + reach:
                return
            if self._gate.admits_time(incident, seen.observed_at):
                cost = self._gate.cost(incident, seen)
                if cost is not None:
                    yield cost, *_place(incident)


def _place(incident: Incident) -> tuple[float, UUID]:
    return incident.lat, incident.id
