"""REL007 for what a container starts: modules that are nowhere."""

from __future__ import annotations

import pytest

from tests.audit.repository import Files, found, places

DOCKERFILE = "FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\n"


def system(command: str, **files: str) -> Files:
    return {
        "compose.yaml": f"services:\n  api:\n    build: .\n    command: {command}\n",
        "Dockerfile": DOCKERFILE,
        "services/gateway/main.py": "app = 1\n",
        **files,
    }


@pytest.mark.parametrize(
    "command",
    [
        "uvicorn services.api_gateway.main:app --port 8000",
        "[python, -m, services.gateway.worker]",
        "gunicorn services.gateway.wsgi:application",
        "sh -c 'cd /app && python -m services.jobs'",
    ],
)
def test_a_module_that_is_nowhere(command: str) -> None:
    assert places("REL007", system(command)) == ["compose.yaml:4"]


@pytest.mark.parametrize(
    ("command", "files"),
    [
        ("uvicorn services.gateway.main:app", {}),
        ("uvicorn services.gateway.main:app --app-dir src", {}),
        ("python -m services.gateway", {"services/gateway/__main__.py": ""}),
        ("python -m services.web", {"lib/services/web/__init__.py": ""}),
        ("python -m uvicorn.main", {}),  # a library's
        ("python -m http.server", {}),
        ("uvicorn main:app", {}),
        ("python services/none.py", {}),
        ("celery -A $APP worker", {}),
    ],
)
def test_a_module_that_is_there_or_foreign(command: str, files: dict[str, str]) -> None:
    assert found("REL007", system(command, **files)) == []


def test_a_test_client_as_people_have_it() -> None:
    """The runner was never added; the image has the agent's packages alone."""
    files = {
        "infra/compose.tak.yml": """\
            services:
              server:
                image: taky:1.0
              client:
                build:
                  context: ../
                  dockerfile: packages/agent/Dockerfile
                command: ["python", "-m", "tests.integration.test_interop_runner"]
            """,
        "packages/agent/Dockerfile": "FROM python:3.12-slim\nWORKDIR /app\nCOPY packages .\n",
        "packages/agent/agent.py": "",
        "tests/integration/test_interop.py": "",
    }

    (finding,) = found("REL007", files)

    assert (str(finding.place), finding.service) == ("infra/compose.tak.yml:8", "client")
    assert [str(it.place) for it in finding.also] == ["packages/agent/Dockerfile:1"]
