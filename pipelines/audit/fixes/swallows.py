"""What swallows a gate's failure goes."""

from __future__ import annotations

import re

from pipelines.audit.findings import Finding
from pipelines.audit.fixes.edit import Edit, indent, line
from pipelines.audit.model import Model

# Only at the end of the line: what follows might have been meant for another command.
_SWALLOW = re.compile(r"\s*(\|\|\s*(true|:|exit 0)|;\s*true)\s*$")
_ECHO = re.compile(r"\s*\|\|\s*echo\s+(\"[^\"`$]*\"|'[^']*')\s*$")
_MARKS = re.compile(r"\s*[@+-]+")
_ZERO = re.compile(r"\s+--exit-zero\b")


def in_workflow(model: Model, finding: Finding) -> Edit:
    """`|| true` at the end of the line, or `--exit-zero`, is dropped."""
    old = line(model, finding.place)
    new = old
    for pattern in (_SWALLOW, _ECHO, _ZERO):
        new = pattern.sub("", new)
    if not new.strip():
        # It stood on a line of its own; this keeps the exit code, and the line before may go on.
        new = f"{indent(old)}&& true"
    return Edit(finding.place, old, new)


def in_recipe(model: Model, finding: Finding) -> Edit:
    """The same in a recipe, and a `-` at its beginning."""
    edit = in_workflow(model, finding)
    marks = _MARKS.match(edit.new)
    if marks is None:
        return edit
    rest = edit.new[marks.end() :]
    return edit._replace(new=f"{marks[0].replace('-', '')}{rest}")
