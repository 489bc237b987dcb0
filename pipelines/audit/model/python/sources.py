"""The modules of a repository: facts of each, parsed when asked for, and what imports what."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from pipelines.audit.findings import Unread
from pipelines.audit.model.python.facts import Import, Module
from pipelines.audit.model.python.reading import facts, parse
from pipelines.audit.place import Place
from pipelines.audit.tracked import Tracked, join

# What can be asked of every file at once (`holding`), without parsing any.
MARKS = (
    "environ", "getenv", "config(", "env(", "env.", "BaseSettings", "Settings",
    "prometheus", "create_counter", "create_histogram", "create_up_down_counter", "create_gauge",
    "opentelemetry", "instrument", "structlog", "sys.path", "FastAPI(", "Flask(", "Starlette(",
    "allow_origins", "CORS", "verify=False", "CERT_NONE", "debug", "DEBUG", "reload",
    "logging", "basicConfig", "print(", "__main__", "httpx", "requests", "aiohttp", "middleware",
    ".inc(", ".observe(", ".set(", ".dec(", ".labels(", ".add(", ".record(",
)  # fmt: skip
_IMPORT = re.compile(
    rb"^[ \t]*(?:from[ \t]+([.\w]+)[ \t]+import[ \t]*([^\n#]*)|import[ \t]+([^\n#]+))", re.MULTILINE
)
_WORDS = re.compile(rb"\w+")
_LONGEST_CHAIN = 5_000  # modules


@dataclass(frozen=True)
class Sketch:
    """What a file's text shows without parsing: the words of its imports, and marks."""

    words: frozenset[str]
    marks: frozenset[str]


@dataclass
class Python:
    """Every module of the repository, parsed when it is first asked for."""

    tracked: Tracked
    unread: list[Unread] = field(default_factory=list)
    _modules: dict[str, Module] = field(default_factory=dict)

    @cached_property
    def files(self) -> tuple[str, ...]:
        """Every Python source, tests included."""
        return tuple(path for path in self.tracked.paths if path.endswith(".py"))

    @cached_property
    def _sketches(self) -> dict[str, Sketch]:
        marks = [(mark, mark.encode()) for mark in MARKS]
        found = {}
        for file in self.files:
            data = self.tracked.bytes(file) or b""
            words = {
                word.decode(errors="replace")
                for match in _IMPORT.finditer(data)
                for word in _WORDS.findall(b" ".join(match.groups(b"")))
            }
            here = frozenset(mark for mark, needle in marks if needle in data)
            found[file] = Sketch(frozenset(words), here)
        return found

    def holding(self, *marks: str) -> list[str]:
        """The files whose text holds one of these `MARKS`."""
        wanted = frozenset(marks)
        assert wanted <= frozenset(MARKS), "MARKS are all that is looked for"
        return [file for file, sketch in self._sketches.items() if sketch.marks & wanted]

    def mentioning(self, word: str) -> list[str]:
        """The files that have a word in an import, be it a module's or another name."""
        return [file for file, sketch in self._sketches.items() if word in sketch.words]

    def module(self, file: str) -> Module:
        """The facts of one file."""
        if file not in self._modules:
            tree = self.tree(file)
            self._modules[file] = (
                facts(file, tree) if tree is not None else Module(file, is_broken=True)
            )
        return self._modules[file]

    def tree(self, file: str) -> ast.Module | None:
        """The syntax tree, parsed anew; None for what is no Python."""
        text = self.tracked.text(file)
        if text is None:
            return None
        try:
            return parse(text)
        except SyntaxError as error:
            unread = Unread(Place(file, error.lineno or 1), f"not read as Python: {error.msg}")
            if unread not in self.unread:
                self.unread.append(unread)
            return None

    def find(self, name: str, path: Sequence[str]) -> str | None:
        """The file of a module by its dotted name, looked for in these folders.

        None for what is not there, and for a folder without `__init__.py`.
        """
        inner = name.replace(".", "/")
        for folder in path:
            found = join(folder, inner)
            for file in (f"{found}/__init__.py", f"{found}.py") if found else ():
                if file in self.tracked:
                    return file
        return None

    def is_folder(self, name: str, path: Sequence[str]) -> bool:
        """Whether a dotted name is a folder in one of these."""
        return any(join(folder, name.replace(".", "/")) in self.tracked.folders for folder in path)

    def resolved(self, imported: Import, path: Sequence[str]) -> list[str]:
        """The files that an import runs: packages on the way, the module, submodules among names.

        Empty for what is not found in these folders.
        """
        parts = imported.module.lstrip(".")
        if imported.module.startswith("."):
            path = [_relative_to(imported)]
        steps = parts.split(".") if parts else []
        names = [".".join(steps[:length]) for length in range(1, len(steps) + 1)]
        files = [self.find(name, path) for name in names]
        if not steps:
            here = join(path[0], "__init__.py")
            files.append(here if here in self.tracked else None)
        inner = [f"{parts}.{name}" if parts else name for name in imported.names if name != "*"]
        files += [self.find(name, path) for name in inner]
        return [file for file in dict.fromkeys(files) if file is not None]

    def reached(
        self, file: str, path: Sequence[str], *, optional: bool = True
    ) -> Mapping[str, tuple[Import, ...]]:
        """Every file that importing this one imports, itself included, and by which imports.

        Without `optional` only what is imported for certain, when the module is.
        """
        found: dict[str, tuple[Import, ...]] = {file: ()}
        waiting = [file]
        while waiting and len(found) < _LONGEST_CHAIN:
            here = waiting.pop(0)
            for imported in self.module(here).imports:
                if imported.is_optional and not optional:
                    continue
                for other in self.resolved(imported, path):
                    if other not in found:
                        found[other] = (*found[here], imported)
                        waiting.append(other)
        return found

    def importers(self, file: str) -> list[str]:
        """The files that import this one by its own name, or may: found without parsing them all.

        A package (`__init__.py`) goes by the name of its folder.
        """
        folder, _, name = file.rpartition("/")
        word = folder.rpartition("/")[2] if name == "__init__.py" else name.removesuffix(".py")
        return [other for other in self.mentioning(word) if other != file]

    def imports_of(self, files: Sequence[str]) -> Iterator[Import]:
        """Every import in these files."""
        for file in files:
            yield from self.module(file).imports


def _relative_to(imported: Import) -> str:
    """The folder that a relative import starts from."""
    dots = len(imported.module) - len(imported.module.lstrip("."))
    folder = imported.place.file.rpartition("/")[0]
    for _ in range(dots - 1):
        folder = folder.rpartition("/")[0]
    return folder
