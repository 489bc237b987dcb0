"""Data stores and sockets that anybody can reach."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipelines.audit.findings import Also, Fault, Severity
from pipelines.audit.model import Model
from pipelines.audit.model.compose import Mount, Port, Project, Service, each, stores
from pipelines.audit.model.compose.stores import Store
from pipelines.audit.model.kubernetes import Container, Manifest
from pipelines.audit.model.nodes import Node
from pipelines.audit.place import Place
from pipelines.audit.rule import Rule, rule
from pipelines.audit.rules.places import first_at_each_place

_SOCKET = re.compile(r"(docker|podman|containerd)\.sock$")
_PROXY = re.compile(r"(docker-)?socket-proxy")  # made to let only some requests through
_ANONYMOUS = re.compile(r"^[ \t]*allow_anonymous[ \t]+true\b", re.MULTILINE)


@rule("SEC007", "datastore-exposed", Severity.MEDIUM)
def datastore_exposed(model: Model) -> Iterator[Fault]:
    """A database, cache, broker or the container engine's socket is open to everybody.

    Why: a published port is open on every interface of the machine, and Docker's own firewall rules
    come before those of the machine: `ufw` does not close it. Data stores are searched for all over
    the internet, and those without a password are emptied within hours. Who can write to the
    engine's socket is root on the machine.

    Example:

        redis:
          image: redis:7
          ports:
            - "6379:6379"

    Mend: take the port away, as services reach one another by name within their network; for a look
    from the machine itself bind it to `127.0.0.1:6379:6379`. Give the store a password too. Put a
    proxy that only lets reading through between the engine's socket and who needs it.
    """
    yield from first_at_each_place(_faults(model))


def _faults(model: Model) -> Iterator[Fault]:
    for project, service in each(model.projects):
        yield from _published(model, project, service)
        for mount in service.mounts:
            if fault := _socket(service, mount):
                yield fault
    yield from _in_kubernetes(model)


def _published(model: Model, project: Project, service: Service) -> Iterator[Fault]:
    image = _image(model, service)
    store = stores.store(image)
    if _is_internal(project, service):
        return
    for port in service.ports:
        if port.is_local or not port.is_known:
            continue
        if store is not None and port.target.partition("/")[0] not in store.secure_ports:
            yield _open_store(model, service, store, port)
        elif stores.is_console(image):
            yield Fault(
                port.place,
                f"{service.name}, a page that changes data stores, is published on all interfaces",
                _bound(port),
                service=service.name,
                severity=Severity.LOW,
            )
    network = service.node["network_mode"]
    if store is not None and network.text == "host":
        yield Fault(
            network.key_place,
            f"{store.name} shares the network of the machine, so it is open on all interfaces",
            f"give {service.name} a network of the project, where the others reach it by name",
            service=service.name,
        )


def _image(model: Model, service: Service) -> str:
    """The image itself, or the one that it is built on."""
    return service.image if service.build is None else model.image(service).reference


def _is_internal(project: Project, service: Service) -> bool:
    """Whether it is only in networks that lead nowhere: its ports are then not published."""
    return bool(service.networks) and all(
        project.networks[name]["internal"].is_true if name in project.networks else False
        for name in service.networks
    )


def _open_store(model: Model, service: Service, store: Store, port: Port) -> Fault:
    why = _unguarded(model, service, store)
    how = ", and asks nobody for a password" if why else ""
    what = f"port {port.published}" if port.published else "a random port"
    severity = Severity.HIGH if why else None
    if store.kind == "object store":  # often meant to be reached, with signed addresses
        severity = Severity.LOW
    return Fault(
        port.place,
        f"{store.name} ({service.name}) is published on all interfaces at {what}{how}",
        _bound(port),
        also=tuple(Also(place, "which lets everybody in") for place in why if place != port.place),
        service=service.name,
        severity=severity,
    )


def _bound(port: Port) -> str:
    local = f"127.0.0.1:{port.published or port.target}:{port.target}"
    return f"take the port away, or bind it to this machine: {local}"


def _unguarded(model: Model, service: Service, store: Store) -> list[Place]:
    """Why it lets everybody in: the lines that say so, or its image; nothing when it does not."""
    for name, setting in service.environment.items():
        if any(word.lower() in f"{name}={setting.text}".lower() for word in store.opens):
            return [setting.place]
    for words in (service.command, service.entrypoint):
        if words and any(word in words.text for word in store.opens):
            return [words.place]
    for mount in service.mounts:
        text = model.tracked.text(mount.path) if mount.path else None
        if text is None:
            # A configuration that Git does not know may ask for a password.
            if mount.path is not None and mount.target.endswith((".conf", ".acl", ".cfg")):
                return []
        elif found := _ANONYMOUS.search(text) if store.name == "Mosquitto" else None:
            line = text.count("\n", 0, found.end()) + 1
            return [Place(mount.path or "", line)]
        elif any(guard in text for guard in store.guards):
            return []
    if store.is_guarded or _is_guarded(service, store) or service.build is not None:
        return []
    return [service.image_place or service.place]


def _is_guarded(service: Service, store: Store) -> bool:
    texts = [words.text for words in (service.command, service.entrypoint) if words]
    texts += [name for name, it in service.environment.items() if it.raw is None or it.raw]
    texts += [it.text for it in service.environment.values()]
    return any(guard in text for guard in store.guards for text in texts)


def _socket(service: Service, mount: Mount) -> Fault | None:
    if mount.kind != "bind" or not _SOCKET.search(mount.source or mount.target):
        return None
    if _PROXY.fullmatch(stores.name(service.image)):
        return None
    severity = Severity.MEDIUM if mount.is_read_only else Severity.HIGH
    return Fault(
        mount.place,
        f"{service.name} can command the container engine through its socket, and so is root on"
        " the machine",
        "put a proxy for the socket between, which lets only the needed requests through;"
        " `:ro` does not keep anybody from writing to a socket",
        service=service.name,
        severity=severity,
    )


def _in_kubernetes(model: Model) -> Iterator[Fault]:
    manifests = model.kubernetes.manifests
    workloads = [manifest for manifest in manifests if manifest.containers]
    for manifest in workloads:
        for container in manifest.containers:
            yield from _on_the_node(container)
        yield from _host_paths(manifest)
    for manifest in manifests:
        kind = manifest.node.get("spec", "type")
        if manifest.kind == "Service" and kind.text in ("LoadBalancer", "NodePort"):
            yield from _balanced(manifest, kind, workloads)


def _on_the_node(container: Container) -> Iterator[Fault]:
    store = stores.store(container.image)
    for port in container.node["ports"]:
        if store is not None and port["hostPort"] and not port["hostIP"].text.startswith("127."):
            yield Fault(
                port["hostPort"].key_place,
                f"{store.name} ({container.workload}) is open on every interface of its node",
                "take hostPort away, and reach it through a Service of type ClusterIP",
                service=container.workload,
            )


def _host_paths(manifest: Manifest) -> Iterator[Fault]:
    pod = manifest.containers[0].pod
    for volume in pod["volumes"] if pod else ():
        path = volume.get("hostPath", "path")
        if _SOCKET.search(path.text):
            yield Fault(
                path.key_place,
                f"{manifest.name} can command the container engine of its node through its socket",
                "build images and list pods by means that need no socket, such as the API server",
                service=manifest.name,
                severity=Severity.HIGH,
            )


def _balanced(manifest: Manifest, kind: Node, workloads: list[Manifest]) -> Iterator[Fault]:
    selector = {key: it.text for key, it in manifest.node.get("spec", "selector").fields.items()}
    for workload in workloads:
        if not selector or not selector.items() <= workload.labels.items():
            continue
        found = [it for it in map(stores.store, (c.image for c in workload.containers)) if it]
        if found:
            yield Fault(
                kind.key_place,
                f"{found[0].name} ({workload.name}) is open outside of the cluster",
                "make it a Service of type ClusterIP",
                also=(Also(workload.place, "the data store behind it"),),
                service=manifest.name,
            )
            return


RULES: tuple[Rule, ...] = (datastore_exposed,)
