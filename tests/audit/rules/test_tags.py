"""REL009: images whose name means something else tomorrow."""

from __future__ import annotations

import pytest

from tests.audit.repository import Files, found, places

RULE = "REL009"


def severities(files: Files) -> list[tuple[str, str]]:
    return [(str(it.place), str(it.severity)) for it in found(RULE, files)]


def compose(lines: str, rest: str = "") -> dict[str, str]:
    """A service called `web` of these lines."""
    text = "services:\n  web:\n" + "".join(f"    {line}\n" for line in lines.splitlines())
    return {"compose.yaml": text + rest}


@pytest.mark.parametrize(
    ("image", "severity"),
    [
        ("nginx", "medium"),
        ("grafana/grafana:latest", "medium"),
        ("openpolicyagent/opa:latest-rootless", "medium"),
        ("localhost:5000/shop/web", "medium"),
        ("shop/web:${TAG:-latest}", "medium"),
        ("${WEB_IMAGE:-ghcr.io/shop/web:latest}", "medium"),
        ("redis:alpine", "low"),
        ("ghcr.io/shop/web:main", "low"),
        ("makeplane/plane:stable", "low"),
    ],
)
def test_a_service_with_an_image_that_moves(image: str, severity: str) -> None:
    assert severities(compose(f"image: '{image}'")) == [("compose.yaml:3", severity)]


@pytest.mark.parametrize(
    "lines",
    [
        "image: nginx:1.27",
        "image: postgres:16",
        "image: debian:bookworm",
        "image: 'redis:alpine@sha256:0123456789abcdef'",
        "image: 'redis@sha256:0123456789abcdef'",
        "image: localhost:5000/shop/web:1.4",
        "image: 'shop/web:${TAG:?which}'",
        "image: 'shop/web:${TAG}'",
        "image: '${IMAGE}'",
        "image: shop/web\nbuild: .",
        "image: shop/web:latest\nbuild: .",
        "build: .",
    ],
)
def test_an_image_that_stays_or_is_built(lines: str) -> None:
    assert found(RULE, compose(lines)) == []


def test_the_env_file_beside_it_may_name_the_version() -> None:
    files = compose("image: 'nginx:${TAG:-latest}'")

    assert places(RULE, files | {".env": "TAG=1.27\n"}) == []
    assert places(RULE, files | {".env": "TAG=latest\n"}) == ["compose.yaml:3"]


def test_what_another_service_builds_is_no_image_of_a_registry() -> None:
    built = "  api:\n    build: .\n    image: shop/app\n"

    assert places(RULE, compose("image: shop/app", built)) == []
    assert places(RULE, compose("image: shop/other", built)) == ["compose.yaml:3"]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("FROM python", [("Dockerfile:1", "medium")]),
        ("FROM python:latest AS builder\nFROM python:3.12", [("Dockerfile:1", "medium")]),
        ("ARG VERSION=latest\nFROM node:${VERSION}", [("Dockerfile:2", "medium")]),
        ("FROM nginx:alpine", [("Dockerfile:1", "low")]),
        ("FROM python:3.12\nCOPY --from=ghcr.io/astral-sh/uv:latest /uv /bin/",
         [("Dockerfile:2", "low")]),
        ("FROM scratch", []),
        ("FROM python:3.12-slim AS base\nFROM base\nCOPY --from=base /a /b", []),
        ("ARG BASE\nFROM ${BASE}", []),
        ("FROM python@sha256:0123456789abcdef", []),
        ("FROM python:3.12\nCOPY --from=ghcr.io/astral-sh/uv:0.5 /uv /bin/", []),
    ],
)  # fmt: skip
def test_a_base_image(lines: str, expected: list[tuple[str, str]]) -> None:
    assert severities({"Dockerfile": f"{lines}\n"}) == expected


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("ghcr.io/shop/web:latest", ["web.yaml:9"]),
        ("ghcr.io/shop/web", ["web.yaml:9"]),
        ("ghcr.io/shop/web:1.4", []),
        ("web", []),
        ("controller:latest", []),
    ],
)
def test_a_workload_in_a_cluster(image: str, expected: list[str]) -> None:
    text = f"""\
        apiVersion: apps/v1
        kind: Deployment
        metadata: {{name: web}}
        spec:
          template:
            spec:
              containers:
                - name: server
                  image: {image}
        """
    kustomization = """\
        apiVersion: kustomize.config.k8s.io/v1beta1
        kind: Kustomization
        images:
          - name: ghcr.io/shop/web
            newTag: "1.4"
        """

    assert places(RULE, {"web.yaml": text}) == expected
    assert places(RULE, {"web.yaml": text, "kustomization.yaml": kustomization}) == []


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ("image:\n  repository: shop/web\n  tag: latest\n", ["chart/values.yaml:3"]),
        ("web:\n  image: {repository: shop/web, tag: '1.4'}\n", []),
        ("image:\n  repository: shop/web\n  tag: ''\n", []),
        ("jobs:\n  - image: shop/job:latest\n", ["chart/values.yaml:2"]),
        ("jobs:\n  - image: shop/job:1.4\n", []),
    ],
)
def test_the_values_of_a_chart(values: str, expected: list[str]) -> None:
    files = {"chart/Chart.yaml": "name: shop\n", "chart/values.yaml": values}

    assert places(RULE, files) == expected


def test_a_stack_with_its_monitoring() -> None:
    files = {
        "docker-compose.yml": """\
            x-app: &app
              image: registry.example.org/shop/app:latest
            services:
              web: *app
              worker:
                <<: *app
                command: work
              db:
                image: postgres:16-alpine
              prometheus:
                image: prom/prometheus:latest
              page:
                build: ./page
            """,
        "page/Dockerfile": "FROM node:22 AS build\nFROM nginx\nCOPY --from=build /a /b\n",
        "docker-compose.dev.yml": "services:\n  mail:\n    image: mailhog/mailhog\n",
        ".github/workflows/ci.yml": "jobs: {a: {services: {db: {image: postgres}}}}\n",
    }

    assert severities(files) == [
        ("docker-compose.dev.yml:3", "low"),
        ("docker-compose.yml:2", "medium"),
        ("docker-compose.yml:11", "medium"),
        ("page/Dockerfile:2", "medium"),
    ]
