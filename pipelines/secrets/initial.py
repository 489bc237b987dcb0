"""The first values of an environment's secrets: what is missing is made, what is there is left."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import NamedTuple

from pipelines.compose.model import Project
from pipelines.secrets.generate import FOR_DEVELOPMENT, GENERATORS
from pipelines.secrets.provider import Phase, Provider


class Outcome(enum.Enum):
    """What became of a secret."""

    MADE = "made"
    KEPT = "there already"
    WANTED = "only a person can supply it"


class Initial(NamedTuple):
    """A secret and what became of it; `version` is empty where there is none."""

    name: str
    outcome: Outcome
    version: str


def init(project: Project, names: Iterable[str], provider: Provider) -> list[Initial]:
    """Make every one of these secrets of the project that is missing and can be made."""
    return [_init(project, name, provider) for name in sorted(names)]


def _init(project: Project, name: str, provider: Provider) -> Initial:
    current = [it.id for it in provider.versions(name) if it.phase is Phase.CURRENT]
    if current:
        return Initial(name, Outcome.KEPT, current[0])
    kind = project.secrets[name].extension.get("generate", "")
    if kind not in GENERATORS or kind in FOR_DEVELOPMENT:
        return Initial(name, Outcome.WANTED, "")
    return Initial(name, Outcome.MADE, provider.add(name, GENERATORS[kind]()))
