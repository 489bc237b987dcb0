"""The plan: the steps that a request selects, as a DAG, and for each whether its evidence holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import NamedTuple

from pipelines.errors import ConfigError
from pipelines.planning.fingerprint import Fingerprint
from pipelines.step import Counts, Result, Status, Step


class Evidence(NamedTuple):
    """What of a passed record a run needs to know."""

    record: str
    seconds: float
    log: str
    counts: Counts | None
    outputs: Mapping[str, str]  # path: octal mode, a space, SHA-256
    is_controlled: bool

    def result(self, step: Step) -> Result:
        """The result of a step that need not run, as this holds."""
        return Result(
            step,
            Status.HELD,
            seconds=self.seconds,
            log=self.log,
            counts=self.counts,
            record=self.record,
            is_controlled=self.is_controlled,
        )


def evidence_of(result: Result) -> Evidence:
    """What a passed result has just put into the ledger."""
    return Evidence(
        record=result.record,
        seconds=result.seconds,
        log=result.log,
        counts=result.counts,
        outputs=result.outputs,
        is_controlled=result.is_controlled,
    )


class Verdict(NamedTuple):
    """A step, the digest of its fingerprint, and the evidence on that, if any holds."""

    step: Step
    digest: str
    evidence: Evidence | None

    @property
    def holds(self) -> bool:
        """Whether the step need not run."""
        return self.evidence is not None


Fingerprinter = Callable[[Step, Mapping[str, str]], Fingerprint]  # the digests of what it needs
Finder = Callable[[Step, str], Evidence | None]


def order(steps: Iterable[Step]) -> tuple[str, ...]:
    """Ids so that each stands after those it needs, in time linear in steps and needs.

    Raises `ConfigError` naming a cycle.
    """
    sorter = TopologicalSorter({step.id: step.needs for step in steps})
    try:
        return tuple(sorter.static_order())
    except CycleError as error:
        path = " -> ".join(reversed(error.args[1]))
        raise ConfigError(f"steps need one another in a circle: {path}") from None


def select(
    steps: dict[str, Step],
    gates: Mapping[str, Sequence[str]],
    wanted: Sequence[str],
    *,
    only: Callable[[Step], bool] = lambda _step: True,
) -> tuple[str, ...]:
    """Ids of the steps of these gates that `only` agrees to, and of all they need, in order.

    `steps` are in the order of `order`. Raises `ConfigError` for a gate that has no steps.
    """
    chosen: set[str] = set()
    for gate in wanted:
        names = set(gates.get(gate, ()))
        found = [step.id for step in steps.values() if step.name in names]
        if not found:
            known = ", ".join(sorted(gates))
            raise ConfigError(f"no component has a step for {gate!r}", hint=f"known: {known}")
        chosen.update(id_ for id_ in found if only(steps[id_]))
    for id_ in reversed(steps):
        if id_ in chosen:
            chosen.update(steps[id_].needs)
    return tuple(id_ for id_ in steps if id_ in chosen)


def dependents(steps: Mapping[str, Step], changed: Iterable[str]) -> set[str]:
    """These ids and those of all steps that need them, however indirectly."""
    found = set(changed)
    for id_, step in steps.items():
        if not found.isdisjoint(step.needs):
            found.add(id_)
    return found


def evaluate(
    steps: Mapping[str, Step],
    *,
    before: Mapping[str, Verdict],
    touched: Callable[[str], bool],
    fingerprint: Fingerprinter,
    find: Finder,
) -> dict[str, Verdict]:
    """The verdict on every step, in order.

    `before` is what was found last time; it is kept for a step unless it is `touched` or something
    it needs has another digest than then.
    """
    verdicts: dict[str, Verdict] = {}
    moved: set[str] = set()
    for id_, step in steps.items():
        known = before.get(id_)
        if known and moved.isdisjoint(step.needs) and not touched(id_):
            evidence = known.evidence or find(step, known.digest)
            verdicts[id_] = known._replace(evidence=evidence)
            continue
        digest = fingerprint(step, {need: verdicts[need].digest for need in step.needs}).digest()
        if not known or known.digest != digest:
            moved.add(id_)
        verdicts[id_] = Verdict(step, digest, find(step, digest))
    return verdicts
