"""Looks for a word in everything that an image consists of."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Iterator

import docker


def where(engine: docker.DockerClient, image: str, word: bytes) -> list[str]:
    """The parts of the saved image that hold the word: configuration, history, files of layers."""
    saved = io.BytesIO(b"".join(engine.images.get(image).save()))
    return [name for name, content in _parts(saved) if word in content]


def _parts(archive: io.BytesIO, within: str = "") -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=archive) as members:
        for member in members:
            if not member.isfile():
                continue
            content = members.extractfile(member).read()  # type: ignore[union-attr]
            if content.startswith(b"\x1f\x8b") and not within:
                content = gzip.decompress(content)
            name = f"{within}{member.name}"
            if not within and _is_archive(content):
                yield from _parts(io.BytesIO(content), f"{name}:")
            else:
                yield name, content


def _is_archive(content: bytes) -> bool:
    return content[257:262] == b"ustar"
