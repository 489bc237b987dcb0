"""The Python applications of a repository: what its images start, and what that imports."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from pipelines.audit.model import compose
from pipelines.audit.model.containers import images
from pipelines.audit.model.python import Application, Import, Python, starts
from pipelines.audit.model.python.distributions import is_known_import, is_standard, provides
from pipelines.audit.model.python.environments import Environment
from pipelines.audit.model.python.places import Inside
from pipelines.audit.model.python.requirements import Requirements

_NAMING = frozenset(("ROOT_URLCONF", "INSTALLED_APPS", "include("))  # what names Django's modules
_MOST_FOLDERS = 30  # on the path: each import is looked for in each of them
_MOST_ROUNDS = 4  # of modules that put a folder on the path, which has modules that do

Run = tuple["compose.Service | None", images.Image]


@dataclass(frozen=True)
class Imports:
    """What starting an application is sure to import, and does not find.

    `foreign` are imports of what is neither in its image, nor in the standard library, nor
    installed, the first of each name. `outside` are those of modules that the repository has, at
    that file, but the image does not; `astray` of those that the image has where Python does not
    look. `folders` are where it looks; `is_open` when there are more that cannot be told. `files`
    are the modules that it is sure to import, none when all of it is found.
    """

    foreign: tuple[Import, ...] = ()
    outside: tuple[tuple[Import, str], ...] = ()
    astray: tuple[tuple[Import, str], ...] = ()
    folders: tuple[str, ...] = ()
    is_open: bool = False
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Extent:
    """The modules that an application may import, and where they are looked for."""

    files: tuple[str, ...]
    folders: tuple[str, ...]
    inside: Inside
    is_open: bool


@dataclass
class Applications:
    """Finds applications, and follows their imports."""

    python: Python
    requirements: dict[str, Requirements]
    environment: Callable[[images.Image], Environment]
    _imports: dict[Application, Imports] = field(default_factory=dict)
    _extents: dict[Application, _Extent] = field(default_factory=dict)

    def all(self, runs: Iterable[Run]) -> tuple[Application, ...]:
        """Every application once for each service, or image that no service runs."""
        found: dict[tuple[str, str, str, tuple[str, ...]], Application] = {}
        for service, image in runs:
            for application in self._of(service, image):
                key = (
                    application.service,
                    application.module,
                    application.attribute,
                    application.folders,
                )
                found.setdefault(key, application)
        return tuple(found.values())

    @cached_property
    def named(self) -> frozenset[str]:
        """The import names that requirements have by their own names."""
        names = {name for it in self.requirements.values() for name in it.names()}
        return frozenset(name.replace("-", "_") for name in names)

    def inside(self, application: Application) -> Inside:
        """The container's files, as far as the repository has them."""
        return Inside(self.python.tracked, application.sources, application.mounts)

    def _of(self, service: compose.Service | None, image: images.Image) -> Iterator[Application]:
        if image.entry is None:
            return
        mounts = tuple(_mounts(service)) if service else ()
        inside = Inside(self.python.tracked, tuple(self._copied(image)), mounts)
        if not inside.copied and not mounts:
            return
        environment = dict(image.environment)
        for name, setting in service.environment.items() if service else ():
            environment[name] = setting.text

        def opened(path: str) -> tuple[str, str] | None:
            file = inside.file(image.workdir, path)
            text = self.python.tracked.text(file) if file else None
            return (file, text) if file and text else None

        seen = set()
        script = image.entry.script()
        more = starts.exported(script, opened)
        for found in starts.read(script, environment, opened):
            start = replace(found, path=(*found.path, *more))
            application = self._application(start, service, image, inside)
            if application is not None and application.module not in seen:
                seen.add(application.module)
                yield application
                if start.program in ("fastapi", "flask"):  # the first that it discovers
                    return

    def _copied(self, image: images.Image) -> Iterator[tuple[str, str]]:
        """What is copied where; a file into a folder, when the target may be one."""
        for source, target in image.sources.items():
            name = posixpath.basename(source)
            yield source, target
            if source in self.python.tracked and posixpath.basename(target) != name:
                yield source, posixpath.join(target, name)

    def _application(
        self,
        start: starts.Start,
        service: compose.Service | None,
        image: images.Image,
        inside: Inside,
    ) -> Application | None:
        home = posixpath.normpath(posixpath.join(image.workdir, start.folder))
        script = posixpath.normpath(posixpath.join(home, start.module))
        first = self._script_folder(script, start, inside) if start.is_script else home
        more = (posixpath.normpath(posixpath.join(home, path)) for path in start.path)
        folders = list(dict.fromkeys((first, *more, *self._projects(inside))))
        if start.is_script:
            file = inside.file(script, "")
        else:
            file = self.python.find(start.module, folders, inside)
            if file is not None and start.program == "python" and file.endswith("/__init__.py"):
                file = inside.file(inside.home(file), "__main__.py") or file
        if file is None or not file.endswith(".py"):
            return None
        is_script = start.program == "python"
        return Application(
            service.name if service else "",
            file,
            start.attribute,
            tuple(dict.fromkeys(it for one in folders for it in inside.folders(one))),
            start.place,
            program=start.program,
            folders=tuple(folders),
            sources=tuple(inside.copied),
            mounts=tuple(inside.mounts),
            is_script=is_script,
            image=image,
        )

    def _script_folder(self, script: str, start: starts.Start, inside: Inside) -> str:
        """The script's folder; `fastapi` takes the one above the outermost package."""
        folder = posixpath.dirname(script)
        if start.program in ("fastapi", "flask"):
            while folder != "/" and inside.file(folder, "__init__.py"):
                folder = posixpath.dirname(folder)
        return folder

    def _projects(self, inside: Inside) -> Iterator[str]:
        """The folders of projects in the image, which it may have installed."""
        for file, requirements in self.requirements.items():
            if requirements.kind in ("pyproject", "setup"):
                for place in inside.places(file):
                    folder = posixpath.dirname(place)
                    yield from (folder, posixpath.join(folder, "src"))

    def imports(self, application: Application) -> Imports:
        """What starting it is sure to import, and does not find."""
        if application not in self._imports:
            self._imports[application] = self._followed(application)
        return self._imports[application]

    def modules(self, application: Application) -> tuple[str, ...]:
        """Every module that it may import, sooner or later, the entry first."""
        return self._extent(application).files

    def _extent(self, application: Application) -> _Extent:
        if application not in self._extents:
            self._extents[application] = self._reach(application)
        return self._extents[application]

    def _reach(self, application: Application) -> _Extent:
        inside = self.inside(application)
        inside.file(inside.home(application.module), posixpath.basename(application.module))
        folders = list(application.folders)
        files: dict[str, None] = {}
        for _ in range(_MOST_ROUNDS):
            files = {}
            for entry in self._entries(application, folders, inside):
                if entry not in files:  # else all that it reaches is known
                    files.update(dict.fromkeys(self.python.reached(entry, folders, places=inside)))
            changed = [it for it in files if "sys.path" in self.python.sketch(it).marks]
            more = [it for it in self._added(changed, inside) if it not in folders]
            more = list(dict.fromkeys(more))[: _MOST_FOLDERS - len(folders)]
            if not more:
                break
            folders += more
        return _Extent(tuple(files), tuple(folders), inside, self._is_open(files))

    def _is_open(self, files: Iterable[str]) -> bool:
        """Whether one of them puts a folder on the path that cannot be told."""
        return any(
            not self.python.module(file).path and name in self.python.module(file).calls
            for file in files
            if "sys.path" in self.python.sketch(file).marks
            for name in ("sys.path.insert", "sys.path.append", "sys.path.extend")
        )

    def _followed(self, application: Application) -> Imports:
        """Parses only when the text shows an import of something that may be missing."""
        extent = self._extent(application)
        sorter = _Sorter(self, application, extent)
        suspects = [
            file
            for file in extent.files
            if any(sorter.is_missing(it) for it in self.python.sketch(file).imports)
        ]
        if not any(sorter.is_missing(it) for it in self._certain(application, suspects)):
            return Imports(folders=extent.folders, is_open=extent.is_open)
        files: dict[str, None] = {}
        for entry in self._entries(application, extent.folders, extent.inside):
            if entry in files and not application.is_script:
                continue
            reached = self.python.reached(
                entry,
                extent.folders,
                optional=False,
                places=extent.inside,
                main=application.is_script,
            )
            files.update(dict.fromkeys(reached))
        return replace(sorter.sort(self._certain(application, files)), files=tuple(files))

    def _entries(
        self, application: Application, folders: Sequence[str], inside: Inside
    ) -> Iterator[str]:
        """The module, and those that are imported by name: `uvicorn.run("pkg:app")`, Django's."""
        found = {application.module}
        yield application.module
        for target in self.python.module(application.module).runs:
            file = self.python.find(target.partition(":")[0], folders, inside)
            if file is not None and file not in found:
                found.add(file)
                yield file
                for name in self._wired(file, application.program, folders, inside):
                    if name not in found:
                        found.add(name)
                        yield name

    def _wired(
        self, settings: str, program: str, folders: Sequence[str], inside: Inside
    ) -> Iterator[str]:
        """The modules that Django's settings name, and those that these name in turn."""
        waiting = [settings]
        seen: set[str] = set()
        while waiting:
            start = waiting.pop()
            if start in seen:
                continue
            for file in self.python.reached(start, folders, places=inside):
                if file in seen:
                    continue
                seen.add(file)
                if not self.python.sketch(file).marks & _NAMING:
                    continue
                for name in self.python.module(file).names:
                    named = list(self._of_name(name, program, folders, inside))
                    waiting += named
                    yield from named

    def _of_name(
        self, name: str, program: str, folders: Sequence[str], inside: Inside
    ) -> Iterator[str]:
        """The module of that name, or that has it, and what Django and Celery find beside it."""
        beside = [f"{name}.models", f"{name}.apps"]
        beside += [f"{name}.tasks"] if program == "celery" else []
        for one in (name, name.rpartition(".")[0], *beside):
            file = self.python.find(one, folders, inside) if one else None
            if file is not None:
                yield file

    def _added(self, files: Iterable[str], inside: Inside) -> Iterator[str]:
        """The folders that modules put on the path."""
        for file in files:
            for path in self.python.module(file).path:
                yield posixpath.normpath(posixpath.join(inside.home(file), path))

    def _certain(self, application: Application, files: Iterable[str]) -> Iterator[Import]:
        """The imports in these files that are sure to be run."""
        for file in files:
            is_program = application.is_script and file == application.module
            for imported in self.python.module(file).imports:
                is_sure = not imported.is_optional or (imported.is_main and is_program)
                if is_sure:
                    yield imported


@dataclass
class _Sorter:
    """Sorts imports by where they can be found, each name once."""

    applications: Applications
    application: Application
    extent: _Extent
    _missing: dict[tuple[str, tuple[str, ...]], bool] = field(default_factory=dict)
    _plain: dict[str, bool] = field(default_factory=dict)

    @cached_property
    def environment(self) -> Environment:
        image = self.application.image
        return self.applications.environment(image) if image else Environment(is_open=True)

    @property
    def python(self) -> Python:
        return self.applications.python

    def sort(self, imports: Iterable[Import]) -> Imports:
        """Those that are missing."""
        foreign: dict[str, Import] = {}
        outside: dict[str, tuple[Import, str]] = {}
        astray: dict[str, tuple[Import, str]] = {}
        for imported in imports:
            if not imported.top or not self.is_missing(imported):
                continue
            elsewhere = self._elsewhere(imported)
            if elsewhere is None:
                if not self.environment.is_open:
                    foreign.setdefault(_known_by(imported), imported)
            elif self.extent.inside.places(elsewhere):
                astray.setdefault(imported.module, (imported, elsewhere))
            else:
                outside.setdefault(imported.module, (imported, elsewhere))
        return Imports(
            tuple(foreign.values()),
            tuple(outside.values()),
            tuple(astray.values()),
            self.extent.folders,
            self.extent.is_open,
        )

    def is_missing(self, imported: Import) -> bool:
        """Whether neither Python, nor the image's files, nor what is installed has it."""
        if not imported.top:
            return self.python.is_absent(imported)
        if self._is_plain(imported.top):
            return False
        key = (imported.module, imported.names)
        if key not in self._missing:
            is_there = self._is_there(imported) or self._is_installed(imported)
            self._missing[key] = not is_there
        return self._missing[key]

    def _is_plain(self, top: str) -> bool:
        """Whether the first part of a name alone says that it is there."""
        if top not in self._plain:
            self._plain[top] = is_standard(top) or self._find(top) is not None
        return self._plain[top]

    def _is_installed(self, imported: Import) -> bool:
        if self.environment.is_open and is_known_import(imported.top):
            return True
        return provides(imported.module, self.environment.names)

    def _is_there(self, imported: Import) -> bool:
        """Whether it is a module of the image's own files.

        A folder without `__init__.py` counts only with the module in it: any installed package of
        that name comes before it.
        """
        if not self._is_folder(imported.top):
            return False
        if not is_known_import(imported.top) and imported.top not in self.applications.named:
            return True
        names = [f"{imported.module}.{name}" for name in imported.names]
        wanted = [imported.module, *names] if "." in imported.module else names
        return any(self._find(name) is not None or self._is_folder(name) for name in wanted)

    def _find(self, name: str) -> str | None:
        return self.python.find(name, self.extent.folders, self.extent.inside)

    def _is_folder(self, name: str) -> bool:
        return self.python.is_folder(name, self.extent.folders, self.extent.inside)

    def _elsewhere(self, imported: Import) -> str | None:
        """The file of the repository that an import means, if it is clear: see `Imports.outside`.

        Looked for where the importing module's own `sys.path` leads in the repository, where Python
        would look, and in the folders above the application.
        """
        file = imported.place.file
        home = posixpath.dirname(file)
        added = self.python.module(file).path
        named = [posixpath.normpath(posixpath.join(home, it)) for it in added]
        path = [*(it for it in named if not it.startswith(("/", ".."))), *self.application.path]
        above = posixpath.dirname(self.application.module)
        while above:
            above = posixpath.dirname(above)
            path.append(above)
        path = ["" if it == "." else it for it in path]
        names = [f"{imported.module}.{name}" for name in imported.names]
        for name in (imported.module, *names, imported.top):
            found = self.python.find(name, path)
            if found is not None:
                return None if found == file else found
        return None


def _known_by(imported: Import) -> str:
    """What tells distributions apart: `google.cloud.storage`, but `httpx` whatever of it."""
    parts = imported.module.split(".")
    return ".".join(parts[:3]) if parts[0] in ("google", "azure", "opentelemetry") else parts[0]


def _mounts(service: compose.Service) -> Iterator[tuple[str | None, str]]:
    for mount in service.mounts:
        if mount.kind == "bind":
            yield mount.path, posixpath.normpath(mount.target)
