"""From a Compose project and a release to a folder that `kubectl apply --kustomize` takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from pipelines import compose
from pipelines.compose.model import Project
from pipelines.deploy.kubernetes import workloads
from pipelines.deploy.kubernetes.chart import Chart, Manifest, checked_name
from pipelines.deploy.kubernetes.files import configmaps
from pipelines.deploy.kubernetes.policies import policies
from pipelines.deploy.site import parts
from pipelines.environments import Environment
from pipelines.errors import MachineError
from pipelines.files import write_atomically
from pipelines.release import Release

INDEX = "kustomization.yaml"
_HEAD = "# Rendered by `inv deploy.render`; no API server has run it. Change it by an overlay.\n"


def render(project: Project, release: Release, environment: Environment) -> dict[str, str]:
    """The manifests, by file name. Nothing in them depends on where or when they were made.

    `project` is the release's in this environment. A secret is only referred to.
    Raises `ConfigError` for what has no counterpart in Kubernetes.
    """
    root = compose.written(project.file, environ=environment.variables).plain()
    chart = Chart(project, release, root["services"])
    cut = parts(project, environment.profiles)
    made: dict[str, list[Manifest]] = {}
    for kind, part in (
        (workloads.stateful, cut.stateful),
        (workloads.job, cut.jobs),
        (workloads.serving, cut.serving),
    ):
        for service in part.services.values():
            made[checked_name(service)] = [*configmaps(chart, service), *kind(chart, service)]
    every = {**cut.stateful.services, **cut.jobs.services, **cut.serving.services}
    networks = policies(chart, every, root.get("networks") or {})
    files = {
        "namespace.yaml": [_namespace(chart)],
        "networks.yaml": networks,
        **{f"{name}.yaml": of for name, of in sorted(made.items())},
    }
    index: Manifest = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": list(files),
    }
    return {name: _text(of) for name, of in {**files, INDEX: [index]}.items()}


def write(files: Mapping[str, str], folder: Path) -> None:
    """Write them to a folder, the index last. Raises `MachineError`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MachineError(f"cannot make {folder}: {error.strerror}") from error
    for name, text in files.items():
        write_atomically(folder / name, text)


def _namespace(chart: Chart) -> Manifest:
    """The namespace, which itself refuses pods that are not held to the strictest standard."""
    held = {
        f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")
    }
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": chart.namespace, "labels": held},
    }


class _Plain(yaml.SafeDumper):
    """Without anchors, which nobody expects in a manifest."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _text(manifests: Sequence[Manifest]) -> str:
    dumped = yaml.dump_all(manifests, Dumper=_Plain, sort_keys=False, explicit_start=True)
    return f"{_HEAD}{dumped}"
