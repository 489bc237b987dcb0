"""What is known of somebody else's images."""

from __future__ import annotations

import pytest

from pipelines.audit.model.containers.bases import base, split


def has(reference: str, program: str) -> bool | None:
    found = base(reference)
    if found is None:
        return None
    return program in found.programs | found.own or (None if found.is_open else False)


@pytest.mark.parametrize(
    ("reference", "there", "missing"),
    [
        ("python:3.11", "curl wget ps", ""),
        ("python:3.11-slim", "python bash sh", "curl wget ps nc"),
        ("python:3.11-alpine", "wget nc sh", "curl bash"),
        ("docker.io/library/python:3.12-slim-bookworm@sha256:00", "python", "curl"),
        ("public.ecr.aws/docker/library/python:3.12-slim", "python", "curl"),
        ("node:20", "curl wget node npm", ""),
        ("node:20-slim", "node", "curl wget"),
        ("node:20-alpine", "node wget", "curl bash"),
        ("debian:12", "bash", "curl wget"),
        ("ubuntu", "bash", "curl wget"),
        ("alpine:3.20", "wget", "curl"),
        ("busybox", "wget sh", "curl"),
        ("nginx:1.27", "curl", "wget"),
        ("nginx:alpine", "curl wget", ""),
        ("nginx:alpine-slim", "wget", "curl"),
        ("postgres:16", "pg_isready psql", "curl wget"),
        ("postgis/postgis:15-3.3", "pg_isready", "curl"),
        ("postgres:16-alpine", "pg_isready wget", "curl"),
        ("redis:7-alpine", "redis-cli", "curl"),
        ("mysql:8", "mysqladmin", ""),
        ("mariadb:10.11", "mysqladmin healthcheck.sh", "curl"),
        ("mariadb:11", "mariadb-admin healthcheck.sh", "mysqladmin mysql"),
        ("mariadb", "healthcheck.sh", "mysqladmin"),
        ("mongo:4.4", "mongo", "mongosh"),
        ("mongo:7", "mongosh", "mongo curl"),
        ("rabbitmq:3-management", "rabbitmq-diagnostics", "curl"),
        ("eclipse-mosquitto:2.0", "mosquitto_sub wget", "curl"),
        ("prom/prometheus:latest", "wget promtool sh", "curl"),
        ("prom/prometheus:v3.0.0-distroless", "promtool", "wget sh"),
        ("prom/alertmanager", "amtool wget", "curl"),
        ("quay.io/prometheuscommunity/postgres-exporter:v0.19.1", "wget", ""),
        ("grafana/grafana:11.0.0", "curl wget", ""),
        ("openpolicyagent/opa:latest", "opa", "sh wget curl"),
        ("openpolicyagent/opa:latest-debug", "opa sh wget", "curl"),
        ("traefik:v3", "traefik wget", "curl"),
        ("caddy:2", "wget", "curl"),
        ("nats:2", "nats-server", "sh wget"),
        ("nats:2-alpine", "wget", "curl"),
        ("hashicorp/vault:1.15", "vault wget", "curl"),
        ("hashicorp/consul:1.15", "consul curl", ""),
        ("haproxy:2.9", "haproxy", "curl wget"),
        ("httpd:2.4", "", "curl wget"),
        ("memcached", "", "nc curl"),
        ("adminer", "wget", ""),
        ("quay.io/keycloak/keycloak:24.0", "bash", "curl wget"),
        ("quay.io/keycloak/keycloak:11.0.3", "curl", "wget"),
        ("golang:1.22", "go curl wget", ""),
        ("golang:1.22-alpine", "go wget", "curl"),
        ("rust:1", "curl", ""),
        ("rust:1-slim", "cargo", "curl"),
        ("ruby:3-slim", "ruby", "curl wget"),
        ("php:8-fpm", "php curl", "wget"),
        ("eclipse-temurin:21-jre", "curl", ""),
        ("eclipse-temurin:21-jre-alpine", "wget java", "curl"),
        ("openjdk:17-slim", "java", "curl wget"),
        ("amazoncorretto:21", "curl", ""),
        ("mcr.microsoft.com/dotnet/aspnet:8.0", "dotnet", "curl wget"),
        ("mcr.microsoft.com/dotnet/aspnet:8.0-alpine", "wget", "curl"),
        ("mcr.microsoft.com/dotnet/aspnet:8.0-jammy-chiseled", "dotnet", "sh wget"),
        ("mcr.microsoft.com/dotnet/sdk:8.0", "curl", ""),
        ("ghcr.io/astral-sh/uv:0.5", "uv", "sh python"),
        ("ghcr.io/astral-sh/uv:python3.12-bookworm-slim", "uv python sh", "curl"),
        ("ghcr.io/astral-sh/uv:python3.12-alpine", "uv wget", "curl"),
        ("tiangolo/uvicorn-gunicorn-fastapi:python3.11", "curl gunicorn", ""),
        ("tiangolo/uvicorn-gunicorn-fastapi:python3.11-slim", "gunicorn", "curl"),
        ("gcr.io/distroless/python3-debian12", "python3", "sh curl"),
        ("gcr.io/distroless/static:debug", "sh wget", "curl"),
        ("scratch", "", "sh"),
        ("ollama/ollama", "ollama", "curl"),
        ("qdrant/qdrant", "bash", "curl wget"),
        ("elasticsearch:8.12.0", "curl", ""),
    ],
)
def test_programs(reference, there, missing):
    assert {it: has(reference, it) for it in there.split()} == dict.fromkeys(there.split(), True)
    assert {it: has(reference, it) for it in missing.split()} == dict.fromkeys(
        missing.split(), False
    )


@pytest.mark.parametrize(
    ("reference", "program"),
    [
        ("registry.example.org/team/python:3.12-slim", "curl"),
        ("", "curl"),
        ("python:$TAG", "curl"),
        ("minio/minio", "curl"),
        ("bitnami/postgresql:16", "curl"),
    ],
)
def test_what_is_not_known_is_not_guessed(reference, program):
    assert has(reference, program) is None


@pytest.mark.parametrize(
    ("reference", "user"),
    [
        ("python:3.12", ""),
        ("grafana/grafana", "472"),
        ("prom/prometheus", "nobody"),
        ("openpolicyagent/opa:latest-rootless", "nonroot"),
        ("gcr.io/distroless/static:nonroot", "nonroot"),
        ("gcr.io/distroless/static", ""),
        ("nginxinc/nginx-unprivileged", "101"),
        ("bitnami/redis", "1001"),
    ],
)
def test_users(reference, user):
    found = base(reference)

    assert found is not None
    assert found.user == user


@pytest.mark.parametrize(
    ("reference", "parts"),
    [
        ("python:3.12", ("python", "3.12", "")),
        ("docker.io/library/python", ("python", "", "")),
        ("localhost:5000/a/b:1", ("localhost:5000/a/b", "1", "")),
        ("ghcr.io/a/b@sha256:00", ("ghcr.io/a/b", "", "sha256:00")),
    ],
)
def test_names(reference, parts):
    assert split(reference) == parts
