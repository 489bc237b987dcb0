"""The modules of a repository: facts of each, parsed when asked for, and what imports what."""

from __future__ import annotations

import posixpath
import re
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial

from pipelines.audit.findings import Unread
from pipelines.audit.kept import Kept
from pipelines.audit.model.python import serving
from pipelines.audit.model.python.expressions import Source
from pipelines.audit.model.python.facts import Import, Module, Route
from pipelines.audit.model.python.places import Places, Repository
from pipelines.audit.model.python.reading import facts, parse
from pipelines.audit.place import Place
from pipelines.audit.tracked import Tracked

# What can be asked of every file at once (`holding`), without parsing any.
MARKS = (
    "environ", "getenv", "config(", "env(", "env.", "BaseSettings", "Settings", "sys.path",
    "prometheus", "Prometheus", "opentelemetry", "create_counter", "structlog", "Instrument",
    ".inc(", ".observe(", ".labels(", "metrics", "health", "ready", "live", "ping", "status",
    "/ready", "/live", "/alive",
    "FastAPI(", "Flask(", "Starlette(", "Application(", "_application", "Sanic(", "Quart(",
    "Litestar(", "Bottle(", "App(", "NinjaAPI(", "dictConfig", "fileConfig", "addHandler",
    "basicConfig", "getLogger", "print(", "debug=", "debug:", ".debug =", "DEBUG", "reload=",
    "Formatter", "reloader=", "debugger=", "ROOT_URLCONF", "INSTALLED_APPS", "include(",
)  # fmt: skip
_IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+([.\w]+)[ \t]+import[ \t]*(?:\(([^()]*)\)|([^\n;]*))"
    r"|import[ \t]+([^\n;]+))",
    re.MULTILINE,
)
_COMMENT = re.compile(r"#[^\n]*")
_NAME = re.compile(r"[A-Za-z_][\w.]*|\*")
_LONGEST_CHAIN = 5_000  # modules
_ROOM = 500_000  # characters of sources whose trees are kept: a tree takes fifty times as much


@dataclass(frozen=True)
class Sketch:
    """What a file's text shows without parsing: marks, and its imports, wherever they stand.

    Their place is the file, and all count as optional: that is for the parser to say.
    """

    imports: tuple[Import, ...]
    marks: frozenset[str]

    @cached_property
    def words(self) -> frozenset[str]:
        """The words of all imports: parts of modules, and names."""
        parts = (word for it in self.imports for word in it.module.split("."))
        return frozenset(parts) | {name for it in self.imports for name in it.names}


def _sketched(file: str, text: str) -> Iterator[Import]:
    place = Place(file)
    for match in _IMPORT.finditer(text):
        module, inner, line, plain = match.groups()
        names = [part.strip() for part in _COMMENT.sub("", inner or line or plain or "").split(",")]
        found = [name[0] for name in map(_NAME.match, names) if name]
        if module:
            yield Import(module, tuple(found), place, is_optional=True)
        else:
            yield from (Import(name, (), place, is_optional=True) for name in found)


def _room_of(source: Source | None) -> int:
    return source.length if source is not None else 0


@dataclass
class Python:
    """Every module of the repository, parsed when it is first asked for."""

    tracked: Tracked
    unread: list[Unread] = field(default_factory=list)
    _sources: Kept[Source | None] = field(default_factory=lambda: Kept(_ROOM))
    _modules: dict[str, Module] = field(default_factory=dict)
    _holding: dict[frozenset[str], dict[str, None]] = field(default_factory=dict)
    _last: _Resolver | None = None

    @cached_property
    def files(self) -> tuple[str, ...]:
        """Every Python source, tests included."""
        return tuple(path for path in self.tracked.paths if path.endswith(".py"))

    @cached_property
    def _sketches(self) -> dict[str, Sketch]:
        return {
            file: self.tracked.once("sketch", file, partial(self._sketch, file))
            for file in self.files
        }

    def _sketch(self, file: str) -> Sketch:
        text = (self.tracked.text(file) or "").replace("\\\n", " ")
        marks = frozenset(mark for mark in MARKS if mark in text)
        return Sketch(tuple(_sketched(file, text)), marks)

    def sketch(self, file: str) -> Sketch:
        """What the text of a Python source shows."""
        return self._sketches[file]

    def holding(self, *marks: str) -> Collection[str]:
        """The files whose text holds one of these `MARKS`, in order."""
        wanted = frozenset(marks)
        if wanted not in self._holding:
            assert wanted <= frozenset(MARKS), "MARKS are all that is looked for"
            found = [file for file, sketch in self._sketches.items() if sketch.marks & wanted]
            self._holding[wanted] = dict.fromkeys(found)
        return self._holding[wanted]

    def mentioning(self, word: str) -> list[str]:
        """The files that have a word in an import, be it a module's or another name."""
        return [file for file, sketch in self._sketches.items() if word in sketch.words]

    def module(self, file: str) -> Module:
        """The facts of one file."""
        if file not in self._modules:
            self._modules[file] = self.tracked.once("python", file, lambda: self._read(file))
        return self._modules[file]

    def _read(self, file: str) -> Module:
        source = self.source(file)
        return facts(file, source.tree) if source is not None else Module(file, is_broken=True)

    def source(self, file: str) -> Source | None:
        """The syntax tree, of which facts are to be made and kept; None for what is no Python."""
        return self._sources.get(file, lambda: self._parsed(file), _room_of)

    def _parsed(self, file: str) -> Source | None:
        text = self.tracked.text(file)
        if text is None:
            return None
        try:
            return Source(parse(text), len(text))
        except SyntaxError as error:
            unread = Unread(Place(file, error.lineno or 1), f"not read as Python: {error.msg}")
            if unread not in self.unread:
                self.unread.append(unread)
            return None

    def routes(self, file: str) -> tuple[Route, ...]:
        """The routes of one file, which is parsed only when its text shows that it may have any."""
        is_known = file in self._modules or serving.may_serve(self.tracked.text(file) or "")
        return self.module(file).routes if is_known else ()

    def find(self, name: str, path: Sequence[str], places: Places | None = None) -> str | None:
        """The file of a module by its dotted name, looked for in these folders.

        None for what is not there, and for a folder without `__init__.py`.
        """
        places = places or self.repository
        inner = name.replace(".", "/")
        for folder in path:
            for ending in ("/__init__.py", ".py"):
                file = places.file(folder, inner + ending)
                if file is not None:
                    return file
        return None

    def is_folder(self, name: str, path: Sequence[str], places: Places | None = None) -> bool:
        """Whether a dotted name is a folder in one of these."""
        places = places or self.repository
        inner = name.replace(".", "/")
        return any(places.is_folder(folder, inner) for folder in path)

    def resolved(
        self, imported: Import, path: Sequence[str], places: Places | None = None
    ) -> list[str]:
        """The files that an import runs: packages on the way, the module, submodules among names.

        Empty for what is not found in these folders.
        """
        return self._resolver(tuple(path), places).files(imported)

    def _resolver(self, path: tuple[str, ...], places: Places | None) -> _Resolver:
        """The one that was asked last, if it looks into the same folders."""
        last = self._last
        if last is None or last.path != path or last.places is not places:
            last = self._last = _Resolver(self, path, places)
        return last

    def reached(
        self,
        file: str,
        path: Sequence[str],
        *,
        optional: bool = True,
        places: Places | None = None,
        main: bool = False,
    ) -> Mapping[str, tuple[Import, ...]]:
        """Every file that importing this one imports, itself included, and by which imports.

        Without `optional` only what is imported for certain, when the module is, and with `main`
        also what it imports as the program; else every import that the text shows.
        """
        resolver = self._resolver(tuple(path), places)
        found: dict[str, tuple[Import, ...]] = {file: ()}
        waiting = deque([file])
        while waiting and len(found) < _LONGEST_CHAIN:
            here = waiting.popleft()
            imports = self.sketch(here).imports if optional else self.module(here).imports
            for imported in imports:
                certain = not imported.is_optional or (main and imported.is_main and here == file)
                if not (certain or optional):
                    continue
                for other in resolver.files(imported):
                    if other not in found:
                        found[other] = (*found[here], imported)
                        waiting.append(other)
        return found

    def is_absent(self, imported: Import) -> bool:
        """Whether a relative import is of a module that is nowhere: `from .a import b`."""
        inner = imported.module.lstrip(".")
        if not inner:
            return False
        path = posixpath.join(_relative_to(imported), inner.replace(".", "/"))
        return path not in self.tracked.folders and f"{path}.py" not in self.tracked

    @cached_property
    def repository(self) -> Repository:
        return Repository(self.tracked)

    def importers(self, file: str) -> list[str]:
        """The files that import this one by its own name, or may: found without parsing them all.

        A package (`__init__.py`) goes by the name of its folder.
        """
        folder, _, name = file.rpartition("/")
        word = folder.rpartition("/")[2] if name == "__init__.py" else name.removesuffix(".py")
        return [other for other in self.mentioning(word) if other != file]


@dataclass
class _Resolver:
    """Finds modules from the same folders again and again."""

    python: Python
    path: tuple[str, ...]
    places: Places | None
    _found: dict[str, str | None] = field(default_factory=dict)
    _known: dict[tuple[str, tuple[str, ...]], list[str]] = field(default_factory=dict)

    def files(self, imported: Import) -> list[str]:
        """The files that an import runs."""
        key = (imported.module, imported.names)
        if imported.module.startswith("."):
            return self._relative(imported)
        if key not in self._known:
            self._known[key] = self._absolute(imported)
        return self._known[key]

    def _absolute(self, imported: Import) -> list[str]:
        steps = imported.module.split(".")
        if self._find(steps[0]) is None and not self._is_folder(steps[0]):
            return []
        names = [".".join(steps[:length]) for length in range(1, len(steps) + 1)]
        files = [self._find(name) for name in names]
        files += [self._find(f"{imported.module}.{it}") for it in imported.names if it != "*"]
        return [file for file in dict.fromkeys(files) if file is not None]

    def _find(self, name: str) -> str | None:
        if name not in self._found:
            self._found[name] = self.python.find(name, self.path, self.places)
        return self._found[name]

    def _is_folder(self, name: str) -> bool:
        key = f"{name}/"
        if key not in self._found:
            is_folder = self.python.is_folder(name, self.path, self.places)
            self._found[key] = name if is_folder else None
        return self._found[key] is not None

    def _relative(self, imported: Import) -> list[str]:
        folder = _relative_to(imported)
        inner = imported.module.lstrip(".")
        start = posixpath.join(folder, inner.replace(".", "/")) if inner else folder
        names = [posixpath.join(start, name) for name in imported.names if name != "*"]
        files = [
            f"{name}{ending}".lstrip("/")
            for name in (start, *names)
            for ending in ("/__init__.py", ".py")
        ]
        return [file for file in dict.fromkeys(files) if file in self.python.tracked]


def _relative_to(imported: Import) -> str:
    """The folder that a relative import starts from."""
    dots = len(imported.module) - len(imported.module.lstrip("."))
    folder = imported.place.file.rpartition("/")[0]
    for _ in range(dots - 1):
        folder = folder.rpartition("/")[0]
    return folder
