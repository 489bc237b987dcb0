"""GATE008: dependencies whose version every install decides anew."""

from __future__ import annotations

import pytest

from tests.audit.repository import Files, found, places

DOCKERFILE = """\
    FROM python:3.12-slim
    WORKDIR /app
    COPY requirements.txt .
    RUN pip install -r requirements.txt
    COPY . .
    CMD ["python", "main.py"]
"""


def image(requirements: str, install: str = "pip install -r requirements.txt") -> Files:
    return {
        "Dockerfile": DOCKERFILE.replace("pip install -r requirements.txt", install),
        "requirements.txt": requirements,
        "main.py": "",
    }


def ci(run: str) -> Files:
    lines = "\n".join(f"          {line}" for line in run.split("\n"))
    return {
        ".github/workflows/ci.yml": (
            "on: push\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:\n"
            f"      - run: |\n{lines}\n"
        )
    }


@pytest.mark.parametrize(
    "line",
    [
        "fastapi",
        "fastapi>=0.1",
        "fastapi~=0.1",
        "fastapi==0.*",
        "fastapi[all]>=0.1,<1",
        "fastapi<1",
    ],
)
def test_a_requirement_that_is_not_pinned(line: str) -> None:
    assert places("GATE008", image(f"redis==5.0\n{line}\n")) == ["requirements.txt:2"]


def test_each_line_is_one_finding() -> None:
    it = found("GATE008", image("fastapi\nredis\nhttpx==1\n"))

    assert [str(one.place) for one in it] == ["requirements.txt:1", "requirements.txt:2"]
    assert it[0].message == "fastapi is not pinned, and no lock does it"


@pytest.mark.parametrize(
    "requirements",
    [
        "fastapi==0.1\n",
        "fastapi==0.1 ; python_version > '3'\n",
        "pip\nsetuptools\n",
        "fastapi===0.1\n",
        "x @ https://example.com/x.whl\n",
    ],
)
def test_a_requirement_that_is_pinned(requirements: str) -> None:
    assert found("GATE008", image(requirements)) == []


def test_constraints_pin() -> None:
    files = image("-c constraints.txt\nfastapi\nredis\n")

    assert places("GATE008", {**files, "constraints.txt": "fastapi==0.1\n"}) == [
        "requirements.txt:3"
    ]


def test_included_lists_are_read() -> None:
    files = {**image("-r base.txt\n"), "base.txt": "fastapi\n", "requirements/x.txt": "redis\n"}
    files = {**files, "Dockerfile": DOCKERFILE.replace("requirements.txt .", ". .")}

    assert places("GATE008", {**files, "requirements-base.txt": "a\n"}) == []
    included = {**image("-r requirements-base.txt\n"), "requirements-base.txt": "fastapi\n"}
    assert places("GATE008", included) == ["requirements-base.txt:1"]


def test_a_list_that_nothing_installs_is_left() -> None:
    assert found("GATE008", {"tools/requirements.txt": "fastapi\n"}) == []


def test_a_list_beside_an_application() -> None:
    files = {"requirements.txt": "fastapi\n", "app.py": "app = FastAPI()\n"}

    assert places("GATE008", files) == ["requirements.txt:1"]


PROJECT = '[project]\nname = "x"\ndependencies = [\n    "fastapi>=0.1",\n]\n'


@pytest.mark.parametrize(
    ("install", "more", "expected"),
    [
        ("pip install .", {}, ["pyproject.toml:4"]),
        ("uv sync --frozen", {"uv.lock": ""}, []),
        ("poetry install", {"poetry.lock": ""}, []),
        ("pip install -r requirements.txt", {}, []),
    ],
)
def test_a_project(install: str, more: Files, expected: list[str]) -> None:
    files = {**image("redis==5\n", install), "pyproject.toml": PROJECT, **more}

    assert places("GATE008", files) == expected


def test_a_library_takes_a_range() -> None:
    setup = "from setuptools import setup\nsetup(name='x', install_requires=['requests'])\n"
    files = {
        **ci("pip install -e .[dev]"),
        "setup.py": setup,
        "pyproject.toml": PROJECT + '[build-system]\nrequires = ["hatchling"]\n',
    }

    assert found("GATE008", files) == []


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        ("pip install flake8 black", [7]),
        ("python -m pip install --upgrade pip\npip install pytest==8 httpx", [8]),
        ("uv pip install ruff", [7]),
        ("npm install -g vercel", [7]),
        ("npm install -g vercel@latest", [7]),
        ("pip install flake8==7 black==24.1", []),
        ("pip install --upgrade pip setuptools wheel", []),
        ("pip install -c constraints.txt flake8", []),
        ("npm install -g vercel@33.1.0", []),
        ("npm ci", []),
        ("apt-get install -y python3-yaml", []),
    ],
)
def test_what_ci_installs(run: str, expected: list[int]) -> None:
    assert places("GATE008", ci(run)) == [f".github/workflows/ci.yml:{line}" for line in expected]


def test_a_list_that_ci_installs() -> None:
    files = {**ci("pip install -r dev.txt"), "dev.txt": "x\n", "requirements-dev.txt": "black\n"}

    assert places("GATE008", files) == []
    files = {**files, **ci("cd tools\npip install -r ../requirements-dev.txt")}
    assert places("GATE008", files) == ["requirements-dev.txt:1"]


def test_what_a_dockerfile_installs_by_name() -> None:
    files = image("fastapi==1\n", "pip install -r requirements.txt && pip install gunicorn")

    assert places("GATE008", files) == ["Dockerfile:4"]


NODE = "FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm install\nCMD node index.js\n"


@pytest.mark.parametrize(
    ("range_", "more", "expected"),
    [
        ("^4.18.0", {}, ["web/package.json:3"]),
        ("~4.18.0", {}, ["web/package.json:3"]),
        ("latest", {}, ["web/package.json:3"]),
        ("4.18.2", {}, []),
        ("file:../x", {}, []),
        ("^4.18.0", {"web/package-lock.json": "{}"}, []),
    ],
)
def test_packages_of_node(range_: str, more: Files, expected: list[str]) -> None:
    package = f'{{"name": "web",\n "dependencies": {{\n  "express": "{range_}"\n }}}}\n'
    files = {"web/Dockerfile": NODE, "web/package.json": package, "web/index.js": "", **more}

    assert places("GATE008", files) == expected


def test_a_library_of_node_takes_a_range() -> None:
    package = '{"name": "lib",\n "dependencies": {"express": "^4.18.0"}}\n'

    assert found("GATE008", {"package.json": package}) == []


def test_a_system_with_one_loose_service() -> None:
    """Shaped like a real one: five services are pinned, the sixth was written in a hurry."""
    files = {
        **ci("pip install pytest httpx"),
        "apps/fabric/Dockerfile": DOCKERFILE,
        "apps/fabric/requirements.txt": "fastapi==0.104.1\nuvicorn[standard]==0.24.0\n",
        "apps/adapter/Dockerfile": DOCKERFILE,
        "apps/adapter/requirements.txt": "fastapi>=0.111.0\nredis==5.0.1\n",
    }

    assert places("GATE008", files) == [
        ".github/workflows/ci.yml:7",
        "apps/adapter/requirements.txt:1",
    ]
