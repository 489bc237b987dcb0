"""The facts that are kept of a Python module, once its syntax tree is dropped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipelines.audit.place import Place

if TYPE_CHECKING:
    from pipelines.audit.model.containers.images import Image


@dataclass(frozen=True, slots=True)
class Import:
    """`module` is absolute (`a.b`), or begins with dots; `names` are those of `from ... import`.

    `is_optional` within try/except ImportError, under a condition such as TYPE_CHECKING, or inside
    a function; `is_main` when the condition is `__name__ == "__main__"`.
    """

    module: str
    names: tuple[str, ...]
    place: Place
    is_optional: bool = False
    is_main: bool = False

    @property
    def top(self) -> str:
        """The first part of an absolute name; "" for a relative one."""
        return self.module.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Route:
    """A route of a web framework: `method` in upper case, `path` with its prefix if known.

    `method` is "MOUNT" for another application, "WEBSOCKET", or "ANY"; what a path holds that is
    not written there stands as `{}`.
    """

    method: str
    path: str
    place: Place
    handler: str = ""


@dataclass(frozen=True, slots=True)
class Read:
    """A variable of the environment that is read; `default` is None when there is none.

    By `os.getenv`, `os.environ[...]`, `.get`, `config(...)`, pydantic settings. A default that is
    no literal is "", and what a literal holds that is not written there stands as `{}`.
    """

    name: str
    default: str | None
    place: Place
    is_required: bool = False
    default_place: Place | None = None


@dataclass(frozen=True, slots=True)
class Metric:
    """A Prometheus or OpenTelemetry instrument: the name it is bound to, and the metric's own."""

    variable: str
    name: str
    kind: str
    place: Place


@dataclass(frozen=True, slots=True)
class App:
    """An application object of a web framework (`FastAPI`, `Flask`, `Application` of aiohttp)."""

    variable: str
    framework: str
    place: Place


@dataclass(frozen=True, slots=True)
class Module:
    """One file, parsed; its tree is dropped when it has been looked at, so facts stand here.

    `calls` are the dotted names of everything that is called. `path` are the folders that it puts
    on `sys.path`: relative to its own folder, or absolute. `runs` are texts such as "main:app" that
    it hands to a server, and the settings of Django; `names` are modules that Django imports by
    name: those of its settings, and of `include(...)`.
    """

    file: str
    imports: tuple[Import, ...] = ()
    routes: tuple[Route, ...] = ()
    reads: tuple[Read, ...] = ()
    metrics: tuple[Metric, ...] = ()
    apps: tuple[App, ...] = ()
    calls: Mapping[str, Place] = field(default_factory=dict)
    path: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    is_broken: bool = False


@dataclass(frozen=True, slots=True)
class Application:
    """What an image starts: the module, and the folders that Python would look for modules in.

    `service` is the Compose service, "" for an image that none uses. `folders` are the same as
    `path`, where the container has them; `sources` and `mounts` say which file or folder of the
    repository is copied and mounted where.
    """

    service: str
    module: str  # file
    attribute: str  # "app"
    path: tuple[str, ...]  # folders of the repository, as sys.path would have them
    place: Place  # of the command
    program: str = ""  # "uvicorn", "python"...
    folders: tuple[str, ...] = ()
    sources: tuple[tuple[str, str], ...] = ()
    mounts: tuple[tuple[str | None, str], ...] = ()
    is_script: bool = False  # `__name__ == "__main__"` holds in it
    image: Image | None = field(default=None, compare=False, repr=False)
