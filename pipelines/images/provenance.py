"""Where an image comes from, as an in-toto statement with SLSA's provenance.

Sources: https://slsa.dev/spec/v1.0/provenance and in-toto Statement v1. It holds no time, and who
vouches for it is the signed record of the step that wrote it: the same build, the same statement.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipelines.files import write_atomically
from pipelines.images.revision import Revision

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
BUILD = "urn:summit:image-build:v1"  # the Dockerfile at `dockerfile` with `arguments`
BUILDER = "urn:summit:docker-engine"


def write(
    file: Path,
    *,
    image: str,
    digest: str,
    dockerfile: str,
    arguments: Mapping[str, str],
    revision: Revision,
    base: tuple[str, str],
    builder: Mapping[str, str],
) -> None:
    """Write the statement on an image of this digest, `sha256:` and hexadecimal.

    `base` is the name and digest of the image below it, `builder` the versions of what built.
    Raises `MachineError` when it cannot be written.
    """
    document = {
        "_type": STATEMENT,
        "subject": [{"name": image, "digest": _digest(digest)}],
        "predicateType": PREDICATE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD,
                "externalParameters": {"dockerfile": dockerfile, "arguments": dict(arguments)},
                "resolvedDependencies": [*_source(revision), _base(*base)],
            },
            "runDetails": {"builder": {"id": BUILDER, "version": dict(builder)}},
        },
    }
    write_atomically(file, json.dumps(document, indent=2) + "\n")


def _source(revision: Revision) -> list[dict[str, Any]]:
    if not revision.commit:
        return []
    annotations = {"annotations": {"dirty": True}} if revision.is_dirty else {}
    return [{"name": "source", "digest": {"gitCommit": revision.commit}, **annotations}]


def _base(name: str, digest: str) -> dict[str, Any]:
    known = {"digest": _digest(digest)} if digest else {}  # what is not pinned has none
    return {"name": "base", "uri": f"docker-image://{name}", **known}


def _digest(digest: str) -> dict[str, str]:
    algorithm, _, value = digest.partition(":")
    return {algorithm: value}
