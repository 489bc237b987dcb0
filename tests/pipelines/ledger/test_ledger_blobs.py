"""Blobs: content by its digest, whole or not at all."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from pipelines.errors import ConfigError, MachineError
from pipelines.ledger import Blobs


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path / "blobs")


def damage(blobs: Blobs, digest: str) -> None:
    blob = Path(blobs.path(digest))
    blob.chmod(0o644)
    blob.write_bytes(b"something else")


def test_content_is_kept_by_its_digest(blobs: Blobs) -> None:
    digest = blobs.put(b"a log")

    assert digest == hashlib.sha256(b"a log").hexdigest()
    assert blobs.holds(digest)
    assert blobs.read(digest) == b"a log"


def test_a_large_file_is_kept_too(blobs: Blobs, tmp_path: Path) -> None:
    content = os.urandom(300_000)
    (tmp_path / "wheel").write_bytes(content)

    digest = blobs.put_file(tmp_path / "wheel")

    assert blobs.read(digest) == content
    assert (tmp_path / "wheel").read_bytes() == content


def test_what_was_put_leaves_nothing_else_behind(blobs: Blobs, tmp_path: Path) -> None:
    digest = blobs.put(b"a log")
    blobs.put(b"a log")

    files = {file.relative_to(tmp_path) for file in tmp_path.rglob("*") if file.is_file()}
    assert files == {Path("blobs/lock"), Path("blobs", digest[:2], digest[2:])}


def test_a_damaged_blob_is_not_read(blobs: Blobs) -> None:
    digest = blobs.put(b"a log")
    damage(blobs, digest)

    with pytest.raises(ConfigError, match=f"the blob {digest} is damaged; remove {blobs.folder}"):
        blobs.read(digest)
    assert not blobs.is_whole(digest)


def test_putting_the_content_again_mends_a_damaged_blob(blobs: Blobs) -> None:
    digest = blobs.put(b"a log")
    damage(blobs, digest)

    blobs.put(b"a log")

    assert blobs.read(digest) == b"a log"


def test_a_blob_that_is_gone_is_one_line(blobs: Blobs) -> None:
    with pytest.raises(ConfigError, match=f"the blob {'0' * 64} is gone; run the step again"):
        blobs.read("0" * 64)


def test_a_blob_that_cannot_be_read_is_one_line(blobs: Blobs) -> None:
    path = Path(blobs.path("0" * 64))
    path.mkdir(parents=True)

    with pytest.raises(MachineError, match=f"cannot read the blob {path}: Is a directory"):
        blobs.read("0" * 64)


def test_an_output_is_restored_with_its_mode(blobs: Blobs, tmp_path: Path) -> None:
    digest = blobs.put(b"#!/bin/sh\n")

    blobs.restore(digest, tmp_path / "bin" / "tool", 0o755)

    assert (tmp_path / "bin" / "tool").read_bytes() == b"#!/bin/sh\n"
    assert (tmp_path / "bin" / "tool").stat().st_mode & 0o777 == 0o755


def test_writing_to_a_restored_output_leaves_the_blob_alone(blobs: Blobs, tmp_path: Path) -> None:
    digest = blobs.put(b"as built")
    blobs.restore(digest, tmp_path / "output")

    with (tmp_path / "output").open("r+b") as file:
        file.write(b"AS")

    assert blobs.read(digest) == b"as built"


def test_a_damaged_blob_is_not_restored_over_what_is_there(blobs: Blobs, tmp_path: Path) -> None:
    (tmp_path / "output").write_bytes(b"there")
    digest = blobs.put(b"as built")
    damage(blobs, digest)

    with pytest.raises(ConfigError, match="is damaged"):
        blobs.restore(digest, tmp_path / "output")
    assert (tmp_path / "output").read_bytes() == b"there"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["blobs", "output"]


def test_a_place_that_cannot_be_written_to_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(MachineError, match=r"cannot write .*file/blobs: Not a directory"):
        Blobs(tmp_path / "file" / "blobs").put(b"a log")
