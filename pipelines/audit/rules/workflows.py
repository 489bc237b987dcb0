"""Workflows: jobs that never run, and actions that may change."""

from __future__ import annotations

from pipelines.audit.rule import Rule

RULES: tuple[Rule, ...] = ()
