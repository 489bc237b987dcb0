"""One HTML page that needs nothing else: no script, no font, no picture from elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from html import escape

from pipelines.audit.audit import Report
from pipelines.audit.findings import Finding, Severity, Unread
from pipelines.audit.formats.sections import (
    Alike,
    Section,
    aside,
    number,
    questions,
    said,
    sections,
    title,
    totals,
)
from pipelines.audit.formats.visible import visible
from pipelines.audit.place import Place

_STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1f2328; --dim: #59636e; --line: #d1d9e0;
  --code: #f6f8fa; --high: #cf222e; --medium: #bc4c00; --low: #1a7f37; --note: #59636e; }
@media (prefers-color-scheme: dark) { :root { --paper: #0d1117; --ink: #e6edf3; --dim: #9198a1;
  --line: #3d444d; --code: #151b23; --high: #ff7b72; --medium: #f0883e; --low: #3fb950;
  --note: #9198a1; } }
body { background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif;
  max-width: 60rem; margin: 2rem auto; padding: 0 1rem; overflow-wrap: anywhere; }
h1, h2 { line-height: 1.25; }
h2 { border-bottom: 1px solid var(--line); font-size: 1.1rem; margin-top: 2rem; }
code, pre { background: var(--code); font: .85em/1.5 ui-monospace, monospace; }
pre { border-left: 3px solid var(--line); margin: .25rem 0; padding: .25rem .75rem;
  white-space: pre-wrap; }
ul { list-style: none; padding: 0; }
li { margin: .75rem 0; }
li li { margin: .25rem 0 .25rem 1.5rem; }
table { border-collapse: collapse; }
th, td { border: 1px solid var(--line); padding: .25rem .75rem; text-align: right; }
th[scope=row] { text-align: left; font-weight: normal; }
td.none, .dim { color: var(--dim); }
.high { color: var(--high); } .medium { color: var(--medium); } .low { color: var(--low); }
.note { color: var(--note); }
td.high, td.medium, td.low, td.note { color: var(--paper); font-weight: bold; }
td.high { background: var(--high); } td.medium { background: var(--medium); }
td.low { background: var(--low); } td.note { background: var(--note); }
.mend { border-left: 3px solid var(--low); padding-left: .75rem; }
""".strip()
# Whatever a text tries: the page may load nothing and run nothing.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def render(report: Report) -> str:
    heading = _text(f"Audit of {title(report)}")
    parts = [
        f"<h1>{heading}</h1>",
        _summary(report),
        *_matrix([it for it in report.findings if it.counts]),
        *map(_section, sections(report)),
        *_questions(questions(report)),
        *_unread(report.unread),
    ]
    body = "\n".join(parts)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width">
<title>{heading}</title>
<style>
{_STYLE}
</style>
</head>
<body>
{body}
</body>
</html>"""


def _summary(report: Report) -> str:
    counts = totals(report)
    total = number(sum(counts.values()), "finding") if counts else "No findings"
    parts = [f'<span class="{it}">{count} {it}</span>' for it, count in counts.items()]
    rest = ", ".join(filter(None, [*parts, aside(report)]))
    return f"<p><strong>{total}</strong>{f': {rest}' if rest else ''}</p>"


def _matrix(findings: Sequence[Finding]) -> Iterator[str]:
    """How much of what severity each service has; the worst service first."""
    services = {it.service for it in findings}
    if not services - {""}:
        return
    counts = Counter((it.service, it.severity) for it in findings)
    severities = sorted(Severity, reverse=True)

    def order(service: str) -> tuple[list[int], str]:
        return [-counts[service, it] for it in severities], service

    yield "<table>"
    yield "<caption>Findings by service and severity</caption>"
    heads = "".join(f'<th scope="col">{it}</th>' for it in severities)
    yield f"<thead><tr><td></td>{heads}</tr></thead>"
    yield "<tbody>"
    for service in sorted(services, key=order):
        cells = "".join(_cell(counts[service, it], it) for it in severities)
        name = _text(service) if service else '<span class="dim">no service</span>'
        yield f'<tr><th scope="row">{name}</th>{cells}</tr>'
    yield "</tbody>"
    yield "</table>"


def _cell(count: int, severity: Severity) -> str:
    return f'<td class="{severity}">{count}</td>' if count else '<td class="none">-</td>'


def _section(section: Section) -> str:
    head = f'<span class="{section.severity}">{section.severity}</span> {_text(section.rule)}'
    count = f' <span class="dim">({section.places} places)</span>' if section.places > 1 else ""
    lines = (line for group in section.groups for line in _group(group))
    return "\n".join([f"<h2>{head} {_text(section.name)}{count}</h2>", *lines])


def _group(group: Alike) -> Iterator[str]:
    yield from _list(group.findings)
    if group.remedy:
        yield f'<p class="mend">{_text(group.remedy)}</p>'


def _list(findings: Iterable[Finding], *, is_named: bool = False) -> Iterator[str]:
    yield "<ul>"
    for finding in findings:
        rule = f' <span class="dim">({_text(finding.rule)})</span>' if is_named else ""
        yield f"<li>{_where(finding.place)} {_text(said(finding))}{rule}"
        yield from _line(finding.evidence)
        if finding.also:
            yield "<ul>"
            for also in finding.also:
                yield f"<li>{_where(also.place)} {_text(also.message)}"
                yield from _line(also.evidence)
                yield "</li>"
            yield "</ul>"
        yield "</li>"
    yield "</ul>"


def _line(evidence: str) -> Iterator[str]:
    if evidence:
        yield f"<pre>{_text(evidence)}</pre>"


def _questions(findings: Sequence[Finding]) -> Iterator[str]:
    if findings:
        yield "<h2>Open: the repository does not say</h2>"
        yield from _list(findings, is_named=True)


def _unread(unread: Sequence[Unread]) -> Iterator[str]:
    if unread:
        yield "<h2>Not read</h2>"
        yield "<ul>"
        yield from (f"<li>{_where(it.place)} {_text(it.reason)}</li>" for it in unread)
        yield "</ul>"


def _where(place: Place) -> str:
    return f"<code>{_text(str(place))}</code>"


def _text(text: str) -> str:
    return escape(visible(text))
