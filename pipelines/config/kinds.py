"""Component kinds: the steps that components of one sort have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipelines.config.model import Declaration
from pipelines.config.template import Template, compile_step
from pipelines.documents.document import Entry


@dataclass(frozen=True)
class Kind:
    """A kind's steps; those of a default kind stand only where there is evidence for them."""

    steps: Mapping[str, Template]
    is_default: bool


def read_kinds(sections: Mapping[str, Entry], *, is_default: bool) -> dict[str, Kind]:
    """The kinds of a checked file. Raises `ConfigError`."""
    if "kinds" not in sections:
        return {}
    return {
        name: Kind(
            {
                step: compile_step(Declaration(step, declared, declared.fields))
                for step, declared in (entry.fields if entry.value is not None else {}).items()
            },
            is_default,
        )
        for name, entry in sections["kinds"].fields.items()
    }
