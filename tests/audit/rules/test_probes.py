"""Probes that cannot run, and probes that cannot fail."""

from __future__ import annotations

import pytest

from tests.audit.repository import found, places

COMPOSE = """\
    services:
      api:
        {image}
        healthcheck:
          test: {test}
    """


def composed(image: str, test: str, **files: str) -> dict[str, str]:
    return {"compose.yaml": COMPOSE.format(image=image, test=test), **files}


@pytest.mark.parametrize(
    ("image", "test"),
    [
        ("image: python:3.12-slim", '["CMD-SHELL", "curl -f http://localhost/ || exit 1"]'),
        ("image: python:3.12-slim", '["CMD", "curl", "-f", "http://localhost/"]'),
        ("image: python:3.12-slim", "curl -f http://localhost/"),
        ("image: python:3.12-slim", '["CMD", "/usr/bin/curl", "-f", "http://localhost/"]'),
        ("image: python:3.12-slim", '["CMD", "sh", "-c", "curl -f http://localhost/"]'),
        ("image: python:3.12-slim", '["CMD-SHELL", "curl -s http://localhost/ | grep ok"]'),
        ("image: python:3.12-slim", '["CMD-SHELL", "curl -f x || wget -q x"]'),
        ("image: debian", "pg_isready"),
        ("image: mariadb:11", '["CMD", "mysqladmin", "ping"]'),
        ("image: mongo:7", "mongo --eval 1"),
        ("image: openpolicyagent/opa", '["CMD-SHELL", "opa version"]'),
        ("image: alpine", '["CMD", "bash", "-c", "wget -q x"]'),
        ("build: .", '["CMD-SHELL", "curl -f http://localhost/"]'),
    ],
)
def test_a_program_that_the_image_lacks(image, test):
    files = composed(image, test, Dockerfile="FROM python:3.12-slim\n")

    assert places("REL002", files) == ["compose.yaml:5"]


@pytest.mark.parametrize(
    ("image", "test"),
    [
        ("image: python:3.12", "curl -f http://localhost/"),
        ("image: node:20-alpine", "wget -q http://localhost/"),
        ("image: python:3.12-slim", '["CMD", "python", "-c", "import x"]'),
        ("image: python:3.12-slim", "curl -f x || python -c 'import x'"),
        ("image: python:3.12-slim", '["CMD", "/app/probe", "x"]'),
        ("image: python:3.12-slim", '["CMD", "celery", "inspect", "ping"]'),
        ("image: python:3.12-slim", '["NONE"]'),
        ("image: python:3.12-slim", '["CMD-SHELL", "test -f /tmp/alive"]'),
        ("image: python:3.12-slim", "bash -c 'echo > /dev/tcp/localhost/80'"),
        ("image: postgres:16", '["CMD-SHELL", "pg_isready -U $${POSTGRES_USER}"]'),
        ("image: openpolicyagent/opa", '["CMD", "opa", "eval", "x"]'),
        ("build: .", "curl -f http://localhost/"),
        (
            "image: python:3.12-slim\n        command: sh -c 'apt-get install -y curl && run'",
            "curl -f http://localhost/",
        ),
        (
            "image: python:3.12-slim\n        volumes: ['./curl:/usr/local/bin/curl']",
            "curl -f http://localhost/",
        ),
    ],
)
def test_a_program_that_is_there(image, test):
    dockerfile = "FROM python:3.12-slim\nRUN apt-get install -y curl\n"

    assert found("REL002", composed(image, test, Dockerfile=dockerfile)) == []


@pytest.mark.parametrize(
    "image", ["image: registry.example.org/a/b", "image: bitnami/kafka", "build: ."]
)
def test_an_unknown_image_is_an_open_question(image):
    files = composed(image, "curl -f x", Dockerfile="FROM registry.example.org/c\n")
    (finding,) = found("REL002", files)

    assert finding.is_open
    assert "unknown" in finding.message


def test_both_places_are_told_and_what_to_do():
    files = composed("build: .", "curl -f x", Dockerfile="FROM python:3.12-slim\n")
    (finding,) = found("REL002", files)

    assert finding.service == "api"
    assert [str(also.place) for also in finding.also] == ["Dockerfile:1"]
    assert "python" in finding.remedy


def test_the_probe_of_a_dockerfile():
    dockerfile = """\
        FROM node:20-alpine
        HEALTHCHECK --interval=5s \\
          CMD curl -f http://localhost/ || exit 1
        """

    assert places("REL002", {"Dockerfile": dockerfile}) == ["Dockerfile:2"]


def test_a_probe_that_many_services_share_is_one_finding():
    compose = """\
        x-probe: &probe
          test: curl -f http://localhost/
        services:
          a: {image: "python:3.12-slim", healthcheck: *probe}
          b: {image: "node:20-alpine", healthcheck: *probe}
        """
    (finding,) = found("REL002", {"compose.yaml": compose})

    assert (finding.place.line, len(finding.also)) == (2, 2)


MANIFEST = """\
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: api}
    spec:
      template:
        spec:
          containers:
            - name: api
              image: org/api:1
              livenessProbe:
                exec:
                  command: [curl, -f, "http://localhost/"]
    """


def test_a_probe_of_kubernetes_in_an_image_that_is_built_here():
    files = {"k8s/api.yaml": MANIFEST, "api/Dockerfile": "FROM python:3.12-slim\n"}

    assert places("REL002", files) == ["k8s/api.yaml:12"]


@pytest.mark.parametrize(
    "test",
    [
        "curl -f x || true",
        "curl -f x || exit 0",
        "curl -f x || echo down",
        "'curl -f x || :'",
        "curl -f x; true",
        "exit 0",
        '["CMD", "true"]',
        '["CMD", "echo", "ok"]',
        '["CMD-SHELL", "echo ok"]',
        '["CMD-SHELL", "mosquitto -h >/dev/null 2>&1 || exit 1"]',
        '["CMD", "nginx", "-v"]',
        '["CMD", "redis-server", "--version"]',
        '["CMD", "java", "-version"]',
        """["CMD", "python", "-c", "import sys; sys.exit(0)"]""",
        """["CMD", "python", "-c", "print('ok')"]""",
        """["CMD", "node", "-e", "process.exit(0)"]""",
    ],
)
def test_a_probe_that_cannot_fail(test):
    assert places("REL003", composed("image: x", test)) == ["compose.yaml:5"]


@pytest.mark.parametrize(
    "test",
    [
        "curl -f x || exit 1",
        "curl --fail x",
        "curl -sSf x",
        "curl -s x | grep ok",
        "test $(curl -s -o /dev/null -w '%{http_code}' x) = 200",
        "pg_isready -h localhost",
        "redis-cli -h localhost ping",
        "redis-cli ping | grep PONG",
        "mosquitto_sub -t x -C 1",
        '["CMD", "mc", "ready", "local"]',
        "bash -c 'echo > /dev/tcp/localhost/80'",
        '["CMD", "bash", "-c", "echo > /dev/tcp/localhost/80"]',
        "curl -f x && echo ok",
        "curl -f x || (echo down; exit 1)",
        "curl -f x || { echo down; exit 1; }",
        """["CMD", "python", "-c", "import urllib.request; urllib.request.urlopen('x')"]""",
        """["CMD", "node", "-e", "require('http').get('x')"]""",
        "test -f /tmp/alive",
        "kafka-topics --list",
    ],
)
def test_a_probe_that_can_fail(test):
    assert found("REL003", composed("image: x", test)) == []


def test_curl_that_takes_an_error_for_an_answer_matters_less():
    (finding,) = found("REL003", composed("image: x", "curl http://localhost/health"))

    assert str(finding.severity) == "low"


def test_a_dockerfile_and_kubernetes_have_vacuous_probes_too():
    dockerfile = 'FROM a\nHEALTHCHECK CMD ["true"]\n'
    manifest = MANIFEST.replace('[curl, -f, "http://localhost/"]', "[echo, ok]")

    assert places("REL003", {"Dockerfile": dockerfile, "a.yaml": manifest}) == [
        "Dockerfile:2",
        "a.yaml:12",
    ]


def test_a_stack_like_those_that_people_launch():
    compose = """\
        services:
          mqtt:
            image: eclipse-mosquitto:2
            healthcheck:
              test: ["CMD-SHELL", "mosquitto -h > /dev/null 2>&1 || exit 1"]
          db:
            image: postgis/postgis:16-3.4
            healthcheck:
              test: ["CMD-SHELL", "pg_isready -U app"]
          tracker:
            build: {context: ../services/tracker}
            healthcheck:
              test: ["CMD-SHELL", "curl -f http://localhost:8000/health || exit 1"]
          web:
            build: {context: ../services/web}
            healthcheck:
              test: ["CMD-SHELL", "curl -f http://localhost:3000 || exit 1"]
          map:
            build: {context: ../services/map}
            healthcheck:
              test: ["CMD", "wget", "-q", "-O", "/dev/null", "http://localhost"]
        """
    tracker = """\
        FROM python:3.11-slim
        RUN apt-get update && apt-get install -y --no-install-recommends \\
            build-essential \\
         && rm -rf /var/lib/apt/lists/*
        """
    web = """\
        FROM node:20-alpine AS base
        FROM base AS build
        RUN apk add --no-cache curl
        FROM base AS runner
        CMD ["node", "server.js"]
        """
    files = {
        "infra/docker-compose.yml": compose,
        "services/tracker/Dockerfile": tracker,
        "services/web/Dockerfile": web,
        "services/map/Dockerfile": "FROM nginx:alpine\n",
    }

    assert places("REL002", files) == [
        "infra/docker-compose.yml:13",
        "infra/docker-compose.yml:17",
    ]
    assert places("REL003", files) == ["infra/docker-compose.yml:5"]
