"""The sources of a release, laid out beside one another, and whether they still are what they were.

Git's own tree is the digest: what is laid out is compared with it, file by file.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pipelines.errors import MachineError, SummitError, unwritable
from pipelines.programs import process
from pipelines.release import Release

_ABSOLUTE = ("rev-parse", "--path-format=absolute")
_ALMOST_NOTHING = 2**20  # bytes
_LEFT_BY_RUNS = "__pycache__/\n.summit/\n.venv\n"


class NotTheSources(SummitError):
    """What is laid out is not what the release consists of."""

    def __init__(self, folder: Path, wanted: str, found: str) -> None:
        super().__init__(
            f"the sources in {folder} are not the release's: tree {found[:12]}, not {wanted[:12]}",
            hint="somebody has changed them; the next deploy lays them out anew",
        )


def lay_out(root: Path, release: Release, folder: Path) -> None:
    """Have the sources of the release in the folder, complete or not at all.

    Raises `MachineError` when this repository has not got the tree, or the disk is full.
    """
    if folder.exists():
        if tree_of(root, release, folder) == release.tree:
            return
        shutil.rmtree(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".part-", dir=folder.parent) as part:
            place = Path(part, "tree")
            place.mkdir(mode=0o755)
            with tempfile.TemporaryDirectory(prefix="summit-index-") as index:
                around = {"GIT_INDEX_FILE": f"{index}/index"}
                _git(root, "read-tree", release.tree, around=around)
                with _saying_when_full(place):
                    _git(root, "checkout-index", "--all", f"--prefix={place}/", around=around)
            place.rename(folder)
    except OSError as error:
        raise unwritable(folder, error) from error


def require(root: Path, release: Release, folder: Path) -> None:
    """Raise `NotTheSources` unless the folder holds exactly the release's sources."""
    found = tree_of(root, release, folder)
    if found != release.tree:
        raise NotTheSources(folder, release.tree, found)


def tree_of(root: Path, release: Release, folder: Path) -> str:
    """The Git tree of what is in the folder now, but for what its sources ignore or runs leave."""
    with tempfile.TemporaryDirectory(prefix="summit-tree-") as scratch:
        Path(scratch, "objects").mkdir()
        Path(scratch, "left").write_text(_LEFT_BY_RUNS)
        around = {
            "GIT_INDEX_FILE": f"{scratch}/index",
            "GIT_OBJECT_DIRECTORY": f"{scratch}/objects",
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": _git(root, *_ABSOLUTE, "--git-path", "objects"),
            "GIT_DIR": _git(root, "rev-parse", "--absolute-git-dir"),
            "GIT_WORK_TREE": str(folder),
        }
        _git(folder, "read-tree", release.tree, around=around)
        ignoring = ("-c", f"core.excludesFile={scratch}/left")
        _git(folder, *ignoring, "add", "--all", ".", around=around)
        return _git(folder, "write-tree", around=around)


@contextmanager
def _saying_when_full(folder: Path) -> Iterator[None]:
    """Git says which file it could not write, and not why."""
    try:
        yield
    except MachineError as error:
        if shutil.disk_usage(folder).free < _ALMOST_NOTHING:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
        raise


def _git(where: Path, *words: str, around: Mapping[str, str] | None = None) -> str:
    said = process.read(
        ("git", "-c", "core.autocrlf=false", *words),
        cwd=where,
        env={**os.environ, **(around or {})},
    )
    if not said:
        last = said.errors.strip().splitlines()[-1:] or [f"exit code {said.code}"]
        raise MachineError(f"Git cannot lay out the release in {where}: {last[0]}")
    return said.text.strip()
