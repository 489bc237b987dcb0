"""The repository as discovery sees it: which files there are, and what few of them say."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.errors import ConfigError, Where


class Repository:
    """The files of a working copy by folder; remembers which of them were read."""

    def __init__(self, root: Path, files: Sequence[str]) -> None:
        self._root = root
        self._texts: dict[str, str] = {}
        self._parsed: dict[str, dict[str, Any]] = {}
        self.folders: dict[str, set[str]] = {".": set()}
        for file in files:
            folder, _, name = file.rpartition("/")
            if folder not in self.folders:
                self._add(folder or ".")
            self.folders[folder or "."].add(name)

    @property
    def sources(self) -> tuple[str, ...]:
        """The files that were read, sorted."""
        return tuple(sorted(self._texts))

    def has(self, folder: str, name: str) -> bool:
        """Whether a file of this name stands in the folder itself."""
        return name in self.folders.get(folder, ())

    def text(self, folder: str, name: str) -> str:
        """What a file says; nothing when there is none. Raises `ConfigError` when unreadable."""
        if not self.has(folder, name):
            return ""
        path = joined(folder, name)
        if path not in self._texts:
            try:
                self._texts[path] = (self._root / path).read_text(encoding="utf-8-sig")
            except FileNotFoundError:  # deleted, and Git still lists it
                self._texts[path] = ""
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigError(f"cannot be read: {error}", where=Where(Path(path))) from error
        return self._texts[path]

    def toml(self, folder: str, name: str) -> Mapping[str, Any]:
        """A TOML file as a mapping, empty when there is none. Raises `ConfigError`."""
        return self._parse(folder, name, tomllib.loads)

    def json(self, folder: str, name: str) -> Mapping[str, Any]:
        """A JSON object, empty when there is none. Raises `ConfigError`."""
        return self._parse(folder, name, json.loads)

    def _parse(self, folder: str, name: str, parse: Callable[[str], Any]) -> Mapping[str, Any]:
        path = joined(folder, name)
        if path not in self._parsed:
            text = self.text(folder, name)
            try:
                value = parse(text) if text else {}
            except ValueError as error:  # of which both TOML's and JSON's errors are
                message = f"not valid: {error}"
                raise ConfigError(message, where=Where(Path(path))) from error
            self._parsed[path] = value if isinstance(value, dict) else {}
        return self._parsed[path]

    def _add(self, folder: str) -> None:
        while folder not in self.folders:
            self.folders[folder] = set()
            folder = folder.rpartition("/")[0] or "."


def joined(folder: str, name: str) -> str:
    """The path of a file in a folder, from the root."""
    return name if folder == "." else f"{folder}/{name}"


def upwards(folder: str) -> Iterator[str]:
    """The folder and those around it, up to the root."""
    while folder not in ("", "."):
        yield folder
        folder = folder.rpartition("/")[0]
    yield "."
