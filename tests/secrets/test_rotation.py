"""A value is replaced in an order in which something always works, and killed anywhere goes on."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pipelines.secrets.provider import Phase
from pipelines.secrets.providers.age import AgeProvider
from pipelines.secrets.record import Change
from pipelines.secrets.rotation import NotAccepted, Rotation, StillAccepted, Takes


class Killed(BaseException):
    """As if the process had been."""


@dataclass
class Door:
    """Checks a value, and is shown one; dies at the moment it is told to."""

    provider: AgeProvider
    accepted: set[bytes] = field(default_factory=set)
    shown: bytes = b""
    dies_at: str = ""
    never_forgets: bool = False
    never_learns: bool = False

    def accept(self, name: str, value: bytes) -> None:
        self._moment("accept")
        if not self.never_learns:
            self.accepted.add(value)

    def switch(self, name: str) -> None:
        self._moment("switch")
        self.shown = self.provider.read(name)

    def forget(self, name: str, value: bytes) -> None:
        self._moment("forget")
        if not self.never_forgets:
            self.accepted.discard(value)

    def takes(self, name: str, value: bytes) -> Takes:
        self._moment("takes")
        return Takes.YES if value in self.accepted else Takes.NO

    def _moment(self, name: str) -> None:
        is_in = self.shown in self.accepted or self.never_learns
        assert is_in, f"locked out before {name}"
        if self.dies_at == name:
            self.dies_at = ""
            raise Killed


@dataclass
class Case:
    """A secret with a first value, which the door accepts and is shown."""

    folder: Path
    noted: list[tuple[Change, str]] = field(default_factory=list)
    dies_at: Change | None = None

    def __post_init__(self) -> None:
        self.provider = AgeProvider(self.folder / "secrets.age", identity=self.folder / "identity")
        self.old = self.provider.add("token", secrets.token_bytes(8))
        value = self.provider.read("token")
        self.door = Door(self.provider, {value}, value)

    def rotation(self) -> Rotation:
        def note(done: Change, version: str, value: bytes) -> None:
            if self.dies_at is done:
                self.dies_at = None
                raise Killed
            self.noted.append((done, version))

        return Rotation("token", self.provider, self.door, self.folder, note)

    def run(self) -> Takes:
        return self.rotation().run(lambda: secrets.token_bytes(8))


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(tmp_path)


def check_replaced(case: Case) -> None:
    new = case.provider.read("token")
    assert case.door.accepted == {new}
    assert case.door.shown == new
    phases = {it.id: it.phase for it in case.provider.versions("token")}
    assert phases.pop(case.old) is Phase.REVOKED
    assert list(phases.values()) == [Phase.CURRENT]
    assert not case.rotation().is_under_way


def test_the_new_one_works_and_the_old_one_is_seen_to_be_refused(case: Case) -> None:
    assert case.run() is Takes.NO

    check_replaced(case)
    done = [it for it, _ in case.noted]
    assert done == [Change.MADE, Change.USED, Change.REFUSED, Change.REVOKED]


@pytest.mark.parametrize("moment", ["accept", "switch", "takes", "forget"])
def test_killed_at_any_moment_the_next_one_goes_on(case: Case, moment: str) -> None:
    case.door.dies_at = moment
    with pytest.raises(Killed):
        case.run()
    assert case.rotation().is_under_way
    assert case.door.shown in case.door.accepted

    case.run()

    check_replaced(case)


@pytest.mark.parametrize("moment", [Change.USED, Change.REFUSED, Change.REVOKED])
def test_killed_before_a_change_is_on_record_the_next_one_records_it(
    case: Case, moment: Change
) -> None:
    case.dies_at = moment
    with pytest.raises(Killed):
        case.run()

    case.run()

    check_replaced(case)
    assert moment in [done for done, _ in case.noted]


def test_a_value_that_was_put_before_is_the_new_one(case: Case) -> None:
    put = case.provider.add("token", b"chosen by its owner")

    case.run()

    assert case.provider.read("token") == b"chosen by its owner"
    assert (Change.USED, put) in case.noted


def test_the_old_one_stays_where_the_new_one_is_not_accepted(case: Case) -> None:
    old = case.provider.read("token")
    case.door.never_learns = True

    with pytest.raises(NotAccepted):
        case.run()

    assert old in case.door.accepted
    assert case.provider.read("token", case.old) == old


def test_an_old_one_that_is_still_accepted_is_said_so(case: Case) -> None:
    case.door.never_forgets = True

    with pytest.raises(StillAccepted):
        case.run()

    assert case.rotation().is_under_way
