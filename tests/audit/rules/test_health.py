"""REL001 and REL004: services whose health nobody asks for, or waits for."""

from __future__ import annotations

import pytest

from tests.audit.repository import Files, found, places

IMAGE = {"Dockerfile": 'FROM python:3.12-slim\nCOPY . .\nCMD ["python", "-m", "web"]\n'}
PROBED = {"Dockerfile": "FROM python:3.12-slim\nHEALTHCHECK CMD python probe.py\n"}


def compose(lines: str, rest: str = "") -> dict[str, str]:
    """A service called `web` of these lines."""
    text = "services:\n  web:\n" + "".join(f"    {line}\n" for line in lines.splitlines())
    return {"compose.yaml": text + rest}


def severities(rule: str, files: Files) -> list[tuple[str, str]]:
    return [(str(it.place), str(it.severity)) for it in found(rule, files) if not it.is_open]


@pytest.mark.parametrize(
    ("lines", "severity"),
    [
        ("build: .", "medium"),
        ("build: .\nhealthcheck: {interval: 5s}", "medium"),
        ("image: postgres:16", "medium"),
        ("image: redis:7", "medium"),
        ("image: nginx:1.27", "low"),
        ("image: prom/prometheus:v2.54.0", "low"),
    ],
)
def test_nobody_asks(lines: str, severity: str) -> None:
    asked = lines.replace("interval: 5s", "interval: 5s, test: curl localhost")

    assert severities("REL001", compose(lines) | IMAGE) == (
        [("compose.yaml:2", severity)] if asked == lines else []
    )


def test_a_health_check_that_is_off_stands_on_its_line() -> None:
    files = compose("build: .\nrestart: always\nhealthcheck: {disable: true}") | PROBED

    assert severities("REL001", files) == [("compose.yaml:5", "medium")]


@pytest.mark.parametrize(
    ("lines", "image"),
    [
        ("build: .\nhealthcheck: {test: python probe.py}", IMAGE),
        ("image: postgres:16\nhealthcheck: {test: pg_isready}", IMAGE),
        ("build: .", PROBED),
        ("build: .\nhealthcheck: {interval: 5s}", PROBED),
        ("image: ghcr.io/somebody/else:1", IMAGE),
        ("build: .\ncommand: alembic upgrade head", IMAGE),
        ("build: .\nprofiles: [tools]", IMAGE),
        ("environment: [A=1]", IMAGE),
    ],
)
def test_somebody_asks_or_nobody_needs_to(lines: str, image: Files) -> None:
    assert found("REL001", {**compose(lines), **image}) == []


def test_what_others_depend_on_is_worse() -> None:
    rest = "  api:\n    image: ghcr.io/somebody/else:1\n    depends_on: [web]\n"

    assert severities("REL001", compose("image: nginx:1.27", rest)) == [
        ("compose.yaml:2", "medium")
    ]


def test_a_probe_that_an_override_for_production_adds_counts() -> None:
    base = compose("build: .") | IMAGE
    override = "services:\n  web:\n    healthcheck: {test: python probe.py}\n"

    assert places("REL001", base | {"compose.prod.yaml": override}) == []
    assert places("REL001", base | {"compose.override.yaml": override}) == ["compose.yaml:2"]


def test_the_image_that_lacks_it_is_the_second_place() -> None:
    (fault,) = found("REL001", compose("build: .") | IMAGE)

    assert [str(also.place) for also in fault.also] == ["Dockerfile:1"]


WORKLOAD = """\
    apiVersion: apps/v1
    kind: {kind}
    metadata: {{name: web}}
    spec:
      template:
        spec:
          containers:
            - name: server
              image: shop/web:1
              {more}
    """


@pytest.mark.parametrize(
    ("kind", "more", "expected"),
    [
        ("Deployment", "ports: [{containerPort: 80}]", [("web.yaml:8", "medium")]),
        ("StatefulSet", "ports: [{containerPort: 80}]", [("web.yaml:8", "medium")]),
        ("Deployment", "command: [work]", [("web.yaml:8", "low")]),
        ("Deployment", "readinessProbe: {httpGet: {path: /, port: 80}}", []),
        ("Deployment", "livenessProbe: {exec: {command: [a]}}", []),
        ("Job", "ports: []", []),
        ("Pod", "ports: []", []),
    ],
)
def test_a_workload_in_a_cluster(kind: str, more: str, expected: list[tuple[str, str]]) -> None:
    assert severities("REL001", {"web.yaml": WORKLOAD.format(kind=kind, more=more)}) == expected


DATABASE = "  db:\n    image: postgres:16\n    healthcheck: {test: pg_isready}\n"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("build: .\ndepends_on:\n  - db", [("compose.yaml:5", "medium")]),
        ("build: .\ndepends_on: {db: {condition: service_started}}",
         [("compose.yaml:4", "medium")]),
        ("build: .\ndepends_on:\n  db: {required: true}", [("compose.yaml:5", "medium")]),
        ("build: .\ndepends_on: {db: {condition: service_healthy}}", []),
        ("build: .\ndepends_on: [gone]", []),
        ("build: .", []),
        ("image: adminer:4\ndepends_on: [db]", [("compose.yaml:4", "low")]),
        ("build: .\ndepends_on: [db]\ncommand: ./wait-for-it.sh db:5432 -- serve",
         [("compose.yaml:4", "low")]),
        ("build: .\ndepends_on: [db]\ncommand: sh -c 'until pg_isready; do sleep 1; done; x'",
         [("compose.yaml:4", "low")]),
        ("build: .\ndepends_on: [db]\nentrypoint: [dockerize, -wait, 'tcp://db:5432']",
         [("compose.yaml:4", "low")]),
    ],
)  # fmt: skip
def test_a_dependent(lines: str, expected: list[tuple[str, str]]) -> None:
    assert severities("REL004", compose(lines, DATABASE) | IMAGE) == expected


@pytest.mark.parametrize(
    ("needed", "severity"),
    [
        ("image: redis:7", "medium"),
        ("image: ghcr.io/somebody/else:1", "low"),
        ("image: prom/prometheus:v2.54.0\n    healthcheck: {test: wget localhost}", "low"),
        ("image: shop/web:1\n    command: alembic upgrade head", "low"),
        ("build: .", "low"),
    ],
)
def test_it_depends_on_what_is_waited_for(needed: str, severity: str) -> None:
    files = compose("image: shop/api:1\ndepends_on: [db]", f"  db:\n    {needed}\n") | IMAGE

    assert severities("REL004", files) == [("compose.yaml:4", severity)]


def test_a_job_that_is_waited_for_until_it_is_done() -> None:
    job = "  migrate:\n    build: .\n    command: alembic upgrade head\n"
    lines = "build: .\ndepends_on: {migrate: {condition: service_completed_successfully}}"

    assert found("REL004", compose(lines, job) | IMAGE) == []


def test_the_script_that_an_image_starts_with_may_wait() -> None:
    files = compose("build: .\ndepends_on: [db]", DATABASE) | {
        "Dockerfile": 'FROM python:3.12-slim\nCOPY start.sh /\nENTRYPOINT ["/start.sh"]\n',
        "start.sh": "#!/bin/sh\nwhile ! nc -z db 5432; do sleep 1; done\nexec serve\n",
    }

    assert severities("REL004", files) == [("compose.yaml:4", "low")]


@pytest.mark.parametrize(
    ("script", "severity"),
    [("docker/wait-for-db/run", "low"), ("docker/docker-entrypoint.sh", "low"), ("a.sh", "medium")],
)
def test_an_image_that_may_be_made_of_this_repository(script: str, severity: str) -> None:
    files = compose("image: ghcr.io/shop/web:1\ndepends_on: [db]", DATABASE) | {
        script: "#!/bin/sh\n"
    }

    assert severities("REL004", files) == [("compose.yaml:4", severity)]


def test_swarm_passes_dependencies_over() -> None:
    files = {"docker-stack.yml": compose("image: a:1\ndepends_on: [db]", DATABASE)["compose.yaml"]}

    assert found("REL004", files) == []


def test_a_line_that_many_services_share_is_one_finding() -> None:
    files = {
        "compose.yaml": """\
            x-app: &app
              image: shop/web:1
              depends_on:
                - db
            services:
              web: *app
              worker: *app
              db:
                image: postgres:16
            """
    }

    assert places("REL004", files) == ["compose.yaml:4"]


def test_a_gateway_with_services_behind_it() -> None:
    files = {
        "infra/docker-compose.yml": """\
            services:
              gateway:
                build: ../gateway
                depends_on:
                  orders:
                    condition: service_started
                  cache:
                    condition: service_healthy
                  schema:
                    condition: service_completed_successfully
              orders:
                build: ../orders
                healthcheck:
                  test: ["CMD", "python", "probe.py"]
                depends_on:
                  - db
              schema:
                build: ../orders
                command: python -m alembic upgrade head
                depends_on:
                  db: {condition: service_healthy}
              cache:
                image: redis:7.4
                healthcheck: {test: [CMD, redis-cli, ping]}
              db:
                image: postgis/postgis:16-3.4
                healthcheck: {test: [CMD-SHELL, pg_isready]}
            """,
        "gateway/Dockerfile": 'FROM node:22-slim\nCMD ["node", "server.js"]\n',
        "orders/Dockerfile": 'FROM python:3.12-slim\nCMD ["python", "-m", "orders"]\n',
    }

    assert places("REL001", files) == ["infra/docker-compose.yml:2"]
    assert places("REL004", files) == ["infra/docker-compose.yml:5", "infra/docker-compose.yml:16"]
