"""What is wrong with a secret is found: weak, old, public, or meant to be replaced."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import pytest

from pipelines import compose
from pipelines.errors import MachineError
from pipelines.secrets import check as checks, declaration, delivery
from pipelines.secrets.check import Checked, HistoryUnsafe, check, entropy
from pipelines.secrets.declaration import Declaration
from pipelines.secrets.providers.age import AgeProvider

DAY = 86400.0
NAME = "token"


@pytest.fixture
def provider(tmp_path: Path) -> AgeProvider:
    return AgeProvider(tmp_path / "secrets.age", identity=tmp_path / "identity")


def checked(provider: AgeProvider, folder: Path, *tracked: Path, later: float = 0.0) -> Checked:
    declared = {NAME: Declaration(NAME, None, rotate=90 * DAY)}
    created = max((it.created for it in provider.versions(NAME)), default=0.0)
    (found,) = check(declared, provider, folder / "delivered", tracked, now=created + later)
    return found


def test_a_good_one_has_no_trouble(provider: AgeProvider, tmp_path: Path) -> None:
    provider.add(NAME, secrets.token_urlsafe(32).encode())

    assert checked(provider, tmp_path)


def test_a_missing_one_is_named_with_what_makes_it(provider: AgeProvider, tmp_path: Path) -> None:
    assert "inv secrets.init" in checked(provider, tmp_path).trouble


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (b"hunter2", "bits, at least 128"),
        (b"abc" * 40, "bits, at least 128"),
        (b"0" * 200, "bits, at least 128"),
        (b"CHANGE-ME-Qk7vPz3xWf9LrT2mYc8Nb5HsJd4Gt6Ke", "reads like a placeholder"),
        (b"", "bits, at least 128"),
    ],
)
def test_weak_ones_and_placeholders_are_found(
    provider: AgeProvider, tmp_path: Path, value: bytes, said: str
) -> None:
    provider.add(NAME, value)

    assert said in checked(provider, tmp_path).trouble


def test_one_that_was_made_by_chance_is_no_placeholder(
    provider: AgeProvider, tmp_path: Path
) -> None:
    made = secrets.token_urlsafe(32)
    provider.add(NAME, f"{made[:20]}-ToDo-xxxX-12345-{made[20:]}".encode())

    assert checked(provider, tmp_path)


def test_an_old_one_is_to_be_rotated(provider: AgeProvider, tmp_path: Path) -> None:
    provider.add(NAME, secrets.token_urlsafe(32).encode())

    assert checked(provider, tmp_path, later=89 * DAY)
    assert "91 days old: `inv secrets.rotate token`" in (
        checked(provider, tmp_path, later=91 * DAY).trouble
    )


def test_a_value_in_the_sources_is_found_and_not_shown(
    provider: AgeProvider, tmp_path: Path
) -> None:
    value = secrets.token_urlsafe(32)
    provider.add(NAME, value.encode())
    leak = tmp_path / "settings.py"
    leak.write_text(f'TOKEN = "{value}"\n')

    found = checked(provider, tmp_path, leak)

    assert found.trouble == f"its value stands in {leak}"
    assert value not in repr(found)


def test_a_file_that_others_can_read_is_found(provider: AgeProvider, tmp_path: Path) -> None:
    provider.add(NAME, secrets.token_urlsafe(32).encode())
    project = compose.load(compose_file(tmp_path), environ={})
    delivery.deliver(project.services.values(), provider, tmp_path / "delivered")
    assert checked(provider, tmp_path)

    (tmp_path / "delivered" / NAME).chmod(0o644)

    assert "has mode 0644, not 0400" in checked(provider, tmp_path).trouble

    delivery.deliver(project.services.values(), provider, tmp_path / "delivered")
    assert checked(provider, tmp_path)


def compose_file(folder: Path, more: str = "") -> Path:
    file = folder / "compose.yaml"
    file.write_text(
        "services:\n"
        f"  web:\n    image: web\n    secrets: [{NAME}]\n"
        "    environment: {TOKEN_FILE: /run/secrets/token, OTHER_FILE: /run/secrets/other}\n"
        f"secrets:\n  {NAME}: {{file: ./token}}\n  spare: {{file: ./spare}}\n{more}"
    )
    return file


def test_what_is_declared_and_what_is_used_must_agree(tmp_path: Path) -> None:
    project = compose.load(compose_file(tmp_path), environ={})

    said = [str(it) for it in declaration.disagreements(project)]

    assert len(said) == 2
    assert "compose.yaml:8: the secret 'spare' is declared, and no service is granted it" in said[0]
    assert "web: OTHER_FILE reads /run/secrets/other, which it is not granted" in said[1]


def test_every_delivered_file_is_its_readers_alone(provider: AgeProvider, tmp_path: Path) -> None:
    provider.add(NAME, b"value")
    project = compose.load(compose_file(tmp_path), environ={})

    delivery.deliver(project.services.values(), provider, tmp_path / "delivered")

    assert (tmp_path / "delivered").stat().st_mode & 0o777 == 0o700
    file = tmp_path / "delivered" / NAME
    assert (file.stat().st_mode & 0o777, file.read_bytes()) == (0o400, b"value")


def test_nothing_is_delivered_while_one_is_missing(provider: AgeProvider, tmp_path: Path) -> None:
    project = compose.load(compose_file(tmp_path), environ={})

    with pytest.raises(delivery.Missing, match="age lacks token"):
        delivery.deliver(project.services.values(), provider, tmp_path / "delivered")

    assert not (tmp_path / "delivered").exists()


def test_a_way_there_that_somebody_else_laid_is_not_taken(
    provider: AgeProvider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider.add(NAME, b"value")
    project = compose.load(compose_file(tmp_path), environ={})
    memory, elsewhere = tmp_path / "memory", tmp_path / "elsewhere"
    memory.mkdir()
    monkeypatch.setattr(delivery, "_MEMORY", memory)
    place = delivery.folder(tmp_path, "staging")
    delivery.deliver(project.services.values(), provider, place)
    first = memory / f"summit-{os.getuid()}"
    assert first.stat().st_mode & 0o777 == 0o700

    first.rename(elsewhere)
    first.symlink_to(elsewhere)
    (elsewhere / place.relative_to(first) / NAME).unlink()
    with pytest.raises(MachineError, match=f"{first} is another user's, or a link"):
        delivery.deliver(project.services.values(), provider, place)

    assert not (place / NAME).exists()


def test_entropy_counts_a_pattern_once() -> None:
    assert entropy(b"ab" * 50) == entropy(b"ab")
    assert entropy(secrets.token_urlsafe(32).encode()) > 200


def test_git_history_is_searched_where_gitleaks_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "was not searched" in checks.history(tmp_path)
    program = tmp_path / "bin" / "gitleaks"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho 'leaks found: 1'\nexit ${4#--exit-code=}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")

    with pytest.raises(HistoryUnsafe, match="leaks found: 1"):
        checks.history(tmp_path)

    program.write_text("#!/bin/sh\necho 'unknown command' >&2\nexit 1\n")
    with pytest.raises(MachineError, match="could not search"):
        checks.history(tmp_path)
