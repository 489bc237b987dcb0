"""An incident: what all its observations together say; pure, and the same in whatever order they
came.

Position: inverse-variance weighting over each source's most precise sighting, the best linear
unbiased estimate for independent errors (Bar-Shalom, Li & Kirubarajan, "Estimation with
Applications to Tracking and Navigation", 2001, sec. 3.4). Repeating itself makes a source neither
surer nor more precise.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Self
from uuid import UUID

from services.fusion.belief import Belief
from services.fusion.observation import Observation
from services.kit.geo import Position


class Status(StrEnum):
    SUSPECTED = "SUSPECTED"
    CONFIRMED = "CONFIRMED"
    CLOSED = "CLOSED"  # for good: takes no observations


class Testimony(NamedTuple):
    """The best one source has said: its strongest confidence, and its most precise sighting."""

    confidence: float
    uncertainty_m: float
    lat: float
    lon: float

    def joined(self, other: "Testimony") -> "Testimony":
        """Both at their best; commutative and associative, so arrival order leaves no trace."""
        sharper = min(self[1:], other[1:])
        return Testimony(max(self.confidence, other.confidence), *sharper)


@dataclass(slots=True, eq=False)
class Incident:
    """The fields are the columns of the table."""

    id: UUID
    lat: float
    lon: float
    uncertainty_m: float
    first_seen_at: datetime
    last_seen_at: datetime
    status: Status = Status.SUSPECTED
    confidence: float = 0.0
    observation_count: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    sources: dict[str, Testimony] = field(default_factory=dict)

    @classmethod
    def opened(cls, incident_id: UUID, seen: Observation) -> Self:
        """A place for `seen` to be taken into."""
        at = seen.observed_at
        return cls(incident_id, seen.position.lat, seen.position.lon, seen.uncertainty_m, at, at)

    @property
    def position(self) -> Position:
        return Position(lat=self.lat, lon=self.lon)

    def take(self, seen: Observation, belief: Belief) -> None:
        """Count `seen`, however late it arrives. A confirmed incident stays confirmed."""
        said = Testimony(seen.confidence, seen.uncertainty_m, seen.position.lat, seen.position.lon)
        known = self.sources.get(seen.source, said)
        self.sources[seen.source] = known.joined(said)
        self.kinds[seen.kind] = self.kinds.get(seen.kind, 0) + 1
        self.observation_count += 1
        self.first_seen_at = min(self.first_seen_at, seen.observed_at)
        self.last_seen_at = max(self.last_seen_at, seen.observed_at)
        self.lat, self.lon, self.uncertainty_m = centre(self.sources.values())
        self.confidence = belief.posterior(one.confidence for one in self.sources.values())
        if self.confidence >= belief.confirm_at:
            self.status = Status.CONFIRMED


def centre(sightings: Collection[Testimony]) -> tuple[float, float, float]:
    """The weighted mean as latitude, longitude (degrees) and standard deviation (metres).

    Averaged as unit vectors, so neither the poles nor the 180th meridian is a special case.
    """
    weights = [seen.uncertainty_m**-2 for seen in sightings]
    lats = [math.radians(seen.lat) for seen in sightings]
    lons = [math.radians(seen.lon) for seen in sightings]
    rows = list(zip(weights, lats, lons, strict=True))
    x = math.fsum(weight * math.cos(lat) * math.cos(lon) for weight, lat, lon in rows)
    y = math.fsum(weight * math.cos(lat) * math.sin(lon) for weight, lat, lon in rows)
    z = math.fsum(weight * math.sin(lat) for weight, lat, _ in rows)
    lat, lon = math.atan2(z, math.hypot(x, y)), math.atan2(y, x)
    # To a centimetre: beyond it is rounding of the conversion and back.
    place = round(math.degrees(lat), 7), round(math.degrees(lon), 7)
    return *place, math.fsum(weights) ** -0.5
