"""Pipelines: workflows, and all that they reach through make, packages and scripts."""
