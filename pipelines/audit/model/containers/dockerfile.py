"""Dockerfiles: stages, and the chain of stages that an image is made of.

The format is one of lines, and it is read as the engine reads it: cut into instructions, comments
and continuation lines first; JSON by `json`, words by `shlex`, commands by `shell`. A grammar for
the whole file (tree-sitter's) is a check in the tests only: an everyday line that it does not know
(a comment within ENV, `EXPOSE $PORT/tcp`, `WORKDIR "a b"`) costs it the rest of the file.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from pipelines.audit.findings import Unread
from pipelines.audit.model.roles import is_deployed
from pipelines.audit.place import Place
from pipelines.audit.tracked import Tracked

_INSTRUCTION = re.compile(
    "ADD|ARG|CMD|COPY|ENTRYPOINT|ENV|EXPOSE|FROM|HEALTHCHECK|LABEL|MAINTAINER|ONBUILD|RUN|SHELL"
    "|STOPSIGNAL|USER|VOLUME|WORKDIR"
)
_NOWHERE = Place("")
_NAMED = re.compile(r"(.*[._-])?(dockerfile|containerfile)([._-].*)?", re.IGNORECASE)
# What only speaks of Dockerfiles, or is filled in before it is one.
_NO_DOCKERFILE = re.compile(
    r".*\.(py|pyc|js|ts|tsx|go|rs|rb|java|md|mdx|rst|ya?ml|json|toml|sh|ps1|html|lock|snap|png|svg"
    r"|dockerignore|j2|jinja2?|tmpl|tpl|template|erb|mustache|hbs|in|patch|diff|orig|rej|bak)",
    re.IGNORECASE,
)
_FIRST_WORD = re.compile(r"\s*([A-Za-z]+)(?=\s|$)")
_FLAG = re.compile(r"--([a-z-]+)(?:=(\S*))?(?:\s+|$)")
_HEREDOC = re.compile(r"<<-?(['\"]?)([A-Za-z_][A-Za-z0-9_.]*)\1")
_ESCAPE = re.compile(r"#\s*escape\s*=\s*(`|\\)\s*$", re.IGNORECASE)
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?:(:?[-+])([^{}]*))?\})")
# What BuildKit itself gives; a base is the same on every platform.
_PLATFORM = {
    "BUILDPLATFORM": "linux/amd64",
    "TARGETPLATFORM": "linux/amd64",
    "BUILDOS": "linux",
    "TARGETOS": "linux",
    "BUILDARCH": "amd64",
    "TARGETARCH": "amd64",
    "TARGETVARIANT": "",
}
_LONGEST = 20_000  # characters of one text, all values filled in: those of others may double up
# Of one file; people have ten and a hundred, and each is looked at with all that it is built on.
_MOST_STAGES, _MOST = 200, 3_000
_MOST_WORDS = 1_000  # of one instruction
_NESTED = 5  # `${A:-${B:-c}}`: people nest two
_LONGEST_LINE = 100_000  # characters; what is longer was not written by a person


@dataclass(frozen=True)
class Instruction:
    """`RUN`, `COPY`...: `words` when written as a JSON array, else `text` (heredocs included).

    `text` is without flags; its continuation lines keep their backslash, and what stands between
    them (comments, nothing) is a backslash alone, so that a shell reads it as the engine does. Of a
    `RUN <<EOF` it is the lines of the heredoc. Its first line is at `text_place`.
    """

    name: str  # upper case
    text: str
    place: Place
    flags: Mapping[str, str] = field(default_factory=dict)  # {"from": "builder", "mount": "..."}
    words: tuple[str, ...] = ()
    is_json: bool = False
    text_place: Place = _NOWHERE
    mounts: tuple[Mapping[str, str], ...] = ()  # {"type": "bind", "source": ...} of RUN --mount

    @property
    def line(self) -> str:
        """The text as one line."""
        return self.text.replace("\\\n", " ").strip()

    @property
    def arguments(self) -> tuple[str, ...]:
        """The words, whichever way they are written; quotes are taken off, variables kept."""
        words = self.words if self.is_json else _split(self.line.partition("\n")[0])
        return tuple(words[:_MOST_WORDS])

    @property
    def pairs(self) -> dict[str, str]:
        """The variables of `ENV A=1 B=2`, `ENV A some words`, `ARG A`, `LABEL a=b`."""
        return _pairs(self.line)


@dataclass(frozen=True)
class Stage:
    """One FROM and what follows it; `base` has its ARGs filled in, "" when one has no value.

    `parent` is the stage that `base` names, if it names one. `arguments` are the values of those
    ARGs that have one, as the stage sees them.
    """

    name: str
    index: int
    base: str
    place: Place
    instructions: tuple[Instruction, ...]
    parent: Stage | None = None
    arguments: Mapping[str, str] = field(default_factory=dict)

    @property
    def chain(self) -> Iterator[Stage]:
        """This stage, then those it is built on."""
        stage: Stage | None = self
        while stage is not None:
            yield stage
            stage = stage.parent

    @property
    def root(self) -> Stage:
        """The stage at the chain's end, whose base is somebody's image."""
        return list(self.chain)[-1]

    def last(self, name: str) -> Instruction | None:
        """The instruction of that name that counts, along the chain."""
        for stage in self.chain:
            for instruction in reversed(stage.instructions):
                if instruction.name == name:
                    return instruction
        return None

    def all(self, *names: str) -> Iterator[Instruction]:
        """The instructions of these names in the order in which they are run, along the chain."""
        for stage in reversed(list(self.chain)):
            for instruction in stage.instructions:
                if instruction.name in names:
                    yield instruction


@dataclass(frozen=True)
class Dockerfile:
    """A parsed file; `stages` is empty when it has no FROM."""

    file: str
    stages: tuple[Stage, ...]
    unknown: tuple[Place, ...] = ()  # lines that are no instruction
    beyond: Place | None = None  # where it becomes too long to be looked at

    def target(self, name: str = "") -> Stage | None:
        """The stage of that name or number, the last one for ""; None when there is none."""
        if not name:
            return self.stages[-1] if self.stages else None
        for stage in self.stages:
            if name.lower() == stage.name.lower() or name == str(stage.index):
                return stage
        return None


def parse(text: str, file: str, arguments: Mapping[str, str] | None = None) -> Dockerfile:
    """Read one file, with these build arguments."""
    given = arguments or {}
    outer: dict[str, str] = {}
    stages: list[Stage] = []
    begun: list[Instruction] = []
    unknown = []
    beyond: Place | None = None
    for count, cut in enumerate(_cut(text, file)):
        if not _INSTRUCTION.fullmatch(cut.name):
            unknown.append(cut.place)
            continue
        if count >= _MOST or len(stages) >= _MOST_STAGES:
            beyond = cut.place
            break
        instruction = _instruction(cut)
        if instruction.name == "FROM":
            stages = _closed(stages, begun, outer, given)
            begun = [instruction]
        elif begun:
            begun.append(instruction)
        elif instruction.name == "ARG":
            outer = _argued(outer, instruction, given, {})
    stages = _closed(stages, begun, outer, given)
    return Dockerfile(file, tuple(stages), tuple(unknown), beyond)


def read(tracked: Tracked) -> tuple[dict[str, Dockerfile], tuple[Unread, ...]]:
    """Every Dockerfile by path (`Dockerfile`, `Dockerfile.*`, `*.Dockerfile`, `Containerfile`)."""
    found: dict[str, Dockerfile] = {}
    unread = []
    for path in tracked:
        if not is_named_so(path) or not is_deployed(path):
            continue
        text = tracked.text(path)
        if text is None or "{%" in text:
            continue
        found[path] = parse(text, path)
        unread += [Unread(place, "no instruction of a Dockerfile") for place in found[path].unknown]
        if beyond := found[path].beyond:
            reason = (
                f"more than {_MOST_STAGES} stages or {_MOST} instructions: the rest is not read"
            )
            unread.append(Unread(beyond, reason))
        if not found[path].stages:
            unread.append(Unread(Place(path), "a Dockerfile without FROM"))
    return found, tuple(unread)


def is_named_so(path: str) -> bool:
    """Whether a path is named as a Dockerfile."""
    name = path.rpartition("/")[2]
    return bool(_NAMED.fullmatch(name)) and not _NO_DOCKERFILE.fullmatch(name)


def fill(text: str, values: Mapping[str, str]) -> str | None:
    """The text with these values for its variables; None when one has no value."""
    missing = False
    length = 0

    def value(match: re.Match[str]) -> str:
        nonlocal missing, length
        name = match[1] or match[2]
        operator, word = match[3] or "", match[4] or ""
        known = values.get(name)
        if operator.endswith("+"):
            return word if known else ""
        if known or (known is not None and operator != ":-"):
            length += len(known)
            missing = missing or length > _LONGEST
            return "" if missing else known
        missing = missing or not operator
        return word

    for _ in range(_NESTED):
        if "$" not in text or missing:
            break
        text = _VARIABLE.sub(value, text)
    return None if missing or "$" in text else text


class _Cut(NamedTuple):
    """One instruction as it stands: `body` are the lines of its heredocs, `end` what ends one."""

    name: str
    text: str  # everything behind the name
    place: Place
    body: tuple[str, ...] = ()
    heredoc: str = ""


def _cut(text: str, file: str) -> Iterator[_Cut]:
    """The instructions of a file, comments and empty lines left out."""
    lines = text.replace("\r\n", "\n").split("\n")
    escape = _escape(lines)
    at = 0
    while at < len(lines):
        first = at
        if _is_nothing(lines[at]):
            at += 1
            continue
        joined: list[str] = []
        while at < len(lines):
            line, goes_on = _continued(lines[at], escape)
            at += 1
            if joined and _is_nothing(line):
                joined.append("\\")
                continue
            joined.append(f"{line}\\" if goes_on else line)
            if not goes_on:
                break
        whole = "\n".join(joined).rstrip("\\\n")
        name = _FIRST_WORD.match(whole)
        body: list[str] = []
        end = ""
        if name and name[1].upper() in ("RUN", "COPY", "ADD"):
            at, body, end = _heredocs(whole, lines, at)
        yield _Cut(
            name[1].upper() if name else "",
            whole[name.end() :] if name else whole,
            Place(file, first + 1),
            tuple(body),
            end,
        )


def _escape(lines: list[str]) -> str:
    """The character that continues lines: a directive may change it, in the first comments."""
    for line in lines:
        if not line.startswith("#"):
            break
        if match := _ESCAPE.match(line):
            return match[1]
    return "\\"


def _is_nothing(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")


def _continued(line: str, escape: str) -> tuple[str, bool]:
    """The line without what continues it, and whether it goes on."""
    bare = line[:_LONGEST_LINE].rstrip()
    if bare.endswith(escape) and not _is_nothing(bare):
        return bare[:-1], True
    return bare, False


def _heredocs(whole: str, lines: list[str], at: int) -> tuple[int, list[str], str]:
    """Where the instruction ends, the lines of its heredocs, and the name of the first."""
    body: list[str] = []
    marks = _HEREDOC.findall(whole) if "<<" in whole else []
    for _, end in marks:
        start = at
        while at < len(lines) and lines[at].strip() != end:
            at += 1
        body += lines[start:at]
        at += 1
    return at, body, marks[0][1] if marks else ""


def _instruction(cut: _Cut) -> Instruction:
    flags, mounts, rest = _flags(cut.text)
    skipped = cut.text[: len(cut.text) - len(rest)].count("\n")
    place = cut.place.below(skipped)
    words = _array(cut.name, rest)
    if cut.heredoc and cut.name == "RUN":
        rest, place = _script(rest, place, cut)
    return Instruction(
        cut.name,
        rest.strip(),
        cut.place,
        flags,
        words or (),
        is_json=words is not None,
        text_place=place,
        mounts=mounts,
    )


def _script(text: str, place: Place, cut: _Cut) -> tuple[str, Place]:
    """What a shell runs: the heredoc itself where nothing or a shell reads it, else all of it."""
    reader = _HEREDOC.sub("", text.replace("\\\n", " ")).split()
    if not reader or reader[0].rpartition("/")[2] in ("sh", "bash", "ash", "dash"):
        return "\n".join(cut.body), place.below(text.count("\n") + 1)
    return "\n".join((text, *cut.body, cut.heredoc)), place


def _flags(text: str) -> tuple[dict[str, str], tuple[dict[str, str], ...], str]:
    """The flags before the text (`--from=builder`), the mounts among them, and the rest."""
    flags: dict[str, str] = {}
    mounts = []
    rest = _unled(text)
    while match := _FLAG.match(rest):
        flags[match[1]] = (match[2] or "").strip("\"'")
        if match[1] == "mount":
            mounts.append(_mount(flags["mount"]))
        rest = _unled(rest[match.end() :])
    return flags, tuple(mounts), rest


def _unled(text: str) -> str:
    """The text without the space and the continuation lines before it."""
    text = text.lstrip()
    while text.startswith("\\\n"):
        text = text[2:].lstrip()
    return text


def _mount(text: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in text.split(",")]
    found = {key.strip(): value.strip() for key, _, value in pairs}
    aliases = {"src": "source", "dst": "target", "destination": "target"}
    return {aliases.get(key, key): value for key, value in found.items()}


def _array(name: str, text: str) -> tuple[str, ...] | None:
    """The words of a JSON array; None for what is none, which the engine takes as text."""
    if not text.startswith("["):
        return None
    joined = text.replace("\\\n", " ")
    try:
        words = json.loads(joined)
    except (ValueError, RecursionError):
        return None
    is_words = isinstance(words, list) and all(isinstance(word, str) for word in words)
    return tuple(words) if is_words else None


def _split(line: str) -> list[str]:
    """The words, of a line that goes on and on the first: `shlex` takes long for a long word."""
    line = line[:_LONGEST]
    try:
        return shlex.split(line)
    except ValueError:  # a quote that nothing closes
        return line.split()


def _pairs(line: str) -> dict[str, str]:
    words = _split(line)
    if words and "=" not in words[0] and len(words) > 1:
        return {words[0]: " ".join(words[1:])}
    pairs = [word.partition("=") for word in words]
    return {name: value for name, equals, value in pairs if name and equals}


def _closed(
    stages: list[Stage],
    begun: list[Instruction],
    outer: Mapping[str, str],
    given: Mapping[str, str],
) -> list[Stage]:
    """The stages, with the one that was begun at its end."""
    if not begun:
        return stages
    first, *rest = begun
    words = first.line.split()
    name = words[2] if len(words) > 2 and words[1].upper() == "AS" else ""
    base = (fill(words[0].strip("\"'"), {**_PLATFORM, **outer, **given}) if words else "") or ""
    parent = next((it for it in stages if it.name and it.name.lower() == base.lower()), None)
    values = dict(parent.arguments) if parent else {}
    for instruction in rest:
        if instruction.name == "ARG":
            values = _argued(values, instruction, given, outer)
        elif instruction.name == "ENV":
            values |= {key: fill(text, values) or text for key, text in instruction.pairs.items()}
    stage = Stage(name, len(stages), base, first.place, tuple(rest), parent, values)
    return [*stages, stage]


def _argued(
    values: Mapping[str, str],
    instruction: Instruction,
    given: Mapping[str, str],
    outer: Mapping[str, str],
) -> dict[str, str]:
    """The values after an ARG: what the build is given, or the default, or that of before FROM."""
    found = dict(values)
    for word in _split(instruction.line):
        name, equals, default = word.partition("=")
        if name in given:
            found[name] = given[name]
        elif equals:
            filled = fill(default, found)
            if filled is not None:
                found[name] = filled
        elif name in outer:
            found[name] = outer[name]
    return found
