"""The gateway, put together."""

from fastapi import FastAPI

from services.api_gateway.gateway import Gateway
from services.api_gateway.settings import Settings
from services.kit.asgi import Kit


def create_app(settings: Settings) -> Kit:
    """Return the gateway as the server runs it; nothing is opened before its lifespan."""
    gateway = Gateway(settings)
    app = FastAPI(title="api-gateway", version="1.0.0", openapi_url=None)
    app.router = gateway
    kit = Kit(
        app,
        name="api-gateway",
        settings=settings,
        resources=[lambda: gateway.running(kit.stopping)],
    )
    kit.health.routes["/health"] = gateway.health
    return kit
