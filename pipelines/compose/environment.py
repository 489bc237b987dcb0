"""Variables from files: `.env` beside the Compose file, and what services name as `env_file`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from dotenv.parser import Binding, parse_stream

from pipelines.compose.interpolation import substitute
from pipelines.documents.document import Entry
from pipelines.errors import ConfigError, Where

_SINGLE_QUOTED = re.compile(r"[^=]*=\s*'")


def read_dotenv(folder: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables for interpolation: those of `.env`, over which `environ` wins."""
    file = folder / ".env"
    return {**(_read(file, environ) if file.is_file() else {}), **environ}


def read_environment(
    service: Mapping[str, Entry], folder: Path, variables: Mapping[str, str]
) -> dict[str, str]:
    """A service's whole environment: its files in their order, then its own `environment`.

    A name without a value is passed through from `variables`, and left out when it is not there.
    Raises `ConfigError` for a file that is missing or malformed.
    """
    found: dict[str, str] = {}
    if files := service.get("env_file"):
        for file in files.items if isinstance(files.value, list) else [files]:
            found |= _env_file(file, folder, {**found, **variables})
    if own := service.get("environment"):
        for name, value in _pairs(own):
            if value is not None:
                found[name] = value
            elif name in variables:
                found[name] = variables[name]
    return found


def _env_file(entry: Entry, folder: Path, variables: Mapping[str, str]) -> dict[str, str]:
    fields = entry.fields if isinstance(entry.value, dict) else {"path": entry}
    file = folder / fields["path"].text
    is_required = "required" not in fields or fields["required"].text.lower() != "false"
    is_raw = "format" in fields and fields["format"].text == "raw"
    if file.is_file():
        return _read(file, variables, is_raw=is_raw)
    if is_required:
        raise entry.error(f"there is no file {file}", hint="make it, or write required: false")
    return {}


def _pairs(entry: Entry) -> Iterator[tuple[str, str | None]]:
    if isinstance(entry.value, dict):
        for name, value in entry.fields.items():
            yield name, None if value.value is None else value.text
        return
    for item in entry.items:
        name, equals, text = item.text.partition("=")
        yield name, text if equals else None


def _read(file: Path, variables: Mapping[str, str], *, is_raw: bool = False) -> dict[str, str]:
    """The variables of one file; a value may use `variables` and what stands above it."""
    found: dict[str, str] = {}
    try:
        with file.open(encoding="utf-8-sig") as stream:
            bindings = list(parse_stream(stream))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot be read: {error}", where=Where(file)) from error
    for binding in bindings:
        where = Where(file, _line(binding))
        if binding.error:
            raise ConfigError("expected NAME=VALUE", where=where)
        if binding.key is None:  # a comment or an empty line
            continue
        if binding.value is not None:
            is_literal = is_raw or _SINGLE_QUOTED.match(binding.original.string)
            known = {**found, **variables}
            value = binding.value
            found[binding.key] = value if is_literal else substitute(value, known, where)
        elif binding.key in variables:
            found[binding.key] = variables[binding.key]
    return found


def _line(binding: Binding) -> int:
    """The parser counts the empty lines before a binding as its own."""
    text = binding.original.string
    return binding.original.line + text[: len(text) - len(text.lstrip())].count("\n")
