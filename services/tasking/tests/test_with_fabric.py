"""The dispatcher asks the real fabric, so that no stand-in can hide a change of its API."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from services.fabric.app import create_app
from services.fabric.settings import Settings
from services.kit.geo import Position
from services.kit.testing import TestIssuer, client, migrated
from services.kit.tokens import Role
from services.tasking.dispatcher import Dispatcher, nodes
from services.tasking.missions import open_mission
from services.tasking.models import Mission
from services.tasking.states import Status


class Fabric:
    """What `Peers.fabric` is to the dispatcher, without a socket."""

    def __init__(self, http, issuer):
        self.http = http
        self.issuer = issuer

    async def get(self, path, *, params):
        answer = await self.http.get(
            path, params=params, headers=self.issuer.headers(Role.SERVICE, subject="tasking")
        )
        return answer.raise_for_status().json()

    async def register(self, name, *, lat):
        truck = {
            "name": name,
            "kind": "truck",
            "position": {"lat": lat, "lon": -120},
            "range_m": 3_000_000,
            "capabilities": ["suppress"],
        }
        headers = self.issuer.headers(Role.OPERATOR)
        answer = await self.http.post("/v1/nodes", json=truck, headers=headers)
        return answer.raise_for_status().json()["id"]


@pytest.fixture
async def fabric(postgres, clock) -> AsyncIterator[Fabric]:
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    settings = Settings(**await migrated(postgres, "fabric"), token_signing_key=pem)
    kit = create_app(settings, clock=clock)
    issuer = TestIssuer(clock)
    kit.app.state.verifier = issuer.verifier()
    async with client(kit) as http:
        yield Fabric(http, issuer)


async def test_a_mission_moves_on_when_its_node_falls_silent(database, fabric, clock):
    dispatcher = Dispatcher(
        database, fabric, clock, accept_within=timedelta(hours=1), interval=3600
    )
    silent = await fabric.register("silent", lat=38.1)
    async with database.session() as session:
        mission = await open_mission(
            session,
            incident_id=None,
            position=Position(lat=38, lon=-120),
            capability="suppress",
            note=None,
            by="ann",
            now=clock(),
        )
    sent = []

    async def sweep():
        await dispatcher.sweep()
        async with database.session() as session:
            found = await session.get_one(Mission, mission.id)
            sent.append((found.status, found.node_id and str(found.node_id)))

    await sweep()
    clock.advance(seconds=90)
    await sweep()
    other = await fabric.register("other", lat=39)
    await sweep()

    assert sent == [
        (Status.DISPATCHED, silent),
        (Status.PENDING, None),
        (Status.DISPATCHED, other),
    ]


async def test_all_pages_are_read(fabric, monkeypatch):
    monkeypatch.setattr("services.tasking.dispatcher.PAGE", 2)
    registered = {await fabric.register(f"truck-{number}", lat=38) for number in range(5)}

    found = await nodes(fabric, status="ACTIVE", capability="suppress")

    assert {str(node.id) for node in found} == registered
