"""Secrets as files that one container's user can read, and nobody else on this machine."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from pipelines.errors import ConfigError, MachineError

FOLDER = ".users"  # in the folder of an environment's secrets, so on the same memory


def deliver(secrets: Path, name: str, user: int | None) -> Path:
    """A copy of the secret, for containers of this user.

    Its mode is 0400 where we can give it to its reader. Else, and for a user without a known
    number, it is 0444, in a folder that lets in nobody but its owner. A copy that holds the value
    already is left alone, as a container may have it. Raises `ConfigError` for a missing secret.
    """
    is_given = os.geteuid() == 0 and user is not None
    folder = secrets / FOLDER / (str(user) if is_given else "any")
    try:
        value = (secrets / name).read_bytes()
    except FileNotFoundError:
        raise ConfigError(
            f"the secret {name} is missing: there is no {secrets / name}",
            hint="`inv secrets.init` makes what is missing",
        ) from None
    try:
        for made in (secrets / FOLDER, folder):
            made.mkdir(mode=0o700, exist_ok=True)
        file = folder / name
        if not file.exists() or file.read_bytes() != value:
            _write(file, value, user if is_given else None)
    except OSError as error:
        raise MachineError(f"cannot write {folder}: {error.strerror}") from error
    return file


def unproven() -> tuple[str, ...]:
    """What is to be said of them where nobody can give a file to its reader."""
    if os.geteuid() == 0:
        return ()
    return (
        "secrets of mode 0400: who deploys is not root; theirs is 0444, in a folder of mode 0700",
    )


def _write(file: Path, value: bytes, user: int | None) -> None:
    handle, name = tempfile.mkstemp(dir=file.parent)
    with os.fdopen(handle, "wb") as stream:
        stream.write(value)
        if user is None:
            os.fchmod(handle, 0o444)
        else:
            os.fchmod(handle, 0o400)
            os.fchown(handle, user, user)
    Path(name).replace(file)
