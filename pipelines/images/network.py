"""How a build reaches the package index: what this host has configured, as secrets of one step."""

from __future__ import annotations

import configparser
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.programs import pip_route

_FILES = ("cert", "client-cert")  # paths of this host, which mean nothing in a build


def certificates() -> Path | None:
    """The CA bundle without which this host would not reach the index, if it names one."""
    named = os.environ.get("SSL_CERT_FILE")
    return Path(named) if named and Path(named).is_file() else None


@contextmanager
def secrets() -> Iterator[dict[str, Path]]:
    """Build secrets by id: `ca`, a CA bundle, and `pip`, pip's way to the index; as far as needed.

    A build secret is mounted for one step. It is in no layer and no history, and what is in it does
    not decide whether that step is run again.
    """
    with tempfile.TemporaryDirectory(prefix="summit-build-") as folder:
        found = {"ca": bundle} if (bundle := certificates()) else {}
        route = {name: it for name, it in pip_route.route().items() if name not in _FILES}
        if route:
            file = Path(folder, "pip.conf")
            with os.fdopen(os.open(file, os.O_CREAT | os.O_WRONLY, 0o600), "w") as stream:
                settings = configparser.RawConfigParser()
                settings["global"] = route
                settings.write(stream)
            found["pip"] = file
        yield found
