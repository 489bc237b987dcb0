"""Credentials in files that are read line by line: variables, settings, scripts, SQL, keys."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipelines.audit.model.secrets import envfiles
from pipelines.audit.model.secrets.credentials import Kind, is_secret_name, kind, tokens
from pipelines.audit.model.secrets.facts import WORTH, Where, Written, interpolated, written
from pipelines.audit.place import Place
from pipelines.audit.tracked import Tracked

_LONGEST_LINE = 2_000  # characters; a longer one was not written by a person

# `key = value`, `key: value`, `"key": "value"`, each with what may follow it on its line.
_SETTING = re.compile(r"\s*([A-Za-z_][\w.\-]{0,100})\s*[=:]\s*(.*)")
_JSON = re.compile(r'"([A-Za-z_][\w.:\-]{0,100})"\s*:\s*"((?:[^"\\]|\\.){0,1000})"')
_ASSIGNMENT = re.compile(
    r"\s*(?:export\s+|readonly\s+|local\s+|declare\s+(?:-\w+\s+)?|set\s+-x\s+)?"
    r"([A-Za-z_]\w{0,100})\s*(?:[:?+]?=)\s*(.*)"
)
_SHELL_VALUE = re.compile(r"\"((?:[^\"\\]|\\.)*)\"|'([^']*)'|([^\s;&|#]*)")
_SQL = re.compile(
    r"(?i)\b(?:password|identified\s+by|identified\s+with\s+\w+\s+by)\s+'([^'\n]{1,200})'"
)
_TEXT = re.compile(r"(?:\b([A-Za-z_]\w{0,60})\s{0,9}(?::=|=>|=|:)\s{0,9})?\"([^\"\n]{3,500})\"")
_TESTED = re.compile(r"(?i)\.env[._-](?:tests?|testing|ci|e2e)\b|(?:^|/)(?:tests?|ci|e2e)\.env$")
_FLAG = re.compile(
    r"(?<![\w-])--?(requirepass|password|passwd|pass|secret|token|api-key|masterauth|auth-token"
    r"|admin-password|secret-key|jwt-secret)(?:=|\s+|[\"'],\s*[\"'])([^\s\"',;|&<>()]{3,200})"
)

SETTINGS = (".ini", ".cfg", ".conf", ".properties", ".toml", ".cnf")
SCRIPTS = (".sh", ".bash", ".zsh", ".mk", ".envrc")
_KEYS = (".pem", ".key", ".p8", ".pkcs8", ".ppk")
_KEY_NAMES = ("id_rsa", "id_dsa", "id_ecdsa", "id_ed25519")


def is_key(path: str) -> bool:
    """Whether the name says that the file is a private key, or may be one."""
    return path.endswith(_KEYS) or path.rpartition("/")[2] in _KEY_NAMES


def keys(tracked: Tracked, path: str) -> Iterator[Written]:
    """A private key that is tracked."""
    text = tracked.text(path) or ""
    for token in tokens(text[:20_000]):
        if token.what == "a private key":
            place = Place(path, text.count("\n", 0, token.start) + 1)
            yield Written(place, "", token.text, Kind.WORKING, Where.FILE, token.what)
            return


def variables(tracked: Tracked, path: str) -> Iterator[Written]:
    """An env file: one example says what to set, every other one sets it."""
    if _TESTED.search(path):
        return
    for name, value, place in envfiles.read(tracked, path):
        if value:
            yield from interpolated(name, value, place, Where.VARIABLES)


def settings(tracked: Tracked, path: str) -> Iterator[Written]:
    """INI, properties, TOML and what else is written as `key = value`."""
    section = ""
    for place, line in _lines(tracked, path):
        if line.lstrip()[:1] in ("#", ";", "[", "!", ""):
            section = line.lower() if line.startswith("[") else section
        elif "test" not in section and (found := _SETTING.match(line)):
            name, value = found.groups()
            text = _unquoted(value)
            last = name.rpartition(".")[2]
            is_last = is_secret_name(last) or not is_secret_name(name)
            yield from interpolated(last if is_last else name, text, place, Where.CONFIGURATION)


def json(tracked: Tracked, path: str) -> Iterator[Written]:
    """A JSON file of settings."""
    for place, line in _lines(tracked, path):
        for name, value in _JSON.findall(line):
            yield from written(name, value, place, Where.CONFIGURATION)


def script(tracked: Tracked, path: str) -> Iterator[Written]:
    """A shell script or a Makefile: assignments, defaults, and what commands are given."""
    for place, line in _lines(tracked, path):
        if not line.lstrip().startswith("#"):
            # A recipe doubles the dollars that are the shell's.
            yield from shell_line(line.replace("$$", "$"), place, Where.SCRIPT)


def shell_line(line: str, place: Place, where: Where, service: str = "") -> Iterator[Written]:
    """One line for a shell."""
    found = _ASSIGNMENT.match(line)
    if found:
        name, rest = found.groups()
        value = _SHELL_VALUE.match(rest)
        if value and "$(" not in rest and "`" not in rest:
            text = next((it for it in value.groups() if it), "")
            yield from interpolated(name, text, place, where, service=service)
            return
    yield from command(line, place, where, service)


def command(text: str, place: Place, where: Where, service: str = "") -> Iterator[Written]:
    """What a command is given: `--requirepass secret`, a URL with a password, `${X:-default}`."""
    for flag, value in _FLAG.findall(text):
        if kind(value) in WORTH and "$" not in value and "%" not in value:
            yield Written(place, f"--{flag}", value, kind(value), where, service=service)
            return
    if "://" in text or ":-" in text or "-----BEGIN" in text:
        yield from interpolated("", text[:_LONGEST_LINE], place, where, service=service)


def code(tracked: Tracked, path: str) -> Iterator[Written]:
    """A source of another language: texts that are assigned to a name, or have a form."""
    for place, line in _lines(tracked, path):
        if line.lstrip().startswith(("//", "#", "*", "/*", "--")):
            continue
        for name, value in _TEXT.findall(line):
            yield from written(name, value, place, Where.SOURCE)


def sql(tracked: Tracked, path: str) -> Iterator[Written]:
    """Users that SQL makes with a password in it."""
    for place, line in _lines(tracked, path):
        for value in _SQL.findall(line):
            if not line.lstrip().startswith("--") and kind(value) in WORTH:
                what = "the password of a database's user"
                yield Written(place, "", value, kind(value), Where.CONFIGURATION, what)


def _lines(tracked: Tracked, path: str) -> Iterator[tuple[Place, str]]:
    for number, line in enumerate(tracked.lines(path), 1):
        if len(line) <= _LONGEST_LINE:
            yield Place(path, number), line


def _unquoted(value: str) -> str:
    """The value without quotes, and without a comment behind it."""
    text = value.strip().rstrip(",")
    if text[:1] in ("'", '"'):
        end = text.find(text[0], 1)
        return text[1:end] if end > 0 else text[1:]
    return re.split(r"\s[#;]", text, maxsplit=1)[0].strip()
