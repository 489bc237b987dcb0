"""Making the data folder of a PostgreSQL: all of it or nothing, and safely on disk."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from pipelines.errors import ConfigError, MachineError
from pipelines.stack.process.account import Account, identity
from pipelines.stack.process.postgres_binaries import Binaries

# The whole environment of the programs: messages in English, since some are read here, and UTC,
# which also spares initdb its search for the local time zone.
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}

_INITDB_TIMEOUT = 120.0
# The second stands where a write was cut short and no error number came with it.
_FULL = ("No space left on device", "Check free disk space")


def initialise(
    binaries: Binaries, data: Path, *, superuser: str, password: str, account: Account | None
) -> None:
    """Make the data folder, all or nothing; one that exists is only checked and left as it is.

    The one caller at a time is the holder of the stack's lock: leftovers of a killed predecessor
    are swept here. Raises `MachineError` (no space, not writable, data of another version or
    owner) and `ConfigError` (a password that a password file cannot hold).
    """
    if not password or "\n" in password or "\r" in password:
        raise ConfigError(f"the password of {superuser!r} must be one line that is not empty")
    try:
        if _is_made(binaries, data):
            return
        data.parent.mkdir(parents=True, exist_ok=True)
        for leftover in data.parent.glob(f".{data.name}.new-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=f".{data.name}.new-", dir=data.parent) as folder:
            fresh = _initdb(binaries, Path(folder), superuser, password, account)
            fresh.rename(data)
        _sync(data.parent)
    except OSError as error:
        is_full = error.errno == errno.ENOSPC
        raise _unusable(data.parent, error.strerror or str(error), is_full=is_full) from error


def _is_made(binaries: Binaries, data: Path) -> bool:
    if not data.exists():
        return False
    try:
        major = int((data / "PG_VERSION").read_text())
    except PermissionError:
        raise MachineError(f"{data} belongs to another user", hint="run as that user") from None
    except FileNotFoundError:
        if not any(data.iterdir()):
            return False
        raise MachineError(
            f"{data} is not empty and holds no PostgreSQL data", hint="move it away"
        ) from None
    if major == binaries.major:
        return True
    raise MachineError(
        f"{data} was made by PostgreSQL {major}; the one here ({binaries.origin}) is"
        f" {binaries.version}",
        hint=f"install PostgreSQL {major}, or drop the data with `inv down --volumes`",
    )


def _initdb(
    binaries: Binaries, folder: Path, superuser: str, password: str, account: Account | None
) -> Path:
    """Run initdb below `folder`; what it made is on disk for good when this returns."""
    fresh, pwfile = folder / "data", folder / "password"
    pwfile.touch(mode=0o600)
    pwfile.write_text(f"{password}\n", encoding="utf-8")
    if account is not None:
        for path in (folder, pwfile):
            os.chown(path, account.uid, account.gid)
    words = [f"--pgdata={fresh}", f"--username={superuser}", f"--pwfile={pwfile}"]
    words += ["--auth=scram-sha-256", "--encoding=UTF8", *_locale(binaries)]
    try:
        ended = subprocess.run(
            [str(binaries.initdb), *words],
            **identity(account),
            check=False,
            cwd="/",  # ours may be closed to the account
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            timeout=_INITDB_TIMEOUT,
        )
    except subprocess.TimeoutExpired as error:
        said = f"not done after {_INITDB_TIMEOUT:g}s"
        raise _unusable(folder.parent, said, is_full=False) from error
    if ended.returncode != 0:
        is_full = any(sign in ended.stderr for sign in _FULL)
        raise _unusable(folder.parent, last_error(ended.stderr), is_full=is_full)
    return fresh


def _locale(binaries: Binaries) -> list[str]:
    """UTF-8 with code point order, the same on every machine."""
    if binaries.major >= 17:
        return ["--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    # The C library of macOS has no C.UTF-8.
    return ["--locale=C.UTF-8" if sys.platform == "linux" else "--no-locale"]


def _unusable(folder: Path, said: str, *, is_full: bool) -> MachineError:
    if is_full:
        return MachineError(f"no space left for a database in {folder}", hint="free 100 MB")
    return MachineError(f"cannot make a database in {folder}: {said}")


def last_error(text: str) -> str:
    """The line of a program's output that says why it failed."""
    lines = [line for line in text.splitlines() if line.strip()]
    told = [line for line in lines if "error:" in line or "FATAL:" in line]
    return (told or lines or ["it said nothing"])[-1]


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
