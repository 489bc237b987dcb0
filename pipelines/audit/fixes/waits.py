"""A dependent waits until what it needs is healthy."""

from __future__ import annotations

import re

from pipelines.audit.findings import Finding
from pipelines.audit.fixes.edit import Edit, indent, line
from pipelines.audit.model import Model
from pipelines.audit.model.compose import Dependency, Service, each

_STARTED = re.compile(r"(condition:\s*)(['\"]?)service_started\2")
_ITEM = re.compile(r"(\s*)- +(['\"]?)([\w.-]+)\2\s*")


def until_healthy(model: Model, finding: Finding) -> Edit | None:
    """`service_started` becomes `service_healthy`, and so does a list of names.

    Only where the other service has a health check to wait for.
    """
    found = _dependency(model, finding)
    if found is None:
        return None
    dependency, other = found
    if other.health is None or other.health.test is None or other.health.is_off:
        return None
    for place in (finding.place, dependency.place, dependency.place.below(1)):
        old = line(model, place)
        if _STARTED.search(old):
            return Edit(place, old, _STARTED.sub(r"\1service_healthy", old))
    return _item(model, finding, dependency)


def _dependency(model: Model, finding: Finding) -> tuple[Dependency, Service] | None:
    for project, service in each(model.projects):
        for dependency in service.depends_on:
            other = project.services.get(dependency.name)
            if dependency.place == finding.place and other is not None:
                return dependency, other
    return None


def _item(model: Model, finding: Finding, dependency: Dependency) -> Edit | None:
    """An item of a list, where all of the list can be written as a mapping: it has one item."""
    old = line(model, finding.place)
    match = _ITEM.fullmatch(old)
    around = [line(model, finding.place.below(step)) for step in (-1, 1)]
    if match is None or match[3] != dependency.name:
        return None
    if not around[0].strip().startswith("depends_on:") or _ITEM.fullmatch(around[1]):
        return None
    start = match[1] if match[1] != indent(around[0]) else f"{match[1]}  "
    return Edit(finding.place, old, f"{start}{match[3]}:\n{start}  condition: service_healthy")
