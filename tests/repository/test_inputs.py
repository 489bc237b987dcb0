"""What `pipelines.yaml` declares as inputs is all that the quick gates read."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.checkout import git
from pipelines.controls import scratch

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("gate", ["lint", "audit"])
def test_a_gate_reads_nothing_that_it_does_not_declare(gate: str, tmp_path: Path) -> None:
    files = {path: path for path in git.files(str(ROOT)) if (ROOT / path).is_file()}
    with scratch.copied(str(ROOT), files) as copy:
        ended = subprocess.run(
            [sys.executable, "-m", "tasks", gate, "--strict-inputs", "--keep-going"],
            check=False,
            cwd=copy,
            env={**os.environ, "XDG_CONFIG_HOME": str(tmp_path)},
            capture_output=True,
            text=True,
        )

    assert ended.returncode == 0, ended.stderr
    assert " passed, 0 from ledger, 0 failed" in ended.stderr
