"""Makes a release of what is committed, and leaves where it comes from as evidence."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipelines import compose
from pipelines.errors import ConfigError
from pipelines.ledger.attest import Claim, attest
from pipelines.ledger.record import PROVENANCE, Record
from pipelines.planning import plan
from pipelines.planning.workspace import Workspace
from pipelines.programs import process
from pipelines.release import configuration, lock
from pipelines.release.release import COMPONENT, STEP, Release

_LOCK = "requirements.txt"
_BUILD = "urn:summit:release:v1"  # the commit, its lock and the images built from it
_BUILDER = "urn:summit:inv-release"


def make(
    workspace: Workspace,
    *,
    images: Mapping[str, str],
    documents: Mapping[str, bytes] | None = None,
) -> tuple[Release, Record]:
    """The release of the commit that is checked out, and the record that says so.

    `images` maps names to `REPOSITORY@sha256:...`; `documents` are lists of what these are made of
    and statements of where they come from, by a name each. Raises `ConfigError` where something is
    not committed: it could not be laid out again.
    """
    root = Path(workspace.root)
    commit, tree = _committed(root)
    release = Release(
        commit=commit,
        tree=tree,
        lock=_digest(root / _LOCK),
        configuration=configuration.digest(compose.of(root, environ={})),
        images=dict(images),
        steps={id_: verdict.digest for id_, verdict in workspace.verdicts.items()},
        gates=_gates(workspace),
    )
    kept = {name: workspace.ledger.blobs.put(it) for name, it in (documents or {}).items()}
    if release.lock:
        made_of = lock.materials(root / _LOCK, digest=release.lock)
        kept[f"{_LOCK}.cdx.json"] = workspace.ledger.blobs.put(made_of)
    record = attest(
        workspace.ledger,
        Claim(
            step=STEP,
            component=COMPONENT,
            subjects=release.subjects,
            document=release.document,
            kind=PROVENANCE,
            predicate=_provenance(release),
            documents=kept,
        ),
    )
    return release, record


def _committed(root: Path) -> tuple[str, str]:
    """Commit and tree, where nothing of the working copy is different."""
    said = process.read(("git", "rev-parse", "HEAD", "HEAD^{tree}"), cwd=root)
    if not said:
        raise ConfigError(f"{root} has no commit", hint="a release is of a commit: `git commit`")
    changed = process.read(("git", "status", "--porcelain"), cwd=root).text.splitlines()
    if changed:
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        raise ConfigError(
            f"not committed: {changed[0][3:]}{more}", hint="a release is of a commit: `git commit`"
        )
    commit, tree = said.text.split()
    return commit, tree


def _gates(workspace: Workspace) -> dict[str, tuple[str, ...]]:
    """The steps of each gate, and all they need; a gate that has none is left out."""
    steps, gates = workspace.layout.steps, workspace.layout.gates
    names = {step.name for step in steps.values()}
    return {
        gate: plan.select(steps, gates, [gate])
        for gate in sorted(gates)
        if names.intersection(gates[gate])
    }


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.exists() else ""


def _provenance(release: Release) -> dict[str, Any]:
    """SLSA's provenance v1: https://slsa.dev/spec/v1.0/provenance."""
    sources: list[dict[str, Any]] = [
        {"name": "source", "digest": {"gitCommit": release.commit, "gitTree": release.tree}},
    ]
    if release.lock:
        sources.append({"name": _LOCK, "digest": {"sha256": release.lock}})
    for name, reference in sorted(release.images.items()):
        uri, _, digest = reference.partition("@sha256:")
        sources.append({"name": name, "uri": f"oci://{uri}", "digest": {"sha256": digest}})
    return {
        "buildDefinition": {
            "buildType": _BUILD,
            "externalParameters": {"commit": release.commit},
            "resolvedDependencies": sources,
        },
        "runDetails": {"builder": {"id": _BUILDER}},
    }
