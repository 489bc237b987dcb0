"""Any command as a keeper of secrets: JSON to its standard input, JSON from its standard output.

It is sent `{"do": "versions", "name": ..., "version": ..., "value": ...}`, where `do` is one of
`names`, `versions`, `read`, `add`, `use` and `revoke`, and `value` is base64. It answers with
`{"names": [...]}`, `{"versions": [{"id", "created", "phase"}]}`, `{"value": ...}`,
`{"version": ...}` or `{}`; `{"missing": true}` says there is no such secret, `{"refused": "why"}`
that it may not be. No value is ever a word of its command line.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

import msgspec

from pipelines.errors import ConfigError, MachineError
from pipelines.programs import process
from pipelines.secrets.provider import NoSecret, Phase, Version


class _Told(msgspec.Struct):
    id: str
    created: float
    phase: Phase


class _Answer(msgspec.Struct):
    names: list[str] = []
    versions: list[_Told] = []
    value: bytes = b""
    version: str = ""
    missing: bool = False
    refused: str = ""


class CommandProvider:
    """The secrets that a command keeps."""

    name = "command"

    def __init__(self, words: Sequence[str]) -> None:
        """`words` are the command; a relative program is looked for on PATH."""
        self._words = tuple(words)

    def names(self) -> frozenset[str]:
        return frozenset(self._ask("names").names)

    def versions(self, name: str) -> tuple[Version, ...]:
        found = self._ask("versions", name)
        return tuple(Version(it.id, it.created, it.phase) for it in found.versions)

    def read(self, name: str, version: str = "") -> bytes:
        return self._found(name, version, self._ask("read", name, version)).value

    def add(self, name: str, value: bytes) -> str:
        return self._ask("add", name, value=value).version

    def use(self, name: str, version: str) -> None:
        self._found(name, version, self._ask("use", name, version))

    def revoke(self, name: str, version: str) -> None:
        self._found(name, version, self._ask("revoke", name, version))

    def _found(self, name: str, version: str, answer: _Answer) -> _Answer:
        if answer.missing:
            raise NoSecret(name, self.name, version)
        return answer

    def _ask(self, do: str, name: str = "", version: str = "", value: bytes = b"") -> _Answer:
        asked = msgspec.json.encode({"do": do, "name": name, "version": version, "value": value})
        said = process.read(self._words, fed=asked)
        program = shlex.quote(self._words[0])
        if not said:  # what it printed may hold a value
            raise MachineError(f"{program} could not {do}: exit code {said.code}")
        try:
            answer = msgspec.json.decode(said.output, type=_Answer)
        except msgspec.DecodeError:
            raise MachineError(f"{program} did not answer in JSON as it should") from None
        if answer.refused:
            raise ConfigError(f"{program} refuses: {answer.refused}")
        return answer
