"""Comments that ask the audit to be silent, and do not do so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pipelines.audit.findings import Fault, Severity
from pipelines.audit.model import Model
from pipelines.audit.model.suppressions import Mark
from pipelines.audit.place import Place
from pipelines.audit.rule import Rule, rule


@rule("SUP001", "suppression-without-reason", Severity.MEDIUM)
def suppression_without_reason(model: Model) -> Iterator[Fault]:
    """A comment asks to ignore a rule and does not say why, so it is not followed.

    Why: whoever reads it next year has to find out whether the reason still holds, and cannot when
    there is none. What is found is reported as if the comment were not there.

    Example:

        ports: ["5432:5432"]  # summit: ignore SEC007

    Mend: say the reason after two dashes, as in `# summit: ignore SEC007 -- behind a firewall`. Or
    remove the comment, and mend what it hides.
    """
    for mark in model.suppressions:
        if mark.rules and not mark.reason:
            yield Fault(
                mark.place,
                f"the suppression of {', '.join(mark.rules)} gives no reason",
                "say why after two dashes (`-- reason`), or remove the comment",
            )


@rule("SUP002", "suppression-unused", Severity.LOW, judges=True)
def suppression_unused(model: Model) -> Iterator[Fault]:
    """A comment asks to ignore what is not found there, or a rule that does not exist.

    Why: the fault was mended, has moved, or the rule's name was misspelled. Left alone, the comment
    will hide the next fault of that kind, which nobody has looked at.

    Example:

        # summit: ignore SEC007 -- behind the office's firewall
        ports: ["127.0.0.1:5432:5432"]

    Mend: remove the comment, or the one rule out of it that finds nothing. A comment counts for the
    line it stands on; if it stands alone, for the next line that is no comment.
    """
    found = {(it.rule, it.place) for it in model.findings}
    remedy = "remove the comment, or the rule out of it"
    for mark in model.suppressions:
        if not mark.rules:
            yield Fault(mark.place, "the suppression names no rule", "name the rule to ignore")
        for id_ in mark.rules:
            if id_ not in model.asked:
                yield Fault(mark.place, f"the suppression of {id_}: there is no such rule", remedy)
            elif mark.reason and found.isdisjoint((id_, place) for place in mark.places):
                yield Fault(mark.place, f"the suppression of {id_} suppresses nothing", remedy)


RULES: tuple[Rule, ...] = (suppression_without_reason, suppression_unused)


def reasons(marks: Iterable[Mark]) -> dict[tuple[str, Place], str]:
    """Why a finding of a rule at a place may stay, by these two."""
    return {
        (id_, place): mark.reason
        for mark in marks
        if mark.reason
        for id_ in mark.rules
        for place in mark.places
    }
