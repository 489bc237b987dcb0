"""The fingerprint: everything that could change a step's result, and one digest over it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import NamedTuple

from pipelines.step import Step

FORMAT = 1  # to be raised whenever the same fields come to mean something else


class Fingerprint(NamedTuple):
    """What a step's result depends on.

    `files` maps a path to its Git mode and blob id, `locks` a lock file's path to its blob id,
    `upstream` a step's id to its digest, `services` a Compose service to the digest of its image
    or definition. A variable that is not set is null; of a secret only whether it is set is kept.
    """

    step: str
    component: str
    argv: tuple[str, ...]
    cwd: str
    files: Mapping[str, str]
    locks: Mapping[str, str]
    env: Mapping[str, str | None]
    secrets: Mapping[str, bool]
    tools: Mapping[str, str]
    upstream: Mapping[str, str]
    services: Mapping[str, str]
    outputs: tuple[str, ...]
    format: int = FORMAT

    def document(self) -> bytes:
        """The fields as canonical JSON: sorted keys, no spaces, UTF-8."""
        text = json.dumps(self._asdict(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return text.encode("utf-8", "surrogateescape")

    def digest(self) -> str:
        """SHA-256 of the document, in hexadecimal digits."""
        return hashlib.sha256(self.document()).hexdigest()


def gate_digest(step: Step, tools: Mapping[str, str]) -> str:
    """SHA-256 of what a control vouches for: a command, by any component, and its tools' versions.

    Not of configuration files: `pipelines.controls` runs a control again when those change.
    """
    gate = {
        "format": FORMAT,
        "step": step.name,
        "argv": step.template or step.argv,
        "cwd": "component" if step.cwd else "root",
        "tools": dict(tools),
    }
    text = json.dumps(gate, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
