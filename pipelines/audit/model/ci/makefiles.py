"""Makefiles: targets, what they need, and their recipes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

import tree_sitter_make
from tree_sitter import Language, Node, Parser

from pipelines.audit.findings import Unread
from pipelines.audit.model import shell
from pipelines.audit.model.roles import Role, role
from pipelines.audit.model.shell import Script
from pipelines.audit.place import Place
from pipelines.audit.tracked import Tracked, join

_NAMES = ("Makefile", "makefile", "GNUmakefile")
_LARGEST = 300_000  # characters
_MOST_NAMES = 100  # that one recipe has
_DEEPEST = 40
_REFERENCE = re.compile(r"\$(?:\(([\w.-]+)\)|\{([\w.-]+)\})")
_OTHER = re.compile(r"\$\(([^()]*)\)")  # a function, or what the environment sets
_ROUNDS = 5  # variables within variables


@dataclass(frozen=True)
class Line:
    """One line of a recipe, continuation lines with it; `is_ignored` for a leading `-`."""

    script: Script
    place: Place
    is_ignored: bool = False


@dataclass(frozen=True)
class Target:
    name: str
    place: Place
    needs: tuple[str, ...] = ()
    recipe: tuple[Line, ...] = ()


@dataclass(frozen=True)
class Makefile:
    """Simple variables are filled in; `included` files' targets are among its own."""

    file: str
    targets: Mapping[str, Target] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    default: str = ""


class Call(NamedTuple):
    """What a `make ...` asks for; no goals are the default one."""

    goals: tuple[str, ...]
    folder: str = ""


def call(words: Sequence[str]) -> Call:
    """The goals and the folder among the words of a call of make."""
    goals: list[str] = []
    folder = ""
    rest = iter(words[1:])
    for word in rest:
        name, _, value = word.partition("=")
        if name in ("-C", "--directory"):
            folder = value or next(rest, "")
        elif word in ("-f", "--file", "-I", "-o", "-W") or (word == "-j" and not goals):
            following = next(rest, "")
            if word == "-j" and not following.isdigit():
                goals.append(following)
        elif not word.startswith("-") and "=" not in word:
            goals.append(word)
    return Call(tuple(it for it in goals if it), folder)


def read(tracked: Tracked) -> tuple[dict[str, Makefile], tuple[Unread, ...]]:
    """Every Makefile by path."""
    reading = _Files(tracked)
    found = {
        path: reading.makefile(path)
        for path in tracked.named(*_NAMES)
        if role(path) not in (Role.VENDORED, Role.TEST)
    }
    return found, ()


@cache
def _parser() -> Parser:
    return Parser(Language(tree_sitter_make.language()))


class _Files:
    """Makefiles that include one another, each read once."""

    def __init__(self, tracked: Tracked) -> None:
        self._tracked = tracked
        self._parts: dict[str, _Part] = {}

    def makefile(self, path: str) -> Makefile:
        parts = self._with_included(path)
        variables = {key: value for part in reversed(parts) for key, value in part.variables}
        targets: dict[str, Target] = {}
        for part in parts:
            for rule in part.rules:
                _add(targets, rule, variables)
        default = next((name for name in targets if not name.startswith(".")), "")
        return Makefile(path, targets, variables, default)

    def _with_included(self, path: str) -> list[_Part]:
        """The file and what it includes, itself first."""
        found: list[_Part] = []
        waiting, seen = [path], {path}
        while waiting and len(found) < _DEEPEST:
            current = waiting.pop(0)
            part = self._part(current)
            found.append(part)
            for other in part.included:
                file = join(current.rpartition("/")[0], other)
                if file is not None and file in self._tracked and file not in seen:
                    seen.add(file)
                    waiting.append(file)
        return found

    def _part(self, path: str) -> _Part:
        if path not in self._parts:
            text = self._tracked.text(path) or ""
            self._parts[path] = _Part(path, text if len(text) <= _LARGEST else "")
        return self._parts[path]


@dataclass(frozen=True)
class _Rule:
    """A rule as it is written: names, needs and recipe lines with their variables."""

    names: str
    needs: str
    place: Place
    recipe: tuple[tuple[str, Place], ...]


class _Part:
    """What one file says by itself."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.rules: list[_Rule] = []
        self.variables: list[tuple[str, str]] = []
        self.included: list[str] = []
        if text:
            # The grammar wants a newline at the end.
            root = _parser().parse(f"{text}\n".encode(errors="replace")).root_node
            self._look(root, 0)

    def _look(self, node: Node, depth: int) -> None:
        if depth > _DEEPEST:
            return
        for child in node.named_children:
            match child.type:
                case "rule":
                    self.rules.append(self._rule(child))
                case "variable_assignment":
                    self._assign(child)
                case "include_directive":
                    self.included += _said(child).split()[1:]
                case _:  # conditionals, and what the grammar did not understand
                    self._look(child, depth + 1)

    def _rule(self, node: Node) -> _Rule:
        names = " ".join(_said(it) for it in node.named_children if it.type == "targets")
        needs = " ".join(_said(it) for it in node.named_children if it.type == "prerequisites")
        recipes = [it for it in node.named_children if it.type == "recipe"]
        lines = tuple(line for recipe in recipes for line in self._lines(recipe, 0))
        return _Rule(names, needs, Place(self.path, node.start_point.row + 1), lines)

    def _lines(self, node: Node, depth: int) -> Iterator[tuple[str, Place]]:
        if depth > _DEEPEST:
            return
        for child in node.named_children:
            if child.type == "recipe_line":
                yield _said(child), Place(self.path, child.start_point.row + 1)
            else:
                yield from self._lines(child, depth + 1)

    def _assign(self, node: Node) -> None:
        name = node.child_by_field_name("name")
        value = node.child_by_field_name("value")
        if name is not None:
            self.variables.append((_said(name), _said(value) if value is not None else ""))


def _said(node: Node) -> str:
    return (node.text or b"").decode(errors="replace")


def _add(targets: dict[str, Target], rule: _Rule, variables: Mapping[str, str]) -> None:
    """A name may stand in several rules: needs add up, the recipe is of the one that has one."""
    needs = tuple(_filled(rule.needs, variables).split())
    recipe = tuple(_line(text, place, variables) for text, place in rule.recipe)
    names = list(dict.fromkeys(_filled(rule.names, variables).split()))
    for name in names[:_MOST_NAMES] if recipe else names:
        known = targets.get(name)
        targets[name] = Target(
            name,
            known.place if known and known.recipe and not recipe else rule.place,
            (*(known.needs if known else ()), *needs),
            recipe or (known.recipe if known else ()),
        )


def _line(text: str, place: Place, variables: Mapping[str, str]) -> Line:
    """A recipe's line is run by a shell of its own, without -e; `@`, `-`, `+` are make's."""
    plain = text.lstrip("@-+ \t")
    marks = text[: len(text) - len(plain)]
    return Line(shell.parse(_filled(plain, variables), place), place, "-" in marks)


def _filled(text: str, variables: Mapping[str, str]) -> str:
    """With make's variables in place; what has no value here is left to the shell as a variable."""
    text = text.replace("$(MAKE)", "make").replace("${MAKE}", "make").replace("$$", "\0")
    for _ in range(_ROUNDS):
        filled = _REFERENCE.sub(lambda it: variables.get(it[1] or it[2], it[0]), text)
        if filled == text or len(filled) > _LARGEST:
            break
        text = filled
    return _OTHER.sub(lambda it: "$" + re.sub(r"\W", "_", it[1]), text).replace("\0", "$")
