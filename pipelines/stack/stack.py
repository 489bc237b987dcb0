"""A checkout's stack: what its Compose file describes, and where its state is kept."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipelines import compose
from pipelines.compose.model import Project
from pipelines.stack import place as places
from pipelines.stack.place import Place
from pipelines.stack.process.launch import check_extensions


@dataclass(frozen=True)
class Stack:
    """A Compose project and where its processes keep their state.

    `beside` are services that are kept running elsewhere, by the ports at which they listen, and
    `hosts` where, unless on this machine. Without `keeps_ports` none has its usual port even where
    that is free.
    `python` is the interpreter of services that are written in it.
    """

    place: Place
    project: Project
    beside: Mapping[str, int] = field(default_factory=dict)
    hosts: Mapping[str, str] = field(default_factory=dict)
    keeps_ports: bool = True
    python: str = sys.executable

    @classmethod
    def of(cls, start: Path, *, environ: Mapping[str, str] = os.environ) -> Stack:
        """The stack of the checkout that `start` lies in; raises ConfigError for a bad file."""
        place, file = places.find(start)
        project = compose.load(file, environ=environ)
        check_extensions(project)
        return cls(place, project)
