"""Dependencies of Python: the files that name them, and their locks."""

from __future__ import annotations

from textwrap import dedent

import pytest

from pipelines.audit.model.python import distributions
from pipelines.audit.model.python.requirements import Requirement, locked
from tests.audit.repository import Files, model, tracked


def items(files: Files, file: str) -> list[Requirement]:
    return list(model(files).requirements[file].items)


def test_lines_of_a_requirements_file_know_their_place() -> None:
    text = """\
        # a comment
        FastAPI[all]==0.1  # why

        httpx>=0.2,<1 ; python_version > '3'
    """
    found = items({"requirements.txt": dedent(text)}, "requirements.txt")

    assert [(it.name, it.specifier, it.place.line, it.extras) for it in found] == [
        ("fastapi", "==0.1", 2, ("all",)),
        ("httpx", "<1,>=0.2", 4, ()),
    ]
    assert [it.is_pinned for it in found] == [True, False]


def test_hashes_are_seen_and_lines_kept() -> None:
    text = (
        "a==1 \\\n    --hash=sha256:00 \\\n    --hash=sha256:01\n    # via b\n"
        "b==2 \\\n    --hash=sha256:02\nc==3\n"
    )
    found = items({"requirements.txt": text}, "requirements.txt")

    assert [(it.name, it.place.line, it.has_hash) for it in found] == [
        ("a", 1, True),
        ("b", 5, True),
        ("c", 7, False),
    ]


def test_included_files_are_read_and_cycles_end() -> None:
    files = {
        "requirements/base.txt": "-r ../requirements/prod.txt\nflask\n",
        "requirements/prod.txt": "-r base.txt\nredis\n-c constraints.txt\n-e .\n",
        "requirements/constraints.txt": "redis==5\n",
    }
    it = model(files).requirements["requirements/prod.txt"]

    assert it.names() == {"flask", "redis"}
    assert it.projects[-1] == "requirements"
    assert "requirements/base.txt" in it.includes


def test_a_project_of_pyproject() -> None:
    text = """\
        [project]
        name = "My.App"
        dependencies = ["fastapi>=0.1",
            "redis"]
        [project.optional-dependencies]
        ai = ["torch"]
        [dependency-groups]
        dev = ["pytest"]
        [build-system]
        requires = ["hatchling"]
    """
    it = model({"a/pyproject.toml": text, "uv.lock": ""}).requirements["a/pyproject.toml"]

    assert (it.name, it.lock, it.is_library) == ("my-app", "uv.lock", True)
    assert [(item.name, item.place.line) for item in it.items] == [("fastapi", 3), ("redis", 4)]
    assert {name: [item.name for item in group] for name, group in it.extras.items()} == {
        "dev": ["pytest"],
        "ai": ["torch"],
    }


def test_a_project_of_poetry() -> None:
    text = """\
        [tool.poetry]
        name = "x"
        [tool.poetry.dependencies]
        python = "^3.11"
        fastapi = "^0.1"
        uvicorn = {version = "0.2", extras = ["standard"]}
        [tool.poetry.group.dev.dependencies]
        pytest = "*"
    """
    it = model({"pyproject.toml": text}).requirements["pyproject.toml"]

    assert [(item.name, item.specifier, item.extras) for item in it.items] == [
        ("fastapi", "^0.1", ()),
        ("uvicorn", "==0.2", ("standard",)),
    ]
    assert [item.place.line for item in it.items] == [5, 6]
    assert [item.name for item in it.extras["dev"]] == ["pytest"]


def test_setup_files() -> None:
    script = """\
        from setuptools import setup
        setup(
            name="A",
            install_requires=[
                "requests",
            ],
        )
    """
    declared = """\
        [metadata]
        name = b
        [options]
        install_requires =
            click
            rich>=1
    """
    files = {"a/setup.py": script, "b/setup.cfg": declared}
    it = model(files).requirements

    assert [(i.name, i.place.line) for i in it["a/setup.py"].items] == [("requests", 5)]
    assert [(i.name, i.place.line) for i in it["b/setup.cfg"].items] == [("click", 5), ("rich", 6)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("uv.lock", '[[package]]\nname = "Six"\nversion = "1"\n'),
        ("poetry.lock", '[[package]]\nname = "six"\n'),
        ("Pipfile.lock", '{"default": {"six": {}}, "develop": {}}'),
    ],
)
def test_names_in_a_lock(name: str, text: str) -> None:
    assert locked(tracked({name: text}), name) == {"six"}


@pytest.mark.parametrize(
    "text", ["[project\n", '{"', "\x00\x01", "== =\n--what\n-r\n'\n", "a" * 100_000]
)
def test_broken_files_are_no_crash(text: str) -> None:
    files = {"pyproject.toml": text, "requirements.txt": text, "setup.cfg": text, "Pipfile": text}

    assert model({**files, "setup.py": text}).requirements is not None


@pytest.mark.parametrize(
    ("module", "installed", "expected"),
    [
        ("yaml", "pyyaml", True),
        ("jose", "python-jose", True),
        ("jose", "pyjwt", False),
        ("cv2", "opencv-python-headless", True),
        ("google.cloud.storage", "google-cloud-storage", True),
        ("prometheus_client", "prometheus-fastapi-instrumentator", True),
        ("prometheus_client", "fastapi", False),
        ("starlette.responses", "fastapi", True),
        ("my_own_thing", "my-own-thing", True),
        ("something", "python-something", True),
        ("opentelemetry.trace", "opentelemetry-sdk", True),
        ("opentelemetry.sdk.trace", "opentelemetry-api", False),
        ("opentelemetry.sdk.trace", "opentelemetry-exporter-otlp", True),
        ("opentelemetry.instrumentation.redis", "opentelemetry-instrumentation", False),
        ("opentelemetry.instrumentation.redis", "opentelemetry-instrumentation-redis", True),
        ("opentelemetry.exporter.otlp.proto.grpc", "opentelemetry-exporter-otlp", True),
        ("something", "other", False),
    ],
)
def test_which_distribution_has_a_module(module: str, installed: str, expected: bool) -> None:
    assert distributions.provides(module, distributions.brought(installed)) is expected


def test_extras_bring_more() -> None:
    brought = distributions.brought("uvicorn", frozenset({"standard"}))

    assert {"websockets", "click"} <= brought
    assert "websockets" not in distributions.brought("uvicorn")
