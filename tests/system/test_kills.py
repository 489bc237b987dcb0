"""Twenty kills at random instants: every next command puts it right and no observation is lost."""

from __future__ import annotations

import os
import random
import signal

import httpx
import psutil
import pytest

from tests.stack.project import Project
from tests.system.door import Door, smoke_at, somewhere

VICTIMS = ("postgres", "fusion", "intelligence", "tasking", "fabric", "api-gateway", "supervisor")
KILLS = 20


def victim(system: Project, name: str) -> int | None:
    return system.supervisor().pid if name == "supervisor" else system.status(name).pid


@pytest.mark.timeout(600)
def test_whatever_is_killed_no_accepted_observation_is_lost(system: Project) -> None:
    chance = random.Random()
    accepted: dict[str, str] = {}
    for _ in range(KILLS):
        assert system.inv("up", "--wait-timeout", "100").returncode == 0
        with Door.of(system) as door:
            name = chance.choice(VICTIMS)
            at = chance.randrange(6)
            for number in range(6):
                if number == at and (pid := victim(system, name)):
                    os.kill(pid, signal.SIGKILL)
                note(accepted, door, smoke_at(somewhere(), f"{name}-{number}"))

    assert system.inv("up", "--wait-timeout", "100").returncode == 0
    with Door.of(system) as door:
        for key, incident in accepted.items():
            assert door.get(f"/v1/observations/{key}")["incident_id"] == incident
            assert door.wait_for(f"/v1/risks?incident_id={incident}")
    assert len(accepted) >= KILLS  # most of the 120 were accepted, whatever was killed
    assert all(psutil.pid_exists(system.pid(name)) for name in VICTIMS if name != "supervisor")


def note(accepted: dict[str, str], door: Door, observation: dict[str, object]) -> None:
    """Send it once; what was answered with success was accepted and must be found again."""
    try:
        answer = door.client.post("/v1/observations", json=observation)
    except httpx.TransportError:
        return
    if answer.is_success:
        accepted[str(observation["key"])] = answer.json()["incident_id"]
    else:
        assert answer.status_code in (429, 502, 503, 504), answer.text
