"""Which documents state what was done, and how much their words mean."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import Enum

from pipelines.audit.model import markdown
from pipelines.audit.model.markdown import Document
from pipelines.audit.model.roles import Role, role
from pipelines.audit.tracked import Tracked

LARGEST = 300_000  # characters; what is longer was not written to be read
_SUFFIXES = (".md", ".markdown", ".mdx", ".txt", ".text")
_CHANGELOG = re.compile(
    r"(?:change-?log|changes|history|news|whats-?new|release[-_ ]?notes)", re.IGNORECASE
)
_COMMIT = re.compile(r"(?:.*[-_.])?commit[-_ ]?(?:message|msg)(?:[-_.].*)?", re.IGNORECASE)
_SUMMARY = re.compile(
    r"summary|status|fix(?:es|ed)|report|readiness|checklist|audit|launch|hardening|gaps|review"
    r"|progress|complet|implementation|changes|remediation|improvements|post-?mortem",
    re.IGNORECASE,
)
# What tells how something is done, or is to be: its marks say what is to be seen then.
_INSTRUCTION = re.compile(
    r"runbook|playbook|guide|tutorial|how[-_ ]?to|quick[-_ ]?start|getting[-_ ]?started"
    r"|template|proposal|(?:^|[-_. ])plan(?:$|[-_. ])",
    re.IGNORECASE,
)
# A cheap look before a file is parsed in which only boxes and marks count.
_MARK = re.compile(r"\[[xX]\]|[✅✔☑]")


class Manner(Enum):
    """How a document speaks."""

    COMMIT = "commit"  # every line is about what was done, in the imperative
    CHANGELOG = "changelog"  # the same, for each release; the last ones are about the present
    SUMMARY = "summary"  # written to tell what was done
    INSTRUCTION = "instruction"  # only boxes count
    OTHER = "other"  # only boxes and marks count


def manner(file: str) -> Manner | None:
    """How the file at this path speaks; None when it is no document that states anything."""
    folder, _, name = file.rpartition("/")
    stem, dot, suffix = name.rpartition(".")
    if dot + suffix.lower() not in _SUFFIXES or role(file) in (Role.TEST, Role.VENDORED):
        return None
    if folder.split("/")[0] == ".github" or stem.lower().startswith("requirements"):
        return None
    if _INSTRUCTION.search(stem):
        return Manner.INSTRUCTION if suffix.lower().startswith("m") else None
    if _COMMIT.fullmatch(stem):
        return Manner.COMMIT
    if _CHANGELOG.fullmatch(stem):
        return Manner.CHANGELOG
    if _SUMMARY.search(stem):
        return Manner.SUMMARY
    return Manner.OTHER if suffix.lower().startswith("m") else None


def documents(tracked: Tracked, files: Sequence[str] = ()) -> Iterator[tuple[Document, Manner]]:
    """The documents among these files, or among all, that may claim something."""
    for file in files or tracked.paths:
        spoken = manner(file) or (Manner.SUMMARY if files else None)
        text = tracked.text(file) if spoken else None
        if not spoken or not text or len(text) > LARGEST:
            continue
        if spoken not in (Manner.OTHER, Manner.INSTRUCTION) or _MARK.search(text):
            yield _document(tracked, file, text), spoken


def _document(tracked: Tracked, file: str, text: str) -> Document:
    return tracked.once("markdown", file, lambda: markdown.parse(text, file))
