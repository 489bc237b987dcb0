"""Installations in images that nothing pins."""

from __future__ import annotations

import pytest

from tests.audit.repository import found, places

HASHED = "a==1 --hash=sha256:" + "0" * 64 + "\n"
PACKAGE = '{"name": "x"}'


def image(*lines: str, **files: str) -> dict[str, str]:
    return {
        "Dockerfile": "\n".join(("FROM python:3.12", "COPY . .", *lines, "")),
        "requirements.txt": "a==1\n",
        "hashed.txt": HASHED,
        "package.json": PACKAGE,
        "pyproject.toml": "",
        **files,
    }


@pytest.mark.parametrize(
    "command",
    [
        "pip install -r requirements.txt",
        "pip install --no-cache-dir -r ./requirements.txt",
        "pip install -rrequirements.txt",
        "python -m pip install --requirement=requirements.txt",
        "uv pip install --system -r requirements.txt",
        "pip install fastapi uvicorn",
        "pip install fastapi==0.1",
        "pip install .",
        "pip install -e .",
        "apt-get update && pip install fastapi",
        "npm install",
        "npm i --omit=dev",
        "npm install left-pad",
        "yarn",
        "yarn install --production",
        "pnpm install",
        "bun install",
        "uv sync --no-dev",
        "poetry install --no-root",
        "pdm install",
        "pipenv install --system",
    ],
)
def test_an_installation_without_a_lock(command):
    (finding,) = found("GATE009", image(f"RUN {command}"))

    assert (str(finding.place), str(finding.severity)) == ("Dockerfile:3", "low")


@pytest.mark.parametrize(
    "command",
    [
        "pip install --require-hashes -r requirements.txt",
        "pip install -r hashed.txt",
        "pip install --no-deps .",
        "pip install --no-index --find-links=/wheels x",
        "pip install /wheels/*",
        "pip install --upgrade pip",
        "pip install poetry==1.8",
        "pip install -r made-by-another-stage.txt",
        "npm ci",
        "npm run build",
        "npm install -g corepack",
        "npm install left-pad@1.3.0",
        "yarn install --frozen-lockfile",
        "yarn install --immutable",
        "yarn build",
        "pnpm install --frozen-lockfile",
        "uv sync --frozen",
        "uv sync --locked --no-dev",
        "UV_FROZEN=1 uv sync",
        "pipenv install --deploy",
        "pipenv sync",
        "apt-get install -y curl",
    ],
)
def test_an_installation_that_is_pinned(command):
    assert found("GATE009", image(f"RUN {command}")) == []


@pytest.mark.parametrize(
    ("command", "lock"),
    [("uv sync", "uv.lock"), ("poetry install", "poetry.lock"), ("pdm sync", "pdm.lock")],
)
def test_a_lock_that_is_there(command, lock):
    assert found("GATE009", image(f"RUN {command}", **{lock: ""})) == []


def test_one_finding_for_each_run_of_the_stages_that_are_needed():
    dockerfile = """\
        FROM python:3.12 AS unused
        RUN pip install a
        FROM python:3.12 AS build
        RUN pip install a && \\
            pip install b
        FROM python:3.12-slim
        COPY --from=build /venv /venv
        RUN pip install c
        """

    assert places("GATE009", {"Dockerfile": dockerfile}) == ["Dockerfile:4", "Dockerfile:8"]


def test_a_system_like_those_that_people_launch():
    files = {
        "compose.yaml": "services: {api: {build: api}, web: {build: web}}\n",
        "api/Dockerfile": """\
            FROM python:3.11-slim
            WORKDIR /app
            ARG EXTRA=false
            COPY requirements.txt ./
            RUN pip install --no-cache-dir -r requirements.txt \\
                && if [ "$EXTRA" = "true" ]; then pip install --no-cache-dir pymavlink; fi
            COPY . .
            """,
        "api/requirements.txt": "fastapi==0.1\n",
        "web/Dockerfile": """\
            FROM node:20 AS deps
            COPY package.json package-lock.json* ./
            RUN npm ci
            FROM node:20
            COPY --from=deps /node_modules /node_modules
            """,
        "web/package.json": PACKAGE,
        "web/package-lock.json": "{}",
    }

    assert places("GATE009", files) == ["api/Dockerfile:5"]
