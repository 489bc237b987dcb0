"""Development secrets: generated on first use, private to their owner, never in the tree."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from pipelines.compose.model import Project, Secret, Service
from pipelines.errors import ConfigError
from pipelines.secrets.generate import GENERATORS
from pipelines.stack.place import Place

# The folder lets nobody in but its owner. Inside, the mode is the one that a container sees, whose
# user is another than the owner and never root.
MODE = 0o444


def generate(project: Project, services: Iterable[Service]) -> None:
    """Generate what is missing of the secrets that these services are granted.

    Raises ConfigError for a secret whose file is missing and cannot be generated.
    """
    for name in {grant.source for service in services for grant in service.secrets}:
        _file(project.secrets[name], project.file)


def provide(project: Project, services: Iterable[Service], place: Place) -> None:
    """Generate what is missing, and link to each service the secrets it is granted, no others.

    Raises ConfigError as `generate` does.
    """
    for service in services:
        grants = place.grants / service.name
        grants.mkdir(parents=True, exist_ok=True)
        wanted = {g.target: _file(project.secrets[g.source], project.file) for g in service.secrets}
        for link in grants.iterdir():
            if link.name not in wanted:
                link.unlink()
        for name, file in wanted.items():
            link = grants / name
            if not (link.is_symlink() and link.readlink() == file):
                link.unlink(missing_ok=True)
                link.symlink_to(file)


def _file(secret: Secret, compose_file: Path) -> Path:
    if secret.file is None:
        raise ConfigError(
            f"{compose_file}: secret {secret.name!r} has no `file`, and a local process needs one"
        )
    if not secret.file.exists():
        _generate(secret, secret.file, compose_file)
    elif "generate" in secret.extension and secret.file.stat().st_mode & 0o777 != MODE:
        secret.file.chmod(MODE)  # from before any container had to read it
    return secret.file


def _generate(secret: Secret, file: Path, compose_file: Path) -> None:
    kind = secret.extension.get("generate")
    if kind not in GENERATORS:
        known = ", ".join(sorted(GENERATORS))
        raise ConfigError(
            f"{compose_file}: the file of secret {secret.name!r} is missing: {file}",
            hint=f"write it, or say how to make it (`x-summit: {{generate: ...}}`, one of {known})",
        )
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent)
    with os.fdopen(handle, "wb") as stream:
        os.fchmod(handle, MODE)
        stream.write(GENERATORS[kind]())
        stream.flush()
        os.fsync(stream.fileno())
    try:
        os.link(name, file)  # fails where another command was faster: its value stands
    except FileExistsError:
        pass
    finally:
        Path(name).unlink()
