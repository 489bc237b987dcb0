"""One fault as a hurried person writes it: edits of a clean system, and where it is to be found."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

from pipelines.audit.place import Place
from pipelines.audit.tracked import Tracked

_SYSTEMS = Path(__file__).parent.parent / "systems"

Texts = Mapping[str, str]
Edit = Callable[[dict[str, str]], str]  # changes the files, and says which one


@dataclass(frozen=True)
class Injection:
    """`edits` plant one fault of `rule`; `given` is what holds before, where that is not clean.

    `at` is a text of the file that the first edit changes, or of another one as `(file, text)`:
    the line on which it begins is where the fault is expected. Without it that is the first line
    that the first edit changes.
    """

    rule: str
    system: str
    name: str
    edits: tuple[Edit, ...]
    at: str | tuple[str, str] = ""
    given: tuple[Edit, ...] = ()

    def __str__(self) -> str:
        return f"{self.rule}-{self.system}-{self.name}".replace(" ", "-")

    def before(self) -> Texts:
        return _edited(system(self.system), self.given)[0]

    def after(self) -> Texts:
        return _edited(self.before(), self.edits)[0]

    def place(self) -> Place:
        """Where it is to be found."""
        before, after = self.before(), self.after()
        file = self.at[0] if isinstance(self.at, tuple) else _edited(before, self.edits)[1]
        if not self.at:
            return Place(file, _first_difference(before.get(file, ""), after[file]))
        text = self.at if isinstance(self.at, str) else self.at[1]
        assert after[file].count(text) == 1, f"{file} has {text!r} {after[file].count(text)} times"
        start = after[file].index(text) + len(text) - len(text.lstrip("\n"))
        return Place(file, after[file].count("\n", 0, start) + 1)


def injected(
    rule: str,
    system: str,
    name: str,
    *edits: Edit,
    at: str | tuple[str, str] = "",
    given: tuple[Edit, ...] = (),
) -> Injection:
    return Injection(rule, system, name, edits, at, given)


def change(file: str, old: str, new: str) -> Edit:
    """Replace a text that stands there once."""

    def edit(files: dict[str, str]) -> str:
        assert files[file].count(old) == 1, f"{file} has {old!r} {files[file].count(old)} times"
        files[file] = files[file].replace(old, new)
        return file

    return edit


def inside(file: str, key: str, old: str, new: str) -> Edit:
    """Replace a text that stands once in the YAML below a key."""

    def edit(files: dict[str, str]) -> str:
        start, end = _block(files[file], key)
        block = files[file][start:end]
        assert block.count(old) == 1, f"{key} of {file} has {old!r} {block.count(old)} times"
        files[file] = files[file][:start] + block.replace(old, new) + files[file][end:]
        return file

    return edit


def without(file: str, key: str, inner: str) -> Edit:
    """Take a key, with all that is below it, out of what is below another one."""

    def edit(files: dict[str, str]) -> str:
        start, end = _block(files[file], key)
        block = files[file][start:end]
        first, last = _block(block, inner)
        files[file] = files[file][:start] + block[:first] + block[last:] + files[file][end:]
        return file

    return edit


def _block(text: str, key: str) -> tuple[int, int]:
    """From the first line that is this key to where its lines are no longer further in."""
    head = re.search(rf"^( *){re.escape(key)}:.*\n", text, re.MULTILINE)
    assert head is not None, f"no key {key}"
    body = re.compile(rf"( {{{len(head[1]) + 1},}}.*\n|\n(?= {{{len(head[1]) + 1},}}))*")
    found = body.match(text, head.end())
    return head.start(), found.end() if found else head.end()


def append(file: str, text: str) -> Edit:
    def edit(files: dict[str, str]) -> str:
        files[file] += text
        return file

    return edit


def add(file: str, text: str) -> Edit:
    def edit(files: dict[str, str]) -> str:
        assert file not in files, f"{file} is there"
        files[file] = text
        return file

    return edit


def remove(file: str) -> Edit:
    def edit(files: dict[str, str]) -> str:
        del files[file]
        return file

    return edit


@cache
def system(name: str) -> Texts:
    """The files of a clean system."""
    root = _SYSTEMS / name
    return MappingProxyType(
        {
            path.relative_to(root).as_posix(): path.read_text()
            for path in sorted(root.rglob("*"))
            if path.is_file() and not {"__pycache__", ".ruff_cache"}.intersection(path.parts)
        }
    )


def tracked(files: Texts) -> Tracked:
    return Tracked({path: _contents(text) for path, text in files.items()})


def _contents(text: str) -> Callable[[], bytes]:
    data = text.encode()
    return lambda: data


def _edited(files: Texts, edits: tuple[Edit, ...]) -> tuple[Texts, str]:
    """The files after the edits, and the one that the first edit changed."""
    changed = dict(files)
    touched = [edit(changed) for edit in edits]
    return changed, touched[0] if touched else ""


def _first_difference(before: str, after: str) -> int:
    old, new = before.split("\n"), after.split("\n")
    pairs = zip(old, new, strict=False)
    return next((n for n, (a, b) in enumerate(pairs, 1) if a != b), min(len(old), len(new)))
