"""Makefiles: targets, what they need, and their recipes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipelines.audit.findings import Unread
from pipelines.audit.model.shell import Script
from pipelines.audit.place import Place
from pipelines.audit.tracked import Tracked


@dataclass(frozen=True)
class Line:
    """One line of a recipe, continuation lines with it; `is_ignored` for a leading `-`."""

    script: Script
    place: Place
    is_ignored: bool = False


@dataclass(frozen=True)
class Target:
    name: str
    place: Place
    needs: tuple[str, ...] = ()
    recipe: tuple[Line, ...] = ()


@dataclass(frozen=True)
class Makefile:
    """Simple variables are filled in; `included` files' targets are among its own."""

    file: str
    targets: Mapping[str, Target] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    default: str = ""


def read(tracked: Tracked) -> tuple[dict[str, Makefile], tuple[Unread, ...]]:
    """Every Makefile by path."""
    return {}, ()
