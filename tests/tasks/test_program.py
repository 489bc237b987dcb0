"""`summit`: which words make it import which tasks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOOK = """
import sys
from tasks._program import program
try:
    program.run(["summit", *sys.argv[1:]])
except SystemExit:
    pass
print("tasks.stack" in sys.modules, file=sys.stderr)
"""


def imports_all(*words: str) -> bool:
    """Whether other families are imported for these words."""
    run = subprocess.run(
        [sys.executable, "-c", LOOK, *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return run.stderr.splitlines()[-1] == "True"


@pytest.mark.parametrize(
    "words",
    [
        ("audit", "--path", "nowhere"),
        ("audit", "--path=nowhere", "--format", "json"),
        ("audit", "./nowhere", "-f", "json"),
        ("audit.explain", "--rule", "REL001"),
    ],
)
def test_the_audit_imports_no_other_family(words: tuple[str, ...]) -> None:
    assert not imports_all(*words)


@pytest.mark.parametrize(
    "words",
    [
        ("--list",),
        ("audit", "--path", "nowhere", "plan.none"),
        ("audit", "--path=nowhere", "stack.none"),
        ("audit", "--affected", "none", "--path=nowhere"),
    ],
)
def test_a_word_that_may_be_another_task_does(words: tuple[str, ...]) -> None:
    assert imports_all(*words)


def test_no_command_waits_for_a_library_that_few_need() -> None:
    heavy = {"boto3", "docker", "httpx", "hvac", "requests", "rich", "sqlglot"}
    look = f"import sys, tasks; print(*sorted({heavy} & sys.modules.keys()))"

    run = subprocess.run(
        [sys.executable, "-c", look], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert run.stdout.strip() == ""
