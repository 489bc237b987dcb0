"""Asking every running container for its health, at once and now, by the check it is given."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from docker.errors import APIError
from docker.models.containers import Container

from pipelines.stack.docker.states import WORDS
from pipelines.stack.health import Answer

AT_ONCE = 8


def ask_all(containers: Mapping[str, Container]) -> dict[str, tuple[Answer, float]]:
    """Each service's answer and how many seconds it took; what has no check is left out."""
    asked = {
        name: test
        for name, container in containers.items()
        if container.status in ("running", "paused") and (test := _test(container))
    }
    with ThreadPoolExecutor(AT_ONCE) as threads:
        answers = threads.map(lambda name: _ask(containers[name], asked[name]), asked)
        return dict(zip(asked, answers, strict=True))


def _test(container: Container) -> list[str]:
    match (container.attrs["Config"].get("Healthcheck") or {}).get("Test") or []:
        case ["CMD", *words]:
            return list(words)
        case ["CMD-SHELL", line]:
            return ["/bin/sh", "-c", line]
    return []


def _ask(container: Container, test: list[str]) -> tuple[Answer, float]:
    began = time.perf_counter()
    try:
        code, output = container.exec_run(test)
        assert isinstance(output, bytes)  # as neither a stream nor a socket was asked for
        said = output.decode(errors="replace").strip()[-WORDS:] or f"exit code {code}"
        answer = Answer(code == 0, said)
    except APIError as error:  # paused, or gone between two moments
        answer = Answer(False, str(error.explanation or error))
    return answer, time.perf_counter() - began
