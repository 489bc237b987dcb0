"""`pipelines.yaml`, or what a repository without one evidently uses: components and their steps."""

from pipelines.config.loader import load
from pipelines.config.model import Component, Config

__all__ = ["Component", "Config", "load"]
