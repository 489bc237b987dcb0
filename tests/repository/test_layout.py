"""Imports point one way, and the distribution names what it imports."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator
from graphlib import TopologicalSorter
from importlib import metadata
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
# `pipelines` from the top; what is not named here is the core. A layer imports what is below it.
ENTRANCES = ("launch", "entry")  # the first may import the second
FEATURES = (
    "audit",
    "compose",
    "containers",
    "controls",
    "deploy",
    "detection",
    "environments",
    "images",
    "locks",
    "migrations",
    "policy",
    "readiness",
    "release",
    "secrets",
    "stack",
)
ALLOWED = {  # beside themselves
    ("stack", "compose"),  # the stack is brought up from a Compose project
    ("stack", "containers"),  # and in containers
    ("stack", "images"),  # of images that may have to be built first
    ("images", "compose"),  # what is built stands in the Compose file
    ("images", "containers"),
    ("detection", "containers"),  # faults are put into what runs
    ("detection", "stack"),
    ("stack", "secrets"),  # those of development are made as all others are
    ("release", "compose"),  # what is deployed as one stands in the Compose file
    ("secrets", "compose"),  # who needs which stands there too
    ("secrets", "environments"),  # each has its own
    ("policy", "environments"),  # what it asks for is said there
    ("policy", "release"),  # of which it asks it
    ("policy", "controls"),  # and whether the gate can fail
    ("release", "containers"),  # its images are pushed, and named by digest
    ("release", "images"),
    ("readiness", "release"),  # it is about one
    ("readiness", "environments"),  # each has secrets, whose state is told
    # A deploy brings all of it together.
    ("deploy", "compose"),
    ("deploy", "containers"),
    ("deploy", "environments"),
    ("deploy", "images"),
    ("deploy", "migrations"),
    ("deploy", "policy"),
    ("deploy", "release"),
    ("deploy", "secrets"),
    ("deploy", "stack"),
    ("core", "controls"),  # which evidence is controlled, a run asks of what was planted
}
PARTS = ("config", "ledger", "trace")  # of the core; each knows itself and single modules


def statements(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Every `import module` and `from module import name`, wherever it stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((node.module, alias.name) for alias in node.names)


def imports(file: Path) -> Iterator[str]:
    """Every module that the file imports, by its full name."""
    for module, name in statements(ast.parse(file.read_text())):
        yield module
        if name:
            yield f"{module}.{name}"


def imported_when_run(file: Path, known: set[str]) -> Iterator[str]:
    """Those of the known modules that the file imports, and not only for their types."""
    tree = ast.parse(file.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    for module, name in statements(tree):
        found = f"{module}.{name}" if f"{module}.{name}" in known else module
        if found in known:
            yield found


def sources(folder: str) -> list[Path]:
    return [file for file in (ROOT / folder).rglob("*.py") if "tests" not in file.parts]


def name_of(file: Path) -> str:
    """`pipelines.stack.engine`, and the package for its `__init__`."""
    words = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(words[:-1] if words[-1] == "__init__" else words)


def layer(dotted: str) -> str | None:
    """What of `pipelines` a module is; None when it is elsewhere."""
    package, _, rest = dotted.partition(".")
    name = rest.partition(".")[0]
    if package != "pipelines":
        return None
    return name if name in (*ENTRANCES, *FEATURES) else "core"


def part(dotted: str) -> str | None:
    """Which of the core's packages a module belongs to, if any."""
    package, _, rest = dotted.partition(".")
    name = rest.partition(".")[0]
    return name if package == "pipelines" and name in PARTS else None


def steps_aside(of: Callable[[str], str | None]) -> set[tuple[str | None, str]]:
    """Which of these places imports which other."""
    found = set()
    for file in sources("pipelines"):
        own = of(name_of(file))
        found |= {(own, other) for other in map(of, imports(file)) if other not in (None, own)}
    return found


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


def test_nothing_imports_an_entrance_from_below() -> None:
    importers = {own for own, other in steps_aside(layer) if other in ENTRANCES}

    assert importers == {"launch"}


def test_a_feature_knows_no_other_and_the_core_knows_none() -> None:
    found = {(own, other) for own, other in steps_aside(layer) if other in FEATURES}

    assert {pair for pair in found if pair[0] not in ENTRANCES} == ALLOWED


def test_the_parts_of_the_core_do_not_know_one_another() -> None:
    assert {pair for pair in steps_aside(part) if pair[0] is not None} == set()


def test_no_import_leads_back_to_where_it_began() -> None:
    files = {name_of(file): file for each in ("pipelines", "tasks") for file in sources(each)}
    known = set(files)

    order = TopologicalSorter(
        {name: {*imported_when_run(file, known)} - {name} for name, file in files.items()}
    )

    assert set(order.static_order()) >= known  # raises for a circle, and names it


def test_no_folder_of_code_is_left_out_of_the_gates() -> None:
    components = yaml.safe_load((ROOT / "pipelines.yaml").read_text())["components"].values()
    checked = {component["folder"] for component in components}
    # What lies directly in one of these two is the root's; so are planted faults, which are data.
    below = [folder for room in ("services", "tests") for folder in (ROOT / room).iterdir()]
    folders = {ROOT / "bench", ROOT / "pipelines", ROOT / "tasks", *below}
    folders -= {ROOT / "tests" / "controls"}

    code = {str(it.relative_to(ROOT)) for it in folders if any(it.rglob("*.py"))}
    assert code - checked == set()


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
