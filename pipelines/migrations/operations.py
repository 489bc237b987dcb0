"""What a revision's `upgrade` does: the calls of Alembic's operations, and its SQL, as SQL."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from pipelines.migrations.revision import Revision

_OP = "op"


@dataclass(frozen=True)
class Operation:
    """One call: `add_column` on a table, with its keyword arguments; None for what is no constant.

    Of SQL it has the same name and the same keywords as the operation would.
    """

    name: str
    table: str
    node: ast.AST
    keywords: Mapping[str, Any]
    columns: tuple[ast.Call, ...] = ()


def operations(revision: Revision) -> Iterator[Operation]:
    """Every operation of `upgrade`, in the order in which it is written."""
    for node in revision.tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == "upgrade":
            yield from _within(node, {_OP: ""})


def _within(node: ast.AST, known: Mapping[str, str]) -> Iterator[Operation]:
    """The calls below a node; `known` maps the names that operations are called on to a table."""
    for child in ast.iter_child_nodes(node):
        names = dict(known)
        if isinstance(child, ast.With):
            names |= dict(_batches(child, known))
        if isinstance(child, ast.Call) and isinstance(child.func, ast.Attribute):
            receiver = child.func.value
            if isinstance(receiver, ast.Name) and receiver.id in known:
                yield from _operation(child, child.func.attr, known[receiver.id])
        yield from _within(child, names)


def _batches(block: ast.With, known: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """`with op.batch_alter_table("t") as batch`: what is called on `batch` is about `t`."""
    for item in block.items:
        call = item.context_expr
        is_batch = (
            isinstance(call, ast.Call)
            and isinstance(call.func, ast.Attribute)
            and call.func.attr == "batch_alter_table"
        )
        if is_batch and isinstance(item.optional_vars, ast.Name):
            assert isinstance(call, ast.Call)
            yield item.optional_vars.id, _text(call.args[0]) if call.args else ""


def _operation(call: ast.Call, name: str, batch: str) -> Iterator[Operation]:
    if name == "execute":
        yield from _sql(call)
        return
    keywords = {it.arg: _constant(it.value) for it in call.keywords if it.arg}
    columns = tuple(it for it in ast.walk(call) if isinstance(it, ast.Call) and _is_column(it))
    yield Operation(name, batch or _table(call, name), call, keywords, columns)


def _table(call: ast.Call, name: str) -> str:
    """The first argument is the table, but of what has a name of its own before it."""
    after = ("create_index", "create_check_constraint", "create_foreign_key")
    is_second = name in (*after, "create_unique_constraint", "drop_constraint")
    at = 1 if is_second else 0
    return _text(call.args[at]) if len(call.args) > at else ""


def _is_column(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    return name == "Column" or (isinstance(call.func, ast.Name) and call.func.id == "Column")


def _text(node: ast.expr) -> str:
    value = _constant(node)
    return value if isinstance(value, str) else ""


def _constant(node: ast.expr) -> Any:
    return node.value if isinstance(node, ast.Constant) else node


def _sql(call: ast.Call) -> Iterator[Operation]:
    """The statements of `op.execute`, as far as they can be read."""
    argument = call.args[0] if call.args else None
    if isinstance(argument, ast.Call) and argument.args:  # sa.text("...")
        argument = argument.args[0]
    text = _text(argument) if argument is not None else ""
    if not text:
        yield Operation("unreadable", "", call, {})
        return
    try:
        statements = sqlglot.parse(text, dialect="postgres")
    except SqlglotError:
        yield Operation("unreadable", "", call, {})
        return
    for statement in statements:
        yield from _statement(statement, call)


def _statement(statement: object, call: ast.Call) -> Iterator[Operation]:
    match statement:
        case exp.Drop(kind="TABLE"):
            yield Operation("drop_table", _name_in(statement), call, {})
        case exp.Create(kind="INDEX"):
            concurrently = bool(statement.args.get("concurrently"))
            keywords = {"postgresql_concurrently": concurrently}
            yield Operation("create_index", _name_in(statement), call, keywords)
        case exp.Alter():
            for action in statement.args.get("actions") or ():
                yield from _action(action, _name_in(statement), call)
        case exp.Command() if str(statement.this).upper() in ("ALTER", "LOCK"):
            yield Operation("unreadable", "", call, {})


def _action(action: exp.Expression, table: str, call: ast.Call) -> Iterator[Operation]:
    match action:
        case exp.Drop(kind="COLUMN"):
            yield Operation("drop_column", table, call, {})
        case exp.AlterRename():
            yield Operation("rename_table", table, call, {})
        case exp.RenameColumn():
            yield Operation("alter_column", table, call, {"new_column_name": ""})
        case exp.AlterColumn():
            if action.args.get("dtype"):
                yield Operation("alter_column", table, call, {"type_": ""})
            if action.args.get("allow_null") is False:
                yield Operation("alter_column", table, call, {"nullable": False})
        case exp.ColumnDef():
            kinds = [it.args.get("kind") for it in action.args.get("constraints") or ()]
            is_needed = any(isinstance(it, exp.NotNullColumnConstraint) for it in kinds)
            has_default = any(isinstance(it, exp.DefaultColumnConstraint) for it in kinds)
            if is_needed and not has_default:
                yield Operation("add_needed_column", table, call, {})
        case exp.AddConstraint():
            is_lazy = "NOT VALID" in action.sql(dialect="postgres").upper()
            keywords = {"postgresql_not_valid": is_lazy}
            yield Operation("create_check_constraint", table, call, keywords)


def _name_in(statement: exp.Expression) -> str:
    table = statement.find(exp.Table)
    return table.name if table else ""
