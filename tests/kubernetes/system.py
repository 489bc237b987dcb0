"""What is rendered in these tests: a small system, a release, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from pipelines.release import Release

ROOT = Path(__file__).parents[2]
SMALL = """
name: small
services:
  web:
    image: small-web
    command: [serve, "$$(PORT)"]
    ports: ["8000:8000"]
    networks: [edge, inside]
    volumes: ["./web:/etc/web:ro"]
    secrets: [token]
    restart: always
    healthcheck: {test: [CMD, "true"], interval: 2s, retries: 5, start_period: 10s}
    deploy: {replicas: 3, resources: {limits: {cpus: "0.5", memory: 64M}}}
    x-summit: {probe: {http: /readyz}}
  data:
    image: small-data@sha256:DIGEST
    user: "999:999"
    networks: [inside]
    volumes: ["kept:/var/lib/data"]
    restart: always
    expose: ["5432"]
    deploy: {resources: {limits: {cpus: "1", memory: 1G}}}
networks:
  edge: {}
  inside: {internal: true}
volumes: {kept: {}}
secrets: {token: {file: ./token}}
""".replace("DIGEST", "1" * 64)

Manifests = dict[tuple[str, str], dict[str, Any]]
Render = Callable[[], Manifests]


def release(*images: str) -> Release:
    return Release(
        commit="c" * 40,
        tree="d" * 40,
        lock="",
        configuration="",
        images={name: f"registry.test/{name}@sha256:{'0' * 64}" for name in images},
        steps={},
        gates={},
    )


def parsed(files: dict[str, str]) -> Manifests:
    """The manifests by kind and name."""
    every = [it for name in files for it in yaml.safe_load_all(files[name])]
    return {(it["kind"], it["metadata"]["name"]): it for it in every if "metadata" in it}
