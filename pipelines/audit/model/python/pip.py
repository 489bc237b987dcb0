"""What commands of Python's installers install: pip, uv, Poetry, Pipenv, PDM."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from pipelines.audit.model.python.requirements import Requirement, parse
from pipelines.audit.model.shell import Command
from pipelines.audit.place import Place

_PYTHON = re.compile(r"(python|pypy)[\d.]*")
_PIP = re.compile(r"pip[\d.]*")
# Options of pip and uv that take a word.
_VALUED = {
    "-c", "--constraint", "-i", "--index-url", "--extra-index-url", "-f", "--find-links", "-t",
    "--target", "--prefix", "--root", "--src", "--python", "-p", "--platform", "--python-version",
    "--only-binary", "--no-binary", "--timeout", "--retries", "--trusted-host", "--cache-dir", "-w",
    "--wheel-dir", "-d", "--dest", "--progress-bar", "--index-strategy", "--config-settings",
    "--proxy", "--cert", "--log", "--upgrade-strategy", "--use-feature", "--abi", "--link-mode",
    "--default-index", "--index", "--torch-backend", "--exclude-newer", "--overrides", "-C",
    "--root-user-action", "--implementation", "--compile-args", "--global-option", "--report",
    "--group", "--extra", "--package", "--directory", "--project", "--only-group", "--no-group",
    "--python-platform", "--python-preference", "--prerelease", "--keyring-provider",
    "--refresh-package", "--build-constraints", "--override", "--exclude",
    "--with", "--without", "--only", "--extras", "-E", "-P", "--upgrade-package", "--resolution",
}  # fmt: skip
_VERBS = ("install", "wheel", "download", "sync")
_SYSTEM = re.compile(r"(?:python3?|py3)-(.+)")


class Source(Enum):
    """Where the list of what is installed stands."""

    COMMAND = "command"  # in its words
    FILE = "file"  # in a requirements file
    PROJECT = "project"  # in the project file of a folder
    LOCK = "lock"  # in the lock beside a project file


@dataclass(frozen=True)
class Install:
    """One thing that a command asks for.

    `path` is of a requirements file or a project's folder, as it is written; `extras` are a
    project's extras and groups. `is_unknown` for what cannot be told, such as a variable.
    """

    source: Source
    command: Command
    requirement: Requirement | None = None
    path: str = ""
    extras: tuple[str, ...] = ()
    is_unknown: bool = False
    is_editable: bool = False

    @property
    def place(self) -> Place:
        return self.command.place


def read(command: Command) -> Iterator[Install]:
    """What a command installs; nothing when it is no installer of Python's distributions."""
    words = list(command.words)
    if not words:
        return
    program = command.program
    if _PYTHON.fullmatch(program) and words[1:2] == ["-m"]:
        words = words[2:]
        program = words[0] if words else ""
    elif "-m" in words[1:4] and _PYTHON.fullmatch(program):  # python -u -m pip
        words = words[words.index("-m") + 1 :]
        program = words[0] if words else ""
    rest = words[1:]
    if program == "uv" and rest[:1] == ["pip"]:
        program, rest = "pip", rest[1:]
    if program == "uv" and rest[:2] == ["tool", "install"]:
        return
    if _PIP.fullmatch(program):
        yield from _pip(rest, command)
    elif program in _PROJECTS:
        yield from _PROJECTS[program](rest, command)
    elif program == "pip-sync":
        files = [word for word in rest if not word.startswith("-")] or ["requirements.txt"]
        yield from (Install(Source.FILE, command, path=path) for path in files)
    elif program in (
        "conda",
        "mamba",
        "micromamba",
        "pixi",
        "easy_install",
        "hatch",
        "rye",
        "opentelemetry-bootstrap",
        "edot-bootstrap",
    ):
        yield Install(Source.COMMAND, command, is_unknown=True)
    elif program in ("apt-get", "apt", "apk", "dnf", "yum", "microdnf"):
        yield from _system(rest, command)


def _pip(words: Sequence[str], command: Command) -> Iterator[Install]:
    verb = next((word for word in words if word in _VERBS), "")
    if not verb:
        return
    rest = list(words[list(words).index(verb) + 1 :])
    extras: list[str] = []
    found: list[Install] = []
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        if word.startswith("-r") and not word.startswith("--") and len(word) > 2:
            found.append(Install(Source.FILE, command, path=word[2:]))
        elif name in ("-r", "--requirement", "--requirements", "-e", "--editable"):
            value = value if equals else (rest.pop(0) if rest else "")
            if name in ("-e", "--editable"):
                found.extend(_operand(value, command, is_editable=True))
            else:
                found.append(_file(value, command))
        elif name in ("--group", "--extra"):
            extras.append(value if equals else (rest.pop(0) if rest else ""))
        elif word in _VALUED:
            del rest[:1]
        elif not word.startswith("-"):
            if verb == "sync":
                found.append(_file(word, command))
            else:
                found.extend(_operand(word, command))
    yield from found
    if extras:
        yield Install(Source.PROJECT, command, path=".", extras=tuple(extras))


def _file(path: str, command: Command) -> Install:
    if path.endswith((".toml", ".cfg", "setup.py")):
        return Install(Source.PROJECT, command, path=_folder(path))
    return Install(Source.FILE, command, path=path, is_unknown="$" in path)


def _operand(word: str, command: Command, *, is_editable: bool = False) -> Iterator[Install]:
    path, _, extras = word.partition("[")
    if path.startswith((".", "/")) or word.endswith((".whl", ".tar.gz", ".zip")):
        is_archive = path.endswith((".whl", ".tar.gz", ".zip")) or "*" in path
        if is_archive and path.endswith(".whl") and "-" in path and "*" not in path:
            name = path.rpartition("/")[2].partition("-")[0]
            yield Install(Source.COMMAND, command, parse(name, command.place))
        else:
            names = tuple(it.strip() for it in extras.rstrip("]").split(",") if it.strip())
            yield Install(
                Source.PROJECT, command, path=path, extras=names, is_unknown=is_archive,
                is_editable=is_editable,
            )  # fmt: skip
        return
    requirement = parse(word, command.place)
    if requirement is None or "$" in word or "*" in word.partition("=")[0]:
        yield Install(Source.COMMAND, command, is_unknown=True)
    else:
        yield Install(Source.COMMAND, command, requirement, is_editable=is_editable)


def _folder(path: str) -> str:
    return path.rpartition("/")[0] or "."


def _options(words: Sequence[str], *names: str) -> list[str]:
    found = []
    for index, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name in names:
            value = value if equals else "".join(words[index + 1 : index + 2])
            found += [it for it in re.split(r"[,\s]+", value.strip("\"'")) if it]
    return found


def _uv(words: Sequence[str], command: Command) -> Iterator[Install]:
    if words[:1] not in (["sync"], ["export"], ["run"], ["add"]):
        return
    if words[0] == "add":
        yield from _added(words[1:], command)
        return
    folder = (_options(words, "--directory", "--project") or ["."])[0]
    extras = _options(words, "--extra", "--group", "--only-group")
    if "--all-extras" in words or "--all-groups" in words:
        extras.append("*")
    if not {"--no-dev", "--only-group", "--no-default-groups"} & set(words):
        extras.append("dev")
    yield Install(Source.LOCK, command, path=folder, extras=tuple(extras))


def _added(words: Sequence[str], command: Command) -> Iterator[Install]:
    for word in words:
        if not word.startswith("-"):
            yield from _operand(word, command)


def _poetry(words: Sequence[str], command: Command) -> Iterator[Install]:
    verbs = [word for word in words if not word.startswith("-")]
    if verbs[:1] == ["add"]:
        yield from _added(words[list(words).index("add") + 1 :], command)
        return
    if verbs[:1] not in (["install"], ["sync"], ["export"]):
        return
    folder = (_options(words, "-C", "--directory", "--project", "-P") or ["."])[0]
    extras = _options(words, "--with", "--extras", "-E", "--only")
    if "--all-extras" in words:
        extras.append("*")
    only = _options(words, "--only")
    is_slim = only or {"--no-dev", "--only-root"} & set(words)
    if not is_slim and "dev" not in _options(words, "--without"):
        extras.append("dev")
    yield Install(Source.LOCK, command, path=folder, extras=tuple(extras))


def _pipenv(words: Sequence[str], command: Command) -> Iterator[Install]:
    if words[:1] not in (["install"], ["sync"], ["requirements"]):
        return
    named = [word for word in words[1:] if not word.startswith("-")]
    if named and words[0] == "install":
        yield from _added(named, command)
        return
    extras = ("dev",) if "--dev" in words or "-d" in words else ()
    yield Install(Source.LOCK, command, path=".", extras=extras)


def _pdm(words: Sequence[str], command: Command) -> Iterator[Install]:
    if words[:1] not in (["install"], ["sync"], ["export"]):
        return
    extras = _options(words, "-G", "--group", "--with")
    if "--prod" not in words and "--production" not in words and "--no-default" not in words:
        extras.append("dev")
    yield Install(Source.LOCK, command, path=".", extras=tuple(extras))


_PROJECTS: dict[str, Callable[[Sequence[str], Command], Iterator[Install]]] = {
    "uv": _uv,
    "poetry": _poetry,
    "pipenv": _pipenv,
    "pdm": _pdm,
}


def _system(words: Sequence[str], command: Command) -> Iterator[Install]:
    """Packages of the system that are Python's: `python3-numpy`, `py3-numpy`."""
    for word in words:
        match = _SYSTEM.fullmatch(word.partition("=")[0])
        if match:
            requirement = parse(match[1], command.place)
            if requirement is not None:
                yield Install(Source.COMMAND, command, requirement)
