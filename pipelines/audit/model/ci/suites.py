"""Test suites: which test files there are, and into which of them a test command looks."""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from pipelines.audit.model import toml
from pipelines.audit.model.ci import gates
from pipelines.audit.model.ci.reach import Reached
from pipelines.audit.model.roles import Role, role
from pipelines.audit.tracked import Tracked, join

# What makes a folder something that is built or installed as one.
_COMPONENT = frozenset(
    ("requirements.txt", "pyproject.toml", "setup.py", "package.json", "Dockerfile", "setup.cfg")
)
_PYTHON = frozenset(("pytest", "py.test", "unittest", "nose2", "trial", "stestr"))
_PYTHON_TEST = re.compile(
    r"^[ \t]*(async )?def test|^class \w*Test|^class \w+\(.*TestCase", re.MULTILINE
)
_JAVASCRIPT_TEST = re.compile(r"\.(test|spec)\.[cm]?[jt]sx?$")
_TEST_FOLDER = re.compile(r"tests?|__tests__|spec|e2e", re.IGNORECASE)
# Suites that take a system, a person, or a long time: CI may leave them out.
_HEAVY = frozenset(
    (
        "perf",
        "performance",
        "benchmark",
        "benchmarks",
        "bench",
        "load",
        "stress",
        "soak",
        "manual",
        "live",
        "smoke",
        "chaos",
    )
)
_NOT_SUITES = ("fixtures", "testdata", "data", "templates", "examples")
_EXPRESSION = re.compile(r"\$\{\{[^}]*\}\}")
_VARIABLE = re.compile(r"\$\{?\w+\}?")
# Options of pytest and unittest whose value is the next word, and no place to look into.
_WITH_VALUE = frozenset(
    [
        "-c",
        "-k",
        "-m",
        "-n",
        "-o",
        "-p",
        "-W",
        "--basetemp",
        "--confcutdir",
        "--cov",
        "--cov-config",
        "--cov-report",
        "--deselect",
        "--dist",
        "--ds",
        "--durations",
        "--group",
        "--html",
        "--ignore-glob",
        "--junit-xml",
        "--junitxml",
        "--log-level",
        "--maxfail",
        "--maxprocesses",
        "--numprocesses",
        "--reruns",
        "--rootdir",
        "--splits",
        "--tb",
        "--timeout",
        "-t",
        "--pattern",
    ]
)


class Look(NamedTuple):
    """Where a command looks for tests: a folder, a file, or a pattern; "" is everything."""

    root: str
    ignored: tuple[str, ...] = ()

    def sees(self, path: str) -> bool:
        return _is_below(path, self.root) and not any(_is_below(path, it) for it in self.ignored)


class Suite(NamedTuple):
    """Test files that belong together: a component's, or those of a folder."""

    folder: str
    files: tuple[str, ...]

    @property
    def is_heavy(self) -> bool:
        return not _HEAVY.isdisjoint(self.folder.lower().split("/"))


def python_files(tracked: Tracked) -> list[str]:
    """Every file that pytest would collect a test from."""
    return [
        path
        for path in tracked.paths
        if path.endswith(".py")
        and _has_python_name(path.rpartition("/")[2])
        and not _is_somebody_elses(path)
        and _PYTHON_TEST.search(tracked.text(path) or "")
    ]


def javascript_files(tracked: Tracked) -> list[str]:
    return [
        path
        for path in tracked.paths
        if _JAVASCRIPT_TEST.search(path) and not _is_somebody_elses(path)
    ]


def go_files(tracked: Tracked) -> list[str]:
    return [it for it in tracked.paths if it.endswith("_test.go") and not _is_somebody_elses(it)]


def _has_python_name(name: str) -> bool:
    return name.startswith("test_") or name.endswith("_test.py")


def _is_somebody_elses(path: str) -> bool:
    """Vendored, a template's or an example's own tests, or data of a test."""
    return role(path) in (Role.VENDORED, Role.EXAMPLE, Role.DOCUMENT) or any(
        it in _NOT_SUITES for it in path.split("/")[:-1]
    )


def suites(tracked: Tracked, files: Iterable[str]) -> list[Suite]:
    """The files by what they belong to."""
    groups: dict[str, list[str]] = {}
    for path in files:
        groups.setdefault(_suite(tracked, path), []).append(path)
    return [Suite(folder, tuple(paths)) for folder, paths in sorted(groups.items())]


def _suite(tracked: Tracked, path: str) -> str:
    """The component around a test, or its folder of tests with one more, which tells its kind."""
    folders = path.split("/")[:-1]
    for end in range(len(folders), 0, -1):
        folder = "/".join(folders[:end])
        if any(f"{folder}/{name}" in tracked for name in _COMPONENT):
            return folder
    for at, name in enumerate(folders):
        if _TEST_FOLDER.fullmatch(name):
            return "/".join(folders[: at + 2])
    return folders[0] if folders else ""


def looks(tracked: Tracked, commands: Iterable[Reached]) -> list[Look] | None:
    """Where the Python test commands look; None when it cannot be told of one."""
    found: list[Look] = []
    for command in commands:
        there = _looked_into(tracked, command)
        if there is None:
            return None
        found += there
    return found


def tests_python(reached: Reached) -> bool:
    plain = gates.bare(reached.command.words)
    program = plain[0].rpartition("/")[2] if plain else ""
    return program in _PYTHON or (program == "manage.py" and "test" in plain[1:2])


def _looked_into(tracked: Tracked, reached: Reached) -> list[Look] | None:
    folder = _folder(reached)
    if folder is None:
        return None
    program, *words = gates.bare(reached.command.words)
    named, ignored = _places(words, is_unittest=program == "unittest")
    if any("$" in it or "GITHUB_" in it or "{" in it for it in named):
        return None
    if not named and program in ("pytest", "py.test"):
        named, more = _configured(tracked, folder)
        ignored += more
    roots = [root for it in named if (root := _known(tracked, folder, it)) is not None]
    out = tuple(path for it in ignored if (path := join(folder, it)) is not None)
    return [Look(root, out) for root in roots or [folder]]


def _places(words: Sequence[str], *, is_unittest: bool = False) -> tuple[list[str], list[str]]:
    """What a test command is told to look into, and what it is told to leave out."""
    named: list[str] = []
    ignored: list[str] = []
    rest = iter(words)
    for word in rest:
        option, _, value = word.partition("=")
        if option == "--ignore":
            ignored.append(value or next(rest, ""))
        elif is_unittest and option in ("-s", "--start-directory"):
            named.append(value or next(rest, ""))
        elif word in _WITH_VALUE:
            next(rest, "")
        elif not word.startswith("-"):
            named.append(word.partition("::")[0])
    return named, ignored


def _known(tracked: Tracked, folder: str, place: str) -> str | None:
    """A file, folder or pattern as seen from the root; None for a word that is none."""
    path = join(folder, place)
    if path is None or not place:
        return None
    is_there = path in tracked or path in tracked.folders
    return path if is_there or "*" in place else None


def _configured(tracked: Tracked, folder: str) -> tuple[list[str], list[str]]:
    """What pytest looks into when it is told nothing, and what its options leave out."""
    for name in ("pytest.ini", ".pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg"):
        text = tracked.text(f"{folder}/{name}" if folder else name)
        options = _options(name, text) if text else None
        if options is not None:
            return _listed(options.get("testpaths")), _places(_listed(options.get("addopts")))[1]
    return [], []


def _options(name: str, text: str) -> dict[str, object] | None:
    """What a configuration file says to pytest; None when it does not speak to it."""
    try:
        if name == "pyproject.toml":
            options = toml.read(text).get("tool", {}).get("pytest", {}).get("ini_options")
            return options if isinstance(options, dict) else None
        parser = configparser.RawConfigParser(strict=False)
        parser.read_string(text)
        section = "tool:pytest" if name == "setup.cfg" else "pytest"
        return dict(parser[section]) if parser.has_section(section) else None
    except (toml.Broken, configparser.Error, AttributeError):
        return None


def _listed(value: object) -> list[str]:
    if isinstance(value, list):
        return [it for it in value if isinstance(it, str)]
    return value.split() if isinstance(value, str) else []


def _folder(reached: Reached) -> str | None:
    """Where a command runs, `*` for what a variable of a loop or of a matrix holds."""
    if reached.folder is not None:
        return reached.folder
    start = reached.step.folder
    said = f"{start}/{reached.command.folder}" if start else reached.command.folder
    pattern = _VARIABLE.sub("*", _EXPRESSION.sub("*", said))
    is_known = pattern and "GITHUB_" not in pattern and not pattern.startswith(("-", "~"))
    return join("", pattern) if is_known and pattern.strip("*/") else None


def _is_below(path: str, folder: str) -> bool:
    if "*" in folder:
        return fnmatchcase(path, f"{folder}/*") or fnmatchcase(path, folder)
    return not folder or path == folder or path.startswith(f"{folder}/")
