from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.compose.interpolation import substitute
from pipelines.errors import ConfigError, Where

HERE = Where(Path("compose.yaml"), 7)
VARIABLES = {"FOO": "first", "EMPTY": "", "_a1": "odd", "DOLLAR": "$FOO"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no variable", "no variable"),
        ("$FOO", "first"),
        ("${FOO}", "first"),
        ("a $FOO-b", "a first-b"),
        ("$FOO$_a1", "firstodd"),
        ("${EMPTY}", ""),
        ("$$FOO", "$FOO"),
        ("$${FOO}", "${FOO}"),
        ("$$$FOO", "$first"),
        ("${FOO:-other}", "first"),
        ("${EMPTY:-other}", "other"),
        ("${UNSET:-other}", "other"),
        ("${FOO-other}", "first"),
        ("${EMPTY-other}", ""),
        ("${UNSET-other}", "other"),
        ("${UNSET:-}", ""),
        ("${FOO:?told}", "first"),
        ("${EMPTY?told}", ""),
        ("${FOO:+other}", "other"),
        ("${EMPTY:+other}", ""),
        ("${UNSET:+other}", ""),
        ("${EMPTY+other}", "other"),
        ("${UNSET+other}", ""),
        ("${UNSET:-$FOO}", "first"),
        ("${UNSET:-${FOO}}", "first"),
        ("${UNSET:-${NOR:-${FOO} and ${FOO}}}!", "first and first!"),
        ("${UNSET-/path:-with?signs+}", "/path:-with?signs+"),
        ('${UNSET:-{"a": {"b": 1}}}', '{"a": {"b": 1}}'),
        ("${UNSET:-$${FOO}}", "${FOO}"),
        ("${FOO:-${UNSET:?only asked for when needed}}", "first"),
        ("$DOLLAR", "$FOO"),
    ],
)
def test_it_follows_the_specification(text: str, expected: str) -> None:
    assert substitute(text, VARIABLES, HERE) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("$UNSET", "the variable UNSET is not set; set it, or write ${UNSET:-} for"),
        ("${UNSET}", "the variable UNSET is not set"),
        ("${UNSET?}", "the variable UNSET is not set"),
        ("${UNSET:?ask $FOO}", "the variable UNSET is missing: ask first"),
        ("${EMPTY:?ask}", "the variable EMPTY is missing: ask"),
        ("${UNSET:-${NOR}}", "the variable NOR is not set"),
        ("cost: 5$", "no name follows a dollar sign; a literal dollar sign is written $$"),
        ("$ x", "no name follows a dollar sign"),
        ("$1", "no name follows a dollar sign"),
        ("${FOO", "a brace is not closed"),
        ("${UNSET:-${FOO}", "a brace is not closed"),
        ("${}", "it does not begin with a name"),
        ("${ FOO}", "it does not begin with a name"),
        ("${FOO }", "' ' cannot follow the name"),
        ("${FOO!}", "'!' cannot follow the name"),
        ("${FOO/a/b}", "'/' cannot follow the name"),
        ("${FOO:x}", "':' cannot follow the name"),
    ],
)
def test_what_cannot_be_resolved_is_named_with_its_line(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        substitute(text, VARIABLES, HERE)

    assert str(raised.value).startswith("compose.yaml:7: ")
    assert message in str(raised.value)
