"""How the tools that steps name say their version."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pipelines.documents.document import Entry


def read_tools(
    sections: Iterable[Mapping[str, Entry]], named: Iterable[str]
) -> dict[str, tuple[str, ...]]:
    """The words that print each named tool's version; a later section's win.

    Without an entry it is `NAME --version`. Raises `ConfigError` for an entry without words.
    """
    given: dict[str, tuple[str, ...]] = {}
    for section in sections:
        for name, entry in section["tools"].fields.items() if "tools" in section else ():
            if not entry.items or not entry.items[0].text:
                raise entry.error("no command", hint=f"write its words: [{name}, --version]")
            given[name] = tuple(word.text for word in entry.items)
    return {name: given.get(name, (name, "--version")) for name in sorted(set(named))}
