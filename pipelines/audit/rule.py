"""What makes a function a rule: its id, its name, how severe it is; its docstring documents it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pipelines.audit.findings import Confidence, Fault, Severity
from pipelines.audit.model import Model

Check = Callable[[Model], Iterator[Fault]]


@dataclass(frozen=True)
class Rule:
    """One rule, callable as the function it was made of.

    `text` is Markdown: a first sentence (what is wrong), then the paragraphs `Why:`, `Example:`
    (an indented block) and `Mend:`.
    """

    id: str
    name: str
    severity: Severity
    confidence: Confidence
    check: Check
    judges: bool = False  # what the other rules found: it is asked after them, and reads `findings`

    def __call__(self, model: Model) -> Iterator[Fault]:
        return self.check(model)

    @property
    def text(self) -> str:
        return inspect.cleandoc(self.check.__doc__ or "")

    @property
    def summary(self) -> str:
        return self.text.partition("\n\n")[0].replace("\n", " ")


def rule(
    id_: str,
    name: str,
    severity: Severity,
    confidence: Confidence = Confidence.HIGH,
    *,
    judges: bool = False,
) -> Callable[[Check], Rule]:
    """Make a function over the model a rule; what it yields takes severity and confidence here."""

    def decorate(check: Check) -> Rule:
        return Rule(id_, name, severity, confidence, check, judges)

    return decorate
