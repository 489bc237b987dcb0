"""GitHub's expressions, folded as far as a workflow's triggers tell: true, false, or unknown.

Format: GitHub Actions, "Evaluate expressions in workflows and actions".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

import tree_sitter_ghactions
from tree_sitter import Language, Node as Tree, Parser

from pipelines.audit.model.ci.workflows import Workflow
from pipelines.audit.model.nodes import Node

_LONGEST = 5_000  # characters
_DEEPEST = 100
_TAGS = "refs/tags/"
_HEADS = "refs/heads/"
# Events whose `github.ref` may be anything that somebody chooses.
_ANY_REF = frozenset(("workflow_dispatch", "release", "create", "delete", "deployment", "schedule"))
_PULL_REQUESTS = frozenset(("pull_request", "merge_group"))

Value = str | bool | None  # None: it cannot be told


@cache
def _parser() -> Parser:
    return Parser(Language(tree_sitter_ghactions.language()))


def fold(condition: str, workflow: Workflow) -> bool | None:
    """Whether an `if:` holds whenever the workflow runs, never does, or cannot be told.

    A workflow that others call takes its event from them, which tells nothing.
    """
    if not condition.strip() or workflow.is_action or "workflow_call" in workflow.triggers:
        return None
    text = condition.strip()
    match = re.fullmatch(r"\$\{\{(.*)\}\}", text, re.DOTALL)
    inner = match[1] if match else text
    if len(inner) > _LONGEST or "${{" in inner:
        return None
    tree = _parser().parse(f"${{{{{inner}}}}}".encode(errors="replace")).root_node
    if tree.has_error or not tree.named_children:
        return None
    return _truth(_Folding(workflow.triggers).value(tree.named_children[0]))


def _truth(value: Value) -> bool | None:
    return value if value is None else bool(value)


class _Folding:
    def __init__(self, triggers: Mapping[str, Node]) -> None:
        self._triggers = triggers

    def value(self, node: Tree, depth: int = 0) -> Value:
        if depth > _DEEPEST:
            return None
        match node.type:
            case "string":
                return _said(node)[1:-1].replace("''", "'")
            case "boolean" | "true" | "false":
                return _said(node) == "true"
            case "parenthesized_expression" | "grouped_expression":
                return self.value(node.named_children[0], depth + 1)
            case "unary_expression":
                truth = _truth(self.value(node.named_children[0], depth + 1))
                return None if truth is None else not truth
            case "binary_expression":
                return self._binary(node, depth + 1)
            case "function_call":
                return self._call(node)
            case "identifier" if _said(node) in ("true", "false"):
                return _said(node) == "true"
        return None

    def _binary(self, node: Tree, depth: int) -> Value:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        operator = next((_said(it) for it in node.children if not it.is_named), "")
        if left is None or right is None:
            return None
        if operator in ("==", "!="):
            same = self._same(left, right, depth)
            return same if operator == "==" or same is None else not same
        first, second = _truth(self.value(left, depth)), _truth(self.value(right, depth))
        if operator == "&&":
            return False if False in (first, second) else (first and second)
        if operator == "||":
            return True if True in (first, second) else (None if None in (first, second) else False)
        return None

    def _same(self, left: Tree, right: Tree, depth: int) -> bool | None:
        if _is_choice(left) or _is_choice(right):
            return None
        for context, other in ((left, right), (right, left)):
            wanted = self.value(other, depth)
            if not isinstance(wanted, str):
                continue
            match _said(context):
                case "github.event_name":
                    return self._is_event(wanted)
                case "github.ref":
                    return False if self._never_has_ref(wanted) else None
                case "github.ref_type":
                    return False if wanted == "tag" and self._never_has_ref(_TAGS) else None
        first, second = self.value(left, depth), self.value(right, depth)
        return None if first is None or second is None else first == second

    def _is_event(self, name: str) -> bool | None:
        if name not in self._triggers:
            return False
        return True if len(self._triggers) == 1 else None

    def _call(self, node: Tree) -> Value:
        name = _said(node).partition("(")[0].lower()
        arguments = [it for child in node.named_children for it in child.named_children]
        if name == "startswith" and len(arguments) == 2 and _said(arguments[0]) == "github.ref":
            start = self.value(arguments[1])
            if isinstance(start, str) and self._never_has_ref(start):
                return False
        return None

    def _never_has_ref(self, start: str) -> bool:
        """Whether no event of the workflow is about such a ref, or one that starts so."""
        events = frozenset(self._triggers)
        if not events or events & _ANY_REF or not events <= _PULL_REQUESTS | {"push"}:
            return False
        if not start.startswith((_TAGS, _HEADS)):
            return False
        return "push" not in events or not self._is_pushed(start)

    def _is_pushed(self, start: str) -> bool:
        push = self._triggers["push"]
        kinds = (
            ("tags", "tags-ignore") if start.startswith(_TAGS) else ("branches", "branches-ignore")
        )
        others = ("branches", "branches-ignore") if kinds[0] == "tags" else ("tags", "tags-ignore")
        if not any(push[key] for key in kinds):
            return not any(push[key] for key in others)  # a filter of the other kind leaves it out
        names = push[kinds[0]].texts
        name = start.removeprefix(_TAGS).removeprefix(_HEADS)
        if not names or not name or any(set("*?[+!") & set(each) for each in names):
            return True
        return any(each.startswith(name) for each in names)


def _is_choice(node: Tree) -> bool:
    """Whether it is `a || b` or `a && b`: that is one of both, and no truth."""
    while node.type in ("parenthesized_expression", "grouped_expression"):
        node = node.named_children[0]
    operators = {_said(it) for it in node.children if not it.is_named}
    return node.type == "binary_expression" and not operators.isdisjoint(("||", "&&"))


def _said(node: Tree) -> str:
    return (node.text or b"").decode(errors="replace")
