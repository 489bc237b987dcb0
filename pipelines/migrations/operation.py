"""One thing that a revision does to a schema."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


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
