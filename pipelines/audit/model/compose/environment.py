"""The variables of a service: of its env files, as far as Git tracks them, and its own."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.audit.model.compose.facts import Setting
from pipelines.audit.model.compose.interpolation import resolve
from pipelines.audit.model.compose.merging import as_pairs
from pipelines.audit.model.compose.parts import Scope
from pipelines.audit.model.nodes import Node
from pipelines.audit.model.secrets import envfiles
from pipelines.audit.tracked import Tracked


def settings(node: Node, scope: Scope, tracked: Tracked) -> dict[str, Setting]:
    """A service's variables; its own win over those of its files, later files over earlier ones."""
    found: dict[str, Setting] = {}
    for item in node["env_file"].items or [node["env_file"]]:
        path_node = item["path"] if item.is_mapping else item
        path = scope.path(path_node, scope.text(path_node)) if path_node.text else None
        if path in tracked:
            found |= {it.name: it for it in variables(tracked, path or "", scope)}
    for name, value in as_pairs(node["environment"]).fields.items():
        found[name] = _own(name, value, scope)
    return found


def _own(name: str, value: Node, scope: Scope) -> Setting:
    if value.is_null or not value:
        return Setting(name, None, scope.values.get(name, ""), value.key_place)
    return Setting(name, value.text, scope.text(value), value.key_place)


def variables(tracked: Tracked, file: str, scope: Scope) -> Iterator[Setting]:
    """What a file of `NAME=value` lines says; `scope` gives what its values may ask for."""
    known = dict(scope.values)
    for name, value, place in envfiles.read(tracked, file):
        known[name] = text = resolve(value or "", known)
        yield Setting(name, value, text, place, file)
