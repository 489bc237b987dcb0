"""The front door: `inv --list`, `--help`, and several tasks on one line."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tasks import namespace

ROOT = Path(__file__).parents[2]
TASKS = sorted(namespace.task_names)


def run(*command: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def inv(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return run(sys.executable, "-P", "-m", "invoke", *arguments, cwd=cwd)


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A repository with nothing in it but its own tasks."""
    shutil.copy(ROOT / "tasks.py", tmp_path)
    for package in ("tasks", "pipelines"):
        ignored = shutil.ignore_patterns("__pycache__", "requirements.*")
        shutil.copytree(ROOT / package, tmp_path / package, ignore=ignored)
    (tmp_path / "compose.yaml").write_text("services: {}\n")
    return tmp_path


def test_every_task_is_listed_with_a_sentence() -> None:
    listed = inv("--list")

    named = re.findall(r"^  (\S+)(?: \(\S+\))? +[A-Z]\w+ ", listed.stdout, re.MULTILINE)
    assert sorted(named) == TASKS


@pytest.mark.parametrize("name", TASKS)
def test_each_help_has_an_example(name: str) -> None:
    (typed, *_) = [*namespace.task_names[name], name]  # the default of a collection is its name

    assert f"Example: inv {typed}" in " ".join((namespace[name].__doc__ or "").split())


def test_several_tasks_run_in_the_order_typed(tiny: Path) -> None:
    (tiny / "test_one.py").write_text("def test_one(): pass\n")

    outcome = inv("test", "--only", "test_one.py", "lock", "--check", cwd=tiny)

    assert "1 passed" in outcome.stdout
    assert outcome.stderr.splitlines()[-1] == "0 locks hold"
    assert outcome.returncode == 0


def test_a_failed_selection_is_one_line_and_stops_what_follows(tiny: Path) -> None:
    (tiny / "test_one.py").write_text("def test_one(): assert False\n")

    outcome = inv("test", "--only", "test_one.py", "lock", "--check", cwd=tiny)

    assert outcome.stderr.splitlines()[-1] == "error: pytest ended with exit code 1"
    assert outcome.returncode == 1


def test_paths_are_meant_as_typed_from_a_folder_below(tiny: Path) -> None:
    below = tiny / "services"
    below.mkdir()
    (below / "test_one.py").write_text("def test_one(): pass\ndef test_two(): assert False\n")

    outcome = inv("test", "--only", "test_one.py::test_one", cwd=below)

    assert "1 passed" in outcome.stdout
    assert outcome.returncode == 0


def test_a_place_without_tests_is_one_line(tiny: Path) -> None:
    outcome = inv("test", "--only", "nowhere", cwd=tiny)

    assert outcome.stderr == "error: no such file or folder: nowhere\n"
    assert outcome.returncode == 2


def test_the_plain_inv_is_the_same_thing() -> None:
    script = Path(sys.executable).with_name("inv")

    assert run(script, "--list").stdout == inv("--list").stdout
