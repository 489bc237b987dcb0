"""All the evidence that a release needs to be promoted, record by record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipelines.controls.planted import Half
from pipelines.environments import Environment, load
from pipelines.ledger import Keys, Ledger
from pipelines.ledger.attest import Claim, attest
from pipelines.policy import Decision, Line, decide
from pipelines.release import Release
from pipelines.step import Counts, Status
from tests.pipelines.ledger.sample import claim, fingerprint

POLICY = """
policy:
  - {gate: lint, max_age: 7d}
  - {gate: test, controlled: true, min_tests: 10, max_skipped: 2, max_retries: 0}
  - {gate: smoke, subject: environment, environment: staging, max_age: 1d}
  - {same_digests_as: staging}
"""
STEPS = ("lint:kit", "lint:web", "test:kit")

Add = Callable[[Ledger], object]


def release_of(inputs: str) -> Release:
    """A release whose steps are about these inputs."""
    return Release(
        commit="c" * 40,
        tree="d" * 40,
        lock="",
        configuration="",
        images={"web": "127.0.0.1:5000/web@sha256:" + "e" * 64},
        steps={step: fingerprint(step, inputs).digest() for step in STEPS},
        gates={"lint": ("lint:kit", "lint:web"), "test": ("test:kit",)},
    )


@dataclass
class Proof:
    """`root` is the repository; the records are added to its ledger by `gather`."""

    root: Path
    policy: str = POLICY
    release: Release = field(default_factory=lambda: release_of("as they are"))
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        (self.root / "environments").mkdir(exist_ok=True)
        (self.root / "environments" / "staging.yaml").write_text("engine: process\n")
        self.write(self.policy)

    def write(self, policy: str) -> None:
        (self.root / "environments" / "production.yaml").write_text(policy)

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.root / "ledger", Keys(self.root, folder=self.root / "keys"))

    @property
    def environment(self) -> Environment:
        return load(self.root, "production")

    @property
    def records(self) -> dict[str, Add]:
        """What adds each record, by a name."""
        controls = {
            f"control, {half}": self.step(f"control:test/planted/{half}@000000000000")
            for half in (it.value for it in Half)
        }
        return {
            "lint of kit": self.step("lint:kit"),
            "lint of web": self.step("lint:web"),
            "test of kit": self.step("test:kit", counts=Counts(12, 11, 0, 1)),
            **controls,
            "smoke in staging": self.told("smoke"),
            "deploy to staging": self.told("deploy"),
        }

    def gather(self, *, without: str = "") -> None:
        for name, add in self.records.items():
            if name != without:
                add(self.ledger)

    def step(
        self,
        step: str,
        *,
        inputs: str = "as they are",
        ago: timedelta = timedelta(),
        **result: object,
    ) -> Add:
        """What adds the result of a step on these inputs."""

        def add(ledger: Ledger) -> None:
            ledger.blobs.put(fingerprint(step, inputs).document())
            ledger.append(claim(step, inputs, ended=self.now - ago, **result))

        return add

    def told(
        self, step: str, *, of: Release | None = None, passed: bool = True, where: str = "staging"
    ) -> Add:
        """What adds the result of looking at a release in an environment."""
        release = of or self.release
        subject = Claim(step, where, release.subjects, step.encode(), passed=passed)
        return lambda ledger: attest(ledger, subject)

    def decide(self) -> Decision:
        return decide(self.ledger, self.environment, self.release, now=self.now)

    def line(self, asked: str) -> Line:
        """The line on the requirement that begins so."""
        (found,) = [it for it in self.decide().lines if it.asked.startswith(asked)]
        return found


FAILED = {"status": Status.FAILED}
