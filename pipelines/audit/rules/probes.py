"""Health checks that cannot run, or cannot fail."""

from __future__ import annotations

from pipelines.audit.rule import Rule

RULES: tuple[Rule, ...] = ()
