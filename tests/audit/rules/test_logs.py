"""OBS005: logs that a machine cannot read."""

from __future__ import annotations

import pytest

from pipelines.audit.findings import Severity
from tests.audit.repository import Files, found

DOCKERFILE = "FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nCMD uvicorn main:app\n"
APP = "from fastapi import FastAPI\napp = FastAPI()\n"


def service(main: str) -> Files:
    return {"Dockerfile": DOCKERFILE, "main.py": main}


@pytest.mark.parametrize(
    ("main", "line"),
    [
        (APP + "import logging\nlogging.basicConfig(level=logging.INFO)\n", 4),
        (APP + "import logging\nlog = logging.getLogger(__name__)\n", 4),
        (APP + 'print("started")\n', 2),
    ],
)
def test_free_text(main: str, line: int) -> None:
    (it,) = found("OBS005", service(main))

    assert (str(it.place), it.severity) == (f"main.py:{line}", Severity.NOTE)


@pytest.mark.parametrize(
    "main",
    [
        APP + "import structlog\nimport logging\nlogging.basicConfig()\n",
        APP + "from pythonjsonlogger import json\nimport logging\nlogging.getLogger()\n",
        APP + "import logging\nlogging.config.dictConfig(LOGGING)\n",
        APP,
        "import logging\nlogging.basicConfig()\n",
    ],
)
def test_structured_or_no_service(main: str) -> None:
    assert found("OBS005", service(main)) == []


def test_a_service_with_a_program_beside_it() -> None:
    files = {
        **service(APP + "import structlog\n"),
        "scripts/load.py": "import logging\nlogging.basicConfig()\n",
        "tests/test_main.py": "print(1)\n",
    }

    assert found("OBS005", files) == []
