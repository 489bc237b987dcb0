"""Compose without our tool: the same files, after what only they cannot say was made."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
import yaml

from pipelines.containers import leftovers
from pipelines.stack import ports
from tests.integration.stack.conftest import DockerProject
from tests.stack.behaviour import described
from tests.stack.project import REPOSITORY

Until = Callable[[Callable[[], object]], None]
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


DEVELOPED = """
services:
  console:
    ports: !override ["127.0.0.1:%s:3000"]
"""


@pytest.fixture
def developed(tmp_path: Path) -> Iterator[Path]:
    """A copy of our own checkout whose console runs from its source, at `address`."""
    for name in ("compose.yaml", "compose.dev.yaml", "services"):
        source = REPOSITORY / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    port = ports.any_free()
    (tmp_path / "test.yaml").write_text(DEVELOPED % port)
    (tmp_path / "address").write_text(f"http://127.0.0.1:{port}")
    files = ["--file=compose.yaml", "--file=compose.dev.yaml", "--file=test.yaml"]
    words = ["docker", "compose", f"--project-name={leftovers.name()}", *files]
    up = run([*words, "up", "--wait", "--no-build", "console"], tmp_path)
    try:
        assert up.returncode == 0, up.stderr
        yield tmp_path
    finally:
        run([*words, "down"], tmp_path)


def test_what_changes_in_the_source_is_served_anew(developed: Path, until: Until) -> None:
    address = (developed / "address").read_text()
    settings = f"{address}/config.json"
    assert "changed" not in httpx.get(settings).json()

    source = developed / "services/console/app.py"
    text = source.read_text()
    assert '{"gateway"' in text
    source.write_text(text.replace('{"gateway"', '{"changed": "", "gateway"'))

    until(lambda: "changed" in _read(settings))


def _read(url: str) -> str:
    with suppress(httpx.HTTPError):  # it starts anew
        return httpx.get(url).text
    return ""
