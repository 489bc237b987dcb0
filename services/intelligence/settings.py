"""What intelligence is told by its environment."""

from datetime import timedelta

from pydantic import Field

from services.kit.settings import DatabaseSettings, PeerSettings, ServiceSettings


class Settings(DatabaseSettings, PeerSettings, ServiceSettings):
    # Noon weather is taken to hold this far around a station, and until the day after.
    weather_reach_m: float = Field(100_000, gt=0, le=1_000_000)
    weather_max_age: timedelta = timedelta(hours=36)
    # New weather assesses at most so many incidents anew, the most threatening first.
    reassess_limit: int = Field(500, ge=0, le=10_000)
    # A station's clock may be ahead by this much.
    clock_skew: timedelta = timedelta(minutes=5)
