"""What tasking is told by its environment."""

from datetime import timedelta

from pydantic import Field

from services.kit.settings import DatabaseSettings, PeerSettings, ServiceSettings


class Settings(DatabaseSettings, PeerSettings, ServiceSettings):
    # A confirmed incident with at least this risk gets a mission; 0 answers every one.
    mission_risk_threshold: float = Field(0, ge=0, le=100)
    # How long a node has to accept a mission before another one is sent.
    mission_accept_within: timedelta = timedelta(seconds=60)
    # How often deadlines and lost nodes are looked for, and fabric is asked again after a fault.
    dispatch_interval_seconds: float = Field(1, gt=0)
