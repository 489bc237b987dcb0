"""JavaScript and TypeScript: what a file reads, calls, serves and imports.

Tolerant: what the grammar does not understand is passed over. Parsed only where somebody asks, and
only files that hold one of the words that a rule looks for.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from pipelines.audit.model.javascript.facts import (
    Application,
    Call,
    Import,
    Literal,
    Module,
    Read,
    Route,
)
from pipelines.audit.model.javascript.reading import module as _module
from pipelines.audit.model.javascript.values import Kind, Value
from pipelines.audit.model.words import JAVASCRIPT as SUFFIXES, Words, written
from pipelines.audit.tracked import Tracked, join

__all__ = [
    "SERVERS",
    "SUFFIXES",
    "Application",
    "Call",
    "Import",
    "JavaScript",
    "Kind",
    "Literal",
    "Module",
    "Read",
    "Route",
    "Value",
]

SERVERS = ("express", "fastify", "koa", "hono", "@nestjs/", "createserver")
_DEEPEST = 12  # names that stand for names


class JavaScript:
    """Every deployed file of the repository; each is parsed when it is first asked for."""

    def __init__(self, tracked: Tracked, words: Words) -> None:
        self._tracked = tracked
        self._words = words
        self._modules: dict[str, Module] = {}

    def holding(self, *words: str) -> Iterator[Module]:
        """The modules whose text holds one of these words, which `model.words` must know."""
        for path in self._words.holding(*words, suffixes=SUFFIXES):
            yield self.module(path)

    def module(self, file: str) -> Module:
        """The facts of one file; an empty module for what is none."""
        if file not in self._modules:
            self._modules[file] = self._tracked.once("javascript", file, lambda: self._read(file))
        return self._modules[file]

    def _read(self, file: str) -> Module:
        data = written(self._tracked, file) if file.endswith(SUFFIXES) else None
        return _module(data, file) if data is not None else Module(file)

    def find(self, name: str, file: str) -> str | None:
        """The file that `import "./name"` means in this file; None for a package."""
        if not name.startswith("."):
            return None
        path = join(str(PurePosixPath(file).parent), name)
        if path is None:
            return None
        stem = path.removesuffix(".js")
        candidates = [path, *(f"{stem}{it}" for it in SUFFIXES)]
        candidates += [f"{path}/index{it}" for it in SUFFIXES]
        return next((it for it in candidates if it in self._tracked), None)

    def resolved(self, value: Value, file: str) -> Value:
        """What a name stands for, in this file or in the one it is imported from."""
        for _ in range(_DEEPEST):
            if value.kind is not Kind.NAME:
                break
            further = self._named(value, file)
            if further is None:
                break
            value, file = further, further.place.file
        return value

    def _named(self, value: Value, file: str) -> Value | None:
        module = self.module(file)
        whole = value.text.removeprefix("this.")
        if whole in module.names:
            return module.names[whole]
        root, *members = whole.split(".")
        found = module.names.get(root)
        if found is None:
            source, name = module.origin(root)
            there = self.find(source, file)
            if there is None:
                return None
            names = self.module(there).names
            if name in ("*", "default"):
                exported = (names.get(it) for it in (*members[:1], "module.exports", root))
                found = next((it for it in exported if it is not None), None)
                members = members[1:] if members and members[0] in names else members
            else:
                found = names.get(name)
        for member in members:
            found = found.fields.get(member) if found is not None else None
        return found
