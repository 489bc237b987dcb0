"""Environments: named places to deploy to, each described by one file, `environments/NAME.yaml`."""

from pipelines.environments.environment import Bake, Environment, Requirement, Subject, Waiver
from pipelines.environments.loader import known, load

__all__ = ["Bake", "Environment", "Requirement", "Subject", "Waiver", "known", "load"]
