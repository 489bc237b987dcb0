"""A small language for what may stand where in a file, and the check of an entry against it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pipelines.documents.document import Entry, Value, kind_of
from pipelines.documents.nearest import nearest

_NAME = re.compile(r"[A-Za-z0-9._-]+")
_NAME_RULE = "a name has only letters, digits, dots, dashes and underscores"
_NUMBER = re.compile(r"[-+]?[0-9]+(\.[0-9]+)?")


@dataclass(frozen=True)
class Scalar:
    """A single value, or the text of one: what a variable gives is always a text."""

    name: str
    types: tuple[type, ...]
    written: re.Pattern[str] | None = None


@dataclass(frozen=True)
class List:
    """A list of one kind of value."""

    of: Shape
    name: str = "a list"


@dataclass(frozen=True)
class Map:
    """A mapping with names of the user's own choice; `rule` tells what they must match."""

    of: Shape
    name: str = "a mapping"
    names: re.Pattern[str] | None = None
    rule: str = _NAME_RULE


@dataclass(frozen=True)
class Keys:
    """A mapping with known keys, apart from those that begin with `x-`."""

    known: Mapping[str, Shape]
    required: tuple[str, ...] = ()
    name: str = "a mapping"


@dataclass(frozen=True)
class Either:
    """One of several; each a different kind of value."""

    shapes: tuple[Shape, ...]

    @property
    def name(self) -> str:
        return " or ".join(shape.name for shape in self.shapes)


@dataclass(frozen=True)
class Anything:
    """Whatever it is."""

    name: str = "anything"


Shape = Scalar | List | Map | Keys | Either | Anything

ANY = Anything()
TEXT = Scalar("a text", (str,))
FLAG = Scalar("true or false", (bool,), re.compile("true|false", re.IGNORECASE))
NUMBER = Scalar("a number", (int, float), _NUMBER)
AMOUNT = Scalar("a text or a number", (str, int, float))
SCALAR = Scalar("a single value", (str, int, float, bool))
NOTHING = Scalar("nothing", (type(None),))
TEXTS = List(TEXT)
ONE_OR_MORE = Either((TEXT, TEXTS))
PAIRS = Either((Map(Either((SCALAR, NOTHING))), List(SCALAR)))


def named(of: Shape) -> Map:
    """A mapping whose keys are names of services, volumes and so on."""
    return Map(of, names=_NAME)


def check(entry: Entry, shape: Shape) -> None:
    """Compare an entry, all the way down, with its shape. Raises `ConfigError` at its line."""
    fitting = _fitting(entry.value, shape)
    if fitting is None:
        raise entry.error(f"expected {shape.name}, not {kind_of(entry.value)}")
    match fitting:
        case List():
            for item in entry.items:
                check(item, fitting.of)
        case Map():
            _check_names(entry, fitting)
            for value in entry.fields.values():
                check(value, fitting.of)
        case Keys():
            _check_keys(entry, fitting)


def _fitting(value: Value, shape: Shape) -> Shape | None:
    """The shape itself, or the one of several, that this kind of value can have."""
    match shape:
        case Either():
            found = (_fitting(value, option) for option in shape.shapes)
            return next((option for option in found if option is not None), None)
        case Scalar():
            return shape if _is_scalar(value, shape) else None
        case List():
            return shape if isinstance(value, list) else None
        case Map() | Keys():
            return shape if isinstance(value, dict) else None
    return shape


def _is_scalar(value: Value, shape: Scalar) -> bool:
    if isinstance(value, bool):  # which Python takes for an int
        return bool in shape.types
    if isinstance(value, str) and shape.written is not None:
        return shape.written.fullmatch(value) is not None
    return isinstance(value, shape.types)


def _check_names(entry: Entry, shape: Map) -> None:
    for name, value in entry.fields.items():
        if shape.names is not None and not shape.names.fullmatch(name):
            raise value.error(shape.rule)


def _check_keys(entry: Entry, shape: Keys) -> None:
    for key, value in entry.fields.items():
        if key in shape.known:
            check(value, shape.known[key])
        elif not key.startswith("x-"):
            raise value.error("unknown key", hint=nearest(key, shape.known))
    for key in shape.required:
        if key not in entry.fields:
            raise entry.error(f"{key!r} is missing")
