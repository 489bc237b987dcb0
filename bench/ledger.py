"""How long it takes to verify a ledger of ten thousand records: `python -m bench.ledger`."""

from __future__ import annotations

import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from bench.measure import Bar, report
from bench.repository import Component, components
from pipelines.ledger import Keys, Ledger
from pipelines.ledger.statement import Circumstances, here, statement
from pipelines.ledger.verify import verify
from pipelines.planning.fingerprint import Fingerprint, gate_digest
from pipelines.step import Result, Status, Step

ROUNDS = 7
MANY = 1000
EACH = 10  # records of a component
TREE = "9daeafb9864cf43055ae93beb0afd6c7d144bfa4"


def measure() -> list[Bar]:
    with tempfile.TemporaryDirectory(prefix="summit-bench-") as folder:
        ledger = Ledger(Path(folder, "ledger"), Keys(Path(folder, "keys")))
        fill(ledger)
        seconds = median(verified(ledger) for _ in range(ROUNDS))
    return [Bar(f"verifying {MANY * EACH:,} records (s)", seconds, 1.0, at_most=5)]


def fill(ledger: Ledger) -> None:
    """As if every file of every component had been changed again and again."""
    around = Circumstances(TREE, "pipelines.yaml", here())
    for turn in range(EACH):
        for part in components(MANY):
            step = Step("build", part.name, part.command)
            fingerprint = _fingerprint(part, step, turn)
            log = ledger.blobs.put(f"{part.name} built\n".encode())
            ledger.blobs.put(fingerprint.document())
            result = Result(step, Status.PASSED, exit_code=0, seconds=0.5, log=log)
            ledger.append(
                statement(
                    result,
                    fingerprint,
                    around,
                    argv=step.argv,
                    gate=gate_digest(step, fingerprint.tools),
                    started=time.time(),
                )
            )


def verified(ledger: Ledger) -> float:
    """Seconds that it takes to verify all of it."""
    began = time.perf_counter()
    verification = verify(ledger, now=datetime.now(UTC))
    took = time.perf_counter() - began
    assert verification
    assert verification.count == MANY * EACH
    return took


def _fingerprint(part: Component, step: Step, turn: int) -> Fingerprint:
    return Fingerprint(
        step=step.name,
        component=step.component,
        argv=step.argv,
        cwd="",
        files=dict.fromkeys(part.files, f"100644 {turn:040x}"),
        locks={},
        env={},
        secrets={},
        tools={"cp": "9.1"},
        upstream={f"build:{need}": f"{turn:064x}" for need in part.needs},
        services={},
        outputs=("built",),
    )


if __name__ == "__main__":
    sys.exit(report(measure()))
