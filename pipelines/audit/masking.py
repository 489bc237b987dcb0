"""Masking: what of a line must not be shown, by what is known of it and by its own form.

A line is shown for many reasons; that there is a credential on it need not be one of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from pipelines.audit.model.secrets import Hidden
from pipelines.audit.model.secrets.credentials import Kind, is_secret_name, kind, logins, tokens

MASK = "***"
_READ = 5_000  # characters of a line in which forms are looked for; less of it is ever shown
_SECRET = (Kind.WORKING, Kind.CHANGE)
_NAME = r"(?<![\w.-])(?P<name>[\w.-]{1,100})"
_GAP = r"\s{0,20}"
# `NAME=value`, `name: str = "value"`, `--name value`, `getenv("NAME", "value")`, `${NAME:-value}`.
_BEFORE = re.compile(
    rf"(?:{_NAME}[\"']?\]?{_GAP}(?::{_GAP}(?P<type>\w{{1,100}}){_GAP}=|[:=]){_GAP}"
    rf"|--(?P<option>[\w-]{{1,100}}) {_GAP}"
    rf"|[\"'](?P<key>[\w.-]{{1,100}})[\"']{_GAP},{_GAP}"
    rf"|\$\{{(?P<variable>\w{{1,100}}):?-)[\"']?"
)
_VALUE = re.compile(r"[^\s\"',;&|)}\]]+")
# What gives a value and is none: a call, a variable of the environment; and what if it gives none.
_GIVEN = re.compile(
    r"(?:\w+=)?[A-Za-z_]+(?:\.[A-Za-z_]+)*\(|(?:process|import\.meta)\.env\.|os\.environ\b"
)
_OTHERWISE = re.compile(rf".{{0,80}}?(?:\|\||\?\?|\bor\b){_GAP}[\"'`]")
_DEFAULT = re.compile(r"(\$\{\w{1,100}:?-)[^{}$]+")
_USER = re.compile(r"(\s(?:-u|--user)[ =][\"']?[^\s:\"'$]{1,100}:)[^\s\"'$]+")


def masked(line: str, known: Iterable[Hidden] = ()) -> str:
    """The line with a mask in place of each known secret, and of each that looks like one."""
    for text, before, after in sorted(known, key=lambda it: (-len(it.text), it)):
        line = line.replace(f"{before}{text}{after}", f"{before}{MASK}{after}") if text else line
    line = line[:_READ]
    for token in list(tokens(line)):
        line = line.replace(token.text, MASK)
    for login in list(logins(line)):
        line = line.replace(f":{login.password}@", f":{_default_masked(login.password)}@")
    line = _USER.sub(rf"\1{MASK}", line)
    return _named_masked(line)


def _default_masked(password: str) -> str:
    return _DEFAULT.sub(rf"\1{MASK}", password) if "$" in password else MASK


def _named_masked(line: str) -> str:
    """With a mask for what stands behind the name of a secret; names may stand in values."""
    parts, done = [], 0
    for before in _BEFORE.finditer(line):
        if not any(map(is_secret_name, filter(None, before.groups()))):
            continue
        value = _VALUE.match(line, before.end())
        if value and _GIVEN.match(value[0]):
            otherwise = _OTHERWISE.match(line, value.end())
            value = _VALUE.match(line, otherwise.end()) if otherwise else None
        if value and value.start() >= done and kind(value[0]) in _SECRET:
            parts += [line[done : value.start()], MASK]
            done = value.end()
    return "".join([*parts, line[done:]])
