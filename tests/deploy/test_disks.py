"""A disk that is full, gets full or cannot be written to: said in a line, and mended by nobody."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from tests.deploy.person import Person
from tests.deploy.system import System
from tests.gates.machine import Mounted, mounted

# A service that takes all the space there is, and goes on.
FILLS = """
import pathlib
if pathlib.Path("does").read_text() == "fills the disk":
    with open("../../../../filling", "wb", buffering=0) as file:
        try:
            while file.write(b"x" * 65536):
                pass
        except OSError:
            pass
"""
SIZE = "220m"  # a deploy does not begin with less than 200


@pytest.fixture
def state(system: System) -> Path:
    """The folder of everything that is kept."""
    web = system.root / "web.py"
    web.write_text(FILLS + web.read_text())
    return system.root / ".summit"


def disk(state: Path, size: str) -> tuple[str, ...]:
    return ("-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(state))


def begin(system: System, machine: Mounted) -> Person:
    """Somebody on that machine, with the secret that the system needs."""
    person = Person(system, machine.within)
    person.types("secrets.put", "token", "--env", "staging", fed=secrets.token_urlsafe(32))
    return person


def complaint(said: str) -> str:
    """The one line that says what is wrong."""
    [line] = [it for it in said.splitlines() if it.startswith("error: ")]
    return line


def test_without_space_nothing_is_begun(system: System, state: Path) -> None:
    with mounted(system.root, *disk(state, "20m")) as small:
        person = begin(system, small)
        person.releases("one")

        said = person.types("deploy", "staging", code=1)

        assert "no space: " in complaint(said)
        assert "nothing serves" in person.types("status", "staging")


def test_a_release_that_fills_the_disk_is_left_by_the_next_deploy(
    system: System, state: Path
) -> None:
    with mounted(system.root, *disk(state, SIZE)) as small:
        person = begin(system, small)
        try:
            person.releases("one")
            person.types("deploy", "staging")
            person.releases("two", "fills the disk")

            said = person.types("deploy", "staging", code=None)
            assert complaint(said)
            assert person.hears("staging") in ("one", "two")

            small.seen(state / "filling").unlink()
            person.releases("three")
            person.types("deploy", "staging")
            assert person.hears("staging") == "three"
            assert "unfinished" not in person.types("status", "staging")
            person.types("ledger.verify")
        finally:
            person.types("undeploy", "staging", "--volumes")


def test_a_state_that_cannot_be_written_to_stops_a_deploy(system: System, state: Path) -> None:
    person = Person(system)
    person.types("secrets.put", "token", "--env", "staging", fed=secrets.token_urlsafe(32))
    person.releases("one")
    folder = system.site.state

    with mounted(system.root, "-o", "bind,ro", str(folder), str(folder)) as locked:
        said = Person(system, locked.within).types("deploy", "staging", code=5)

    assert "Read-only file system" in complaint(said)
    assert "nothing serves" in person.types("status", "staging")
