"""REL014: source folders that are mounted over what the image was built with."""

from __future__ import annotations

import pytest

from tests.audit.repository import found, places

RULE = "REL014"
SOURCES = {
    "api/main.py": "",
    "api/app/routes.py": "",
    "api/static/app.js": "",
    "api/data/places.csv": "",
    "conf/nginx.conf": "",
    "shared/schema.json": "",
}


def files(
    volume: str, dockerfile: str = "WORKDIR /app\nCOPY . .", more: str = ""
) -> dict[str, str]:
    start = "services:\n  api:\n    build: ./api\n    volumes:\n"
    return {
        **SOURCES,
        "compose.yaml": f"{start}      - {volume}\n{more}",
        "api/Dockerfile": f'FROM python:3.12-slim\n{dockerfile}\nCMD ["python", "main.py"]\n',
    }


@pytest.mark.parametrize(
    ("volume", "dockerfile"),
    [
        ("./api:/app", "WORKDIR /app\nCOPY . ."),
        ("./api:/app:ro", "WORKDIR /app\nCOPY . ."),
        ("./api/:/app/", "WORKDIR /app\nCOPY . ."),
        ("'${PWD}/api:/app'", "WORKDIR /app\nCOPY . ."),
        (".:/app", "WORKDIR /app\nCOPY . ."),
        ("./api:/srv", "WORKDIR /srv/code\nCOPY . ."),
        ("./api/app:/app/app", "WORKDIR /app\nCOPY . ."),
        ("./api/app:/app/app", "WORKDIR /app\nCOPY app ./app\nCOPY main.py ."),
        ("./api:/code", "COPY . /code"),
        ("{type: bind, source: ./api, target: /app}", "WORKDIR /app\nCOPY . ."),
    ],
)
def test_a_folder_over_the_image(volume: str, dockerfile: str) -> None:
    assert places(RULE, files(volume, dockerfile)) == ["compose.yaml:5"]


@pytest.mark.parametrize(
    "volume",
    [
        "data:/app/data",
        "/app/node_modules",
        "./api/data:/app/data",
        "./api/static:/app/static",
        "./conf/nginx.conf:/etc/nginx/nginx.conf:ro",
        "./conf:/app",
        "./shared:/shared",
        "./api:/workspace",
        "../elsewhere:/app",
        "/srv/api:/app",
        "./gone:/app",
        "{type: tmpfs, target: /app}",
    ],
)
def test_nothing_of_the_image_is_hidden(volume: str) -> None:
    assert found(RULE, files(volume)) == []


def test_an_image_of_somebody_else_has_no_sources_here() -> None:
    compose = "services:\n  api:\n    image: node:22\n    volumes: ['./api:/app']\n"

    assert found(RULE, {**SOURCES, "compose.yaml": compose}) == []


def test_a_working_folder_that_compose_sets() -> None:
    moved = files("./api:/other", "COPY . /built", "    working_dir: /other\n")

    assert places(RULE, moved) == ["compose.yaml:5"]


def test_the_second_place_is_what_the_build_puts_there() -> None:
    (fault,) = found(RULE, files("./api:/app"))

    assert [str(also.place) for also in fault.also] == ["api/Dockerfile:3"]


def test_the_second_place_is_the_copy_of_that_folder() -> None:
    dockerfile = "WORKDIR /app\nCOPY app ./app\nCOPY main.py ."
    (fault,) = found(RULE, files("./api/app:/app/app", dockerfile))

    assert [str(also.place) for also in fault.also] == ["api/Dockerfile:3"]


def test_an_image_for_development_is_less_severe() -> None:
    system = files("./api:/app")
    system["compose.yaml"] = system["compose.yaml"].replace(
        "build: ./api", "build: {context: ./api, dockerfile: Dockerfile.dev}"
    )
    system["api/Dockerfile.dev"] = system["api/Dockerfile"]

    assert [str(it.severity) for it in found(RULE, system)] == ["low"]


def test_a_system_whose_override_is_for_its_developers() -> None:
    system = {
        "deploy/docker-compose.yml": """\
            services:
              web:
                build: {context: ../web}
                volumes:
                  - ../web:/usr/src/app
                  - /usr/src/app/node_modules
                  - ../web/nginx.conf:/etc/nginx/nginx.conf:ro
              api:
                build: {context: ../api}
            """,
        "deploy/docker-compose.override.yml": """\
            services:
              api:
                volumes: ["../api:/app"]
            """,
        "web/Dockerfile": """\
            FROM node:22-slim AS build
            WORKDIR /usr/src/app
            COPY package.json .
            RUN npm install
            COPY . .
            FROM build
            CMD ["node", "server.js"]
            """,
        "web/server.js": "",
        "web/nginx.conf": "",
        "api/Dockerfile": 'FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nCMD ["python", "m.py"]\n',
        "api/m.py": "",
    }

    assert [(str(it.place), str(it.severity)) for it in found(RULE, system)] == [
        ("deploy/docker-compose.yml:5", "medium")
    ]


def test_a_whole_system_for_developers_is_less_severe() -> None:
    system = files("./api:/app")
    system["compose.dev.yaml"] = system.pop("compose.yaml")

    assert [(str(it.place), str(it.severity)) for it in found(RULE, system)] == [
        ("compose.dev.yaml:5", "low")
    ]
