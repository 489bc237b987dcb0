"""The state machine: how a release comes to serve, and how it is taken back.

Each step is journalled before and after, may be done twice, and knows how it is undone. A deploy
that was killed is taken up by the next one: finished when it wants the same, else taken back.
"""

from __future__ import annotations

import getpass
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from pipelines.deploy import bake, schema, standing
from pipelines.deploy.engine import Engine, Say, Traffic
from pipelines.deploy.journal import Attempt, Entry, Event, Journal, entry
from pipelines.deploy.lock import Fence, Superseded
from pipelines.deploy.site import Site
from pipelines.deploy.standing import Standing
from pipelines.errors import MachineError, SummitError, mend, unwritable
from pipelines.release import Release

DEPLOY, ROLLBACK = "deploy", "rollback"


class TakenBack(SummitError):
    """The release does not serve: the attempt was undone, and `before` serves as it did."""

    def __init__(self, release: str, before: str, why: str) -> None:
        serves = f"release {before[:12]} serves as before" if before else "nothing serves"
        super().__init__(f"release {release[:12]} was taken back: {why}", hint=serves)


class NotTakenBack(SummitError):
    """The release does harm, and what was begun could not be undone either."""

    def __init__(self, release: str, why: str, error: SummitError) -> None:
        super().__init__(
            f"release {release[:12]} could not be taken back: {error}, after this: {why}",
            hint="the next deploy goes on with it",
        )


class NotNoted(MachineError):
    """The release serves, by decision and in fact; only the end of its journal is missing."""

    def __init__(self, release: str, environment: str, error: SummitError) -> None:
        super().__init__(
            f"release {release[:12]} serves, and its deploy is not ended: {error}",
            hint=f"then `inv deploy {environment} --resume` ends it",
        )


class Step(NamedTuple):
    """One step; `changes` says that it is done alone, by whoever holds the highest number.

    When an attempt is taken up, all is done again but what `is_once`: what is so already is left
    alone, and what a power cut has taken since is put back.
    """

    name: str
    do: Callable[[], object]
    undo: Callable[[], object] | None = None
    changes: bool = True
    is_once: bool = False


@dataclass
class Machine:
    """One environment, in the hands of whoever holds its lock.

    `find` gives the release of an id, `deliver` has its secrets where its services read them.
    `seconds` has what each step took, `seen` what the bake saw.
    """

    site: Site
    engine: Engine
    fence: Fence
    find: Callable[[str], Release]
    deliver: Callable[[Release], None]
    say: Say
    seconds: dict[str, float] = field(default_factory=dict)
    seen: Traffic = field(default_factory=Traffic)

    @property
    def journal(self) -> Journal:
        return Journal(self.site.state / "journal.jsonl")

    def deploy(self, release: Release) -> None:
        """Have the release serve, or all as it was before.

        Raises `TakenBack`; `Inconclusive` when the bake is to go on; `Superseded`; where nothing
        could be written any more `NotTakenBack`, `NotNoted`.
        """
        self._settle(release.id)
        self._go(self.journal.open_attempt() or self._opened(DEPLOY, release), release)

    def resume(self) -> Release:
        """Go on with what was not finished; returns its release. Raises as `deploy` does."""
        left = self.journal.open_attempt()
        if left is None:
            raise SummitError(f"{self.site.environment.name}: nothing is left to resume")
        release = self.find(left.opened.release)
        self._settle(release.id)
        if self.journal.open_attempt():
            self._go(left, release)
        return release

    def roll_back(self, release: Release) -> None:
        """Have an earlier release serve again; its migrations stay as they are.

        Raises as `deploy` does.
        """
        self._settle("")
        self._go(self._opened(ROLLBACK, release), release)

    def _settle(self, wanted: str) -> None:
        """Take back what another one left unfinished, unless it is what is wanted."""
        left = self.journal.open_attempt()
        if left is None or (left.opened.release == wanted and not left.turned):
            return
        if "commit" in left.begun:  # from there on it is the release that serves
            self._go(left, self.find(left.opened.release))
            return
        self.say(f"taking back what was left of release {left.opened.release[:12]}")
        self._turn_back(left, left.turned or "it was not finished")

    def _opened(self, kind: str, release: Release) -> Attempt:
        opened = Entry(
            attempt=secrets.token_hex(6),
            token=self.fence.token,
            event=Event.OPENED,
            at=time.time(),
            kind=kind,
            release=release.id,
            before=standing.read(self.site.state).release,
            by=getpass.getuser(),
        )
        with self.fence.passed():
            self.journal.write(opened)
        return Attempt(opened)

    def _go(self, attempt: Attempt, release: Release) -> None:
        try:
            for step in self._steps(attempt, release):
                if not (step.is_once and step.name in attempt.done):
                    self._do(attempt, step)
            self._note(attempt, Event.CLOSED)
        except (Superseded, bake.Inconclusive) as error:
            if isinstance(error, bake.Inconclusive):
                self._note(attempt, Event.PAUSED, message=error.message)
            raise
        except SummitError as error:
            if self._is_committed(attempt):
                raise NotNoted(release.id, self.site.environment.name, error) from error
            self._turn_back(self._now(attempt), str(error))
            raise TakenBack(release.id, attempt.opened.before, str(error)) from error
        except (KeyboardInterrupt, SystemExit):
            if not self._is_committed(attempt):
                self._turn_back(self._now(attempt), "interrupted")
            raise

    def _do(self, attempt: Attempt, step: Step) -> None:
        self._note(attempt, Event.BEGUN, step=step.name)
        self.say(step.name)
        began = time.monotonic()
        with _on_disk(self.site.state):
            if step.changes:
                with self.fence.passed():
                    step.do()
            else:
                step.do()
        self.seconds[step.name] = time.monotonic() - began
        self._note(attempt, Event.DONE, step=step.name)

    def _turn_back(self, attempt: Attempt, why: str) -> None:
        """Undo what was begun, the last first. What cannot be noted is undone all the same.

        Raises `NotTakenBack` at the first step that cannot be undone: what comes before it may
        still be in use.
        """
        release = self.find(attempt.opened.release)
        self.say(f"taking release {release.short} back")
        noted = self._try_to_note(attempt, Event.TURNED, message=why)
        for step in reversed(self._steps(attempt, release)):
            if step.name in attempt.begun and step.undo:
                self._undo(step.undo, release, why)
                noted &= self._try_to_note(attempt, Event.UNDONE, step=step.name)
        noted &= self._try_to_note(attempt, Event.CLOSED, is_good=False, message=why)
        if not noted:
            self.say(f"not all of that is in {self.journal.file}: the next deploy does it again")

    def _undo(self, undo: Callable[[], object], release: Release, why: str) -> None:
        try:
            with _on_disk(self.site.state), self.fence.passed():
                undo()
        except Superseded:
            raise
        except SummitError as error:
            raise NotTakenBack(release.id, why, error) from error

    def _steps(self, attempt: Attempt, release: Release) -> Sequence[Step]:
        engine, environment = self.engine, self.site.environment
        before = attempt.opened.before
        first = [
            Step("preflight", lambda: engine.preflight(release), changes=False),
            Step("fetch", lambda: engine.fetch(release)),
            Step("secrets", lambda: self.deliver(release)),
            Step("provide", lambda: engine.provide(release)),
        ]
        start = [
            Step(
                "start",
                lambda: self._start(attempt, release),
                lambda: self._remove(release, before),
            ),
            Step("ready", lambda: self._ready(release, environment.ready), changes=False),
        ]
        switch = Step("switch", lambda: engine.switch(release), lambda: self._switch_back(before))
        last = [
            Step("retire", lambda: self._retire(release.id, before)),
            Step("commit", lambda: self._commit(release, before)),
        ]
        if attempt.opened.kind == ROLLBACK:
            return [*first[1:], *start, switch, *last]
        return [
            *first,
            Step(
                "migrate",
                lambda: self._migrate(release, before),
                lambda: self._remove(release, before),
            ),
            *start,
            Step("smoke", lambda: engine.smoke(release), changes=False),
            switch,
            Step("bake", lambda: self._bake(release, before), changes=False, is_once=True),
            *last,
        ]

    def _migrate(self, release: Release, before: str) -> None:
        schema.require_migratable(self.site, release, [before])
        self.engine.migrate(release)

    def _start(self, attempt: Attempt, release: Release) -> None:
        if attempt.opened.kind == ROLLBACK:
            schema.require_returnable(self.site, release, attempt.opened.before)
        self.engine.start(release)

    def _ready(self, release: Release, timeout: float) -> None:
        self.engine.ready(release, timeout=timeout, say=self.say)

    def _bake(self, release: Release, before: str) -> None:
        environment = self.site.environment
        old = before if before != release.id else ""
        self.seen = bake.watch(self.engine, release, old, environment.bake, environment.name)

    def _switch_back(self, before: str) -> None:
        if before:
            self.engine.switch(self.find(before))
        else:
            self.engine.close()

    def _remove(self, release: Release, before: str) -> None:
        """Stop the release, unless it is one that was there before the attempt."""
        if release.id not in (before, standing.read(self.site.state).previous):
            self.engine.stop(release.id)

    def _retire(self, wanted: str, before: str) -> None:
        """Stop all others: the one before is kept warm, to be gone back to at once."""
        warm = before if before != wanted else standing.read(self.site.state).previous
        for release in self.engine.running():
            if release not in (wanted, warm):
                self.engine.stop(release)

    def _commit(self, release: Release, before: str) -> None:
        past = standing.read(self.site.state)
        if past.release == release.id:
            return
        standing.write(
            self.site.state,
            Standing(
                release=release.id,
                previous=before,
                since=time.time(),
                by=getpass.getuser(),
                token=self.fence.token,
            ),
        )

    def _is_committed(self, attempt: Attempt) -> bool:
        """Whether the attempt has made its release the one that serves by decision."""
        opened = attempt.opened
        return standing.read(self.site.state).release == opened.release != opened.before

    def _note(self, attempt: Attempt, event: Event, **more: Any) -> None:
        with self.fence.passed():
            self.journal.write(entry(attempt.opened, self.fence.token, event, **more))

    def _try_to_note(self, attempt: Attempt, event: Event, **more: Any) -> bool:
        """The same while undoing: what could not be written is undone again by the next deploy."""
        try:
            self._note(attempt, event, **more)
        except Superseded:
            raise
        except SummitError:
            return False
        return True

    def _now(self, attempt: Attempt) -> Attempt:
        return self.journal.open_attempt() or attempt


@contextmanager
def _on_disk(folder: Path) -> Iterator[None]:
    """Tell of a disk that is full or may not be written to as what it is.

    Any other error of the operating system is a bug, and keeps its traceback.
    """
    try:
        yield
    except OSError as error:
        if not mend(error):
            raise
        raise unwritable(error.filename or folder, error) from error
