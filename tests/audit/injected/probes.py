"""Health checks that are left out, cannot run, or cannot fail; dependents that do not wait."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tests.audit.injected.injection import (
    Edit,
    Injection,
    change,
    injected,
    inside,
    without,
)

BIKES, CLINIC, PARCELS = "bikeshare", "clinic", "parcels"
SITE = "deploy/site.yaml"


class Asked(NamedTuple):
    """A probe of a system: how its Compose file or Dockerfile writes what it runs."""

    system: str
    service: str
    file: str
    written: str
    lacks: str  # programs that the image does not have
    version: str  # what it has, asked for its version

    def asks(self, test: str) -> Edit:
        if self.file.endswith("Dockerfile"):
            return change(self.file, self.written, _instruction(test))
        return inside(self.file, self.service, self.written, f"test: {test}")

    @property
    def at(self) -> str:
        return "HEALTHCHECK" if self.file.endswith("Dockerfile") else ""


def _instruction(test: str) -> str:
    """The same in a Dockerfile."""
    if test.startswith('["CMD"'):
        return "CMD " + test.replace('"CMD", ', "")
    return "CMD " + test.removeprefix('["CMD-SHELL", "').removesuffix('"]')


PROBES = (
    Asked(
        BIKES,
        "postgres",
        "compose.yaml",
        'test: ["CMD-SHELL", "pg_isready -U rides -d rides"]',
        "curl python node",
        "pg_isready --version",
    ),
    Asked(
        BIKES,
        "redis",
        "compose.yaml",
        'test: ["CMD", "redis-cli", "ping"]',
        "curl python bash",
        "redis-cli --version",
    ),
    Asked(
        BIKES,
        "rides",
        "compose.yaml",
        'test: ["CMD", "python", "-c", "import urllib.request as r;'
        " r.urlopen('http://127.0.0.1:8001/health', timeout=2)\"]",
        "curl wget nc node",
        "python --version",
    ),
    Asked(
        BIKES,
        "gateway",
        "compose.yaml",
        'test: ["CMD", "python", "-c", "import urllib.request as r;'
        " r.urlopen('http://127.0.0.1:8000/health', timeout=2)\"]",
        "curl wget nc",
        "python -V",
    ),
    Asked(
        BIKES,
        "prometheus",
        "compose.yaml",
        'test: ["CMD", "wget", "-q", "--spider", "http://127.0.0.1:9090/-/healthy"]',
        "curl python",
        "prometheus --version",
    ),
    Asked(
        PARCELS,
        "mongo",
        "compose.yaml",
        'test: ["CMD", "mongosh", "--quiet", "--eval", "db.runCommand({ping: 1}).ok || quit(1)"]',
        "curl wget mongo",
        "mongosh --version",
    ),
    Asked(
        PARCELS,
        "web",
        "compose.yaml",
        'test: ["CMD-SHELL", "wget -q --spider http://127.0.0.1:8081/health || exit 1"]',
        "python node bash",
        "nginx -v",
    ),
    Asked(
        PARCELS,
        "api",
        "api/Dockerfile",
        'CMD ["node", "src/probe.js"]',
        "curl wget python",
        "node --version",
    ),
    Asked(
        CLINIC,
        "db",
        "docker-compose.yml",
        'test: ["CMD", "healthcheck.sh", "--connect", "--innodb_initialized"]',
        "curl python mysqladmin",
        "mariadb-admin --version",
    ),
    Asked(
        CLINIC,
        "broker",
        "docker-compose.yml",
        "test: rabbitmq-diagnostics -q ping",
        "curl python",
        "rabbitmq-diagnostics --version",
    ),
    Asked(
        CLINIC,
        "worker",
        "docker-compose.yml",
        'test: ["CMD", "celery", "--app", "clinic.celery", "inspect", "ping", "--timeout", "5"]',
        "wget nc node",
        "celery --version",
    ),
    Asked(
        CLINIC,
        "site",
        "Dockerfile",
        "CMD curl --fail --silent --max-time 2 http://127.0.0.1:8000/healthz || exit 1",
        "wget nc node",
        "curl --version",
    ),
)

_CALLS = {
    "curl": '["CMD", "curl", "-f", "http://127.0.0.1:8000/health"]',
    "wget": '["CMD-SHELL", "wget -q -O /dev/null http://127.0.0.1:8000/health || exit 1"]',
    "nc": '["CMD", "nc", "-z", "localhost", "8000"]',
    "python": '["CMD-SHELL", "python -c \'import socket;'
    ' socket.create_connection((\\"127.0.0.1\\", 8000), 2)\'"]',
    "node": '["CMD", "node", "-e", '
    "\"fetch('http://127.0.0.1:8000').then(r => process.exit(r.ok ? 0 : 1))\"]",
    "bash": '["CMD", "bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8000"]',
    "mongo": '["CMD", "mongo", "--eval", "db.adminCommand({ping: 1}).ok"]',
    "mysqladmin": '["CMD", "mysqladmin", "ping", "-h", "localhost"]',
}

_PASSES = {
    "true": '["CMD", "true"]',
    "exit 0": '["CMD-SHELL", "exit 0"]',
    "echo": '["CMD-SHELL", "echo ok"]',
}


def _missing() -> Iterator[Injection]:
    """Each probe asks with each program that its image lacks."""
    for probe in PROBES:
        for program in probe.lacks.split():
            test = _CALLS[program]
            name = f"{probe.service} asks with {program}"
            at = probe.at
            yield injected("REL002", probe.system, name, probe.asks(test), at=at)
    yield injected(
        "REL002",
        CLINIC,
        "curl is no longer installed",
        change("Dockerfile", "curl tini", "tini"),
        at="HEALTHCHECK",
    )
    yield injected(
        "REL002",
        PARCELS,
        "distroless has no shell",
        change(
            "api/Dockerfile",
            "FROM base AS production\nENV NODE_ENV=production\nRUN npm ci --omit=dev\n",
            "FROM base AS build\nRUN npm ci --omit=dev\n\n"
            "FROM gcr.io/distroless/nodejs22-debian12:nonroot AS production\n"
            "ENV NODE_ENV=production\nWORKDIR /app\n"
            "COPY --from=build /app/node_modules ./node_modules\n",
        ),
        change("api/Dockerfile", "USER node\n", "USER 1000\n"),
        change("api/Dockerfile", 'CMD ["node", "src/server.js"]', 'CMD ["src/server.js"]'),
        change(
            "api/Dockerfile",
            'CMD ["node", "src/probe.js"]',
            "CMD wget -q --spider http://127.0.0.1:8080/health || exit 1",
        ),
        at="HEALTHCHECK",
    )


def _vacuous() -> Iterator[Injection]:
    """Each probe in each way to succeed always."""
    for probe in PROBES:
        version = ", ".join(f'"{word}"' for word in probe.version.split())
        ways = {**_PASSES, "its version": f'["CMD", {version}]'}
        for way, test in ways.items():
            name = f"{probe.service} asks {way}"
            at = probe.at
            yield injected("REL003", probe.system, name, probe.asks(test), at=at)
    for probe in PROBES:
        if "CMD-SHELL" in probe.written:
            test = probe.written.removeprefix("test: ").removesuffix('"]').replace(" || exit 1", "")
            test += ' || true"]'
            name = f"{probe.service} swallows"
            at = probe.at
            yield injected("REL003", probe.system, name, probe.asks(test), at=at)
    yield injected(
        "REL003",
        CLINIC,
        "an HTTP error is an answer",
        change("Dockerfile", "curl --fail --silent", "curl --silent"),
        at="HEALTHCHECK",
    )


def _left_out() -> Iterator[Injection]:
    """Each service without its probe, or with one that is switched off."""
    for probe in PROBES:
        if probe.file.endswith("Dockerfile") or probe.service == "worker":
            continue  # the worker's image has one too
        gone = without(probe.file, probe.service, "healthcheck")
        at = f"\n  {probe.service}:\n    "
        yield injected("REL001", probe.system, f"{probe.service} has none", gone, at=at)
    for probe in (PROBES[2], PROBES[4], PROBES[6], PROBES[9]):
        for how in ("disable: true", 'test: ["NONE"]'):
            off = inside(probe.file, probe.service, probe.written, how)
            name = f"{probe.service} has {how}"
            at = f"healthcheck:\n      {how}"
            yield injected("REL001", probe.system, name, off, at=at)
    yield injected(
        "REL001",
        PARCELS,
        "the image of api has none",
        change(
            "api/Dockerfile",
            'HEALTHCHECK --interval=10s --timeout=3s CMD ["node", "src/probe.js"]\n',
            "",
        ),
        at=("compose.yaml", "  api:\n    build"),
    )
    yield injected(
        "REL001",
        CLINIC,
        "the image of site has none",
        change(
            "Dockerfile",
            "HEALTHCHECK --interval=10s --timeout=3s --retries=3 \\\n"
            "  CMD curl --fail --silent --max-time 2 http://127.0.0.1:8000/healthz || exit 1\n",
            "",
        ),
        at=("docker-compose.yml", "  site:\n    build"),
    )
    probes = (
        "          livenessProbe:\n            httpGet: {path: /healthz, port: 8000}\n"
        "          readinessProbe:\n            httpGet: {path: /readyz, port: 8000}\n"
    )
    yield injected(
        "REL001",
        CLINIC,
        "the deployment has none",
        change(SITE, probes, ""),
        at="- name: site\n          image",
    )
    yield injected(
        "REL001",
        PARCELS,
        "another service",
        change("compose.yaml", "\nnetworks:\n  front", f"{_CACHE}\nnetworks:\n  front"),
        at="\n  cache:\n",
    )


_CACHE = """
  cache:
    image: redis:7.4-alpine
    restart: unless-stopped
    networks: [back]
    mem_limit: 64m
"""


def _early() -> Iterator[Injection]:
    """Each `depends_on` without its condition, as a list or by the condition `service_started`."""
    waits = (
        (BIKES, "compose.yaml", "migrate", "postgres"),
        (BIKES, "compose.yaml", "rides", "postgres"),
        (BIKES, "compose.yaml", "rides", "redis"),
        (BIKES, "compose.yaml", "gateway", "rides"),
        (BIKES, "compose.yaml", "prometheus", "gateway"),
        (PARCELS, "compose.yaml", "api", "mongo"),
        (PARCELS, "compose.yaml", "web", "api"),
        (CLINIC, "docker-compose.yml", "site", "db"),
        (CLINIC, "docker-compose.yml", "site", "broker"),
    )
    for system, file, service, needed in waits:
        healthy = f"      {needed}:\n        condition: service_healthy\n"
        started = f"      {needed}:\n        condition: service_started\n"
        edit = inside(file, service, healthy, started)
        name = f"{service} waits until {needed} is started"
        yield injected("REL004", system, name, edit, at=started)
    for system, file, service, needed in (waits[0], *waits[3:6]):
        block = f"      {needed}:\n        condition: service_healthy\n"
        edit = inside(file, service, block, f"      - {needed}\n")
        name = f"{service} lists {needed}"
        yield injected("REL004", system, name, edit)
    yield injected(
        "REL004",
        BIKES,
        "rides does not wait for the job",
        inside("compose.yaml", "rides", "service_completed_successfully", "service_started"),
        at="      migrate:\n        condition",
    )


INJECTIONS = (*_missing(), *_vacuous(), *_left_out(), *_early())
