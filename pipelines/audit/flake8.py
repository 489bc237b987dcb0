"""The audit's rules about Python that one file can decide, as a plug-in for flake8.

An editor that shows what flake8 says shows these while a person types. Of the code the first digit
is the family and the last two are the rule's own number:

| code | rule | |
| --- | --- | --- |
| SUM001 | SEC001 | a credential is written in the source |
| SUM002 | SEC002 | a secret has a default that works |
| SUM003 | SEC003 | every origin may call |
| SUM006 | SEC006 | debugging or reloading is on by default |
| SUM008 | SEC008 | a certificate is not verified |
| SUM115 | REL015 | a call may wait for ever |
| SUM202 | OBS002 | a metric is never updated, among others that are |

`# noqa: SUM003` and `# summit: ignore SEC003 -- reason` both let one stay.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from importlib.metadata import PackageNotFoundError, version

from pipelines.audit.audit import audit
from pipelines.audit.findings import Fault, Severity
from pipelines.audit.model import Model
from pipelines.audit.model.python.switches import read_switches
from pipelines.audit.rule import Rule
from pipelines.audit.rules import RULES, timeouts
from pipelines.audit.rules.timeouts import python as clients
from pipelines.audit.tracked import Tracked

_FAMILIES = {"SEC": 0, "REL": 1, "OBS": 2, "GATE": 3, "DOC": 4}

Found = tuple[int, int, str, type]


def code(rule: str) -> str:
    """The code of a rule: SUM115 is REL015."""
    family = rule.rstrip("0123456789")
    return f"SUM{_FAMILIES[family]}{int(rule.removeprefix(family)):02}"


def _calls(file: str, model: Model) -> Iterator[Fault]:
    """Clients without a timeout, whichever image runs them."""
    source = model.python.source(file) if timeouts.is_code(file) else None
    if source is not None:
        yield from clients.in_module(source, file)


def _switches(file: str, model: Model) -> Iterator[Fault]:
    """Debugging that is on; not behind `__main__`, which may be no image's entry."""
    source = model.python.source(file) if timeouts.is_code(file) else None
    for switch in read_switches(source.tree, file) if source is not None else ():
        if not switch.is_main:
            message = f"debugging or reloading is on by default: {switch.text}"
            yield Fault(switch.place, message, "turn it off by default, and on by a variable")


def _metrics(file: str, model: Model) -> Iterator[Fault]:
    """Metrics that stand still; a module that updates none of its own declares them for others."""
    faults = list(RULES["OBS002"](model))
    if len(faults) < len(model.python.module(file).metrics):
        yield from faults


# Rules that one file decides, and what one file decides of others.
_WHOLE = ("SEC001", "SEC002", "SEC003", "SEC008")
_PARTS: Mapping[str, Callable[[str, Model], Iterator[Fault]]] = {
    "REL015": _calls,
    "SEC006": _switches,
    "OBS002": _metrics,
}


def _rules(file: str) -> Mapping[str, Rule]:
    parts = {rule: replace(RULES[rule], check=partial(part, file)) for rule, part in _PARTS.items()}
    return {**{rule: RULES[rule] for rule in _WHOLE}, **parts}


class Plugin:
    """What flake8 makes of each file; it takes the arguments by their names."""

    name = "summit-audit"
    try:
        version = version("summit-pipelines")
    except PackageNotFoundError:  # run from the repository itself
        version = "0"

    def __init__(self, tree: ast.AST, filename: str, lines: list[str]) -> None:
        self._file = _relative(filename)
        self._text = "".join(lines)

    def run(self) -> Iterator[Found]:
        """Line, column, text and the plug-in, for each finding."""
        text = self._text.encode(errors="surrogateescape")
        report = audit(Tracked({self._file: lambda: text}), _rules(self._file))
        for it in report.findings:
            if not it.is_open and not it.suppressed and it.severity > Severity.NOTE:
                yield it.place.line, 0, f"{code(it.rule)} {it.message}: {it.remedy}", type(self)


def _relative(filename: str) -> str:
    """The name as the audit has it: a folder called `tests` says what a file is for."""
    path = os.path.relpath(filename).replace(os.sep, "/")
    return path if path.endswith(".py") and not path.startswith("../") else "module.py"
