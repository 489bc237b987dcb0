"""The words of a build, and what comes of it when it fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.errors import SummitError
from pipelines.images import buildx
from pipelines.images.buildx import Build
from pipelines.programs.process import Completed

MINIMAL = Build(Path("/it/Dockerfile"), Path("/it"), builder="default")
ALWAYS = [
    *("docker", "buildx", "build", "--builder=default", "--progress=plain"),
    *("--provenance=false", "--sbom=false"),
]


def test_an_image_is_left_in_the_engine_and_says_nothing_of_when_it_was_built() -> None:
    assert MINIMAL.image("it") == [
        *(*ALWAYS, "--load", "--tag=it", "--file=/it/Dockerfile", "/it"),
    ]


def test_files_are_left_in_a_folder() -> None:
    assert MINIMAL.files(Path("/out")) == [
        *(*ALWAYS, "--output=type=local,dest=/out", "--file=/it/Dockerfile", "/it"),
    ]


def test_everything_else_is_a_word_of_its_own() -> None:
    build = Build(
        Path("Dockerfile"),
        Path(),
        arguments={"SERVICE": "web"},
        labels={"it": "a b"},
        contexts={"python:3": "docker-image://base"},
        secrets={"ca": Path("/ca.pem")},
        target="report",
        is_fresh=True,
        builder="elsewhere",
    )

    assert set(build.image("it")) >= {
        "--builder=elsewhere",
        "--build-arg=SERVICE=web",
        "--label=it=a b",
        "--build-context=python:3=docker-image://base",
        "--secret=id=ca,src=/ca.pem",
        "--target=report",
        "--no-cache",
    }


@pytest.mark.parametrize(
    ("host", "chosen", "builder"),
    [("", "", "default"), ("", "elsewhere", "elsewhere"), ("tcp://there", "elsewhere", "default")],
)
def test_the_builder_is_that_of_the_engine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, host: str, chosen: str, builder: str
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("BUILDX_BUILDER", "somebody-elses")
    monkeypatch.setenv("DOCKER_HOST", host)
    monkeypatch.setenv("DOCKER_CONTEXT", chosen)

    assert Build(Path("Dockerfile"), Path()).builder == builder


def test_the_builder_is_that_of_the_current_context(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text('{"currentContext": "elsewhere"}')
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT"):
        monkeypatch.delenv(name, raising=False)

    assert Build(Path("Dockerfile"), Path()).builder == "elsewhere"


@pytest.mark.parametrize(
    ("output", "error", "code"),
    [
        (
            "#3 ERROR: write /x: no space left on device\n------\nERROR: failed to solve: x\n",
            "no space is left on the engine's disk; `docker system prune` makes room",
            5,
        ),
        ("#1 DONE\nERROR: failed to solve: it is so\n", "failed to solve: it is so", 1),
        ("", "the build said nothing", 1),
    ],
)
def test_what_a_failed_build_comes_to_is_one_line(output: str, error: str, code: int) -> None:
    with pytest.raises(SummitError) as caught:
        buildx.require(Completed(("docker",), 1, output, 1.0), "it")

    assert (str(caught.value), caught.value.exit_code) == (f"it was not built: {error}", code)
