"""Finds which files of the repository a step really reads, for `--strict-inputs`."""

from pipelines.trace.session import Traced, traced

__all__ = ["Traced", "traced"]
