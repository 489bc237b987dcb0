"""What Git tracks: names and contents, of a commit or of the working copy; nothing else is read.

libgit2 reads the repository in this process: no program of the audited repository runs, no hook,
filter or monitor that its configuration names.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from functools import cached_property
from pathlib import Path, PurePosixPath
from stat import S_ISREG
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import pygit2
from pygit2.enums import ConfigLevel, FileMode, FileStatus, ObjectType, Option

from pipelines.audit.kept import Kept
from pipelines.errors import ConfigError

T = TypeVar("T")

# A file that somebody wrote is smaller; what is larger is data.
LARGEST = 1_000_000  # bytes
_LINES_OF = 3  # files whose lines are kept: those of the two places of a join, and one
_BINARY_WITHIN = 8_000  # bytes, as Git itself looks for a zero byte
_ROOM = 32_000_000  # bytes of contents that are kept: many parts read the same files
_OF_ONE = 100  # bytes that keeping something takes, however small it is

# Not the user's own settings, and whoever owns the folder: nothing here depends on it.
pygit2.option(Option.SET_OWNER_VALIDATION, False)
for _level in (ConfigLevel.SYSTEM, ConfigLevel.XDG, ConfigLevel.GLOBAL):
    pygit2.option(Option.SET_SEARCH_PATH, _level, "")
# Git does not work out the names of contents that it reads either: it takes longer than to read.
pygit2.option(Option.ENABLE_STRICT_HASH_VERIFICATION, False)
# How much of a repository's packs is in memory at a time: it would be all that was ever read.
pygit2.option(Option.SET_MWINDOW_SIZE, 4_194_304)
pygit2.option(Option.SET_MWINDOW_MAPPED_LIMIT, 16_777_216)


class Tracked:
    """The files below one folder that Git tracks, at a revision or as they are now.

    `paths` are regular files only, sorted, relative to the folder and with `/`; `links` and
    `submodules` are names whose contents are never followed. `ids` name the contents where Git
    knows them: at a revision. What is made of those may be kept in a `memory` for another one.
    """

    def __init__(
        self,
        paths: dict[str, Callable[[], bytes]],
        *,
        links: frozenset[str] = frozenset(),
        submodules: frozenset[str] = frozenset(),
        ids: Mapping[str, str] | None = None,
        revision: str = "",
        origin: str = "",
    ) -> None:
        self._read = dict(sorted(paths.items()))
        self.paths = tuple(self._read)
        self.links = links
        self.submodules = submodules
        self.ids = ids or {}
        self.revision = revision
        self.origin = origin
        self.memory: MutableMapping[tuple[str, str, str], Any] | None = None
        self.too_large: set[str] = set()
        self._last: tuple[str, str | None] = ("", None)
        self._last_lines: dict[str, list[str]] = {}
        self._kept: Kept[bytes | None] = Kept(_ROOM)

    def having(self, texts: Mapping[str, str]) -> Tracked:
        """The same with other texts in some of its files."""
        changed = {path: _given(text) for path, text in texts.items()}
        return Tracked(
            {**self._read, **changed},
            links=self.links,
            submodules=self.submodules,
            revision=self.revision,
            origin=self.origin,
        )

    def __contains__(self, path: object) -> bool:
        return path in self._read

    def __iter__(self) -> Iterator[str]:
        return iter(self.paths)

    def __len__(self) -> int:
        return len(self.paths)

    def _contents(self, path: str) -> bytes | None:
        return self._kept.get(path, lambda: _bounded(self._read.get(path)), _room_of)

    def bytes(self, path: str) -> bytes | None:
        """The contents; None when nothing tracked has that name, or it is larger than `LARGEST`."""
        data = self.once("bytes", path, lambda: self._contents(path))
        if data is not None and len(data) > LARGEST:
            self.too_large.add(path)
            return None
        return data

    def text(self, path: str) -> str | None:
        """The contents as text; None as for `bytes`, and for what is binary."""
        if path == self._last[0]:
            return self._last[1]
        data = self.bytes(path)
        is_text = data is not None and not _is_binary(data)
        text = data.decode("utf-8-sig", errors="replace") if data is not None and is_text else None
        self._last = (path, text)
        return text

    def lines(self, path: str) -> list[str]:
        """The lines of a text, without their ends; none of what is no text."""
        lines = self._last_lines.pop(path, None)
        if lines is None:
            lines = (self.text(path) or "").split("\n")
        self._last_lines[path] = lines
        if len(self._last_lines) > _LINES_OF:
            del self._last_lines[next(iter(self._last_lines))]
        return lines

    def once(self, what: str, path: str, make: Callable[[], T]) -> T:
        """What `make` makes of a file's name and contents, and of nothing else.

        The same file at another revision is not read again where both have one memory.
        """
        if self.memory is None or path not in self.ids:
            return make()
        key = (what, path, self.ids[path])
        try:
            made: T = self.memory[key]
        except KeyError:
            made = self.memory[key] = make()
        return made

    @cached_property
    def folders(self) -> frozenset[str]:
        """Every folder that holds something tracked; the root is ""."""
        found = {""}
        for path in self.paths:
            parent = str(PurePosixPath(path).parent)
            while parent not in (".", *found):
                found.add(parent)
                parent = str(PurePosixPath(parent).parent)
        return frozenset(found)

    def below(self, folder: str) -> list[str]:
        """The files in a folder and its folders; "" is the root."""
        return (
            [path for path in self.paths if path.startswith(f"{folder}/")]
            if folder
            else list(self.paths)
        )

    def named(self, *names: str) -> list[str]:
        """The files that have one of these names, in whatever folder."""
        return [path for path in self.paths if path.rpartition("/")[2] in names]


def _given(text: str) -> Callable[[], bytes]:
    return lambda: text.encode(errors="replace")


def _room_of(data: bytes | None) -> int:
    """What is binary is not asked for again: nothing is kept of it."""
    return _ROOM + 1 if _is_binary(data or b"") else len(data or b"") + _OF_ONE


def _is_binary(data: bytes) -> bool:
    return b"\0" in data[:_BINARY_WITHIN]


def _bounded(read: Callable[[], bytes] | None) -> bytes | None:
    try:
        data = read() if read else None
    except (OSError, KeyError):  # removed since, or a blob that a partial clone lacks
        return None
    return data[: LARGEST + 1] if data else data


def join(folder: str, path: str) -> str | None:
    """A path that was written in a file of `folder`, relative to the root of the audit.

    None when it leads outside, or is absolute.
    """
    if path.startswith(("/", "~")) or "\0" in path:
        return None
    normal = os.path.normpath(os.path.join(folder, path)).replace(os.sep, "/")
    if normal == ".." or normal.startswith("../"):
        return None
    return "" if normal == "." else normal


def read(folder: Path, revision: str = "") -> Tracked:
    """What Git tracks below the folder: at that revision, or now, changes included.

    A folder in no repository is read as if everything were added that Git would not ignore.
    Raises `ConfigError` for a folder or revision that is not there, and for a bare repository
    without a revision.
    """
    repository = _around(folder)
    if repository is None:
        if revision:
            raise _no_repository(folder, revision)
        return _untracked(folder)
    if revision:
        return at(repository, revision, _prefix(repository, folder))
    if repository.is_bare:
        raise ConfigError(
            f"{folder} is a bare repository, which has no working copy",
            hint="name a commit, for instance --rev HEAD",
        )
    return _working_copy(repository, folder)


def merge_base(folder: Path, revision: str, other: str) -> str:
    """The commit at which two histories parted; the first is that of HEAD when it is "".

    Raises `ConfigError` when there is none.
    """
    repository = _around(folder)
    if repository is None:
        raise _no_repository(folder, other)
    ends = []
    for name in (revision or "HEAD", other):
        try:
            ends.append(repository.revparse_single(name).peel(pygit2.Commit).id)
        except (KeyError, ValueError, pygit2.GitError) as error:
            raise ConfigError(f"no commit called {name!r}") from error
    try:
        base = repository.merge_base(*ends)
    except (KeyError, pygit2.GitError):  # a shallow clone ends before it
        base = None
    if base is None:
        raise ConfigError(
            f"{revision or 'HEAD'} and {other} have no commit in common",
            hint="fetch the whole history",
        )
    return str(base)


def _around(folder: Path) -> pygit2.Repository | None:
    if not folder.is_dir():
        raise ConfigError(f"no such folder: {folder}")
    try:
        found = pygit2.discover_repository(str(folder))
        return pygit2.Repository(found) if found else None
    except (pygit2.GitError, KeyError) as error:
        raise ConfigError(f"Git cannot read the repository around {folder}: {error}") from error


def _no_repository(folder: Path, revision: str) -> ConfigError:
    return ConfigError(f"{folder} is in no Git repository, so it has no {revision!r}")


def at(repository: pygit2.Repository, revision: str, prefix: str = "") -> Tracked:
    """What a commit or tree holds below `prefix`. Raises `ConfigError` for what is none."""
    try:
        named = repository.revparse_single(revision)
        found = named.peel(None) if named.type == ObjectType.TAG else named
        tree = found.peel(pygit2.Tree)
        if prefix:
            tree = (tree / prefix).peel(pygit2.Tree)
    except (KeyError, ValueError, pygit2.GitError) as error:
        below = f" with a folder {prefix}" if prefix else ""
        raise ConfigError(f"no commit called {revision!r}{below}") from error
    paths: dict[str, Callable[[], bytes]] = {}
    ids: dict[str, str] = {}
    links, submodules = set(), set()
    waiting = [("", tree)]
    while waiting:
        folder, here = waiting.pop()
        for entry in here:
            path = f"{folder}{entry.name}"
            if entry.type == ObjectType.TREE:
                waiting.append((f"{path}/", entry.peel(pygit2.Tree)))
            elif entry.filemode == FileMode.LINK:
                links.add(path)
            elif entry.type == ObjectType.BLOB:
                paths[path] = _blob(repository, entry.id)
                ids[path] = str(entry.id)
            else:
                submodules.add(path)
    return Tracked(
        paths,
        links=frozenset(links),
        submodules=frozenset(submodules),
        ids=ids,
        revision=str(found.id),
        origin=_origin(repository),
    )


def _origin(repository: pygit2.Repository) -> str:
    """Where the repository was cloned from, without who asked; "" when that is no address."""
    try:
        url = repository.remotes["origin"].url or ""
    except (KeyError, pygit2.GitError):
        return ""
    if match := re.fullmatch(r"(?:[^@/:]+@)?([\w.-]+):(?!/)(.+)", url):
        url = f"ssh://{match[1]}/{match[2]}"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", f":{parts.port}" if parts.port else ""
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https", "ssh", "git") or not host:
        return ""
    return f"{parts.scheme}://{host}{port}{quote(parts.path, safe='/~%')}"


def _blob(repository: pygit2.Repository, id_: pygit2.Oid) -> Callable[[], bytes]:
    return lambda: bytes(repository[id_].read_raw())


def _prefix(repository: pygit2.Repository, folder: Path) -> str:
    """The folder as seen from the root of the working copy; "" for the repository's own folder."""
    here = Path(os.path.realpath(folder))
    if repository.is_bare or here.is_relative_to(os.path.realpath(repository.path)):
        return ""
    relative = here.relative_to(os.path.realpath(repository.workdir)).as_posix()
    return "" if relative == "." else relative


def _working_copy(repository: pygit2.Repository, folder: Path) -> Tracked:
    prefix = _prefix(repository, folder)
    start = f"{prefix}/" if prefix else ""
    root = os.path.realpath(folder)
    paths: dict[str, Callable[[], bytes]] = {}
    links, submodules = set(), set()
    for entry in repository.index:
        if not entry.path.startswith(start):
            continue
        path = entry.path[len(start) :]
        if entry.mode == FileMode.COMMIT:
            submodules.add(path)
        elif entry.mode == FileMode.LINK:
            links.add(path)
        elif os.path.lexists(folder / path):  # what was removed and not yet said to Git is gone
            paths[path] = _file(root, path)
    return Tracked(paths, links=frozenset(links), submodules=frozenset(submodules))


def _untracked(folder: Path) -> Tracked:
    """The folder as Git would see it, by an empty repository that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="summit-audit-") as own:
        repository = pygit2.init_repository(own, bare=True)
        repository.workdir = str(folder.resolve())
        found = repository.status(untracked_files="all")
    root = os.path.realpath(folder)
    return Tracked(
        {
            path: _file(root, path)
            for path, status in found.items()
            if status == FileStatus.WT_NEW and not (folder / path).is_symlink()
        }
    )


def _file(root: str, path: str) -> Callable[[], bytes]:
    """Read a regular file, and no link: what it points at may be anywhere."""

    def read() -> bytes:
        file = os.path.join(root, path)
        if os.path.realpath(os.path.dirname(file)) != os.path.dirname(file):
            raise FileNotFoundError(file)  # a folder on the way has become a link
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as opened:
            if not S_ISREG(os.fstat(descriptor).st_mode):
                return b""
            return opened.read(LARGEST + 1)

    return read
