"""An observation as it comes in: one sighting by one source."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.kit.geo import Position

# A geostationary pixel at its worst. What is vaguer locates nothing, and would widen every search.
MAX_UNCERTAINTY_M = 10_000.0
MAX_BATCH = 1_000

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 _.:@-]{0,127}$")]


class Kind(StrEnum):
    SMOKE = "smoke"
    HEAT = "heat"
    LIGHTNING = "lightning"


class Observation(BaseModel):
    """`uncertainty_m` is one standard deviation per axis; `key` makes sending it again harmless."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: Name
    kind: Kind
    position: Position
    uncertainty_m: float = Field(ge=1, le=MAX_UNCERTAINTY_M, allow_inf_nan=False)
    confidence: float = Field(gt=0, lt=1, allow_inf_nan=False)
    source: Name
    observed_at: Annotated[AwareDatetime, Field(ge=datetime(2000, 1, 1, tzinfo=UTC))]


class Batch(BaseModel):
    """Taken in as a whole or not at all."""

    model_config = ConfigDict(extra="forbid")

    observations: list[Observation] = Field(min_length=1, max_length=MAX_BATCH)
