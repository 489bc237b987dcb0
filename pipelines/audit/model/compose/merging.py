"""How Compose merges one file over another: mappings by key, lists one after the other, some not.

Rules: the Compose specification, "Merge", with `!reset` and `!override`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pipelines.audit.model.nodes import Node

_DEEPEST = 6  # deploy, resources, reservations, devices...
_MOST = 20_000  # values in one service
# Written as a list or a mapping of the same meaning; the separator is that of the list's items.
_PAIRS = {
    "environment": "=",
    "labels": "=",
    "args": "=",
    "annotations": "=",
    "sysctls": "=",
    "extra_hosts": ":",
    "additional_contexts": "=",
}
_NAMES = ("depends_on", "networks")  # lists of names, or mappings by name
_REPLACED = ("command", "entrypoint", "test")
_EITHER = ("env_file", "dns", "dns_search", "tmpfs")  # one, or a list


def merge(under: Node, over: Node) -> Node:
    """What one service makes of another. Nothing is resolved in them."""
    return _Merge().value(under, over)


@dataclass
class _Merge:
    """One merge; aliases can make so much of a few lines that somebody has to count."""

    left: int = _MOST

    def value(self, under: Node, over: Node, key: str = "", depth: int = _DEEPEST) -> Node:
        """What `over` makes of `under`, both being the value of `key`."""
        self.left -= 1
        if not under or over.tag == "!override" or not depth or self.left < 0:
            return over
        if over.tag == "!reset":
            return over.with_text(None)
        if not over or over.is_null:
            return under
        under, over = _mapping(under, key), _mapping(over, key)
        if under.is_mapping and over.is_mapping:
            return over.with_fields(self._fields(under, over, depth))
        if key in _REPLACED:
            return over
        if (under.is_list and over.is_list) or key in _EITHER:
            items = [*(under.items or [under]), *(over.items or [over])]
            return over.with_items(_unique(items, _IDENTITY.get(key, _text)))
        return over

    def _fields(self, under: Node, over: Node, depth: int) -> dict[str, Node]:
        fields = dict(under.fields)
        for key, value in over.fields.items():
            if value.tag == "!reset":
                fields.pop(key, None)
            elif key in fields:
                fields[key] = self.value(fields[key], value, key, depth - 1)
            else:
                fields[key] = value
        return fields


def _mapping(node: Node, key: str) -> Node:
    """A value that may be written shorter, as the mapping it stands for."""
    if key in _PAIRS:
        return as_pairs(node, _PAIRS[key])
    if key in _NAMES:
        return as_names(node)
    return as_build(node) if key == "build" else node


def as_pairs(node: Node, separator: str = "=") -> Node:
    """A list of `NAME=value` as the mapping it stands for; a name alone has a null."""
    if not node.is_list:
        return node
    pairs = {}
    for item in node.items:
        name, equals, value = item.text.partition(separator)
        pairs[name.strip()] = item.with_text(value if equals else None)
    return node.with_fields(pairs)


def as_names(node: Node) -> Node:
    """A list of names as the mapping it stands for."""
    if not node.is_list:
        return node
    return node.with_fields({item.text: item.with_text(None) for item in node.items})


def as_build(node: Node) -> Node:
    """A build that is only its context as the mapping it stands for."""
    return node.with_fields({"context": node}) if node.is_scalar else node


def _unique(items: Iterable[Node], identity: Callable[[Node], str]) -> list[Node]:
    """The last of each kind, in the order in which they first came."""
    found: dict[str, Node] = {}
    for number, item in enumerate(items):
        found[identity(item) or f"\0{number}"] = item
    return list(found.values())


def _text(item: Node) -> str:
    return item.text


def _target(item: Node) -> str:
    """Where a volume, a configuration or a secret appears in the container."""
    if item.is_mapping:
        return item["target"].text or item["source"].text
    parts = [part for part in item.text.split(":") if part]
    return parts[1] if len(parts) > 1 else item.text


def _port(item: Node) -> str:
    if not item.is_mapping:
        return item.text
    return ":".join(item[key].text for key in ("host_ip", "published", "target", "protocol"))


_IDENTITY = {
    "volumes": _target,
    "devices": _target,
    "configs": _target,
    "secrets": _target,
    "ports": _port,
}
