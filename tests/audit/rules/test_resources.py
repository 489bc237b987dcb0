"""REL005 and REL010: services that stay down, or may take all memory."""

from __future__ import annotations

import pytest

from tests.audit.repository import found, places


def compose(lines: str, path: str = "compose.yaml") -> dict[str, str]:
    """A service called `web` of these lines."""
    text = "services:\n  web:\n" + "".join(f"    {line}\n" for line in lines.splitlines())
    return {path: text}


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("image: a:1", [("compose.yaml:2", "medium")]),
        ("build: .\ndeploy: {replicas: 2}", [("compose.yaml:2", "medium")]),
        ("image: a:1\nports: ['80:80']\nrestart: 'no'", [("compose.yaml:5", "low")]),
        (
            "image: a:1\nports: ['80:80']\ndeploy: {restart_policy: {condition: none}}",
            [("compose.yaml:5", "low")],
        ),
        ("image: a:1\nrestart: always", []),
        ("image: a:1\nrestart: on-failure:3", []),
        ("image: a:1\nrestart: ${RESTART:-unless-stopped}", []),
        ("image: a:1\nrestart: ${RESTART}", []),
        ("image: a:1\ndeploy: {restart_policy: {condition: on-failure}}", []),
        ("image: a:1\ndeploy: {restart_policy: {delay: 5s}}", []),
        ("image: a:1\ncommand: python manage.py migrate", []),
        ("image: a:1\nrestart: 'no'\ncommand: alembic upgrade head", []),
        ("image: a:1\nprofiles: [tools]", []),
        ("environment: [A=1]", []),
    ],
)
def test_what_happens_when_it_ends(lines: str, expected: list[tuple[str, str]]) -> None:
    assert [(str(it.place), str(it.severity)) for it in found("REL005", compose(lines))] == expected


def test_files_for_developers_are_less_severe() -> None:
    (fault,) = found("REL005", compose("image: a:1", "compose.dev.yaml"))

    assert str(fault.severity) == "low"


@pytest.mark.parametrize(
    ("lines", "path"),
    [
        ("image: a:1", "docker-stack.yml"),
        ("image: a:1\ndeploy: {placement: {constraints: [node.role == worker]}}", "compose.yaml"),
        ("image: a:1\ndeploy: {update_config: {order: start-first}}", "compose.yaml"),
    ],
)
def test_swarm_restarts_by_itself(lines: str, path: str) -> None:
    assert found("REL005", compose(lines, path)) == []


@pytest.mark.parametrize(
    ("rule", "added"), [("REL005", "restart: always"), ("REL010", "mem_limit: 1g")]
)
def test_an_override_for_production_may_say_it(rule: str, added: str) -> None:
    override = f"services:\n  web:\n    {added}\n"
    base = compose("image: a:1")

    assert places(rule, base | {"compose.prod.yaml": override}) == []
    assert places(rule, base | {"compose.override.yaml": override}) == ["compose.yaml:2"]


def test_what_an_override_brings_itself_stands_there() -> None:
    files = compose("image: a:1\nrestart: always") | {
        "compose.extra.yaml": "services:\n  job:\n    image: b:1\n    depends_on: [web]\n"
    }

    assert places("REL005", files) == ["compose.extra.yaml:2"]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("image: a:1", ["compose.yaml:2"]),
        ("image: a:1\ndeploy: {resources: {limits: {cpus: '1'}}}", ["compose.yaml:2"]),
        ("image: a:1\nmem_limit: 512m", []),
        ("image: a:1\ndeploy: {resources: {limits: {memory: 512m}}}", []),
        ("image: migrate/migrate:v4", []),
    ],
)
def test_memory(lines: str, expected: list[str]) -> None:
    assert places("REL010", compose(lines)) == expected
    assert {str(it.severity) for it in found("REL010", compose(lines))} <= {"note"}


@pytest.mark.parametrize(
    ("kind", "more", "expected"),
    [
        ("Deployment", "", ["web.yaml:8"]),
        ("Deployment", "resources: {requests: {memory: 1Gi}}", ["web.yaml:8"]),
        ("Deployment", "resources: {limits: {memory: 1Gi}}", []),
        ("Job", "", []),
    ],
)
def test_memory_in_a_cluster(kind: str, more: str, expected: list[str]) -> None:
    text = f"""\
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

    assert places("REL010", {"web.yaml": text}) == expected


def test_a_system_that_restarts_only_some_of_its_services() -> None:
    files = {
        "deploy/docker-compose.yml": """\
            x-app: &app
              image: ghcr.io/shop/app:2.1
              restart: unless-stopped
              deploy: {resources: {limits: {memory: 512m}}}
            services:
              web:
                <<: *app
                command: gunicorn shop.wsgi
              worker:
                <<: *app
                command: celery -A shop worker
              migrate:
                <<: *app
                restart: "no"
                command: python manage.py migrate
              db:
                image: postgres:16
                mem_limit: 1g
              cache:
                image: redis:7
                restart: always
            """,
        "deploy/docker-compose.dev.yml": """\
            services:
              web:
                command: python manage.py runserver
              mail:
                image: axllent/mailpit:v1.20
            """,
    }

    assert places("REL005", files) == [
        "deploy/docker-compose.dev.yml:4",
        "deploy/docker-compose.yml:16",
    ]
    assert places("REL010", files) == ["deploy/docker-compose.yml:19"]
