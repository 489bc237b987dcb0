"""What a rule is about: `inv audit.explain`, and docs/reference/rules.md."""

from __future__ import annotations

from pipelines import console
from pipelines.audit.rule import Rule
from pipelines.audit.rules import RULES
from pipelines.documents.nearest import nearest
from pipelines.errors import ConfigError


def every() -> str:
    """A line for each rule."""
    rows = [(it.id, it.name, str(it.severity), it.summary) for it in RULES.values()]
    return console.table(("rule", "name", "severity", ""), rows)


def one(name: str) -> str:
    """What there is to say of a rule, by id or name. Raises `ConfigError` for an unknown one."""
    rule = find(name)
    return f"{_head(rule)}\n\n{rule.text}"


def find(name: str) -> Rule:
    """The rule of that id or name. Raises `ConfigError` for an unknown one."""
    known = {key: it for it in RULES.values() for key in (it.id, it.name)}
    for spelling in (name, name.upper(), name.lower()):
        if spelling in known:
            return known[spelling]
    raise ConfigError(f"no rule called {name!r}", hint=nearest(name.upper(), known))


def _head(rule: Rule) -> str:
    return f"{rule.id} {rule.name} ({rule.severity})"
