"""Patterns of files, from relative to a component's folder to anchored at the root.

The notation is that of .gitignore (https://git-scm.com/docs/gitignore), but for a leading `/`,
which means the repository's root here.
"""

from __future__ import annotations

import re

from pipelines.documents.document import Entry

_FRAGILE = re.compile(r"[\[\\]")  # with these a text may be no pattern
_SPECIAL = re.compile(r"[*?\[\]\\!#\s]")


def literal(path: str) -> str:
    """The pattern that matches this path and nothing else."""
    return _SPECIAL.sub(lambda found: f"\\{found[0]}", path)


def check(entry: Entry) -> None:
    """Refuse what can never match. Raises `ConfigError`."""
    body = entry.text.removeprefix("!")
    if not body.strip("/ "):
        raise entry.error(f"{entry.text!r} names no file", hint='write "**" for all files')
    if ".." in body.split("/"):
        raise entry.error(
            f"{entry.text!r} leaves the folder", hint="begin with / for the repository's root"
        )
    if _FRAGILE.search(body) and not _is_pattern(body):
        raise entry.error(f"{entry.text!r} is no pattern", hint="see gitignore(5) for [] and \\")


def _is_pattern(body: str) -> bool:
    import pathspec

    try:
        pathspec.GitIgnoreSpec.from_lines([body])
    except (ValueError, re.error):
        return False
    return True


def anchored(pattern: str, folder: str) -> str:
    """The pattern as seen from the root; `folder` is a literal pattern, "" for the root."""
    mark = "!" if pattern.startswith("!") else ""
    body = pattern.removeprefix("!")
    if body.startswith("/"):
        return pattern
    # Without a slash inside, a pattern names files at any depth.
    depth = "" if "/" in body[:-1] or body == "**" else "**/"
    return f"{mark}/{folder}/{depth}{body}" if folder else f"{mark}/{depth}{body}"
