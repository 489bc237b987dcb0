"""A working default of a secret becomes a value that has to be given."""

from __future__ import annotations

from pipelines.audit.findings import Finding
from pipelines.audit.fixes.edit import Edit, line
from pipelines.audit.model import Model
from pipelines.audit.model.compose.interpolation import references
from pipelines.audit.model.secrets.credentials import is_secret_name

_COMPOSE = (".yml", ".yaml")


def required(model: Model, finding: Finding) -> Edit | None:
    """`${PASSWORD:-value}` becomes `${PASSWORD:?set PASSWORD}`."""
    if not finding.place.file.endswith(_COMPOSE):
        return None
    old = line(model, finding.place)
    new = old
    for reference in references(old):
        if reference.has_default and is_secret_name(reference.name):
            written = f"${{{reference.name}{reference.operator}{reference.argument}}}"
            new = new.replace(written, f"${{{reference.name}:?set {reference.name}}}")
    return Edit(finding.place, old, new)
