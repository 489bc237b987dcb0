"""Content-addressed files: the logs, outputs and fingerprint documents that records name."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, BinaryIO

from pipelines.errors import ConfigError, unreadable, unwritable

if TYPE_CHECKING:
    from pathlib import Path

_CHUNK = 1 << 16  # bytes: most blobs are small, and a large buffer is slow to get
# Writers put files here first; only a whole, synced file gets the name of its content.
INCOMING = "incoming"
LOCK = "lock"


class BlobLost(ConfigError):
    """A blob is gone or no longer what it was."""


class Blobs:
    """Files by the SHA-256 of their content, in `folder`.

    Whoever collects holds the lock alone and removes nothing young, so that what was just put
    is there when its record is written.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = os.fspath(folder)

    def path(self, digest: str) -> str:
        """Where the blob is, or would be."""
        return f"{self.folder}/{digest[:2]}/{digest[2:]}"

    def holds(self, digest: str) -> bool:
        """Whether it is there; `read` says whether it is whole."""
        return os.access(self.path(digest), os.F_OK)

    def put(self, content: bytes) -> str:
        """Keep the content and return its SHA-256. Raises `MachineError`."""
        with _reported(self.folder):
            return self._keep(iter((content,)))

    def put_file(self, path: str | Path) -> str:
        """Keep a copy of the file and return its SHA-256.

        Raises `MachineError`, or `OSError` when the file itself cannot be read.
        """
        with open(path, "rb") as file, _reported(self.folder):
            return self._keep(_chunks(file))

    def read(self, digest: str) -> bytes:
        """The content. Raises `BlobLost`."""
        return b"".join(self._checked(digest))

    def is_whole(self, digest: str) -> bool:
        """Whether it is there, and is what it was when it was put."""
        try:
            for _ in self._checked(digest):
                pass
        except ConfigError:
            return False
        return True

    def restore(self, digest: str, destination: str | Path, mode: int = 0o644) -> None:
        """Put a copy in the destination's place, in one move, once it is known to be whole.

        A copy and not a hard link: the next program to open its output for writing would write
        into the ledger, whatever the mode says when it runs as root.
        """
        path = os.fspath(destination)
        temporary = f"{path}.{os.getpid()}.{os.urandom(4).hex()}"
        with _reported(path):
            os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
            try:
                with open(temporary, "xb") as file:
                    file.writelines(self._checked(digest))
                    os.fchmod(file.fileno(), mode)
                os.rename(temporary, path)
            except BaseException:
                with suppress(OSError):
                    os.unlink(temporary)
                raise

    def _checked(self, digest: str) -> Iterator[bytes]:
        seen = hashlib.sha256()
        try:
            with open(self.path(digest), "rb") as file:
                for chunk in _chunks(file):
                    seen.update(chunk)
                    yield chunk
        except FileNotFoundError:
            raise BlobLost(f"the blob {digest} is gone", hint="run the step again") from None
        except OSError as error:
            raise unreadable(f"the blob {self.path(digest)}", error) from error
        if seen.hexdigest() != digest:
            raise BlobLost(f"the blob {digest} is damaged", hint=f"remove {self.path(digest)}")

    def _keep(self, chunks: Iterator[bytes]) -> str:
        temporary = f"{self.folder}/{INCOMING}/{os.getpid()}.{os.urandom(8).hex()}"
        os.makedirs(f"{self.folder}/{INCOMING}", exist_ok=True)
        digest = hashlib.sha256()
        try:
            with open(temporary, "xb") as file:
                for chunk in chunks:
                    digest.update(chunk)
                    file.write(chunk)
                os.fchmod(file.fileno(), 0o444)
                file.flush()
                os.fdatasync(file.fileno())
            name = digest.hexdigest()
            os.makedirs(f"{self.folder}/{name[:2]}", exist_ok=True)
            with self.locked(fcntl.LOCK_SH):
                # Over one that is there already too: that heals a damaged one and makes it young.
                os.rename(temporary, self.path(name))
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary)
            raise
        return name

    @contextmanager
    def locked(self, how: int) -> Iterator[None]:
        """Hold the lock: shared (`fcntl.LOCK_SH`) to put, alone (`LOCK_EX`) to collect."""
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        descriptor = os.open(f"{self.folder}/{LOCK}", flags, 0o644)
        try:
            fcntl.flock(descriptor, how)
            yield
        finally:
            os.close(descriptor)


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk


@contextmanager
def _reported(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise unwritable(path, error) from error
