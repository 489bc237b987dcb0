"""From the checklist to the documents, and on record which text was written."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from pipelines import environments
from pipelines.errors import PolicyError
from pipelines.ledger.attest import Claim, attest
from pipelines.planning.workspace import Workspace
from pipelines.readiness import checklist, pages, sources
from pipelines.readiness.checklist import Document, Line
from pipelines.readiness.proof import Proof, Prover
from pipelines.release import Release

STEP, COMPONENT = "ready", "documents"


class NotReady(PolicyError):
    """Some lines have no evidence, or none that still holds."""

    def __init__(self, missing: int, lines: int) -> None:
        super().__init__(
            f"{missing} of {lines} lines are not proven", hint="the documents say what is missing"
        )


def prove(workspace: Workspace) -> dict[Line, Proof]:
    """How every line of every document stands. Raises `ConfigError`."""
    documents = checklist.load(Path(workspace.root))
    prover = Prover(workspace, _release(workspace, documents), now=datetime.now(UTC))
    return {line: prover.prove(line) for document in documents for line in document.lines}


def write(workspace: Workspace, proofs: dict[Line, Proof]) -> tuple[Path, ...]:
    """Write the documents, record their digests, and return their paths."""
    root = Path(workspace.root)
    documents = checklist.load(root)
    release = _release(workspace, documents)
    of = sources.told(workspace, release)
    texts = {it.file: pages.page(it, proofs, of) for it in documents}
    if (root / pages.SECRETS).exists():
        names = environments.known(root)
        checks = {name: workspace.ledger.latest(f"secrets:{name}") for name in names}
        texts[pages.SECRETS] = pages.secrets_page((root / pages.SECRETS).read_text(), checks)
    pages.write(root, texts)
    digests = {
        str(file): f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
        for file, text in texts.items()
    }
    missing = [it.line.says for it in proofs.values() if not it.is_proven]
    attest(
        workspace.ledger,
        Claim(
            step=STEP,
            component=COMPONENT,
            subjects={**digests, **(release.subjects if release else {})},
            document=msgspec.json.encode(digests, order="sorted"),
            passed=not missing,
            message="; ".join(missing),
        ),
    )
    return tuple(texts)


def require(proofs: dict[Line, Proof]) -> None:
    """Raise `NotReady` unless every line is proven."""
    missing = sum(not it.is_proven for it in proofs.values())
    if missing:
        raise NotReady(missing, len(proofs))


def check(root: Path) -> None:
    """Raise `Edited` for a document that was changed by hand, or is gone."""
    for document in checklist.load(root):
        pages.require_unedited(root, document)
    if (root / pages.SECRETS).exists():
        pages.require_unedited_table(root)


def _release(workspace: Workspace, documents: Iterable[Document]) -> Release | None:
    generated = [*(it.file for it in documents), pages.SECRETS]
    return sources.release_of(workspace, generated)
