"""Addresses and logins that do not fit the service that they lead to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from pipelines.audit.findings import Also, Confidence, Fault, Severity
from pipelines.audit.model import Model
from pipelines.audit.model.addresses import (
    HOST_OF_DESKTOP,
    Url,
    filled,
    hosts,
    is_name,
    is_open,
    listening,
    misses,
    names,
    urls,
)
from pipelines.audit.model.compose import Project, Service, Setting, each, stores
from pipelines.audit.place import Place
from pipelines.audit.tracked import Tracked

Hosts = dict[str, Service | None]


class _Login(NamedTuple):
    """How a data store is told whom to let in: the variables of its image."""

    user: tuple[str, ...]
    password: tuple[str, ...]
    database: tuple[str, ...]
    others: tuple[tuple[str, str], ...] = ()  # further users, and the variable of their password
    default_user: str = ""


_LOGINS = {
    "PostgreSQL": _Login(
        ("POSTGRES_USER", "POSTGRESQL_USERNAME"),
        ("POSTGRES_PASSWORD", "POSTGRESQL_PASSWORD"),
        ("POSTGRES_DB", "POSTGRESQL_DATABASE"),
        default_user="postgres",
    ),
    "MySQL": _Login(
        ("MYSQL_USER", "MARIADB_USER"),
        ("MYSQL_PASSWORD", "MARIADB_PASSWORD"),
        ("MYSQL_DATABASE", "MARIADB_DATABASE"),
        (("root", "MYSQL_ROOT_PASSWORD"), ("root", "MARIADB_ROOT_PASSWORD")),
    ),
    "MongoDB": _Login(
        ("MONGO_INITDB_ROOT_USERNAME",), ("MONGO_INITDB_ROOT_PASSWORD",), (), default_user=""
    ),
    "RabbitMQ": _Login(
        ("RABBITMQ_DEFAULT_USER",), ("RABBITMQ_DEFAULT_PASS",), (), default_user="guest"
    ),
}
_MADE = re.compile(rb"(?i)CREATE\s+(?:USER|ROLE)\b|\bcreateuser\b")
_POOLER = re.compile(r"(?i)bouncer|pgpool|pgcat|odyssey|proxy|router")
_DATABASES = ("PostgreSQL", "MySQL")


class Makers:
    """Scripts and migrations that make users of a database."""

    def __init__(self, tracked: Tracked) -> None:
        self._tracked = tracked

    @cached_property
    def _texts(self) -> list[bytes]:
        texts = (
            self._tracked.bytes(path) or b""
            for path in self._tracked
            if path.endswith((".sql", ".sh", ".py", ".yml", ".yaml", ".js", ".ts"))
        )
        return [text for text in texts if _MADE.search(text)]

    def make(self, user: str) -> bool:
        """Whether one of them mentions that user."""
        return any(user.encode() in text for text in self._texts)


def in_compose(model: Model) -> Iterator[Fault]:
    """URLs in variables whose host, port, user or password no service has."""
    seen: set[Place] = set()
    known: dict[int, Hosts] = {}
    makers = Makers(model.tracked)
    for project, service in each(model.projects):
        if id(project) not in known:
            known[id(project)] = hosts(project)
        found = known[id(project)]
        for setting in service.environment.values():
            if setting.raw is None or setting.source or setting.place in seen:
                continue
            for fault in _setting(model, makers, project, service, setting, found):
                seen.add(setting.place)
                yield fault
                break


def _setting(
    model: Model,
    makers: Makers,
    project: Project,
    service: Service,
    setting: Setting,
    known: Hosts,
) -> Iterator[Fault]:
    for url in urls(filled(project, setting.raw or "")):
        if url.host == HOST_OF_DESKTOP and url.host not in known:
            yield _only_on_desktop(setting, service)
        if not is_name(url.host) or "$" in url.host:
            continue
        if url.host not in known:
            is_near = url.host in started_beside(model, project)
            if not (is_near or is_open(project, service) or is_partial(project)):
                yield _unknown(setting, service, url)
            continue
        target = known[url.host]
        if target is not None:
            yield from port_faults(model, setting, service, target, url)
            yield from login_faults(makers, project, setting, service, target, url)


def _only_on_desktop(setting: Setting, service: Service) -> Fault:
    return Fault(
        setting.place,
        f"{setting.name} leads {service.name} to {HOST_OF_DESKTOP}, known on Docker Desktop alone",
        f'add `extra_hosts: ["{HOST_OF_DESKTOP}:host-gateway"]`',
        service=service.name,
        severity=Severity.LOW,
    )


def started_beside(model: Model, project: Project) -> frozenset[str]:
    """The names in the Compose files next to a project's: they may be started together."""
    folder = project.file.rpartition("/")[0]
    return frozenset(
        name
        for other in model.projects
        if other.file.rpartition("/")[0] == folder
        for service in other.services.values()
        for name in names(service)
    )


def is_partial(project: Project) -> bool:
    """Whether the rest of the project may stand elsewhere."""
    return any(not it.is_runnable for it in project.services.values())


def _unknown(setting: Setting, service: Service, url: Url) -> Fault:
    return Fault(
        setting.place,
        f"{setting.name} leads {service.name} to {url.host}, and no service is called that",
        "name the service that is meant",
        service=service.name,
        severity=Severity.MEDIUM if url.scheme not in ("http", "https") else Severity.LOW,
        confidence=Confidence.MEDIUM,
    )


def port_faults(
    model: Model, setting: Setting, service: Service, target: Service, url: Url
) -> Iterator[Fault]:
    if not url.port or "$" in url.port:
        return
    reason = misses(target, model.image(target), url.port)
    reason = reason or _listens_elsewhere(model, target, url.port)
    if reason:
        at = target.ports[0].place if target.ports else target.place
        yield Fault(
            setting.place,
            f"{setting.name} leads {service.name} to port {url.port} of {target.name}: {reason}",
            "use the port of the container",
            also=(Also(at, f"the ports of {target.name}"),),
            service=service.name,
        )


def _listens_elsewhere(model: Model, target: Service, port: str) -> str:
    """Why no server of ours listens on a port: its command names another one, no file this one."""
    image = model.image(target)
    ports = listening(target, image) if image.is_built else frozenset()
    if not ports or port in ports:
        return ""
    word = re.compile(rf"(?<!\d){port}(?!\d)".encode())
    for source in image.sources:
        files = [source] if source in model.tracked else model.tracked.below(source)
        if any(word.search(model.tracked.bytes(file) or b"") for file in files):
            return ""
    return f"it listens on {', '.join(sorted(ports))}"


def login_faults(
    makers: Makers,
    project: Project,
    setting: Setting,
    service: Service,
    target: Service,
    url: Url,
) -> Iterator[Fault]:
    store = stores.store(target.image)
    login = _LOGINS.get(store.name) if store else None
    if store is None or login is None or not (url.user and url.password) or _makes_users(target):
        return
    if _POOLER.search(target.image):
        return  # it is told its logins in ways of its own
    user = _value(project, target, login.user, login.default_user)
    password = _value(project, target, login.password, "")
    for name, variable in login.others:
        if url.user == name and variable in target.environment:
            user, password = name, _value(project, target, (variable,), "")
    if user and _differ(url.user, user):
        if makers.make(url.user):
            return
        yield _mismatch(setting, service, target, f"as {url.user}", "user", login.user)
    elif user and password and url.password and _differ(url.password, password):
        yield _mismatch(
            setting, service, target, "with another password", "password", login.password
        )
    elif store.name in _DATABASES and url.path:
        database = _value(project, target, login.database, user)
        if database and _differ(url.path, database) and url.path not in ("postgres", "mysql"):
            what = f"to the database {url.path}"
            yield _mismatch(
                setting, service, target, what, "database", login.database, is_sure=False
            )


def _makes_users(target: Service) -> bool:
    """Whether scripts of its own make further users and databases."""
    return any(
        "docker-entrypoint-initdb.d" in mount.target or mount.target.endswith((".sql", ".sh"))
        for mount in target.mounts
    )


def _value(project: Project, service: Service, variables: tuple[str, ...], default: str) -> str:
    """What the first of the variables says; "$" when it cannot be known."""
    for name in variables:
        setting = service.environment.get(name)
        if setting is not None:
            return filled(project, setting.raw) if setting.raw is not None else "$"
    is_from_file = service.node["env_file"] or any(
        f"{name}_FILE" in service.environment for name in variables
    )
    return "$" if is_from_file else default


def _differ(one: str, other: str) -> bool:
    """Whether two values are both known, and are not the same."""
    return "$" not in one and "$" not in other and one != other


def _mismatch(
    setting: Setting,
    service: Service,
    target: Service,
    how: str,
    what: str,
    variables: tuple[str, ...],
    *,
    is_sure: bool = True,
) -> Fault:
    said = next((target.environment[it] for it in variables if it in target.environment), None)
    return Fault(
        setting.place,
        f"{setting.name} leads {service.name} to {target.name} {how}, which has another {what}",
        f"use the same {what} on both sides",
        also=(Also(said.place if said else target.place, f"the {what} of {target.name}"),),
        service=service.name,
        severity=Severity.MEDIUM if is_sure else Severity.LOW,
    )


def in_prometheus(model: Model) -> Iterator[Fault]:
    """Scrape targets that no service of the project is, or that listens on another port."""
    for configuration in model.prometheus:
        users = _mounted(model, configuration.file)
        for target in configuration.targets:
            faults = [_target(model, *user, target.host, target.port) for user in users]
            reasons = [it for it in faults if it]
            if users and len(reasons) == len(users):
                yield Fault(
                    target.place,
                    f"{target.host}:{target.port} is scraped, but {reasons[0]}",
                    "name the service and the port that are meant",
                    service=target.host,
                )


def _mounted(model: Model, file: str) -> list[tuple[Project, Service]]:
    """The services that a file is mounted into, by itself or with its folder."""
    return [
        (project, service)
        for project, service in each(model.projects)
        if any(
            mount.path and (mount.path == file or file.startswith(f"{mount.path}/"))
            for mount in service.mounts
            if mount.kind == "bind"
        )
    ]


def _target(model: Model, project: Project, service: Service, host: str, port: str) -> str:
    """Why an address means nothing to a service; "" when it does, or it cannot be told."""
    if "$" in host or is_open(project, service):
        return ""
    known = hosts(project)
    if host in known:
        found = known[host]
        if found is None or not port:
            return ""
        return misses(found, model.image(found), port) or _listens_elsewhere(model, found, port)
    is_elsewhere = is_partial(project) or host in started_beside(model, project)
    return "no service is called that" if is_name(host) and not is_elsewhere else ""


_UPSTREAM = re.compile(r"^\s*upstream\s+([\w.\-]+)")
_PASS = re.compile(
    r"^\s*(?:(?:proxy|grpc|uwsgi|fastcgi)_pass\s+(?:\w+://)?|server\s+)"
    r"([A-Za-z][\w\-]*)(?::(\d+))?[\s;/]"
)


def in_nginx(model: Model) -> Iterator[Fault]:
    """Upstreams of a proxy's configuration that no service of its project is."""
    for project, service in each(model.projects):
        mounted = [it.path for it in service.mounts if it.kind == "bind" and it.path]
        for file in dict.fromkeys((*mounted, *model.image(service).sources)):
            if file.endswith((".conf", ".conf.template")) and file in model.tracked:
                yield from _configuration(model, project, service, file)


def _configuration(model: Model, project: Project, service: Service, file: str) -> Iterator[Fault]:
    lines = model.tracked.lines(file)
    own = {found[1] for line in lines if (found := _UPSTREAM.match(line))}
    for number, line in enumerate(lines, 1):
        found = _PASS.match(line)
        if not found or found[1] in own or "server_name" in line or len(line) > 500:
            continue
        reason = _target(model, project, service, found[1], found[2] or "")
        if reason:
            yield Fault(
                Place(file, number),
                f"{service.name} passes requests to {found[1]}, but {reason}",
                "name the service and the port that are meant",
                service=service.name,
            )
