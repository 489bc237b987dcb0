"""What the gateway is told by its environment."""

from typing import Annotated

import limits
from pydantic import AfterValidator, Field

from services.kit.settings import PeerSettings, ServiceSettings


def _check_rate(text: str) -> str:
    limits.parse(text)
    return text


RateText = Annotated[str, AfterValidator(_check_rate)]


class Settings(PeerSettings, ServiceSettings):
    # Of one client: the subject of its token, or its address as long as it has none.
    rate_limit: RateText = "6000/minute"
    # Of one address at `POST /v1/tokens`, where secrets can be guessed.
    login_rate_limit: RateText = "120/minute"
    # Where replicas count together; without it each counts for itself.
    redis_url: str | None = Field(None, pattern=r"^rediss?://")
    circuit_failures: int = Field(5, gt=0)
    circuit_open_seconds: float = Field(2, gt=0)
    event_streams: int = Field(1000, gt=0)
    # A subscriber that takes nothing for so long is let go.
    event_patience_seconds: float = Field(10, gt=0)
    # Of each service; who needs older ones reads them from the service itself.
    events_kept: int = Field(1000, gt=0)

    @property
    def upstreams(self) -> dict[str, str]:
        """The address of each service by its name."""
        return {
            "fabric": self.fabric_url.rstrip("/"),
            "fusion": self.fusion_url.rstrip("/"),
            "intelligence": self.intelligence_url.rstrip("/"),
            "tasking": self.tasking_url.rstrip("/"),
        }
