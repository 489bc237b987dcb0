"""Every provider that can be shown to work here, each on something real, or said not to be."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import hvac
import pytest
import requests
from moto import mock_aws
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from pipelines.secrets.provider import Provider
from pipelines.secrets.providers.age import AgeProvider
from pipelines.secrets.providers.aws import AwsProvider
from pipelines.secrets.providers.command import CommandProvider
from pipelines.secrets.providers.kubernetes import KubernetesProvider
from pipelines.secrets.providers.openbao import OpenBaoProvider
from pipelines.stack.ports import any_free

# A keeper of secrets as anybody might write one: it keeps them with another provider.
PROGRAM = """
import json, sys
from base64 import b64decode, b64encode
from pathlib import Path
from pipelines.errors import ConfigError
from pipelines.secrets.provider import NoSecret
from pipelines.secrets.providers.age import AgeProvider

folder = Path(sys.argv[1])
kept = AgeProvider(folder / "kept.age", identity=folder / "identity")
asked = json.load(sys.stdin)
name, version = asked["name"], asked["version"]
try:
    match asked["do"]:
        case "names":
            answer = {"names": sorted(kept.names())}
        case "versions":
            told = kept.versions(name)
            answer = {"versions": [dict(it._asdict(), phase=it.phase.value) for it in told]}
        case "read":
            answer = {"value": b64encode(kept.read(name, version)).decode()}
        case "add":
            answer = {"version": kept.add(name, b64decode(asked["value"]))}
        case "use":
            answer = kept.use(name, version) or {}
        case "revoke":
            answer = kept.revoke(name, version) or {}
except NoSecret:
    answer = {"missing": True}
except ConfigError as error:
    answer = {"refused": str(error)}
json.dump(answer, sys.stdout)
"""
POLICY = 'path "secret/*" { capabilities = ["create", "read", "update", "delete", "list"] }'


class Bao:
    """A running server and what it takes to come in."""

    def __init__(self, address: str, root: hvac.Client, folder: Path) -> None:
        self.address = address
        self.root = root
        root.sys.enable_auth_method("approle")
        root.sys.create_or_update_policy("summit", POLICY)
        root.auth.approle.create_or_update_approle("summit", token_policies=["summit"])
        self.role_id = root.auth.approle.read_role_id("summit")["data"]["role_id"]
        made = root.auth.approle.generate_secret_id("summit")
        self.secret_id_file = folder / "secret-id"
        self.secret_id_file.write_text(made["data"]["secret_id"])


@pytest.fixture(scope="session")
def bao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bao]:
    folder = tmp_path_factory.mktemp("bao")
    address = f"127.0.0.1:{any_free()}"
    token = secrets.token_hex(16)
    server = subprocess.Popen(
        [Path(sys.executable).parent / "bao", "server", "-dev", "-dev-no-store-token"],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "BAO_DEV_LISTEN_ADDRESS": address,
            "BAO_DEV_ROOT_TOKEN_ID": token,
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield Bao(f"http://{address}", _awaited(f"http://{address}", token), folder)
    finally:
        server.terminate()
        server.wait()


@retry(
    retry=retry_if_exception_type((requests.ConnectionError, ValueError)),
    wait=wait_fixed(0.1),
    stop=stop_after_delay(30),
)
def _awaited(address: str, token: str) -> hvac.Client:
    client = hvac.Client(url=address, token=token)
    if client.sys.is_sealed():
        raise ValueError("sealed")
    return client


@pytest.fixture(params=["age", "command", "kubernetes", "openbao", "aws"])
def provider(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Provider]:
    match request.param:
        case "age":
            yield AgeProvider(tmp_path / "secrets.age", identity=tmp_path / "identity")
        case "command":
            program = tmp_path / "keeper.py"
            program.write_text(PROGRAM)
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
                yield CommandProvider([sys.executable, str(program), str(tmp_path)])
        case "kubernetes":
            yield KubernetesProvider(tmp_path / "manifests")
        case "openbao":
            bao: Bao = request.getfixturevalue("bao")
            yield OpenBaoProvider(
                bao.address,
                mount="secret",
                folder=secrets.token_hex(4),
                role_id=bao.role_id,
                secret_id_file=bao.secret_id_file,
            )
        case "aws":
            made_up = {f"AWS_{name}": "none" for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY")}
            with pytest.MonkeyPatch.context() as patch, mock_aws():
                for name, value in made_up.items():
                    patch.setenv(name, value)
                yield AwsProvider("staging", region="eu-central-1")
