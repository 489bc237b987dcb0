"""The virtual environment of a release, by the lock that its sources hold."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from pipelines import bootstrap
from pipelines.errors import MachineError
from pipelines.release import Release

LINK = ".venv"  # in the sources of a release; `bootstrap.prune` leaves alone what one leads to
_LOCK = "requirements.txt"


def provide(root: Path, release: Release, source: Path) -> Path:
    """The Python of the release: of an environment made from its lock, made now if need be.

    A release without a lock has this very Python. Raises `MachineError`.
    """
    if not release.lock:
        return Path(sys.executable)
    wanted = (source / _LOCK).read_bytes()
    if hashlib.sha256(wanted).hexdigest() != release.lock:
        raise MachineError(f"{source / _LOCK} is not the lock of release {release.short}")
    try:
        environment = bootstrap.provide(root, source, wanted)
    except (bootstrap.Impossible, OSError) as error:
        said = f"cannot make the environment of release {release.short}: {error}"
        raise MachineError(said) from error
    hold(source / LINK, environment)
    return environment / "bin" / "python"


def hold(link: Path, environment: Path) -> None:
    """Have the link lead to the environment, which is then kept."""
    if link.is_symlink() and link.resolve() == environment.resolve():
        return
    fresh = link.with_name(f"{link.name}.part")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(environment.resolve())
    fresh.replace(link)
