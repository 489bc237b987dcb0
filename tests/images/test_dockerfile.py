"""What a Dockerfile starts from, and which Compose file says which one it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines import compose
from pipelines.errors import ConfigError
from pipelines.images.dockerfile import Origins, origins


def of(folder: Path, dockerfile: str) -> Origins:
    (folder / "Dockerfile").write_text(dockerfile)
    (folder / "compose.yml").write_text("services: {it: {build: .}}")
    project = compose.of(folder, environ={})
    return origins(project, project.services["it"])


@pytest.mark.parametrize(
    ("dockerfile", "images", "base", "stages"),
    [
        ("FROM a:1\n", ("a:1",), "a:1", {"0"}),
        ("FROM a AS b\nFROM scratch AS Report\nFROM c\n", ("a", "scratch", "c"), "c", None),
        ("FROM a AS b\nFROM b AS c\nFROM c\n", ("a",), "a", {"b", "c", "2"}),
        ("FROM python AS python\nFROM python\n", ("python",), "python", {"python", "1"}),
    ],
)
def test_stages_lead_to_the_images_that_they_are_made_from(
    tmp_path: Path, dockerfile: str, images: tuple[str, ...], base: str, stages: set[str] | None
) -> None:
    assert of(tmp_path, dockerfile) == Origins(
        images, base, frozenset(stages or {"b", "report", "2"})
    )


@pytest.mark.parametrize(
    "name", ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"]
)
def test_the_compose_file_has_any_of_its_names(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("name: its\nservices: {it: {build: .}, other: {image: x}}")

    project = compose.of(tmp_path, environ={})

    assert project.file == tmp_path / name
    assert project.image(project.services["it"]) == "its-it"
    assert project.image(project.services["other"]) == "x"


def test_a_folder_without_a_compose_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        compose.of(tmp_path, environ={})

    assert str(caught.value) == f"no compose.yaml in {tmp_path}"
