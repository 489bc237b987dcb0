import asyncio

import pytest

from services.fusion.delivery import delivery_to
from services.fusion.models import OUTBOX
from services.kit.database import Database
from services.kit.outbox import Relay
from services.kit.problems import Code, Problem


class FakeIntelligence:
    """A neighbour that can be down, and remembers what it took."""

    def __init__(self):
        self.is_down = True
        self.was_asked_in_vain = asyncio.Event()
        self.took_everything = asyncio.Event()
        self.taken = []

    async def post(self, path, *, json, is_idempotent):
        assert (path, json["source"], is_idempotent) == ("/v1/incident-events", "fusion", True)
        if self.is_down:
            self.was_asked_in_vain.set()
            raise Problem(Code.UNAVAILABLE, "intelligence is away")
        self.taken += json["events"]
        if self.taken[-1]["topic"] == "incident.closed":
            self.took_everything.set()


@pytest.fixture
def intelligence():
    return FakeIntelligence()


async def test_what_happens_while_the_neighbour_is_down_reaches_it_later_in_order(
    api, sighting, settings, intelligence
):
    for source in ("tower", "drone", "viirs"):
        answer = await api("node").post("/v1/observations", json=sighting(source, source=source))
    incident = answer.json()["incident_id"]

    async with (
        Database(settings) as database,
        Relay(database, OUTBOX, subscriber="fake", send=delivery_to(intelligence)),
    ):
        await asyncio.wait_for(intelligence.was_asked_in_vain.wait(), 10)
        await api("operator").post(f"/v1/incidents/{incident}/close")
        intelligence.is_down = False
        await asyncio.wait_for(intelligence.took_everything.wait(), 10)

    assert [event["topic"] for event in intelligence.taken] == [
        "incident.suspected",
        "incident.updated",
        "incident.confirmed",
        "incident.closed",
    ]
    assert {event["data"]["id"] for event in intelligence.taken} == {incident}
    assert len({event["id"] for event in intelligence.taken}) == 4
