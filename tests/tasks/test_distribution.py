"""`summit-pipelines` as others install it: the same commands, without this checkout."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks import namespace

ROOT = Path(__file__).parents[2]
CONFIGURATION = """
components: {all: {folder: ., kind: repository}}
kinds: {repository: {look: {run: [cat, a.txt]}}}
"""

Summit = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the distribution was built from a copy for and installed into."""
    folder = tmp_path_factory.mktemp("distribution")
    source, site = folder / "source", folder / "site"
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
    return site


@pytest.fixture
def summit(site: Path, tmp_path: Path) -> Summit:
    """Runs the installed program in a repository that has no tasks of its own."""
    repository = tmp_path / "elsewhere"
    repository.mkdir()
    subprocess.run(["git", "init", "--quiet"], cwd=repository, check=True)
    (repository / "pipelines.yaml").write_text(CONFIGURATION)
    (repository / "a.txt").write_text("a\n")

    def run(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        own = {"PYTHONPATH": str(site), "XDG_CONFIG_HOME": str(tmp_path / "keys")}
        return subprocess.run(
            [site / "bin" / "summit", *words],
            cwd=repository,
            env={**os.environ, **own, **variables},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_it_lists_the_same_tasks(summit: Summit) -> None:
    listed = summit("--list")

    names = re.findall(r"^  (\S+)(?: \(\S+\))? +[A-Z]\w+ ", listed.stdout, re.MULTILINE)
    assert sorted(names) == sorted(namespace.task_names)


def test_it_checks_a_repository_and_does_not_do_so_twice(summit: Summit) -> None:
    first, second = summit("check"), summit("check")

    assert [first.returncode, second.returncode] == [0, 0]
    assert "1 passed, 0 from ledger" in first.stderr
    assert "0 passed, 1 from ledger" in second.stderr


def test_it_answers_what_did_not_change_without_invoke(summit: Summit) -> None:
    summit("check")  # the file is new, so its times cannot tell a later change
    summit("check")

    answered = summit("check", PYTHONPROFILEIMPORTTIME="1")

    imported = re.findall(r"\| +([\w.]+)$", answered.stderr, re.MULTILINE)
    assert "pipelines.checkout.snapshot" in imported
    assert {"pipelines.gates", "invoke", "asyncio", "rich", "yaml"} & set(imported) == set()
