"""Where commands come in: the one place that brings the gates and the stack together."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from pipelines import border, gates
from pipelines.checkout import snapshot
from pipelines.checkout.snapshot import Look
from pipelines.gates import Request
from pipelines.planning.workspace import Workspace

if TYPE_CHECKING:
    from pipelines.stack.needed import Needed

AUDIT = "audit"  # whose task also does something where there is no such gate
IMAGE = "image"  # the step that builds the image of the service its component is called after


def check(root: str, words: Sequence[str], look: Look | None, hand_over: Callable[[], None]) -> int:
    """Run these gates without options, after a first look; returns the exit code.

    Hands over where `audit` is among them and none of the repository's.
    """
    return border.cross(lambda: _check(root, words, look, hand_over))


def _check(
    root: str, words: Sequence[str], look: Look | None, hand_over: Callable[[], None]
) -> None:
    opened = Workspace(root, _Services(root), look)
    if AUDIT in words and AUDIT not in opened.layout.gates:
        hand_over()
    else:
        gates.run(opened, Request(tuple(words)))


def workspace(root: str) -> Workspace:
    """The working copy at `root`, whose steps can have services of its Compose file."""
    return Workspace(root, _Services(root), snapshot.look(root))


def images(root: str, services: Collection[str]) -> None:
    """Bring the images of these components to evidence, as far as the plan has a step for them.

    Nothing is said of what holds. Raises as `gates.run` does.
    """
    if not services or not os.path.exists(f"{root}/pipelines.yaml"):
        return
    from pathlib import Path

    from pipelines.images import kept

    opened = workspace(root)
    planned = tuple(it for it in services if f"{IMAGE}:{it}" in opened.layout.steps)
    if not planned:
        return
    request = Request((IMAGE,), only=planned)
    if not all(verdict.holds for verdict in gates.select(opened, request).values()):
        gates.run(opened, request)
    kept.ensure(Path(root), only=planned)


class _Services:
    """The stack, imported when a step that needs a service is about to run."""

    def __init__(self, root: str) -> None:
        self._root = root

    def digest(self, service: str) -> str:
        return self._needed.digest(service)

    def start(self, services: Sequence[str]) -> dict[str, str]:
        return self._needed.start(services)

    def stop(self) -> None:
        if "_needed" in self.__dict__:
            self._needed.stop()

    @cached_property
    def _needed(self) -> Needed:
        from pathlib import Path

        from pipelines.stack.needed import Needed

        return Needed(Path(self._root))
