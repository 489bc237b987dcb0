"""What a container really runs: its command, followed through package scripts and shell scripts."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from pipelines.audit.model.ci.packages import Package
from pipelines.audit.model.containers.images import Entry, Image, of_words
from pipelines.audit.model.shell import Command, Script, parse
from pipelines.audit.place import Place
from pipelines.audit.tracked import Tracked

_DEEPEST = 4  # scripts that call scripts
_BINS = ("/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin", "/")
_RUNNERS = ("npm", "yarn", "pnpm", "bun")
# What `yarn NAME` does itself; every other name is a script.
_OWN_VERBS = frozenset(
    (
        "install",
        "add",
        "ci",
        "i",
        "exec",
        "dlx",
        "create",
        "init",
        "x",
        "node",
        "workspace",
        "config",
    )
)
_DIRECT = frozenset(("start", "test", "stop", "restart"))


class Started(NamedTuple):
    """One command that is run, and where the scripts stand that lead to it, the last one first."""

    command: Command
    via: tuple[Place, ...] = ()


def started(image: Image, tracked: Tracked, packages: Mapping[str, Package]) -> tuple[Started, ...]:
    """Every command that starting the image runs, as far as the repository tells."""
    if image.entry is None:
        return ()
    follower = _Follower(image, tracked, packages)
    return tuple(follower.of_entry(image.entry))


class _Follower:
    def __init__(self, image: Image, tracked: Tracked, packages: Mapping[str, Package]) -> None:
        self.image = image
        self.tracked = tracked
        self.packages = packages

    def of_entry(self, entry: Entry) -> Iterator[Started]:
        yield from self._of_script(entry.script(), (), (), 0)

    def _of_script(
        self, script: Script, rest: tuple[str, ...], via: tuple[Place, ...], deep: int
    ) -> Iterator[Started]:
        for command in script.commands:
            if deep < _DEEPEST and command.words and command.words[0] in ("$@", "$*"):
                yield from self._of_script(of_words(rest, command.place), (), via, deep + 1)
            else:
                yield from self._of_command(command, via, deep)

    def _of_command(self, command: Command, via: tuple[Place, ...], deep: int) -> Iterator[Started]:
        yield Started(command, via)
        if deep >= _DEEPEST:
            return
        if command.program in _RUNNERS:
            script = self._package_script(command)
            if script is not None:
                yield from self._of_script(script, (), (script.place, *via), deep + 1)
            return
        file, rest = self._shell_script(command)
        text = self.tracked.text(file) if file else None
        if file and text is not None:
            place = Place(file)
            yield from self._of_script(parse(text, place), rest, (place, *via), deep + 1)

    def _package_script(self, command: Command) -> Script | None:
        """The script of `package.json` that a runner is told to run."""
        name = script_name(command)
        if not name:
            return None
        inner = posixpath.join(command.folder or ".", _prefix(command.words))
        folder = self.image.origin(inner, self.tracked)
        for found in (folder, self.image.context):
            if found is not None and found in self.packages:
                return self.packages[found].scripts.get(name)
        return None

    def _shell_script(self, command: Command) -> tuple[str | None, tuple[str, ...]]:
        """The tracked shell script that a command is, and the words that are left for it."""
        words = command.words
        if command.program in ("sh", "bash", "ash", "dash"):
            words = tuple(word for word in words[1:] if not word.startswith("-"))
        if not words:
            return None, ()
        path, *rest = words
        places = (
            [posixpath.join(command.folder, path)] if "/" in path or path.endswith(".sh") else []
        )
        if "/" not in path:
            places += [posixpath.join(folder, path) for folder in _BINS]
        for place in places:
            file = self.image.origin(place, self.tracked)
            if file and file in self.tracked and self._is_shell(file):
                return file, tuple(rest)
        return None, ()

    def _is_shell(self, file: str) -> bool:
        first = (self.tracked.text(file) or "").partition("\n")[0]
        return file.endswith(".sh") or (first.startswith("#!") and "sh" in first)


def script_name(command: Command) -> str:
    """The script of `package.json` that `npm run NAME`, `yarn NAME`, `npm start` name, or ""."""
    if command.program not in _RUNNERS:
        return ""
    words = [word for word in command.words[1:] if not word.startswith("-")]
    prefix = _prefix(command.words)
    words = [word for word in words if word != prefix] if prefix else words
    if not words:
        return ""
    if words[0] in ("run", "run-script"):
        return words[1] if len(words) > 1 else ""
    if words[0] in _DIRECT or (command.program != "npm" and words[0] not in _OWN_VERBS):
        return words[0]
    return ""


def _prefix(words: tuple[str, ...]) -> str:
    """The folder of `npm --prefix FOLDER`, `yarn --cwd FOLDER`, `pnpm -C FOLDER`."""
    for flag in ("--prefix", "--cwd", "-C", "--dir"):
        if flag in words[:-1]:
            return words[words.index(flag) + 1]
    return ""
