"""What is known of one file of JavaScript or TypeScript."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipelines.audit.model.javascript.values import Value
from pipelines.audit.place import Place


@dataclass(frozen=True)
class Import:
    """`import ... from "module"` or `require("module")`.

    `names` are what the file calls it: {"local": "name there"}, where `default` and `*` are the
    module itself.
    """

    module: str
    names: Mapping[str, str]
    place: Place


@dataclass(frozen=True)
class Read:
    """A variable of the environment that is read; `default` is what a text beside it says.

    By `process.env.X || "default"`, `??`, a ternary, or `const { X = "default" } = process.env`.
    `value` is where the default stands, which may be another line.
    """

    name: str
    default: str | None
    place: Place
    value: Value | None = None


@dataclass(frozen=True, slots=True)
class Literal:
    """A text that is assigned to a name: a declaration, a property, a key of an object.

    `name` is "" for an address (`scheme://...`) that is assigned to none.
    """

    name: str
    value: str
    place: Place


@dataclass(frozen=True, slots=True)
class Call:
    """`callee` is dotted: "app.use", "cors", "pg.Pool" (`require("pg").Pool()` too).

    A decorator is a call. Kept are calls of the names in `reading.CALLED` and of what is imported.
    """

    callee: str
    arguments: tuple[Value, ...]
    place: Place
    is_new: bool = False

    @property
    def name(self) -> str:
        """The last part of what is called."""
        return self.callee.rpartition(".")[2]

    @property
    def owner(self) -> str:
        """What it is called on; "" for a plain function."""
        return self.callee.rpartition(".")[0]


@dataclass(frozen=True)
class Route:
    """A route of a web framework: `method` in upper case ("ALL" for any)."""

    method: str
    path: str
    place: Place


@dataclass(frozen=True)
class Application:
    """The object that a web framework makes: `const app = express()`."""

    variable: str
    framework: str
    place: Place


@dataclass(frozen=True)
class Module:
    """The facts of one file.

    `names` are the values that names are first bound to, wherever in the file; `rebound` are those
    that a call's result is assigned to later.
    """

    file: str
    imports: tuple[Import, ...] = ()
    reads: tuple[Read, ...] = ()
    literals: tuple[Literal, ...] = ()
    calls: tuple[Call, ...] = ()
    routes: tuple[Route, ...] = ()
    applications: tuple[Application, ...] = ()
    names: Mapping[str, Value] = field(default_factory=dict)
    rebound: frozenset[str] = frozenset()
    frameworks: frozenset[str] = frozenset()
    is_broken: bool = False

    def origin(self, name: str) -> tuple[str, str]:
        """The module and the name there that a local name was imported from; ("", "") if none."""
        for it in self.imports:
            if name in it.names:
                return it.module, it.names[name]
        return "", ""
