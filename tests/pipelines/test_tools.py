"""Tools are asked for their version once, and again when they were replaced."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from pipelines.running import tools
from pipelines.running.tools import ToolMissing, Version
from pipelines.step import Tool


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder


def write(program: Path, script: str) -> None:
    """Replace the program as an installer does: by another file."""
    part = program.with_suffix(".part")
    part.write_text(f"#!/bin/sh\n{script}\n")
    part.chmod(0o755)
    part.replace(program)


def versions(tmp_path: Path, known: Mapping[str, Version] | None = None) -> dict[str, Version]:
    return tools.versions({"tool": Tool(("tool", "--version"))}, known or {}, cwd=str(tmp_path))


def test_a_version_is_the_first_line_that_is_said(programs: Path, tmp_path: Path) -> None:
    write(programs / "tool", 'echo; echo "tool 1.2 $1"; echo more')

    assert versions(tmp_path)["tool"].text == "tool 1.2 --version"


def test_a_version_may_be_said_on_stderr(programs: Path, tmp_path: Path) -> None:
    write(programs / "tool", "echo tool 1.2 >&2")

    assert versions(tmp_path)["tool"].text == "tool 1.2"


def test_a_tool_is_asked_again_when_it_was_replaced(programs: Path, tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    write(programs / "tool", f"echo x >>{asked}; echo tool 1")
    first = versions(tmp_path)
    again = versions(tmp_path, first)

    assert again == first
    assert asked.read_text() == "x\n"

    write(programs / "tool", "echo tool 2")

    assert versions(tmp_path, again)["tool"].text == "tool 2"


def test_a_tool_behind_a_link_is_asked_again_when_it_was_replaced(
    programs: Path, tmp_path: Path
) -> None:
    real = tmp_path / "real"
    write(real, "echo tool 1")
    (programs / "tool").symlink_to(real)
    first = versions(tmp_path)
    write(real, "echo tool 2")

    assert versions(tmp_path, first)["tool"].text == "tool 2"


def test_a_tool_that_comes_first_on_path_by_now_is_asked(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(programs / "tool", "echo tool 1")
    first = versions(tmp_path)
    (tmp_path / "first").mkdir()
    write(tmp_path / "first" / "tool", "echo tool 2")
    monkeypatch.setenv("PATH", f"{tmp_path}/first:{os.environ['PATH']}")

    assert versions(tmp_path, first)["tool"].text == "tool 2"


def test_python_is_the_one_that_runs_this(tmp_path: Path) -> None:
    named = {"python": Tool(("python",)), "words": Tool(("python", "-c", "print(1 + 1)"))}
    found = tools.versions(named, {}, cwd=str(tmp_path))

    assert found["python"].text == f"{sys.implementation.name} {sys.version.split()[0]}"
    assert found["words"].text == "2"


def test_what_python_installs_into_is_watched() -> None:
    python, packages = tools.files(Tool(("python", "-m", "ruff")), cwd="/")

    assert python == sys.executable
    assert packages in sys.path
    assert {python, packages} == set(tools.watched([Tool(("python", "-m", "ruff"))], cwd="/"))


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("exit 3", r"^tool tool: `tool --version` ended with exit code 3; install it, or mend"),
        ("true", r"^tool tool: `tool --version` says nothing; install it"),
        (None, r"^tool tool: no program called 'tool'; install it"),
    ],
)
def test_a_tool_that_cannot_be_asked_is_named(
    programs: Path, tmp_path: Path, script: str | None, message: str
) -> None:
    if script is not None:
        write(programs / "tool", script)

    assert versions(tmp_path)["tool"].text == ""
    with pytest.raises(ToolMissing, match=message) as caught:
        tools.ask("tool", ("tool", "--version"), cwd=str(tmp_path))

    assert caught.value.exit_code == 5


def test_a_tool_that_was_missing_is_asked_once_it_is_there(programs: Path, tmp_path: Path) -> None:
    first = versions(tmp_path)
    write(programs / "tool", "echo tool 1")

    assert versions(tmp_path, first)["tool"].text == "tool 1"


def test_an_optional_tool_is_asked_until_it_answers(programs: Path, tmp_path: Path) -> None:
    write(programs / "tool", f"cat {tmp_path}/up")
    optional = {"tool": Tool(("tool",), is_optional=True)}

    away = tools.versions(optional, {}, cwd=str(tmp_path))
    assert away["tool"].text == ""

    (tmp_path / "up").write_text("service 1")  # the program is as it was
    assert tools.versions(optional, away, cwd=str(tmp_path))["tool"].text == "service 1"


def test_a_tool_is_asked_again_when_what_it_follows_changed(programs: Path, tmp_path: Path) -> None:
    socket = tmp_path / "socket"
    socket.write_text("first")
    write(programs / "tool", f"cat {socket}")
    follower = {"tool": Tool(("tool",), follows=(str(socket),))}
    first = tools.versions(follower, {}, cwd=str(tmp_path))

    socket.write_text("second and longer")

    assert tools.versions(follower, first, cwd=str(tmp_path))["tool"].text == "second and longer"


@pytest.mark.parametrize("place", ["below/stamp", "~/stamp"])
def test_what_a_tool_follows_is_seen_from_the_root_or_from_home(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    file = tmp_path / place.replace("~/", "")
    file.parent.mkdir(exist_ok=True)
    write(programs / "tool", f"cat {file} 2>/dev/null || echo none")
    follower = {"tool": Tool(("tool",), follows=(place,))}
    first = tools.versions(follower, {}, cwd=str(tmp_path))

    file.write_text("made")

    assert tools.versions(follower, first, cwd=str(tmp_path))["tool"].text == "made"
    assert str(file) in tools.watched(follower.values(), cwd=str(tmp_path))
