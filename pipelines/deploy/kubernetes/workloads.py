"""What runs the pods of a service, and keeps enough of them while nodes or releases change."""

from __future__ import annotations

from typing import Any

from pipelines.compose.model import Service
from pipelines.deploy.kubernetes.chart import Chart, Manifest
from pipelines.deploy.kubernetes.pod import port_of, ports_of, template

CLAIM = "10Gi"  # for a named volume: Compose has no word for how much; an overlay changes it
_TRIES = 10  # of a job, which has to wait for what it depends on
_KEPT = 7 * 86400  # seconds in which a job that has ended can be read


def serving(chart: Chart, service: Service) -> list[Manifest]:
    """A Deployment that never has fewer pods than it should, and how it is reached."""
    spec = {
        "replicas": _replicas(chart, service),
        "selector": {"matchLabels": chart.selector(service.name)},
        "strategy": {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1},
        },
        "progressDeadlineSeconds": 600,
        "template": template(chart, service),
    }
    name = service.name
    deployment = chart.manifest("apps/v1", "Deployment", name, name, spec=spec)
    return [deployment, *_reached(chart, service), _budget(chart, service)]


def stateful(chart: Chart, service: Service) -> list[Manifest]:
    """A StatefulSet with a claim for each named volume: the data outlive every release."""
    claims = [
        {
            "metadata": {"name": mount.source},
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": CLAIM}},
            },
        }
        for mount in service.volumes
        if mount.kind == "volume" and mount.source
    ]
    spec = {
        "serviceName": service.name,
        "replicas": _replicas(chart, service),
        "selector": {"matchLabels": chart.selector(service.name)},
        "template": template(chart, service),
        "volumeClaimTemplates": claims,
    }
    name = service.name
    own = chart.manifest("apps/v1", "StatefulSet", name, name, spec=spec)
    return [own, *_reached(chart, service), _budget(chart, service)]


def job(chart: Chart, service: Service) -> list[Manifest]:
    """A Job of this release. There is no order among Jobs: one that is too early tries again."""
    spec = {
        "backoffLimit": _TRIES,
        "ttlSecondsAfterFinished": _KEPT,
        "template": template(chart, service, restart="Never"),
    }
    name = f"{service.name}-{chart.release.short}"
    return [chart.manifest("batch/v1", "Job", name, service.name, spec=spec)]


def _replicas(chart: Chart, service: Service) -> int:
    return int((chart.written[service.name].get("deploy") or {}).get("replicas", 1))


def _reached(chart: Chart, service: Service) -> list[Manifest]:
    if port_of(service) is None:
        return []
    ports = [
        {"name": f"tcp-{port}", "port": port, "targetPort": port} for port in ports_of(service)
    ]
    spec = {"selector": chart.selector(service.name), "ports": ports}
    return [chart.manifest("v1", "Service", service.name, service.name, spec=spec)]


def _budget(chart: Chart, service: Service) -> Manifest:
    """Of several pods one may go at a time; the only one stays until a person decides."""
    spec: dict[str, Any] = {
        "minAvailable": max(1, _replicas(chart, service) - 1),
        "selector": {"matchLabels": chart.selector(service.name)},
    }
    name = service.name
    return chart.manifest("policy/v1", "PodDisruptionBudget", name, name, spec=spec)
