"""The folders that a program mounts in its container, as it finds them here.

Configuration names paths and neighbours, so a program gets a copy in which those are this
machine's. The copy's folder bears the digest of what is in it: a change is a change of the
program's command, and `up` starts it anew.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from pipelines.compose.model import Mount, Service
from pipelines.errors import ConfigError
from pipelines.stack.place import Place
from pipelines.stack.process.local import Local


def provide(service: Service, place: Place, local: Local) -> Local:
    """Make the service's folders, and return what also knows those.

    Raises `ConfigError` for a file that is to be mounted and is not there.
    """
    data = {m.target: place.volumes / m.source for m in service.volumes if _is_data(m) and m.source}
    for folder in data.values():
        folder.mkdir(parents=True, exist_ok=True)
    binds = {m.target: m for m in service.volumes if m.kind == "bind" and m.source}
    known = replace(local, folders={**local.folders, **data})  # a file may point into any of them
    contents = {target: _contents(mount, service) for target, mount in binds.items()}
    digest = hashlib.sha256(repr((contents, known)).encode()).hexdigest()[:12]
    home = place.mounts / service.name / digest
    known = replace(
        known,
        folders={**known.folders, **{target: home / target.lstrip("/") for target in binds}},
    )
    if binds and not home.exists():
        _fill(home, contents, known)
    return known


def _is_data(mount: Mount) -> bool:
    return mount.kind == "volume"


def _contents(mount: Mount, service: Service) -> dict[str, bytes]:
    """What the mount brings, by path below its target; a single file has the path of its target."""
    source = Path(mount.source or "")
    if source.is_file():
        return {"": source.read_bytes()}
    if not source.is_dir():
        raise ConfigError(
            f"{service.name}: {source} is to be mounted and is not there",
            where=mount.where or service.where,
        )
    return {
        str(file.relative_to(source)): file.read_bytes()
        for file in sorted(source.rglob("*"))
        if file.is_file()
    }


def _fill(home: Path, contents: dict[str, dict[str, bytes]], known: Local) -> None:
    """Write all files and only then give the folder its name; older ones go."""
    home.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=".part-", dir=home.parent))
    for target, files in contents.items():
        for name, content in files.items():
            file = part / target.lstrip("/") / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(_local(content, known))
    older = [folder for folder in home.parent.iterdir() if folder != part]
    part.rename(home)
    for folder in older:
        shutil.rmtree(folder, ignore_errors=True)


def _local(content: bytes, known: Local) -> bytes:
    try:
        return known.text(content.decode()).encode()
    except UnicodeDecodeError:
        return content
