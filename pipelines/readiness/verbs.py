"""From the checklist to the documents, and on record which text was written."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from pipelines import environments
from pipelines.errors import PolicyError
from pipelines.ledger.attest import Claim, attest
from pipelines.planning.workspace import Workspace
from pipelines.programs import process
from pipelines.readiness import checklist, pages
from pipelines.readiness.checklist import Line
from pipelines.readiness.proof import Proof, Prover

STEP, COMPONENT = "ready", "documents"


class NotReady(PolicyError):
    """Some lines have no evidence, or none that still holds."""

    def __init__(self, missing: int, lines: int) -> None:
        super().__init__(
            f"{missing} of {lines} lines are not proven", hint="the documents say what is missing"
        )


def prove(workspace: Workspace) -> dict[Line, Proof]:
    """How every line of every document stands. Raises `ConfigError`."""
    prover = Prover(workspace)
    documents = checklist.load(Path(workspace.root))
    return {line: prover.prove(line) for document in documents for line in document.lines}


def write(workspace: Workspace, proofs: dict[Line, Proof]) -> tuple[Path, ...]:
    """Write the documents, record their digests, and return their paths."""
    root = Path(workspace.root)
    of = _sources(workspace)
    texts = {it.file: pages.page(it, proofs, of) for it in checklist.load(root)}
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
            subjects={**digests, "source": f"gitTree:{workspace.worktree.tree}"},
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
    """Raise `Edited` for a document that was changed by hand."""
    files = [it.file for it in checklist.load(root)]
    wanted = [*files, pages.SECRETS] if (root / pages.SECRETS).exists() else files
    pages.require_unedited(root, [file for file in wanted if (root / file).exists()])


def _sources(workspace: Workspace) -> str:
    said = process.read(("git", "rev-parse", "--short=12", "HEAD"), cwd=workspace.root)
    commit = said.text.strip() if said else "no commit"
    return f"Of commit `{commit}`, tree `{workspace.worktree.tree[:12]}`."
