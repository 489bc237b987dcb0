"""Which controls there are: folders `NAME/fault` and `NAME/clean`, named by a step's `controls`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import NamedTuple

from pipelines.checkout import patterns
from pipelines.errors import ConfigError
from pipelines.ledger import Ledger
from pipelines.step import Step

STEP = "control"  # the name under which the trial of a half is recorded
Files = dict["Half", tuple[str, ...]]


class Half(Enum):
    """One of the two folders of a control, and what the gate must make of it."""

    FAULT = "fault"  # must be rejected
    CLEAN = "clean"  # must be accepted; lacks nothing but the fault


class Control(NamedTuple):
    """A planted fault and its clean twin, each the content of a small component.

    `step` is the gate, at one of the components that have it; `gate` the digest of what the
    control vouches for, which is the same for all of these. `folder` is relative to the
    repository's root, `files` are those of each half, relative to it.
    """

    step: Step
    gate: str
    folder: str
    files: Mapping[Half, tuple[str, ...]]

    @property
    def name(self) -> str:
        """What is planted for which gate: `flake8/shouted-comment`."""
        return _name(self.step, self.folder)

    def path(self, half: Half, file: str) -> str:
        """Where a file of a half is kept, relative to the repository's root."""
        return f"{self.folder}/{half.value}/{file}"

    def trial(self, half: Half) -> Step:
        """The step that tries this half: the gate's command in a place of its own."""
        return Step(
            name=STEP,
            component=_component(self.name, half, self.gate),
            argv=self.step.argv,
            cwd=self.step.cwd,
            env=self.step.env,
            secrets=self.step.secrets,
            tools=self.step.tools,
            timeout=self.step.timeout,
        )


def find(step: Step, gate: str, paths: Sequence[str]) -> list[Control]:
    """The controls that the step declares; `paths` are the repository's files, sorted.

    Raises `ConfigError` for a pattern that names none, a control that lacks a half, a name given
    twice.
    """
    for pattern in step.controls:
        if not pattern.startswith("!") and not _files(step, (pattern,), paths):
            raise ConfigError(
                f"{step.id}: controls: {pattern} names no file in a folder `fault` or `clean`"
            )
    found = sorted(_files(step, step.controls, paths).items())
    for folder, files in found:
        for half in Half:
            if half not in files:
                raise ConfigError(
                    f"{folder}: a control without {half.value}/",
                    hint="a fault proves something only beside a twin that lacks it",
                )
    controls = [Control(step, gate, folder, files) for folder, files in found]
    names = [control.name for control in controls]
    if twice := [control.folder for control in controls if names.count(control.name) > 1]:
        raise ConfigError(f"controls of one name: {', '.join(twice)}", hint="rename all but one")
    return controls


def is_controlled(step: Step, gate: str, paths: Sequence[str], ledger: Ledger) -> bool:
    """Whether some control of the step has shown that exactly this gate can tell.

    Its newest records say that the fault was rejected and the twin accepted.
    """

    def passed(folder: str, half: Half) -> bool:
        record = ledger.latest(f"{STEP}:{_component(_name(step, folder), half, gate)}")
        return record is not None and record.passed and record.gate == gate

    folders = _files(step, step.controls, paths)
    return any(all(passed(folder, half) for half in Half) for folder in folders)


def planted(steps: Iterable[Step], paths: Sequence[str]) -> frozenset[str]:
    """Every file of every control, for who must not take them for the repository's own."""
    named = {step.controls for step in steps if step.controls}
    return frozenset(paths[at] for controls in named for at in patterns.select(controls, paths))


def _files(step: Step, controls: Sequence[str], paths: Sequence[str]) -> dict[str, Files]:
    """The files of each half by the folder of the control; others beside them are no part of it."""
    found: dict[str, Files] = {}
    for at in patterns.select(controls, paths):
        words = paths[at].split("/")
        for half in Half:
            if half.value in words[:-1]:
                depth = words.index(half.value)
                files = found.setdefault("/".join(words[:depth]), {})
                files[half] = (*files.get(half, ()), "/".join(words[depth + 1 :]))
                break
    return found


def _name(step: Step, folder: str) -> str:
    return f"{step.name}/{folder.rpartition('/')[2]}"


def _component(name: str, half: Half, gate: str) -> str:
    """Components whose gate differs in its words are different gates, with trials of their own."""
    return f"{name}/{half.value}@{gate[:12]}"
