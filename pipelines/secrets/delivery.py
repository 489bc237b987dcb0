"""Delivery: the values, as files that only their reader may read, in memory where that can be."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterable
from pathlib import Path

from pipelines.compose.model import Service
from pipelines.environments.environment import STATE
from pipelines.errors import ConfigError, MachineError, mend
from pipelines.secrets.provider import Phase, Provider

MODE = 0o400
_MEMORY = Path("/dev/shm")  # noqa: S108 - a tmpfs on Linux; below it is a folder of our own


class Missing(ConfigError):
    """An environment lacks secrets that its services are granted."""

    def __init__(self, names: list[str], provider: str) -> None:
        super().__init__(
            f"{provider} lacks {', '.join(sorted(names))}",
            hint="`inv secrets.init ENV` makes what can be made, `inv secrets.put` takes the rest",
        )


def folder(root: Path, environment: str) -> Path:
    """Where the values of an environment are delivered to: on a tmpfs where there is one."""
    if _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK):
        checkout = hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:12]
        return _MEMORY / f"summit-{os.getuid()}" / checkout / environment
    return root / STATE / environment / "secrets"


def is_memory(place: Path) -> bool:
    """Whether a value that is delivered there never reaches a disk (but for swap)."""
    return _MEMORY in place.parents


def granted(services: Iterable[Service]) -> frozenset[str]:
    """The secrets that some of these services are granted."""
    return frozenset(grant.source for service in services for grant in service.secrets)


def deliver(services: Iterable[Service], provider: Provider, place: Path) -> None:
    """Write the current value of every secret they are granted to a file of its name there.

    All of them are known before the first is written. Raises `Missing`, `MachineError`.
    """
    wanted = granted(services)
    if missing := [name for name in wanted if not _has_current(provider, name)]:
        raise Missing(missing, provider.name)
    values = {name: provider.read(name) for name in wanted}
    try:
        _make_private(place)
        for name, value in values.items():
            _write(place / name, value)
    except OSError as error:
        said = f"cannot deliver secrets to {place}: {error.strerror}"
        raise MachineError(said, hint=mend(error)) from error


def withdraw(place: Path) -> None:
    """Remove what was delivered there."""
    shutil.rmtree(place, ignore_errors=True)


def _has_current(provider: Provider, name: str) -> bool:
    return any(it.phase is Phase.CURRENT for it in provider.versions(name))


def _make_private(place: Path) -> None:
    """Have the folder, and all above it that lie in memory, which anybody may write to, be ours."""
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    for folder in (place, *(it for it in place.parents if is_memory(it))):
        about = folder.lstat()
        if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.getuid():
            raise PermissionError(errno.EPERM, f"{folder} is another user's, or a link")
        folder.chmod(0o700)


def _write(file: Path, value: bytes) -> None:
    """Replace the file in one move; one that says the same is left alone."""
    if file.exists() and stat.S_IMODE(file.stat().st_mode) == MODE and file.read_bytes() == value:
        return
    handle, name = tempfile.mkstemp(dir=file.parent)
    with os.fdopen(handle, "wb") as stream:
        os.fchmod(handle, MODE)
        stream.write(value)
    Path(name).replace(file)
