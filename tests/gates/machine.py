"""Machines on which something is wrong, made of namespaces: nothing of them outlives the test."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

# `cat` goes on until its input is closed, and with it all mounts end.
_HOLD = 'mount "$@" && echo ready && exec cat'
_ENTER = 'cd "$0" && exec "$@"'


@dataclass(frozen=True)
class Mounted:
    """A mount that only some see: who was started `within` these words."""

    process: int
    folder: Path

    @property
    def within(self) -> tuple[str, ...]:
        """The words before a command that let it see the mount, with the folder as its own."""
        enter = ("nsenter", *_own_user(), f"--target={self.process}", "--mount")
        return (*enter, "sh", "-c", _ENTER, str(self.folder))

    def seen(self, path: Path) -> Path:
        """Where a file is to be found from here that they see at this path."""
        return Path(f"/proc/{self.process}/root{path}")


@contextmanager
def mounted(folder: Path, *words: str) -> Iterator[Mounted]:
    """Let `mount` do this in a namespace of its own; commands within it start in the folder."""
    unshare = ("unshare", "--mount", *(("--user", "--map-root-user") if os.getuid() else ()))
    try:
        holder = subprocess.Popen(
            [*unshare, "sh", "-c", _HOLD, "mount", *words], stdin=-1, stdout=-1, stderr=-1
        )
    except FileNotFoundError:
        pytest.fail("a full or read-only disk is made by Linux's `unshare`, which is missing here")
    with holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stderr is not None
        if holder.stdout.readline() != b"ready\n":
            pytest.fail(f"cannot make a disk for the test: {holder.stderr.read().decode()}")
        yield Mounted(holder.pid, folder)
        holder.stdin.close()


def as_ordinary() -> tuple[str, ...]:
    """The words before a command for which the modes of files hold, as they do not for root."""
    if os.getuid():
        return ()
    dropped = "-dac_override,-dac_read_search"
    return ("setpriv", f"--bounding-set={dropped}", "--inh-caps=-all", "--")


def _own_user() -> tuple[str, ...]:
    return ("--user", "--preserve-credentials") if os.getuid() else ()
