"""The scratch copy that a control is tried in: a small repository around the planted files."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pipelines.controls.planted import Control, Half
from pipelines.errors import MachineError
from pipelines.programs import process

_GIT = ("git", "-c", "core.autocrlf=false", "-c", "core.safecrlf=false")


def contents(control: Control, half: Half, component: str, read: Iterable[str]) -> dict[str, str]:
    """Where each file of the scratch copy comes from, by its place there; both from the roots.

    `component` is the folder whose place the planted files take ("." for the root), `read` what
    the gate reads in the repository. What of that is in this folder stays away, as it is not what
    is tried. A component at the root has nothing outside; there each entry of the root gives way
    that either half brings along, so that a fault can be that something is missing.
    """
    if component == ".":
        taken = {file.partition("/")[0] for files in control.files.values() for file in files}
        kept = {path: path for path in read if path.partition("/")[0] not in taken}
        prefix = ""
    else:
        prefix = f"{component}/"
        kept = {path: path for path in read if not path.startswith(prefix)}
    return kept | {f"{prefix}{file}": control.path(half, file) for file in control.files[half]}


@contextmanager
def copied(root: str, files: Mapping[str, str]) -> Iterator[str]:
    """A folder with copies of the files, gone afterwards; `files` as `contents` gives them.

    It is a Git repository with everything added and nothing committed: tools look for the root of
    one, or ask it for its files. Raises `MachineError` when it cannot be made.
    """
    with tempfile.TemporaryDirectory(prefix="summit-control-") as made:
        # A tool that resolves links would see its files outside the folder that it was given.
        folder = os.path.realpath(made)
        for place, source in files.items():
            _copy(Path(root, source), Path(folder, place))
        _git(folder, "init", "--quiet", "--template=")
        _git(folder, "add", "--all", "--force")
        yield folder


def _copy(source: Path, target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target, follow_symlinks=False)
    except OSError as error:
        raise MachineError(f"cannot copy {source} for a control: {error.strerror}") from error


def _git(folder: str, *words: str) -> None:
    # Inside a Git hook such variables name the repository that the hook belongs to.
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    said = process.read((*_GIT, *words), cwd=folder, env=env)
    if not said:
        raise MachineError(f"git {words[0]} failed in {folder}: {said.errors.strip()}")
