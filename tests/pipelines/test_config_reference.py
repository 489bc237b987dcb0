"""The annotated example of the reference is loaded, and says all there is."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from pipelines.config import Config, discovery, schema
from pipelines.config.model import DEFAULTS
from pipelines.documents.document import read
from pipelines.documents.shapes import Keys, Map

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "pipelines.md"
FILES = ("services/kit/a.py", "services/fabric/a.py", "tools/probe/main.go", "README.md")
COMPOSE = "services: {postgres: {image: 'postgres:18'}}"

Configured = Callable[[Mapping[str, str]], Config]


def example() -> str:
    found = re.search(r"^```yaml\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def rows(heading: str) -> list[list[str]]:
    """The cells of the table below a heading, without its header."""
    section = PAGE.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [
        [cell.strip().strip("`") for cell in line.strip("|").split(" | ")] for line in lines[2:]
    ]


@pytest.fixture
def loaded(configured: Configured) -> Config:
    return configured(
        {**dict.fromkeys(FILES, ""), "compose.yaml": COMPOSE, "pipelines.yaml": example()}
    )


def test_the_example_means_what_its_comments_say(loaded: Config) -> None:
    test = next(step for step in loaded.steps if step.id == "test:fabric")

    assert test.argv == ("python", "-m", "pytest", "services/fabric", "--junit-xml={junit}")
    assert test.cwd == ""
    assert test.inputs == (
        "/services/fabric/**/*.py",
        "/pyproject.toml",
        "!/services/fabric/**/generated/**",
    )
    assert test.outputs == ("/.coverage.fabric",)
    assert test.needs == ("lint:fabric", "test:kit", "build:probe")
    assert test.services == ("postgres",)
    assert (test.env, test.secrets) == (("DATABASE_URL",), ("API_TOKEN",))
    assert (test.timeout, test.retries) == (1200, 1)
    assert loaded.gates["lint"] == ("lint", "format")
    assert "format:kit" in {step.id for step in loaded.steps}
    assert "format:fabric" not in {step.id for step in loaded.steps}


def test_the_example_has_every_key(tmp_path: Path) -> None:
    file = tmp_path / "pipelines.yaml"
    file.write_text(example())
    root = read(file).fields
    components, kinds = root["components"].fields, root["kinds"].fields
    shown = {
        "file": set(root),
        "component": {key for entry in components.values() for key in entry.fields},
        "step": {
            key for kind in kinds.values() for step in kind.fields.values() for key in step.fields
        },
    }

    shapes = schema.FILE.known
    assert isinstance(shapes["components"], Map)
    component = shapes["components"].of
    assert isinstance(component, Keys)
    assert shown == {
        "file": set(shapes),
        "component": set(component.known),
        "step": set(schema.STEP.known),
    }


def test_the_page_lists_the_default_kinds() -> None:
    kinds = read(DEFAULTS).fields["kinds"].fields
    commands = [
        [kind, name, " ".join(step.plain()["run"])]
        for kind, steps in kinds.items()
        for name, step in steps.fields.items()
    ]

    assert [row[:3] for row in rows("Default kinds")] == commands


def test_the_page_lists_the_markers() -> None:
    assert dict(rows("Without the file")) == discovery.MARKERS
