"""Gates: what a person types, and the names of the steps that it selects."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from pipelines.documents.document import Entry
from pipelines.documents.nearest import nearest

ALL = "check"


def read_gates(
    sections: Mapping[str, Entry], steps: Iterable[str], known: Collection[str]
) -> dict[str, tuple[str, ...]]:
    """The gates of a checked file over the steps of these names; others are `known` to kinds.

    Every step's name is a gate of its own unless the file says otherwise; `check` is all of them.
    Raises `ConfigError` for a step that does not exist.
    """
    names = tuple(dict.fromkeys(steps))
    given = sections["gates"].fields if "gates" in sections else {}
    if ALL in given:
        raise given[ALL].error(f"{ALL!r} is always every step", hint="choose another name")
    for gate in given.values():
        if not gate.items:
            raise gate.error("no steps", hint="name those that it selects")
        for step in gate.items:
            if step.text not in known:
                raise step.error(f"no step called {step.text!r}", hint=nearest(step.text, known))
    own = {name: tuple(step.text for step in gate.items) for name, gate in given.items()}
    return {name: (name,) for name in names} | own | {ALL: names}
