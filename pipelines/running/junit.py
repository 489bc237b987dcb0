"""Counts of tests, from the JUnit XML report that a step wrote.

The format has no standard; this reads what pytest and its like agree on: a `testcase` each, with
`failure` or `error` inside when it failed and `skipped` when it was not run.
"""

from __future__ import annotations

from typing import NamedTuple
from xml.etree import ElementTree

from pipelines.step import Counts


class Unreadable(Exception):
    """The step wrote no report, or one that is not JUnit XML; says which in one line."""


class Tests(NamedTuple):
    """What a report says."""

    counts: Counts
    failed: tuple[str, ...]


_ENDINGS = ("skipped", "passed", "failed")  # the last one counts when a test has several


def read(path: str) -> Tests:
    """Read a report.

    One test may stand in two cases (a failure, then an error when it was taken down): it failed,
    once. Raises `Unreadable`.
    """
    try:
        cases = list(ElementTree.parse(path).iter("testcase"))  # noqa: S314 - our own
    except FileNotFoundError:
        raise Unreadable("it wrote no test report") from None
    except ElementTree.ParseError as error:
        raise Unreadable(f"its test report cannot be read: {error}") from None
    endings: dict[str, str] = {}
    for case in cases:
        name = f"{case.get('classname', '')}.{case.get('name', '')}"
        ending = _ending(case)
        endings[name] = max(ending, endings.get(name, ending), key=_ENDINGS.index)
    ended = list(endings.values())
    passed, failed = ended.count("passed"), ended.count("failed")
    counts = Counts(passed + failed, passed, failed, ended.count("skipped"))
    return Tests(counts, tuple(name for name, ending in endings.items() if ending == "failed"))


def _ending(case: ElementTree.Element) -> str:
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "skipped" if case.find("skipped") is not None else "passed"
