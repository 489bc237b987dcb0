"""What Python programs open, told by an audit hook inside each of them.

The hook is `startup/sitecustomize.py`, which Python imports when it starts, from PYTHONPATH. It
tells by files of records in one folder; a record is three fields, each ended by a zero byte: a
word, a time in nanoseconds, a path.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pipelines.trace.reads import Access, Event

_STARTUP = Path(__file__).parent / "startup"
_VARIABLE = "SUMMIT_TRACE"  # where the hook finds its folder
_ACCESS = {"read": Access.READ, "replaced": Access.REPLACED}


def environment(env: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Return the environment in which Python programs tell what they open."""
    paths = [str(_STARTUP), *filter(None, [env.get("PYTHONPATH")])]
    return {**env, "PYTHONPATH": os.pathsep.join(paths), _VARIABLE: str(folder)}


def events(folder: Path) -> list[Event]:
    """Return what every Python program opened."""
    return [
        Event(time, _ACCESS[word], path) for word, time, path in _records(folder) if word in _ACCESS
    ]


def notice(argv: Sequence[str], env: Mapping[str, str], folder: Path) -> str:
    """Return one line that names the programs which could not tell; empty when all could."""
    records = _records(folder)
    started = {path for word, _, path in records if word == "started"}
    silent = {path for word, _, path in records if word == "silent"}
    if not any(word == "python" for word, _, _ in records):
        silent.add(argv[0])
    silent |= {program for program in started if not _is_python(program, env.get("PATH"))}
    if not silent:
        return ""
    names = ", ".join(sorted({Path(program).name for program in silent}))
    return f"not seen what {names} read: install strace, which sees more than Python programs"


def _records(folder: Path) -> list[tuple[str, int, str]]:
    return [record for file in folder.glob("hook.*") for record in _records_of(file)]


def _records_of(file: Path) -> Iterator[tuple[str, int, str]]:
    fields = map(os.fsdecode, file.read_bytes().split(b"\0"))
    for word, time, path in zip(fields, fields, fields, strict=False):  # a killed one's last is cut
        yield word, int(time), path


def _is_python(program: str, search: str | None) -> bool:
    """Whether it is Python, or a script for it; not found, it did not run and hides nothing."""
    found = shutil.which(program, path=search)
    if found is None or Path(found).resolve().name.startswith(("python", "pypy")):
        return True
    with Path(found).open("rb") as file:
        first = file.readline(256)
    return first.startswith(b"#!") and b"python" in first
