"""Python sources: what a module imports, serves, reads and measures, and what leads to what."""

from pipelines.audit.model.python.facts import (
    App,
    Application,
    Import,
    Metric,
    Module,
    Read,
    Route,
)
from pipelines.audit.model.python.sources import Python

__all__ = ["App", "Application", "Import", "Metric", "Module", "Python", "Read", "Route"]
