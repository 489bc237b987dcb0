"""Dockerfiles: stages, and the chain of stages that an image is made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pipelines.audit.findings import Unread
from pipelines.audit.place import Place
from pipelines.audit.tracked import Tracked


@dataclass(frozen=True)
class Instruction:
    """`RUN`, `COPY`...: `words` when written as a JSON array, else `text` (heredocs included)."""

    name: str  # upper case
    text: str  # without flags, continuation lines joined by newlines, comments blanked
    place: Place
    flags: Mapping[str, str] = field(default_factory=dict)  # {"from": "builder", "mount": "..."}
    words: tuple[str, ...] = ()
    is_json: bool = False


@dataclass(frozen=True)
class Stage:
    """One FROM and what follows it; `base` has its ARGs filled in, "" when one has no value.

    `parent` is the stage that `base` names, if it names one.
    """

    name: str
    index: int
    base: str
    place: Place
    instructions: tuple[Instruction, ...]
    parent: Stage | None = None

    @property
    def chain(self) -> Iterator[Stage]:
        """This stage, then those it is built on."""
        stage: Stage | None = self
        while stage is not None:
            yield stage
            stage = stage.parent

    def last(self, name: str) -> Instruction | None:
        """The instruction of that name that counts, along the chain."""
        for stage in self.chain:
            for instruction in reversed(stage.instructions):
                if instruction.name == name:
                    return instruction
        return None


@dataclass(frozen=True)
class Dockerfile:
    """A parsed file; `stages` is empty when it has no FROM."""

    file: str
    stages: tuple[Stage, ...]

    def target(self, name: str = "") -> Stage | None:
        """The stage of that name or number, the last one for ""; None when there is none."""
        if not name:
            return self.stages[-1] if self.stages else None
        for stage in self.stages:
            if name.lower() == stage.name.lower() or name == str(stage.index):
                return stage
        return None


def parse(text: str, file: str, arguments: Mapping[str, str] | None = None) -> Dockerfile:
    """Read one file, with these build arguments."""
    return Dockerfile(file, ())


def read(tracked: Tracked) -> tuple[dict[str, Dockerfile], tuple[Unread, ...]]:
    """Every Dockerfile by path (`Dockerfile`, `Dockerfile.*`, `*.Dockerfile`, `Containerfile`)."""
    return {}, ()
