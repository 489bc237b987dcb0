"""One deploy at a time: a lock that dies with its holder, a lease, and a counter that fences.

The kernel frees the lock of a process that ended, so a dead deploy is taken over at once. One that
lives and does nothing (it was paused, its disk hangs) stops renewing its lease; whoever takes over
raises the counter. Each change is made under a second lock and only by the bearer of the highest
number: a deploy that wakes up late finds that it has been superseded, and changes nothing.
The counter is what M. Kleppmann, "How to do distributed locking" (2016), calls a fencing token.
"""

from __future__ import annotations

import fcntl
import getpass
import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TextIO

import msgspec
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from pipelines.errors import MachineError, SummitError, mend

LEASE = 15.0  # seconds that a holder may be silent
_SIGNS = 5  # of life within a lease
_MOMENT = 0.5  # seconds for somebody to take it, or to renew it
_LOOK = 0.1  # seconds between two looks at a lock that is held


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """Who may change the environment; `expires` is in seconds since the epoch."""

    token: int
    owner: str
    pid: int
    since: float
    expires: float


class Held(SummitError):
    """Somebody else deploys into this environment."""

    def __init__(self, environment: str, lease: Lease | None) -> None:
        since = lease.since if lease else time.time()
        whose = f"{lease.owner} (process {lease.pid})" if lease else "somebody who has just begun"
        super().__init__(
            f"{environment} is locked by {whose} for {max(0, round(time.time() - since))} s",
            hint="`--wait` waits for it; `inv unlock ENV --reason ...` takes it away",
        )


class Superseded(SummitError):
    """Another deploy has taken over: this one must not change anything any more."""

    def __init__(self, environment: str, token: int, highest: int) -> None:
        super().__init__(
            f"another deploy has taken {environment} over (this is number {token}, that {highest})",
            hint="`inv status` shows how it stands; nothing more was changed here",
        )


class Lock:
    """The lock of one environment, in the folder of its state."""

    def __init__(self, folder: Path, environment: str, *, lease: float = LEASE) -> None:
        """`lease` is for how many seconds a holder may be silent."""
        self._folder = folder
        self._environment = environment
        self._lease = lease

    @property
    def lease(self) -> Lease | None:
        """The last lease, whether or not its holder lives."""
        with suppress(FileNotFoundError, ValueError):
            return msgspec.json.decode(self._file.read_bytes(), type=Lease)
        return None

    @property
    def is_held(self) -> bool:
        """Whether its holder lives and has not been silent for too long. Raises `MachineError`."""
        try:
            lease = self.lease
            return bool(lease and lease.expires > time.time() and self._is_alive(lease))
        except OSError as error:
            raise self._unusable(error) from error

    @contextmanager
    def held(self, *, wait: float = 0.0) -> Iterator[Fence]:
        """Hold it for as long as the context lasts; the fence is for each change.

        Waits up to so many seconds. Raises `Held`, and `MachineError` for a folder that cannot be
        written to.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            lease, alive = self._taken(wait)
        except OSError as error:
            raise self._unusable(error) from error
        over = threading.Event()
        renewing = threading.Thread(target=self._renew, args=(lease, over), daemon=True)
        renewing.start()
        try:
            yield Fence(self, lease.token)
        finally:
            over.set()
            renewing.join()
            os.close(alive)

    def take_away(self) -> Lease | None:
        """End whoever holds it, by the counter; returns whose lease it was."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with self._locked("lease.lock"):
                before = self.lease
                if before is not None:
                    self._put(msgspec.structs.replace(before, token=before.token + 1, expires=0.0))
        except OSError as error:
            raise self._unusable(error) from error
        return before

    @contextmanager
    def change(self, token: int) -> Iterator[None]:
        """Be the only one that changes something.

        Raises `Superseded` for a lower number, and `MachineError`.
        """
        with ExitStack() as locked:
            try:
                locked.enter_context(self._locked("change.lock"))
                lease = self.lease
            except OSError as error:
                raise self._unusable(error) from error
            if lease is None or lease.token != token:
                raise Superseded(self._environment, token, lease.token if lease else 0)
            yield

    def _taken(self, wait: float) -> tuple[Lease, int]:
        trying = Retrying(
            retry=retry_if_result(lambda taken: taken is None),
            stop=stop_after_delay(max(wait, _MOMENT)),
            wait=wait_fixed(_LOOK),
            retry_error_callback=lambda _: None,
        )
        taken = trying(self._try)
        if taken is None:
            raise Held(self._environment, self.lease)
        return taken

    def _try(self) -> tuple[Lease, int] | None:
        """Take it, unless its holder lives and speaks, or anybody is in the middle of a change."""
        with self._opened("lease.lock") as leasing, self._opened("change.lock") as changing:
            # Neither is waited for: who holds it may be paused.
            if not _try_to_lock(leasing.fileno()) or self.is_held:
                return None
            if not _try_to_lock(changing.fileno()):
                return None
            before = self.lease
            token = before.token + 1 if before else 1
            alive = os.open(self._alive(token), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            _try_to_lock(alive)
            lease = _lease(token, self._lease)
            self._put(lease)
            for old in self._folder.glob("holder-*"):
                if old != self._alive(token):
                    old.unlink(missing_ok=True)
            return lease, alive

    def _renew(self, lease: Lease, over: threading.Event) -> None:
        while not over.wait(self._lease / _SIGNS):
            with suppress(OSError), self._locked("lease.lock"):
                current = self.lease
                if current is None or current.token != lease.token:
                    return
                self._put(msgspec.structs.replace(lease, expires=time.time() + self._lease))

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        with self._opened(name) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _opened(self, name: str) -> TextIO:
        return (self._folder / name).open("w")

    def _is_alive(self, lease: Lease) -> bool:
        try:
            with self._alive(lease.token).open("rb") as file:
                return not _try_to_lock(file.fileno(), fcntl.LOCK_SH)
        except FileNotFoundError:
            return False

    def _put(self, lease: Lease) -> None:
        temporary = self._file.with_suffix(".new")
        with temporary.open("wb") as file:
            file.write(msgspec.json.encode(lease))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._file)

    def _unusable(self, error: OSError) -> MachineError:
        said = f"cannot lock {self._folder}: {error.strerror}"
        return MachineError(said, hint=mend(error))

    @property
    def _file(self) -> Path:
        return self._folder / "lease.json"

    def _alive(self, token: int) -> Path:
        return self._folder / f"holder-{token}"


class Fence:
    """What a holder shows before each change."""

    def __init__(self, lock: Lock, token: int) -> None:
        self._lock = lock
        self.token = token

    @contextmanager
    def passed(self) -> Iterator[None]:
        """Make a change: nobody else does meanwhile. Raises `Superseded`."""
        with self._lock.change(self.token):
            yield


def _try_to_lock(descriptor: int, how: int = fcntl.LOCK_EX) -> bool:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lease(token: int, seconds: float) -> Lease:
    now = time.time()
    owner = f"{getpass.getuser()}@{os.uname().nodename}"
    return Lease(token=token, owner=owner, pid=os.getpid(), since=now, expires=now + seconds)
