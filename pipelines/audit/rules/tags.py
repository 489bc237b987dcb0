"""Images that are another one tomorrow."""

from __future__ import annotations

from pipelines.audit.rule import Rule

RULES: tuple[Rule, ...] = ()
