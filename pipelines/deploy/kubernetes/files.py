"""The files of this repository that a service reads, as a ConfigMap named by what they say."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pipelines.compose.model import Mount, Service
from pipelines.content import named
from pipelines.deploy.kubernetes.chart import Chart, Manifest
from pipelines.errors import ConfigError

_MOST = 2**20 - 2**14  # bytes: what the API takes in one object, less room for its names


class File(NamedTuple):
    """One file: its key, which may not have slashes, its path below the mount, and its text."""

    key: str
    path: str
    text: str


class Files(NamedTuple):
    """A mounted file or folder, under the name of its ConfigMap."""

    name: str
    files: Sequence[File]


def files_of(service: Service, mount: Mount) -> Files:
    """What a bind mount brings. Raises `ConfigError` for what a ConfigMap cannot hold."""
    source = Path(str(mount.source))
    if not mount.read_only:
        raise _refused(service, mount, "is written to", "mount it `:ro`, or use a named volume")
    found = [source] if source.is_file() else sorted(it for it in source.rglob("*") if it.is_file())
    try:
        files = [_file(it, source) for it in found]
    except UnicodeDecodeError:
        raise _refused(service, mount, "holds more than text", "put it in the image") from None
    whole = "".join(f"{it.path}\0{it.text}\0" for it in files).encode()
    if not files or len(whole) > _MOST:
        raise _refused(service, mount, "is empty or larger than 1 MiB", "put it in the image")
    return Files(named(f"{service.name}-{source.name}", whole), files)


def configmaps(chart: Chart, service: Service) -> list[Manifest]:
    """The ConfigMaps of a service."""
    every = [files_of(service, mount) for mount in service.volumes if mount.kind == "bind"]
    return [
        chart.manifest(
            "v1",
            "ConfigMap",
            files.name,
            service.name,
            immutable=True,
            data={it.key: it.text for it in files.files},
        )
        for files in every
    ]


def _file(file: Path, source: Path) -> File:
    path = file.name if file == source else file.relative_to(source).as_posix()
    return File(path.replace("/", "__"), path, file.read_text(encoding="utf-8"))


def _refused(service: Service, mount: Mount, why: str, hint: str) -> ConfigError:
    said = f"services.{service.name}.volumes: {mount.target} {why}"
    return ConfigError(said, where=mount.where, hint=hint)
