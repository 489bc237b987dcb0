"""`inv why` and `inv graph`, in a repository of two components."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

ROOT = Path(__file__).parents[2]
CONFIGURATION = """
components:
  kit: {folder: kit, kind: plain}
  fabric: {folder: fabric, kind: plain, needs: [kit]}
kinds:
  plain:
    lint: {run: [python, -c, "open('bad')"], inputs: ["*.txt"]}
    types: {run: [python, -c, ""], inputs: ["*.txt"], needs: [^types]}
"""

Inv = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Steps `types` that pass, steps `lint` that fail, and a key of its own."""
    for name in ("kit", "fabric"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.txt").write_text("a")
    (tmp_path / "pipelines.yaml").write_text(CONFIGURATION)
    (tmp_path / ".gitignore").write_text(".summit/\n/keys/\n")
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    return tmp_path


@pytest.fixture
def inv(repository: Path) -> Inv:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment = {**kept, "PYTHONPATH": str(ROOT), "XDG_CONFIG_HOME": str(repository / "keys")}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tasks", *words],
            cwd=repository,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_a_change_is_followed_from_the_step_to_the_file(inv: Inv, repository: Path) -> None:
    assert inv("why", "types:fabric").stdout == "types:fabric runs: it never ran here\n"

    assert inv("types").returncode == 0
    assert "nothing changed, the evidence holds" in inv("why", "types:fabric").stdout

    (repository / "kit" / "a.txt").write_text("b")
    assert inv("why", "types:fabric").stdout.splitlines()[1:] == [
        "  upstream types:kit, because file kit/a.txt changed"
    ]


def test_a_record_is_compared_with_what_is_here(inv: Inv, repository: Path) -> None:
    inv("types")
    envelope = inv("ledger.show", "--record", "0", "--envelope").stdout
    inputs = inv("ledger.show", "--record", "0", "--inputs").stdout
    (repository / "envelope.json").write_text(envelope)
    (repository / "inputs.json").write_text(inputs)
    (repository / "kit" / "a.txt").write_text("b")

    words = ("why", "types:kit", "--against", "envelope.json", "--inputs", "inputs.json")

    _, proof, *found = inv(*words).stdout.splitlines()
    assert proof.startswith("  signature: holds, by key ")
    assert found == ["  file kit/a.txt changed"]


def test_the_graph_tells_what_holds_and_what_failed(inv: Inv, repository: Path) -> None:
    inv("check", "--keep-going")
    (repository / "fabric" / "a.txt").write_text("b")

    shown = inv("graph").stdout

    assert dict(re.findall(r'\["(.*)"\]:::(\w+)', shown)) == {
        "lint:kit": "failed",
        "lint:fabric": "stale",
        "types:kit": "holds",
        "types:fabric": "stale",
    }


def test_a_gate_alone_is_drawn_into_a_file(inv: Inv, repository: Path) -> None:
    outcome = inv("graph", "--only", "lint", "--svg", "graph.svg")

    drawing = ET.fromstring((repository / "graph.svg").read_text())
    labels = {text.text for text in drawing.iter("{http://www.w3.org/2000/svg}text")}
    assert labels == {"lint:kit", "lint:fabric", "stale"}
    assert outcome.stdout == ""


@pytest.mark.parametrize(
    ("words", "start"),
    [
        (("why", "lint:mars"), "error: no step called 'lint:mars'; known: "),
        (("graph", "--only", "mars"), "error: no component has a step for 'mars'; known: "),
        (("why", "lint:kit", "--against", "1a2b"), "error: no record '1a2b' in "),
    ],
)
def test_what_is_not_there_is_one_line(inv: Inv, words: tuple[str, ...], start: str) -> None:
    outcome = inv(*words)

    assert outcome.stderr.startswith(start)
    assert outcome.stderr.count("\n") == 1
    assert outcome.returncode == 2
