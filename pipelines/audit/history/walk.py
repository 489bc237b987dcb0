"""The commits of a repository, oldest first, each with what the audit finds in it."""

from __future__ import annotations

import hashlib
import multiprocessing
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import repeat
from pathlib import Path
from typing import Any, TypeVar

import pygit2
from pygit2.enums import SortMode

from pipelines.audit import tracked
from pipelines.audit.audit import audit
from pipelines.audit.findings import Finding
from pipelines.audit.tracked import Tracked
from pipelines.errors import ConfigError

# No rule reads what is in such a file, only that it is there.
_DATA = re.compile(
    r"\.(?:png|jpe?g|gif|webp|ico|svg|bmp|tiff?|pdf|mp[34]|mov|avi|webm|wav|ogg|woff2?|ttf|otf|eot"
    r"|zip|gz|tgz|bz2|xz|7z|jar|war|whl|so|dylib|dll|exe|bin|pt|pth|onnx|joblib|pkl|npy|npz|h5"
    r"|parquet|csv|tsv|ipynb|map|db|sqlite3?)$",
    re.IGNORECASE,
)
_PAUSE = 2.0  # seconds between two lines about how far it is

_PIECE = 4  # commits that one process audits before it takes others

Say = Callable[[str], None]
T = TypeVar("T")


@dataclass(frozen=True)
class Commit:
    """One commit: `when` is its committer's time, `subject` the first line of its message."""

    id: str
    when: datetime
    subject: str

    @property
    def short(self) -> str:
        return self.id[:9]

    @property
    def day(self) -> str:
        return self.when.strftime("%Y-%m-%d")


def commits(folder: Path, revision: str = "", limit: int = 0) -> list[Commit]:
    """The commits that lead to a revision (HEAD unless given), oldest first, by first parents.

    Only the last ones where a limit is given. Raises `ConfigError` where there are none.
    """
    found = pygit2.discover_repository(str(folder)) if folder.is_dir() else None
    if found is None:
        raise ConfigError(f"{folder} is in no Git repository, so it has no history")
    repository = pygit2.Repository(found)
    try:
        last = repository.revparse_single(revision or "HEAD").peel(pygit2.Commit)
    except (KeyError, ValueError, pygit2.GitError) as error:
        raise ConfigError(f"no commit called {revision or 'HEAD'!r}") from error
    walker = repository.walk(last.id, SortMode.TOPOLOGICAL)
    walker.simplify_first_parent()
    newest = []
    try:
        for commit in walker:
            newest.append(_commit(commit))
            if len(newest) == limit:
                break
    except (KeyError, pygit2.GitError):  # a shallow clone ends before the first commit does
        pass
    return newest[::-1]


def _commit(commit: pygit2.Commit) -> Commit:
    text = commit.raw_message.decode(errors="replace").strip()
    when = datetime.fromtimestamp(commit.commit_time, UTC)
    return Commit(str(commit.id), when, text.partition("\n")[0])


def walk(
    folder: Path, asked: Sequence[Commit], *, say: Say, jobs: int = 1
) -> Iterator[tuple[Commit, tuple[Finding, ...]]]:
    """What counts of the audit of each commit; what did not change is not audited again."""
    keys = [_key(_tracked(folder, commit.id)) for commit in asked]
    first = {key: commit.id for key, commit in reversed(list(zip(keys, asked, strict=True)))}
    wanted = [first[key] for key in dict.fromkeys(keys)]
    audited = _said(_audited(folder, wanted, jobs), len(wanted), say)
    known: dict[str, tuple[Finding, ...]] = {}
    for key, commit in zip(keys, asked, strict=True):
        if key not in known:
            known[key] = next(audited)
        yield commit, known[key]


def _said(audited: Iterable[T], total: int, say: Say) -> Iterator[T]:
    said = time.monotonic()
    for count, it in enumerate(audited, start=1):
        yield it
        if time.monotonic() - said > _PAUSE:
            said = time.monotonic()
            say(f"audited {count} of {total} different states")


def _audited(folder: Path, ids: Sequence[str], jobs: int) -> Iterator[tuple[Finding, ...]]:
    """What counts of the audit of each, in order, in so many processes."""
    pieces = [ids[start : start + _PIECE] for start in range(0, len(ids), _PIECE)]
    if jobs <= 1 or len(pieces) <= 1:
        memory = _Memory()
        yield from (_one(folder, id_, memory) for id_ in ids)
        return
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        for found in pool.map(_piece, repeat(folder), pieces):
            yield from found


def _piece(folder: Path, ids: Sequence[str]) -> Iterable[tuple[Finding, ...]]:
    """In a process of its own, which remembers the piece before."""
    return [_one(folder, id_, _memory) for id_ in ids]


def _one(folder: Path, id_: str, memory: _Memory) -> tuple[Finding, ...]:
    here = _tracked(folder, id_)
    memory.turn()
    here.memory = memory
    return tuple(it for it in audit(here).findings if it.counts)


class _Memory(dict[tuple[str, str, str], Any]):
    """What was made of each file, as far as this revision or the one before asked for it."""

    before: dict[tuple[str, str, str], Any]

    def turn(self) -> None:
        """Begin with another revision."""
        self.before = dict(self)
        self.clear()

    def __missing__(self, key: tuple[str, str, str]) -> Any:
        self[key] = self.before[key]
        return self[key]


_memory = _Memory()  # of this process


def _tracked(folder: Path, id_: str) -> Tracked:
    try:
        return tracked.read(folder, id_)
    except ConfigError:  # the folder of a larger repository that was not there yet
        return Tracked({})


def _key(here: Tracked) -> str:
    """What the findings depend on: the names of all files, and the contents of most."""
    digest = hashlib.sha256()
    for path in here.paths:
        content = "" if _DATA.search(path) else here.ids.get(path, "")
        digest.update(f"{path}\0{content}\0".encode(errors="surrogateescape"))
    for path in sorted((*here.links, *here.submodules)):
        digest.update(f"{path}\0\0".encode(errors="surrogateescape"))
    return digest.hexdigest()
