"""A command on a disk that fills up: `python filled.py FOLDER STEP.EVENT WORDS...`.

From just before that line of the journal on there is no room in the folder; for `STEP.EVENT!` not
even what is left of the journal's last page. `free` gives it back.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

from pipelines import launch
from pipelines.deploy.journal import Entry, Journal

_BALLAST = "ballast"  # the file that takes the room
_PAGE = 4096  # bytes that a tmpfs gives at a time

write = Journal.write


def fill(folder: Path) -> None:
    """Take all the room there is."""
    about = os.statvfs(folder)
    with suppress(OSError), (folder / _BALLAST).open("ab", buffering=0) as file:
        os.posix_fallocate(file.fileno(), 0, about.f_bavail * about.f_frsize)
        while True:
            file.write(bytes(_PAGE))


def free(folder: Path) -> None:
    """Give it back."""
    (folder / _BALLAST).unlink()


def pad(journal: Path) -> None:
    """Let its last page end with its last line, by blanks, which JSON does not mind."""
    lines = journal.read_bytes()
    blanks = -len(lines) % _PAGE
    journal.write_bytes(lines[:-1] + b" " * blanks + b"\n")


def main(folder: Path, at: str, words: list[str]) -> None:
    step, _, event = at.removesuffix("!").partition(".")

    def write_on_a_full_disk(journal: Journal, entry: Entry) -> None:
        is_there = (entry.step, entry.event.value) == (step, event)
        if is_there and not (folder / _BALLAST).exists():
            if at.endswith("!"):
                pad(journal.file)
            fill(folder)
        write(journal, entry)

    Journal.write = write_on_a_full_disk  # type: ignore[method-assign]
    sys.argv = ["inv", *words]
    launch.tasks()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
