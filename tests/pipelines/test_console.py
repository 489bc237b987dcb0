"""What is printed, where, and how it looks when nobody watches."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pipelines import console


def test_columns_line_up_and_colour_is_no_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    state = console.paint("up", console.Colour.GOOD)

    shown = console.table(("service", "state", "port"), [("api-gateway", state, "8000")])

    assert shown == "service      state  port\napi-gateway  \x1b[32mup\x1b[0m     8000"


def test_a_table_without_rows_is_its_headers() -> None:
    assert console.table(("service", "state"), []) == "service  state"


def test_results_and_progress_do_not_mix(capsys: pytest.CaptureFixture[str]) -> None:
    console.result("what was asked for")
    console.progress("what is going on")

    assert capsys.readouterr() == ("what was asked for\n", "what is going on\n")


@pytest.mark.parametrize(
    ("no_color", "force_color", "coloured"),
    [("", "", False), ("1", "", False), ("", "1", True), ("1", "1", False)],
)
def test_colour_is_off_unless_it_is_seen_or_forced(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    no_color: str,
    force_color: str,
    *,
    coloured: bool,
) -> None:
    monkeypatch.setenv("NO_COLOR", no_color)
    monkeypatch.setenv("FORCE_COLOR", force_color)

    console.result(console.paint("text", console.Colour.BAD))

    assert ("\x1b[" in capsys.readouterr().out) is coloured


@pytest.mark.parametrize(
    ("github", "shown"), [("", ""), ("true", "::group::pytest\n12 passed\n::endgroup::\n")]
)
def test_a_fold_is_for_github_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], github: str, shown: str
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", github)

    console.fold("pytest", "12 passed")

    assert capsys.readouterr().err == shown


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    script = "from pipelines import console\nwhile True: console.result('line')"
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as program:
        assert program.stdout
        assert program.stderr
        program.stdout.readline()
        program.stdout.close()

        assert program.stderr.read() == b""
    assert program.returncode == 141
