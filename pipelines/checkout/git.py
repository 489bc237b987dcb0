"""What Git says of the working copy; nothing here writes to its repository.

A folder that is in no repository, unpacked from an archive perhaps, or in one that Git refuses to
read because it is somebody else's, gets one of its own in `.summit/git`: empty, and only there so
that Git can say what it would track, and name it.
"""

from __future__ import annotations

import hashlib
import os
import re
from typing import NamedTuple

from pipelines import console, state
from pipelines.errors import ConfigError, MachineError
from pipelines.programs import process


class Repository(NamedTuple):
    """What Git names contents by, where its index is, and whether it converts files."""

    hash: str  # "sha1" or "sha256"
    index_file: str
    converts: bool  # a blob may differ from the file: line ends, filters


_FALSE = ("false", "no", "off", "0")  # as `git config` knows it


def repository(root: str) -> Repository:
    """Read what holds for the repository around `root`; where there is none to use, make one.

    Raises `MachineError` when it can neither be read nor made.
    """
    paths = ("--git-path", "index", "--git-path", "info/attributes")
    words = ("rev-parse", "--show-object-format", *paths)
    said = process.read(("git", *words), cwd=root)
    if said:
        import shutil

        shutil.rmtree(_own(root), ignore_errors=True)
    else:
        _make_own(root, said.errors)
        said = process.read((*_git(root), *words), cwd=root)
    if not said:
        raise MachineError(f"Git cannot read the repository {root}: {said.errors.strip()}")
    name, index, attributes = os.fsdecode(said.output).splitlines()
    converted = process.read((*_git(root), "config", "--get", "core.autocrlf"), cwd=root)
    converts = bool(converted) and converted.text.strip().lower() not in _FALSE
    converts = converts or os.path.exists(os.path.join(root, attributes))
    return Repository(name, os.path.join(root, index), converts)


def _make_own(root: str, reason: str) -> None:
    """Make an empty repository, and say why when there is another that Git refuses."""
    if os.path.exists(f"{root}/.git"):
        first, *_ = reason.splitlines()
        console.progress(f"note: Git cannot read {root}/.git, its history is not used: {first}")
    state.make(root)
    process.read(("git", f"--git-dir={_own(root)}", "init", "--quiet", "--template="), cwd=root)


def _own(root: str) -> str:
    return f"{root}/{state.FOLDER}/git"


def _git(root: str) -> tuple[str, ...]:
    """The words that begin a command about the working copy at `root`."""
    if os.path.isdir(_own(root)):
        return ("git", f"--git-dir={_own(root)}", f"--work-tree={root}")
    return ("git",)


def files(root: str) -> tuple[str, ...]:
    """The files below `root` that Git tracks or would track, sorted, relative to it.

    A repository within this one counts as a file.
    """
    words = ("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    return tuple(sorted({path.removesuffix("/") for path in _paths(_ask(root, *words))}))


def open_folders(root: str) -> list[str]:
    """The folders below `root` in which Git tracks nothing yet and would track what comes."""
    words = ("ls-files", "-z", "--others", "--exclude-standard", "--directory")
    folders = [path.rstrip("/") for path in _paths(_ask(root, *words)) if path.endswith("/")]
    found: list[str] = []
    while folders:
        own = [it for it in folders if not os.path.lexists(f"{root}/{it}/.git")]
        ignored = _ignored(root, [f"{folder}/{_ANY_NAME}" for folder in own])
        folders = [it for it in own if f"{it}/{_ANY_NAME}" not in ignored]
        found += (os.path.normpath(it) for it in folders)
        folders = [below for folder in folders for below in _folders_in(root, folder)]
    return ["" if it == "." else it for it in found]


_ANY_NAME = "a-name-that-no-pattern-is-about"


def _ignored(root: str, paths: list[str]) -> set[str]:
    if not paths:
        return set()
    # A colon at the start of a path would have a meaning of its own.
    fed = b"".join(b"./" + os.fsencode(path) + b"\0" for path in paths)
    said = process.read((*_git(root), "check-ignore", "-z", "--stdin"), cwd=root, fed=fed)
    return {path.removeprefix("./") for path in _paths(said.output)}


def _folders_in(root: str, folder: str) -> list[str]:
    try:
        with os.scandir(f"{root}/{folder}") as entries:
            return [f"{folder}/{it.name}" for it in entries if it.is_dir(follow_symlinks=False)]
    except OSError:  # gone meanwhile, or closed to this user, and so to Git
        return []


def untracked(root: str, paths: list[str]) -> list[str]:
    """The files at or below these paths that Git does not track yet and would."""
    words = ("ls-files", "-z", "--others", "--exclude-standard", "--", *paths)
    return _paths(_ask(root, "--literal-pathspecs", *words))


def changed_since(root: str, commit: str) -> frozenset[str]:
    """The files below `root` that differ from a commit, and those that Git does not track yet."""
    differing = _ask(root, "diff", "--name-only", "--relative", "-z", "--no-renames", commit, "--")
    untracked = _ask(root, "ls-files", "-z", "--others", "--exclude-standard")
    return frozenset(_paths(differing) + _paths(untracked))


def merge_base(root: str, ref: str) -> str:
    """The commit at which HEAD and `ref` parted; `ref` may be empty for the default branch.

    Raises `ConfigError` when there is none.
    """
    remote = ("origin/HEAD", "origin/main", "origin/master")
    candidates = (ref,) if ref else (*remote, *_defaults(root))
    for name in candidates:
        found = process.read(
            (*_git(root), "merge-base", "HEAD", "--end-of-options", name), cwd=root
        )
        if found:
            return found.text.strip()
    raise ConfigError(
        f"no commit that HEAD and {' or '.join(candidates)} have in common",
        hint="fetch the branch, or name another one: --affected=REF",
    )


def _defaults(root: str) -> tuple[str, ...]:
    configured = process.read((*_git(root), "config", "--get", "init.defaultBranch"), cwd=root)
    return (*configured.text.split(), "main", "master")


def blob_ids(root: str, paths: list[str]) -> list[str]:
    """The ids under which Git would store the files, converted as it would convert them."""
    at_once = 500  # keeps the command line short
    found: list[str] = []
    for start in range(0, len(paths), at_once):
        found += _ask(root, "hash-object", "--", *paths[start : start + at_once]).decode().split()
    return found


def commit_of(root: str, folder: str) -> str:
    """The commit that is checked out in a repository within this one.

    Of a submodule that is not checked out it is what the index names. Empty for other folders.
    """
    full = f"{root}/{folder}"
    if os.path.lexists(f"{full}/.git"):
        said = process.read(("git", "rev-parse", "--verify", "--quiet", "HEAD"), cwd=full)
        return said.text.strip()
    entry = _ask(root, "--literal-pathspecs", "ls-files", "-z", "--stage", "--", folder)
    return entry.split()[1].decode() if entry.startswith(b"160000 ") else ""


_ENTRY = (
    rb"(?P<mode>\d+) (?P<id>[0-9a-f]+) 0\t(?P<path>[^\0]+)\0"
    rb"  ctime: (?P<cs>\d+):(?P<cn>\d+)\n  mtime: (?P<ms>\d+):(?P<mn>\d+)\n"
    rb"  dev: \d+\tino: (?P<ino>\d+)\n  uid: \d+\tgid: \d+\n  size: (?P<size>\d+)\tflags: [^\n]*\n"
)


def index(root: str, repository: Repository) -> dict[str, tuple[tuple[int, ...], str]]:
    """The entries of Git's index by path, without those it would read again itself.

    Each is mtime and ctime in nanoseconds, size and inode, then mode and blob id. The format is
    that of `git ls-files --stage --debug`. An entry as young as the index may have changed after
    it was read ("racily clean").
    """
    try:
        written = os.stat(repository.index_file).st_mtime_ns
    except OSError:
        return {}
    empty = hashlib.new(repository.hash, b"blob 0\0", usedforsecurity=False).hexdigest().encode()
    said = _ask(root, "ls-files", "-z", "--stage", "--debug")
    entries: dict[str, tuple[tuple[int, ...], str]] = {}
    for entry in re.finditer(_ENTRY, said):
        mtime = int(entry["ms"]) * 1_000_000_000 + int(entry["mn"])
        ctime = int(entry["cs"]) * 1_000_000_000 + int(entry["cn"])
        # Git writes size 0 of what was racily clean when it looked.
        is_sure = entry["size"] != b"0" or entry["id"] == empty
        if is_sure and max(mtime, ctime) < written:
            digest = f"{entry['mode'].decode()} {entry['id'].decode()}"
            numbers = (mtime, ctime, int(entry["size"]), int(entry["ino"]))
            entries[os.fsdecode(entry["path"])] = numbers, digest
    return entries


def _paths(said: bytes) -> list[str]:
    return [os.fsdecode(path) for path in said.split(b"\0") if path]


def _ask(root: str, *words: str) -> bytes:
    said = process.read((*_git(root), *words), cwd=root)
    if not said:
        last = said.errors.strip().splitlines()[-1:] or [f"exit code {said.code}"]
        command = next(word for word in words if not word.startswith("-"))
        raise MachineError(f"git {command} failed in {root}: {last[0]}")
    return said.output
