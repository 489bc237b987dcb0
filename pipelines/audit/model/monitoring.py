"""Prometheus: what it scrapes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from pipelines.audit.findings import Unread
from pipelines.audit.model import nodes
from pipelines.audit.model.nodes import Node
from pipelines.audit.model.roles import is_deployed
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
    """One configuration, and what it says is scraped."""

    file: str
    targets: tuple[Target, ...]
    rules: tuple[str, ...] = ()  # the files of `rule_files`


def read(tracked: Tracked) -> tuple[tuple[Prometheus, ...], tuple[Unread, ...]]:
    """Every configuration of Prometheus (a YAML file with `scrape_configs`)."""
    found, unread = [], []
    for path in tracked.paths:
        if not path.endswith((".yml", ".yaml")) or not is_deployed(path):
            continue
        text = tracked.text(path) or ""
        if "scrape_configs" not in text:
            continue
        try:
            documents = nodes.documents(text, path)
        except nodes.Broken as error:
            unread.append(Unread(Place(path, error.line), error.reason))
            continue
        for document in documents:
            configuration = _configuration(document)
            if configuration is not None:
                found.append(configuration)
    return tuple(found), tuple(unread)


def _configuration(node: Node) -> Prometheus | None:
    """A file of Prometheus itself, or of a collector that scrapes as it does."""
    for keys in ((), ("receivers", "prometheus", "config")):
        jobs = node.get(*keys, "scrape_configs")
        if jobs.is_list:
            targets = tuple(target for job in jobs for target in _targets(job))
            return Prometheus(node.file, targets, tuple(node.get(*keys, "rule_files").texts))
    return None


def _targets(job: Node) -> Iterator[Target]:
    path = job["metrics_path"].text or "/metrics"
    for group in job["static_configs"]:
        for target in group["targets"]:
            host, port = _address(target.text)
            if host:
                yield Target(job["job_name"].text, host, port, path, target.place)


def _address(text: str) -> tuple[str, str]:
    try:
        parts = urlsplit(text if "://" in text else f"//{text}")
        return parts.hostname or "", str(parts.port or "")
    except ValueError:  # a port that is a placeholder
        return text.rpartition(":")[0], ""
