"""As whom a container runs."""

from __future__ import annotations

import pytest

from tests.audit.repository import found, places


@pytest.mark.parametrize(
    ("dockerfile", "line"),
    [
        ("FROM python:3.12-slim\nCMD serve\n", 1),
        ("FROM python:3.12-slim\nUSER root\nCMD serve\n", 2),
        ("FROM python:3.12-slim\nUSER 0:0\nCMD serve\n", 2),
        ("FROM python:3.12-slim\nUSER app\nUSER root\nCMD serve\n", 3),
        ("FROM grafana/grafana\nUSER root\nCMD serve\n", 2),
        ("FROM debian AS a\nUSER app\nFROM debian\nCOPY --from=a /x /x\nCMD x\n", 3),
        ("FROM debian AS a\nFROM a\nCMD x\n", 2),
        ('FROM scratch\nENTRYPOINT ["/x"]\n', 1),
        ("FROM nginx:alpine\nCOPY x /usr/share/nginx/html\n", 1),
        ("FROM gcr.io/distroless/static\nCMD x\n", 1),
    ],
)
def test_an_image_that_runs_as_root(dockerfile, line):
    assert places("REL008", {"Dockerfile": dockerfile}) == [f"Dockerfile:{line}"]


@pytest.mark.parametrize(
    "dockerfile",
    [
        "FROM python:3.12-slim\nUSER app\nCMD serve\n",
        "FROM python:3.12-slim\nUSER 1000:1000\nCMD serve\n",
        "FROM python:3.12-slim\nARG U=1000\nUSER $U\nCMD serve\n",
        "FROM debian AS a\nUSER app\nFROM a\nCMD serve\n",
        "FROM gcr.io/distroless/static:nonroot\nCMD x\n",
        "FROM openpolicyagent/opa:latest-rootless\nCMD x\n",
        "FROM grafana/grafana\nCMD x\n",
        "FROM prom/prometheus\nCMD x\n",
        "FROM nginxinc/nginx-unprivileged\nCMD x\n",
        "FROM registry.example.org/base\nCMD x\n",
        "FROM postgres:16\nCOPY init.sql /docker-entrypoint-initdb.d/\nCMD postgres\n",
        "FROM scratch\nCOPY --from=x /a /b\n",
        "FROM golang:1 AS build\nRUN go build\n",
        'FROM debian\nENTRYPOINT ["gosu", "app", "serve"]\n',
        'FROM debian\nCOPY run.sh /\nENTRYPOINT ["/run.sh"]\nCMD ["serve"]\n',
        'FROM debian\nENTRYPOINT ["/init"]\n',
    ],
)
def test_an_image_that_does_not(dockerfile):
    files = {"Dockerfile": dockerfile, "run.sh": '#!/bin/sh\nexec su-exec app "$@"\n'}

    assert found("REL008", files) == []


ROOT = "FROM python:3.12-slim\nCMD serve\n"


@pytest.mark.parametrize(
    ("users", "line"),
    [
        (["user: '1000'"], None),
        (["user: '1000'", "user: app"], None),
        (["user: '1000'", "restart: always"], 1),
        (["restart: always"], 1),
    ],
)
def test_compose_may_say_another_user(users, line):
    services = "".join(f"  s{n}:\n    build: .\n    {it}\n" for n, it in enumerate(users))
    files = {"Dockerfile": ROOT, "compose.yaml": f"services:\n{services}"}

    assert places("REL008", files) == ([f"Dockerfile:{line}"] if line else [])


def test_compose_may_make_it_root():
    compose = """\
        services:
          ours:
            build: .
            user: root
          theirs:
            image: grafana/grafana
            user: "0"
        """
    files = {"Dockerfile": ROOT.replace("CMD", "USER app\nCMD"), "compose.yaml": compose}

    assert [(str(it.place), str(it.severity)) for it in found("REL008", files)] == [
        ("compose.yaml:4", "medium"),
        ("compose.yaml:7", "low"),
    ]


@pytest.mark.parametrize(
    ("pod", "own", "is_found"),
    [
        ("runAsNonRoot: true", "{}", False),
        ("fsGroup: 1", "runAsUser: 1000", False),
        ("fsGroup: 1", "runAsUser: 0", True),
    ],
)
def test_kubernetes_may_say_another_user(pod, own, is_found):
    manifest = f"""\
        apiVersion: apps/v1
        kind: Deployment
        metadata: {{name: api}}
        spec:
          template:
            spec:
              securityContext: {{{pod}}}
              containers:
                - name: api
                  image: org/api
                  securityContext: {{{own.strip("{}")}}}
        """
    files = {"api/Dockerfile": ROOT, "api.yaml": manifest}

    assert places("REL008", files) == ["api/Dockerfile:1"] * is_found


def test_a_system_like_those_that_people_launch():
    files = {
        "compose.yaml": """\
            services:
              api: {build: api}
              worker: {build: api, command: work}
              web: {build: web}
            """,
        "api/Dockerfile": "FROM python:3.12-slim\nCOPY . .\nCMD serve\n",
        "web/Dockerfile": """\
            FROM node:20-alpine AS base
            FROM base AS runner
            RUN adduser -S web
            USER web
            CMD ["node", "server.js"]
            """,
    }

    assert places("REL008", files) == ["api/Dockerfile:1"]
