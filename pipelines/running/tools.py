"""Which version a tool has: asked once, and again when its program was replaced."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from pipelines.checkout import stats
from pipelines.errors import MachineError
from pipelines.programs import process
from pipelines.step import Tool


class Version(NamedTuple):
    """What a tool said, nothing if it could not, and the numbers of its files when it was asked."""

    text: str
    numbers: tuple[int, ...]


class ToolMissing(MachineError):
    """A tool whose version matters cannot be asked."""

    def __init__(self, name: str, why: str) -> None:
        hint = "install it, or mend `tools` in pipelines.yaml"
        super().__init__(f"tool {name}: {why}", hint=hint)


def search_path() -> str:
    """PATH as steps see it: the programs of this environment come first."""
    return os.path.dirname(sys.executable) + os.pathsep + os.environ.get("PATH", os.defpath)


def files(tool: Tool, *, cwd: str) -> tuple[str, ...]:
    """The files that change when the tool is replaced: its program, and what Python installs into.

    An upgrade of a Python package leaves the interpreter as it is and touches `site-packages`.
    No program for a tool that is not there. What it follows is written as seen from `cwd`.
    """
    follows = (os.path.join(cwd, os.path.expanduser(file)) for file in tool.follows)
    if tool.command[0] == "python":
        return (sys.executable, _site_packages(), *follows)
    import shutil

    found = shutil.which(tool.command[0], path=search_path())
    if found is None:
        return tuple(follows)
    real = os.path.realpath(found)
    is_installed_here = os.path.dirname(found) == os.path.dirname(sys.executable)
    return (real, *((_site_packages(),) if is_installed_here else ()), *follows)


def versions(
    tools: Mapping[str, Tool], known: Mapping[str, Version], *, cwd: str
) -> dict[str, Version]:
    """The version of every tool by name; who has not changed since `known` is not asked again.

    A tool that is missing matters to those only who run a step that needs it: they `ask`. An
    optional one is asked each time until it answers: it may be a service that was not up.
    """
    found = {}
    for name, tool in tools.items():
        numbers = tuple(stats.stats(files(tool, cwd=cwd)))
        before = known.get(name)
        if before and before.numbers == numbers and (before.text or not tool.is_optional):
            found[name] = before
            continue
        try:
            found[name] = Version(ask(name, tool.command, cwd=cwd), numbers)
        except ToolMissing:
            found[name] = Version("", numbers)
    return found


def watched(tools: Iterable[Tool], *, cwd: str) -> Iterable[str]:
    """Every file that `versions` looks at."""
    return {file for tool in tools for file in files(tool, cwd=cwd)}


def ask(name: str, command: Sequence[str], *, cwd: str) -> str:
    """What the tool says of its version, in one line. Raises `ToolMissing`."""
    if list(command) == ["python"]:
        return f"{sys.implementation.name} {sys.version.split()[0]}"
    program = sys.executable if command[0] == "python" else command[0]
    env = {**os.environ, "PATH": search_path()}
    try:
        said = process.read((program, *command[1:]), cwd=cwd, env=env)
    except process.ProgramMissing as error:
        raise ToolMissing(name, error.message) from None
    if not said:
        raise ToolMissing(name, f"`{' '.join(command)}` ended with exit code {said.code}")
    words = said.text.strip() or said.errors.strip()
    if not words:
        raise ToolMissing(name, f"`{' '.join(command)}` says nothing")
    return words.splitlines()[0]


def _site_packages() -> str:
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    home = os.path.dirname(os.path.dirname(sys.executable))
    return os.path.join(home, "lib", version, "site-packages")
