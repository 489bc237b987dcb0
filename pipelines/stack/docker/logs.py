"""What containers have printed, and what they print from now on."""

from __future__ import annotations

import queue
import threading
from collections.abc import Mapping

from docker.models.containers import Container

from pipelines.stack.engine import Show


def tail(container: Container, lines: int) -> list[str]:
    """The last lines of one."""
    return _text(container.logs(tail=lines)).splitlines()


def follow(containers: Mapping[str, Container], show: Show) -> None:
    """Show every line of these containers until all have ended. Raises what their engine does."""
    arrived: queue.Queue[tuple[str, str] | Exception | None] = queue.Queue()
    for name, container in containers.items():
        threading.Thread(target=_read, args=(name, container, arrived), daemon=True).start()
    open_ = len(containers)
    while open_:
        match arrived.get():
            case None:
                open_ -= 1
            case Exception() as error:
                raise error
            case name, line:
                show(name, line)


def _read(
    name: str, container: Container, arrived: queue.Queue[tuple[str, str] | Exception | None]
) -> None:
    rest = b""
    try:
        for chunk in container.logs(stream=True, follow=True, tail=0):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                arrived.put((name, _text(line)))
        arrived.put(None)
    except Exception as error:
        arrived.put(error)  # for the thread that waits: nobody sees what is raised in this one


def _text(output: bytes) -> str:
    return output.decode(errors="replace")
