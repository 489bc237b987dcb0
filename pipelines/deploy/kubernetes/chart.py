"""What all manifests of one release share: names, labels, and the words of the Compose file."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.compose.model import Project, Service
from pipelines.errors import ConfigError
from pipelines.release import Release

Manifest = dict[str, Any]

_LABEL = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")  # RFC 1035, the narrowest rule for a name
_SIZE = re.compile(r"([0-9]+)(?:([kmgt])b?|b)?", re.IGNORECASE)
NETWORK = "summit.network"  # labels of pods: the networks that they are in


@dataclass(frozen=True)
class Chart:
    """One release for one cluster. `written` has each service as its Compose file says it."""

    project: Project
    release: Release
    written: Mapping[str, Mapping[str, Any]]

    @property
    def namespace(self) -> str:
        """The project's name, which has the environment's in it. Raises `ConfigError`."""
        name = self.project.name.replace("_", "-")
        if not _LABEL.fullmatch(name):
            raise ConfigError(f"{name!r} cannot be the name of a namespace")
        return name

    def networks(self, service: str) -> tuple[str, ...]:
        """The Compose networks of a service."""
        return tuple(self.written[service].get("networks") or ("default",))

    def selector(self, service: str) -> dict[str, str]:
        """What tells a service's pods from all others; the same in every release."""
        return {
            "app.kubernetes.io/name": service,
            "app.kubernetes.io/instance": self.namespace,
        }

    def labels(self, service: str) -> dict[str, str]:
        return {
            **self.selector(service),
            "app.kubernetes.io/part-of": self.namespace,
            "app.kubernetes.io/version": self.release.short,
            "app.kubernetes.io/managed-by": "summit",
        }

    def manifest(self, api: str, kind: str, name: str, service: str, **fields: Any) -> Manifest:
        """A whole manifest in this namespace, which says of which release it is."""
        metadata = {
            "name": name,
            "namespace": self.namespace,
            "labels": self.labels(service),
            "annotations": {
                "summit/release": self.release.id,
                "summit/commit": self.release.commit,
            },
        }
        return {"apiVersion": api, "kind": kind, "metadata": metadata, **fields}


def checked_name(service: Service) -> str:
    """The service's name as one of DNS. Raises `ConfigError` for what Kubernetes would refuse."""
    if not _LABEL.fullmatch(service.name):
        raise ConfigError(
            f"services.{service.name}: not a name for Kubernetes",
            where=service.where,
            hint="lower case letters, digits and dashes, a letter first",
        )
    return service.name


def quantity(size: str | float) -> str:
    """A size as Compose writes it (`384M` counts by 1024) as one of Kubernetes (`384Mi`)."""
    found = _SIZE.fullmatch(str(size))
    if not found:
        raise ConfigError(f"{size!r} is not a size", hint="write it as 64m or 1G")
    return f"{found[1]}{found[2].upper()}i" if found[2] else found[1]


def seconds(duration: float) -> int:
    """Whole seconds, as Kubernetes counts them: at least one, never less than asked for."""
    return max(1, math.ceil(duration))
