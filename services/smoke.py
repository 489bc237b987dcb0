"""The smoke story through the public door: `python -m services.smoke`.

Reads GATEWAY_URL and ADMIN_CLIENT_SECRET (or ADMIN_CLIENT_SECRET_FILE). Prints a line for each step
with what it made; the first that fails is named on stderr with the last answer, and the exit code
is 1. It leaves a closed incident and a completed mission behind, and can be told again at once.
"""

import asyncio
import os
import random
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import orjson
from tenacity import AsyncRetrying, RetryError, retry_if_result, stop_after_delay, wait_exponential

DEFAULT_URL = "http://127.0.0.1:8000"
ANSWER_WITHIN_S = 10.0
HAPPENS_WITHIN_S = 30.0
FOREIGN_ORIGIN = "https://foreign.invalid"
SOURCES = ("camera", "satellite", "patrol")


class StepFailedError(Exception):
    """The system did not do what the story says."""


class Door:
    """Asks the gateway, and remembers the last answer for when something goes wrong."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session
        self.last = "nothing was asked yet"

    async def ask(
        self,
        method: str,
        path: str,
        *,
        token: str = "",
        json: object = None,
        expect: int = 200,
        origin: str = "",
    ) -> Any:
        """Return the JSON of an answer with status `expect`; anything else fails the step."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if origin:
            headers["Origin"] = origin
        self.last = f"{method} {path} was not answered"
        async with self.session.request(method, path, json=json, headers=headers) as response:
            text = await response.text()
            self.last = f"{method} {path} answered {response.status} {text[:300]}"
            if response.status != expect:
                raise StepFailedError(f"expected {expect}")
            if origin and "Access-Control-Allow-Origin" in response.headers:
                raise StepFailedError(f"{origin} was allowed in by CORS")
            return orjson.loads(text)

    async def token(self, client_id: str, client_secret: str) -> str:
        """Log a client in."""
        grant = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": client_secret,
        }
        answer = await self.ask("POST", "/v1/tokens", json=grant)
        return str(answer["access_token"])

    async def until(self, what: str, look: Callable[[], Awaitable[Any]]) -> Any:
        """Look again and again until there is something; it is returned."""
        try:
            return await AsyncRetrying(
                retry=retry_if_result(lambda found: found is None),
                wait=wait_exponential(multiplier=0.02, max=0.5),
                stop=stop_after_delay(HAPPENS_WITHIN_S),
            )(look)
        except RetryError:
            raise StepFailedError(f"no {what} within {HAPPENS_WITHIN_S:g} s") from None


class Story:
    """One telling, at a place of its own; each step leaves what the later ones need."""

    def __init__(self, door: Door, admin_secret: str) -> None:
        self.door = door
        self.admin_secret = admin_secret
        self.name = f"smoke-{uuid4()}"
        latitude, longitude = random.uniform(-60, 60), random.uniform(-179, 179)  # noqa: S311
        self.place = {"lat": latitude, "lon": longitude}
        self.admin = self.operator = self.node = ""
        self.node_id = self.incident_id = self.mission_id = ""
        self.seen: set[tuple[str, str]] = set()
        self.position = ""
        self.watching: asyncio.Task[None] | None = None

    async def log_in(self) -> str:
        """an administrator logs in"""
        self.admin = await self.door.token("admin", self.admin_secret)
        return "admin"

    async def refuse_a_forged_token(self) -> str:
        """a forged token is refused"""
        head, payload, signature = self.admin.split(".")
        forged = ".".join((head, payload, signature[::-1]))
        problem = await self.door.ask("GET", "/v1/incidents", token=forged, expect=401)
        return str(problem["code"])

    async def refuse_a_foreign_origin(self) -> str:
        """a foreign origin gets no CORS header"""
        await self.door.ask("GET", "/v1/incidents", token=self.admin, origin=FOREIGN_ORIGIN)
        return FOREIGN_ORIGIN

    async def open_the_event_stream(self) -> str:
        """the event stream opens"""
        path = "/v1/events?topics=incident,mission"
        self.door.last = f"GET {path} was not answered"
        stream = await self.door.session.get(
            path,
            headers={"Authorization": f"Bearer {self.admin}"},
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=ANSWER_WITHIN_S),
        )
        self.door.last = f"GET {path} answered {stream.status}"
        if stream.status != 200:
            raise StepFailedError("expected 200")
        self.watching = asyncio.create_task(self._note_events(stream))
        await self.door.until("word of where the feeds stand", self._stream_position)
        return self.position

    async def _stream_position(self) -> str | None:
        stands = "fusion=" in self.position and "tasking=" in self.position
        return self.position if stands else None

    async def _note_events(self, stream: aiohttp.ClientResponse) -> None:
        async with stream:
            async for line in stream.content:
                if line.startswith(b"id: "):
                    self.position = line.decode().removeprefix("id: ").strip()
                elif line.startswith(b"data: "):
                    event = orjson.loads(line.removeprefix(b"data: "))
                    self.seen.add((event["topic"], event["data"]["id"]))

    async def create_an_operator(self) -> str:
        """an operator is created and logs in"""
        wanted = {"name": self.name, "role": "operator"}
        made = await self.door.ask(
            "POST", "/v1/operators", token=self.admin, json=wanted, expect=201
        )
        self.operator = await self.door.token(made["client_id"], made["client_secret"])
        return str(made["client_id"])

    async def register_a_node(self) -> str:
        """a node is registered and logs in"""
        wanted = {
            "name": self.name,
            "kind": "truck",
            "position": self.place,
            "range_m": 5000,
            "capabilities": ["smoke", "suppress"],
        }
        made = await self.door.ask(
            "POST", "/v1/nodes", token=self.operator, json=wanted, expect=201
        )
        self.node_id = made["id"]
        self.node = await self.door.token(made["client_id"], made["client_secret"])
        return self.node_id

    async def send_a_heartbeat(self) -> str:
        """the node sends a heartbeat"""
        path = f"/v1/nodes/{self.node_id}/heartbeat"
        node = await self.door.ask("POST", path, token=self.node, json={"sent_at": _now()})
        if node["status"] != "ACTIVE":
            raise StepFailedError("the node is not ACTIVE")
        return str(node["status"])

    async def observe_smoke(self) -> str:
        """smoke is observed three times"""
        for source in SOURCES:
            observation = {
                "key": str(uuid4()),
                "kind": "smoke",
                "position": self.place,
                "uncertainty_m": 100,
                "confidence": 0.9,
                "source": f"{self.name}-{source}",
                "observed_at": _now(),
            }
            seen = await self.door.ask(
                "POST", "/v1/observations", token=self.node, json=observation, expect=201
            )
            if self.incident_id not in ("", seen["incident_id"]):
                raise StepFailedError(f"not the same incident as before: {self.incident_id}")
            self.incident_id = seen["incident_id"]
        return self.incident_id

    async def confirm_the_incident(self) -> str:
        """one incident is confirmed"""
        incident = await self.door.until("confirmed incident", self._confirmed_incident)
        if incident["observation_count"] != len(SOURCES):
            raise StepFailedError(f"expected {len(SOURCES)} observations in it")
        return f"{incident['id']} confidence {incident['confidence']:.3f}"

    async def _confirmed_incident(self) -> Any:
        path = f"/v1/incidents/{self.incident_id}"
        incident = await self.door.ask("GET", path, token=self.operator)
        return incident if incident["status"] == "CONFIRMED" else None

    async def compute_the_risk(self) -> str:
        """its risk is computed"""
        risk = await self.door.until("risk", self._risk)
        return f"{risk['level']} score {risk['score']:.1f}"

    async def _risk(self) -> Any:
        path = f"/v1/risks?incident_id={self.incident_id}"
        page = await self.door.ask("GET", path, token=self.operator)
        return next(iter(page["items"]), None)

    async def dispatch_a_mission(self) -> str:
        """a mission is dispatched"""
        mission = await self.door.until("dispatched mission", self._dispatched_mission)
        if mission["node_id"] != self.node_id:
            raise StepFailedError(f"expected the nearest node, {self.node_id}")
        self.mission_id = mission["id"]
        return f"{self.mission_id} to {mission['node_id']}"

    async def _dispatched_mission(self) -> Any:
        path = f"/v1/missions?incident_id={self.incident_id}"
        page = await self.door.ask("GET", path, token=self.operator)
        if len(page["items"]) > 1:
            raise StepFailedError("expected one mission for the incident")
        return next((found for found in page["items"] if found["status"] == "DISPATCHED"), None)

    async def complete_the_mission(self) -> str:
        """the node completes it"""
        path = f"/v1/missions/{self.mission_id}/transitions"
        for state in ("ACCEPTED", "ON_SCENE", "COMPLETED"):
            mission = await self.door.ask("POST", path, token=self.node, json={"to": state})
            if mission["status"] != state:
                raise StepFailedError(f"expected {state}")
        return self.mission_id

    async def close_the_incident(self) -> str:
        """the operator closes the incident"""
        path = f"/v1/incidents/{self.incident_id}/close"
        incident = await self.door.ask("POST", path, token=self.operator)
        return str(incident["status"])

    async def see_it_all_live(self) -> str:
        """the event stream showed both"""
        wanted = {
            ("incident.confirmed", self.incident_id),
            ("mission.completed", self.mission_id),
        }

        async def shown() -> bool | None:
            self.door.last = f"the stream showed {sorted(self.seen)}"
            return True if wanted <= self.seen else None

        await self.door.until("such events", shown)
        return ", ".join(sorted(topic for topic, _ in wanted))

    async def close(self) -> None:
        """Stop watching the events."""
        if self.watching:
            self.watching.cancel()
            with suppress(asyncio.CancelledError, aiohttp.ClientError):
                await self.watching


STEPS = (
    Story.log_in,
    Story.refuse_a_forged_token,
    Story.refuse_a_foreign_origin,
    Story.open_the_event_stream,
    Story.create_an_operator,
    Story.register_a_node,
    Story.send_a_heartbeat,
    Story.observe_smoke,
    Story.confirm_the_incident,
    Story.compute_the_risk,
    Story.dispatch_a_mission,
    Story.complete_the_mission,
    Story.close_the_incident,
    Story.see_it_all_live,
)


async def tell(url: str, admin_secret: str) -> None:
    """Tell the whole story.

    Raises:
        SystemExit: with the line that says which step failed.
    """
    timeout = aiohttp.ClientTimeout(total=ANSWER_WITHIN_S)
    async with aiohttp.ClientSession(url, timeout=timeout) as session:
        story = Story(Door(session), admin_secret)
        try:
            for step in STEPS:
                await _take(step, story)
        finally:
            await story.close()


async def _take(step: Callable[[Story], Awaitable[str]], story: Story) -> None:
    started = time.perf_counter()
    try:
        made = await step(story)
    except (StepFailedError, aiohttp.ClientError, TimeoutError, KeyError, ValueError) as error:
        why = str(error) or type(error).__name__
        sys.exit(f"smoke: failed where {step.__doc__}: {why}; last: {story.door.last}")
    milliseconds = (time.perf_counter() - started) * 1000
    sys.stdout.write(f"{step.__doc__:<40} {made:<80} {milliseconds:>6.0f} ms\n")
    sys.stdout.flush()


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _admin_secret() -> str:
    secret = os.environ.get("ADMIN_CLIENT_SECRET")
    if secret:
        return secret
    path = os.environ.get("ADMIN_CLIENT_SECRET_FILE")
    if not path:
        sys.exit("smoke: set ADMIN_CLIENT_SECRET, or ADMIN_CLIENT_SECRET_FILE to a file with it")
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        sys.exit(f"smoke: ADMIN_CLIENT_SECRET_FILE: cannot read {path}: {error.strerror}")


if __name__ == "__main__":
    asyncio.run(tell(os.environ.get("GATEWAY_URL", DEFAULT_URL), _admin_secret()))
