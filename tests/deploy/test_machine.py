"""What is undone and what is not when a step, an undoing or a line of the journal fails."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.deploy import standing
from pipelines.deploy.journal import Entry, Journal
from pipelines.errors import SummitError, unwritable
from tests.deploy import racer
from tests.deploy.imitation import Imitation
from tests.deploy.test_kills import BOUNDARIES

ONE, TWO = (racer.release(name).id for name in ("one", "two"))
FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "a file")
write = Journal.write


def refusing(step: str, event: str, *, once: bool) -> Callable[[Journal, Entry], None]:
    """A journal that has no room for this line; unless `once`, nor for any after it."""
    refused: list[Entry] = []

    def refuse(journal: Journal, entry: Entry) -> None:
        is_it = (entry.step, entry.event.value) == (step, event)
        if (is_it and not refused) or (refused and not once):
            refused.append(entry)
            raise unwritable(journal.file, FULL)
        write(journal, entry)

    return refuse


def stands_at(folder: Path, release: str, *, before: str = "") -> None:
    """It serves by decision and in fact, and what was there before it runs on."""
    engine, known = Imitation(folder), standing.read(racer.site(folder).state)
    assert (engine.serving(), known.release) == (release, release)
    if before:
        assert known.previous == before
        assert set(engine.running()) == {release, before}


def ended(folder: Path) -> bool:
    return Journal(racer.site(folder).state / "journal.jsonl").open_attempt() is None


@pytest.mark.parametrize("once", [True, False], ids=["one line", "no line any more"])
@pytest.mark.parametrize(("step", "event"), BOUNDARIES, ids=lambda it: it or "attempt")
def test_whichever_line_cannot_be_written_the_next_deploy_ends_what_was_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, event: str, once: bool
) -> None:
    assert racer.deploy(tmp_path, "one") == "served"
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "write", refusing(step, event, once=once))
        said = racer.deploy(tmp_path, "two")

    if (step, event) in (("commit", "done"), ("", "closed")):
        assert said == "NotNoted"
        stands_at(tmp_path, TWO, before=ONE)
    else:
        assert said == ("MachineError" if event == "opened" else "TakenBack")
        stands_at(tmp_path, ONE)
    assert racer.deploy(tmp_path, "two") == "served"
    stands_at(tmp_path, TWO, before=ONE)
    assert ended(tmp_path)


def test_what_cannot_be_undone_is_left_as_it_is_for_the_next_deploy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert racer.deploy(tmp_path, "one") == "served"

    def fail(*_: object) -> None:
        raise SummitError("it fails")

    switch = Imitation.switch

    def switch_forth(engine: Imitation, release: racer.Release) -> None:
        if release.id == ONE:
            raise FULL
        switch(engine, release)

    with monkeypatch.context() as patch:
        patch.setattr(Imitation, "ailing", fail)  # in the bake
        patch.setattr(Imitation, "switch", switch_forth)
        assert racer.deploy(tmp_path, "two") == "NotTakenBack"

    engine = Imitation(tmp_path)
    assert engine.serving() == TWO
    assert TWO in engine.running()  # it still has the traffic
    assert not ended(tmp_path)
    assert racer.deploy(tmp_path, "one") == "served"
    stands_at(tmp_path, ONE)
    assert ended(tmp_path)


def test_a_full_disk_is_told_as_one_and_a_bug_as_a_bug(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails_with(error: OSError) -> Callable[..., None]:
        def fail(*_: object) -> None:
            raise error

        return fail

    with monkeypatch.context() as patch:
        patch.setattr(Imitation, "start", fails_with(FULL))
        assert racer.deploy(tmp_path, "one") == "TakenBack"
        patch.setattr(Imitation, "start", fails_with(FileNotFoundError(errno.ENOENT, "no file")))
        with pytest.raises(FileNotFoundError):
            racer.deploy(tmp_path, "one")
    assert racer.deploy(tmp_path, "one") == "served"


def test_a_release_that_is_deployed_again_keeps_the_one_before_it_warm(
    tmp_path: Path,
) -> None:
    for name in ("one", "two", "two"):
        assert racer.deploy(tmp_path, name) == "served"

    stands_at(tmp_path, TWO, before=ONE)
