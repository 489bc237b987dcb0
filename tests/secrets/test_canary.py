"""Every planted leak is found, in whatever form, and where there is none nothing is said."""

from __future__ import annotations

import gzip
import io
import json
import os
import secrets
import subprocess
import sys
import tarfile
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from pipelines.errors import ConfigError
from pipelines.secrets import canary
from pipelines.secrets.canary import Canaries

VALUE = secrets.token_bytes(12).hex() + '"\\/+' + secrets.token_hex(8)
FORMS: dict[str, Callable[[str], bytes]] = {
    "plain": lambda it: it.encode(),
    "json": lambda it: json.dumps({"password": it}).encode(),
    "hex": lambda it: it.encode().hex().encode(),
    "HEX": lambda it: it.encode().hex().upper().encode(),
    "url": lambda it: quote(it, safe="").encode(),
    "base64": lambda it: b64encode(it.encode()),
    "base64, one in front": lambda it: b64encode(b"u:" + it.encode()),
    "base64, two in front": lambda it: b64encode(b"user:" + it.encode() + b"\n"),
    "base64url": lambda it: urlsafe_b64encode(b"\xff\xfe" + it.encode() + b"\xff"),
}


@pytest.fixture
def canaries() -> Canaries:
    return Canaries({"token": VALUE.encode(), "other": secrets.token_bytes(32)})


@pytest.mark.parametrize("form", FORMS)
def test_a_leak_is_found_in_every_form(canaries: Canaries, form: str) -> None:
    leaked = b"before " + FORMS[form](VALUE) + b" after"

    assert {leak.secret for leak in canaries.in_bytes(leaked, "a log")} == {"token"}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("at", [1, 7, 20])
def test_a_leak_is_found_across_the_border_of_two_chunks(
    canaries: Canaries, form: str, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(canary, "_CHUNK", 64)
    leaked = FORMS[form](VALUE)

    stream = io.BytesIO(b" " * (64 - at) + leaked + b" " * 200)

    assert {leak.secret for leak in canaries.in_stream(stream, "a layer")} == {"token"}


def test_where_there_is_none_nothing_is_said(canaries: Canaries, tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / f"{number}.log").write_bytes(os.urandom(100_000))

    assert list(canaries.in_files(tmp_path)) == []


def test_files_that_may_hold_it_are_passed_over(canaries: Canaries, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "token").write_text(VALUE)
    (tmp_path / "app.log").write_text(f"started with {VALUE}")

    found = list(canaries.in_files(tmp_path, without=[tmp_path / "own"]))

    assert [leak.place for leak in found] == [str(tmp_path / "app.log")]
    assert VALUE not in str(found)


def tar(**files: bytes) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return written.getvalue()


@pytest.mark.parametrize("written", [bytes, gzip.compress])
@pytest.mark.parametrize("form", FORMS)
def test_a_leak_is_found_in_a_layer_of_an_image(
    canaries: Canaries, tmp_path: Path, form: str, written: Callable[[bytes], bytes]
) -> None:
    layer = tar(clean=os.urandom(10_000), leaking=FORMS[form](VALUE))
    image = tmp_path / "image.tar"
    image.write_bytes(tar(settings=b"{}", below=written(tar(clean=b"")), above=written(layer)))

    places = {leak.place for leak in canaries.in_image(image)}

    assert places == {f"{image}: above"}


@pytest.mark.parametrize("damaged", ["no archive", "a short layer", "a damaged layer"])
def test_an_image_that_cannot_be_read_is_not_called_clean(
    canaries: Canaries, tmp_path: Path, damaged: str
) -> None:
    layer = gzip.compress(os.urandom(1000))
    image = tmp_path / "image.tar"
    match damaged:
        case "no archive":
            image.write_bytes(b"nothing of the kind")
        case "a short layer":
            image.write_bytes(tar(layer=layer[:-100]))
        case "a damaged layer":
            image.write_bytes(tar(layer=layer[:10] + b"\xff" * 100))

    with pytest.raises(ConfigError, match="no image that can be read"):
        list(canaries.in_image(image))


@pytest.mark.parametrize("part", ["cmdline", "environ"])
def test_a_process_that_was_told_it_is_found(canaries: Canaries, part: str) -> None:
    words = [VALUE] if part == "cmdline" else []
    told = {**os.environ, "TOKEN": VALUE} if part == "environ" else dict(os.environ)
    told.pop("PYTEST_CURRENT_TEST", None)
    waiting = subprocess.Popen(
        [sys.executable, "-c", "print(flush=True); input()", *words],
        env=told,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert waiting.stdout
        waiting.stdout.readline()  # before it runs, the kernel may show no words of it yet
        places = {leak.place for leak in canaries.in_processes() if leak.form == "as it is"}
    finally:
        waiting.communicate(b"\n")

    assert places == {f"{part} of process {waiting.pid}"}
