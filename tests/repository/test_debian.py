"""Where the tests' own programs come from."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import debian


def test_a_program_on_the_path_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "cosign"
    own.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert debian.program("cosign", release="trixie", tools=tmp_path / "tools") == own


def test_one_that_was_unpacked_before_is_taken_without_asking_anybody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "cosign-2.5.0-2" / "usr" / "bin" / "cosign"
    kept.parent.mkdir(parents=True)
    kept.touch(mode=0o755)
    monkeypatch.setenv("PATH", "")

    assert debian.program("cosign", release="trixie", tools=tmp_path) == kept


def test_without_apt_it_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")

    with pytest.raises(debian.Unavailable, match=r"^no apt-config$"):
        debian.program("cosign", release="trixie", tools=tmp_path)
    assert [left.name for left in tmp_path.iterdir()] == ["cosign.lock"]
