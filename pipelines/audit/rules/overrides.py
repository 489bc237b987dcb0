"""Compose files laid over another one that change nothing of it."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.audit.findings import Also, Confidence, Fault, Severity
from pipelines.audit.model import Model, nodes
from pipelines.audit.model.compose import Project
from pipelines.audit.model.nodes import Node

# Lists that Compose joins: an empty one takes nothing away.
_JOINED = (
    *("depends_on", "ports", "volumes", "environment", "env_file", "expose", "networks"),
    *("cap_add", "cap_drop", "labels", "extra_hosts", "secrets", "configs", "dns", "tmpfs"),
)


def without_effect(model: Model) -> Iterator[Fault]:
    """What an override says in vain, service by service."""
    for project in model.projects:
        for override in project.overrides:
            for file, root in _own(model, override):
                for name, node in root["services"].fields.items():
                    if name in project.services or name not in _started_beside(model, file):
                        yield from _service(project, file, name, node)


def _started_beside(model: Model, file: str) -> set[str]:
    """The services that other Compose files next to a file say how to run."""
    folder = file.rpartition("/")[0]
    every = [*model.projects, *(it for project in model.projects for it in project.overrides)]
    return {
        service.name
        for project in every
        if project.file != file and project.file.rpartition("/")[0] == folder
        for service in project.services.values()
        if service.is_runnable
    }


def _own(model: Model, override: Project) -> Iterator[tuple[str, Node]]:
    """The file of an override as it is written."""
    try:
        yield override.file, nodes.read(model.tracked.text(override.file) or "", override.file)
    except nodes.Broken:
        return


def _service(project: Project, file: str, name: str, node: Node) -> Iterator[Fault]:
    base = project.services.get(name)
    if base is None:
        if not (node["image"] or node["build"] or node["extends"]):
            yield Fault(
                node.key_place,
                f"{name} is changed here, but {project.file} has no service of that name",
                "name the service that is meant, or say what it runs",
                service=name,
                confidence=Confidence.MEDIUM,
            )
        return
    for key in _JOINED:
        value = node[key]
        is_empty = (value.is_list and not value.items) or (value.is_mapping and not value.fields)
        if value and is_empty and not value.tag and base.node[key]:
            yield Fault(
                value.key_place,
                f"an empty {key} takes nothing away from {name}: Compose joins both files",
                f"write `{key}: !reset []`",
                also=(Also(base.node[key].key_place, "what stays"),),
                service=name,
            )
    if node.fields and all(_is_same(value, base.node[key]) for key, value in node.fields.items()):
        yield Fault(
            node.key_place,
            f"nothing here changes {name}: {project.file} says all of it already",
            "remove it, or say what is different",
            also=(Also(base.place, "the same"),),
            service=name,
            severity=Severity.LOW,
        )


def _is_same(one: Node, other: Node, depth: int = 0) -> bool:
    """Whether the second value says at least all that the first says."""
    if depth > 20 or not other or one.tag:
        return False
    if one.is_scalar:
        return other.is_scalar and one.text == other.text
    if one.is_list:
        texts = {it.text for it in other.items}
        return other.is_list and bool(one.items) and all(it.text in texts for it in one.items)
    return bool(one.fields) and all(
        _is_same(value, other[key], depth + 1) for key, value in one.fields.items()
    )
