"""What a person told pip about the way to the package index."""

from __future__ import annotations

import ast
import os
import sys

from pipelines.programs import process

# Whatever else may be configured (more indexes, folders of wheels, constraints) says not how to
# reach packages but which ones to take.
SETTINGS = (
    *("index-url", "cert", "client-cert", "proxy", "trusted-host"),
    *("timeout", "default-timeout"),
)


def route() -> dict[str, str]:
    """The settings, by the names they have in pip's configuration; a variable wins over a file."""
    words = [sys.executable, "-m", "pip", "config", "list"]
    listed = process.run(words, capture=True, echo=False)
    settings = (line.partition("=") for line in listed.output.splitlines())
    found = {
        name: ast.literal_eval(value)  # pip prints values as Python does
        for key, _, value in settings
        if (name := key.removeprefix("global.")) in SETTINGS
    }
    chosen = {name: os.environ.get(variable(name)) for name in SETTINGS}
    return found | {name: value for name, value in chosen.items() if value is not None}


def variable(setting: str) -> str:
    """The variable by which pip takes a setting."""
    return f"PIP_{setting.upper().replace('-', '_')}"
