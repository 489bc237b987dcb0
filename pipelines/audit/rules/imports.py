"""Imports that the image does not have."""

from __future__ import annotations

from pipelines.audit.rule import Rule

RULES: tuple[Rule, ...] = ()
