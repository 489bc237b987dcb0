"""A history in a few lines for a person, and as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from pipelines.audit.findings import Severity
from pipelines.audit.formats.visible import visible
from pipelines.audit.history.issues import History, Issue
from pipelines.audit.history.walk import Commit
from pipelines.console import Colour, paint, table

VERSION = 1  # of the shape of the JSON
_MOST = 5  # commits that are named for what they brought or took
_LONGEST = 72  # characters of a subject
_COLOURS = {
    Severity.HIGH: Colour.BAD,
    Severity.MEDIUM: Colour.WARN,
    Severity.LOW: Colour.GOOD,
    Severity.NOTE: Colour.DIM,
}


def text(history: History) -> str:
    """How many came and went, what each rule has now, and which commits changed most."""
    first, last = history.commits[0], history.commits[-1]
    parts = [
        f"{_number(len(history.commits), 'commit')} from {_commit(first)} to {_commit(last)}",
        _totals(history),
    ]
    if history.issues:
        parts += [_rules(history), *_changes(history)]
    return "\n\n".join(parts)


def _totals(history: History) -> str:
    returned = sum(it.returns > 0 for it in history.issues)
    there = len(history.there)
    return (
        f"{_number(len(history.issues), 'issue')} in all: {there} there now,"
        f" {len(history.issues) - there} gone, {returned} came back at some time"
    )


def _rules(history: History) -> str:
    rows = [_rule(history, rule, issues) for rule, issues in worst_first(history)]
    return table(["severity", "rule", "now", "gone", "back", "there since"], rows)


def worst_first(history: History) -> list[tuple[str, tuple[Issue, ...]]]:
    """The rules with their issues: the worst first, and of those what is there now."""
    return sorted(
        history.rules.items(),
        key=lambda it: (-severity(it[1]), -sum(one.is_there for one in it[1]), it[0]),
    )


def severity(issues: Sequence[Issue]) -> Severity:
    """That of the worst of them."""
    return max(it.finding.severity for it in issues)


def _rule(history: History, rule: str, issues: Sequence[Issue]) -> list[str]:
    there = [it for it in issues if it.is_there]
    since = min((it.spans[-1].came for it in there), default=None)
    worst = severity(issues)
    return [
        paint(str(worst), _COLOURS[worst]),
        f"{rule} {issues[0].finding.name}",
        str(len(there)),
        str(len(issues) - len(there)),
        str(sum(it.returns for it in issues)),
        "" if since is None else _commit(history.commits[since]),
    ]


def _changes(history: History) -> Iterator[str]:
    """The commits that brought or took most."""
    changed = [
        (came, went, commit)
        for came, went, commit in zip(history.came, history.went, history.commits, strict=True)
        if came or went
    ]
    changed.sort(key=lambda it: (-(it[0] + it[1]), it[2].when, it[2].id))
    rows = [
        [f"+{came}", f"-{went}", _commit(commit), visible(_cut(commit.subject))]
        for came, went, commit in changed[:_MOST]
    ]
    if rows:
        yield table(["came", "went", "commit", ""], rows)


def _cut(subject: str) -> str:
    return subject if len(subject) <= _LONGEST else f"{subject[:_LONGEST].rstrip()}..."


def _commit(commit: Commit) -> str:
    return f"{commit.short} ({commit.day})"


def _number(count: int, word: str) -> str:
    return f"1 {word}" if count == 1 else f"{count:,} {word}s"


def as_json(history: History) -> str:
    """Every commit, and every issue with the commits that brought it and took it away."""
    document = {
        "version": VERSION,
        "commits": [_as_entry(history, at) for at in range(len(history.commits))],
        "issues": [_issue(history, it) for it in history.issues],
    }
    return json.dumps(document, indent=2)  # ASCII, as a file's name may be no text


def _as_entry(history: History, at: int) -> dict[str, Any]:
    commit = history.commits[at]
    return {
        "id": commit.id,
        "when": commit.when.isoformat(),
        "subject": commit.subject,
        "came": history.came[at],
        "went": history.went[at],
    }


def _issue(history: History, issue: Issue) -> dict[str, Any]:
    it = issue.finding
    return {
        "fingerprint": it.fingerprint,
        "rule": it.rule,
        "name": it.name,
        "severity": str(it.severity),
        "file": it.place.file,
        "line": it.place.line,
        "message": it.message,
        "evidence": it.evidence,
        "service": it.service or None,
        "there": issue.is_there,
        "spans": [
            {
                "came": history.commits[span.came].id,
                "went": None if span.went is None else history.commits[span.went].id,
            }
            for span in issue.spans
        ],
    }
