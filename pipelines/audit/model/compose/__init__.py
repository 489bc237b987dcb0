"""Compose files: services with everything that is merged into them, and where each part stands."""

from pipelines.audit.model.compose.facts import (
    Build,
    Dependency,
    HealthCheck,
    Mount,
    Port,
    Project,
    Service,
    Setting,
    Words,
    each,
    each_once,
    mended,
)
from pipelines.audit.model.compose.projects import read

__all__ = [
    "Build",
    "Dependency",
    "HealthCheck",
    "Mount",
    "Port",
    "Project",
    "Service",
    "Setting",
    "Words",
    "each",
    "each_once",
    "mended",
    "read",
]
