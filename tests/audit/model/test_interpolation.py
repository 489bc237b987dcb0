"""Compose's variables: what a text asks for, and what it is."""

from __future__ import annotations

import time

import pytest

from pipelines.audit.model.compose.interpolation import Reference, references, resolve


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("$A and ${A}", "1 and 1"),
        ("$B${B}", ""),
        ("${B:-x}", "x"),
        ("${E:-x}${E-x}", "x"),
        ("${A:-x}${A-x}", "11"),
        ("${B:?must be set}", ""),
        ("${A?e}", "1"),
        ("${A:+r}${B:+r}${E:+r}${E+r}", "rr"),
        ("${B:-${C:-deep}}", "deep"),
        ("${B:-${A}}/${B:-}", "1/"),
        ("a${B:-{}}b", "a{}b"),
        ("$$A $${A} $$$A", "$A ${A} $1"),
        ("${B:-postgres://u:p@h:5432/d?x=1}", "postgres://u:p@h:5432/d?x=1"),
        ('$( [ "${B:-false}" = "true" ] && echo x )', '$( [ "false" = "true" ] && echo x )'),
        ("cost $5, $", "cost $5, $"),
        ("${1}", "${1}"),
        ("${A", "${A"),
        ("${A!x}", "${A!x}"),
    ],
)
def test_a_text_is_filled_in_as_compose_does(text: str, expected: str) -> None:
    assert resolve(text, {"A": "1", "E": ""}) == expected


def test_references_are_found_within_defaults_from_left_to_right() -> None:
    assert references("$A:${B:-x${C?e}}$$D") == [
        Reference("A", ""),
        Reference("B", ":-", "x${C?e}"),
        Reference("C", "?", "e"),
    ]


@pytest.mark.parametrize(
    ("text", "has_default", "is_required"),
    [
        ("${A:-x}", True, False),
        ("${A-x}", True, False),
        ("${A:-}", False, False),
        ("${A:?x}", False, True),
        ("${A?}", False, True),
        ("$A", False, False),
    ],
)
def test_what_a_reference_says_of_its_default(
    text: str, has_default: bool, is_required: bool
) -> None:
    (reference,) = references(text)

    assert (reference.has_default, reference.is_required) == (has_default, is_required)


@pytest.mark.parametrize("text", ["${" * 50_000, "${A:-" * 5_000 + "}" * 5_000, "$" * 100_001])
def test_a_hostile_text_takes_no_time(text: str) -> None:
    start = time.process_time()

    resolve(text)
    references(text)

    assert time.process_time() - start < 1
