"""Whether the secrets of an environment are there, strong, young, private and nowhere else."""

from __future__ import annotations

import math
import shutil
import string
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipelines.errors import MachineError, SummitError
from pipelines.programs import process
from pipelines.secrets.declaration import Declaration
from pipelines.secrets.delivery import MODE
from pipelines.secrets.provider import Phase, Provider

# Words that stand where somebody meant to put a value. None is so short that a value that was made
# by chance would have it too.
_PLACEHOLDERS = (
    b"changeme",
    b"change-me",
    b"change_me",
    b"example",
    b"placeholder",
    b"password",
    b"secret",
    b"replace",
    b"xxxxxx",
    b"123456",
)
_CLASSES = (string.ascii_lowercase, string.ascii_uppercase, string.digits)
_OTHERS = 33  # printable characters of ASCII beside these
_SHORTEST = 8  # bytes: what is shorter stands in many a file by chance
_FOUND = 3  # by which gitleaks is to say so: its own exit code for that is that of any failure


@dataclass(frozen=True)
class Checked:
    """One secret as it stands; times in seconds. `trouble` is empty when all is well."""

    declaration: Declaration
    version: str = ""
    created: float = 0.0
    trouble: str = ""

    def __bool__(self) -> bool:
        return not self.trouble


class HistoryUnsafe(SummitError):
    """A secret stands in Git's history."""


def check(
    declarations: Mapping[str, Declaration],
    provider: Provider,
    delivered: Path,
    tracked: Iterable[Path],
    *,
    now: float | None = None,
) -> list[Checked]:
    """Look at every declared secret; no value is in what is returned.

    `delivered` is the folder of what services read, `tracked` are the files of the sources.
    """
    moment = time.time() if now is None else now
    current = {name: _current(name, provider) for name in declarations}
    values = {name: provider.read(name) for name, version in current.items() if version}
    leaked = _leaked(values, tracked)
    found = []
    for name, declaration in declarations.items():
        version, created = current[name] or ("", 0.0)
        troubles = (
            _troubles(declaration, values[name], moment - created, delivered / name)
            if version
            else iter(["it is missing: `inv secrets.init` or `inv secrets.put`"])
        )
        said = "; ".join([*troubles, *leaked.get(name, ())])
        found.append(Checked(declaration, version, created, said))
    return found


def history(root: Path) -> str:
    """Search Git's history with gitleaks, where that is; says what was done.

    Raises `HistoryUnsafe` with what was found, `MachineError` when it could not be searched.
    """
    if not shutil.which("gitleaks"):
        return "Git's history was not searched: there is no gitleaks on PATH"
    words = ("gitleaks", "git", "--no-banner", "--redact", f"--exit-code={_FOUND}", str(root))
    done = process.run(words, cwd=root, capture=True, echo=False)
    if done.code == _FOUND:
        raise HistoryUnsafe(f"gitleaks found secrets in Git's history:\n{done.output.rstrip()}")
    if not done:
        raise MachineError(
            f"gitleaks could not search Git's history: exit code {done.code}",
            hint="version 8.19 or later is needed",
        )
    return "gitleaks found nothing in Git's history"


def _current(name: str, provider: Provider) -> tuple[str, float] | None:
    for version in provider.versions(name):
        if version.phase is Phase.CURRENT:
            return version.id, version.created
    return None


def _troubles(declaration: Declaration, value: bytes, age: float, delivered: Path) -> Iterator[str]:
    if (bits := entropy(value)) < declaration.entropy:
        yield f"about {bits:.0f} bits, at least {declaration.entropy}"
    lowered = value.lower()
    if any(word in lowered for word in _PLACEHOLDERS) and b"-----BEGIN" not in value:
        yield "it reads like a placeholder"
    if declaration.rotate and age > declaration.rotate:
        yield f"{age / 86400:.0f} days old: `inv secrets.rotate {declaration.name}`"
    if delivered.exists():
        mode = delivered.stat().st_mode & 0o777
        if mode != MODE:
            yield f"its file has mode {mode:04o}, not {MODE:04o}"
        if delivered.parent.stat().st_mode & 0o077:
            yield f"others can look into {delivered.parent}"


def entropy(value: bytes) -> float:
    """An upper estimate in bits: as if each character were drawn from the classes that occur.

    A repeated pattern is counted once.
    """
    text = value.decode("latin-1")
    if not text:
        return 0.0
    size = sum(len(each) for each in _CLASSES if any(it in each for it in text))
    known = "".join(_CLASSES)
    size += _OTHERS if any(it not in known for it in text) else 0
    period = (text + text).find(text, 1)  # the shortest part that it repeats
    return period * math.log2(min(size, len(set(text)) ** 2 or 1)) if size > 1 else 0.0


def _leaked(values: Mapping[str, bytes], tracked: Iterable[Path]) -> dict[str, list[str]]:
    """The tracked files that a value stands in, by secret."""
    wanted = {name: value for name, value in values.items() if len(value) >= _SHORTEST}
    found: dict[str, list[str]] = {}
    for file in tracked:
        try:
            content = file.read_bytes()
        except OSError:
            continue  # listed by Git, and deleted since
        for name, value in wanted.items():
            if value in content:
                found.setdefault(name, []).append(f"its value stands in {file}")
    return found
