"""Fixes that are safe to make by a machine: proposed as edits, proven by auditing again.

    findings -> one edit of a line each -> audited again -> a diff, or the files

An edit stands only when its finding is gone afterwards and nothing new is found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from difflib import unified_diff
from typing import NamedTuple

from pipelines.audit.audit import audit
from pipelines.audit.findings import Finding
from pipelines.audit.fixes import pins, probes, swallows, values, waits
from pipelines.audit.fixes.edit import Edit, Fixer, applied
from pipelines.audit.model import Model
from pipelines.audit.model.roles import is_deployed
from pipelines.audit.rules import RULES
from pipelines.audit.tracked import Tracked

FIXERS: dict[str, Fixer] = {
    "SEC002": values.required,
    "REL002": probes.with_what_is_there,
    "REL004": waits.until_healthy,
    "GATE001": swallows.in_workflow,
    "GATE002": swallows.in_recipe,
}

# Not those that judge what others found: each fix changes what they say.
_RULES = {id_: rule for id_, rule in RULES.items() if not rule.judges}


class Fixed(NamedTuple):
    """What can be fixed: the new texts by file, and the findings that are then gone."""

    texts: Mapping[str, str]
    findings: tuple[Finding, ...]
    refused: tuple[Finding, ...]  # a fix was tried, and did not stand

    def diff(self, tracked: Tracked) -> str:
        """A unified diff, as `git apply` takes it."""
        return "".join(
            _diff(path, tracked.text(path) or "", new) for path, new in self.texts.items()
        )


def _diff(path: str, old: str, new: str) -> str:
    lines = unified_diff(
        old.splitlines(keepends=True), new.splitlines(keepends=True), f"a/{path}", f"b/{path}"
    )
    return "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )


def fix(tracked: Tracked, commits: Mapping[str, str] | None = None) -> Fixed:
    """Fix what can be; `commits` are the pins of actions, by `owner/name@tag`."""
    before = audit(tracked, _RULES)
    edits = dict(_edits(Model(tracked), before.findings, commits or {}))
    standing = _standing(tracked, before.findings, edits)
    fixed = tuple(it for it in edits if it in standing)
    texts = applied(tracked, [edits[it] for it in fixed])
    return Fixed(texts, fixed, tuple(it for it in edits if it not in standing))


def _edits(
    model: Model, findings: Sequence[Finding], commits: Mapping[str, str]
) -> Iterator[tuple[Finding, Edit]]:
    fixers: dict[str, Fixer] = {**FIXERS, "GATE007": pins.by(commits)}
    taken = set()
    for finding in findings:
        fixer = fixers.get(finding.rule)
        is_wanted = not finding.suppressed and not finding.is_open and _is_ours(model, finding)
        if fixer is None or not is_wanted or finding.place in taken:
            continue
        edit = fixer(model, finding)
        if edit is not None and edit.new != edit.old:
            taken.add(finding.place)
            yield finding, edit


def _is_ours(model: Model, finding: Finding) -> bool:
    """Whether the file is deployed, and writing its text again would change nothing else in it."""
    file = finding.place.file
    data = model.tracked.bytes(file) or b""
    is_kept = (model.tracked.text(file) or "").encode(errors="replace") == data
    return is_deployed(file) and is_kept and b"\r" not in data


def _standing(
    tracked: Tracked, before: Sequence[Finding], edits: Mapping[Finding, Edit]
) -> set[Finding]:
    """The findings whose edits do what they are meant to, tried together and then in halves."""
    known = Counter(map(_what, before))
    standing: dict[Finding, Edit] = {}
    waiting = [list(edits.items())]
    while waiting:
        part = waiting.pop()
        if not part:
            continue
        tried = {**standing, **dict(part)}
        after = audit(tracked.having(applied(tracked, tried.values())), _RULES).findings
        left = Counter(map(_what, after))
        gone = Counter(map(_what, tried))
        if left <= known - gone:
            standing = tried
        elif len(part) > 1:
            middle = len(part) // 2
            waiting += [part[middle:], part[:middle]]
    return set(standing)


def _what(finding: Finding) -> tuple[str, str, str, str]:
    """A finding by what is wrong in which file; an edit changes the line that it stands on."""
    return finding.rule, finding.place.file, finding.service, finding.message
