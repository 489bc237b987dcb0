"""A step's result as an in-toto statement: the claim that the ledger signs.

Sources: in-toto Statement v1 and its DigestSet; predicate test-result v0.1. What has no field
there stands under one key of its own, `summit`.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from pipelines.ledger.record import FORMAT, PREDICATE, STATEMENT
from pipelines.planning.fingerprint import Fingerprint
from pipelines.step import Result


class Circumstances(NamedTuple):
    """What is the same for all results of a run.

    `tree` is the Git tree of the working copy as it was (hexadecimal), `configuration` says where
    the steps come from (`pipelines.yaml` or `discovered`), `images` maps the name of an image to
    its SHA-256, `where` is what `here` returns.
    """

    tree: str
    configuration: str
    where: Mapping[str, str]
    images: Mapping[str, str] = {}


def statement(
    result: Result,
    fingerprint: Fingerprint,
    around: Circumstances,
    *,
    argv: tuple[str, ...],
    gate: str,
    started: float,
) -> dict[str, Any]:
    """The statement about a result, as `Ledger.append` takes it.

    `argv` is the command as it may be shown, with the values of secrets masked; `gate` the digest
    of what a control vouches for; `started` is in seconds since the epoch.
    """
    digest = fingerprint.digest()
    predicate: dict[str, Any] = {
        "result": "PASSED" if result else "FAILED",
        "configuration": [{"name": around.configuration, "digest": {"sha256": digest}}],
        "summit": {
            "format": FORMAT,
            "step": result.step.name,
            "component": result.step.component,
            "argv": [_text(word) for word in argv],
            "exitCode": result.exit_code,
            "tools": dict(fingerprint.tools),
            "started": timestamp(started),
            "ended": timestamp(started + result.seconds),
            "seconds": result.seconds,
            "tests": result.counts._asdict() if result.counts else None,
            "log": result.log,
            "fingerprint": digest,
            "outputs": dict(result.outputs),
            "where": dict(around.where),
            "attempt": result.attempt,
            "message": _text(result.message),
            "gate": gate,
        },
    }
    if result.failed_tests:
        predicate["failedTests"] = [_text(name) for name in result.failed_tests]
    if around.where["ci"].startswith("http"):
        predicate["url"] = around.where["ci"]
    return {
        "_type": STATEMENT,
        "subject": _subjects(digest, around),
        "predicateType": PREDICATE,
        "predicate": predicate,
    }


def here(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Where this runs: host, system, Python, and the run's address or name of the CI, if any."""
    system = os.uname()
    return {
        "host": system.nodename,
        "system": f"{system.sysname} {system.release} {system.machine}",
        "python": sys.version.partition(" ")[0],
        "ci": _ci(environment),
    }


def timestamp(seconds: float) -> str:
    """RFC 3339 in UTC, to the millisecond.

    >>> timestamp(1.5)
    '1970-01-01T00:00:01.500Z'
    """
    whole, thousandths = divmod(round(seconds * 1000), 1000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole))}.{thousandths:03d}Z"


def _subjects(fingerprint: str, around: Circumstances) -> list[dict[str, Any]]:
    images = sorted(around.images.items())
    return [
        {"name": "worktree", "digest": {"gitTree": around.tree}},
        {"name": "inputs", "digest": {"sha256": fingerprint}},
        *({"name": name, "digest": {"sha256": digest}} for name, digest in images),
    ]


def _ci(environment: Mapping[str, str]) -> str:
    if environment.get("GITHUB_ACTIONS") == "true":
        server, repository, run = (
            environment.get(f"GITHUB_{name}", "") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID")
        )
        return f"{server}/{repository}/actions/runs/{run}"
    return environment.get("CI_JOB_URL", "") or environment.get("CI", "")  # GitLab; any other


def _text(text: str) -> str:
    """Bytes of a command line that are no UTF-8 have no place in JSON."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
