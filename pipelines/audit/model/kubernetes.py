"""Kubernetes manifests and Helm values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pipelines.audit.findings import Unread
from pipelines.audit.model import nodes
from pipelines.audit.model.nodes import Node
from pipelines.audit.model.roles import is_deployed
from pipelines.audit.place import Place
from pipelines.audit.tracked import Tracked

_VALUES = re.compile(r"values([._-][\w.-]*)?\.ya?ml")
_POD = ("spec", "template", "spec")
_PODS = {
    "Pod": ("spec",),
    "CronJob": ("spec", "jobTemplate", *_POD),
    **dict.fromkeys(("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job"), _POD),
}
_DEFINITION = "kind: CustomResourceDefinition"  # long, and of no interest


@dataclass(frozen=True)
class Container:
    """One container of a workload; `pod` is the specification around it."""

    name: str
    workload: str
    kind: str  # Deployment, StatefulSet, DaemonSet, Job, CronJob, Pod
    place: Place
    node: Node
    image: str = ""
    image_place: Place | None = None
    is_init: bool = False
    pod: Node | None = None

    @property
    def is_long_running(self) -> bool:
        """Whether it is to run for ever: no job, no initialization, no bare pod."""
        return not self.is_init and self.kind in ("Deployment", "StatefulSet", "DaemonSet")


@dataclass(frozen=True)
class Manifest:
    """One object of a manifest; `labels` are those of its pods."""

    kind: str
    name: str
    place: Place
    node: Node
    containers: tuple[Container, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Kubernetes:
    """`values` are the `values.yaml` of charts, by file; templates are not rendered."""

    manifests: tuple[Manifest, ...] = ()
    values: Mapping[str, Node] = field(default_factory=dict)

    @property
    def containers(self) -> Iterator[Container]:
        """The containers of all workloads."""
        for manifest in self.manifests:
            yield from manifest.containers


def read(tracked: Tracked) -> tuple[Kubernetes, tuple[Unread, ...]]:
    """Every manifest (a YAML document with `apiVersion` and `kind`), charts' templates left out."""
    charts = tuple(path.removesuffix("Chart.yaml") for path in tracked.named("Chart.yaml"))
    unread: list[Unread] = []
    manifests: list[Manifest] = []
    values = {}
    for path in tracked:
        if not path.endswith((".yaml", ".yml")) or not is_deployed(path):
            continue
        chart = next((chart for chart in charts if path.startswith(chart)), None)
        if chart is not None and _VALUES.fullmatch(path.removeprefix(chart)):
            values[path] = next(iter(_documents(tracked, path, unread)), Node(None, path))
        elif _is_manifest(tracked, path):
            for document in _documents(tracked, path, unread):
                manifests += _manifests(document)
    return Kubernetes(tuple(manifests), values), tuple(unread)


def _is_manifest(tracked: Tracked, path: str) -> bool:
    data = tracked.bytes(path) or b""
    if b"apiVersion:" not in data or b"kind:" not in data or b"{{" in data:
        return False
    text = tracked.text(path) or ""
    return _DEFINITION not in text or any(f"kind: {kind}\n" in text for kind in _PODS)


def _documents(tracked: Tracked, path: str, unread: list[Unread]) -> list[Node]:
    try:
        return nodes.documents(tracked.text(path) or "", path)
    except nodes.Broken as error:
        unread.append(Unread(Place(path, error.line), error.reason))
        return []


def _manifests(document: Node) -> Iterator[Manifest]:
    kind, name = document["kind"].text, document.get("metadata", "name").text
    if not kind or not document["apiVersion"].text:
        return
    if kind == "List":
        for item in document["items"]:
            yield from _manifests(item)
        return
    pod = document.get(*_PODS[kind]) if kind in _PODS else Node(None, document.file)
    labels = document if kind == "Pod" else document.get("spec", "template")
    yield Manifest(
        kind=kind,
        name=name,
        place=document["kind"].key_place,
        node=document,
        containers=tuple(_containers(pod, kind, name)),
        labels={key: node.text for key, node in labels.get("metadata", "labels").fields.items()},
    )


def _containers(pod: Node, kind: str, workload: str) -> Iterator[Container]:
    for key in ("initContainers", "containers"):
        for node in pod[key]:
            yield Container(
                name=node["name"].text,
                workload=workload,
                kind=kind,
                place=node["name"].key_place if node["name"] else node.place,
                node=node,
                image=node["image"].text,
                image_place=node["image"].key_place if node["image"].text else None,
                is_init=key == "initContainers",
                pod=pod,
            )
