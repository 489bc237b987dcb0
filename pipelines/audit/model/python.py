"""Python sources: what a module imports, serves, sets, measures, and what is reached from where."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field

from pipelines.audit.findings import Unread
from pipelines.audit.place import Place
from pipelines.audit.tracked import Tracked


@dataclass(frozen=True)
class Import:
    """`module` is absolute (`a.b`), or begins with dots; `names` are those of `from ... import`.

    `is_optional` within try/except ImportError, under TYPE_CHECKING, or inside a function.
    """

    module: str
    names: tuple[str, ...]
    place: Place
    is_optional: bool = False


@dataclass(frozen=True)
class Route:
    """A route of a web framework: `method` in upper case, `path` with its prefix if known."""

    method: str
    path: str
    place: Place


@dataclass(frozen=True)
class Read:
    """A variable of the environment that is read; `default` is None when there is none.

    By `os.getenv`, `os.environ[...]`, `.get`, `config(...)`, pydantic settings.
    """

    name: str
    default: str | None
    place: Place
    is_required: bool = False


@dataclass(frozen=True)
class Metric:
    """A Prometheus or OpenTelemetry instrument: the name it is bound to, and the metric's own."""

    variable: str
    name: str
    kind: str
    place: Place


@dataclass(frozen=True)
class Module:
    """One file, parsed; `tree` is dropped when it has been looked at, so facts stand here."""

    file: str
    imports: tuple[Import, ...] = ()
    routes: tuple[Route, ...] = ()
    reads: tuple[Read, ...] = ()
    metrics: tuple[Metric, ...] = ()
    is_broken: bool = False


@dataclass(frozen=True)
class Application:
    """What an image starts: the module, and the folders that Python would look for modules in.

    `service` is the Compose service, "" for an image that none uses.
    """

    service: str
    module: str  # file
    attribute: str  # "app"
    path: tuple[str, ...]  # folders of the repository, as sys.path would have them
    place: Place  # of the command


@dataclass
class Python:
    """Every module of the repository, parsed when it is first asked for."""

    tracked: Tracked
    unread: list[Unread] = field(default_factory=list)

    def module(self, file: str) -> Module:
        """The facts of one file."""
        return Module(file)

    def tree(self, file: str) -> ast.Module | None:
        """The syntax tree, parsed anew; None for what is no Python."""
        return None

    def find(self, name: str, path: tuple[str, ...]) -> str | None:
        """The file of a module by its dotted name, looked for in these folders."""
        return None

    def reached(self, file: str, path: tuple[str, ...]) -> Mapping[str, tuple[Import, ...]]:
        """Every file that importing this one imports, itself included, and by which imports."""
        return {}
