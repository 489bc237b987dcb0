"""What fusion is told by its environment."""

from datetime import timedelta

from pydantic import Field

from services.fusion.belief import Belief
from services.fusion.correlation import Gate
from services.kit.settings import DatabaseSettings, PeerSettings, ServiceSettings


class Settings(DatabaseSettings, PeerSettings, ServiceSettings):
    # How many of an incident's true observations the gate lets through.
    gate_probability: float = Field(0.99, gt=0, lt=1)
    gate_window: timedelta = Field(timedelta(hours=2), ge=timedelta(0))
    # How far apart, as one standard deviation, precise sightings of a single fire still lie.
    fire_extent_m: float = Field(150, ge=0, le=10_000)
    # Of places somebody reports at all, this share burns.
    fire_prior: float = Field(0.2, gt=0, lt=1)
    # Three sources at 0.7 confirm, two at 0.75 do not.
    confirm_at: float = Field(0.75, gt=0, lt=1)
    # A sensor's clock may be ahead by this much.
    clock_skew: timedelta = timedelta(minutes=5)

    @property
    def gate(self) -> Gate:
        return Gate(self.gate_probability, self.gate_window, self.fire_extent_m)

    @property
    def belief(self) -> Belief:
        return Belief(prior=self.fire_prior, confirm_at=self.confirm_at)
