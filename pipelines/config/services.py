"""Services of the Compose file that steps need: here only whether they exist."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pipelines.config.needs import Need, Scope
from pipelines.documents import document
from pipelines.documents.nearest import nearest

# In the order in which the Compose specification prefers them.
FILES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")


def refuse_unknown(root: Path, needs: Iterable[Need]) -> tuple[str, ...]:
    """The Compose file that was read, if any need is a service.

    Raises `ConfigError` for a service that the file does not have.
    """
    wanted = [need for need in needs if need.scope is Scope.SERVICE]
    if not wanted:
        return ()
    file = next((name for name in FILES if (root / name).is_file()), None)
    if file is None:
        raise wanted[0].entry.error(
            f"no service {wanted[0].target!r}: there is no {FILES[0]}", hint="write one"
        )
    sections = document.read(root / file, shown=Path(file)).fields
    known = sections["services"].fields if "services" in sections else {}
    for need in wanted:
        if need.target not in known:
            hint = nearest(need.target, known)
            raise need.entry.error(f"no service called {need.target!r} in {file}", hint=hint)
    return (file,)
