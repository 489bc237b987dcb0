"""What an image is made of, as a CycloneDX document: every Python package with its hash.

It says nothing of the packages of the base image, and holds no time: the same image, the same list.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
from packaging.utils import canonicalize_name

from pipelines.errors import SummitError, Where
from pipelines.files import write_atomically


class ReportBroken(SummitError):
    """pip's own report of an installation cannot be read."""


class _Metadata(msgspec.Struct):
    name: str
    version: str
    license_expression: str = ""


class _Archive(msgspec.Struct):
    hashes: dict[str, str] = {}


class _Download(msgspec.Struct):
    archive_info: _Archive = msgspec.field(default_factory=_Archive)


class _Installed(msgspec.Struct):
    metadata: _Metadata
    download_info: _Download


class _Report(msgspec.Struct):
    install: list[_Installed]


def write(report: Path, file: Path, *, image: str, digest: str) -> None:
    """Write the document on an image from pip's report of what it installed.

    Raises `ReportBroken`, and `MachineError` when it cannot be written.
    """
    try:
        installed = msgspec.json.decode(report.read_bytes(), type=_Report).install
    except (OSError, msgspec.DecodeError) as error:
        raise ReportBroken(f"cannot be read: {error}", where=Where(report)) from error
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "container", "name": image, "version": digest}},
        "components": sorted(map(_component, installed), key=lambda it: str(it["purl"])),
    }
    write_atomically(file, json.dumps(document, indent=2) + "\n")


def _component(installed: _Installed) -> dict[str, Any]:
    name, version = canonicalize_name(installed.metadata.name), installed.metadata.version
    hashes = installed.download_info.archive_info.hashes
    found: dict[str, Any] = {
        "type": "library",
        "name": name,
        "version": version,
        "purl": f"pkg:pypi/{name}@{version}",
        "bom-ref": f"pkg:pypi/{name}@{version}",
    }
    if "sha256" in hashes:
        found["hashes"] = [{"alg": "SHA-256", "content": hashes["sha256"]}]
    if expression := installed.metadata.license_expression:
        found["licenses"] = [{"expression": expression}]
    return found
