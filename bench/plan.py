"""How long it takes to plan a thousand components: `python -m bench.plan`."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from statistics import median

from bench.measure import Bar, report
from bench.repository import INPUTS, components, edges
from pipelines.planning import plan
from pipelines.planning.fingerprint import Fingerprint
from pipelines.planning.plan import Evidence, Verdict
from pipelines.step import Step

ROUNDS = 21
MANY = 1000
MS = 1000
GATES = {"build": ["build"]}
EVIDENCE = Evidence("", 0.0, "", None, {}, True)


def measure() -> list[Bar]:
    parts = components(MANY)
    steps = [
        Step(
            "build",
            part.name,
            part.command,
            inputs=INPUTS,
            outputs=("built",),
            needs=tuple(f"build:{need}" for need in part.needs),
        )
        for part in parts
    ]
    before = {step.id: Verdict(step, step.id, EVIDENCE) for step in steps}
    milliseconds = median(_milliseconds(steps, before) for _ in range(ROUNDS))
    words = f"planning {MANY} components, {edges(parts)} edges (ms)"
    return [Bar(words, milliseconds, 1.0, at_most=20)]


def _milliseconds(steps: list[Step], before: Mapping[str, Verdict]) -> float:
    """Of finding the order, what a gate selects, and what of that has to run."""
    began = time.perf_counter()
    by_id = {step.id: step for step in steps}
    ordered = {id_: by_id[id_] for id_ in plan.order(steps)}
    selected = {id_: ordered[id_] for id_ in plan.select(ordered, GATES, ["build"])}
    verdicts = plan.evaluate(
        selected, before=before, touched=lambda _id: False, fingerprint=_refuse, find=_find_nothing
    )
    took = time.perf_counter() - began
    assert len(verdicts) == len(steps)
    assert all(verdict.holds for verdict in verdicts.values())
    return took * MS


def _refuse(step: Step, upstream: Mapping[str, str]) -> Fingerprint:
    raise AssertionError(f"nothing changed, yet {step.id} was fingerprinted again")


def _find_nothing(step: Step, digest: str) -> Evidence | None:
    raise AssertionError(f"the evidence on {step.id} holds, yet it was looked for")


if __name__ == "__main__":
    sys.exit(report(measure()))
