"""What a revision's `upgrade` does: the calls of Alembic's operations, and its SQL, as SQL."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pipelines.migrations import sql
from pipelines.migrations.operation import Operation
from pipelines.migrations.revision import Revision, assigned

_ALEMBIC = ("alembic.op", "op")
_RUN = ("execute", "exec_driver_sql")  # on whichever connection
_ROWS = {"insert", "update", "delete", "select"}  # how a statement on rows begins in SQLAlchemy
_NAMED_FIRST = (  # operations on what has a name of its own, before the table's
    *("create_check_constraint", "create_exclude_constraint", "create_foreign_key"),
    *("create_index", "create_primary_key", "create_unique_constraint", "drop_constraint"),
)


def operations(revision: Revision) -> Iterator[Operation]:
    """Every operation of `upgrade` and of the functions of its file that it calls."""
    reading = _Reading.of(revision.tree)
    if "upgrade" in reading.functions:
        yield from reading.function("upgrade")


@dataclass(frozen=True)
class _Reading:
    """What the names in a part of a revision stand for.

    `receivers` are those that operations are called on, each with the table of its batch;
    `imported` those that are operations; `entered` the functions that this part is in.
    """

    constants: Mapping[str, object]
    functions: Mapping[str, ast.FunctionDef]
    receivers: Mapping[str, str]
    imported: Mapping[str, str]
    entered: frozenset[str] = frozenset()

    @classmethod
    def of(cls, tree: ast.Module) -> _Reading:
        receivers, imported = dict.fromkeys(_ALEMBIC, ""), dict[str, str]()
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module == "alembic":
                receivers |= {it.asname or it.name: "" for it in node.names if it.name == "op"}
            if isinstance(node, ast.ImportFrom) and node.module == "alembic.op":
                imported |= {it.asname or it.name: it.name for it in node.names}
        functions = {it.name: it for it in tree.body if isinstance(it, ast.FunctionDef)}
        return cls(dict(assigned(tree)), functions, receivers, imported)

    def function(self, name: str) -> Iterator[Operation]:
        """Those of a function, but for one that we are in already."""
        if name not in self.entered:
            inside = replace(self, entered=self.entered | {name})
            yield from inside.below(self.functions[name])

    def below(self, node: ast.AST) -> Iterator[Operation]:
        """The operations of all calls in a node, in the order in which they are written."""
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Call):
                yield from self._call(child)
            batches = dict(self._batches(child)) if isinstance(child, ast.With) else {}
            inside = replace(self, receivers={**self.receivers, **batches}) if batches else self
            yield from inside.below(child)

    def _batches(self, block: ast.With) -> Iterator[tuple[str, str]]:
        """`with op.batch_alter_table("t") as batch`: what is called on `batch` is about `t`."""
        for item in block.items:
            match item.context_expr, item.optional_vars:
                case ast.Call(func=ast.Attribute(attr="batch_alter_table")) as call, ast.Name(name):
                    yield name, self._text(call.args[0]) if call.args else ""

    def _call(self, call: ast.Call) -> Iterator[Operation]:
        match call.func:
            case ast.Attribute(receiver, name) if ast.unparse(receiver) in self.receivers:
                yield from self._operation(call, name, self.receivers[ast.unparse(receiver)])
            case ast.Attribute(_, name) if name in _RUN:
                yield from self._sql(call)
            case ast.Attribute(_, "drop" | "drop_all"):
                yield Operation("drop", "", call, {})
            case ast.Name(name) if name in self.functions:
                yield from self.function(name)
            case ast.Name(name) if name in self.imported:
                yield from self._operation(call, self.imported[name], "")

    def _operation(self, call: ast.Call, name: str, batch: str) -> Iterator[Operation]:
        if name == "execute":
            yield from self._sql(call)
            return
        keywords = {it.arg: self._constant(it.value) for it in call.keywords if it.arg}
        columns = tuple(it for it in ast.walk(call) if isinstance(it, ast.Call) and _is_column(it))
        schema = keywords.get("schema")
        table = ".".join(
            it for it in (schema, self._table(call, name)) if it and isinstance(it, str)
        )
        yield Operation(name, batch or table, call, keywords, columns)

    def _table(self, call: ast.Call, name: str) -> str:
        at = 1 if name in _NAMED_FIRST else 0
        return self._text(call.args[at]) if len(call.args) > at else ""

    def _sql(self, call: ast.Call) -> Iterator[Operation]:
        """The statements that are run, as far as they can be read."""
        given = [*call.args, *(it.value for it in call.keywords)]
        argument = given[0] if given else None
        if isinstance(argument, ast.Call):
            if _ROWS & set(_chain(argument)):
                return
            argument = argument.args[0] if argument.args else None  # sa.text("...")
        text = self._text(argument) if argument is not None else ""
        if text:
            yield from sql.statements(text, call)
        else:
            yield sql.unreadable(call)

    def _text(self, node: ast.expr) -> str:
        value = self._constant(node)
        return value if isinstance(value, str) else ""

    def _constant(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Name):
            return self.constants.get(node.id, node)
        return node.value if isinstance(node, ast.Constant) else node


def _chain(call: ast.expr) -> Iterator[str]:
    """The names of a chain of calls: of `users.update().values(...)` these two."""
    match call:
        case ast.Call(func=ast.Attribute(receiver, name)):
            yield name
            yield from _chain(receiver)
        case ast.Call(func=ast.Name(name)):
            yield name


def _is_column(call: ast.Call) -> bool:
    match call.func:
        case ast.Attribute(attr="Column") | ast.Name(id="Column"):
            return True
    return False
