"""YAML as nodes that know file and line, read tolerantly: what is not there is an empty node."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import cast

import yaml

from pipelines.audit.place import Place

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MERGE = "tag:yaml.org,2002:merge"
_TEXT = "tag:yaml.org,2002:str"
_NULL = "tag:yaml.org,2002:null"
_MAPPING = "tag:yaml.org,2002:map"
_LIST = "tag:yaml.org,2002:seq"
_DEEPEST = 60  # nested values; people nest a dozen
_DEEPEST_FILE = 500  # the C stack holds far more
_SHALLOW = 200  # brackets, or columns of indent
_LONGEST = 700_000  # characters of a file; more takes seconds
_LONGEST_MERGE = 1_000  # keys that `<<` may bring into one mapping


# The fields of what `<<` brings, by the value and how deep it stands; one for each document.
_Merged = dict[tuple[yaml.Node, int], "dict[str, Node]"]


class Broken(Exception):
    """A file that is not valid YAML."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line
        self.reason = reason


class Node:
    """One value: a mapping, a list, a scalar, or nothing.

    Every reading is allowed on every node: a list has no fields, what is missing is falsy. `place`
    is where the value begins; `key_place` is that of the key before it, if there is one, which is
    the line that a person looks at. Aliases are followed only as far as somebody asks, so that no
    few lines can unfold into billions of values.
    """

    __slots__ = ("__dict__", "_depth", "_merged", "_node", "file", "key_place")

    def __init__(
        self,
        node: yaml.Node | None,
        file: str,
        key_place: Place | None = None,
        depth: int = 0,
        merged: _Merged | None = None,
    ) -> None:
        self._node = node if depth < _DEEPEST else None
        self._merged: _Merged = {} if merged is None else merged
        self._depth = depth
        self.file = file
        self.key_place = key_place or self.place

    def __bool__(self) -> bool:
        return self._node is not None

    def __iter__(self) -> Iterator[Node]:
        return iter(self.items)

    def __getitem__(self, key: str) -> Node:
        return self.fields.get(key) or Node(None, self.file, self.key_place)

    def get(self, *keys: str) -> Node:
        """The value at the end of this path of keys."""
        node = self
        for key in keys:
            node = node[key]
        return node

    @property
    def place(self) -> Place:
        """Where the value begins."""
        mark = self._node.start_mark if self._node else None
        return Place(self.file, mark.line + 1 if mark else 1)

    @property
    def is_mapping(self) -> bool:
        return isinstance(self._node, yaml.MappingNode)

    @property
    def is_list(self) -> bool:
        return isinstance(self._node, yaml.SequenceNode)

    @property
    def is_scalar(self) -> bool:
        return isinstance(self._node, yaml.ScalarNode)

    @property
    def is_null(self) -> bool:
        """Whether it is a scalar that says nothing (`key:`, `null`, `~`)."""
        return self.is_scalar and not self.is_quoted and self.text in ("", "null", "~", "Null")

    @property
    def is_quoted(self) -> bool:
        return isinstance(self._node, yaml.ScalarNode) and bool(self._node.style)

    @property
    def is_block(self) -> bool:
        """Whether it is a block scalar (`|`, `>`)."""
        return isinstance(self._node, yaml.ScalarNode) and self._node.style in ("|", ">")

    @property
    def tag(self) -> str:
        """A tag such as `!override`, `!reset`, `!Ref`; empty for what YAML itself knows."""
        tag = (self._node.tag or "") if self._node else ""
        return "" if tag.startswith("tag:yaml.org,2002:") else tag

    @property
    def text(self) -> str:
        """A scalar as it is written, without its quotes; "" for all else."""
        return cast("str", self._node.value) if isinstance(self._node, yaml.ScalarNode) else ""

    @property
    def is_true(self) -> bool:
        return self.text in ("true", "True", "TRUE", "yes", "on")

    @property
    def text_place(self) -> Place:
        """Where the text's first line is: one below the `|` of a block."""
        return self.place.below(1) if self.is_block else self.place

    @cached_property
    def fields(self) -> dict[str, Node]:
        """The values of a mapping by key, with what `<<` merges in; {} for all else."""
        if not isinstance(self._node, yaml.MappingNode):
            return {}
        own: dict[str, Node] = {}
        merged: dict[str, Node] = {}
        for key, value in self._node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            place = Place(self.file, key.start_mark.line + 1)
            node = Node(value, self.file, place, self._depth + 1, self._merged)
            if key.tag == _MERGE or key.value == "<<":
                for source in node.items if node.is_list else [node]:
                    if len(merged) < _LONGEST_MERGE:
                        merged = self._shared(source) | merged
            else:
                own[key.value] = node
        return merged | own

    def _shared(self, source: Node) -> dict[str, Node]:
        """The fields of what is merged, made once however often it is: merges may double up."""
        if source._node is None:
            return {}
        key = (source._node, source._depth)
        if key not in self._merged:
            self._merged[key] = source.fields
        return self._merged[key]

    @cached_property
    def items(self) -> list[Node]:
        """The values of a list; [] for all else."""
        if not isinstance(self._node, yaml.SequenceNode):
            return []
        depth = self._depth + 1
        return [Node(item, self.file, None, depth, self._merged) for item in self._node.value]

    @property
    def texts(self) -> list[str]:
        """The scalars of a list, or the one scalar: Compose and GitHub often take either."""
        if self.is_scalar:
            return [] if self.is_null else [self.text]
        return [item.text for item in self.items if item.is_scalar]

    def with_fields(self, fields: dict[str, Node]) -> Node:
        """A mapping in this place, made of values that stand wherever they do."""
        node = self._made(lambda mark: yaml.MappingNode(_MAPPING, [], mark, mark))
        node.fields = fields
        return node

    def with_items(self, items: list[Node]) -> Node:
        """A list in this place, made of values that stand wherever they do."""
        node = self._made(lambda mark: yaml.SequenceNode(_LIST, [], mark, mark))
        node.items = items
        return node

    def with_text(self, text: str | None) -> Node:
        """A scalar in this place; None is a null."""
        if text is None:
            return self._made(lambda mark: yaml.ScalarNode(_NULL, "", mark, mark))
        return self._made(lambda mark: yaml.ScalarNode(_TEXT, text, mark, mark, '"'))

    def _made(self, make: Callable[[yaml.Mark | None], yaml.Node]) -> Node:
        mark = self._node.start_mark if self._node else None
        return Node(make(mark), self.file, self.key_place, self._depth, self._merged)


def read(text: str, file: str) -> Node:
    """The first document. Raises `Broken`."""
    return next(iter(documents(text, file)), Node(None, file))


def documents(text: str, file: str) -> list[Node]:
    """Every document of a file. Raises `Broken`, for what no person has written too."""
    if len(text) > _LONGEST:
        raise Broken(1, f"longer than {_LONGEST:,} characters")
    try:
        if _may_be_deep(text):
            _forbid_depth(text)
        return [Node(node, file) for node in yaml.compose_all(text, Loader=_Loader)]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = error.problem or "it cannot be read"
        raise Broken(mark.line + 1 if mark else 1, reason) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise Broken(1, str(error).partition("\n")[0]) from error


def _may_be_deep(text: str) -> bool:
    """Whether values could be nested past what people write; a cheap look, and never too low."""
    if text.count("[") + text.count("{") > _SHALLOW:
        return True
    return any(len(line) - len(line.lstrip(" -?:")) > _SHALLOW for line in text.splitlines())


def _forbid_depth(text: str) -> None:
    """Raise `Broken` for what is nested too deeply: libyaml composes it by calls within calls."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEEPEST_FILE:
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise Broken(line, "values are nested too deeply")
