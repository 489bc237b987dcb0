"""The fusion service, put together."""

from fastapi import FastAPI

from services.fusion.delivery import delivery_to
from services.fusion.models import OUTBOX
from services.fusion.routes import incidents, observations
from services.fusion.settings import Settings
from services.kit.asgi import Kit
from services.kit.clock import Clock, now
from services.kit.database import Database
from services.kit.outbox import Relay, feed_router
from services.kit.peers import Peers
from services.kit.tokens import Verifier


def create_app(settings: Settings, *, clock: Clock = now) -> Kit:
    """Build the service."""
    database = Database(settings)
    peers = Peers(settings, client_id="fusion")
    relay = Relay(database, OUTBOX, subscriber="intelligence", send=delivery_to(peers.intelligence))
    app = FastAPI(title="fusion", version="1.0.0")
    app.state.clock = clock
    app.state.database = database
    app.state.verifier = Verifier(peers.jwks, clock=clock)
    for router in (incidents.router, observations.router, feed_router(OUTBOX)):
        app.include_router(router)
    return Kit(
        app,
        name="fusion",
        settings=settings,
        checks={"database": database.check},
        resources=[database, peers, relay],
    )
