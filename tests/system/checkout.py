"""The reference system in a repository of its own, whose environments are deployed by commands."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from pipelines.secrets.canary import Canaries
from pipelines.secrets.choice import of as provider_of
from pipelines.stack.ports import any_free
from tests.stack.project import REPOSITORY

ENVIRONMENT = """
engine: {engine}
doors: {{api-gateway: {gateway}, console: {console}}}
variables:
  ENVIRONMENT: production
  CORS_ORIGINS: http://127.0.0.1:{console}
  GATEWAY_PUBLIC_URL: http://127.0.0.1:{gateway}
bake: {{seconds: 1, requests: 20, paths: [api-gateway/readyz]}}
{more}
"""
PROVEN = """
policy:
  - {gate: smoke, subject: environment, environment: staging, max_age: 1d}
  - {same_digests_as: staging}
"""


class Checkout:
    """A repository with the system in it, and its environments `staging` and `production`.

    `name` is the Compose project's, `more` is said of both environments.
    """

    def __init__(
        self, root: Path, *, engine: str = "process", name: str = "summit", more: str = ""
    ) -> None:
        self.root = root
        for copied in ("requirements.txt", ".gitignore"):
            shutil.copy(REPOSITORY / copied, root)
        text = (REPOSITORY / "compose.yaml").read_text()
        assert "\nname: summit\n" in text
        (root / "compose.yaml").write_text(text.replace("\nname: summit\n", f"\nname: {name}\n"))
        for folder in ("services", "observability"):
            shutil.copytree(
                REPOSITORY / folder,
                root / folder,
                ignore=shutil.ignore_patterns("tests", "__pycache__"),
            )
        (root / "environments").mkdir()
        self.gateways = {
            environment: self._describe(environment, engine, more + policy)
            for environment, policy in (("staging", ""), ("production", PROVEN))
        }
        (root / "pipelines.yaml").write_text(
            "components: {all: {folder: services, kind: all}}\n"
            'kinds: {all: {lint: {run: ["true"], inputs: ["**"]}}}\n'
        )
        # The environment that the tests run in is the one of this very lock.
        (root / ".venvs").mkdir()
        environment = (REPOSITORY / ".venv").resolve()
        (root / ".venvs" / environment.name).symlink_to(environment)
        self.commit("first")

    def _describe(self, environment: str, engine: str, more: str) -> int:
        """Write what the environment is, at ports that are free; returns the gateway's."""
        gateway, console = any_free(), any_free()
        text = ENVIRONMENT.format(engine=engine, gateway=gateway, console=console, more=more)
        (self.root / f"environments/{environment}.yaml").write_text(text)
        return gateway

    def commit(self, message: str) -> None:
        who = ("-c", "user.name=tests", "-c", "user.email=tests@example.invalid")
        for words in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "-m", message)):
            subprocess.run(["git", *who, *words], cwd=self.root, check=True)

    def types(self, *words: str, code: int = 0) -> str:
        """What a command says, which is to end with this exit code."""
        done = subprocess.run(
            [sys.executable, "-m", "tasks", *words],
            cwd=self.root,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stdout
        return done.stdout

    def canaries(self, environment: str = "staging") -> tuple[Canaries, dict[str, bytes]]:
        """Every value that the environment has ever had and still keeps."""
        provider = provider_of(self.root, environment, {})
        values = {name: provider.read(name) for name in provider.names()}
        return Canaries(values), values

    @property
    def own(self) -> list[Path]:
        """The files where values belong, but for those in memory."""
        return [self.root / f".summit/environments/{it}/secrets.age" for it in self.gateways]
