"""`summit-pipelines` as others install it: the same tasks, without this checkout."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tasks import namespace

ROOT = Path(__file__).parents[2]


def test_the_installed_program_lists_the_same_tasks_elsewhere(tmp_path: Path) -> None:
    source, site, elsewhere = tmp_path / "source", tmp_path / "site", tmp_path / "elsewhere"
    elsewhere.mkdir()
    source.mkdir()  # a copy, since a build writes beside what it builds
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for package in ("pipelines", "tasks"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, source / package, ignore=ignored)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    # What is built with is in the lock; what the test prints would be pip's view of this machine.
    subprocess.run(
        [*pip, "--no-build-isolation", f"--target={site}", source],
        check=True,
        env={**os.environ, "PIP_CONFIG_FILE": os.devnull},
    )

    listed = subprocess.run(
        [site / "bin" / "summit", "--list"],
        cwd=elsewhere,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=True,
    )

    names = re.findall(r"^  (\S+) +[A-Z]\w+ ", listed.stdout, re.MULTILINE)
    assert names == sorted(namespace.task_names)
