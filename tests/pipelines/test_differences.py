"""What differs between two lists of inputs, in words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipelines.planning.fingerprint import Fingerprint
from pipelines.reporting.differences import ABSENT, Difference, differences

FINGERPRINT = Fingerprint(
    step="test",
    component="fabric",
    argv=("python", "-m", "pytest", "--maxfail=1", "services/fabric"),
    cwd="services/fabric",
    files={"services/fabric/app.py": "100644 aa", "pyproject.toml": "100644 bb"},
    locks={"requirements.txt": "cc"},
    env={"CI": None, "DATABASE_URL": "postgres://db"},
    secrets={"API_TOKEN": False},
    tools={"ruff": "0.4.1"},
    upstream={"test:kit": "dd"},
    services={"postgres": "ee"},
    outputs=("dist/**",),
)


def changes(**fields: Any) -> list[str]:
    """What is said when these fields of the document have other values, or none with `ABSENT`."""
    before = json.loads(FINGERPRINT.document())
    after = {name: it for name, it in (before | fields).items() if it is not ABSENT}
    return [str(it) for it in differences(before, after)]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"files": {"pyproject.toml": "100644 bb"}}, ["file services/fabric/app.py vanished"]),
        (
            {"files": dict(FINGERPRINT.files) | {"pyproject.toml": "100644 b0", "a": "100644 a"}},
            ["file a appeared", "file pyproject.toml changed"],
        ),
        (
            {"files": dict(FINGERPRINT.files) | {"pyproject.toml": "100755 bb"}},
            ["file pyproject.toml: mode 100644 -> 100755"],
        ),
        ({"locks": {"requirements.txt": "c0"}}, ["lock requirements.txt changed"]),
        ({"locks": {}}, ["lock requirements.txt vanished"]),
        (
            {"env": {"CI": "true", "DATABASE_URL": None}},
            ['variable CI: unset -> "true"', 'variable DATABASE_URL: "postgres://db" -> unset'],
        ),
        (
            {"env": {"DATABASE_URL": "postgres://db", "TZ": ""}},
            ["variable CI: unset -> not declared", 'variable TZ: not declared -> ""'],
        ),
        ({"secrets": {"API_TOKEN": True}}, ["secret API_TOKEN: unset -> set"]),
        ({"secrets": {}}, ["secret API_TOKEN: unset -> not declared"]),
        ({"tools": {"ruff": "0.4.2"}}, ["tool ruff: 0.4.1 -> 0.4.2"]),
        ({"tools": {"ruff": "0.4.1", "uv": "1"}}, ["tool uv: not declared -> 1"]),
        ({"upstream": {"test:kit": "d0"}}, ["upstream test:kit changed"]),
        (
            {"upstream": {"lint:kit": "1"}},
            ["upstream lint:kit is needed now", "upstream test:kit is no longer needed"],
        ),
        ({"services": {"postgres": "e0"}}, ["service postgres changed"]),
        ({"services": {}}, ["service postgres is no longer needed"]),
        ({"outputs": ["dist/**", "*.xml"]}, ["outputs: + '*.xml'"]),
        ({"cwd": ""}, ['folder: "services/fabric" -> ""']),
        ({"format": 2}, ["Summit's format: 1 -> 2"]),
        ({"component": "kit"}, ['component: "fabric" -> "kit"']),
        ({"colour": {"a": 1}}, ["colour a: not declared -> 1"]),
        ({"tools": ABSENT}, ["tool ruff: 0.4.1 -> not declared"]),
    ],
)
def test_each_difference_is_said_in_words(fields: dict[str, Any], words: list[str]) -> None:
    assert changes(**fields) == words


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (
            ["python", "-m", "pytest", "--maxfail=2", "services/fabric"],
            "--maxfail=1 -> --maxfail=2",
        ),
        (["python", "-m", "pytest", "services/fabric"], "- --maxfail=1"),
        (
            ["uv", "run", "-m", "pytest", "--maxfail=1", "services/fabric", "-k", "not slow"],
            "python -> uv run, + -k 'not slow'",
        ),
    ],
)
def test_of_a_command_only_the_changed_words_are_shown(argv: list[str], words: str) -> None:
    assert changes(argv=argv) == [f"command: {words}"]


def test_equal_documents_do_not_differ() -> None:
    assert changes() == []


def test_causes_nearest_to_a_person_come_last() -> None:
    found = changes(upstream={}, files={}, tools={}, argv=[])

    assert [line.split()[0] for line in found] == ["command:", "tool", "file", "file", "upstream"]


def test_a_difference_keeps_both_values() -> None:
    (found,) = differences({"env": {"CI": None}}, {"env": {"CI": "1"}})

    assert found == Difference("env", "CI", None, "1")
    assert found.is_change
