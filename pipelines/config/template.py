"""A step as a kind declares it: checked and taken apart once, then filled in per component."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from pipelines.config import needs, patterns, placeholders
from pipelines.config.model import Component, Declaration
from pipelines.config.needs import Need, Scope
from pipelines.config.placeholders import Text
from pipelines.documents.document import Entry
from pipelines.documents.nearest import nearest
from pipelines.step import Step

_PATTERNS = ("inputs", "outputs", "locks", "controls")
_PLACES = ("folder", "component")
_UNFILLED = {name: f"{{{name}}}" for name in (*_PLACES, "junit")}
_CWD = ("component", "root")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_EXECUTABLE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]*")


@dataclass(frozen=True)
class Template:
    """A checked declaration, without what only a component knows."""

    declaration: Declaration
    argv: tuple[Text, ...]
    in_component: bool
    patterns: Mapping[str, tuple[Text, ...]]
    needs: tuple[Need, ...]
    services: tuple[str, ...]
    env: tuple[str, ...]
    secrets: tuple[str, ...]
    tools: tuple[str, ...]
    timeout: float
    retries: int

    @cached_property
    def unfilled(self) -> tuple[str, ...]:
        """The words of the command, the same for every component."""
        return tuple(word.fill(_UNFILLED) for word in self.argv)

    def step(self, component: Component, needs: tuple[str, ...]) -> Step:
        """The step of one component, whose needs are known by now."""
        is_root = component.folder == "."
        folder = "" if is_root else patterns.literal(component.folder)
        said = {"folder": folder, "component": component.name}
        files = {
            key: tuple(patterns.anchored(text.fill(said), folder) for text in texts)
            for key, texts in self.patterns.items()
        }
        words = {
            "folder": "." if self.in_component else component.folder,
            "component": component.name,
            "junit": placeholders.JUNIT,
        }
        return Step(
            name=self.declaration.name,
            component=component.name,
            argv=tuple(word.fill(words) for word in self.argv),
            cwd="" if is_root or not self.in_component else component.folder,
            needs=needs,
            services=self.services,
            env=self.env,
            secrets=self.secrets,
            tools=self.tools,
            timeout=self.timeout,
            retries=self.retries,
            template=self.unfilled,
            **files,
        )


def compile_step(declaration: Declaration) -> Template:
    """Check a declaration. Raises `ConfigError` at the line of what is wrong."""
    fields = declaration.fields
    if declaration.name == needs.SERVICE:
        raise declaration.entry.error(
            f"no step can be called {needs.SERVICE!r}", hint="it stands for Compose services"
        )
    wanted = tuple(needs.parse(item) for item in _items(fields, "needs"))
    return Template(
        declaration=declaration,
        argv=_argv(declaration),
        in_component=_cwd(fields.get("cwd")) == "component",
        patterns={key: _texts(fields, key) for key in _PATTERNS},
        needs=wanted,
        services=tuple(need.target for need in wanted if need.scope is Scope.SERVICE),
        env=_names(fields, "env", _VARIABLE, "the name of a variable"),
        secrets=_names(fields, "secrets", _VARIABLE, "the name of a variable"),
        tools=_names(fields, "tools", _EXECUTABLE, "the name of an executable"),
        timeout=_number(fields, "timeout", Step._field_defaults["timeout"], _is_timeout),
        retries=int(_number(fields, "retries", Step._field_defaults["retries"], _is_count)),
    )


def _items(fields: Mapping[str, Entry], key: str) -> list[Entry]:
    return fields[key].items if key in fields else []


def _argv(declaration: Declaration) -> tuple[Text, ...]:
    if "run" not in declaration.fields:
        raise declaration.entry.error("'run' is missing", hint="write the command's words")
    run = declaration.fields["run"]
    if not run.items or not run.items[0].text:
        raise run.error("no command", hint="write its words: [python, -m, pytest]")
    return tuple(placeholders.parse(word, (*_PLACES, "junit")) for word in run.items)


def _texts(fields: Mapping[str, Entry], key: str) -> tuple[Text, ...]:
    """The patterns under a key; without `inputs`, all files of the component are inputs."""
    if key == "inputs" and key not in fields:
        return (Text((("**", None),)),)
    for entry in _items(fields, key):
        patterns.check(entry)
    return tuple(placeholders.parse(entry, _PLACES) for entry in _items(fields, key))


def _cwd(entry: Entry | None) -> str:
    if entry is None:
        return "component"
    if entry.text not in _CWD:
        raise entry.error(f"no place {entry.text!r}", hint=nearest(entry.text, _CWD))
    return entry.text


def _names(
    fields: Mapping[str, Entry], key: str, rule: re.Pattern[str], what: str
) -> tuple[str, ...]:
    for entry in _items(fields, key):
        if not rule.fullmatch(entry.text):
            raise entry.error(f"{entry.text!r} is not {what}")
    return tuple(entry.text for entry in _items(fields, key))


def _number(
    fields: Mapping[str, Entry], key: str, default: float, is_good: Callable[[float], bool]
) -> float:
    if key not in fields:
        return default
    entry = fields[key]
    value = entry.value
    assert isinstance(value, int | float)  # the schema says so
    if not is_good(value):
        rule = "a time in seconds, more than 0" if key == "timeout" else "a whole number from 0 on"
        raise entry.error(f"{entry.text} is not {rule}")
    return value


def _is_timeout(value: float) -> bool:
    return value > 0 and math.isfinite(value)


def _is_count(value: float) -> bool:
    return value >= 0 and float(value).is_integer()
