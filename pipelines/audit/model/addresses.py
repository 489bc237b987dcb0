"""Addresses within a project: which names a container is found by, and where it listens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from pipelines.audit.model.compose import Project, Service, stores
from pipelines.audit.model.compose.interpolation import references, resolve
from pipelines.audit.model.containers.images import Image

_URL = re.compile(
    r"([A-Za-z][A-Za-z0-9+.\-]{1,30})://(?:([^\s:/@'\"]{0,80})(?::([^\s@'\"]{0,200}))?@)?"
    r"([^\s:/?#,@'\"`<>\\]{1,100})(?::(\d{1,5}))?(?:/([\w.\-]{0,80}))?"
)
# What leads to a host; that of `s3://` is a bucket's name.
_SCHEMES = re.compile(
    r"(?:https?|wss?|grpcs?|tcp|udp|postgres(?:ql)?|postgis|mysql|mariadb|mongodb|rediss?|valkeys?"
    r"|amqps?|mqtts?|nats|kafka|clickhouse|elasticsearch|opensearch|cassandra|memcached?|ldaps?"
    r"|smtps?|bolt|neo4j|etcd|mssql|sqlserver|cockroachdb|influxdb|pulsar|otlp)(?:\+\w+)?"
)
HOST_OF_DESKTOP = "host.docker.internal"
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9_\-]{0,61}[a-z0-9])?", re.IGNORECASE)
_HERE = frozenset({"localhost", "host", "gateway", "broadcasthost", "ip6-localhost"})
_PORT_FLAG = re.compile(
    r"(?:--?port|--?p|-p|--listen|--bind|-b|--http-port|--server\.port|--address)[= ]+"
    r"(?:[\w.\[\]:*]{0,60}:)?(\d{2,5})\b"
)
_ANY_PORT = re.compile(r"(?<![\d.])(\d{2,5})(?![\d.])")


class Url(NamedTuple):
    """An address that is written somewhere; what is not written is ""."""

    scheme: str
    user: str
    password: str
    host: str
    port: str
    path: str


def urls(text: str) -> Iterator[Url]:
    """Every URL of a text that leads to another program."""
    if "://" in text:
        for found in _URL.finditer(text[:5_000]):
            url = Url(*(it or "" for it in found.groups()))
            if _SCHEMES.fullmatch(url.scheme.lower()):
                yield url


def is_name(host: str) -> bool:
    """Whether a host is a name that only Compose's own network could know."""
    return bool(_LABEL.fullmatch(host)) and host.lower() not in _HERE and not host.isdigit()


def filled(project: Project, raw: str) -> str:
    """A value with what is known of it; what only its deployer knows stays as `${NAME}`."""
    unknown = {
        it.name: f"${{{it.name}}}"
        for it in references(raw)
        if not it.has_default and it.name not in project.values
    }
    return resolve(raw, {**unknown, **project.values})


def names(service: Service) -> Iterator[str]:
    """What other containers find a service by."""
    yield service.name
    for key in ("container_name", "hostname"):
        if service.node[key].text:
            yield resolve(service.node[key].text)
    for network in service.node["networks"].fields.values():
        yield from network["aliases"].texts


def hosts(project: Project) -> dict[str, Service | None]:
    """Every name that is known in the project; None for what lies outside of it."""
    found: dict[str, Service | None] = {}
    for service in project.services.values():
        for extra in service.node["extra_hosts"].texts or service.node["extra_hosts"].fields:
            found.setdefault(re.split(r"[:=]", extra)[0], None)
        for link in [*service.node["links"].texts, *service.node["external_links"].texts]:
            found.setdefault(link.rpartition(":")[2], None)
    for service in project.services.values():
        found.update(dict.fromkeys(names(service), service))
    return found


def is_open(project: Project, service: Service) -> bool:
    """Whether a service also sees what is not in the project: others' networks, the host's."""
    if service.node["network_mode"].text:
        return True
    return any(
        network["external"].is_true or network["external"].fields or network["name"].text
        for name, network in project.networks.items()
        if name in service.networks or name == "default"
    )


def misses(service: Service, image: Image | None, port: str) -> str:
    """Why nothing of a service listens on a port; "" when something does, or it cannot be told."""
    targets = {it.target.partition("/")[0] for it in service.ports}
    exposed = {it.partition("/")[0] for it in service.node["expose"].texts}
    if port in targets | exposed or any("-" in it for it in targets | exposed):
        return ""
    if port in _mentioned(service, image):
        return ""
    for it in service.ports:
        if it.published == port and it.target != port:
            return f"{port} is where it is published; within the network it listens on {it.target}"
    store = stores.store(service.image)
    if store is None or _is_moved(service) or port in (*store.ports, *store.secure_ports):
        return ""
    return f"{store.name} listens on {store.ports[0]}"


def listening(service: Service, image: Image) -> frozenset[str]:
    """The ports that a service's command says it listens on; none when another may be meant."""
    text = " ".join(image.entry.words) if image.entry is not None else ""
    ports = frozenset(_PORT_FLAG.findall(text[:5_000]))
    is_moved = any("PORT" in name for name in service.environment)
    return frozenset() if is_moved else ports


def _mentioned(service: Service, image: Image | None) -> set[str]:
    """Every number that could be a port, in what a service is told and in its image."""
    texts = [words.text for words in (service.command, service.entrypoint) if words is not None]
    texts += [it.text for it in service.environment.values()]
    if image is not None and image.entry is not None:
        texts.append(image.entry.text)
    if image is not None:
        texts += image.environment.values()
        for stage in image.stage.chain if image.stage else ():
            texts += [it.text for it in stage.instructions if it.name == "EXPOSE"]
    return {found for text in texts for found in _ANY_PORT.findall(text[:5_000])}


def _is_moved(service: Service) -> bool:
    """Whether a data store may listen elsewhere: by its command, or by a file of settings."""
    texts = [words.text for words in (service.command, service.entrypoint) if words is not None]
    is_told = any("port" in text or _PORT_FLAG.search(text) for text in texts)
    is_set = any("PORT" in name or "LISTEN" in name for name in service.environment)
    return is_told or is_set or any(mount.path and mount.kind == "bind" for mount in service.mounts)
