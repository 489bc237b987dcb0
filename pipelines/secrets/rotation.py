"""Replaces a value while it is in use, in two phases: the new one works before the old one goes.

Every stage is kept in a file before the next begins, so that a rotation that was killed is taken
up where it was, by the same command.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import msgspec

from pipelines.errors import ConfigError, SummitError, Where
from pipelines.files import write_atomically
from pipelines.secrets.provider import Phase, Provider
from pipelines.secrets.record import Change


class Stage(enum.Enum):
    """How far a rotation has come; each follows from the one before."""

    ADDED = "added"  # the provider keeps both
    ACCEPTED = "accepted"  # whoever checks the value accepts the new one
    SWITCHED = "switched"  # whoever shows it shows the new one
    VERIFIED = "verified"  # it was seen to be taken
    REFUSED = "refused"  # the old one was seen to be refused, where anybody can be asked
    REVOKED = "revoked"  # and is gone


class Takes(enum.Enum):
    """Whether a value is accepted, as far as that can be found out."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"  # nobody can be asked with it


class Consumer(Protocol):
    """Everything that accepts a secret or shows it. Each verb may be done twice."""

    def accept(self, name: str, value: bytes) -> None:
        """Have the new value accepted, beside the old one where that can be."""

    def switch(self, name: str) -> None:
        """Have everybody who shows it show the current one."""

    def forget(self, name: str, value: bytes) -> None:
        """No longer accept the old value."""

    def takes(self, name: str, value: bytes) -> Takes:
        """Try the value where it is checked."""


class StillAccepted(SummitError):
    """The old value is accepted although nobody should know it any more."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"the old value of {name!r} is still accepted", hint="find out by whom, before it leaks"
        )


class NotAccepted(SummitError):
    """The new value is not accepted; the old one is still there."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"the new value of {name!r} is not accepted",
            hint="the old one was not revoked; mend it and rotate again",
        )


class _Kept(msgspec.Struct):
    old: str
    new: str
    stage: Stage


Note = Callable[[Change, str, bytes], None]  # of a version, and its value


class Rotation:
    """One secret's way to a new value."""

    def __init__(
        self, name: str, provider: Provider, consumer: Consumer, folder: Path, note: Note
    ) -> None:
        """`folder` keeps how far it has come; `note` leaves evidence of each change."""
        self._name = name
        self._provider = provider
        self._consumer = consumer
        self._file = folder / f"rotation-{name}.json"
        self._note = note

    @property
    def is_under_way(self) -> bool:
        """Whether an earlier one was not finished."""
        return self._file.exists()

    def run(self, make: Callable[[], bytes]) -> Takes:
        """Go through all stages that are left; returns `NO` where the old value was seen refused.

        `make` makes the new value, unless one was added before. Raises `NotAccepted`,
        `StillAccepted`, `ConfigError` for a secret without a current value.
        """
        kept = self._read() or self._begun(make)
        old = self._value(kept.old)
        new = self._provider.read(self._name, kept.new)
        refused = Takes.UNKNOWN
        while kept.stage is not Stage.REVOKED:
            is_asked = kept.stage is Stage.VERIFIED
            takes = self._advance(kept, old, new)
            refused = takes if is_asked else refused
            self._write(kept)
        self._file.unlink()
        return refused

    def _begun(self, make: Callable[[], bytes]) -> _Kept:
        versions = self._provider.versions(self._name)
        current = [it.id for it in versions if it.phase is Phase.CURRENT]
        if not current:
            raise ConfigError(
                f"{self._name!r} has no value yet", hint="`inv secrets.init` makes the first one"
            )
        waiting = [it.id for it in versions if it.phase is Phase.ADDED]
        new = waiting[-1] if waiting else self._made(make())
        kept = _Kept(current[0], new, Stage.ADDED)
        self._write(kept)
        return kept

    def _made(self, value: bytes) -> str:
        version = self._provider.add(self._name, value)
        self._note(Change.MADE, version, value)
        return version

    def _advance(self, kept: _Kept, old: bytes, new: bytes) -> Takes:
        """One stage further."""
        name, takes = self._name, Takes.UNKNOWN
        match kept.stage:
            case Stage.ADDED:
                self._consumer.accept(name, new)
                kept.stage = Stage.ACCEPTED
            case Stage.ACCEPTED:
                self._provider.use(name, kept.new)
                self._note(Change.USED, kept.new, new)
                self._consumer.switch(name)
                kept.stage = Stage.SWITCHED
            case Stage.SWITCHED:
                if self._consumer.takes(name, new) is Takes.NO:
                    raise NotAccepted(name)
                kept.stage = Stage.VERIFIED
            case Stage.VERIFIED:
                self._consumer.forget(name, old)
                takes = self._consumer.takes(name, old)
                if takes is Takes.YES:
                    raise StillAccepted(name)
                if takes is Takes.NO:
                    self._note(Change.REFUSED, kept.old, old)
                kept.stage = Stage.REFUSED
            case _:
                if old:  # else it was killed just after this
                    self._provider.revoke(name, kept.old)
                self._note(Change.REVOKED, kept.old, old)  # better twice than never
                kept.stage = Stage.REVOKED
        return takes

    def _value(self, version: str) -> bytes:
        """The value of the old version; empty once it is gone."""
        for it in self._provider.versions(self._name):
            if it.id == version and it.phase is not Phase.REVOKED:
                return self._provider.read(self._name, version)
        return b""

    def _read(self) -> _Kept | None:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=_Kept)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError as error:
            raise ConfigError(f"cannot be read: {error}", where=Where(self._file)) from error

    def _write(self, kept: _Kept) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(self._file, msgspec.json.encode(kept).decode())
