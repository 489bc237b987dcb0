"""The working copy as it really is: its files by content, and the Git tree they make.

A file is named by its Git mode and blob id: `100644 ce013625030ba8dba906f756967f9e9ca394464a`.
The formats are Git's own: https://git-scm.com/book/en/v2/Git-Internals-Git-Objects.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from pipelines.checkout import git
from pipelines.checkout.git import Repository
from pipelines.checkout.stats import WIDTH, differing, stats, without_racy
from pipelines.errors import MachineError

Remembered = tuple[tuple[int, ...], str]  # numbers as `stats.stats` has them, digest
_UNKNOWN: Remembered = ((), "")
MODULE = "160000 "  # what the digest of a submodule begins with


class Known(NamedTuple):
    """What was known of the files when they were last read; `numbers` as `stats.stats` has it.

    `folders` hold the `paths`, or may come to hold some; when none of them changed, no file came
    or went.
    """

    repository: Repository
    paths: tuple[str, ...]
    digests: tuple[str, ...]
    folders: tuple[str, ...]
    numbers: array[int]  # of the paths, then of the folders
    trees: Mapping[str, str]  # the Git tree of every folder


class Worktree(NamedTuple):
    """All files that Git tracks or would track, sorted, and what each holds."""

    root: str
    known: Known
    changed: frozenset[int] | None  # indices of other content than before; None: all may be

    @property
    def paths(self) -> tuple[str, ...]:
        """POSIX paths relative to the root."""
        return self.known.paths

    def digest(self, path: str) -> str | None:
        """Git mode and blob id of a file, None when there is no such file."""
        at = bisect_left(self.known.paths, path)
        if at < len(self.known.paths) and self.known.paths[at] == path:
            return self.known.digests[at]
        return None

    @property
    def tree(self) -> str:
        """The id that `git write-tree` would give to exactly these files."""
        return self.known.trees[""]


def read(
    root: str, before: Known | None, moved: Iterable[int] | None = None, seen: int = 0
) -> Worktree:
    """Read the working copy at `root`; only what changed since `before` is opened.

    `moved` are indices of the paths and folders of `before` that somebody found to have moved in
    time, and `seen` is when, in nanoseconds; without these it is looked for here.

    Raises `MachineError` for a file, or a repository, that cannot be read.
    """
    try:
        if before is None:
            return _read_anew(root, time.time_ns(), None)
        if moved is None:
            seen = time.time_ns()
            moved = differing(before.numbers, stats(_under(root, before.paths + before.folders)))
        return _read_moved(root, before, sorted(moved), seen)
    except FileNotFoundError:  # gone between being listed and being opened: an editor's own file
        return _read_anew(root, time.time_ns(), None)


def _read_moved(root: str, before: Known, moved: list[int], seen: int) -> Worktree:
    watched = before.paths + before.folders
    numbers = stats(_under(root, (watched[at] for at in moved)))
    files = len(before.paths)
    names = {before.paths[at].rpartition("/")[2] for at in moved if at < files}
    if ".gitattributes" in names:  # any file may be converted in another way now
        return _read_anew(root, seen, None)
    is_gone = 0 in numbers[1::WIDTH]
    may_differ = is_gone or moved[-1:] >= [files] or ".gitignore" in names
    if may_differ and _listed(root) != (before.paths, before.folders):
        return _read_anew(root, seen, before)
    settled = without_racy(numbers, seen)
    now = array("q", before.numbers)
    for place, at in enumerate(moved):
        now[at * WIDTH : at * WIDTH + WIDTH] = settled[place * WIDTH : place * WIDTH + WIDTH]
    return _read_changed(root, before, [at for at in moved if at < files], now)


def _listed(root: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The files that Git lists and that are there, and all folders in which one may appear.

    A tracked file may be gone, or be a folder by now, or seem to be there behind a link.
    """
    listed = git.files(root)
    above = _ancestry(listed)
    links = {folder for folder in above if os.path.islink(f"{root}/{folder}")}
    if links:
        listed = tuple(path for path in listed if links.isdisjoint(_ancestry([path])))
        above = _ancestry(listed)
    paths = tuple(path for path in listed if _is_there(root, path))
    replaced = set(listed).difference(paths)
    return paths, tuple(sorted(above.union(git.open_folders(root), replaced)))


def _is_there(root: str, path: str) -> bool:
    try:
        mode = os.lstat(f"{root}/{path}").st_mode
    except OSError:
        return False
    if stat.S_ISDIR(mode):
        return bool(git.commit_of(root, path))
    return stat.S_ISREG(mode) or stat.S_ISLNK(mode)


def _read_changed(root: str, before: Known, moved: Sequence[int], numbers: array[int]) -> Worktree:
    """The same files as before; those that moved in time may hold something else."""
    found = _digests(root, before.repository, [before.paths[at] for at in moved])
    fresh = dict(zip(moved, found, strict=True))
    changed = [at for at, digest in fresh.items() if before.digests[at] != digest]
    known = before._replace(numbers=_without_modules(numbers, before.digests, moved))
    if changed:
        digests = list(before.digests)
        for at in changed:
            digests[at] = fresh[at]
        folders = _ancestry(before.paths[at] for at in changed)
        trees = _trees(before.repository, before.paths, digests, folders, before.trees)
        known = known._replace(digests=tuple(digests), trees=trees)
    return Worktree(root, known, frozenset(changed))


def _read_anew(root: str, seen: int, before: Known | None) -> Worktree:
    """Other files than before, or none known before."""
    repository = git.repository(root)
    paths, folders = _listed(root)
    attributes = {path for path in paths if path.rpartition("/")[2] == ".gitattributes"}
    if attributes:
        repository = repository._replace(converts=True)
    if before and before.repository == repository and attributes.issubset(before.paths):
        known = _by_path(before)
    else:
        known = _seed(root, repository)
    numbers = stats(_under(root, paths + folders))
    rows = zip(*[iter(numbers)] * WIDTH, strict=True)
    digests = [
        digest if old == numbers_now else ""
        for path, numbers_now in zip(paths, rows, strict=False)
        for old, digest in (known.get(path, _UNKNOWN),)
    ]
    unread = [at for at, digest in enumerate(digests) if not digest]
    read_now = _digests(root, repository, [paths[at] for at in unread])
    for at, digest in zip(unread, read_now, strict=True):
        digests[at] = digest
    trees = _trees(repository, paths, digests, _ancestry(paths), {})
    settled = _without_modules(without_racy(numbers, seen), digests, range(len(digests)))
    return Worktree(root, Known(repository, paths, tuple(digests), folders, settled, trees), None)


def _without_modules(
    numbers: array[int], digests: Sequence[str], indices: Iterable[int]
) -> array[int]:
    """The numbers, with zeros for those of these paths that are submodules.

    A commit in one leaves its folder as it is.
    """
    for at in indices:
        if digests[at].startswith(MODULE):
            numbers[at * WIDTH : at * WIDTH + WIDTH] = array("q", (0,) * WIDTH)
    return numbers


def _by_path(known: Known) -> dict[str, Remembered]:
    rows = zip(*[iter(known.numbers)] * WIDTH, strict=True)
    files = zip(known.paths, known.digests, rows, strict=False)
    return {path: (numbers, digest) for path, digest, numbers in files}


def _under(root: str, paths: Iterable[str]) -> Iterable[str]:
    prefix = root + "/"
    return [prefix + path for path in paths]


def _ancestry(paths: Iterable[str]) -> set[str]:
    """Every folder that holds one of the paths, at any depth; the root is the empty path."""
    folders = {""}
    for path in paths:
        folder = path.rpartition("/")[0]
        while folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]
    return folders


def _seed(root: str, repository: Repository) -> dict[str, Remembered]:
    """What Git's index knows of the files: on a fresh clone nothing needs to be read.

    Where Git converts files, it has the blob of another content than the file's.
    """
    return {} if repository.converts else git.index(root, repository)


def _digests(root: str, repository: Repository, paths: Sequence[str]) -> list[str]:
    """Git mode and blob id of each file, in order."""
    if not repository.converts:
        return [_digest(root, repository, path) for path in paths]
    plain = [path for path in paths if stat.S_ISREG(os.lstat(f"{root}/{path}").st_mode)]
    converted = dict(zip(plain, git.blob_ids(root, plain), strict=True))
    return [
        f"{_mode(os.lstat(f'{root}/{path}').st_mode)} {converted[path]}"
        if path in converted
        else _digest(root, repository, path)
        for path in paths
    ]


def _digest(root: str, repository: Repository, path: str) -> str:
    full = f"{root}/{path}"
    try:
        mode = os.lstat(full).st_mode
        if stat.S_ISDIR(mode):
            return f"{MODULE}{git.commit_of(root, path)}"
        if stat.S_ISLNK(mode):
            content = os.fsencode(os.readlink(full))
        else:
            with open(full, "rb") as file:
                content = file.read()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise MachineError(f"cannot read {full}: {error.strerror}") from error
    return f"{_mode(mode)} {_object_id(repository, b'blob', content)}"


def _mode(mode: int) -> str:
    if stat.S_ISLNK(mode):
        return "120000"
    return "100755" if mode & stat.S_IXUSR else "100644"


def _object_id(repository: Repository, kind: bytes, content: bytes) -> str:
    header = b"%s %d\0" % (kind, len(content))
    return hashlib.new(repository.hash, header + content, usedforsecurity=False).hexdigest()


def _trees(
    repository: Repository,
    paths: Sequence[str],
    digests: Sequence[str],
    folders: Iterable[str],
    known: Mapping[str, str],
) -> dict[str, str]:
    """The Git tree of every folder: `folders` anew, the others as `known`."""
    trees = dict(known)
    entries = {
        folder: [_blob_entry(paths[at], digests[at]) for at in _files_in(folder, paths)]
        for folder in folders
    }
    for folder in entries:
        trees.pop(folder, None)
    for folder, tree in trees.items():
        above, _, name = folder.rpartition("/")
        if above in entries and folder:
            entries[above].append(_entry("40000", name, tree))
    for folder in sorted(entries, key=lambda it: (it.count("/"), it != ""), reverse=True):
        content = b"".join(line for _, line in sorted(entries[folder]))
        trees[folder] = _object_id(repository, b"tree", content)
        if folder:
            above, _, name = folder.rpartition("/")
            entries[above].append(_entry("40000", name, trees[folder]))
    return trees


_AFTER_SLASH = chr(ord("/") + 1)


def _files_in(folder: str, paths: Sequence[str]) -> Iterator[int]:
    """Indices of the files directly in a folder; what is in folders below is leapt over."""
    prefix = f"{folder}/" if folder else ""
    at = bisect_left(paths, prefix)
    while at < len(paths) and paths[at].startswith(prefix):
        name, slash, _ = paths[at][len(prefix) :].partition("/")
        if slash:
            at = bisect_left(paths, f"{prefix}{name}{_AFTER_SLASH}", at)
        else:
            yield at
            at += 1


def _blob_entry(path: str, digest: str) -> tuple[bytes, bytes]:
    mode, _, blob = digest.partition(" ")
    return _entry(mode, path.rpartition("/")[2], blob)


def _entry(mode: str, name: str, object_id: str) -> tuple[bytes, bytes]:
    """One line of a tree, after what Git sorts it by: a folder as if its name ended in a slash."""
    encoded = os.fsencode(name)
    line = b"%s %s\0%s" % (mode.encode(), encoded, bytes.fromhex(object_id))
    return (encoded + b"/" if mode == "40000" else encoded), line


def changed_files(worktree: Worktree, indices: Sequence[int]) -> list[str]:
    """Which of these files hold something else, or are gone, since the worktree was read."""
    known = worktree.known
    changed = []
    for at in indices:
        path = known.paths[at]
        numbers = stats([f"{worktree.root}/{path}"])
        if numbers[1] and numbers == known.numbers[at * WIDTH : at * WIDTH + WIDTH]:
            continue
        try:
            is_same = _digests(worktree.root, known.repository, [path]) == [known.digests[at]]
        except FileNotFoundError:
            is_same = False
        if not is_same:
            changed.append(path)
    return changed


def added_files(worktree: Worktree, folders: Iterable[str]) -> list[str]:
    """Files directly in these folders that Git would track and the worktree did not have.

    Only a folder whose times moved is looked into, and Git is asked only about what is new.
    """
    known = worktree.known
    start = len(known.paths)
    found = []
    for folder in folders:
        at = start + bisect_left(known.folders, folder)
        full = f"{worktree.root}/{folder}" if folder else worktree.root
        if stats([full]) == known.numbers[at * WIDTH : at * WIDTH + WIDTH]:
            continue
        prefix = f"{folder}/" if folder else ""
        listed = (prefix + name for name in os.listdir(full))
        found += [it for it in listed if not (_is_in(known.paths, it) or _is_in(known.folders, it))]
    return git.untracked(worktree.root, found) if found else []


def _is_in(names: Sequence[str], name: str) -> bool:
    """Whether one of the sorted names is this one."""
    at = bisect_left(names, name)
    return at < len(names) and names[at] == name
