"""Asking every running service for its health, at once and now."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable

from pipelines.stack.health import Answer
from pipelines.stack.process import probes
from pipelines.stack.process.launch import Launch


def ask_all(launches: Iterable[Launch]) -> dict[str, tuple[Answer, float]]:
    """Each service's answer and how many seconds it took; what has no probe is left out."""
    return asyncio.run(_ask_all([launch for launch in launches if launch.probe]))


async def _ask_all(launches: list[Launch]) -> dict[str, tuple[Answer, float]]:
    answers = await asyncio.gather(*(_ask(launch) for launch in launches))
    return {launch.name: answer for launch, answer in zip(launches, answers, strict=True)}


async def _ask(launch: Launch) -> tuple[Answer, float]:
    assert launch.probe is not None
    began = time.perf_counter()
    answer = await probes.ask(launch.probe, port=launch.port, environment=launch.environment)
    return answer, time.perf_counter() - began
