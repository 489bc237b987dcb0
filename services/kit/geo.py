"""Places on Earth and how far apart they are."""

from math import asin, cos, radians, sin, sqrt

from pydantic import BaseModel, ConfigDict, Field

# Mean radius R1 of the GRS 80 ellipsoid: Moritz, "Geodetic Reference System 1980", 2000.
EARTH_RADIUS_M = 6_371_008.8


class Position(BaseModel):
    """A point on Earth in WGS 84 degrees."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lat: float = Field(ge=-90, le=90, allow_inf_nan=False)
    lon: float = Field(ge=-180, le=180, allow_inf_nan=False)


def distance_m(a: Position, b: Position) -> float:
    """Return the great-circle distance in metres between `a` and `b`.

    Haversine formula (R. W. Sinnott, "Virtues of the Haversine", Sky and Telescope 68, 1984),
    on a sphere of Earth's mean radius; within 0.6 % of the ellipsoidal distance.
    """
    lat_a, lat_b = radians(a.lat), radians(b.lat)
    across = sin((lat_b - lat_a) / 2) ** 2
    along = sin(radians(b.lon - a.lon) / 2) ** 2
    # Rounding may lift the sum a hair above 1 for antipodes, where asin is not defined.
    chord = sqrt(min(1.0, across + cos(lat_a) * cos(lat_b) * along))
    return 2 * EARTH_RADIUS_M * asin(chord)
