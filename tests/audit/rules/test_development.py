"""SEC005: Compose starts a service in the way of its developers."""

from __future__ import annotations

import pytest

from tests.audit.repository import Files, found, places

RULE = "SEC005"
PYTHON = {
    "Dockerfile": 'FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nCMD ["gunicorn", "shop.wsgi"]\n'
}
STAGES = {
    "Dockerfile": """\
        FROM node:22-slim AS base
        WORKDIR /app
        COPY . .
        FROM base AS development
        CMD ["npm", "start"]
        FROM base AS watching
        CMD ["nodemon", "server.js"]
        FROM base AS test-data
        CMD ["node", "data.js"]
        FROM base AS production
        CMD ["node", "server.js"]
        """
}


def compose(lines: str, path: str = "compose.yaml") -> dict[str, str]:
    """A service called `web` of these lines."""
    return {path: "services:\n  web:\n" + "".join(f"    {it}\n" for it in lines.splitlines())}


def severities(files: Files) -> list[tuple[str, str]]:
    return [(str(it.place), str(it.severity)) for it in found(RULE, files)]


@pytest.mark.parametrize(
    "command",
    [
        "command: uvicorn main:app --reload",
        "command: npm run dev",
        "command: yarn dev",
        "command: [python, manage.py, runserver, '0.0.0.0:8000']",
        "command: sh -c 'python manage.py migrate && python manage.py runserver'",
        "command: flask run --host 0.0.0.0",
        "command: fastapi dev main.py",
        "command: next dev",
        "entrypoint: nodemon server.js",
        "entrypoint: [poetry, run, uvicorn, 'main:app', --reload]",
    ],
)
def test_a_command_for_developers(command: str) -> None:
    assert severities(compose(f"build: .\n{command}") | PYTHON) == [("compose.yaml:4", "high")]


@pytest.mark.parametrize(
    "lines",
    [
        "image: quay.io/keycloak/keycloak:26.0\ncommand: start-dev --import-realm",
        "image: keycloak/keycloak:26.0\ncommand: [start-dev]",
        "image: hashicorp/vault:1.18\ncommand: server -dev -dev-listen-address=0.0.0.0:8200",
        "image: hashicorp/consul:1.20\ncommand: consul agent -dev -client 0.0.0.0",
    ],
)
def test_a_third_party_image_in_its_mode_for_development(lines: str) -> None:
    assert places(RULE, compose(lines)) == ["compose.yaml:4"]


@pytest.mark.parametrize(
    "lines",
    [
        "image: quay.io/keycloak/keycloak:26.0\ncommand: start --optimized",
        "image: hashicorp/vault:1.18\ncommand: server",
        "build: .",
        "build: .\ncommand: uvicorn main:app --workers 4",
        "build: .\ncommand: npm start",
        "build: .\ncommand: npm run build",
        "build: .\ncommand: celery -A shop worker",
        'build: .\ncommand: uvicorn main:app $( [ "${R:-false}" = "true" ] && echo "--reload" )',
        "build: .\nenvironment: [FLASK_DEBUG=1]",
        "build: .\ncommand: []",
    ],
)
def test_a_command_for_production(lines: str) -> None:
    assert found(RULE, compose(lines) | PYTHON) == []


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("development", ["compose.yaml:5"]),
        ("watching", ["compose.yaml:5"]),
        ("test-data", []),
        ("base", []),
        ("production", []),
    ],
)
def test_a_stage_for_developers(target: str, expected: list[str]) -> None:
    files = compose(f"build:\n  context: .\n  target: {target}") | STAGES

    assert places(RULE, files) == expected


def test_a_stage_is_overruled_by_a_command() -> None:
    files = compose("build: {context: ., target: development}\ncommand: node server.js") | STAGES

    assert found(RULE, files) == []


def test_an_image_of_somebody_else_has_no_way_of_its_own() -> None:
    assert severities(compose("image: node:22\ncommand: npm run dev")) == [
        ("compose.yaml:4", "medium")
    ]


@pytest.mark.parametrize("path", ["compose.override.yaml", "compose.dev.yaml", "dev/compose.yaml"])
def test_files_for_developers_are_less_severe(path: str) -> None:
    files = compose("build: .") | PYTHON | compose("build: .\ncommand: npm run dev", path)

    assert severities(files) == [(f"{path}:4", "low")]


def test_an_override_for_production_mends_it() -> None:
    files = {
        **PYTHON,
        **compose("build: .\ncommand: flask run"),
        **compose("command: gunicorn shop.wsgi", "compose.prod.yaml"),
    }

    assert severities(files) == [("compose.yaml:4", "low")]


def test_a_script_is_followed_to_where_it_ends() -> None:
    files = {
        "compose.yaml": """\
            services:
              api:
                build: ./api
                command: ./start.sh
              worker:
                build: ./api
            """,
        "api/Dockerfile": """\
            FROM python:3.12-slim
            WORKDIR /app
            COPY . .
            CMD ["gunicorn", "shop.wsgi"]
            """,
        "api/start.sh": "#!/bin/sh\npython manage.py migrate\nexec python manage.py runserver\n",
    }

    (fault,) = found(RULE, files)

    assert (str(fault.place), fault.service) == ("compose.yaml:4", "api")
    assert [also.place.file for also in fault.also] == ["api/start.sh"]


@pytest.mark.parametrize(
    ("script", "expected"), [("nodemon server.js", ["compose.yaml:4"]), ("node server.js", [])]
)
def test_a_package_script_is_followed(script: str, expected: list[str]) -> None:
    files = {
        "compose.yaml": "services:\n  web:\n    build: ./web\n    command: npm start\n",
        "web/Dockerfile": 'FROM node:22-slim\nWORKDIR /app\nCOPY . .\nCMD ["node", "server.js"]\n',
        "web/package.json": '{\n"name": "web",\n"scripts": {\n"start": "' + script + '"\n}\n}\n',
        "web/server.js": "",
    }

    assert places(RULE, files) == expected
