"""Routes by which others ask how a service is."""

from __future__ import annotations

from pipelines.audit.rule import Rule

RULES: tuple[Rule, ...] = ()
