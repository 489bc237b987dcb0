"""Issues: one fault through the commits, known by its fingerprint; lines may move."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from pipelines.audit.findings import Finding
from pipelines.audit.history.walk import Commit


class Span(NamedTuple):
    """From the commit that brought it to the first one without it (None while it is there)."""

    came: int
    went: int | None = None


@dataclass(frozen=True)
class Issue:
    """A finding as it was seen last, and when it was there, as positions among the commits."""

    finding: Finding
    spans: tuple[Span, ...]

    @property
    def is_there(self) -> bool:
        return self.spans[-1].went is None

    @property
    def returns(self) -> int:
        """How often it came back."""
        return len(self.spans) - 1


@dataclass(frozen=True)
class History:
    """Every issue that there ever was among these commits, the worst rules first."""

    commits: tuple[Commit, ...]
    issues: tuple[Issue, ...]

    @cached_property
    def came(self) -> tuple[int, ...]:
        """How many issues each commit brought; the first one has those that were there."""
        return self._counted(span.came for it in self.issues for span in it.spans)

    @cached_property
    def went(self) -> tuple[int, ...]:
        """How many issues each commit took away."""
        return self._counted(
            span.went for it in self.issues for span in it.spans if span.went is not None
        )

    def _counted(self, places: Iterable[int]) -> tuple[int, ...]:
        counts = [0] * len(self.commits)
        for place in places:
            counts[place] += 1
        return tuple(counts)

    @property
    def there(self) -> tuple[Issue, ...]:
        """Those that the last commit has."""
        return tuple(it for it in self.issues if it.is_there)

    @cached_property
    def rules(self) -> dict[str, tuple[Issue, ...]]:
        """The issues by rule, in their order."""
        found: dict[str, list[Issue]] = {}
        for it in self.issues:
            found.setdefault(it.finding.rule, []).append(it)
        return {rule: tuple(issues) for rule, issues in found.items()}


def follow(audited: Iterable[tuple[Commit, Iterable[Finding]]]) -> History:
    """Follow every issue through commits that are given oldest first."""
    commits: list[Commit] = []
    seen: dict[str, Finding] = {}
    spans: dict[str, list[Span]] = {}
    there: set[str] = set()
    for at, (commit, findings) in enumerate(audited):
        commits.append(commit)
        here = {it.fingerprint: it for it in findings}
        seen.update(here)
        for fingerprint in here.keys() - there:
            spans.setdefault(fingerprint, []).append(Span(at))
        for fingerprint in there - here.keys():
            spans[fingerprint][-1] = Span(spans[fingerprint][-1].came, at)
        there = set(here)
    issues = [Issue(finding, tuple(spans[key])) for key, finding in seen.items()]
    return History(tuple(commits), tuple(sorted(issues, key=_order)))


def _order(issue: Issue) -> tuple[object, ...]:
    it = issue.finding
    return (it.rule, -it.severity, issue.spans[0].came, it.place, it.fingerprint)
