"""Addresses in parts: host, port, user and password of a data store, each in a variable."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from pipelines.audit.findings import Also, Confidence, Fault
from pipelines.audit.model import Model
from pipelines.audit.model.addresses import Url, filled, hosts, is_name, is_open
from pipelines.audit.model.compose import Project, Service, Setting, each, stores
from pipelines.audit.rules.addresses import Hosts, Makers, is_partial, login_faults, port_faults

_HOST = re.compile(r"(\w{1,60})_HOST(?:NAME)?")
# What variables are called after, by the store that they lead to.
_MEANT = {
    "PostgreSQL": re.compile(r"(?:.*_)?(?:POSTGRES(?:QL)?|PG|DB|DATABASE)"),
    "MySQL": re.compile(r"(?:.*_)?(?:MYSQL|MARIADB|DB|DATABASE)"),
    "MongoDB": re.compile(r"(?:.*_)?(?:MONGO(?:DB)?|DB|DATABASE)"),
    "Redis": re.compile(r"(?:.*_)?(?:REDIS|VALKEY|CACHE)"),
    "RabbitMQ": re.compile(r"(?:.*_)?(?:RABBIT(?:MQ)?|AMQP|BROKER)"),
}
_UNKNOWN = "$"  # as what only its deployer knows is written
_HERE = re.compile(r"localhost|127\.\d+\.\d+\.\d+|::1")
_PORT, _USER = ("PORT",), ("USER", "USERNAME")
_PASSWORD, _DATABASE = ("PASSWORD", "PASS"), ("NAME", "DB", "DATABASE")


def in_compose(model: Model) -> Iterator[Fault]:
    """Hosts that are no service, and ports, users and passwords that the service has not."""
    makers = Makers(model.tracked)
    found: dict[int, Hosts] = {}
    for project, service in each(model.projects):
        if id(project) not in found:
            found[id(project)] = hosts(project)
        known = found[id(project)]
        for name, setting in service.environment.items():
            said = _HOST.fullmatch(name)
            if said is None or setting.raw is None or setting.source:
                continue
            host = filled(project, setting.raw)
            target = known.get(host)
            if target is not None:
                group = _group(service, said[1])
                yield from _parts(model, makers, project, service, target, group)
            elif host not in known:
                yield from _nowhere(project, service, setting, said[1], host)


def _group(service: Service, prefix: str) -> Mapping[str, Setting]:
    """The variables of one prefix, by the rest of their names."""
    start = f"{prefix}_"
    return {
        name.removeprefix(start): setting
        for name, setting in service.environment.items()
        if name.startswith(start) and setting.raw is not None
    }


def _parts(
    model: Model,
    makers: Makers,
    project: Project,
    service: Service,
    target: Service,
    group: Mapping[str, Setting],
) -> Iterator[Fault]:
    """The first part that does not fit: each is told at its own line."""

    def said(*names: str) -> tuple[Setting | None, str]:
        setting = next((group[name] for name in names if name in group), None)
        return setting, filled(project, setting.raw or "") if setting is not None else ""

    plain = Url("", "", "", target.name, "", "")
    port, number = said(*_PORT)
    if port is not None and number.isdigit():
        yield from port_faults(model, port, service, target, plain._replace(port=number))
    user, login = said(*_USER)
    password, secret = said(*_PASSWORD)
    database, path = said(*_DATABASE)
    asked = plain._replace(user=login, password=_UNKNOWN)
    for setting, url in (
        (user, asked),
        (password, asked._replace(password=secret)),
        (database, asked._replace(path=path)),
    ):
        if setting is not None and login:
            found = list(login_faults(makers, project, setting, service, target, url))
            yield from found
            if found:
                return


def _nowhere(
    project: Project, service: Service, setting: Setting, prefix: str, host: str
) -> Iterator[Fault]:
    """A data store's host that is nothing, although the project has such a store."""
    meant = _meant(project, prefix)
    if meant is None or meant is service or service.node["network_mode"].text:
        return
    if _HERE.fullmatch(host):
        why = "the container itself"
    elif is_name(host) and not is_open(project, service) and not is_partial(project):
        why = "no service"
    else:
        return
    yield Fault(
        setting.place,
        f"{setting.name} leads {service.name} to {host}, which is {why}",
        f"name the service that is meant: {meant.name}",
        also=(Also(meant.place, "the data store of the project"),),
        service=service.name,
        confidence=Confidence.MEDIUM,
    )


def _meant(project: Project, prefix: str) -> Service | None:
    """The data store that variables of that prefix are called after."""
    for service in project.services.values():
        store = stores.store(service.image)
        pattern = _MEANT.get(store.name) if store is not None else None
        if pattern is not None and pattern.fullmatch(prefix):
            return service
    return None
