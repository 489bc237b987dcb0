"""What was decided: a `requirements.txt` with one exact, hashed version per package."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from packaging.utils import canonicalize_name

from pipelines.errors import Where

_PIN = re.compile(
    r"^(?P<name>[A-Za-z0-9][\w.-]*)==(?P<version>[\w.!+-]+)(?:\s*;[^\\]*)?(?:\s*\\)?$"
)
_HASH = re.compile(r"^--hash=sha256:[0-9a-f]{64}$")
_STAMP = re.compile(r"^# (?P<what>inputs|pins) sha256:(?P<digest>[0-9a-f]{64})$", re.MULTILINE)


@dataclass(frozen=True)
class Pin:
    """One package at one version."""

    name: str
    version: str
    where: Where


@dataclass(frozen=True)
class Finding:
    """One place where a lock does not hold."""

    where: Where
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"


@dataclass(frozen=True)
class Lock:
    """A lock's text; `file` is relative to the repository's root."""

    file: Path
    text: str

    @cached_property
    def stamps(self) -> dict[str, str]:
        """The digests that `inv lock` wrote into the header: `inputs` and `pins`."""
        return {match["what"]: match["digest"] for match in _STAMP.finditer(self.text)}

    @cached_property
    def pins(self) -> dict[str, Pin]:
        """Every well-formed pin by its canonical name."""
        pins: dict[str, Pin] = {}
        for number, line in enumerate(self.text.splitlines(), start=1):
            match = _PIN.match(line)
            if match:
                name = canonicalize_name(match["name"])
                pins[name] = Pin(name, match["version"], Where(self.file, number))
        return pins

    @property
    def digest(self) -> str:
        """SHA-256 over everything but the header: what the `pins` stamp should say."""
        return hashlib.sha256(_STAMP.sub("", self.text).encode()).hexdigest()

    def flaws(self) -> Iterator[Finding]:
        """Whatever is not one version with sha256 hashes: an option, a path, a link, a range."""
        for number, statement in self._statements():
            where = Where(self.file, number)
            said, *hashes = re.split(r"\s+(?=--hash)", statement)
            if not _PIN.match(said):
                yield Finding(where, f"not an exact version: {said!r}")
            elif not hashes:
                yield Finding(where, f"{said} has no hash")
            elif wrong := [word for word in hashes if not _HASH.match(word)]:
                yield Finding(where, f"{said} has what is no sha256 hash: {wrong[0]!r}")

    def _statements(self) -> Iterator[tuple[int, str]]:
        """Each statement, its lines joined, with the number of its first line."""
        begun, said = 0, ""
        for number, line in enumerate(self.text.splitlines(), start=1):
            if line.startswith("#") or not line.strip():
                continue
            begun = begun if said else number
            said += f" {line.strip()}"
            if said.endswith("\\"):
                said = said.removesuffix("\\")
                continue
            if not said.strip().startswith("#"):  # a note: `    # via starlette`
                yield begun, said.strip()
            said = ""
