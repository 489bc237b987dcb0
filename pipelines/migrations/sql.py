"""What SQL does to a schema, as operations; that something cannot be read is one too."""

from __future__ import annotations

import ast
import logging
from collections.abc import Iterator
from itertools import pairwise

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from pipelines.migrations.operation import Operation

_DIALECT = "postgres"
# What changes rows, rights, settings or the planner's numbers, and no schema.
_HARMLESS = (
    *(exp.Query, exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Set, exp.Analyze),
    *(exp.Comment, exp.Grant, exp.Revoke, exp.Semicolon),
)
_BRIEF = ("INDEX", "CONSTRAINT", "TRIGGER")  # nobody asks for these by name
# Of what the parser takes as plain words: these take no long lock, and nothing away.
_FREE = ("CREATE", "VACUUM")
_LAZY = ("REINDEX", "REFRESH")  # only with CONCURRENTLY
_ALTERS = (("VALIDATE", "CONSTRAINT"), ("ADD", "VALUE"), ("USING", "INDEX"), ("OWNER", "TO"))
_TAKES_AWAY = {"DROP", "RENAME", "SCHEMA"}

logging.getLogger("sqlglot").setLevel(logging.ERROR)  # it warns of each statement that is words


def statements(text: str, node: ast.AST) -> Iterator[Operation]:
    """The operations of all statements of a text that `node` has."""
    try:
        found = sqlglot.parse(text, dialect=_DIALECT)
    except SqlglotError:
        yield unreadable(node)
        return
    for statement in found:
        if isinstance(statement, exp.Expression):
            yield from _statement(statement, node)


def unreadable(node: ast.AST) -> Operation:
    return Operation("unreadable", "", node, {})


def _statement(statement: exp.Expression, node: ast.AST) -> Iterator[Operation]:
    table = _name_in(statement)
    match statement:
        case exp.Drop(kind="TABLE"):
            for one in statement.find_all(exp.Table):
                yield Operation("drop_table", _name(one), node, {})
        case exp.Drop():
            if str(statement.args.get("kind")).upper() not in _BRIEF:
                yield Operation("drop", table, node, {})
        case exp.TruncateTable():
            for one in statement.find_all(exp.Table):
                yield Operation("truncate", _name(one), node, {})
        case exp.Create(kind="TABLE"):
            yield Operation("create_table", table, node, {})
        case exp.Create(kind="INDEX"):
            concurrently = bool(statement.args.get("concurrently"))
            yield Operation("create_index", table, node, {"postgresql_concurrently": concurrently})
        case exp.Alter():
            is_lazy = bool(statement.args.get("not_valid"))
            for action in statement.args.get("actions") or ():
                yield from _action(action, table, node, is_lazy=is_lazy)
        case exp.Create():
            return
        case exp.Command() if _is_harmless(statement):
            return
        case _ if not isinstance(statement, _HARMLESS):
            yield unreadable(node)


def _is_harmless(command: exp.Command) -> bool:
    """Of a statement that the parser only splits into its first word and the rest."""
    first = str(command.this).upper()
    rest = command.args.get("expression") or ""
    text = rest.name if isinstance(rest, exp.Expression) else str(rest)
    words = [it.text.upper() for it in sqlglot.tokenize(text, read=_DIALECT)]
    if first in _LAZY:
        return "CONCURRENTLY" in words
    if first == "ALTER":
        return not _TAKES_AWAY & set(words) and any(it in _ALTERS for it in pairwise(words))
    return first in _FREE


def _action(
    action: exp.Expression, table: str, node: ast.AST, *, is_lazy: bool
) -> Iterator[Operation]:
    match action:
        case exp.Drop(kind="COLUMN"):
            yield Operation("drop_column", table, node, {})
        case exp.AlterRename():
            yield Operation("rename_table", table, node, {})
        case exp.RenameColumn():
            yield Operation("alter_column", table, node, {"new_column_name": ""})
        case exp.AlterColumn():
            if action.args.get("dtype"):
                yield Operation("alter_column", table, node, {"type_": ""})
            if action.args.get("allow_null") is False:
                yield Operation("alter_column", table, node, {"nullable": False})
        case exp.ColumnDef():
            kinds = [it.args.get("kind") for it in action.args.get("constraints") or ()]
            is_needed = any(isinstance(it, exp.NotNullColumnConstraint) for it in kinds)
            has_default = any(isinstance(it, exp.DefaultColumnConstraint) for it in kinds)
            if is_needed and not has_default:
                yield Operation("add_needed_column", table, node, {})
        case exp.AddConstraint():
            yield Operation(
                "create_check_constraint", table, node, {"postgresql_not_valid": is_lazy}
            )


def _name_in(statement: exp.Expression) -> str:
    table = statement.find(exp.Table)
    return _name(table) if table else ""


def _name(table: exp.Table) -> str:
    return ".".join(it for it in (table.db, table.name) if it)
