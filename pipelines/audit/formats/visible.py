"""Texts of somebody else's repository, made harmless for whoever looks at them."""

from __future__ import annotations

import unicodedata

# Controls (they move the cursor or start a command), formats (they turn the direction of writing or
# have no width), surrogates (what was no UTF-8), private and unassigned characters, line ends.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def visible(text: str) -> str:
    r"""The text in one line, with everything that cannot be seen as an escape.

    >>> print(visible("a\x1b[2Jb\ud800"))
    a\x1b[2Jb\ud800
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        _escaped(it) if unicodedata.category(it) in _UNSEEN else it
        for it in text.replace("\t", "    ")
    )


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", errors="surrogatepass").decode("ascii")
