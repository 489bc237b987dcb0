"""Which migration a schema should be at, read from the files without running them."""

import ast
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path


@dataclass(frozen=True)
class History:
    """The revisions of one service, which form one line that ends in `head`."""

    head: str | None
    known: frozenset[str]

    def is_behind(self, revision: str | None) -> bool:
        """Tell whether a schema at `revision` still lacks something.

        One we do not know was made by a newer release, which only adds what we can live with.
        """
        return revision != self.head and (revision is None or revision in self.known)


def folder(service: str) -> Path:
    """Return where the migrations of a service live, without importing the service."""
    package = find_spec(f"services.{service}")
    if package is None or not package.submodule_search_locations:
        raise ValueError(f"no service called {service!r} in `services`")
    return Path(package.submodule_search_locations[0], "migrations")


def history(service: str) -> History:
    """Return the revisions of a service; raises `ValueError` when they do not form one line."""
    return history_of(folder(service) / "versions")


def history_of(versions: Path) -> History:
    """Return the revisions in `versions`; `head` is the one that no other builds upon."""
    parents = dict(_read(path) for path in sorted(versions.glob("*.py")))
    heads = set(parents) - set(parents.values())
    if parents and len(heads) != 1:
        raise ValueError(f"{versions}: expected one head, found {sorted(heads) or 'a cycle'}")
    return History(heads.pop() if heads else None, frozenset(parents))


def _read(path: Path) -> tuple[str, str | None]:
    """Return `revision` and `down_revision` as the module's top level assigns them."""
    found: dict[str, object] = {}
    for node in ast.parse(path.read_bytes(), str(path)).body:
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ):
                found[name] = value.value if isinstance(value, ast.Constant) else value
    revision, parent = found.get("revision"), found.get("down_revision", ...)
    if not isinstance(revision, str) or not isinstance(parent, str | None):
        raise ValueError(f"{path}: `revision` and `down_revision` must be plain strings")
    return revision, parent
