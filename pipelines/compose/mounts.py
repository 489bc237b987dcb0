"""The `volumes` of a service: short form and long form."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pipelines.compose.model import Mount
from pipelines.documents.document import Entry
from pipelines.documents.nearest import nearest

_KINDS = ("volume", "bind", "tmpfs")
_FIELDS = ("type", "source", "target", "read_only")
_ACCESS = {"ro", "rw", "z", "Z", "nocopy", "cached", "delegated", "consistent"} | {
    *("shared", "rshared", "slave", "rslave", "private", "rprivate")
}


def read_mounts(entry: Entry, folder: Path, variables: Mapping[str, str]) -> tuple[Mount, ...]:
    """The mounts, paths of the host made absolute against `folder`. Raises `ConfigError`."""
    return tuple(
        (_long if isinstance(item.value, dict) else _short)(item, folder, variables)
        for item in entry.items
    )


def _short(item: Entry, folder: Path, variables: Mapping[str, str]) -> Mount:
    source, target, access = _split(item)
    unknown = set(access) - _ACCESS
    if unknown:
        word = min(unknown)
        raise item.error(f"{word!r} is not an access mode", hint=nearest(word, _ACCESS))
    if not target.startswith("/"):
        raise item.error(f"the path in the container, {target!r}, must be absolute")
    if source is None or source[:1] not in ("/", ".", "~"):
        return Mount("volume", source, target, "ro" in access, where=item.where)
    path = _absolute(source, folder, variables)
    return Mount("bind", path, target, "ro" in access, where=item.where)


def _split(item: Entry) -> tuple[str | None, str, list[str]]:
    parts = item.text.split(":")
    if len(parts) > 3 or not all(parts):
        raise item.error(f"{item.text!r} is not [SOURCE:]TARGET[:MODE]")
    if len(parts) == 1:
        return None, parts[0], []
    source, target, *mode = parts
    return source, target, mode[0].split(",") if mode else []


def _long(item: Entry, folder: Path, variables: Mapping[str, str]) -> Mount:
    texts = {key: item.fields[key].text for key in _FIELDS if key in item.fields}
    kind, source = texts["type"], texts.get("source")
    if kind not in _KINDS:
        raise item.fields["type"].error(f"no mounts of type {kind!r}", hint=nearest(kind, _KINDS))
    if kind == "bind":
        if source is None:
            raise item.error("'source' is missing")
        source = _absolute(source, folder, variables)
    read_only = texts.get("read_only", "").lower() == "true"
    return Mount(kind, source, texts["target"], read_only, where=item.where)


def _absolute(source: str, folder: Path, variables: Mapping[str, str]) -> str:
    if source == "~" or source.startswith("~/"):
        source = variables.get("HOME", "~") + source[1:]
    return os.path.normpath(folder / source)
