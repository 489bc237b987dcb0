"""Images: what is in them, who runs them, and what they start."""

from __future__ import annotations

import pytest

from pipelines.audit.model.containers.images import Image, named
from tests.audit.repository import Files, model


def built(dockerfile: str, files: Files | None = None) -> Image:
    """The one image of a repository with this Dockerfile at its root."""
    (image,) = model({"Dockerfile": dockerfile, "app/main.py": "", **(files or {})}).images
    return image


OTHER = "FROM alpine:3 AS b\nRUN apk add curl\n"


@pytest.mark.parametrize(
    ("dockerfile", "has"),
    [
        ("FROM python:3.12-slim", False),
        ("FROM python:3.12-slim\nRUN apt-get update && apt-get install -y curl", True),
        ("FROM debian\nRUN apt-get update \\\n # why\n && apt-get install -y \\\n  curl", True),
        ("FROM python:3.12-slim\nARG P='git curl'\nRUN apt-get install -y $P", True),
        ("FROM python:3.12-slim\nARG P='git gcc'\nRUN apt-get install -y ${P}", False),
        ("FROM python:3.12-slim\nRUN D='curl xz' && apt-get install -y $D", True),
        ("FROM python:3.12-slim\nRUN apt-get install -y $UNKNOWN", None),
        ("FROM python:3.12-slim\nRUN apt-get install -y curl && apt-get purge -y curl", False),
        ("FROM python:3.12-slim\nRUN apt-get install -y libcurl4-openssl-dev", False),
        ("FROM python:3.12-slim\nRUN pip install httpx", False),
        ("FROM alpine\nRUN apk add --no-cache curl=8.0", True),
        ("FROM alpine\nRUN apk add --virtual .tools curl gcc && make", True),
        ("FROM alpine\nRUN apk add -t .tools curl && apk del .tools", False),
        (f"{OTHER}FROM alpine", False),
        (f"{OTHER}FROM b", True),
        (f"{OTHER}FROM debian\nCOPY --from=b /usr/bin/curl /bin/", True),
        (f"{OTHER}FROM scratch\nCOPY --from=b / /", True),
        (f"{OTHER}FROM debian\nCOPY --from=b /usr/local /usr/local", False),
        ("FROM debian\nCOPY --from=x/curl:8 /ko-app/thing /usr/bin/curl", True),
        ("FROM debian\nADD https://example.org/curl /usr/local/bin/curl", True),
        ("FROM debian\nADD https://example.org/tools.tar.gz /", None),
        ("FROM debian\nRUN wget -O /usr/local/bin/curl https://example.org/c", True),
        ("FROM debian\nRUN wget -q https://example.org/i.sh -O - | sh", None),
        ("FROM debian\nRUN wget -qO- https://sh.rustup.rs | bash -", False),
        ("FROM debian\nCOPY tools/curl /usr/local/bin/", True),
        ("FROM debian\nCOPY tools/ /usr/local/bin/", True),
        ("FROM debian\nCOPY tools/install.sh /tmp/\nRUN sh /tmp/install.sh", True),
        ("FROM debian\nWORKDIR /t\nCOPY tools/install.sh .\nRUN ./install.sh", True),
        ("FROM debian\nRUN ./nowhere.sh", None),
        ("FROM registry.example.org/base:1", None),
        ("FROM registry.example.org/base:1\nRUN apt-get install -y curl", None),
        ("ARG BASE\nFROM $BASE", None),
        ("FROM debian\nRUN <<EOF\napt-get update\napt-get install -y curl\nEOF", True),
        ("FROM rockylinux:9\nRUN dnf install -y wget", True),
        ("FROM bitnami/minideb\nRUN install_packages curl", True),
    ],
)  # fmt: skip
def test_whether_curl_is_there(dockerfile, has):
    files = {"tools/curl": "", "tools/install.sh": "#!/bin/sh\napt-get install -y curl\n"}

    assert built(dockerfile, files).has("curl") is has


@pytest.mark.parametrize(
    ("package", "program"),
    [
        ("procps", "pgrep"),
        ("netcat-openbsd", "nc"),
        ("iputils-ping", "ping"),
        ("postgresql-client-16", "pg_isready"),
        ("redis-tools", "redis-cli"),
        ("default-mysql-client", "mysqladmin"),
        ("mosquitto-clients", "mosquitto_sub"),
        ("openjdk-17-jre-headless", "java"),
        ("dnsutils", "dig"),
        ("nodejs", "node"),
    ],
)
def test_packages_that_are_not_called_as_their_programs(package, program):
    assert built(f"FROM debian\nRUN apt-get install -y {package}").has(program)


@pytest.mark.parametrize(
    ("command", "program"),
    [
        ("pip install uvicorn[standard]==0.30", "uvicorn"),
        ("python -m pip install httpie", "http"),
        ("uv pip install --system gunicorn", "gunicorn"),
        ("npm install -g @nestjs/cli nodemon@3", "nodemon"),
        ("go install github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9", "grpcurl"),
        ("cargo install ripgrep", "ripgrep"),
    ],
)
def test_what_other_managers_bring(command, program):
    assert built(f"FROM python:3.12\nRUN {command}").has(program)


@pytest.mark.parametrize(
    ("dockerfile", "path", "origin"),
    [
        ("WORKDIR /srv\nCOPY . .", "app/main.py", "app/main.py"),
        ("WORKDIR /srv\nCOPY app .", "main.py", "app/main.py"),
        ("WORKDIR /srv\nCOPY app/main.py run.py", "run.py", "app/main.py"),
        ("WORKDIR /srv\nCOPY app/main.py ./x/", "/srv/x/main.py", "app/main.py"),
        ("WORKDIR /srv\nWORKDIR api\nCOPY app/*.py ./", "/srv/api/main.py", "app/main.py"),
        ("COPY . /a", "/b/app/main.py", None),
    ],
)
def test_where_a_file_of_the_image_comes_from(dockerfile, path, origin):
    it = model({"Dockerfile": f"FROM debian\n{dockerfile}\n", "app/main.py": ""})
    (image,) = it.images

    assert image.origin(path, it.tracked) == origin


def test_files_are_followed_through_another_stage():
    it = model(
        {
            "Dockerfile": """\
                FROM node:20 AS build
                WORKDIR /src
                COPY . .
                RUN npm run build
                FROM node:20-slim
                WORKDIR /app
                COPY --from=build /src/app ./app
                COPY --from=build /src/dist ./dist
                """,
            "app/main.py": "",
        }
    )
    (image,) = it.images

    assert image.origin("app/main.py", it.tracked) == "app/main.py"
    assert image.origin("dist", it.tracked) is None


@pytest.mark.parametrize(
    ("text", "words", "is_shell"),
    [
        ('CMD ["a", "b"]', ("a", "b"), False),
        ("CMD a b", ("a", "b"), True),
        ('ENTRYPOINT ["a"]\nCMD ["b"]', ("a", "b"), False),
        ('ENTRYPOINT ["a"]\nCMD b c', ("a", "/bin/sh", "-c", "b c"), False),
        ('ENTRYPOINT a\nCMD ["b"]', ("a",), True),
        ('CMD ["a"]\nCMD ["b"]', ("b",), False),
    ],
)
def test_what_it_starts(text, words, is_shell):
    entry = built(f"FROM debian\n{text}\n").entry

    assert entry is not None
    assert (entry.words, entry.is_shell) == (words, is_shell)


def test_an_entrypoint_takes_away_the_command_of_the_stage_below():
    entry = built('FROM debian AS a\nCMD ["old"]\nFROM a\nENTRYPOINT ["new"]\n').entry

    assert entry is not None
    assert entry.words == ("new",)


@pytest.mark.parametrize(
    ("text", "health"),
    [
        ("HEALTHCHECK CMD curl -f x", "curl -f x"),
        ('HEALTHCHECK --interval=3s CMD ["curl", "x"]', "curl x"),
        ("HEALTHCHECK NONE", None),
        ("HEALTHCHECK CMD a\nHEALTHCHECK NONE", None),
        ("", None),
    ],
)
def test_its_probe(text, health):
    found = built(f"FROM debian\n{text}\n").health

    assert (found.text if found else None) == health


COMPOSED = """\
    services:
      api:
        build: .
        user: "1000"
        working_dir: /x
        command: serve --now
        healthcheck: {test: [CMD, ask]}
      worker:
        build: .
        entrypoint: [work]
      other:
        build: .
        healthcheck: {disable: true}
    """


def test_compose_replaces_what_the_image_says():
    it = model(
        {
            "compose.yaml": COMPOSED,
            "Dockerfile": """\
                FROM debian
                USER app
                ENTRYPOINT ["start"]
                CMD ["it"]
                HEALTHCHECK CMD look
                """,
        }
    )
    services = it.projects[0].services
    api, worker, other = (it.image(services[name]) for name in ("api", "worker", "other"))

    words = [image.entry.words if image.entry else () for image in (api, worker, other)]
    assert words == [("start", "serve", "--now"), ("work",), ("start", "it")]
    assert (api.user, api.workdir) == ("1000", "/x")
    assert [image.health.text if image.health else "" for image in (api, worker, other)] == [
        "ask",
        "look",
        "",
    ]


def test_an_image_is_there_once_with_all_services_that_run_it():
    it = model({"compose.yaml": COMPOSED, "Dockerfile": "FROM debian\n"})
    (image,) = it.images

    assert [service.name for service in image.services] == ["api", "worker", "other"]


def test_builds_in_a_pipeline_are_images_too():
    it = model(
        {
            ".github/workflows/a.yml": """\
                on: push
                jobs:
                  build:
                    runs-on: ubuntu-latest
                    strategy: {matrix: {service: [api, web]}}
                    steps:
                      - uses: docker/build-push-action@v6
                        with:
                          context: ./${{ matrix.service }}
                          tags: org/${{ matrix.service }}:1
                      - run: docker build -t org/tool:1 -f tool/Dockerfile.x --target last .
                """,
            "api/Dockerfile": "FROM debian\n",
            "web/Dockerfile": "FROM debian\n",
            "tool/Dockerfile.x": "FROM debian AS first\nFROM debian AS last\nFROM debian\n",
        }
    )

    assert [
        (image.context, image.stage.index, image.tags) for image in it.images if image.stage
    ] == [
        ("api", 0, ("org/api:1",)),
        ("web", 0, ("org/web:1",)),
        ("", 1, ("org/tool:1",)),
    ]


def test_a_makefile_builds_images_as_well():
    it = model(
        {
            "ops/Makefile": "build:\n\tdocker build -f Dockerfile.api ..\n",
            "ops/Dockerfile.api": "FROM debian\nCOPY src /src\n",
            "src/a": "",
        }
    )

    assert [image.context for image in it.images] == [""]


def test_the_context_of_a_dockerfile_alone_is_where_its_sources_are():
    it = model(
        {
            "docker/api/Dockerfile": "FROM debian\nCOPY src/a /a\nCOPY lib /b\n",
            "src/a": "",
            "lib/b": "",
            "web/Dockerfile": "FROM debian\nCOPY . /a\n",
        }
    )

    assert [image.context for image in it.images] == ["", "web"]


@pytest.mark.parametrize(
    ("reference", "folder"),
    [
        ("org/api:2", "api"),
        ("ghcr.io/org/web", "web"),
        ("ghcr.io/other/nothing", None),
    ],
)
def test_what_a_registrys_name_stands_for(reference, folder):
    it = model({"api/Dockerfile": "FROM debian\n", "web/Dockerfile": "FROM alpine\n"})
    found = named(it.images, reference)

    assert (found.context if found else None) == folder


def test_a_service_of_somebody_elses_image_has_its_programs_and_its_user():
    it = model({"compose.yaml": "services: {a: {image: 'grafana/grafana:11'}, b: {image: x/y}}"})
    services = it.projects[0].services
    grafana, other = it.image(services["a"]), it.image(services["b"])

    assert (grafana.has("wget"), grafana.user, other.has("wget"), other.user) == (
        True,
        "472",
        None,
        "?",
    )
