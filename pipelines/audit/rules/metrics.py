"""Metrics: that there are some, that they are scraped, that they count."""

from __future__ import annotations

from pipelines.audit.rule import Rule

RULES: tuple[Rule, ...] = ()
