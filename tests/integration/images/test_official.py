"""Images of a registry: had, or said to be out of reach."""

from __future__ import annotations

import docker
import pytest

from pipelines.images import official
from tests.integration.base import image_of

NOWHERE = "localhost:1/nobody/has-this:1"


def test_what_the_engine_has_is_not_asked_of_a_registry(
    engine: docker.DockerClient, capsys: pytest.CaptureFixture[str]
) -> None:
    image = image_of(engine, "python")
    capsys.readouterr()

    assert official.fetch(engine, [image])
    assert capsys.readouterr().err == ""


def test_what_cannot_be_had_is_said_and_nothing_more_is_asked_for(
    engine: docker.DockerClient, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not official.fetch(engine, [NOWHERE, "localhost:1/nor/this:1"])

    told = capsys.readouterr().err.splitlines()
    assert told[0] == f"fetching {NOWHERE}"
    assert told[1].startswith(f"{NOWHERE} cannot be had: ")
    assert "connection refused" in told[1]
    assert len(told) == 2
