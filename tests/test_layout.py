"""Imports point one way, and the distribution names what it imports."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FEATURES = {"compose", "locks", "stack"}
ALLOWED = {("stack", "compose")}  # the stack is brought up from a Compose project


def imports(file: Path) -> Iterator[str]:
    """Every module that the file imports, by its full name."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def sources(folder: str) -> list[Path]:
    return [file for file in (ROOT / folder).rglob("*.py") if "tests" not in file.parts]


def feature(dotted: str) -> str | None:
    package, _, rest = dotted.partition(".")
    name = rest.partition(".")[0]
    return name if package == "pipelines" and name in FEATURES else None


def strays(files: list[Path], packages: set[str]) -> set[str]:
    return {
        f"{file.relative_to(ROOT)} imports {name}"
        for file in files
        for name in imports(file)
        if name.partition(".")[0] in packages
    }


@pytest.mark.parametrize(
    ("folder", "packages"),
    [("pipelines", {"tasks", "services"}), ("services", {"tasks", "pipelines"})],
)
def test_no_folder_imports_what_stands_above_it(folder: str, packages: set[str]) -> None:
    assert sources(folder)
    assert strays(sources(folder), packages) == set()


def test_tasks_do_not_import_services() -> None:
    assert strays(sources("tasks"), {"services"}) == set()


def test_nox_sees_neither_package() -> None:
    assert strays([ROOT / "noxfile.py"], {"tasks", "pipelines", "services"}) == set()


def test_a_feature_knows_no_other_and_the_core_knows_none() -> None:
    found = set()
    for file in sources("pipelines"):
        own = feature(".".join(file.relative_to(ROOT).with_suffix("").parts))
        others = {feature(name) for name in imports(file)} - {None, own}
        found |= {(own, other) for other in others}

    assert found <= ALLOWED


def test_tasks_py_only_hands_over() -> None:
    statements = ast.parse((ROOT / "tasks.py").read_text()).body

    assert [ast.unparse(statement) for statement in statements[1:]] == [
        "import sys",
        "sys.modules.pop(__name__, None)",
        "from tasks import namespace",
        "__all__ = ['namespace']",
    ]


def test_the_docker_folder_does_not_replace_the_docker_library() -> None:
    assert not (ROOT / "docker" / "__init__.py").exists()


def test_bootstrap_runs_on_a_bare_python() -> None:
    tops = {name.partition(".")[0] for name in imports(ROOT / "pipelines" / "bootstrap.py")}

    assert tops <= sys.stdlib_module_names


def test_the_distribution_requires_what_it_imports() -> None:
    owners = metadata.packages_distributions()
    tops = {name.partition(".")[0] for each in ("pipelines", "tasks") for name in imports_of(each)}
    third_party = tops - sys.stdlib_module_names - {"pipelines", "tasks"}
    lines = (ROOT / "pipelines" / "requirements.in").read_text().splitlines()
    named = {re.split(r"[^\w.-]", line)[0].lower() for line in lines}

    missing = {top for top in third_party if not {it.lower() for it in owners[top]} & named}
    assert missing == set()


def imports_of(folder: str) -> set[str]:
    return {name for file in sources(folder) for name in imports(file)}
