"""Reads the configuration and resolves its patterns to the working copy's files: a layout."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from pathlib import Path

from pipelines import config
from pipelines.checkout import patterns
from pipelines.config import Config
from pipelines.errors import ConfigError, Where
from pipelines.planning import plan
from pipelines.planning.layout import Layout


def arrange(root: str, paths: Sequence[str], digest_of: Callable[[str], str]) -> Layout:
    """Read the configuration; `digest_of` gives the digest of a Compose service.

    Raises `ConfigError`, with file and line, for what is wrong in it.
    """
    loaded = config.load(Path(root), paths)
    by_id = {step.id: step for step in loaded.steps}
    steps = {id_: by_id[id_] for id_ in plan.order(loaded.steps)}
    inputs = {id_: patterns.select(step.inputs, paths) for id_, step in steps.items()}
    locks = {id_: patterns.select(step.locks, paths) for id_, step in steps.items()}
    _refuse_idle(loaded, paths)
    services = sorted({name for step in steps.values() for name in step.services})
    return Layout(
        steps=steps,
        gates={name: tuple(names) for name, names in loaded.gates.items()},
        tools=dict(loaded.tools),
        inputs={id_: array("I", indices) for id_, indices in inputs.items()},
        locks={id_: array("I", indices) for id_, indices in locks.items()},
        services={name: digest_of(name) for name in services},
        sources=tuple(loaded.sources),
        source=loaded.source,
    )


def _refuse_idle(loaded: Config, paths: Sequence[str]) -> None:
    """Raise `ConfigError` for a pattern that names no file in any step that it stands for."""
    idle: dict[tuple[Where, int], str] = {}
    for step in loaded.steps:
        for key, texts in (("inputs", step.inputs), ("locks", step.locks)):
            if loaded.is_default(step.id, key):
                continue
            for at, text in enumerate(texts):
                if text.startswith("!"):
                    continue
                place = loaded.where(step.id, key, at), at
                if next(patterns.matching(text, paths), None) is not None:
                    idle[place] = ""
                else:
                    idle.setdefault(place, f"{step.id}: {key}: {text} names no file")
    for (where, _), message in idle.items():
        if message:
            raise ConfigError(message, where=where, hint="mend the pattern or remove it")
