"""Hides secret values in text as it passes by, however they are quoted and wherever it is cut."""

from __future__ import annotations

import base64
import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

from pipelines.errors import ConfigError

LEAST = 4  # characters a value must have: a shorter one would take half of every text with it
MASK = b"***"
# What is left unquoted in a URL: by Python, by Python in a path, by JavaScript and by browsers.
_SAFE = ("", "/", "!'()*", "!'()*/:@$&+,;=")
_ESCAPED = re.compile(rb"%[0-9A-F]{2}|\\u[0-9a-f]{4}")


class Masker:
    """Replaces secret values by `***` in a stream of bytes.

    A value is found as it is; as base64, standard and URL-safe, on its own or anywhere inside a
    longer encoded text; percent-encoded; quoted as in JSON; and, when it has several lines, line
    by line. Where several overlap, the first wins, and of those that begin together the longest.

    >>> masker = Masker(["hunter22"])
    >>> masker.feed(b"password: hunt") + masker.feed(b"er22, repeat") + masker.finish()
    b'password: ***, repeat'

    An empty value hides nothing and is passed over. Raises `ConfigError` for a value of less than
    `LEAST` characters; the caller, who knows what it is called, may want to look first.
    """

    def __init__(self, values: Iterable[str]) -> None:
        self._forms = _Forms(values)
        self._held = b""

    def fresh(self) -> Masker:
        """Return a masker of the same values for another stream."""
        other = Masker(())
        other._forms = self._forms
        return other

    def feed(self, chunk: bytes) -> bytes:
        """Return what can be shown by now; what may be the beginning of a secret is held back."""
        masked, self._held = self._forms.split(self._held + chunk)
        return masked

    def finish(self) -> bytes:
        """Return the rest, when nothing more will come."""
        masked, self._held = self._forms.mask(self._held), b""
        return masked

    def text(self, text: str) -> str:
        """Mask a text that is whole, apart from the stream: the words of a command, a message."""
        return self._forms.mask(_bytes(text)).decode(errors="surrogateescape")


class _Forms:
    """Everything that must not be seen, in the order of the bytes."""

    def __init__(self, values: Iterable[str]) -> None:
        self._sorted = sorted({form for value in values for form in _forms(value)})
        self._longest = max(map(len, self._sorted), default=0)
        self._pattern: re.Pattern[bytes] | None = None

    def mask(self, text: bytes) -> bytes:
        """Mask a text that is whole."""
        return self._compiled().sub(MASK, text) if self._occur_in(text) else text

    def split(self, text: bytes) -> tuple[bytes, bytes]:
        """Return what is decided, masked, and the rest, which more text may turn into a secret."""
        done: list[bytes] = []
        position, undecided = 0, self._undecided(text, 0)
        matches = self._compiled().finditer(text) if self._occur_in(text) else iter(())
        for match in matches:
            if match.start() >= undecided:
                break
            done += text[position : match.start()], MASK
            position = match.end()
            if position > undecided:
                undecided = self._undecided(text, position)
        done.append(text[position:undecided])
        return b"".join(done), text[undecided:]

    def _undecided(self, text: bytes, position: int) -> int:
        """Where the first form begins of which the text ends before its end."""
        for start in range(max(position, len(text) - self._longest + 1), len(text)):
            tail = text[start:]
            # Forms that begin with the tail and go on come right behind it in the order.
            after = bisect_right(self._sorted, tail)
            if after < len(self._sorted) and self._sorted[after].startswith(tail):
                return start
        return len(text)

    def _occur_in(self, text: bytes) -> bool:
        return any(form in text for form in self._sorted)

    def _compiled(self) -> re.Pattern[bytes]:
        """The pattern, made when a secret is about to be seen at all, which is seldom."""
        if self._pattern is None:
            longest_first = sorted(self._sorted, key=len, reverse=True)
            self._pattern = re.compile(b"|".join(map(re.escape, longest_first)))
        return self._pattern


def _forms(value: str) -> Iterator[bytes]:
    if not value.strip():
        return
    if len(value.strip()) < LEAST:
        raise ConfigError(
            f"a secret value of {len(value.strip())} characters cannot be masked",
            hint=f"use one of at least {LEAST}: a shorter one is found in every text",
        )
    for part in {value, *(line.strip() for line in value.splitlines())}:
        if len(part.strip()) >= LEAST:
            yield from _quoted(part)
            yield from _base64(_bytes(part))


def _quoted(part: str) -> Iterator[bytes]:
    value = _bytes(part)
    yield value
    quoted = {quote(value, safe).encode() for safe in _SAFE} | {quote_plus(value).encode()}
    quoted |= {_bytes(json.dumps(part, ensure_ascii=only)[1:-1]) for only in (True, False)}
    yield from quoted
    for form in quoted:
        yield _ESCAPED.sub(lambda found: _other_case(found.group()), form)


def _other_case(escape: bytes) -> bytes:
    """Return `%3a` for `%3A`, and `\\u00E9` for `\\u00e9`."""
    return escape.lower() if escape.startswith(b"%") else b"\\u" + escape[2:].upper()


def _base64(value: bytes) -> Iterator[bytes]:
    for before in range(3):  # bytes of another value in the group of three where this one begins
        encoded = base64.b64encode(bytes(before) + value)
        own = encoded[(0, 2, 3)[before] :]
        bare = own.rstrip(b"=")
        padding = len(own) - len(bare)
        # The last character before padding is another one when more follows.
        inside = bare[:-1] if padding else bare
        for form in {own, bare, inside}:
            yield form
            yield form.translate(bytes.maketrans(b"+/", b"-_"))


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")
