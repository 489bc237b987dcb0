"""Another machine's container engine, reached by SSH as a person reaches it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.swarm.sshd import HOST

_CONFIG = """
Host *
  IdentityFile {folder}/identity
  IdentitiesOnly yes
  UserKnownHostsFile {folder}/known_hosts
  StrictHostKeyChecking yes
"""


@contextmanager
def reached_by_ssh(socket: str, folder: Path) -> Iterator[str]:
    """The `ssh://` address of the machine with this engine.

    As long as this lasts `ssh` knows of it and of the user's key by a configuration of its own.
    """
    server = Path(__file__).with_name("sshd.py")
    words = [sys.executable, str(server), socket.removeprefix("unix://"), str(folder)]
    (folder / "config").write_text(_CONFIG.format(folder=folder))
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    with (
        subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        ) as program,
        pytest.MonkeyPatch.context() as patch,
    ):
        assert program.stdout
        port = int(program.stdout.readline())
        patch.setenv("PATH", f"{_configured(folder)}:{os.environ['PATH']}")
        yield f"ssh://deploy@{HOST}:{port}"
        program.communicate()


def _configured(folder: Path) -> Path:
    """The folder of an `ssh` that reads this configuration, and no person's."""
    programs = folder / "bin"
    programs.mkdir()
    script = programs / "ssh"
    script.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {folder}/config "$@"\n')
    script.chmod(0o755)
    return programs
