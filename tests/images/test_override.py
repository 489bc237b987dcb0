"""The override for stand-ins: another file exactly when something in it is another."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from pipelines.images import override

ROOT = Path(__file__).parents[2]
COMPOSE = """
services:
  web: {image: it-web, build: {context: .}}
  database: {image: "postgres:18@sha256:abc"}
"""
STAND_INS = {"python": "summit-base/python:3", "postgres": "summit-base/postgres:18"}
DIGESTS = {"summit-base/python:3": "sha256:1", "summit-base/postgres:18": "sha256:2"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "compose.yaml").write_text(COMPOSE)
    (tmp_path / "Dockerfile").write_text("FROM python:3.13\n")
    return tmp_path


def test_services_build_and_run_on_the_stand_ins(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)

    override.write(root, STAND_INS, DIGESTS)

    services = yaml.safe_load((root / override.FILE).read_text())["services"]
    assert services["database"] == {"image": "summit-base/postgres:18", "pull_policy": "never"}
    assert services["web"]["build"] == {
        "additional_contexts": {"python:3.13": "docker-image://summit-base/python:3"},
        "labels": {
            "org.opencontainers.image.base.name": "summit-base/python:3",
            "org.opencontainers.image.base.digest": "sha256:1",
            "summit.stand-in": "summit-base/python:3",
        },
    }


def test_it_is_another_file_when_a_base_was_made_anew(root: Path) -> None:
    override.write(root, STAND_INS, DIGESTS)
    file = root / override.FILE
    before = file.stat().st_ino, file.read_text()

    override.write(root, STAND_INS, DIGESTS)
    assert (file.stat().st_ino, file.read_text()) == before

    override.write(root, STAND_INS, {**DIGESTS, "summit-base/python:3": "sha256:3"})
    assert file.read_text() != before[1]


def test_without_stand_ins_there_is_none(root: Path) -> None:
    override.write(root, STAND_INS, DIGESTS)

    override.write(root, {}, {})

    assert not (root / override.FILE).exists()


def test_evidence_on_images_follows_it() -> None:
    tool = yaml.safe_load((ROOT / "pipelines.yaml").read_text())["tools"]["engine"]

    assert str(override.FILE) in tool["follows"]
