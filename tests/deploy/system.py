"""A system of one service, whose releases are what a test needs them to be."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.deploy.lock import Fence, Lock
from pipelines.deploy.machine import Machine
from pipelines.deploy.process.engine import ProcessEngine
from pipelines.deploy.site import Site
from pipelines.environments import load
from pipelines.release import Release
from pipelines.stack.ports import any_free

# Serves its version; what else it does stands in a file beside it.
WEB = """
import asyncio, itertools, os, pathlib, signal, sys
from aiohttp import web

here = pathlib.Path(__file__).parent
version = (here / "version").read_text()
does = (here / "does").read_text()
count = itertools.count(1)
if does == "crashes":
    sys.exit("nothing to serve")

async def say(request):
    if does == "fails" and next(count) % 20 == 0:
        return web.Response(status=500, text="it fails")
    return web.Response(text=version)

async def slowly(request):
    await asyncio.sleep(0.3)
    return web.Response(text=version)

async def ready(request):
    return web.Response(status=503 if does == "is never ready" else 200)

async def secret(request):
    file = pathlib.Path(os.environ["TOKEN_FILE"])
    return web.Response(text=str(len(file.read_text())))

app = web.Application()
app.add_routes([web.get("/", say), web.get("/slow", slowly), web.get("/readyz", ready),
                web.get("/secret", secret)])
web.run_app(app, host="127.0.0.1", port=int(os.environ["PORT"]), print=None)
"""
COMPOSE = """
name: small
services:
  web:
    image: small-web
    command: [python, web.py]
    environment: {PORT: "8000", TOKEN_FILE: /run/secrets/token}
    ports: ["127.0.0.1:8000:8000"]
    secrets: [token]
    restart: unless-stopped
    healthcheck: {test: [CMD, "true"], interval: 1s, timeout: 1s, retries: 3, start_period: 10s}
    x-summit: {probe: {http: /readyz}}
  prepare:
    image: small-web
    command: [python, -c, "print('prepared')"]
    restart: "no"
  smoke:
    image: small-web
    profiles: [smoke]
    restart: "no"
    command: [python, smoke.py]
    environment: {WEB_URL: "http://web:8000"}
    depends_on: {web: {condition: service_healthy}}
secrets:
  token: {file: ./token, x-summit: {generate: password}}
"""
PIPELINES = """
gates: {lint: [lint]}
components: {web: {folder: ., kind: page}}
kinds:
  page:
    lint: {run: [python, -m, py_compile, web.py], inputs: ["*.py", version, does]}
"""
SMOKE = """
import os, sys, urllib.request
said = urllib.request.urlopen(os.environ["WEB_URL"], timeout=5).read().decode()
sys.exit("it is not the right one" if said.startswith("wrong") else 0)
"""
STAGING = """
engine: process
doors: {{web: {port}}}
ready: 10s
bake: {{seconds: 0.5, requests: 20, paths: [web/]}}
policy: [{{gate: lint}}]
"""
PRODUCTION = """
engine: process
doors: {{web: {port}}}
ready: 10s
bake: {{seconds: 0.5, requests: 20, paths: [web/]}}
policy:
  - {{gate: lint}}
  - {{gate: smoke, subject: environment, environment: staging, max_age: 1h}}
  - {{same_digests_as: staging}}
"""
IGNORED = "__pycache__/\n.summit/\n"


@dataclass
class System:
    """The repository, its environment `staging`, and what was released of it."""

    root: Path
    port: int
    said: list[str] = field(default_factory=list)
    releases: dict[str, Release] = field(default_factory=dict)

    @classmethod
    def make(cls, root: Path) -> System:
        root.mkdir()
        port, other = any_free(), any_free()
        (root / "environments").mkdir()
        files = {
            "web.py": WEB,
            "smoke.py": SMOKE,
            "compose.yaml": COMPOSE,
            ".gitignore": IGNORED,
            "pipelines.yaml": PIPELINES,
            "environments/staging.yaml": STAGING.format(port=port),
            "environments/production.yaml": PRODUCTION.format(port=other),
        }
        for name, text in files.items():
            (root / name).write_text(text)
        system = cls(root, port)
        system.git("init", "--quiet")
        system.site.secrets.mkdir(parents=True)
        (system.site.secrets / "token").write_text("known to nobody")
        return system

    def git(self, *words: str) -> str:
        who = ("-c", "user.name=tests", "-c", "user.email=tests@example.invalid")
        done = subprocess.run(
            ["git", *who, *words], cwd=self.root, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self, version: str, does: str = "works") -> None:
        """Commit a version that does this."""
        (self.root / "version").write_text(version)
        (self.root / "does").write_text(does)
        self.git("add", "--all")
        self.git("commit", "--quiet", f"--message={version}")

    def release(self, version: str, does: str = "works") -> Release:
        """Commit a version that does this, and release it."""
        self.commit(version, does)
        made = Release(
            commit=self.git("rev-parse", "HEAD"),
            tree=self.git("rev-parse", "HEAD^{tree}"),
            lock="",
            configuration="",
            images={},
            steps={},
            gates={},
        )
        self.releases[made.id] = made
        return made

    @property
    def site(self) -> Site:
        environment = load(self.root, "staging")
        return Site(self.root, environment, environment.state(self.root) / "secrets")

    @property
    def engine(self) -> ProcessEngine:
        return ProcessEngine(self.site)

    @property
    def lock(self) -> Lock:
        return Lock(self.site.state, "staging")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def machine(self, fence: Fence) -> Machine:
        return Machine(
            self.site,
            self.engine,
            fence,
            self.releases.__getitem__,
            lambda _: None,
            self.said.append,
        )

    def deploy(self, release: Release) -> Machine:
        with self.lock.held() as fence:
            machine = self.machine(fence)
            machine.deploy(release)
        return machine

    def roll_back(self, release: Release) -> Machine:
        with self.lock.held() as fence:
            machine = self.machine(fence)
            machine.roll_back(release)
        return machine

    def down(self) -> None:
        self.engine.down(volumes=True)
