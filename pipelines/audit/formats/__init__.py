"""The forms in which a report is printed: the same report always gives the same bytes."""

from __future__ import annotations

from collections.abc import Callable

from pipelines.audit.audit import Report
from pipelines.audit.formats import github, html, json, junit, markdown, sarif, text

FORMATS: dict[str, Callable[[Report], str]] = {
    "text": text.render,
    "json": json.render,
    "sarif": sarif.render,
    "junit": junit.render,
    "github": github.render,
    "markdown": markdown.render,
    "html": html.render,
}
