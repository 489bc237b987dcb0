"""OBS004: services without a route for their health."""

from __future__ import annotations

import pytest

from pipelines.audit.findings import Severity
from tests.audit.repository import Files, found, places

DOCKERFILE = "FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nCMD uvicorn main:app\n"
ROUTES = "".join(f'@app.get("/items/{number}")\ndef f{number}(): ...\n' for number in range(3))
APP = f"from fastapi import FastAPI\napp = FastAPI()\n{ROUTES}"


def service(main: str, dockerfile: str = DOCKERFILE, **more: str) -> Files:
    return {
        "Dockerfile": dockerfile,
        "main.py": main,
        **{f"{name}.py": text for name, text in more.items()},
    }


def test_no_route_for_health() -> None:
    (it,) = found("OBS004", service(APP))

    assert (str(it.place), it.severity) == ("main.py:2", Severity.MEDIUM)


@pytest.mark.parametrize(
    "path",
    ["/health", "/healthz", "/api/v1/health-check", "/readyz", "/livez", "/ping", "/status",
     "/_health", "/-/ready", "/__heartbeat__", "/alive", "/actuator/health", "/api/health/live"],
)  # fmt: skip
def test_the_usual_names(path: str) -> None:
    assert found("OBS004", service(f'{APP}@app.get("{path}")\ndef check(): ...\n')) == []


@pytest.mark.parametrize(
    "more",
    [
        '@app.get("/")\ndef health(): ...\n',
        'app.add_api_route("/internal/health", check)\n',
        "from routes import router\n",
        "import fastapi_health\n",
    ],
)
def test_other_ways_to_tell(more: str) -> None:
    routes = 'router = APIRouter()\n@router.get("/healthcheck")\ndef f(): ...\n'

    assert found("OBS004", service(APP + more, routes=routes)) == []


@pytest.mark.parametrize(
    ("run", "file"),
    [
        ("ENV FLASK_APP=shop.py\nCMD flask run", "shop.py"),
        ("ENV FLASK_APP=shop\nCMD flask run", "shop.py"),
        ("CMD flask --app shop run", "shop.py"),
        ("CMD flask run --host 0.0.0.0", "app.py"),
    ],
)
def test_flask_is_told_what_to_start_in_several_ways(run: str, file: str) -> None:
    routes = "".join(f'@app.route("/{number}")\ndef f{number}(): ...\n' for number in range(3))
    code = f"from flask import Flask\napp = Flask(__name__)\n{routes}"
    image = f"FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\n{run}\n"

    assert places("OBS004", {"Dockerfile": image, file: code}) == [f"{file}:2"]


def test_a_health_check_asks_by_http() -> None:
    probed = DOCKERFILE + "HEALTHCHECK CMD curl -f http://localhost:8000/items/1\n"

    assert found("OBS004", service(APP, probed)) == []
    assert places("OBS004", service(APP, DOCKERFILE + "HEALTHCHECK CMD pgrep uvicorn\n"))


def test_a_worker_answers_no_http() -> None:
    assert found("OBS004", service("from celery import Celery\napp = Celery()\n")) == []


def test_what_hardly_is_a_service_is_low() -> None:
    main = 'from flask import Flask\napp = Flask(__name__)\n@app.route("/")\ndef hello(): ...\n'

    (it,) = found("OBS004", service(main))

    assert it.severity is Severity.LOW


def test_one_of_several_services() -> None:
    compose = "services:\n  a:\n    build: a\n  b:\n    build: b\n"
    files = {
        "compose.yaml": compose,
        "a/Dockerfile": DOCKERFILE,
        "a/main.py": APP + '@app.get("/livez")\ndef f(): ...\n',
        "b/Dockerfile": DOCKERFILE,
        "b/main.py": APP,
    }

    (it,) = found("OBS004", files)

    assert (str(it.place), it.service) == ("b/main.py:2", "b")


def siblings(*routes: str) -> Files:
    """Services of one repository, each with these routes besides /health."""
    files = {}
    for number, more in enumerate(routes):
        probes = "".join(f"@app.get('{path}')\ndef p(): ...\n" for path in more.split())
        files[f"s{number}/main.py"] = f'{APP}@app.get("/health")\ndef h(): ...\n{probes}'
        files[f"s{number}/Dockerfile"] = DOCKERFILE
    return files


@pytest.mark.parametrize(
    ("routes", "line"),
    [
        (("/readyz /livez", "/readyz /livez", ""), "s2/main.py:2"),
        (("/health/ready /health/live", "/readyz /livez", "/readyz"), "s2/main.py:2"),
        (("/readyz", "", "/readyz"), "s1/main.py:2"),
    ],
)
def test_one_that_tells_less_than_the_others(routes: tuple[str, ...], line: str) -> None:
    (it,) = found("OBS004", siblings(*routes))

    assert (str(it.place), it.severity) == (line, Severity.LOW)
    assert [str(also.place) for also in it.also]


@pytest.mark.parametrize(
    "routes",
    [
        ("/readyz /livez", "", ""),
        ("/readyz /livez", "/readyz /livez", "", "", ""),
        ("/readyz /livez", "/ready /live", "/readiness /alive"),
        ("/items/ready-made /lives", "/items/ready-made /lives", ""),
        ("", "", ""),
    ],
)
def test_no_custom_or_all_keep_it(routes: tuple[str, ...]) -> None:
    assert found("OBS004", siblings(*routes)) == []
