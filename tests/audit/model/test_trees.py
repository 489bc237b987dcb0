"""Ways through syntax trees, held to those of `ast`."""

from __future__ import annotations

import ast

from pipelines.audit.model.python.trees import children, every

SOURCE = '''
"""A module."""
from a import b as c, d
global_: int = -1 if d else 1.5j

@decorated(1, *args, key="value", **options)
class A(B, metaclass=C):
    async def method(self, x: int = 3, /, *rest, y=b"", **more) -> None:
        global d
        with open(f"{x!r:>{y}}") as file, other:
            yield [it async for it in file if it not in (1, ...)]
        try:
            return lambda: {**{}, "a": x[1:2, ::3]} or not x
        except (E, F) as error:
            raise G from error
        finally:
            del x, y
        match x:
            case {"a": [1, *_], **kept} | A(b=None) if x > 1:
                pass
            case _:
                x += (y := 2) @ 3
'''


def of(nodes: list[ast.AST]) -> list[ast.AST]:
    """Without contexts and operators, which only say of what kind another node is."""
    marks = (ast.expr_context, ast.boolop, ast.operator, ast.unaryop, ast.cmpop)
    return [node for node in nodes if not isinstance(node, marks)]


def test_every_node_comes_in_the_order_of_ast() -> None:
    tree = ast.parse(SOURCE)

    assert every(tree) == of(list(ast.walk(tree)))


def test_children_are_those_of_ast() -> None:
    for node in ast.walk(ast.parse(SOURCE)):
        assert children(node) == of(list(ast.iter_child_nodes(node)))
