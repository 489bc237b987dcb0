"""Prometheus: what it scrapes."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.audit.findings import Unread
from pipelines.audit.place import Place
from pipelines.audit.tracked import Tracked


@dataclass(frozen=True)
class Target:
    """One scrape target: `host` is a service's name or an address."""

    job: str
    host: str
    port: str
    path: str
    place: Place


@dataclass(frozen=True)
class Prometheus:
    file: str
    targets: tuple[Target, ...]
    rules: tuple[str, ...] = ()  # the files of `rule_files`


def read(tracked: Tracked) -> tuple[tuple[Prometheus, ...], tuple[Unread, ...]]:
    """Every configuration of Prometheus (a YAML file with `scrape_configs`)."""
    return (), ()
