"""A container's world on this machine: the folders it mounts, its neighbours, its own port."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from pipelines.stack import ports

SECRETS = "/run/secrets"  # where a container finds the secrets it is granted


@dataclass(frozen=True)
class Local:
    """What the words of the Compose file stand for, to one service."""

    ports: Mapping[str, int]  # of every service, by its name
    folders: Mapping[str, Path]  # by where the container has them
    listens: Mapping[int, int] = field(
        default_factory=dict
    )  # its own port in a container, and here
    hosts: Mapping[str, str] = field(default_factory=dict)  # of services on other machines

    def word(self, word: str) -> str:
        """A word of a command: a path, an address, `:PORT`, or an option with one after its `=`."""
        option, equals, value = word.partition("=") if word.startswith("-") else ("", "", word)
        port = value.removeprefix(":")
        if port != value and port.isdecimal() and int(port) in self.listens:
            value = f"{ports.HOST}:{self.listens[int(port)]}"
        return f"{option}{equals}{self.value(value)}"

    def value(self, value: str) -> str:
        """A value that is a path or an address; any other is left as it is."""
        for target, folder in self.folders.items():
            if value == target or value.startswith(f"{target}/"):
                return f"{folder}{value.removeprefix(target)}"
        return self._address(value)

    def text(self, text: str) -> str:
        """A configuration file, with each path and each `SERVICE:PORT` in it."""
        for target, folder in self.folders.items():
            text = re.sub(rf"(?<![\w./-]){re.escape(target)}(?![\w.-])", str(folder), text)
        names = "|".join(map(re.escape, self.ports))
        return re.sub(
            rf"(?<![\w.-])({names}):\d+\b",
            lambda match: self._at(match[1]),
            text,
        )

    def _address(self, value: str) -> str:
        if "://" not in value:
            name, colon, rest = value.partition(":")
            port = re.match(r"\d+\b", rest)
            if not colon or not port or name not in self.ports:
                return value
            return f"{self._at(name)}{rest[port.end() :]}"
        url = urlsplit(value)
        if url.hostname is None or url.hostname not in self.ports:
            return value
        user = f"{url.netloc.rpartition('@')[0]}@" if "@" in url.netloc else ""
        return urlunsplit(url._replace(netloc=f"{user}{self._at(url.hostname)}"))

    def _at(self, service: str) -> str:
        return f"{self.hosts.get(service, ports.HOST)}:{self.ports[service]}"
