"""Where modules are looked for: in the repository, or in a container with copies and mounts."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pipelines.audit.tracked import Tracked, join


class Places(Protocol):
    """A tree of folders, seen as Python would see it."""

    def file(self, folder: str, inner: str) -> str | None:
        """The tracked file that lies there."""

    def is_folder(self, folder: str, inner: str) -> bool:
        """Whether a folder lies there."""

    def home(self, file: str) -> str:
        """The folder in which a tracked file lies."""


@dataclass(frozen=True)
class Repository:
    """The repository as it is."""

    tracked: Tracked

    def file(self, folder: str, inner: str) -> str | None:
        path = join(folder, inner)
        return path if path in self.tracked else None

    def is_folder(self, folder: str, inner: str) -> bool:
        return join(folder, inner) in self.tracked.folders

    def home(self, file: str) -> str:
        return posixpath.dirname(file)


@dataclass
class Inside:
    """A container: `mounts` hide what was `copied`; a mount of None is of files nobody tracks."""

    tracked: Tracked
    copied: Sequence[tuple[str, str]]  # source in the repository, target in the container
    mounts: Sequence[tuple[str | None, str]] = ()
    _found: dict[str, str] = field(default_factory=dict)  # where a file was found last

    def file(self, folder: str, inner: str) -> str | None:
        path = posixpath.normpath(posixpath.join("/", folder, inner))
        for origin in self._origins(path):
            if origin in self.tracked:
                self._found.setdefault(origin, path)
                return origin
        return None

    def is_folder(self, folder: str, inner: str) -> bool:
        path = posixpath.normpath(posixpath.join("/", folder, inner))
        if any(origin in self.tracked.folders for origin in self._origins(path)):
            return True
        targets = [target for _, target in (*self.mounts, *self.copied)]
        return any(target.startswith(f"{path.rstrip('/')}/") for target in targets)

    def home(self, file: str) -> str:
        """The folder in which the file was found; else the first that it is in."""
        if file in self._found:
            return posixpath.dirname(self._found[file])
        places = self.places(file)
        return posixpath.dirname(places[0]) if places else "/"

    def places(self, path: str) -> list[str]:
        """Where a file or folder of the repository lies in the container."""
        found = []
        for source, target in (*self.mounts, *self.copied):
            if source is None:
                continue
            rest = _rest(path, source)
            if rest is not None:
                found.append(posixpath.normpath(posixpath.join(target, rest)))
        return [place for place in found if path in self._origins(place)]

    def is_hidden(self, path: str) -> bool:
        """Whether what lies there is mounted from outside of the repository."""
        return self._mounted(posixpath.normpath(posixpath.join("/", path))) == []

    def folders(self, path: str) -> list[str]:
        """The folders of the repository that one of the container is, or would be by its names.

        With `COPY app /code/app`, `/code` is the root.
        """
        path = posixpath.normpath(posixpath.join("/", path))
        found = [origin for origin in self._origins(path) if origin in self.tracked.folders]
        for source, target in (*self.mounts, *self.copied):
            rest = _rest(target, path)
            if source is not None and rest and f"/{source}".endswith(f"/{rest}"):
                found.append(source[: -len(rest)].rstrip("/"))
        return list(dict.fromkeys(found))

    def _origins(self, path: str) -> list[str]:
        mounted = self._mounted(path)
        return self._copies(path) if mounted is None else mounted

    def _mounted(self, path: str) -> list[str] | None:
        """What the deepest mount above a path has there; None where nothing is mounted."""
        deepest: tuple[int, str | None, str] | None = None
        for source, target in self.mounts:
            rest = _rest(path, target)
            if rest is not None and (deepest is None or len(target) >= deepest[0]):
                deepest = (len(target), source, rest)
        if deepest is None:
            return None
        _, source, rest = deepest
        return [] if source is None else [_normal(source, rest)]

    def _copies(self, path: str) -> list[str]:
        found = []
        for source, target in self.copied:
            rest = _rest(path, target)
            if rest is not None:
                found.append((len(target), _normal(source, rest)))
        return [origin for _, origin in sorted(found, reverse=True)]


def _normal(source: str, rest: str) -> str:
    path = posixpath.normpath(posixpath.join(source, rest)) if rest else source
    return "" if path == "." else path


def _rest(path: str, folder: str) -> str | None:
    """The path as seen from a folder it is in; None when it is not in it. "" is the root."""
    if path == folder:
        return ""
    start = folder if not folder or folder.endswith("/") else f"{folder}/"
    return path[len(start) :] if path.startswith(start) else None
