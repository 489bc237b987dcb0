"""Alembic's revisions, read as text: no code of a repository is run to look at it."""

from __future__ import annotations

import ast
import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from pipelines.errors import ConfigError, Where

_FOLDER = "versions"
_TESTS = "tests"  # what lies below is a sample that nobody deploys


class Phase(enum.Enum):
    """What a revision does to those who use the schema as it was."""

    EXPAND = "expand"  # nothing that they need changes
    CONTRACT = "contract"  # something that they no longer need goes


@dataclass(frozen=True)
class Revision:
    """One revision. `chain` is the folder whose revisions follow one another, from the root.

    `phase` is None where the file does not say it. `contracts` is the id of the revision that made
    unnecessary what a contracting one takes away.
    """

    chain: str
    id: str
    down: str | None
    phase: Phase | None
    contracts: str
    where: Where
    tree: ast.Module = field(compare=False, repr=False)

    def place(self, node: ast.AST) -> Where:
        """The line of a node of the file."""
        return Where(self.where.file, getattr(node, "lineno", None))


def find(root: Path, files: Iterable[str]) -> tuple[Revision, ...]:
    """The revisions among the files, which are POSIX and relative to the root, in their order.

    Raises `ConfigError` for one that is no Python or says something else than text of itself.
    """
    found: list[Revision] = []
    for file in files:
        path = PurePosixPath(file)
        is_deployed = _TESTS not in path.parts
        if is_deployed and path.suffix == ".py" and path.parent.name == _FOLDER:
            found += _read(root, path)
    return tuple(found)


def _read(root: Path, path: PurePosixPath) -> Iterator[Revision]:
    where = Where(Path(path))
    try:
        tree = ast.parse((root / path).read_bytes())
    except (SyntaxError, ValueError) as error:
        raise ConfigError(f"not Python: {error}", where=where) from None
    said = dict(assigned(tree))
    if "revision" not in said or "down_revision" not in said:
        return
    revision, down = said["revision"], said["down_revision"]
    if not isinstance(revision, str) or not isinstance(down, str | None):
        raise ConfigError("`revision` and `down_revision` must be texts", where=where)
    phases = {it.value: it for it in Phase}
    yield Revision(
        chain=str(path.parent),
        id=revision,
        down=down,
        phase=phases.get(str(said.get("phase"))),
        contracts=str(said.get("contracts", "")),
        where=where,
        tree=tree,
    )


def assigned(tree: ast.Module) -> Iterator[tuple[str, object]]:
    """The names that the module gives constants to, also with a type."""
    for node in tree.body:
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            targets = [node.target]
        else:
            continue
        for target in targets:
            if isinstance(target, ast.Name) and isinstance(node.value, ast.Constant):
                yield target.id, node.value.value
            elif isinstance(target, ast.Name):
                yield target.id, node.value
