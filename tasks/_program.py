"""`summit`: the same tasks as `inv`, for repositories that have no `tasks.py`."""

from __future__ import annotations

from importlib import metadata

from invoke.program import Program

from tasks import namespace


def _version() -> str:
    try:
        return metadata.version("summit-pipelines")
    except metadata.PackageNotFoundError:  # run from a checkout, which is not installed
        return "unreleased"


program = Program(name="Summit", binary="summit", namespace=namespace, version=_version())
