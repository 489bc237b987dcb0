"""What is AWS's alone: names with prefixes."""

from __future__ import annotations

import pytest
from moto import mock_aws

from pipelines.secrets.providers.aws import AwsProvider


def test_an_environment_does_not_see_one_whose_name_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "none")
    with mock_aws():
        own, other = (AwsProvider(it, region="eu-central-1") for it in ("staging", "staging-2"))
        own.add("token", b"own")
        other.add("other_token", b"other")

        assert own.names() == {"token"}
        assert other.names() == {"other_token"}
