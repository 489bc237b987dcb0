"""REL013: modules imported at start that the image does not install."""

from __future__ import annotations

import pytest

from tests.audit.repository import Files, found, places

DOCKERFILE = """\
    FROM python:3.12-slim
    WORKDIR /app
    COPY requirements.txt .
    RUN pip install -r requirements.txt
    COPY . .
    CMD ["uvicorn", "main:app", "--host", "0.0.0.0"]
"""


def service(main: str, requirements: str = "fastapi==0.1\nuvicorn==0.1\n", **more: str) -> Files:
    return {
        "Dockerfile": DOCKERFILE,
        "requirements.txt": requirements,
        "main.py": main,
        **{name.replace("__", "/"): text for name, text in more.items()},
    }


@pytest.mark.parametrize(
    ("main", "line"),
    [
        ("from fastapi import FastAPI\nfrom prometheus_client import Counter\n", 2),
        ("import yaml\n", 1),
        ("import os\nimport cv2, os\n", 2),
        ("from jose import jwt\n", 1),
        ("class A:\n    import redis\n", 2),
        ("try:\n    import redis\nfinally:\n    pass\n", 2),
        ("try:\n    import redis\nexcept KeyError:\n    pass\n", 2),
        ("import sqlalchemy.orm\n", 1),
        ("from google.cloud import storage\n", 1),
        ("import something_of_ours\n", 1),
    ],
)
def test_a_module_that_nothing_installs(main: str, line: int) -> None:
    assert places("REL013", service(main)) == [f"main.py:{line}"]


@pytest.mark.parametrize(
    "main",
    [
        "import os, json, sqlite3, tomllib, distutils\n",
        "import fastapi, uvicorn\n",
        "import starlette.responses, pydantic, anyio, click, typing_extensions, pkg_resources\n",
        "try:\n    import redis\nexcept ImportError:\n    redis = None\n",
        "try:\n    import redis\nexcept Exception:\n    redis = None\n",
        "try:\n    import redis\nexcept:\n    redis = None\n",
        "try:\n    import a\nexcept ImportError:\n    import redis\n",
        "from contextlib import suppress\nwith suppress(ImportError):\n    import redis\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import redis\n",
        "def connect():\n    import redis\n",
        "if DEBUG:\n    import redis\n",
        'if __name__ == "__main__":\n    import redis\n',
        "import helper\nfrom package import part\nfrom folder import thing\n",
        "import sys\nsys.path.insert(0, '/app/lib')\nimport lonely\n",
    ],
)
def test_what_is_there_or_may_be_missing(main: str) -> None:
    files = service(
        main,
        helper__py="",
        package____init__py="",
        **{"folder/thing.py": "", "lib/lonely.py": ""},
    )
    files = {name.replace("helper/py", "helper.py"): text for name, text in files.items()}
    files["package/__init__.py"] = ""
    files["package/part.py"] = ""

    assert found("REL013", files) == []


def test_an_import_is_followed_through_modules() -> None:
    files = service("from app import routes\n")
    files = {**files, "app/__init__.py": "", "app/routes.py": "from . import db\n"}
    files = {
        **files,
        "app/db.py": "import os\n\nimport asyncpg\n",
        "app/unused.py": "import redis\n",
    }

    (it,) = found("REL013", files)

    assert str(it.place) == "app/db.py:3"
    assert "asyncpg" in it.message
    assert [str(also.place) for also in it.also] == ["requirements.txt:1", "Dockerfile:6"]


def test_one_finding_for_one_missing_distribution() -> None:
    files = {**service("import redis\nimport other\n"), "other.py": "import redis.asyncio\n"}

    assert places("REL013", files) == ["main.py:1"]


@pytest.mark.parametrize(
    "install",
    [
        "pip install -r requirements.txt redis",
        "pip install --no-cache-dir -r requirements.txt && pip install 'redis>=5'",
        "python -m pip install -r requirements.txt redis==5",
        "uv pip install --system -r requirements.txt redis",
        "pip install -rrequirements.txt && apt-get install -y python3-redis",
        "pip install -r requirements.txt && pip install git+https://example.com/redis.git",
        "pip install -r requirements.txt && make dependencies",
        "pip install -r requirements.txt $EXTRA",
        "conda install --file requirements.txt",
    ],
)
def test_other_ways_to_install(install: str) -> None:
    files = service("import redis\n")
    files = {**files, "Dockerfile": DOCKERFILE.replace("pip install -r requirements.txt", install)}

    assert found("REL013", files) == []


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        ("python:3.12", ["main.py:1"]),
        ("public.ecr.aws/docker/library/python:3.12-slim@sha256:00", ["main.py:1"]),
        ("ghcr.io/astral-sh/uv:python3.12-bookworm-slim", ["main.py:1"]),
        ("tiangolo/uvicorn-gunicorn-fastapi:python3.11", []),
        ("pytorch/pytorch:2.1", []),
        ("registry.example.com/team/base:1", []),
    ],
)
def test_a_base_that_may_bring_anything_is_left(base: str, expected: list[str]) -> None:
    files = service("import redis\n")
    files = {**files, "Dockerfile": DOCKERFILE.replace("python:3.12-slim", base)}

    assert places("REL013", files) == expected


def test_stages_are_followed() -> None:
    dockerfile = """\
        FROM python:3.12 AS build
        WORKDIR /build
        COPY requirements.txt ./
        RUN python -m venv /venv && /venv/bin/pip install -r requirements.txt
        FROM python:3.12-slim
        COPY --from=build /venv /venv
        WORKDIR /srv
        COPY app ./app
        CMD exec gunicorn app.main:app -k uvicorn.workers.UvicornWorker
    """
    files = {
        "api/Dockerfile": dockerfile,
        "api/requirements.txt": "fastapi\nuvicorn\ngunicorn\n",
        "api/app/main.py": "import fastapi\nimport redis\n",
        "compose.yaml": "services:\n  api:\n    build: api\n",
    }

    (it,) = found("REL013", files)

    assert (str(it.place), it.service) == ("api/app/main.py:2", "api")


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("uvicorn main:app $(echo --reload)", ["main.py:1"]),
        ("python -m uvicorn main:app", ["main.py:1"]),
        ("python main.py", ["main.py:1"]),
        ("python -u main.py --port 80", ["main.py:1"]),
        ("python -m main", ["main.py:1"]),
        ("gunicorn main:app --bind 0.0.0.0:80", ["main.py:1"]),
        ("gunicorn --bind 0.0.0.0:80 main", ["main.py:1"]),
        ("hypercorn main:app", ["main.py:1"]),
        ("celery -A main worker", ["main.py:1"]),
        ("flask --app main run", ["main.py:1"]),
        ("fastapi run", ["main.py:1"]),
        ("fastapi run main.py", ["main.py:1"]),
        ("poetry run uvicorn main:app", ["main.py:1"]),
        ("opentelemetry-instrument python main.py", ["main.py:1"]),
        ('sh -c "sleep 1 && exec uvicorn main:app"', ["main.py:1"]),
        ("./start.sh", ["main.py:1"]),
        ("bash start.sh", ["main.py:1"]),
        ("uvicorn other:app", []),
        ("sleep infinity", []),
    ],
)
def test_how_an_application_is_started(command: str, expected: list[str]) -> None:
    files = {
        **service("import redis\n"),
        "start.sh": "#!/bin/sh\nset -e\nexec uvicorn main:app\n",
        "compose.yaml": f"services:\n  api:\n    build: .\n    command: {command}\n",
    }

    assert places("REL013", files) == expected


def test_a_mounted_folder_is_in_the_container() -> None:
    compose = """\
        services:
          api:
            build: api
            environment: [PYTHONPATH=/workspace]
            volumes: [".:/workspace"]
    """
    files = {
        "api/Dockerfile": DOCKERFILE,
        "api/requirements.txt": "fastapi\nuvicorn\n",
        "api/main.py": "from packages.schemas import thing\n",
        "packages/schemas/thing.py": "",
        "compose.yaml": compose,
    }

    assert found("REL013", files) == []


def test_a_lock_names_what_is_brought() -> None:
    files = {
        "Dockerfile": DOCKERFILE.replace("pip install -r requirements.txt", "uv sync --frozen"),
        "pyproject.toml": '[project]\nname = "x"\ndependencies = ["some-sdk"]\n',
        "uv.lock": '[[package]]\nname = "some-sdk"\n[[package]]\nname = "requests"\n',
        "main.py": "import requests\nimport some_sdk\nimport redis\n",
    }

    assert places("REL013", files) == ["main.py:3"]


def test_what_an_unknown_distribution_may_bring_is_a_question() -> None:
    (it,) = found("REL013", service("import requests\n", "uvicorn\nsome-vendors-sdk\n"))

    assert it.is_open


def test_a_system_of_several_services() -> None:
    """Shaped like a real one: only the gateway lacks what it imports."""
    compose = """\
        services:
          fabric:
            build:
              context: ../../apps/fabric
            volumes: ["../../apps/fabric:/app"]
            command: uvicorn main:app --port 8001 $( [ "$R" = 1 ] && echo "--reload" )
          api-gateway:
            build:
              context: ../../apps/api-gateway
            volumes: ["../../apps/api-gateway:/app"]
            command: uvicorn main:app --port 8000
    """
    metrics = "import os\nfrom fastapi import FastAPI\nfrom prometheus_client import Counter\n"
    files = {
        "infra/docker/docker-compose.yml": compose,
        "apps/fabric/Dockerfile": DOCKERFILE,
        "apps/fabric/requirements.txt": "fastapi==1\nuvicorn[standard]==1\nprometheus-client==1\n",
        "apps/fabric/main.py": f"{metrics}from config import S\n",
        "apps/fabric/config.py": "import yaml, websockets\n",
        "apps/api-gateway/Dockerfile": DOCKERFILE,
        "apps/api-gateway/requirements.txt": "fastapi==1\nuvicorn==1\n",
        "apps/api-gateway/main.py": metrics,
        "apps/shared.py": "import redis\n",
    }

    (it,) = found("REL013", files)

    assert (str(it.place), it.service) == ("apps/api-gateway/main.py:3", "api-gateway")
    assert it.message == (
        "api-gateway imports prometheus_client when it starts,"
        " but apps/api-gateway/requirements.txt does not install prometheus-client"
    )


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("python agent/agent.py", ["lib/agent/agent.py:1"]),
        ("env PYTHONPATH=. python agent/agent.py", []),
        ('sh -c "export PYTHONPATH=/app && python agent/agent.py"', []),
        ("python -m agent.agent", []),
    ],
)
def test_a_module_where_python_does_not_look(start: str, expected: list[str]) -> None:
    dockerfile = """\
        FROM python:3.12-slim
        WORKDIR /app
        COPY lib/agent ./agent
        COPY lib ./lib
    """
    files = {
        "Dockerfile": dockerfile,
        "lib/agent/agent.py": "from lib.agent.model import Model\n",
        "lib/agent/model.py": "",
        "compose.yaml": f"services:\n  a:\n    build: .\n    command: {start}\n",
    }

    assert places("REL013", files) == expected
