"""Canaries: whether a secret's value is anywhere that it does not belong.

A value is looked for as it is, and as base64 (wherever in it the value begins), base64url,
hexadecimal, URL-encoded and as JSON writes it; a stream is searched across the borders of its
chunks. What compresses or encrypts hides it, but for the layers of an image.
"""

from __future__ import annotations

import gzip
import json
import tarfile
import zlib
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast
from urllib.parse import quote_from_bytes

from pipelines.errors import ConfigError, Where

_CHUNK = 1 << 20  # bytes read at once
_GROUP = 3  # bytes that base64 writes as four characters
_GZIP = b"\x1f\x8b"  # how a compressed layer begins
_SHORTEST = 6  # bytes of a needle: a shorter one is found by chance


class Leak(NamedTuple):
    """A secret that was found; the value is not in it."""

    secret: str
    place: str
    form: str

    def __str__(self) -> str:
        return f"{self.secret} in {self.place}, {self.form}"


class Canaries:
    """The values to look for, by the names of their secrets."""

    def __init__(self, values: Mapping[str, bytes]) -> None:
        self._needles = [
            (name, form, needle)
            for name, value in values.items()
            for form, needle in forms(value)
            if len(needle) >= _SHORTEST
        ]
        self._longest = max((len(needle) for _, _, needle in self._needles), default=1)

    def in_bytes(self, content: bytes, place: str) -> Iterator[Leak]:
        """Each secret once for each form in which it is there."""
        for name, form, needle in self._needles:
            if needle in content:
                yield Leak(name, place, form)

    def in_stream(self, stream: BinaryIO, place: str) -> Iterator[Leak]:
        """The same for what is too long to be read at once."""
        found: dict[Leak, None] = {}
        before = b""
        while chunk := stream.read(_CHUNK):
            window = before + chunk
            found |= dict.fromkeys(self.in_bytes(window, place))
            before = window[-(self._longest - 1) :] if self._longest > 1 else b""
        yield from found

    def in_files(self, folder: Path, *, without: Iterable[Path] = ()) -> Iterator[Leak]:
        """In every file below the folder, but for these files and folders."""
        passed_over = tuple(without)
        for file in sorted(folder.rglob("*")):
            is_own = any(file == it or it in file.parents for it in passed_over)
            if is_own or file.is_symlink() or not file.is_file():
                continue
            with file.open("rb") as stream:
                yield from self.in_stream(stream, str(file))

    def in_image(self, archive: Path) -> Iterator[Leak]:
        """In the layers, settings and history of an image, as `docker save` writes it.

        Raises `ConfigError` where the file is none, or damaged: what cannot be read is not clean.
        """
        try:
            with tarfile.open(archive) as image:
                for member in filter(tarfile.TarInfo.isfile, image):
                    yield from self._in_member(image, member, f"{archive}: {member.name}")
        except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError) as error:
            raise ConfigError(f"no image that can be read: {error}", where=Where(archive)) from None

    def _in_member(
        self, image: tarfile.TarFile, member: tarfile.TarInfo, place: str
    ) -> Iterator[Leak]:
        with cast("BinaryIO", image.extractfile(member)) as stream:
            is_compressed = stream.read(len(_GZIP)) == _GZIP
            stream.seek(0)
            if is_compressed:
                with gzip.open(stream) as layer:
                    yield from self.in_stream(cast("BinaryIO", layer), place)
            else:
                yield from self.in_stream(stream, place)

    def in_processes(self) -> Iterator[Leak]:
        """In the command lines and environments of all processes that may be looked at."""
        for process in Path("/proc").glob("[0-9]*"):
            for part in ("cmdline", "environ"):
                try:
                    content = (process / part).read_bytes()
                except OSError:  # it has ended, or is another user's
                    continue
                yield from self.in_bytes(content, f"{part} of process {process.name}")


def forms(value: bytes) -> Iterator[tuple[str, bytes]]:
    """The ways in which a value may be written, by name; each once."""
    written = [
        ("as it is", value),
        ("in hexadecimal", value.hex().encode()),
        ("in hexadecimal", value.hex().upper().encode()),
        ("URL-encoded", quote_from_bytes(value, safe="").encode()),
        *(("in JSON", it) for it in _as_json(value)),
        *(("in base64", it) for at in range(_GROUP) for it in _as_base64(value, at)),
    ]
    seen: set[bytes] = set()
    for form, needle in written:
        if needle not in seen:
            seen.add(needle)
            yield form, needle


def _as_json(value: bytes) -> Iterator[bytes]:
    try:
        yield json.dumps(value.decode())[1:-1].encode()
    except UnicodeDecodeError:
        return


def _as_base64(value: bytes, at: int) -> Iterator[bytes]:
    """As the middle of a longer text that begins `at` bytes before it.

    The characters that also depend on what stands beside it are left out.
    """
    encoded = b64encode(b"\0" * at + value)
    first = -(-at * 8 // 6)  # the first character that is the value's alone
    last = (at + len(value)) * 8 // 6
    middle = encoded[first:last]
    yield middle
    yield middle.translate(bytes.maketrans(b"+/", b"-_"))
