"""Images: what is known of the image that a service runs in, built here or somebody else's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipelines.audit.model.dockerfile import Dockerfile, Stage
from pipelines.audit.place import Place


@dataclass(frozen=True)
class Entry:
    """What the container starts, ENTRYPOINT and CMD put together as the engine would.

    `is_shell` when `sh -c` runs it: `words` are then those of the text.
    """

    words: tuple[str, ...]
    text: str
    place: Place
    is_shell: bool = False


@dataclass(frozen=True)
class Image:
    """One image, as a service or a pipeline uses it.

    `programs` are the names that can be run in it; None when the base is not known. `sources` maps
    folders or files of the repository to where they are copied (`{"apps/api": "/app"}`).
    """

    reference: str  # "python:3.11-slim": the base, or the image itself
    dockerfile: Dockerfile | None = None
    stage: Stage | None = None
    context: str | None = None
    programs: frozenset[str] | None = None
    packages: frozenset[str] = frozenset()  # of the system's package manager
    sources: Mapping[str, str] = field(default_factory=dict)
    workdir: str = "/"
    user: str = ""
    entry: Entry | None = None
    health: Entry | None = None
    environment: Mapping[str, str] = field(default_factory=dict)

    def has(self, program: str) -> bool | None:
        """Whether a program can be run in it; None when that cannot be told."""
        return None if self.programs is None else program in self.programs
