"""What holds of every provider of secrets."""

from __future__ import annotations

import os
import secrets
from concurrent.futures import ThreadPoolExecutor

import pytest

from pipelines.errors import ConfigError, SummitError
from pipelines.secrets.provider import NoSecret, Phase, Provider


def phases(provider: Provider, name: str = "token") -> list[Phase]:
    return [it.phase for it in provider.versions(name)]


def test_the_first_value_is_current_at_once(provider: Provider) -> None:
    value = secrets.token_bytes(32)

    version = provider.add("token", value)

    assert provider.read("token") == provider.read("token", version) == value
    assert phases(provider) == [Phase.CURRENT]
    assert provider.names() == {"token"}


def test_a_later_value_waits_until_it_is_used(provider: Provider) -> None:
    first, second = secrets.token_bytes(32), secrets.token_bytes(32)
    provider.add("token", first)

    later = provider.add("token", second)
    assert phases(provider) == [Phase.CURRENT, Phase.ADDED]
    assert provider.read("token") == first
    assert provider.read("token", later) == second

    provider.use("token", later)
    assert phases(provider) == [Phase.OLD, Phase.CURRENT]
    assert provider.read("token") == second


def test_what_is_revoked_cannot_be_read_again(provider: Provider) -> None:
    first = provider.add("token", secrets.token_bytes(32))
    provider.use("token", provider.add("token", secrets.token_bytes(32)))

    provider.revoke("token", first)

    assert phases(provider) == [Phase.REVOKED, Phase.CURRENT]
    with pytest.raises(NoSecret):
        provider.read("token", first)
    with pytest.raises(SummitError):
        provider.use("token", first)


def test_the_current_one_cannot_be_revoked(provider: Provider) -> None:
    version = provider.add("token", secrets.token_bytes(32))

    with pytest.raises(ConfigError):
        provider.revoke("token", version)

    assert phases(provider) == [Phase.CURRENT]


def test_to_use_the_current_one_again_changes_nothing(provider: Provider) -> None:
    version = provider.add("token", secrets.token_bytes(32))

    provider.use("token", version)

    assert phases(provider) == [Phase.CURRENT]


def test_to_go_back_to_the_one_before_makes_the_later_one_old(provider: Provider) -> None:
    first = provider.add("token", b"the first")
    provider.use("token", provider.add("token", b"the second"))

    provider.use("token", first)
    provider.use("token", first)  # again: nothing is forgotten

    assert phases(provider) == [Phase.CURRENT, Phase.OLD]
    assert provider.read("token") == b"the first"


def test_what_is_unknown_is_said_so(provider: Provider) -> None:
    assert provider.versions("token") == ()
    assert provider.names() == frozenset()
    with pytest.raises(NoSecret, match="token"):
        provider.read("token")


@pytest.mark.parametrize("size", [1, 64 * 1024])
def test_values_are_bytes_of_any_kind(provider: Provider, size: int) -> None:
    value = os.urandom(size)

    provider.add("token", value)

    assert provider.read("token") == value


def test_secrets_do_not_know_of_one_another(provider: Provider) -> None:
    provider.add("one", b"first of one")
    provider.add("two", b"first of two")
    provider.add("one", b"second of one")

    assert provider.names() == {"one", "two"}
    assert phases(provider, "two") == [Phase.CURRENT]


def test_of_values_added_at_the_same_time_the_last_waits(provider: Provider) -> None:
    provider.add("token", b"the first")
    values = {secrets.token_bytes(16) for _ in range(4)}

    with ThreadPoolExecutor(4) as adding:
        versions = list(adding.map(lambda value: provider.add("token", value), values))

    assert len(set(versions)) == 4
    waiting = [it.id for it in provider.versions("token") if it.phase is Phase.ADDED]
    assert waiting[-1] in versions
    assert provider.read("token", waiting[-1]) in values
    assert provider.read("token") == b"the first"


def test_no_value_is_in_what_is_raised_or_shown(provider: Provider) -> None:
    value = secrets.token_hex(16).encode()
    version = provider.add("token", value)

    with pytest.raises(SummitError) as raised:
        provider.revoke("token", version)

    shown = f"{raised.value!r} {raised.value} {provider!r} {provider.versions('token')!r}"
    assert value.decode() not in shown
