"""The tasking service, put together."""

from fastapi import FastAPI

from services.kit.asgi import Kit
from services.kit.clock import Clock, now
from services.kit.database import Database
from services.kit.outbox import feed_router
from services.kit.peers import Peers
from services.kit.tokens import Verifier
from services.tasking.dispatcher import Dispatcher
from services.tasking.models import OUTBOX
from services.tasking.routes import missions, risk_events
from services.tasking.settings import Settings


def create_app(settings: Settings, *, clock: Clock = now) -> Kit:
    """Build the service."""
    database = Database(settings)
    peers = Peers(settings, client_id="tasking")
    dispatcher = Dispatcher(
        database,
        peers.fabric,
        clock,
        accept_within=settings.mission_accept_within,
        interval=settings.dispatch_interval_seconds,
    )
    app = FastAPI(title="tasking", version="1.0.0")
    app.state.clock = clock
    app.state.database = database
    app.state.peers = peers
    app.state.verifier = Verifier(peers.jwks, clock=clock)
    for router in (missions.router, risk_events.router, feed_router(OUTBOX)):
        app.include_router(router)
    return Kit(
        app,
        name="tasking",
        settings=settings,
        checks={"database": database.check},
        resources=[database, peers, dispatcher.running],
    )
