"""Every key of `pipelines.yaml` with the kind of value it takes."""

from __future__ import annotations

import re

from pipelines.documents.shapes import FLAG, NOTHING, Either, Keys, List, Map, Scalar, Shape

_STEP_NAME = re.compile(r"[a-z][a-z0-9-]*")
_STEP_RULE = "a name here has only lower-case letters, digits and dashes, and begins with a letter"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_NAME_RULE = (
    "a name has only letters, digits, dots, dashes and underscores, and begins with one of the"
    " former two"
)

# No number in place of a text: 3.10 would arrive as 3.1.
_WORD = Scalar("a text in quotes", (str,))
_WORDS = List(_WORD, "a list of texts")
_NUMBER = Scalar("a number", (int, float))

STEP = Keys(
    {
        **dict.fromkeys(
            ("run", "inputs", "outputs", "needs", "env", "secrets", "tools", "locks", "controls"),
            _WORDS,
        ),
        "timeout": _NUMBER,
        "retries": _NUMBER,
        "cwd": _WORD,
    }
)


def _steps(of: Shape) -> Map:
    return Map(of, names=_STEP_NAME, rule=_STEP_RULE)


_COMPONENT = Keys(
    {
        "folder": _WORD,
        "kind": _WORD,
        "needs": _WORDS,
        "steps": _steps(Either((STEP, FLAG))),
    },
    required=("folder", "kind"),
)

_TOOL = Keys(
    {"run": _WORDS, "optional": FLAG, "follows": _WORDS, "env": _WORDS},
    required=("run",),
)

FILE = Keys(
    {
        "tools": Map(Either((_WORDS, _TOOL)), names=_NAME, rule=_NAME_RULE),
        "gates": _steps(_WORDS),
        "components": Map(_COMPONENT, names=_NAME, rule=_NAME_RULE),
        "kinds": _steps(Either((_steps(STEP), NOTHING))),
    }
)
