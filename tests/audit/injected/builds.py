"""Images that cannot be built, are built of what moves, lack a module, or run as root."""

from __future__ import annotations

from collections.abc import Iterator

from tests.audit.injected.injection import Edit, Injection, add, change, injected, inside, remove

BIKES, CLINIC, PARCELS = "bikeshare", "clinic", "parcels"
GATEWAY, RIDES = "services/gateway", "services/rides"


def _broken() -> Iterator[Injection]:
    yield injected(
        "REL007",
        BIKES,
        "the context of gateway is gone",
        change("compose.yaml", "context: services/gateway", "context: service/gateway"),
        at="build:\n      context: service/gateway",
    )
    yield injected(
        "REL007",
        PARCELS,
        "the context of web is gone",
        change("compose.yaml", "build: ./web", "build: ./website"),
    )
    for system, old, file in (
        (PARCELS, "      context: ./api\n", "compose.yaml"),
        (BIKES, "      context: services/gateway\n", "compose.yaml"),
    ):
        yield injected(
            "REL007",
            system,
            "another Dockerfile",
            change(file, old, f"{old}      dockerfile: Dockerfile.prod\n"),
            at="      dockerfile: Dockerfile.prod",
        )
    yield injected(
        "REL007",
        PARCELS,
        "another target",
        change("compose.yaml", "target: production", "target: release"),
    )
    copies = (
        (BIKES, f"{GATEWAY}/Dockerfile", "COPY app ./app", "COPY src ./app"),
        (BIKES, f"{RIDES}/Dockerfile", "COPY alembic.ini ./", "COPY alembic.ini logging.ini ./"),
        (BIKES, f"{RIDES}/Dockerfile", "COPY migrations ./migrations", "COPY alembic ./migrations"),
        (
            BIKES,
            f"{RIDES}/Dockerfile",
            "COPY requirements.txt ./",
            "COPY requirements.lock ./requirements.txt",
        ),
        (
            BIKES,
            f"{GATEWAY}/Dockerfile",
            "COPY app ./app",
            "COPY app ./app\nCOPY ../../monitoring ./monitoring",
        ),
        (
            CLINIC,
            "Dockerfile",
            "COPY requirements.txt .",
            "COPY requirements/base.txt requirements.txt",
        ),
        (
            CLINIC,
            "Dockerfile",
            "COPY clinic ./clinic",
            "COPY clinic ./clinic\nCOPY templates ./templates",
        ),
        (CLINIC, "Dockerfile", "COPY manage.py .", "COPY manage.py wsgi.py ./"),
        (CLINIC, "Dockerfile", "COPY manage.py .", "COPY manage.py deploy/site.yaml ./"),
        (PARCELS, "web/Dockerfile", "COPY nginx.conf", "COPY default.conf"),
        (PARCELS, "web/Dockerfile", "COPY index.html", "COPY index.html favicon.ico"),
        (PARCELS, "api/Dockerfile", "COPY src ./src", "COPY lib ./src"),
        (PARCELS, "api/Dockerfile", "COPY src ./src", "COPY src ./src\nCOPY test ./test"),
    )
    for system, file, old, new in copies:
        at = new.rpartition("\n")[2]
        yield injected("REL007", system, f"{file} has {at}", change(file, old, new), at=at)
    yield injected(
        "REL007",
        BIKES,
        "the stage has another name",
        change(f"{GATEWAY}/Dockerfile", "COPY --from=build", "COPY --from=builder"),
    )
    yield injected(
        "REL007",
        BIKES,
        "no stage has that number",
        change(f"{GATEWAY}/Dockerfile", "COPY --from=build", "COPY --from=2"),
    )
    yield injected(
        "REL007",
        PARCELS,
        "no lock file",
        remove("api/package-lock.json"),
        change("api/Dockerfile", "COPY package.json package-lock.json ./", "COPY package.json ./"),
        at=("api/Dockerfile", "RUN npm ci --omit=dev"),
    )
    yield injected(
        "REL007",
        PARCELS,
        ".dockerignore leaves the sources out",
        change("api/.dockerignore", "test\n", "test\nsrc\n"),
        at=("api/Dockerfile", "COPY src ./src"),
    )


_USERS = (
    (BIKES, f"{GATEWAY}/Dockerfile", "USER 10001\n", "FROM python:3.12-slim\nENV"),
    (BIKES, f"{RIDES}/Dockerfile", "USER 10001\n", "FROM python:3.12-slim\nENV"),
    (PARCELS, "api/Dockerfile", "USER node\n", "FROM base AS production"),
    (CLINIC, "Dockerfile", "USER clinic\n", "FROM python:3.12-slim"),
)


def _rooted() -> Iterator[Injection]:
    plain = change(
        "deploy/site.yaml", "            runAsNonRoot: true\n            runAsUser: 10001\n", ""
    )
    for system, file, user, stage in _USERS:
        given = (plain,) if system == CLINIC else ()
        yield injected(
            "REL008", system, f"{file} has no USER", change(file, user, ""), at=stage, given=given
        )
        for way in ("root", "0", "0:0"):
            yield injected(
                "REL008",
                system,
                f"{file} has USER {way}",
                change(file, user, f"USER {way}\n"),
                given=given,
            )
    for system, file, service, before in (
        (BIKES, "compose.yaml", "rides", "    mem_limit: 256m\n"),
        (PARCELS, "compose.yaml", "web", "    build: ./web\n"),
        (CLINIC, "docker-compose.yml", "site", "    mem_limit: 384m\n"),
    ):
        for way in ("root", '"0"', '"0:0"'):
            edit = inside(file, service, before, f"{before}    user: {way}\n")
            yield injected("REL008", system, f"{service} is {way}", edit, at=f"    user: {way}")


def _moving() -> Iterator[Injection]:
    images = (
        (BIKES, "compose.yaml", "postgres:16.4-alpine", "postgres"),
        (BIKES, "compose.yaml", "redis:7.4-alpine", "redis"),
        (BIKES, "compose.yaml", "prom/prometheus:v2.55.1", "prom/prometheus"),
        (PARCELS, "compose.yaml", "mongo:7.0.15", "mongo"),
        (CLINIC, "docker-compose.yml", "mariadb:11.4.3", "mariadb"),
        (CLINIC, "docker-compose.yml", "rabbitmq:4.0.3-alpine", "rabbitmq"),
    )
    for system, file, image, name in images:
        for way in ("", ":latest"):
            edit = change(file, f"image: {image}", f"image: {name}{way}")
            yield injected("REL009", system, f"{name}{way}", edit)
    bases = (
        (PARCELS, "api/Dockerfile", "FROM node:22.11-bookworm-slim", "FROM node"),
        (CLINIC, "Dockerfile", "FROM python:3.12-slim\n", "FROM python"),
        (BIKES, f"{GATEWAY}/Dockerfile", "FROM python:3.12-slim\nENV", "FROM python"),
        (BIKES, f"{RIDES}/Dockerfile", "FROM python:3.12-slim AS", "FROM python"),
    )
    for system, file, base, name in bases:
        rest = base.partition("slim")[2]
        for way in (":latest", ":slim"):
            edit = change(file, base, f"{name}{way}{rest}")
            yield injected("REL009", system, f"{file} {name}{way}", edit)
    digest = "clinic@sha256:2a1f9c0c6b57e0b1f2f8b6b1a6b2f3e4d5c6b7a8990a1b2c3d4e5f60718293a4"
    for way in ("clinic", "clinic:latest"):
        edit = change("deploy/site.yaml", digest, way)
        yield injected("REL009", CLINIC, f"the deployment has {way}", edit)


def _undeclared() -> Iterator[Injection]:
    gateway, rides = f"{GATEWAY}/app/main.py", f"{RIDES}/app/main.py"
    imports = (
        (BIKES, gateway, "import httpx\n", "import httpx\nimport orjson\n"),
        (BIKES, gateway, "import structlog\n", "import sentry_sdk\nimport structlog\n"),
        (BIKES, gateway, "import structlog\n", "import jwt\nimport structlog\n"),
        (BIKES, f"{GATEWAY}/app/settings.py", "import os\n", "import os\n\nimport yaml\n"),
        (BIKES, f"{GATEWAY}/app/metrics.py", "from prom", "import psutil\nfrom prom"),
        (BIKES, rides, "import structlog\n", "import httpx\nimport structlog\n"),
        (BIKES, rides, "import structlog\n", "import numpy as np\nimport structlog\n"),
        (
            BIKES,
            f"{RIDES}/app/settings.py",
            "import os\n",
            "import os\n\nfrom dotenv import load_dotenv\n",
        ),
        (
            CLINIC,
            "clinic/visits/views.py",
            "from django.http",
            "import pandas as pd\nfrom django.http",
        ),
        (CLINIC, "clinic/settings.py", "import os\n", "import os\n\nimport environ\n"),
        (
            CLINIC,
            "clinic/wsgi.py",
            "from django.core.wsgi",
            "import newrelic.agent\nfrom django.core.wsgi",
        ),
        (CLINIC, "clinic/visits/tasks.py", "import requests\n", "import boto3\nimport requests\n"),
    )
    labels = "labels/labels"
    of_labels = (
        (PARCELS, f"{labels}/app.py", "import structlog\n", "import qrcode\nimport structlog\n"),
        (PARCELS, f"{labels}/metrics.py", "from prom", "import requests\nfrom prom"),
    )
    for system, file, old, new in (*imports, *of_labels):
        line = next(it for it in new.split("\n") if it and it not in old)
        if new.endswith(old):
            line = new.partition("\n")[0]
        yield injected(
            "REL013", system, f"{file} has {line}", change(file, old, new), at=f"{line}\n"
        )
    for system, file, package, other, at in (
        (BIKES, f"{GATEWAY}/requirements.txt", "httpx==", "aiohttp==", (gateway, "import httpx")),
        (
            BIKES,
            f"{GATEWAY}/requirements.txt",
            "structlog==",
            "loguru==",
            (gateway, "import structlog"),
        ),
        (BIKES, f"{RIDES}/requirements.txt", "pyjwt==", "python-jose==", (rides, "import jwt")),
        (
            CLINIC,
            "requirements.txt",
            "requests==",
            "httpx==",
            ("clinic/visits/tasks.py", "import requests"),
        ),
    ):
        edit = _renamed(file, package, other)
        yield injected("REL013", system, f"{file} has {other} for {package}", edit, at=at)


def _renamed(file: str, package: str, other: str) -> Edit:
    return change(file, f"\n{package}", f"\n{other}")


def _lockless() -> Iterator[Injection]:
    hashed = "--require-hashes -r requirements.txt"
    for folder in (GATEWAY, RIDES):
        edit = change(f"{folder}/Dockerfile", hashed, "-r requirements.txt gunicorn==23.0.0")
        yield injected("GATE009", BIKES, f"{folder} installs one more", edit)
    for way in (
        "gunicorn==23.0.0",
        "--upgrade gunicorn==23.0.0 uvloop==0.21.0",
        "git+https://git.example.org/forms.git",
    ):
        edit = change(
            "Dockerfile",
            "COPY manage.py .\n",
            f"RUN pip install --no-cache-dir {way}\nCOPY manage.py .\n",
        )
        yield injected("GATE009", CLINIC, f"pip install {way}", edit)
    yield injected(
        "GATE009",
        CLINIC,
        "a file without hashes",
        change(
            "Dockerfile",
            f"{hashed}\n",
            f"{hashed}\nCOPY extra.txt .\nRUN pip install -r extra.txt\n",
        ),
        add("extra.txt", "pillow==11.0.0\n"),
        at="RUN pip install -r extra.txt",
    )
    for way in (
        "npm install",
        "npm install --omit=dev",
        "npm i --omit=dev",
        "yarn install --production",
        "pnpm install --prod",
    ):
        edit = change("api/Dockerfile", "RUN npm ci --omit=dev", f"RUN {way}")
        yield injected("GATE009", PARCELS, way, edit)
    for way in ("npm install dd-trace", "npm i pm2@latest"):
        edit = change(
            "api/Dockerfile", "RUN npm ci --omit=dev\n", f"RUN npm ci --omit=dev\nRUN {way}\n"
        )
        yield injected("GATE009", PARCELS, way, edit)


# A list that CI installs, and how one of its lines begins and ends.
_LISTED = (
    (
        BIKES,
        "requirements-ci.txt",
        "ruff==0.8.0",
        "a06b5f38e67fbd4fdced68ed323cd8a9187a58d97beba54aeb77aae879620a9b",
    ),
    (
        CLINIC,
        "requirements-dev.txt",
        "mypy==1.13.0",
        "66bb13f03482158bae44fc0106a4e7872477787cd2150267b17812d0111c66f9",
    ),
)


def _loose() -> Iterator[Injection]:
    for system, file, pin, digest in _LISTED:
        for version in ("", ">=0.8", "~=1.0", ">=0.8,<2"):
            name = pin.partition("==")[0]
            edit = change(file, f"{pin} \\\n    --hash=sha256:{digest}", f"{name}{version}")
            yield injected("GATE008", system, f"{file} has {name}{version}", edit)
    steps = (
        (
            BIKES,
            "ci.yml",
            "          pip install --require-hashes -r requirements-ci.txt\n",
            "          ",
        ),
        (CLINIC, "check.yaml", "      - run: ./scripts/test.sh\n", "      - run: "),
        (PARCELS, "test.yml", "      - run: ruff check labels\n", "      - run: "),
    )
    for system, file, before, start in steps:
        for command in (
            "pip install coverage",
            "python -m pip install 'mypy>=1.8'",
            "pip install --upgrade pytest-cov",
            "npm install -g markdownlint-cli",
        ):
            edit = change(f".github/workflows/{file}", before, f"{start}{command}\n{before}")
            yield injected("GATE008", system, command, edit)
    yield injected(
        "GATE008",
        PARCELS,
        "a program of the image",
        change(
            "api/Dockerfile", "RUN npm ci --omit=dev\n", "RUN npm ci --omit=dev\nRUN npm i -g pm2\n"
        ),
        at="RUN npm i -g pm2",
    )


INJECTIONS = (*_broken(), *_rooted(), *_moving(), *_undeclared(), *_lockless(), *_loose())
