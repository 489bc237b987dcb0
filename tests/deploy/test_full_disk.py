"""A disk that is full, read-only or another user's: one line, nothing half done, and then go on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipelines.deploy import standing
from pipelines.deploy.journal import Journal
from tests.deploy import filled
from tests.deploy.person import Person
from tests.deploy.system import System
from tests.gates.machine import Mounted, as_ordinary, mounted

MOST = "size=300m"  # what a deploy asks to be free, and some
# A supervisor outlives the process that has started it.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")

# Where the disk is full, in what follows one another; `!` where not even the journal has room left.
POINTS = (
    "preflight.done",
    "fetch.done!",
    "secrets.done",
    "start.done",
    "bake.begun",
    "commit.begun!",
)


@contextmanager
def small(folder: Path, root: Path, *, size: str = MOST) -> Iterator[Mounted]:
    """A small disk at the folder, for those that begin within it at the root."""
    folder.mkdir(parents=True, exist_ok=True)
    with mounted(root, "-t", "tmpfs", "-o", size, "tmpfs", str(folder)) as disk:
        yield disk


@contextmanager
def working(system: System, disk: Mounted) -> Iterator[Person]:
    """Somebody within the disk, who stops at the end what the test has started."""
    person = Person(system, disk.within)
    person.types("secrets.init", "staging")
    yield person
    person.types("undeploy", "staging", "--volumes")


def last_line(said: str) -> str:
    """The line of the error, of which there is one."""
    errors = [line for line in said.splitlines() if line.startswith("error: ")]
    assert errors == said.splitlines()[-1:]
    return errors[0]


def is_whole(person: Person, release: str) -> None:
    """Nothing is left to do, and what the ledger says is what runs."""
    said = person.types("status", "staging")
    assert f"release      {release}" in said
    assert "unfinished" not in said
    assert "drift" not in said
    assert "runs what the ledger says" in person.types("verify-running", "staging")
    assert "records hold" in person.types("ledger.verify")


@pytest.mark.timeout(400)
def test_wherever_a_deploy_runs_out_of_space_all_is_as_before_and_the_next_one_goes_on(
    system: System,
) -> None:
    folder = system.root / ".summit"
    with small(folder, system.root) as disk, working(system, disk) as person:
        was, now = person.releases("one"), person.releases("two")
        person.types("deploy", "staging", "--release", was)
        for turn, at in enumerate(POINTS):
            words = ("deploy", "staging", "--release", now)
            said, code = person.types_while_it_fills(folder, at, *words)

            line = last_line(said)
            assert line.startswith(f"error: release {now} was taken back: "), at
            assert "No space left on device" in line or "no space: 0 MB are free at " in line, at
            assert "free some space, " in line, at
            assert line.endswith(f"; release {was} serves as before"), at
            assert code == 1, at
            assert person.hears("staging") == ("two" if turn % 2 else "one"), at

            filled.free(disk.seen(folder))
            person.types(*words)
            assert person.hears("staging") == ("one" if turn % 2 else "two"), at
            is_whole(person, now)
            was, now = now, was


@pytest.mark.parametrize("at", ["commit.done!", ".closed!"])
def test_what_serves_by_decision_is_not_taken_back_for_want_of_space(
    system: System, at: str
) -> None:
    folder = system.site.state
    with small(folder, system.root) as disk, working(system, disk) as person:
        was, now = person.releases("one"), person.releases("two")
        person.types("deploy", "staging", "--release", was)
        said, code = person.types_while_it_fills(folder, at, "deploy", "staging")

        line = last_line(said)
        assert line.startswith(f"error: release {now} serves, and its deploy is not ended: ")
        assert line.endswith(
            ": No space left on device; free some space, for example with `inv ledger.gc`;"
            " then `inv deploy staging --resume` ends it"
        )
        assert code == 5
        assert person.hears("staging") == "two"

        filled.free(disk.seen(folder))
        person.types("deploy", "staging", "--resume")
        is_whole(person, now)
        person.types("rollback", "staging")
        assert person.hears("staging") == "one"


def test_what_serves_and_is_not_on_record_is_recorded_by_the_next_deploy(system: System) -> None:
    folder = system.root / ".summit" / "ledger"
    with small(folder, system.root, size="size=4m") as disk, working(system, disk) as person:
        made = person.releases("one")
        said, code = person.types_while_it_fills(folder, ".closed", "deploy", "staging")

        line = last_line(said)
        assert line.startswith(
            f"error: release {made} serves in staging, which is not on record: cannot write "
        )
        assert line.endswith(f"; then `inv deploy staging --release {made}` records it")
        assert code == 5
        assert person.hears("staging") == "one"
        filled.free(disk.seen(folder))
        assert "has no deploy of staging" in person.types("verify-running", "staging", code=1)

        person.types("deploy", "staging")
        is_whole(person, made)
        assert "serves already" in person.types("deploy", "staging")


def test_a_release_that_cannot_be_recorded_is_none(person: Person) -> None:
    folder = person.system.root / ".summit" / "ledger"
    person.releases("one")
    with mounted(person.system.root, "--bind", "-o", "ro", str(folder), str(folder)) as fixed:
        said, code = Person(person.system, fixed.within).tries("-m", "tasks", "release")

    assert last_line(said) == (
        f"error: cannot write {folder}/blobs: Read-only file system;"
        " have its disk mounted for writing"
    )
    assert code == 5
    assert len(person.types("release.list").splitlines()) == 2


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("journal.jsonl", "cannot write the journal {path}: Read-only file system"),
        ("", "cannot lock {path}: Read-only file system"),
    ],
)
def test_what_is_read_only_stops_whatever_would_change_something(
    person: Person, path: str, said: str
) -> None:
    one, two = person.releases("one"), person.releases("two")
    for release in (one, two):
        person.types("deploy", "staging", "--release", release)
    where = person.system.site.state / path
    where = where if path else where.parent / where.name
    before = standing.read(person.system.site.state)
    with mounted(person.system.root, "--bind", "-o", "ro", str(where), str(where)) as fixed:
        within = Person(person.system, fixed.within)
        for words in (("deploy", "staging", "--release", one), ("rollback", "staging")):
            line = last_line(within.types(*words, code=5))

            told = said.format(path=where)
            assert line == f"error: {told}; have its disk mounted for writing"
        assert f"release      {two}" in within.types("status", "staging")
        assert "runs what the ledger says" in within.types("verify-running", "staging")

    assert person.hears("staging") == "two"
    assert standing.read(person.system.site.state) == before
    person.types("rollback", "staging")
    assert person.hears("staging") == "one"


def test_an_undeploy_that_cannot_forget_the_journal_says_so(person: Person) -> None:
    person.releases("one")
    person.types("deploy", "staging")
    journal = person.system.site.state / "journal.jsonl"
    with mounted(person.system.root, "--bind", str(journal), str(journal)) as held:
        said = Person(person.system, held.within).types("undeploy", "staging", code=5)

    assert last_line(said).startswith(f"error: cannot write the journal {journal}: ")


@pytest.mark.parametrize("file", ["journal.jsonl", "standing.json"])
def test_what_may_not_be_read_stops_a_deploy_before_anything_starts(
    person: Person, file: str
) -> None:
    one, two = person.releases("one"), person.releases("two")
    person.types("deploy", "staging", "--release", one)
    path = person.system.site.state / file
    path.chmod(0)
    ordinary = Person(person.system, as_ordinary())
    line = last_line(ordinary.types("deploy", "staging", code=5))

    name = f"the journal {path}" if file == "journal.jsonl" else str(path)
    assert line == (
        f"error: cannot read {name}: Permission denied;"
        " it is another user's: run this as that one, or have it given to you"
    )
    path.chmod(0o600)
    assert person.hears("staging") == "one"
    person.types("deploy", "staging")
    is_whole(person, two)


def test_a_damaged_journal_is_told_with_its_line_and_can_be_mended(person: Person) -> None:
    person.releases("one")
    person.types("deploy", "staging")
    two = person.releases("two")
    journal = person.system.site.state / "journal.jsonl"
    good = journal.read_bytes()
    at = good.count(b"\n") + 1
    for line in (b"nothing of ours", b'{"attempt":"\xff"}', bytes(100)):  # as after a power cut
        journal.write_bytes(good + line + b"\n")
        told = last_line(person.types("deploy", "staging", code=4))

        assert told.startswith(f"error: {journal}:{at}: not a line of the journal: ")
        assert told.endswith("; put it back as it was, or take the line out")
    assert last_line(person.types("rollback", "staging", "--to", two, code=4)) == told
    assert person.hears("staging") == "one"

    journal.write_bytes(good)
    person.types("deploy", "staging")
    is_whole(person, two)


def test_a_line_that_was_cut_never_happened(person: Person) -> None:
    made = person.releases("one")
    person.types("deploy", "staging")
    journal = Journal(person.system.site.state / "journal.jsonl")
    for cut in (1, 40):  # bytes
        journal.file.write_bytes(journal.file.read_bytes()[:-cut])
        assert "unfinished: deploy" in person.types("status", "staging")

        person.types("deploy", "staging")

        assert journal.open_attempt() is None
    is_whole(person, made)


def test_a_damaged_note_of_what_serves_is_told_and_nothing_is_touched(person: Person) -> None:
    person.releases("one")
    person.types("deploy", "staging")
    person.releases("two")
    note = person.system.site.state / standing.FILE
    note.write_bytes(b"{")
    for words in (("deploy", "staging"), ("rollback", "staging")):
        told = last_line(person.types(*words, code=4))

        assert told.startswith(f"error: {note}: not what a deploy has written: ")
        assert told.endswith("; put it back; without the file the next deploy is as the first one")
    assert person.hears("staging") == "one"
