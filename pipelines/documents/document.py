"""A YAML file as values that know their place: every later error can name file, line and path."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pipelines.errors import ConfigError, Where

Value = bool | int | float | str | list["Entry"] | dict[str, "Entry"] | None

Expand = Callable[[str, Where], str]

# libyaml where PyYAML was built with it: ten times as fast.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_STANDARD = "tag:yaml.org,2002:"
_MERGE = f"{_STANDARD}merge"
# Aliases can make a few lines unfold into billions of values; without them there are fewer values
# than characters.
_MOST_UNFOLDED = 100_000

# Plain scalars by YAML 1.2, as Compose reads them: PyYAML's own 1.1 would take `no` for a boolean
# and the port mapping `22:22` for a number of minutes.
_CONSTANTS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?([0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


@dataclass(frozen=True)
class Entry:
    """One value of the file, with its line and its path of keys (`services.api.ports[0]`)."""

    value: Value
    where: Where
    path: str

    def error(self, message: str, hint: str = "") -> ConfigError:
        said = f"{self.path}: {message}" if self.path else message
        return ConfigError(said, where=self.where, hint=hint)

    @property
    def fields(self) -> dict[str, Entry]:
        """The entries of a mapping."""
        if not isinstance(self.value, dict):
            raise self.error(f"expected a mapping, not {kind_of(self.value)}")
        return self.value

    @property
    def items(self) -> list[Entry]:
        """The entries of a list."""
        if not isinstance(self.value, list):
            raise self.error(f"expected a list, not {kind_of(self.value)}")
        return self.value

    @property
    def text(self) -> str:
        """A scalar as Compose would write it into an environment."""
        match self.value:
            case bool():
                return "true" if self.value else "false"
            case str() | int():
                return str(self.value)
            case float():
                return str(int(self.value)) if self.value.is_integer() else str(self.value)
        raise self.error(f"expected a text, not {kind_of(self.value)}")

    def plain(self) -> Any:
        """The value alone, all the way down."""
        match self.value:
            case dict():
                return {key: entry.plain() for key, entry in self.value.items()}
            case list():
                return [entry.plain() for entry in self.value]
        return self.value


def kind_of(value: Value) -> str:
    """What a value is, in a person's words."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list():
            return "a list"
    return "a mapping"


def read(file: Path, *, expand: Expand | None = None, shown: Path | None = None) -> Entry:
    """The whole file, its texts passed through `expand` (keys are not).

    Messages name the file as `shown`. Raises `ConfigError` with the line: bad YAML, a key that
    stands twice, and what `expand` raises.
    """
    name = shown or file
    try:
        text = file.read_text(encoding="utf-8-sig")
        node = yaml.compose(text, Loader=_Loader)
    except OSError as error:
        raise ConfigError(f"cannot read {name}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError("not a text in UTF-8", where=Where(name)) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = Where(name, mark.line + 1 if mark else None)
        raise ConfigError(f"not valid YAML: {error.problem}", where=where) from error
    except yaml.YAMLError as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f"not valid YAML: {reason}", where=Where(name)) from error
    if node is None:
        raise ConfigError("the file is empty", where=Where(name))
    most = len(text) + _MOST_UNFOLDED
    return _Builder(name, expand, most).entry(node, Where(name, 1), "")


class _Builder:
    def __init__(self, file: Path, expand: Expand | None, most: int) -> None:
        self._file = file
        self._expand = expand
        self._open: set[int] = set()  # the nodes we are inside of
        self._left = most

    def entry(self, node: yaml.Node, where: Where, path: str) -> Entry:
        self._left -= 1
        if self._left < 0:
            raise ConfigError("its aliases unfold into far too much", where=where)
        if id(node) in self._open:
            raise ConfigError(f"{path}: the alias contains itself", where=where)
        if not (node.tag or "").startswith(_STANDARD):
            raise ConfigError(f"{path}: the tag {node.tag} is not supported", where=where)
        self._open.add(id(node))
        try:
            return Entry(self._value(node, where, path), where, path)
        finally:
            self._open.discard(id(node))

    def _value(self, node: yaml.Node, where: Where, path: str) -> Value:
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [
                self.entry(item, self._place(item), f"{path}[{index}]")
                for index, item in enumerate(node.value)
            ]
        value = _scalar(node) if isinstance(node, yaml.ScalarNode) else None
        if isinstance(value, str) and self._expand is not None:
            return self._expand(value, where)
        return value

    def _mapping(self, node: yaml.MappingNode, path: str) -> dict[str, Entry]:
        own: dict[str, Entry] = {}
        merged: dict[str, Entry] = {}
        seen: dict[str, Where] = {}
        for key, value in node.value:
            where = self._place(key)
            if not isinstance(key, yaml.ScalarNode):
                raise ConfigError(f"{path}: a key must be a text", where=where)
            name = key.value
            if name in seen:
                hint = f"first on line {seen[name].line}"
                raise ConfigError(f"{path}: the key {name!r} stands twice", where=where, hint=hint)
            seen[name] = where
            if key.tag == _MERGE:
                merged = self._merged(value, where, path)
            else:
                own[name] = self.entry(value, where, f"{path}.{name}" if path else name)
        return merged | own

    def _merged(self, node: yaml.Node, where: Where, path: str) -> dict[str, Entry]:
        """What `<<` brings in: of several mappings the first to have a key wins."""
        sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
        merged: dict[str, Entry] = {}
        for source in sources:
            if not isinstance(source, yaml.MappingNode):
                raise ConfigError(f"{path}: only mappings can be merged by <<", where=where)
            merged = self.entry(source, where, path).fields | merged
        return merged

    def _place(self, node: yaml.Node) -> Where:
        return Where(self._file, node.start_mark.line + 1)


def _scalar(node: yaml.ScalarNode) -> bool | int | float | str | None:
    text: str = node.value
    if node.style or node.tag == f"{_STANDARD}str":  # quoted, a block, or certainly a text
        return text
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text):
        return _integer(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


def _integer(text: str) -> int | str:
    try:
        # A leading zero means octal to Compose's parser, as in a file mode.
        is_octal = len(text) > 1 and text.startswith("0") and text.isdigit()
        return int(text, 8 if is_octal else 0)
    except ValueError:
        return text
