"""Whether words say that something is done, or that somebody means to do it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum
from functools import lru_cache

DONE_MARKS = "✅✔☑"
_OPEN_MARKS = "⏳❌🚧⚠🔶🔴🟡⚪🔜📋✗✘☐⬜"
_DONE_MARK = re.compile(f"[{DONE_MARKS}]")
_OPEN_MARK = re.compile(f"[{_OPEN_MARKS}]")


class Stance(Enum):
    """What a heading says about what stands below it."""

    DONE = "done"
    OPEN = "open"  # plans, risks, instructions
    NEUTRAL = "neutral"


def _words(*alternatives: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(alternatives)})\b", re.IGNORECASE)


_OPEN_HEADING = _words(
    r"next steps?|to-?dos?|road ?map|plan|plans|planned|planning|future|upcoming|coming soon",
    r"backlog|wish ?list|gaps?|limitations?|known issues?|open (?:issues?|items?|questions?)",
    r"remaining|pending|in progress|not (?:yet )?(?:started|done|implemented|fixed)|still open",
    r"to be done|to fix|proposed|proposals?|recommend\w*|suggest\w*|should|needs?|needed|missing",
    r"how (?:to|it)|usage|quick ?start|getting started|commands?|install\w*|migration guide",
    r"upgrading|before|problems?|risks?|why|support|see also|validat(?:e|ion)|contact|questions?",
    r"troubleshooting|examples?|goals?|must-?fix|fix (?:within|in|by|later)|deferred|blockers?",
    r"out of scope|do(?:n't|s)? and don'?t'?s?|best practices?|guidelines?|instructions?|policy",
    r"contributing|security considerations|considerations|template|not affected|findings?",
)
_DONE_HEADING = _words(
    r"fixed|fixes|resolved|addressed|completed?|done|implemented|closed|shipped|delivered",
    r"verified|changes?|changed|change ?log|added|removed|hardened|hardening|improvements?",
    r"improved|accomplish\w*|achieve\w*|what(?:'s| is| was)? (?:was|new|works|we)|highlights",
    r"bug ?fixes|after|remediated|remediations?|mitigated|mitigations?",
)
_OPEN_WORDS = _words(
    r"todo|tbd|wip|should|shall|will|would|could|can be|must|plans?|planned|needs?|needed",
    r"to be (?:done|added|fixed|implemented|removed|replaced|decided)|not yet|going to|upcoming",
    r"pending|in progress|recommend\w*|consider|let's|please|if you|we want|want to|aims? to",
    r"not (?:been|fixed|done|implemented|added|wired|addressed|resolved|started|enabled|enforced)",
    r"not (?:configured|verified|covered|exercised|checked|complete)|isn't|aren't|wasn't",
    r"hasn't|haven't|doesn't|don't|won't|can't|cannot|no-one|nobody|partly|partially|almost",
)
_PAST = _words(
    r"removed|replaced|added|fixed|created|enabled|disabled|enforced|locked[ -]down|hardened",
    r"externali[sz]ed|resolved|addressed|implemented|configured|migrated|restricted|secured|pinned",
    r"eliminated|moved|introduced|integrated|no longer|now|rotated|mitigated|remediated|tightened",
    r"turned (?:off|on)|patched|switched|converted|(?:has|have) been|dropped",
    r"documented(?! in (?:§|section|appendix|chapter))",
)
_IMPERATIVE = re.compile(
    r"(?:[a-z]+(?:\([^)]*\))?!?:\s*)?"  # of a conventional commit: `fix(api): ...`
    r"(?:add|remove|fix|enable|disable|create|configure|replace|externali[sz]e|lock|restrict"
    r"|harden|pin|enforce|update|set|use|drop|stop|make|ensure|run|implement|introduce|move"
    r"|require|switch|bump|expose|bind|limit|wire|address|resolve|close|patch|tighten|secure"
    r"|eliminate|instrument|document|verify|rotate|convert|turn|clean|refuse|wait|protect)\b",
    re.IGNORECASE,
)
_ADVICE = re.compile(
    r"\W*(?:use|do|do not|don't|always|never|avoid|keep|set|ensure|make sure|check|prefer|run"
    r"|enable|disable|add|remove|configure|rotate|store|change|review|test|verify|consider"
    r"|apply|execute|deploy|install|open)\b",
    re.IGNORECASE,
)


@lru_cache(maxsize=1_000)  # every item below it asks
def heading(text: str) -> Stance:
    """What one heading says; a mark counts more than words."""
    if _OPEN_MARK.search(text):
        return Stance.OPEN
    if _DONE_MARK.search(text):
        return Stance.DONE
    if _OPEN_HEADING.search(text):
        return Stance.OPEN
    return Stance.DONE if _DONE_HEADING.search(text) else Stance.NEUTRAL


def section(headings: Iterable[str]) -> Stance:
    """What the headings above say, the nearest first; a plan is one however it is divided."""
    found = [heading(text) for text in headings]
    decided = [stance for stance in found if stance is not Stance.NEUTRAL]
    return decided[-1] if decided else Stance.NEUTRAL


def is_marked(text: str) -> bool:
    """Whether it carries a mark that says done, and none that says open."""
    return bool(_DONE_MARK.search(text)) and not _OPEN_MARK.search(text)


def is_open(text: str) -> bool:
    """Whether it says of itself that it is not done; what stands in brackets is an aside."""
    return bool(_OPEN_MARK.search(text) or _OPEN_WORDS.search(without_asides(text)))


def says_done(text: str) -> bool:
    """Whether it says that something was done."""
    return bool(_PAST.search(text))


def is_imperative(text: str) -> bool:
    """Whether it begins as a commit's subject does: `Remove ...`, `fix(api): ...`."""
    return bool(_IMPERATIVE.match(text))


def is_advice(text: str) -> bool:
    """Whether it begins as advice does."""
    return bool(_ADVICE.match(text))


def without_asides(text: str) -> str:
    """The text without what stands in brackets or as code."""
    return re.sub(r"\([^()]*\)|`[^`]*`", " ", text)
