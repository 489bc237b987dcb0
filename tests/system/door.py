"""The system's public door as an administrator uses it."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
from tenacity import retry, retry_if_exception, stop_after_delay, wait_fixed

from tests.stack.project import Project


class NotYet(Exception):
    """What is waited for has not come about."""


def _may_pass(error: BaseException) -> bool:
    """Whether the same may well succeed a moment later; 404 and the like do not."""
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code in (429, 502, 503, 504)
    return isinstance(error, httpx.TransportError | NotYet)


patient = retry(
    retry=retry_if_exception(_may_pass),
    wait=wait_fixed(0.05),
    stop=stop_after_delay(60),
    reraise=True,
)


@dataclass
class Door:
    client: httpx.Client
    secret: str = field(repr=False)

    @classmethod
    @contextmanager
    def of(cls, system: Project) -> Iterator[Door]:
        secret = (system.root / ".summit/secrets/admin_client_secret").read_text()
        base = f"http://127.0.0.1:{system.port('api-gateway')}"
        with httpx.Client(base_url=base, timeout=10) as client:
            door = cls(client, secret)
            door.log_in()
            yield door

    @patient
    def log_in(self) -> None:
        grant = {"grant_type": "client_credentials", "client_id": "admin"}
        answer = self.client.post("/v1/tokens", json=grant | {"client_secret": self.secret})
        answer.raise_for_status()
        self.client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    @patient
    def observe(self, observation: dict[str, Any]) -> str:
        """Send it until it is accepted; returns the incident it belongs to."""
        answer = self.client.post("/v1/observations", json=observation)
        answer.raise_for_status()
        return str(answer.json()["incident_id"])

    def get(self, path: str) -> Any:
        answer = self.client.get(path)
        answer.raise_for_status()
        return answer.json()

    @patient
    def wait_for(self, path: str) -> Any:
        """The items of a list, once there are any."""
        items = self.get(path)["items"]
        if not items:
            raise NotYet(path)
        return items


def smoke_at(position: dict[str, float], source: str) -> dict[str, Any]:
    return {
        "key": str(uuid.uuid4()),
        "kind": "smoke",
        "position": position,
        "uncertainty_m": 100,
        "confidence": 0.8,
        "source": source,
        "observed_at": datetime.now(UTC).isoformat(),
    }


def somewhere() -> dict[str, float]:
    """A place so far from any other that what is seen there is one incident."""
    return {"lat": random.uniform(-60, 60), "lon": random.uniform(-179, 179)}
