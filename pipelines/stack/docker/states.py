"""What the engine tells of a container, in the words that every engine here uses.

The engine's own words: https://docs.docker.com/reference/api/engine/ (ContainerInspect).
"""

from __future__ import annotations

import signal
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pipelines.compose.model import RestartPolicy, Service
from pipelines.stack.status import State, Status

LOOP = 3  # crashes in a row that make a loop
STEADY = 3.0  # seconds up after which a crash counts as a new one
WORDS = 300  # characters of an answer that are kept: its last, where a traceback says what it is
_KILLED = 128  # an exit code above it is a signal's number more


def is_job(service: Service) -> bool:
    """It is expected to end: nothing asks for its health and nothing restarts it when done."""
    once = (RestartPolicy.NO, RestartPolicy.ON_FAILURE)
    return service.healthcheck is None and service.restart.policy in once


def status(service: Service, inspected: Mapping[str, Any], *, now: float) -> Status:
    """The status of a service by what was inspected; `now` in seconds of the Unix epoch."""
    state = inspected["State"]
    restarts = int(inspected["RestartCount"])
    is_looping = restarts >= LOOP and now - moment(state["StartedAt"]) < STEADY
    found, message = _state(service, state, is_looping)
    is_up = state["Status"] in ("running", "paused")
    return Status(
        name=service.name,
        state=found,
        pid=state["Pid"] or None,
        port=published(inspected),
        restarts=restarts,
        since=moment(state["StartedAt" if is_up else "FinishedAt"]) or now,
        answer=_answer(state) if found is not State.HEALTHY else "",
        message=message,
        steady=not is_looping,
    )


def published(inspected: Mapping[str, Any]) -> int | None:
    """The first port of this machine that leads to the container."""
    bindings = inspected["NetworkSettings"].get("Ports") or {}
    return next(
        (int(found[0]["HostPort"]) for found in bindings.values() if found),
        None,
    )


def _state(service: Service, state: Mapping[str, Any], is_looping: bool) -> tuple[State, str]:
    match state["Status"]:
        case "created":
            return State.WAITING, ""
        case "running" if is_looping:
            return State.CRASH_LOOP, _ending(state)
        case "running":
            return _health(service, state), ""
        case "paused":
            return State.UNHEALTHY, "paused"
        case "restarting":
            return (State.CRASH_LOOP if is_looping else State.RESTARTING), _ending(state)
        case "exited" if state["ExitCode"] == 0 and is_job(service):
            return State.COMPLETED, ""
        case "exited" if state["ExitCode"] == 0 and not is_job(service):
            return State.STOPPED, ""
    return State.FAILED, state.get("Error") or _ending(state)


def _health(service: Service, state: Mapping[str, Any]) -> State:
    match state.get("Health", {}).get("Status", "none"):
        case "healthy":
            return State.HEALTHY
        case "unhealthy":
            return State.UNHEALTHY
        case "starting":
            return State.STARTING
    return State.STARTING if is_job(service) else State.RUNNING


def _ending(state: Mapping[str, Any]) -> str:
    code = int(state["ExitCode"])
    if state.get("OOMKilled"):
        return "killed: it needed more memory than its limit"
    if code > _KILLED and code - _KILLED in {number.value for number in signal.Signals}:
        return f"killed by {signal.Signals(code - _KILLED).name}"
    return f"exited with code {code}"


def _answer(state: Mapping[str, Any]) -> str:
    log = state.get("Health", {}).get("Log") or [{"Output": ""}]
    return str(log[-1]["Output"]).strip()[-WORDS:]


def moment(text: str) -> float:
    """Seconds of the Unix epoch; 0 for what has not happened, which the engine puts at year 1."""
    at = datetime.fromisoformat(text[:19] + "+00:00")
    return at.timestamp() if at.year > 1 else 0.0
