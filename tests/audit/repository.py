"""Small repositories to audit, written as their files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from textwrap import dedent

from pipelines.audit.audit import audit
from pipelines.audit.findings import Finding
from pipelines.audit.model import Model
from pipelines.audit.rule import Rule
from pipelines.audit.rules import RULES
from pipelines.audit.tracked import Tracked

Files = Mapping[str, str | bytes]


@contextmanager
def only(*rules: Rule) -> Iterator[None]:
    """The audit with these rules alone; the others are back afterwards, and in their order."""
    kept = dict(RULES)
    RULES.clear()
    RULES.update({rule.id: rule for rule in rules})
    try:
        yield
    finally:
        RULES.clear()
        RULES.update(kept)


def tracked(files: Files) -> Tracked:
    """What Git would track of these files; texts are dedented."""
    return Tracked({path: _contents(text) for path, text in files.items()})


def _contents(text: str | bytes) -> Callable[[], bytes]:
    data = text if isinstance(text, bytes) else dedent(text).encode()
    return lambda: data


def model(files: Files) -> Model:
    return Model(tracked(files))


def found(rule: str, files: Files) -> list[Finding]:
    """What one rule finds in these files."""
    return list(audit(tracked(files), {rule: RULES[rule]}).findings)


def places(rule: str, files: Files) -> list[str]:
    """Where one rule finds something for certain, as `file:line`."""
    return [str(it.place) for it in found(rule, files) if not it.is_open]
