"""The Python applications of a repository: what its images start, and what that imports."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from pipelines.audit.model import compose, images, starts
from pipelines.audit.model.distributions import is_known_import, is_standard
from pipelines.audit.model.python import Application, Import, Python
from pipelines.audit.model.python.places import Inside
from pipelines.audit.model.requirements import Requirements

_MOST_ROUNDS = 4  # of modules that put a folder on the path, which has modules that do

Run = tuple["compose.Service | None", images.Image]


@dataclass(frozen=True)
class Imports:
    """What starting an application imports for certain.

    `files` are the modules that are in the image, and by which imports each is reached; `foreign`
    are imports of what is neither there nor in the standard library, the first of each name;
    `outside` those of modules that the repository has, at that file, but the image does not.
    `is_open` when it puts folders on the path that cannot be told.
    """

    files: dict[str, tuple[Import, ...]]
    foreign: tuple[Import, ...] = ()
    outside: tuple[tuple[Import, str], ...] = ()
    is_open: bool = False


@dataclass
class Applications:
    """Finds applications, and follows their imports."""

    python: Python
    requirements: dict[str, Requirements]
    _imports: dict[Application, Imports] = field(default_factory=dict)

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
    def _distributions(self) -> frozenset[str]:
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
        for start in starts.read(image.entry.script(), environment, opened):
            application = self._application(start, service, image, inside, environment)
            if application is not None and application.module not in seen:
                seen.add(application.module)
                yield application
                if start.program == "fastapi":  # the first that it discovers
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
        environment: dict[str, str],
    ) -> Application | None:
        home = posixpath.normpath(posixpath.join(image.workdir, start.folder))
        folders = [posixpath.join(home, path) for path in start.path]
        if start.is_script:
            script = posixpath.join(home, start.module)
            file = inside.file(script, "")
            folders.append(self._script_folder(script, start, inside))
        else:
            folders.append(home)
        folders += [
            posixpath.normpath(posixpath.join(home, path))
            for path in environment.get("PYTHONPATH", "").split(":")
            if path and "$" not in path
        ]
        folders += self._projects(inside)
        folders = list(dict.fromkeys(folders))
        if not start.is_script:
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
        """What starting it imports, as far as it is sure to."""
        if application not in self._imports:
            self._imports[application] = self._follow(application)
        return self._imports[application]

    def _follow(self, application: Application) -> Imports:
        inside = self.inside(application)
        inside.file(inside.home(application.module), posixpath.basename(application.module))
        folders = list(application.folders)
        for _ in range(_MOST_ROUNDS):
            files = self._reached(application, folders, inside)
            more = [it for it in self._added(files, inside) if it not in folders]
            if not more:
                break
            folders += more
        foreign, outside = self._missing(application, files, folders, inside)
        is_open = any(
            not self.python.module(file).path and name in self.python.module(file).calls
            for file in files
            for name in ("sys.path.insert", "sys.path.append", "sys.path.extend")
        )
        return Imports(files, foreign, outside, is_open)

    def _reached(
        self, application: Application, folders: list[str], inside: Inside
    ) -> dict[str, tuple[Import, ...]]:
        found: dict[str, tuple[Import, ...]] = {}
        entries = [application.module, *self._served(application.module, folders, inside)]
        for entry in entries:
            reached = self.python.reached(
                entry, folders, optional=False, places=inside, main=application.is_script
            )
            for file, chain in reached.items():
                found.setdefault(file, chain)
        return found

    def _served(self, module: str, folders: list[str], inside: Inside) -> Iterator[str]:
        """The modules that a program hands to a server by name: `uvicorn.run("app.main:app")`."""
        for target in self.python.module(module).runs:
            file = self.python.find(target.partition(":")[0], folders, inside)
            if file is not None and file != module:
                yield file

    def _added(self, files: Iterable[str], inside: Inside) -> Iterator[str]:
        """The folders that modules put on the path."""
        for file in files:
            for path in self.python.module(file).path:
                yield posixpath.normpath(posixpath.join(inside.home(file), path))

    def _missing(
        self,
        application: Application,
        files: dict[str, tuple[Import, ...]],
        folders: list[str],
        inside: Inside,
    ) -> tuple[tuple[Import, ...], tuple[tuple[Import, str], ...]]:
        foreign: dict[str, Import] = {}
        outside: dict[str, tuple[Import, str]] = {}
        for file in files:
            for imported in self.python.module(file).imports:
                name = imported.top
                is_main = application.is_script and imported.is_main and file == application.module
                if not name or (imported.is_optional and not is_main) or is_standard(name):
                    continue
                if self._is_there(imported, folders, inside):
                    continue
                elsewhere = self._elsewhere(imported, file, application, inside)
                if elsewhere is not None:
                    outside.setdefault(imported.module, (imported, elsewhere))
                else:
                    foreign.setdefault(_known_by(imported), imported)
        return tuple(foreign.values()), tuple(outside.values())

    def _is_there(self, imported: Import, folders: list[str], inside: Inside) -> bool:
        """Whether it is a module of the image's own files.

        A folder without `__init__.py` counts only with the module in it: any installed package of
        that name comes before it.
        """
        if self.python.find(imported.top, folders, inside) is not None:
            return True
        if not self.python.is_folder(imported.top, folders, inside):
            return False
        if not is_known_import(imported.top) and imported.top not in self._distributions:
            return True
        names = [f"{imported.module}.{name}" for name in imported.names]
        wanted = [imported.module, *names] if "." in imported.module else names
        return any(
            self.python.find(name, folders, inside) is not None
            or self.python.is_folder(name, folders, inside)
            for name in wanted
        )

    def _elsewhere(
        self, imported: Import, file: str, application: Application, inside: Inside
    ) -> str | None:
        """The file of the repository that an import means, if it is clear: see `Imports.outside`.

        Looked for where the importing module's own `sys.path` leads in the repository, where Python
        would look, and in the folders above the application.
        """
        home = posixpath.dirname(file)
        named = [
            posixpath.normpath(posixpath.join(home, it)) for it in self.python.module(file).path
        ]
        path = [*(it for it in named if not it.startswith(("/", ".."))), *application.path]
        above = posixpath.dirname(application.module)
        while above:
            above = posixpath.dirname(above)
            path.append(above)
        path = ["" if it == "." else it for it in path]
        names = [f"{imported.module}.{name}" for name in imported.names]
        for name in (imported.module, *names, imported.top):
            found = self.python.find(name, path)
            if found is not None:
                return None if found == file or inside.places(found) else found
        return None


def _known_by(imported: Import) -> str:
    """What tells distributions apart: `google.cloud.storage`, but `httpx` whatever of it."""
    parts = imported.module.split(".")
    return ".".join(parts[:3]) if parts[0] in ("google", "azure", "opentelemetry") else parts[0]


def _mounts(service: compose.Service) -> Iterator[tuple[str | None, str]]:
    for mount in service.mounts:
        if mount.kind == "bind":
            yield mount.path, posixpath.normpath(mount.target)
