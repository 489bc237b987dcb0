"""The intelligence service, put together."""

from fastapi import FastAPI

from services.intelligence.delivery import delivery_to
from services.intelligence.models import OUTBOX
from services.intelligence.routes import incident_events, risks, weather
from services.intelligence.settings import Settings
from services.kit.asgi import Kit
from services.kit.clock import Clock, now
from services.kit.database import Database
from services.kit.outbox import Relay, feed_router
from services.kit.peers import Peers
from services.kit.tokens import Verifier


def create_app(settings: Settings, *, clock: Clock = now) -> Kit:
    """Build the service."""
    database = Database(settings)
    peers = Peers(settings, client_id="intelligence")
    relay = Relay(database, OUTBOX, subscriber="tasking", send=delivery_to(peers.tasking))
    app = FastAPI(title="intelligence", version="1.0.0")
    app.state.clock = clock
    app.state.database = database
    app.state.verifier = Verifier(peers.jwks, clock=clock)
    for router in (incident_events.router, risks.router, weather.router, feed_router(OUTBOX)):
        app.include_router(router)
    return Kit(
        app,
        name="intelligence",
        settings=settings,
        checks={"database": database.check},
        resources=[database, peers, relay],
    )
