"""Whether a component evidently uses the tool of a default kind's step, and where it says so."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from configparser import ConfigParser, Error as BadIni
from functools import cached_property

from pipelines.config.repository import Repository, upwards

_NAMES_PYTEST = re.compile(r"\bpytest\b")
_REQUIREMENTS = re.compile(r"requirements.*\.(txt|in)")
_PYTHON_PACKAGING = ("pyproject.toml", "tox.ini", "setup.cfg", "setup.py")
# What `npm init` writes fails on purpose.
_NO_TESTS = "no test specified"


class Evidence:
    """Answers for one repository; what was looked up is kept."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._uses: dict[tuple[str, str], bool] = {}

    def place(self, kind: str, step: str, folder: str) -> str | None:
        """The folder, at or above `folder`, whose files say that the step's tool is used.

        None when nothing says so, and for steps that no default kind has.
        """
        if kind == "node":
            return folder if self._has_script(folder, step) else None
        uses = _PYTHON.get(step) if kind == "python" else None
        if uses is None or (step == "test" and folder not in self._with_tests):
            return None
        return self._nearest(step, folder, uses)

    @cached_property
    def _with_tests(self) -> frozenset[str]:
        """Every folder that has tests for pytest in it or below it."""
        found: set[str] = set()
        for folder, names in self._repository.folders.items():
            if folder not in found and any(_is_test(name) for name in names):
                found.update(upwards(folder))
        return frozenset(found)

    def _nearest(
        self, step: str, folder: str, uses: Callable[[Repository, str], bool]
    ) -> str | None:
        for place in upwards(folder):
            if (step, place) not in self._uses:
                self._uses[step, place] = uses(self._repository, place)
            if self._uses[step, place]:
                return place
        return None

    def _has_script(self, folder: str, step: str) -> bool:
        scripts = self._repository.json(folder, "package.json").get("scripts", {})
        script = scripts.get(step) if isinstance(scripts, dict) else None
        return isinstance(script, str) and _NO_TESTS not in script


def _is_test(name: str) -> bool:
    return name.endswith(".py") and (name.startswith("test_") or name.endswith("_test.py"))


def _uses_ruff(repository: Repository, folder: str) -> bool:
    if repository.has(folder, "ruff.toml") or repository.has(folder, ".ruff.toml"):
        return True
    return "ruff" in _tools(repository, folder)


def _uses_mypy(repository: Repository, folder: str) -> bool:
    if repository.has(folder, "mypy.ini") or repository.has(folder, ".mypy.ini"):
        return True
    return "mypy" in _tools(repository, folder) or "mypy" in _sections(repository, folder)


def _uses_pytest(repository: Repository, folder: str) -> bool:
    """Configured here, or named by what is installed here."""
    if repository.has(folder, "pytest.ini") or repository.has(folder, "conftest.py"):
        return True
    names = [
        name
        for name in repository.folders.get(folder, ())
        if name in _PYTHON_PACKAGING or _REQUIREMENTS.fullmatch(name)
    ]
    return any(_NAMES_PYTEST.search(repository.text(folder, name)) for name in sorted(names))


def _tools(repository: Repository, folder: str) -> Mapping[str, object]:
    tools = repository.toml(folder, "pyproject.toml").get("tool", {})
    return tools if isinstance(tools, dict) else {}


def _sections(repository: Repository, folder: str) -> list[str]:
    parser = ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(repository.text(folder, "setup.cfg"))
    except BadIni:  # for its own tool to complain about
        return []
    return parser.sections()


_PYTHON: dict[str, Callable[[Repository, str], bool]] = {
    "lint": _uses_ruff,
    "types": _uses_mypy,
    "test": _uses_pytest,
}
