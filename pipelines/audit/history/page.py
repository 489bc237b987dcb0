"""A history as one HTML page that needs nothing else: pictures, and a table for each rule."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from pipelines.audit.formats.visible import visible
from pipelines.audit.history import picture
from pipelines.audit.history.issues import History, Issue
from pipelines.audit.history.printing import worst_first

_MOST = 200  # issues of one rule that are drawn; JSON has all
_STYLE = """
:root { color-scheme: light dark; --ink: #1d2330; --dim: #5b6472; --line: #d8dde6; --page: #fff;
  --high: #c4314b; --medium: #d9822b; --low: #3b7dd8; --note: #8a93a3 }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ef; --dim: #9aa4b2; --line: #333b48;
  --page: #14181f; --high: #f0637c; --medium: #eda04f; --low: #6aa5f0; --note: #79828f } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page);
  max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.1rem; margin-top: 2rem }
svg { width: 100%; height: auto; font: 11px system-ui, sans-serif }
svg text { fill: var(--dim) } svg .name { text-anchor: end; fill: var(--ink) }
svg line { stroke: var(--line) }
.high { fill: var(--high) } .medium { fill: var(--medium) } .low { fill: var(--low) }
.note { fill: var(--note) }
summary { cursor: pointer; padding: .3rem 0 } .key { color: var(--dim) }
.key svg { width: .8em; height: .8em }
table { border-collapse: collapse; width: 100%; font-size: .9rem }
th, td { text-align: left; padding: .25rem .6rem; border-bottom: 1px solid var(--line);
  vertical-align: top } code { font-size: .9em; overflow-wrap: anywhere }
"""


def render(history: History, title: str = "History of the audit") -> str:
    """The page; what stands in it of the audited repository is escaped."""
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{_safe(title)}</title>",
            f"<style>{_STYLE}</style>",
            "</head>",
            "<body>",
            f"<h1>{_safe(title)}</h1>",
            *_body(history),
            "</body>",
            "</html>",
        ]
    )


def _body(history: History) -> Iterator[str]:
    first, last = history.commits[0], history.commits[-1]
    yield (
        f"<p>{len(history.commits)} commits from {_safe(first.short)} ({first.day}) to"
        f" {_safe(last.short)} ({last.day}): {len(history.issues)} issues came,"
        f" {len(history.there)} of them are there now.</p>"
    )
    if not history.issues:
        return
    yield _key()
    yield "<h2>Issues at each commit</h2>"
    yield picture.sums(history, "Issues at each commit, by severity", "sums")
    yield "<h2>Each rule</h2>"
    ordered = worst_first(history)
    rows = [picture.rule_row(history, rule, issues) for rule, issues in ordered]
    yield picture.timeline(history, rows, "When each rule found something", "rules")
    yield "<h2>Each issue</h2>"
    for rule, issues in ordered:
        yield from _rule(history, rule, issues)


def _key() -> str:
    marks = (
        f'<svg viewBox="0 0 10 10" aria-hidden="true"><rect width="10" height="10" rx="2"'
        f' class="{it}"/></svg> {it}'
        for it in ("high", "medium", "low", "note")
    )
    return f'<p class="key">{" &nbsp; ".join(marks)}</p>'


def _rule(history: History, rule: str, issues: Sequence[Issue]) -> Iterator[str]:
    there = sum(it.is_there for it in issues)
    name = f"{rule} {issues[0].finding.name}"
    yield f"<details><summary>{_safe(name)}: {there} now, {len(issues) - there} gone</summary>"
    rows = list(picture.rows_of(history, issues))[:_MOST]
    yield picture.timeline(history, rows, f"Issues of {name}", rule.lower())
    yield "<table><thead><tr><th>place<th>issue<th>came<th>went</tr></thead><tbody>"
    yield from (_row(history, it) for it in issues[:_MOST])
    yield "</tbody></table>"
    if len(issues) > _MOST:
        yield f"<p>and {len(issues) - _MOST} more</p>"
    yield "</details>"


def _row(history: History, issue: Issue) -> str:
    it = issue.finding
    came = "<br>".join(_commit(history, span.came) for span in issue.spans)
    went = "<br>".join(_commit(history, span.went) for span in issue.spans)
    return (
        f"<tr><td><code>{_safe(str(it.place))}</code><td>{_safe(it.message)}"
        f"<td>{came}<td>{went}</tr>"
    )


def _commit(history: History, at: int | None) -> str:
    if at is None:
        return "still there"
    commit = history.commits[at]
    return f'<span title="{_safe(commit.subject)}">{_safe(commit.short)} {commit.day}</span>'


def _safe(text: str) -> str:
    return escape(visible(text))
