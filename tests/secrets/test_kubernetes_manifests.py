"""What lies in the folder is for `kubectl`, and for nobody else's eyes."""

from __future__ import annotations

import secrets
import stat
from base64 import b64decode
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from pipelines.content import named
from pipelines.errors import ConfigError
from pipelines.secrets import choice
from pipelines.secrets.provider import Phase
from pipelines.secrets.providers.kubernetes import KubernetesProvider


@pytest.fixture
def provider(tmp_path: Path) -> KubernetesProvider:
    return KubernetesProvider(tmp_path / "manifests")


def test_a_version_is_a_secret_that_the_schema_takes(provider: KubernetesProvider) -> None:
    value = secrets.token_bytes(32)

    version = provider.add("db_password", value)

    manifest = yaml.safe_load((provider.folder / f"{version}.yaml").read_text())
    kubernetes_validate.validate(manifest, "1.33", strict=True)
    assert manifest["metadata"]["name"] == version == named("db_password", value)
    assert b64decode(manifest["data"]["value"]) == value
    assert manifest["immutable"]


def test_nobody_else_may_read_it(provider: KubernetesProvider) -> None:
    version = provider.add("token", secrets.token_bytes(32))

    modes = [it.stat().st_mode for it in (provider.folder, provider.folder / f"{version}.yaml")]
    assert [stat.S_IMODE(it) for it in modes] == [0o700, 0o600]


def test_kubectl_is_given_manifests_alone_and_none_that_was_revoked(
    provider: KubernetesProvider,
) -> None:
    first = provider.add("token", b"the first value")
    second = provider.add("token", b"the second value")
    provider.use("token", second)

    provider.revoke("token", first)

    read_by_kubectl = [
        it.name for end in ("yaml", "yml", "json") for it in provider.folder.glob(f"*.{end}")
    ]
    assert read_by_kubectl == [f"{second}.yaml"]


def test_the_same_value_is_the_same_version(provider: KubernetesProvider) -> None:
    version = provider.add("token", b"the value")

    assert provider.add("token", b"the value") == version
    assert [it.phase for it in provider.versions("token")] == [Phase.CURRENT]


def test_a_revoked_value_does_not_come_back(provider: KubernetesProvider) -> None:
    first = provider.add("token", b"the first value")
    provider.use("token", provider.add("token", b"the second value"))
    provider.revoke("token", first)

    with pytest.raises(ConfigError, match="was revoked"):
        provider.add("token", b"the first value")


def test_what_no_cluster_would_take_is_refused_before_it_is_written(
    provider: KubernetesProvider,
) -> None:
    with pytest.raises(ConfigError, match="larger"):
        provider.add("token", bytes(2**20))

    assert not provider.folder.exists()


def test_a_damaged_manifest_is_named_and_not_shown(provider: KubernetesProvider) -> None:
    version = provider.add("token", b"the value")
    (provider.folder / f"{version}.yaml").write_text("data: {value: '%%not base64%%'}\n")

    with pytest.raises(ConfigError, match=version) as raised:
        provider.read("token")

    assert "%%" not in str(raised.value)


@pytest.mark.parametrize("folder", ["manifests", "{root}/manifests", "{root}/../{name}/manifests"])
def test_a_folder_in_the_checkout_is_refused(tmp_path: Path, folder: str) -> None:
    settings = {
        "provider": "kubernetes",
        "folder": folder.format(root=tmp_path, name=tmp_path.name),
    }

    with pytest.raises(ConfigError, match="may not keep values"):
        choice.of(tmp_path, "staging", settings)
