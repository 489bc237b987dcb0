"""What the how-to pages tell to type is typed here, word for word, in a small repository."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines import compose

ROOT = Path(__file__).parents[2]
CONFIGURATION = """
components: {fabric: {folder: fabric, kind: plain}}
kinds: {plain: {test: {run: [cat, a.txt]}}}
"""

Shell = Callable[[str], subprocess.CompletedProcess[str]]


def blocks(page: str, kind: str) -> list[str]:
    """The fenced blocks of a how-to page, without their indentation."""
    text = (ROOT / "docs" / "how-to" / f"{page}.md").read_text()
    found = re.findall(rf"^( *)```{kind}\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    return [re.sub(rf"^{indent}", "", block, flags=re.MULTILINE) for indent, block in found]


def typed(page: str) -> list[str]:
    """The commands of a page, in order."""
    lines = (line for block in blocks(page, "console") for line in block.splitlines())
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """One component with one step, and an `./inv` that is the one of this checkout."""
    (tmp_path / "fabric").mkdir()
    (tmp_path / "fabric" / "a.txt").write_text("a\n")
    (tmp_path / "pipelines.yaml").write_text(CONFIGURATION)
    inv = tmp_path / "inv"
    inv.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m tasks "$@"\n')
    inv.chmod(0o755)
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    return tmp_path


@pytest.fixture
def shell(repository: Path) -> Shell:
    own = {"XDG_CONFIG_HOME": str(repository / "keys"), "HOME": str(repository)}

    def run(line: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "-c", line],
            cwd=repository,
            env={**os.environ, **own},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_cosign_verifies_what_the_page_takes_out_of_the_ledger(
    shell: Shell, cosign: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(cosign.parent), prepend=os.pathsep)
    assert shell("./inv test").returncode == 0

    said = [shell(line.replace("RECORD", "0")) for line in typed("verify-evidence-with-cosign")]

    assert [each.returncode for each in said] == [0] * 6
    assert said[-2].stderr == "Verified OK\n"
    assert '"result":"PASSED"' in said[-1].stdout


def test_the_new_service_of_the_page_fits_into_the_compose_file(tmp_path: Path) -> None:
    added = blocks("add-a-service", "yaml")[0].removeprefix("services:\n")
    services, secrets = added.split("\nsecrets:\n")
    text = (ROOT / "compose.yaml").read_text()
    file = tmp_path / "compose.yaml"
    file.write_text(text.replace("\nnetworks:\n", f"{services}\nnetworks:\n", 1) + secrets)

    project = compose.load(file, environ={})

    patrol, migrate = project.services["patrol"], project.services["patrol-migrate"]
    assert patrol.image == migrate.image == "summit-patrol"
    assert (
        patrol.build
        == migrate.build
        == {
            "context": ".",
            "dockerfile": "docker/service.Dockerfile",
            "args": {"SERVICE": "patrol"},
        }
    )


def test_a_record_made_elsewhere_is_compared_as_the_page_says(
    shell: Shell, repository: Path
) -> None:
    assert shell("./inv test").returncode == 0
    (repository / "fabric" / "a.txt").write_text("b\n")
    lines = [line for line in typed("find-out-why-a-step-runs") if "record" in line.lower()]

    *_, compared = [shell(line.replace("RECORD", "0")) for line in lines]

    assert compared.stdout.splitlines()[-1] == "  file fabric/a.txt changed"


def test_a_change_is_explained_as_the_page_shows(shell: Shell, repository: Path) -> None:
    page = (ROOT / "docs" / "how-to" / "find-out-why-a-step-runs.md").read_text()
    never = shell("./inv why test:fabric").stdout
    assert never.endswith(": it never ran here\n")

    (repository / "pipelines.yaml").write_text(CONFIGURATION.replace("a.txt", "b.txt"))
    assert shell("./inv test").returncode == 1
    since = shell("./inv why test:fabric").stdout

    assert '"It never ran here"' in page
    assert "nothing changed since it failed" in since
    assert '"Nothing changed since it failed"' in page


def test_the_gate_of_the_page_runs_once_and_then_holds(shell: Shell, repository: Path) -> None:
    (block,) = blocks("add-a-gate", "yaml")
    script = repository / "tools" / "licences.py"
    script.parent.mkdir()
    script.write_text("import sys\nsys.exit('forbidden' in open(sys.argv[1]).read())\n")
    (repository / "requirements.txt").write_text("fine==1.0\n")
    control = repository / "tests" / "controls" / "licences" / "forbidden"
    for half, text in (("fault", "forbidden==1.0\n"), ("clean", "fine==1.0\n")):
        (control / half).mkdir(parents=True)
        (control / half / "requirements.txt").write_text(text)
    (repository / "pipelines.yaml").write_text(block)

    said = [shell(line) for line in typed("add-a-gate")]

    assert [each.returncode for each in said] == [0] * 5, said
    plan, first, second, strict, controls = said
    assert "licences:repository  run   it never ran here" in plan.stdout
    assert "1 passed, 0 from ledger" in first.stderr
    assert "0 passed, 1 from ledger" in second.stderr
    assert "1 passed" in strict.stderr
    assert "detected" in controls.stdout
