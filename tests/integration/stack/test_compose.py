"""Compose without our tool: the same files, after what only they cannot say was made."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.integration.stack.conftest import DockerProject
from tests.stack.behaviour import described
from tests.stack.project import REPOSITORY

SECRET = """
secrets:
  word:
    file: ./.summit/secrets/word
    x-summit: {generate: password}
"""


def run(command: list[str], root: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=root,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_compose_brings_the_stack_up_from_what_was_made_for_it(project: DockerProject) -> None:
    described(project)
    file = project.root / "compose.yaml"
    grace = "stop_grace_period: 1s"
    file.write_text(file.read_text().replace(grace, f"{grace}\n    secrets: [word]") + SECRET)

    made = project.inv("up", "--for-compose")
    assert made.returncode == 0, made.stderr
    assert project.left() == []

    outcome = run(shlex.split(made.stdout), project.root, COMPOSE_PROJECT_NAME=project.name)
    assert outcome.returncode == 0, outcome.stderr
    told = project.inv("exec", "near", "--", "cat", "/run/secrets/word").stdout
    assert told == (project.root / ".summit/secrets/word").read_text()
    assert project.inv("health").returncode == 0


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--file=compose.yaml", "--file=compose.dev.yaml"],
        ["--profile=*"],
        ["--file=compose.yaml", "--file=.summit/compose.bases.yaml", "--profile=*"],
    ],
)
def test_compose_finds_nothing_to_say_of_our_own_files(words: list[str], tmp_path: Path) -> None:
    for name in ("compose.yaml", "compose.dev.yaml", "docker"):
        source = REPOSITORY / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    made = DockerProject(tmp_path).inv("up", "--for-compose")
    assert made.returncode == 0, made.stderr
    if not (tmp_path / ".summit/compose.bases.yaml").exists():  # where official images can be had
        (tmp_path / ".summit/compose.bases.yaml").write_text(yaml.safe_dump({"services": {}}))

    outcome = run(["docker", "compose", *words, "config", "--quiet"], tmp_path)

    assert (outcome.returncode, outcome.stdout, outcome.stderr) == (0, "", "")
