"""Readiness questions: asked of a service until they are answered."""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from pipelines.errors import SummitError
from pipelines.programs import process
from pipelines.stack.health import Answer

FIRST_PAUSE = 0.01  # seconds; grows by half with each question until `start_interval`
GROWTH = 1.5
WORDS = 300  # characters of an answer that are kept

# A hung service holds its thread for the probe's timeout; it must not delay the others' probes.
_threads = ThreadPoolExecutor(max_workers=32, thread_name_prefix="probe")


@dataclass(frozen=True)
class Probe:
    """One question. Times are in seconds, with the meaning of Compose's `healthcheck`."""

    http: str | None  # a path on the service's port
    command: tuple[str, ...] = ()
    interval: float = 30.0
    timeout: float = 30.0
    retries: int = 3
    start_period: float = 0.0
    start_interval: float = 5.0


async def ask(probe: Probe, *, port: int | None, environment: Mapping[str, str]) -> Answer:
    """Ask once; a refusal, a time-out and a bad status are answers, not errors."""
    loop = asyncio.get_running_loop()
    if probe.http is not None and port is not None:
        return await loop.run_in_executor(_threads, _get, port, probe.http, probe.timeout)
    return await loop.run_in_executor(_threads, _call, probe, dict(environment))


def _get(port: int, path: str, timeout: float) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        response = connection.getresponse()
        body = response.read(WORDS).decode(errors="replace").strip()
        return Answer(response.status < 400, f"{response.status} {body}".strip())
    except TimeoutError:
        return Answer(False, f"no answer within {timeout:g} s")
    except (OSError, http.client.HTTPException) as error:
        return Answer(False, getattr(error, "strerror", None) or repr(error))
    finally:
        connection.close()


def _call(probe: Probe, environment: dict[str, str]) -> Answer:
    try:
        done = process.run(
            probe.command, env=environment, timeout=probe.timeout, capture=True, echo=False
        )
    except SummitError as error:
        return Answer(False, str(error))
    return Answer(bool(done), done.output.strip()[:WORDS] or f"exit code {done.code}")
