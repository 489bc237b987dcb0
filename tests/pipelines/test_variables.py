"""A step sees what it declares, what no program does without, and nothing else."""

from __future__ import annotations

import os
import sys

import pytest

from pipelines.running import variables
from pipelines.step import Step

STEP = Step("test", "kit", ("true",), env=("DATABASE_URL",), secrets=("API_TOKEN",))


@pytest.mark.parametrize(
    "name",
    ["DATABASE_URL", "API_TOKEN", "HOME", "TZ", "LC_ALL", "XDG_CONFIG_HOME", "PIP_INDEX_URL",
     "https_proxy", "HTTPS_PROXY", "No_Proxy"],
)  # fmt: skip
def test_what_is_declared_or_needed_by_all_is_passed_on(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "this")

    assert variables.of_step(STEP, {})[name] == "this"


@pytest.mark.parametrize(
    "name", ["DATABASE_URLS", "OTHER_TOKEN", "PYTHONPATH", "VIRTUAL_ENV", "GIT_DIR", "home", "LC"]
)
def test_what_is_not_declared_is_kept_back(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "this")

    assert name not in variables.of_step(STEP, {})


def test_what_is_declared_and_not_set_stays_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)

    assert "DATABASE_URL" not in variables.of_step(STEP, {})


def test_where_services_are_overrides_what_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "elsewhere")

    assert variables.of_step(STEP, {"DATABASE_URL": "here"})["DATABASE_URL"] == "here"


def test_programs_of_this_environment_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/one:/two")
    expected = f"{os.path.dirname(sys.executable)}:/one:/two"  # noqa: PTH120 - as it is in PATH

    assert variables.of_step(STEP, {"PATH": "/never"})["PATH"] == expected
