"""How the tools that steps name say their version."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pipelines.documents.document import Entry
from pipelines.step import Tool


def read_tools(sections: Iterable[Mapping[str, Entry]], named: Iterable[str]) -> dict[str, Tool]:
    """Each named tool; a later section's entry wins.

    Without an entry it is asked by `NAME --version`. Raises `ConfigError` for one without words.
    """
    given: dict[str, Tool] = {}
    for section in sections:
        for name, entry in section["tools"].fields.items() if "tools" in section else ():
            given[name] = _tool(name, entry)
    return {name: given.get(name, Tool((name, "--version"))) for name in sorted(set(named))}


def _tool(name: str, entry: Entry) -> Tool:
    fields = entry.fields if isinstance(entry.value, dict) else {"run": entry}
    words = fields["run"]
    if not words.items or not words.items[0].text:
        raise words.error("no command", hint=f"write its words: [{name}, --version]")
    return Tool(
        tuple(word.text for word in words.items),
        is_optional="optional" in fields and fields["optional"].text.lower() == "true",
        follows=_texts(fields, "follows"),
        env=_texts(fields, "env"),
    )


def _texts(fields: Mapping[str, Entry], key: str) -> tuple[str, ...]:
    return tuple(it.text for it in fields[key].items) if key in fields else ()
