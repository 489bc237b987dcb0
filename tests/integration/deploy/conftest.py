"""The small system of tests/deploy, in containers of images that a registry of our own has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import docker
import pytest
from docker.models.containers import Container

from pipelines.containers import connect, leftovers
from pipelines.deploy.docker.engine import DockerEngine
from pipelines.deploy.docker.project import SITE
from pipelines.images.build import Built
from pipelines.release import Release
from pipelines.release.images import push
from pipelines.stack.docker.project import FOLDER
from tests.deploy.system import System
from tests.integration.base import image_of

ROOT = Path(__file__).parents[3]
# As in tests/deploy, without a library, which the base does not have.
WEB = """
import http.server, itertools, os, pathlib, sys, time

version, does = pathlib.Path("version").read_text(), pathlib.Path("does").read_text()
count = itertools.count(1)
if does == "crashes":
    sys.exit("nothing to serve")

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        status, text = 200, version
        if self.path == "/slow":
            time.sleep(0.3)
        elif self.path == "/readyz":
            status = 503 if does == "is never ready" else 200
        elif self.path == "/secret":
            text = str(len(pathlib.Path(os.environ["TOKEN_FILE"]).read_text()))
        elif does == "fails" and next(count) % 20 == 0:
            status = 500
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass

class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128

Server(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
"""
PROBE = "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/readyz')"
COMPOSE = f"""
name: %(name)s
x-one: &one
  image: small-web
  build: .
  init: true
  user: "10001:10001"
  read_only: true
  cap_drop: [ALL]
services:
  web:
    <<: *one
    command: [python, web.py]
    environment: {{PORT: "8000", TOKEN_FILE: /run/secrets/token}}
    ports: ["127.0.0.1:8000:8000"]
    secrets: [token]
    restart: unless-stopped
    stop_grace_period: 1s
    mem_limit: 64m
    healthcheck:
      test: [CMD, python, -c, "{PROBE}"]
      interval: 1s
      timeout: 2s
      retries: 3
      start_period: 3s
      start_interval: 100ms
  prepare:
    <<: *one
    command: [python, -c, "print('prepared')"]
    restart: "no"
  smoke:
    <<: *one
    profiles: [smoke]
    restart: "no"
    command: [python, smoke.py]
    environment: {{WEB_URL: "http://web:8000"}}
    depends_on: {{web: {{condition: service_healthy}}}}
  store:
    <<: *one
    command: [sleep, "100000"]
    restart: unless-stopped
    stop_grace_period: 1s
    volumes: ["kept:/kept"]
volumes:
  kept: {{}}
secrets:
  token: {{file: ./token}}
"""
DOCKERFILE = """
FROM {base}
LABEL {label}={owner}
WORKDIR /app
COPY web.py smoke.py version does ./
"""
ENVIRONMENT = """
engine: docker
doors: {{web: {port}}}
ready: 25s
bake: {{seconds: 1, requests: 20, paths: [web/]}}
"""


@dataclass
class Containers(System):
    """The system in containers; `registry` is where its images are pushed to."""

    name: str = field(default_factory=leftovers.name)
    registry: str = ""

    def release(self, version: str, does: str = "works") -> Release:
        plain = super().release(version, does)
        with connect() as client:
            image, _ = client.images.build(path=str(self.root), tag=f"{self.name}:{plain.short}")
            client.images.get(image.id).tag("small-web", self.name)
        built = Built(
            component="web",
            image=f"small-web:{self.name}",
            digest=str(image.id),
            size=0,
            revision="",
            base="",
            base_digest="",
            is_on_stand_in=True,
            paths=(),
        )
        [reference] = push(self.registry, [built]).values()
        made = replace_images(plain, reference)
        self.releases[made.id] = made
        return made

    @property
    def engine(self) -> DockerEngine:  # type: ignore[override]
        return DockerEngine(self.site)

    def containers(self) -> Sequence[Container]:
        labels = [f"{SITE}=staging", f"{FOLDER}={self.root}"]
        with connect() as client:
            found: Sequence[Container] = client.containers.list(
                all=True, filters={"label": labels}, ignore_removed=True
            )
        return found

    def base(self) -> dict[str, str]:
        """What outlives releases, by its ids."""
        return {
            str(it.name): str(it.id)
            for it in self.containers()
            if str(it.name).startswith(f"{self.name}-staging-base")
        }


def replace_images(release: Release, reference: str) -> Release:
    return Release(
        **{
            **{name: getattr(release, name) for name in release.__struct_fields__},
            "images": {"small-web": reference},
        }
    )


@pytest.fixture
def system(
    engine: docker.DockerClient,
    tmp_path: Path,
    local_registry: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Containers]:
    """The system, not deployed yet; whatever of it runs at the end is stopped."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    made = Containers.make(tmp_path / "repository")
    assert isinstance(made, Containers)
    made.registry = local_registry
    dockerfile = DOCKERFILE.format(
        base=image_of(engine, "python"), label=leftovers.OWNER, owner=leftovers.owner()
    )
    for name, text in {
        "web.py": WEB,
        "compose.yaml": COMPOSE % {"name": made.name},
        "Dockerfile": dockerfile,
        "environments/staging.yaml": ENVIRONMENT.format(port=made.port),
    }.items():
        (made.root / name).write_text(text)
    yield made
    made.down()
    assert made.containers() == []
    left = [it.name for it in engine.networks.list() if str(it.name).startswith(made.name)]
    assert left == []
    for image in engine.images.list(filters={"label": f"{leftovers.OWNER}={leftovers.owner()}"}):
        engine.images.remove(image.id, force=True)
