"""Locks are made by the real pip-tools from an index on disk, then tampered with in every way."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Protocol

import pytest

from pipelines.errors import ConfigError
from pipelines.locks import check, compile as compiler
from pipelines.locks.lock import Lock

OTHER = "b" * 64


class Index(Protocol):
    """What the fixture `index` offers."""

    environment: dict[str, str]

    def add(
        self, name: str, version: str, *, needs: tuple[str, ...] = (), tag: str = "py3-none-any"
    ) -> str: ...


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def places(root: Path) -> list[str]:
    """What the check finds, as a person sees it."""
    return [str(finding) for finding in check.findings(root, check.find_sources(root))]


def asked(*names: str) -> str:
    return "".join(f"{name}\n" for name in names)


def hand_made(root: Path, folder: str, wanted: str, **versions: str) -> Path:
    """A lock that holds, without pip-tools: each name at a version with one hash."""
    file = Path(folder) / "requirements.in"
    write(root / file, wanted)
    body = "".join(f"{n}=={v} \\\n    --hash=sha256:{OTHER}\n" for n, v in versions.items())
    source = check.read_source(root, file)
    lock = root / file.with_name("requirements.txt")
    lock.write_text(compiler.stamped(source, body))
    return lock


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    hand_made(root, "services/one", "beta\n", beta="2.0")
    hand_made(root, ".", "alpha>=1\n-r services/one/requirements.in\n", alpha="1.5", beta="2.0")
    return root


def test_locks_that_hold_are_counted(project: Path) -> None:
    assert check.check(project) == 2


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("alpha==1.5", "alpha>=1.5", "requirements.txt:5: not an exact version: 'alpha>=1.5'"),
        (" \\\n    --hash=sha256:" + OTHER, "", "requirements.txt:5: alpha==1.5 has no hash"),
        (
            "sha256:" + OTHER,
            "sha256:abc",
            "requirements.txt:5: alpha==1.5 has what is no sha256 hash: '--hash=sha256:abc'",
        ),
        (
            "sha256:" + OTHER,
            "md5:" + OTHER[:32],
            f"requirements.txt:5: alpha==1.5 has what is no sha256 hash: '--hash=md5:{OTHER[:32]}'",
        ),
        (OTHER, "c" * 64, "requirements.txt:1: changed by hand"),
        (
            "alpha==1.5",
            "--index-url file:///srv\nalpha==1.5",
            "requirements.txt:5: not an exact version: '--index-url file:///srv'",
        ),
        (
            "alpha==1.5",
            "-e ./alpha\nalpha==1.5",
            "requirements.txt:5: not an exact version: '-e ./alpha'",
        ),
        (
            "alpha==1.5",
            "alpha @ git+file:///srv/alpha",
            "requirements.txt:5: not an exact version: 'alpha @ git+file:///srv/alpha'",
        ),
        ("alpha==1.5", "alpha==0.9", "requirements.in:1: alpha>=1 is not met by 0.9 in "),
        ("beta==2.0", "gamma==2.0", "services/one/requirements.in:1: beta is not in "),
    ],
)
def test_a_tampered_lock_is_found(project: Path, old: str, new: str, found: str) -> None:
    lock = project / "requirements.txt"
    lock.write_text(lock.read_text().replace(old, new, 1))

    assert any(place.startswith(found) for place in places(project)), places(project)
    with pytest.raises(check.LocksStale, match="run `inv lock`"):
        check.check(project)


def test_a_changed_source_makes_each_lock_that_includes_it_stale(project: Path) -> None:
    write(project / "services/one/requirements.in", "beta<3\n")

    root, one = places(project)
    assert root == "requirements.txt:1: older than requirements.in or what it includes"
    assert one.startswith(
        "services/one/requirements.txt:1: older than services/one/requirements.in"
    )


def test_comments_and_spacing_do_not_make_a_lock_stale(project: Path) -> None:
    write(project / "services/one/requirements.in", "# why\n\nbeta   # because\n")

    assert places(project) == []


def test_a_missing_lock_is_found(project: Path) -> None:
    (project / "services/one/requirements.txt").unlink()

    assert places(project) == [
        "services/one/requirements.txt: missing: the lock of services/one/requirements.in"
    ]


def test_locks_that_disagree_are_found(project: Path) -> None:
    hand_made(project, "services/one", "beta\n", beta="2.1")

    assert places(project) == [
        "services/one/requirements.txt:5: beta is 2.1, but 2.0 in requirements.txt:7"
    ]


def test_a_requirement_for_another_platform_is_not_asked_for(project: Path) -> None:
    hand_made(project, "services/two", 'beta\nwintools; sys_platform == "win32"\n', beta="2.0")

    assert places(project) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("alpha>=\n", "bad/requirements.in:1: not a requirement: 'alpha>='"),
        ("alpha\n-r nowhere.in\n", "bad/requirements.in:2: no such file: bad/nowhere.in"),
    ],
)
def test_a_bad_source_is_named_by_line(tmp_path: Path, text: str, message: str) -> None:
    write(tmp_path / "bad/requirements.in", text)
    write(tmp_path / "bad/requirements.txt", "# empty\n")

    with pytest.raises(ConfigError, match=f"^{re.escape(message)}$"):
        places(tmp_path)


@pytest.fixture
def only_index(index: Index, monkeypatch: pytest.MonkeyPatch) -> Index:
    """The index, in an environment where pip knows no other."""
    for name in set(os.environ) - set(index.environment):
        monkeypatch.delenv(name)
    for name, value in index.environment.items():
        monkeypatch.setenv(name, value)
    return index


def test_only_what_changed_is_locked_and_pins_agree(
    tmp_path: Path, only_index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashes = {
        only_index.add("alpha", "1.0", needs=("beta",)),
        only_index.add("beta", "1.0"),
        only_index.add("beta", "1.0", tag="py3-none-win_amd64"),
    }
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "nowhere"))  # must not reach a lock
    root = tmp_path / "project"
    write(root / "requirements.in", asked("alpha", "-r one/requirements.in"))
    write(root / "one/requirements.in", asked("beta"))

    assert compiler.lock(root) == [Path("requirements.txt"), Path("one/requirements.txt")]

    text = (root / "requirements.txt").read_text()
    pinned = text.partition("\n\n")[2]
    assert set(re.findall(r"sha256:(\w{64})", pinned)) == hashes
    assert str(tmp_path) not in text
    assert check.check(root) == 2
    assert compiler.lock(root) == []

    only_index.add("beta", "2.0")
    write(root / "one/requirements.in", asked("beta>=2"))

    assert compiler.lock(root) == [Path("requirements.txt"), Path("one/requirements.txt")]
    one = Lock(Path("one"), (root / "one/requirements.txt").read_text())
    assert one.pins["beta"].version == "2.0"
    assert check.check(root) == 2


def test_upgrading_one_package_leaves_the_others(tmp_path: Path, only_index: Index) -> None:
    only_index.add("alpha", "1.0")
    only_index.add("beta", "1.0")
    write(tmp_path / "requirements.in", asked("alpha", "beta"))
    compiler.lock(tmp_path)
    only_index.add("alpha", "2.0")
    only_index.add("beta", "2.0")

    compiler.lock(tmp_path, upgrade="beta")

    pins = Lock(Path(), (tmp_path / "requirements.txt").read_text()).pins
    assert {name: pin.version for name, pin in pins.items()} == {"alpha": "1.0", "beta": "2.0"}


def test_upgrading_what_no_lock_pins_is_refused(project: Path) -> None:
    with pytest.raises(ConfigError, match=r"^no lock pins 'omega'; name a package"):
        compiler.lock(project, upgrade="omega")


def test_a_lock_that_cannot_be_made_stays_as_it_was(tmp_path: Path, only_index: Index) -> None:
    only_index.add("alpha", "1.0")
    lock = hand_made(tmp_path, ".", "alpha\n", alpha="1.0")
    before = lock.read_text()
    write(tmp_path / "requirements.in", asked("alpha>=9"))

    with pytest.raises(compiler.LockError, match=r"^could not lock requirements\.in"):
        compiler.lock(tmp_path)

    assert lock.read_text() == before
