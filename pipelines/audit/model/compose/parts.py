"""The parts of a service in their short and long forms: ports, mounts, commands, builds..."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pipelines.audit.model.compose.facts import (
    Build,
    Dependency,
    HealthCheck,
    Mount,
    Port,
    Service,
    Words,
)
from pipelines.audit.model.compose.interpolation import references, resolve
from pipelines.audit.model.compose.merging import as_build, as_names, as_pairs
from pipelines.audit.model.nodes import Node
from pipelines.audit.tracked import join

_LONGEST = 20_000  # characters of a command that are split into words
_REMOTE = re.compile(r"[a-z+.-]+://|git@|github\.com/|(service|target|docker-image):")
_PORT = re.compile(
    r"(?:(?P<host>\[[^\]]*\]|[^:\[\]]*):)??(?:(?P<published>[^:]*):)?(?P<target>[^:/]+)(?:/\w+)?"
)
_WINDOWS = re.compile(r"[A-Za-z]:[\\/]")
_OPEN = "\0"


@dataclass(frozen=True)
class Scope:
    """What the parts of one project share: its variables, and where a file's paths start."""

    values: Mapping[str, str]
    folders: Mapping[str, str]  # by file
    folder: str

    def text(self, node: Node) -> str:
        """A scalar with its variables filled in."""
        return resolve(node.text, self.values)

    def path(self, node: Node, path: str) -> str | None:
        """A path that was written there, relative to the root of the audit."""
        return join(self.folders.get(node.file, self.folder), path)

    def is_open(self, node: Node) -> bool:
        """Whether it takes a variable that nobody gives a value."""
        return _OPEN in self.marked(node)

    def marked(self, node: Node) -> str:
        """The text, with a mark where a variable stands that nobody gives a value."""
        open_ = {
            it.name: _OPEN
            for it in references(node.text)
            if it.name not in self.values and it.operator in ("", ":?", "?")
        }
        return resolve(node.text, {**self.values, **open_}) if open_ else self.text(node)


def service(name: str, node: Node, project: str, scope: Scope) -> Service:
    """One service without its environment, which needs other files."""
    return Service(
        name=name,
        project=project,
        place=node.key_place,
        node=node,
        image=scope.text(node["image"]),
        image_place=node["image"].key_place if node["image"].text else None,
        build=_build(node["build"], scope),
        command=words(node["command"], scope),
        entrypoint=words(node["entrypoint"], scope),
        health=_health(node["healthcheck"], scope),
        depends_on=tuple(_dependencies(node["depends_on"], scope)),
        ports=tuple(port for item in node["ports"] for port in _ports(item, scope)),
        mounts=tuple(_mounts(node, scope)),
        restart=scope.text(node["restart"]),
        profiles=tuple(node["profiles"].texts),
        user=scope.text(node["user"]),
        networks=tuple(as_names(node["networks"]).fields),
    )


def words(node: Node, scope: Scope) -> Words | None:
    """A command; a text is split as Compose splits it, which no shell does."""
    if node.is_list:
        parts = tuple(scope.text(item) for item in node.items)
        return Words(parts, " ".join(parts), node.key_place, is_list=True)
    if not node.is_scalar or node.is_null:
        return None
    text = scope.text(node)
    return Words(tuple(_split(text)), text, node.key_place)


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text[:_LONGEST])
    except ValueError:  # a quotation mark that is not closed
        return text[:_LONGEST].split()


def _health(node: Node, scope: Scope) -> HealthCheck | None:
    if not node.is_mapping:
        return None
    test = node["test"]
    kind = test.items[0].text if test.items else ""
    is_off = node["disable"].is_true or kind == "NONE" or test.text == "NONE"
    return HealthCheck(node.key_place, None if is_off else _test(test, kind, scope), is_off)


def _test(test: Node, kind: str, scope: Scope) -> Words | None:
    if test.is_scalar and not test.is_null:
        text = scope.text(test)
        return Words((text,), text, test.key_place, is_shell=True)
    parts = tuple(scope.text(item) for item in test.items[1:])
    if kind == "CMD-SHELL":
        text = parts[0] if parts else ""
        return Words((text,), text, test.key_place, is_shell=True, is_list=True)
    if kind == "CMD":
        return Words(parts, " ".join(parts), test.key_place, is_list=True)
    return None  # Compose refuses it


def _dependencies(node: Node, scope: Scope) -> Iterator[Dependency]:
    for name, value in as_names(node).fields.items():
        condition = scope.text(value["condition"]) or "service_started"
        yield Dependency(resolve(name, scope.values), condition, value.key_place)


def _ports(item: Node, scope: Scope) -> Iterator[Port]:
    if item.is_mapping:
        parts = [scope.marked(item[key]) for key in ("host_ip", "published", "target")]
    else:
        found = _PORT.fullmatch(scope.marked(item))
        if found is None:
            return
        parts = [found[name] or "" for name in ("host", "published", "target")]
    host, published, target = (part.replace(_OPEN, "") for part in parts)
    yield Port(
        _all(host.strip("[]")), published, target, item.place, item.text, _OPEN not in parts[0]
    )


def _all(host: str) -> str:
    return "" if host in ("0.0.0.0", "::", "*") else host  # noqa: S104 - a name, nothing is bound


def _mounts(node: Node, scope: Scope) -> Iterator[Mount]:
    for item in node["volumes"]:
        if item.is_mapping:
            kind = item["type"].text or "volume"
            source, target = scope.text(item["source"]), scope.text(item["target"])
            is_read_only = item["read_only"].is_true
        else:
            source, target, mode = _short_mount(scope.text(item))
            kind = "bind" if source.startswith((".", "/", "~", "\\")) else "volume"
            kind = "bind" if _WINDOWS.match(source) or item.text.startswith("$") else kind
            is_read_only = "ro" in mode.split(",")
        path = scope.path(item, source) if kind == "bind" and source else None
        yield Mount(kind, source, target, item.place, path, is_read_only)
    tmpfs = node["tmpfs"]
    for item in tmpfs.items or ([tmpfs] if tmpfs.text else []):
        yield Mount("tmpfs", "", scope.text(item).partition(":")[0], item.place)


def _short_mount(text: str) -> tuple[str, str, str]:
    drive = text[:2] if _WINDOWS.match(text) else ""
    source, colon, rest = text[len(drive) :].partition(":")
    if not colon:
        return "", text, ""
    target, _, mode = rest.partition(":")
    return drive + source, target, mode


def _build(node: Node, scope: Scope) -> Build | None:
    if not node or node.is_null:
        return None
    build = as_build(node)
    context_node, file_node = build["context"], build["dockerfile"]
    context_text, file = scope.text(context_node) or ".", scope.text(file_node) or "Dockerfile"
    is_unknown = (
        bool(_REMOTE.match(context_text)) or scope.is_open(context_node) or scope.is_open(file_node)
    )
    context = None if is_unknown else scope.path(context_node or node, context_text)
    inline = build["dockerfile_inline"]
    return Build(
        place=node.key_place,
        context=context,
        dockerfile=None if context is None or inline else join(context, file),
        target=scope.text(build["target"]),
        arguments={
            name: scope.text(value) for name, value in as_pairs(build["args"]).fields.items()
        },
        dockerfile_text=inline.text if inline else None,
        is_unknown=is_unknown,
        context_place=context_node.key_place if context_node else None,
        dockerfile_place=file_node.key_place if file_node else None,
        target_place=build["target"].key_place if build["target"] else None,
        contexts={
            name: None if _REMOTE.match(value.text) else scope.path(value, scope.text(value))
            for name, value in as_pairs(build["additional_contexts"]).fields.items()
        },
    )
