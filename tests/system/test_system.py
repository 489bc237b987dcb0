"""What a person is promised of the whole system."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable

import httpx
import psutil
import pytest

from tests.stack.project import Project
from tests.system.door import Door, smoke_at, somewhere

Until = Callable[[Callable[[], object]], None]
SERVICES = ("api-gateway", "fabric", "fusion", "intelligence", "tasking")


def test_the_smoke_story_passes_again_and_again(healthy: Project) -> None:
    for _ in range(2):
        outcome = healthy.inv("smoke")
        assert outcome.returncode == 0, outcome.stdout + outcome.stderr
        ids = re.findall(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", outcome.stdout)
        assert len(set(ids)) >= 3  # a node, an incident, a mission


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("path", ["/health", "/livez", "/readyz", "/metrics"])
def test_every_service_answers_for_itself(healthy: Project, service: str, path: str) -> None:
    assert httpx.get(f"http://127.0.0.1:{healthy.port(service)}{path}").status_code == 200


def test_only_loopback_is_listened_on(healthy: Project) -> None:
    listening = {
        connection.laddr.ip
        for service in ("postgres", *SERVICES)
        for connection in psutil.Process(healthy.pid(service)).net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {"127.0.0.1"}


def test_a_forced_failure_is_counted_and_tells_nothing(healthy: Project, door: Door) -> None:
    fusion = f"http://127.0.0.1:{healthy.port('fusion')}"
    away, back = ("incidents", "hidden"), ("hidden", "incidents")
    rename(healthy, *away)
    try:
        answer = door.client.get(f"{fusion}/v1/incidents")
    finally:
        rename(healthy, *back)

    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "hidden" not in answer.text
    assert "SELECT" not in answer.text
    counted = httpx.get(f"{fusion}/metrics").text
    assert re.search(
        r'^errors_total\{(?=.*route="/v1/incidents")(?=.*status="500").*\} [1-9]',
        counted,
        re.MULTILINE,
    )


def rename(system: Project, table: str, name: str) -> None:
    sql = f"ALTER TABLE fusion.{table} RENAME TO {name}"
    outcome = system.inv("exec", "postgres", "--", "psql", "--quiet", "--command", sql)
    assert outcome.returncode == 0, outcome.stderr


def test_a_foreign_origin_gets_no_cors_header_and_our_own_does(door: Door) -> None:
    foreign = door.client.get("/v1/incidents", headers={"Origin": "https://foreign.invalid"})
    own = door.client.get("/v1/incidents", headers={"Origin": "http://localhost:3000"})

    assert "access-control-allow-origin" not in foreign.headers
    assert own.headers["access-control-allow-origin"] == "http://localhost:3000"


def test_production_with_a_placeholder_secret_refuses_to_start(system: Project) -> None:
    outcome = system.inv(
        *("exec", "fusion", "--", "env", "ENVIRONMENT=production", "CLIENT_SECRET_FILE="),
        *("CLIENT_SECRET=changeme", "python", "-m", "services.kit.serve", "fusion"),
    )

    assert outcome.returncode == 2
    assert "CLIENT_SECRET" in outcome.stderr
    assert "changeme" not in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_postgres_killed_is_noticed_mended_and_nothing_accepted_is_lost(
    healthy: Project, door: Door, until: Until
) -> None:
    ready = f"http://127.0.0.1:{healthy.port('fusion')}/readyz"
    place = somewhere()
    seen: list[int] = []

    def ask() -> int:
        seen.append(httpx.get(ready).status_code)
        return seen[-1]

    before, supervisor = healthy.pid("postgres"), healthy.supervisor().pid
    # Held still for a moment, so that the failure is long enough to be seen from outside.
    os.kill(supervisor, signal.SIGSTOP)
    try:
        os.kill(before, signal.SIGKILL)
        until(lambda: ask() == 503)
    finally:
        os.kill(supervisor, signal.SIGCONT)
    incidents = {door.observe(smoke_at(place, f"camera-{n}")) for n in range(3)}
    until(lambda: ask() == 200)

    assert healthy.pid("postgres") != before
    assert len(incidents) == 1
    (incident,) = incidents
    assert door.get(f"/v1/incidents/{incident}")["observation_count"] == 3
    assert door.wait_for(f"/v1/missions?incident_id={incident}")
