"""The check: what an expanding revision may not do, and how the same is done in two."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from pipelines.errors import Where
from pipelines.migrations.operation import Operation
from pipelines.migrations.operations import operations
from pipelines.migrations.revision import Phase, Revision

_LATER = "leave it in place, and take it away in a revision with `phase = 'contract'`"


class Fault(NamedTuple):
    """What is wrong at one place, and how to mend it."""

    where: Where
    said: str
    mend: str

    def __str__(self) -> str:
        return f"{self.where}: {self.said}; {self.mend}"


def check(revisions: Sequence[Revision]) -> list[Fault]:
    """All faults of all chains, by file."""
    chains: dict[str, list[Revision]] = defaultdict(list)
    for revision in revisions:
        chains[revision.chain].append(revision)
    found = [fault for chain in chains.values() for fault in _of_chain(chain)]
    for revision in revisions:
        found += _of_revision(revision)
    return sorted(found, key=lambda it: (str(it.where.file), it.where.line or 0))


def _of_chain(chain: Sequence[Revision]) -> Iterator[Fault]:
    """One revision follows another, from the first to one head."""
    ids = {it.id for it in chain}
    followers: dict[str | None, list[Revision]] = defaultdict(list)
    for it in chain:
        followers[it.down].append(it)
        if it.down is not None and it.down not in ids:
            yield Fault(it.where, f"it follows {it.down!r}, which is not there", "mend the chain")
        if it.phase is Phase.CONTRACT and it.contracts not in ids:
            yield Fault(
                it.where,
                "it does not say since which revision nobody needs what it takes away",
                "`contracts = '<revision>'` names the expanding one",
            )
    for down, several in followers.items():
        for second in several[1:]:
            said = f"it follows {down!r}, as {several[0].id!r} does: two heads"
            yield Fault(second.where, said, "let one follow the other")


def _of_revision(revision: Revision) -> Iterator[Fault]:
    if revision.phase is None:
        mend = "`phase = 'expand'` or `phase = 'contract'`"
        yield Fault(revision.where, "it says neither that it expands nor that it contracts", mend)
        return
    if revision.phase is Phase.CONTRACT:
        return
    made = set()
    for it in operations(revision):
        if it.name == "create_table" and it.table:
            made.add(it.table)
        elif it.table not in made:  # what it has made itself, nobody uses
            for said, mend in _refused(it):
                yield Fault(revision.place(it.node), said, mend)


def _refused(it: Operation) -> Iterable[tuple[str, str]]:
    match it.name:
        case "drop_table" | "drop_column":
            what = it.name.removeprefix("drop_")
            yield f"it drops a {what} that the running release may use", _LATER
        case "drop":
            yield "it drops something that the running release may use", _LATER
        case "truncate":
            yield "it empties a table that the running release may use", _LATER
        case "rename_table":
            yield "it renames a table under the running release", f"add a view or a copy; {_LATER}"
        case "alter_column":
            yield from _altered(it)
        case "add_needed_column":
            yield _NEEDED
        case "add_column" if any(map(_is_needed, it.columns)):
            yield _NEEDED
        case "create_index" if it.keywords.get("postgresql_concurrently") is not True:
            yield (
                "it builds an index while nobody can write to the table",
                "`postgresql_concurrently=True`, in an autocommit block of its own",
            )
        case "create_check_constraint" | "create_foreign_key" if not _is_lazy(it):
            yield (
                "it checks every row while nobody can write to the table",
                "`postgresql_not_valid=True`, and validate it in a later revision",
            )
        case "create_unique_constraint" | "create_primary_key" | "create_exclude_constraint":
            yield (
                "it builds an index while nobody can write to the table",
                "build a unique index concurrently, then make the constraint of it",
            )
        case "unreadable":
            yield "its SQL cannot be read", "write it as one constant text, or as an operation"


_NEEDED = (
    "it adds a column that rows of the running release do not fill",
    "give it a `server_default`, or let it be NULL for now",
)


def _altered(it: Operation) -> Iterable[tuple[str, str]]:
    if "new_column_name" in it.keywords:
        yield "it renames a column under the running release", f"add a second one; {_LATER}"
    if it.keywords.get("nullable") is False:
        yield (
            "it demands a value that the running release may not write",
            "fill it first, and demand it in a revision with `phase = 'contract'`",
        )
    if "type_" in it.keywords:
        yield "it changes a type under the running release", f"add a second column; {_LATER}"


def _is_lazy(it: Operation) -> bool:
    return it.keywords.get("postgresql_not_valid") is True


def _is_needed(column: ast.Call) -> bool:
    """Whether a column must have a value, and the database has none for it."""
    said = {it.arg: it.value for it in column.keywords}
    nullable = said.get("nullable")
    is_null = isinstance(nullable, ast.Constant) and nullable.value is False
    return is_null and "server_default" not in said
