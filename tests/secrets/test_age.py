"""The encrypted file: what is in it, whose it is, and what is said when it cannot be read."""

from __future__ import annotations

import errno
import os
import secrets
import subprocess
from pathlib import Path

import pytest

from pipelines.errors import ConfigError, MachineError
from pipelines.secrets.provider import Phase
from pipelines.secrets.providers.age import AgeProvider


def provider(folder: Path, identity: str = "identity") -> AgeProvider:
    return AgeProvider(folder / "secrets.age", identity=folder / identity)


def test_no_value_and_no_name_is_in_the_file(tmp_path: Path) -> None:
    value = secrets.token_hex(16).encode()

    provider(tmp_path).add("token", value)

    content = (tmp_path / "secrets.age").read_bytes()
    assert value not in content
    assert b"token" not in content
    assert content.startswith(b"age-encryption.org/v1")


def test_its_key_is_its_owners_alone(tmp_path: Path) -> None:
    provider(tmp_path).add("token", b"value")
    identity = tmp_path / "identity"
    assert identity.stat().st_mode & 0o777 == 0o600

    identity.chmod(0o644)
    with pytest.raises(ConfigError, match="others can read this key"):
        provider(tmp_path).read("token")


def test_another_key_does_not_open_it(tmp_path: Path) -> None:
    provider(tmp_path).add("token", b"value")
    AgeProvider(tmp_path / "other.age", identity=tmp_path / "other").add("token", b"value")

    with pytest.raises(ConfigError, match="encrypted to another key"):
        provider(tmp_path, "other").read("token")
    with pytest.raises(ConfigError, match="is missing"):
        provider(tmp_path, "none").read("token")


def test_a_damaged_file_is_said_so_and_left_alone(tmp_path: Path) -> None:
    provider(tmp_path).add("token", b"value")
    file = tmp_path / "secrets.age"
    damaged = file.read_bytes()[:-1]
    file.write_bytes(damaged)

    with pytest.raises(ConfigError, match="damaged"):
        provider(tmp_path).add("token", b"another")

    assert file.read_bytes() == damaged


def test_what_is_kept_outlives_the_process(tmp_path: Path) -> None:
    version = provider(tmp_path).add("token", b"value")

    again = provider(tmp_path)
    assert again.read("token") == b"value"
    assert [(it.id, it.phase) for it in again.versions("token")] == [(version, Phase.CURRENT)]


def test_nothing_is_left_beside_it(tmp_path: Path) -> None:
    provider(tmp_path).add("token", b"value")

    left = subprocess.run(["ls", "-A", tmp_path], capture_output=True, text=True, check=True)
    assert left.stdout.split() == ["identity", "secrets.age", "secrets.lock"]


def test_a_key_that_could_not_be_written_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(MachineError, match="No space left"):
            provider(tmp_path).add("token", b"value")

    assert [it.name for it in tmp_path.iterdir()] == ["secrets.lock"]
    provider(tmp_path).add("token", b"value")
