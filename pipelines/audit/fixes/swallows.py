"""What swallows a gate's failure goes."""

from __future__ import annotations

import re

from pipelines.audit.findings import Finding
from pipelines.audit.fixes.edit import Edit, indent, line
from pipelines.audit.model import Model

# Only at the end of the line: what follows might have been meant for another command.
_SWALLOW = re.compile(r"\s*(\|\|\s*(true|:|exit 0)|;\s*true)\s*$")
_ECHO = re.compile(r"\s*\|\|\s*echo\s+(\"[^\"`$]*\"|'[^']*')\s*$")
_ZERO = re.compile(r"\s+--exit-zero\b")


def in_workflow(model: Model, finding: Finding) -> Edit | None:
    """`|| true` at the end of the line, or `--exit-zero`, is dropped."""
    old = line(model, finding.place)
    new = old
    for pattern in (_SWALLOW, _ECHO, _ZERO):
        new = pattern.sub("", new)
    if not new.strip():
        # It stood on a line of its own; this keeps the exit code, and the line before may go on.
        new = f"{indent(old)}&& true"
    return Edit(finding.place, old, new)


def in_recipe(model: Model, finding: Finding) -> Edit | None:
    """The same in a recipe, and a `-` at its beginning."""
    edit = in_workflow(model, finding)
    old = line(model, finding.place)
    new = edit.new if edit is not None and edit.new is not None else old
    start = re.match(r"(\s*)([@+-]*)(.*)", new, re.DOTALL)
    if start is not None and "-" in start[2]:
        new = f"{start[1]}{start[2].replace('-', '')}{start[3]}"
    return Edit(finding.place, old, new)
