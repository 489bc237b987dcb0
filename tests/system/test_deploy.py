"""The reference system as a release: deployed, its secrets replaced, and searched for leaks."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from pipelines.secrets import delivery
from pipelines.secrets.canary import Canaries
from pipelines.secrets.choice import of as provider_of
from pipelines.stack.ports import any_free
from tests.stack.project import REPOSITORY

STAGING = """
doors: {{api-gateway: {gateway}, console: {console}}}
variables:
  ENVIRONMENT: production
  CORS_ORIGINS: http://127.0.0.1:{console}
  GATEWAY_PUBLIC_URL: http://127.0.0.1:{gateway}
bake: {{seconds: 1, requests: 20, paths: [api-gateway/readyz]}}
"""


class Checkout:
    """A repository with the system in it, and its environment `staging`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.gateway = any_free()
        for name in ("compose.yaml", "requirements.txt", ".gitignore"):
            shutil.copy(REPOSITORY / name, root)
        for name in ("services", "observability"):
            shutil.copytree(
                REPOSITORY / name,
                root / name,
                ignore=shutil.ignore_patterns("tests", "__pycache__"),
            )
        (root / "environments").mkdir()
        described = STAGING.format(gateway=self.gateway, console=any_free())
        (root / "environments" / "staging.yaml").write_text(described)
        (root / "pipelines.yaml").write_text(
            "components: {all: {folder: services, kind: all}}\n"
            'kinds: {all: {lint: {run: ["true"], inputs: ["**"]}}}\n'
        )
        # The environment that the tests run in is the one of this very lock.
        (root / ".venvs").mkdir()
        environment = (REPOSITORY / ".venv").resolve()
        (root / ".venvs" / environment.name).symlink_to(environment)
        self.commit("first")

    def commit(self, message: str) -> None:
        who = ("-c", "user.name=tests", "-c", "user.email=tests@example.invalid")
        for words in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "-m", message)):
            subprocess.run(["git", *who, *words], cwd=self.root, check=True)

    def types(self, *words: str) -> str:
        """What a command says; it must succeed."""
        done = subprocess.run(
            [sys.executable, "-m", "tasks", *words],
            cwd=self.root,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def canaries(self) -> tuple[Canaries, dict[str, bytes]]:
        """Every value that the environment has ever had and still keeps."""
        provider = provider_of(self.root, "staging", {})
        values = {name: provider.read(name) for name in provider.names()}
        return Canaries(values), values


@pytest.fixture
def checkout(monkeypatch: pytest.MonkeyPatch) -> Iterator[Checkout]:
    # Not below pytest's own folder: that one is closed to the user PostgreSQL runs as under root.
    with tempfile.TemporaryDirectory(prefix="summit-deploy-") as folder:
        Path(folder).chmod(0o755)
        monkeypatch.setenv("XDG_CONFIG_HOME", f"{folder}/config")
        root = Path(folder, "system")
        root.mkdir()
        made = Checkout(root)
        try:
            yield made
        finally:
            made.types("undeploy", "staging", "--volumes")


def test_the_system_is_deployed_renewed_and_leaks_nothing(checkout: Checkout) -> None:
    checkout.types("secrets.init", "staging")
    checkout.types("release")
    said = checkout.types("deploy", "staging")
    assert "the event stream showed both" in said
    answer = requests.get(f"http://127.0.0.1:{checkout.gateway}/readyz", timeout=5)
    assert answer.status_code == 200

    said = checkout.types("secrets.rotate", "fusion_db_password", "--env", "staging")
    assert "revoked, and was seen to be refused" in said
    checkout.types("smoke", "--env", "staging")
    checkout.types("secrets.check", "staging")

    canaries, values = checkout.canaries()
    assert len(values) > 10
    assert list(canaries.in_processes()) == []
    own = [checkout.root / ".summit/environments/staging/secrets.age"]
    assert list(canaries.in_files(checkout.root, without=own)) == []
    delivered = delivery.folder(checkout.root, "staging")
    assert {file.name for file in delivered.iterdir()} == set(values)

    planted = checkout.root / ".summit/environments/staging/edge/access.log"
    with planted.open("ab") as log:
        log.write(values["token_signing_key"])
    (leak,) = {(it.secret, it.place) for it in canaries.in_files(checkout.root, without=own)}
    assert leak == ("token_signing_key", str(planted))
    assert re.search(
        r"made current +fusion_db_password", checkout.types("secrets.audit", "staging")
    )
