"""AWS Secrets Manager; its staging labels say which version is current.

Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html
A version without any label is deprecated there, which is as near to revoked as it comes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3  # type: ignore[import-untyped]
from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]

from pipelines.errors import ConfigError, MachineError
from pipelines.secrets.provider import NoSecret, Phase, Version

_CURRENT, _PENDING, _PREVIOUS = "AWSCURRENT", "AWSPENDING", "AWSPREVIOUS"
_PHASES = {_CURRENT: Phase.CURRENT, _PENDING: Phase.ADDED, _PREVIOUS: Phase.OLD}
_GONE = ("ResourceNotFoundException",)


class AwsProvider:
    """The secrets whose names begin with `prefix`; who we are, the SDK finds out by itself."""

    name = "aws"

    def __init__(self, prefix: str, *, region: str) -> None:
        self._prefix = prefix.rstrip("/")
        self._client = boto3.client("secretsmanager", region_name=region)

    def names(self) -> frozenset[str]:
        with self._asking():
            pages = self._client.get_paginator("list_secrets").paginate()
            names = [it["Name"] for page in pages for it in page["SecretList"]]
        own = f"{self._prefix}/"  # `staging/` is not `staging-2/`
        return frozenset(it.removeprefix(own) for it in names if it.startswith(own))

    def versions(self, name: str) -> tuple[Version, ...]:
        try:
            with self._asking(name):
                self._client.describe_secret(SecretId=self._id(name))
                found = self._client.list_secret_version_ids(
                    SecretId=self._id(name), IncludeDeprecated=True, MaxResults=100
                )
        except NoSecret:
            return ()
        told = sorted(found["Versions"], key=lambda it: it["CreatedDate"])
        return tuple(
            Version(it["VersionId"], it["CreatedDate"].timestamp(), _phase(it)) for it in told
        )

    def read(self, name: str, version: str = "") -> bytes:
        if version and self._phase_of(name, version) is Phase.REVOKED:
            raise NoSecret(name, self.name, version)
        which = {"VersionId": version} if version else {"VersionStage": _CURRENT}
        with self._asking(name, version):
            found = self._client.get_secret_value(SecretId=self._id(name), **which)
        return bytes(found["SecretBinary"])

    def add(self, name: str, value: bytes) -> str:
        with self._asking(name):
            if not self.versions(name):
                made = self._client.create_secret(Name=self._id(name), SecretBinary=value)
            else:
                made = self._client.put_secret_value(
                    SecretId=self._id(name), SecretBinary=value, VersionStages=[_PENDING]
                )
        return str(made["VersionId"])

    def use(self, name: str, version: str) -> None:
        if self._phase_of(name, version) is Phase.REVOKED:
            raise NoSecret(name, self.name, version)
        current = self._labelled(name, _CURRENT)
        if current == version:
            return
        with self._asking(name, version):
            self._client.update_secret_version_stage(
                SecretId=self._id(name),
                VersionStage=_CURRENT,
                MoveToVersionId=version,
                RemoveFromVersionId=current,
            )
        if self._labelled(name, _PENDING) == version:
            self._unlabel(name, version, _PENDING)

    def revoke(self, name: str, version: str) -> None:
        match self._phase_of(name, version):
            case Phase.CURRENT:
                raise ConfigError(
                    f"version {version} of {name!r} is the current one",
                    hint="make another one current first: `inv secrets.rotate`",
                )
            case Phase.ADDED:
                self._unlabel(name, version, _PENDING)
            case Phase.OLD:
                self._unlabel(name, version, _PREVIOUS)

    def _phase_of(self, name: str, version: str) -> Phase:
        for it in self.versions(name):
            if it.id == version:
                return it.phase
        raise NoSecret(name, self.name, version)

    def _labelled(self, name: str, label: str) -> str:
        with self._asking(name):
            told = self._client.describe_secret(SecretId=self._id(name))["VersionIdsToStages"]
        return next((id_ for id_, labels in told.items() if label in labels), "")

    def _unlabel(self, name: str, version: str, label: str) -> None:
        with self._asking(name, version):
            self._client.update_secret_version_stage(
                SecretId=self._id(name), VersionStage=label, RemoveFromVersionId=version
            )

    def _id(self, name: str) -> str:
        return f"{self._prefix}/{name}"

    @contextmanager
    def _asking(self, name: str = "", version: str = "") -> Iterator[None]:
        """What the service refuses is told by its code: its words may hold what was sent."""
        try:
            yield
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _GONE:
                raise NoSecret(name, self.name, version) from None
            raise ConfigError(f"AWS Secrets Manager refuses: {code}") from None
        except BotoCoreError as error:
            said = type(error).__name__
            raise MachineError(f"AWS Secrets Manager cannot be used: {said}") from None


def _phase(told: dict[str, Any]) -> Phase:
    labels = told.get("VersionStages") or []
    return next((phase for label, phase in _PHASES.items() if label in labels), Phase.REVOKED)
