"""A repository of one file and one gate, whose readiness is three lines."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pipelines import entry, gates
from pipelines.gates import Request
from pipelines.ledger import Ledger
from pipelines.ledger.attest import Claim, attest
from pipelines.readiness import checklist, sources, verbs
from pipelines.readiness.proof import Proof, Prover, State
from pipelines.release import Release
from pipelines.release.make import make
from pipelines.secrets.check import Checked, Declaration
from pipelines.secrets.record import checked

PIPELINES = """
gates: {lint: [lint]}
components: {web: {folder: ., kind: page}}
kinds:
  page:
    lint: {run: [grep, -q, fine, web.txt], inputs: ["/**"]}
"""
READINESS = """
documents:
  - file: READY.md
    title: Ready
    sections:
      - title: All of it
        lines:
          - {says: It is fine, gate: lint}
          - {says: It was deployed, record: deploy:staging, unless: rollback:staging}
          - {says: Its secrets are young, record: secrets:staging, max_age: 7d}
"""
SECRETS_PAGE = """# Secrets

What a person wrote.

<!-- inv ready: begin -->
<!-- inv ready: end -->

The end.
"""


@dataclass
class Repository:
    """The repository at `root`, and what is done in it."""

    root: Path

    @classmethod
    def make(cls, root: Path) -> Repository:
        made = cls(root)
        made.write("pipelines.yaml", PIPELINES)
        made.write("readiness.yaml", READINESS)
        made.write("compose.yaml", "services: {web: {image: web}}\n")
        made.write("environments/staging.yaml", "engine: process\n")
        made.write("docs/SECRETS_MANAGEMENT.md", SECRETS_PAGE)
        made.write(".gitignore", ".summit/\n")
        made.write("web.txt", "all is fine\n")
        made.git("init", "--quiet")
        made.commit()
        return made

    def write(self, path: str, text: str) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def read(self, path: str) -> str:
        return (self.root / path).read_text()

    def git(self, *words: str) -> None:
        who = ("-c", "user.name=tests", "-c", "user.email=tests@example.invalid")
        subprocess.run(["git", *who, *words], cwd=self.root, check=True, capture_output=True)

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "as it is")

    @property
    def ledger(self) -> Ledger:
        return Ledger.at(self.root)

    def check(self) -> None:
        """Bring the gate to evidence."""
        gates.run(entry.workspace(str(self.root)), Request(("lint",)))

    def release(self) -> Release:
        release, _ = make(entry.workspace(str(self.root)), images={})
        return release

    def tell(self, step: str, release: Release, *, passed: bool = True) -> None:
        """Record that something in staging looked at the release."""
        attest(self.ledger, Claim(step, "staging", release.subjects, step.encode(), passed=passed))

    def look_at_secrets(self, trouble: str = "") -> None:
        found = Checked(Declaration("token", None), version="1", created=0.0, trouble=trouble)
        checked(self.ledger, "staging", [found])

    def gather(self) -> Release:
        """All the evidence that there can be."""
        self.check()
        release = self.release()
        self.tell("deploy", release)
        self.look_at_secrets()
        return release

    def proofs(self, *, later: timedelta = timedelta()) -> list[Proof]:
        """How each line stands, now or later."""
        workspace = entry.workspace(str(self.root))
        documents = checklist.load(self.root)
        generated = [*(it.file for it in documents), Path("docs/SECRETS_MANAGEMENT.md")]
        release = sources.release_of(workspace, generated)
        prover = Prover(workspace, release, now=datetime.now(UTC) + later)
        return [prover.prove(line) for document in documents for line in document.lines]

    def states(self, *, later: timedelta = timedelta()) -> list[State]:
        return [it.state for it in self.proofs(later=later)]

    def ready(self) -> Iterable[Path]:
        """Write the documents."""
        workspace = entry.workspace(str(self.root))
        return verbs.write(workspace, verbs.prove(workspace))
