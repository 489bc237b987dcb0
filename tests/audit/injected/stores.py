"""Data stores open to everybody, sources over images, services without restart or limit."""

from __future__ import annotations

from collections.abc import Iterator

from tests.audit.injected.injection import Injection, append, change, injected, inside, without

BIKES, CLINIC, PARCELS = "bikeshare", "clinic", "parcels"
COMPOSE = {BIKES: "compose.yaml", CLINIC: "docker-compose.yml", PARCELS: "compose.yaml"}

_STORES = (
    (BIKES, "postgres", 5432),
    (BIKES, "redis", 6379),
    (CLINIC, "broker", 5672),
    (PARCELS, "mongo", 27017),
)
_LASTING = {
    BIKES: ("postgres", "redis", "prometheus"),
    CLINIC: ("db", "broker", "site", "worker"),
    PARCELS: ("mongo", "web"),
}


def _exposed() -> Iterator[Injection]:
    for system, service, port in _STORES:
        file = COMPOSE[system]
        open_net = (change(file, "  back:\n    internal: true\n", "  back:\n"),)
        given = open_net if system == PARCELS else ()
        for published in (
            f"{port}:{port}",
            f"0.0.0.0:{port}:{port}",
            f"1{port % 10_000:04}:{port}",
        ):
            restart = (
                "    restart: always\n" if system == CLINIC else "    restart: unless-stopped\n"
            )
            ports = f'{restart}    ports:\n      - "{published}"\n'
            edit = inside(file, service, restart, ports)
            name = f"{service} at {published}"
            yield injected("SEC007", system, name, edit, at=f'      - "{published}"', given=given)
        if system == BIKES:
            long = (
                f"    restart: unless-stopped\n    ports:\n      - target: {port}\n"
                f"        published: {port}\n"
            )
            edit = inside(file, service, "    restart: unless-stopped\n", long)
            at = f"      - target: {port}"
            yield injected("SEC007", system, f"{service} in the long form", edit, at=at)
    yield injected(
        "SEC007",
        CLINIC,
        "db on all interfaces",
        change("docker-compose.yml", '"127.0.0.1:3306:3306"', '"3306:3306"'),
    )
    sockets = (
        (BIKES, "prometheus", "    volumes:\n"),
        (CLINIC, "db", "    volumes:\n"),
        (PARCELS, "mongo", "    volumes:\n"),
    )
    for system, service, volumes in sockets:
        for mode in ("", ":ro"):
            new = f"{volumes}      - /var/run/docker.sock:/var/run/docker.sock{mode}\n"
            edit = inside(COMPOSE[system], service, volumes, new)
            name = f"{service} has the socket{mode}"
            yield injected("SEC007", system, name, edit, at="      - /var/run/docker.sock")
    yield injected(
        "SEC007",
        CLINIC,
        "a Service of Kubernetes before the database",
        append(
            "deploy/site.yaml",
            "---\napiVersion: v1\nkind: Service\nmetadata:\n  name: cache\nspec:\n"
            "  type: LoadBalancer\n  selector: {app: cache}\n  ports:\n    - port: 6379\n",
        ),
        at="  type: LoadBalancer",
        given=(append("deploy/site.yaml", _CACHE),),
    )


_CACHE = """\
---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: cache
spec:
  selector:
    matchLabels: {app: cache}
  template:
    metadata:
      labels: {app: cache}
    spec:
      containers:
        - name: cache
          image: redis:7.4.1-alpine
          securityContext: {runAsNonRoot: true, runAsUser: 999}
          resources:
            limits: {memory: 64Mi}
          readinessProbe:
            exec: {command: [redis-cli, ping]}
"""


def _mounted() -> Iterator[Injection]:
    mounts = (
        (BIKES, "rides", "    mem_limit: 256m\n", "./services/rides:/srv"),
        (BIKES, "rides", "    mem_limit: 256m\n", "./services/rides/app:/srv/app"),
        (BIKES, "rides", "    mem_limit: 256m\n", "./services/rides/app:/srv/app:ro"),
        (BIKES, "gateway", "    mem_limit: 256m\n", "./services/gateway:/srv"),
        (BIKES, "gateway", "    mem_limit: 256m\n", "./services/gateway/app:/srv/app"),
        (PARCELS, "api", "    restart: on-failure\n", "./api:/app"),
        (PARCELS, "api", "    restart: on-failure\n", "./api/src:/app/src"),
        (PARCELS, "api", "    restart: on-failure\n", "./api/src:/app/src:cached"),
        (CLINIC, "site", "    mem_limit: 384m\n", ".:/code"),
        (CLINIC, "site", "    mem_limit: 384m\n", "./clinic:/code/clinic"),
        (CLINIC, "site", "    mem_limit: 384m\n", "./:/code:rw"),
    )
    for system, service, before, mount in mounts:
        new = f"    volumes:\n      - {mount}\n{before}"
        edit = inside(COMPOSE[system], service, before, new)
        yield injected("REL014", system, f"{service} {mount}", edit, at=f"      - {mount}\n")
    yield injected(
        "REL014",
        BIKES,
        "gateway in the long form",
        inside(
            "compose.yaml",
            "gateway",
            "    mem_limit: 256m\n",
            "    volumes:\n      - type: bind\n        source: ./services/gateway\n"
            "        target: /srv\n    mem_limit: 256m\n",
        ),
        at="      - type: bind",
    )


def _never_restarted() -> Iterator[Injection]:
    for system, services in _LASTING.items():
        for service in services:
            edit = without(COMPOSE[system], service, "restart")
            at = f"\n  {service}:\n    "
            yield injected("REL005", system, f"{service} has no policy", edit, at=at)
    for system, service, written in (
        (BIKES, "redis", "restart: unless-stopped"),
        (CLINIC, "worker", "restart: always"),
        (PARCELS, "api", "restart: on-failure"),
    ):
        edit = inside(COMPOSE[system], service, written, 'restart: "no"')
        yield injected("REL005", system, f"{service} says no", edit)


def _unlimited() -> Iterator[Injection]:
    for system, services in _LASTING.items():
        for service in services:
            key = "deploy" if system == PARCELS else "mem_limit"
            edit = without(COMPOSE[system], service, key)
            at = f"\n  {service}:\n    "
            yield injected("REL010", system, f"{service} has no limit", edit, at=at)
    for service in ("rides", "gateway"):
        edit = without("compose.yaml", service, "mem_limit")
        yield injected("REL010", BIKES, f"{service} has no limit", edit, at=f"\n  {service}:\n    ")
    yield injected(
        "REL010",
        CLINIC,
        "the deployment has no limit",
        change(
            "deploy/site.yaml", "          resources:\n            limits: {memory: 384Mi}\n", ""
        ),
        at="        - name: site",
    )
    yield injected(
        "REL010",
        PARCELS,
        "only CPUs are limited",
        inside("compose.yaml", "web", "memory: 64M", 'cpus: "0.5"'),
        at="\n  web:\n    ",
    )


INJECTIONS = (*_exposed(), *_mounted(), *_never_restarted(), *_unlimited())
