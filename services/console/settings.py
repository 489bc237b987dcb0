"""What the console is told by its environment."""

from pydantic import Field

from services.kit.settings import ServiceSettings


class Settings(ServiceSettings):
    # Where the browser, not this service, finds the gateway.
    gateway_public_url: str = Field("http://127.0.0.1:8000", pattern=r"^https?://[^/?#\s;,]+$")
