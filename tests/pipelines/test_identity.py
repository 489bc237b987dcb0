"""Who a process is, and that nobody else is taken for it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from pipelines.programs import identity

Until = Callable[[Callable[[], object]], None]


def test_each_process_is_another_until_it_ends(until: Until) -> None:
    with subprocess.Popen(["cat"], stdin=-1) as program:
        found = identity.of(program.pid)
        assert found not in (None, identity.of(os.getpid()))
        assert identity.of(program.pid) == found

        program.kill()  # and nobody has asked yet how it ended
        until(lambda: identity.of(program.pid) is None)
    assert identity.of(program.pid) is None


def test_a_program_is_known_whatever_it_is_called(tmp_path: Path) -> None:
    odd = tmp_path / "a) Z (b"
    odd.symlink_to("/bin/cat")
    with subprocess.Popen([odd], stdin=-1) as program:
        own, other = identity.of(os.getpid()), identity.of(program.pid)

    assert own is not None
    assert other is not None
    assert own.split("-")[0] == other.split("-")[0]
    assert int(other.split("-")[2]) >= int(own.split("-")[2])


def test_a_clock_that_is_set_makes_nobody_another(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = identity.of(os.getpid()), psutil.Process().create_time()
    (tmp_path / "stat").write_text("btime 1\n")
    (tmp_path / str(os.getpid())).symlink_to(f"/proc/{os.getpid()}")

    monkeypatch.setattr(psutil, "PROCFS_PATH", str(tmp_path))  # where the clock stands elsewhere

    assert psutil.Process().create_time() != before[1]
    assert identity.of(os.getpid()) == before[0]
