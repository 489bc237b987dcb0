"""The pod of a service: its container, what it may do, what it reads, and how it is asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pipelines.compose.model import Healthcheck, Mount, Service
from pipelines.content import named
from pipelines.deploy.docker import images
from pipelines.deploy.kubernetes.chart import NETWORK, Chart, quantity, seconds
from pipelines.deploy.kubernetes.files import files_of
from pipelines.errors import ConfigError

NOTICE = 5  # seconds in which every node learns that a pod takes no more, before it is told to end
_GROUP = 65532  # may read the secrets, whoever the image's user is
_SECRETS = "/run/secrets"  # noqa: S105 - a folder
_LEAST_FAILURES = 3  # in a row, before a container is restarted


class Volume(NamedTuple):
    """A volume of the pod (none for a StatefulSet's claim) and where it is mounted."""

    volume: dict[str, Any] | None
    mount: dict[str, Any]


def template(chart: Chart, service: Service, *, restart: str = "Always") -> dict[str, Any]:
    """The pod template of a service. Raises `ConfigError` for what has no counterpart."""
    volumes = list(_volumes(chart, service))
    networks = {f"{NETWORK}/{name}": "true" for name in chart.networks(service.name)}
    return {
        "metadata": {"labels": {**chart.labels(service.name), **networks}},
        "spec": {
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,  # its variables, FABRIC_PORT and the like, are not ours
            "restartPolicy": restart,
            "securityContext": _identity(chart, service),
            "terminationGracePeriodSeconds": seconds(service.stop_grace_period) + NOTICE,
            "containers": [_container(chart, service, [it.mount for it in volumes])],
            "volumes": [it.volume for it in volumes if it.volume],
        },
    }


def port_of(service: Service) -> int | None:
    """Where it is asked and reached: the first port that it has."""
    return next(iter((*(it.target for it in service.ports), *service.expose)), None)


def ports_of(service: Service) -> list[int]:
    return sorted({*(it.target for it in service.ports), *service.expose})


def _container(chart: Chart, service: Service, mounts: list[dict[str, Any]]) -> dict[str, Any]:
    container: dict[str, Any] = {
        "name": service.name,
        "image": images.reference(chart.project.image(service), service, chart.release, {}),
        "imagePullPolicy": "IfNotPresent",  # a digest is what it is
        "env": [
            {"name": name, "value": _literally(value)}
            for name, value in service.environment.items()
        ],
        "ports": [{"containerPort": port} for port in ports_of(service)],
        "resources": _resources(chart, service),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": mounts,
        **_probes(service),
    }
    if service.entrypoint:
        container["command"] = [_literally(word) for word in service.entrypoint]
    if service.command:
        container["args"] = [_literally(word) for word in service.command]
    if service.working_dir:
        container["workingDir"] = service.working_dir
    if port_of(service):
        container["lifecycle"] = {"preStop": {"sleep": {"seconds": NOTICE}}}
    return container


def _literally(text: str) -> str:
    """The text, safe from Kubernetes' own variables, which are written `$(NAME)`."""
    return text.replace("$(", "$$(")


def _identity(chart: Chart, service: Service) -> dict[str, Any]:
    """Never root; the number of the user where Compose says one, else the image must have it."""
    context: dict[str, Any] = {
        "runAsNonRoot": True,
        "fsGroup": _GROUP,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    user, _, group = str(chart.written[service.name].get("user", "")).partition(":")
    if not user:
        return context
    if not user.isdigit() or (group and not group.isdigit()) or int(user) == 0:
        raise ConfigError(
            f"services.{service.name}.user: {user!r} cannot be shown not to be root",
            where=service.where,
            hint="write the user's number, not 0",
        )
    own = int(group or user)
    return {**context, "runAsUser": int(user), "runAsGroup": own, "fsGroup": own}


def _resources(chart: Chart, service: Service) -> dict[str, Any]:
    """Limits, and requests, which are the limits where Compose reserves nothing."""
    written = ((chart.written[service.name].get("deploy") or {}).get("resources")) or {}
    limits = _amounts(written.get("limits") or {})
    if limits.keys() != {"cpu", "memory"}:
        raise ConfigError(
            f"services.{service.name}.deploy.resources.limits: cpus and memory are both needed",
            where=service.where,
        )
    return {"limits": limits, "requests": {**limits, **_amounts(written.get("reservations") or {})}}


def _amounts(written: dict[str, Any]) -> dict[str, str]:
    amounts = {"cpu": str(written["cpus"])} if "cpus" in written else {}
    return {**amounts, "memory": quantity(written["memory"])} if "memory" in written else amounts


def _probes(service: Service) -> dict[str, Any]:
    """Started, ready and alive, by the health check's times.

    What says whether it is ready may ask the services behind it. What says that it lives must not,
    or one that is away has all others restarted: it asks whether the port is open.
    """
    check = service.healthcheck
    if check is None:
        return {}
    times = {"periodSeconds": seconds(check.interval), "timeoutSeconds": seconds(check.timeout)}
    often = seconds(check.start_interval)
    patience = check.start_period + check.interval * check.retries
    asked, port = _asked(service, check), port_of(service)
    alive = {"tcpSocket": {"port": port}} if "httpGet" in asked else asked
    return {
        "startupProbe": {
            **asked,
            **times,
            "periodSeconds": often,
            "failureThreshold": seconds(patience / often),
        },
        "readinessProbe": {**asked, **times, "failureThreshold": check.retries},
        "livenessProbe": {
            **alive,
            **times,
            "failureThreshold": max(check.retries, _LEAST_FAILURES),
        },
    }


def _asked(service: Service, check: Healthcheck) -> dict[str, Any]:
    probe, port = service.extension.get("probe") or {}, port_of(service)
    if "http" in probe and port:
        return {"httpGet": {"path": probe["http"], "port": port}}
    kind, *words = check.test
    return {"exec": {"command": words if kind == "CMD" else ["/bin/sh", "-c", *words]}}


def _volumes(chart: Chart, service: Service) -> Iterator[Volume]:
    for mount in service.volumes:
        yield _mounted(service, mount)
    written = chart.written[service.name]
    places = written.get("tmpfs") or []
    for place in [places] if isinstance(places, str) else places:
        path, _, options = place.partition(":")
        size = next((it[5:] for it in options.split(",") if it.startswith("size=")), "")
        yield _memory(path, size)
    if "shm_size" in written:
        yield _memory("/dev/shm", str(written["shm_size"]))  # noqa: S108 - the container's
    if service.secrets:
        yield _granted(chart, service)


def _mounted(service: Service, mount: Mount) -> Volume:
    if mount.kind == "tmpfs":
        return _memory(mount.target, "")
    where = {"mountPath": mount.target, "readOnly": mount.read_only}
    if mount.kind == "volume":
        name = mount.source or named("data", mount.target.encode())
        claimed = None if mount.source else {"name": name, "emptyDir": {}}
        return Volume(claimed, {"name": name, **where})
    files = files_of(service, mount)
    items = [{"key": it.key, "path": it.path} for it in files.files]
    reads: dict[str, Any] = {"name": files.name, "configMap": {"name": files.name, "items": items}}
    if Path(str(mount.source)).is_file():
        return Volume(reads, {"name": files.name, **where, "subPath": files.files[0].path})
    return Volume(reads, {"name": files.name, **where})


def _memory(path: str, size: str) -> Volume:
    name = named("memory", path.encode())
    room = {"sizeLimit": quantity(size)} if size else {}
    return Volume(
        {"name": name, "emptyDir": {"medium": "Memory", **room}},
        {"name": name, "mountPath": path},
    )


def _granted(chart: Chart, service: Service) -> Volume:
    """The secrets it is granted, as files in one folder; only references stand here."""
    sources = [
        {
            "secret": {
                "name": secret_name(chart, grant.source),
                "items": [{"key": "value", "path": grant.target.removeprefix(f"{_SECRETS}/")}],
            }
        }
        for grant in service.secrets
    ]
    return Volume(
        {"name": "secrets", "projected": {"defaultMode": 0o440, "sources": sources}},
        {"name": "secrets", "mountPath": _SECRETS, "readOnly": True},
    )


def secret_name(chart: Chart, name: str) -> str:
    """The Secret's name: with the hash of its value where that is known here, else plain."""
    file = chart.project.secrets[name].file
    if file and file.is_file():
        return named(name, file.read_bytes())
    return name.lower().replace("_", "-")
