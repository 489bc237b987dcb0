"""Shell is read as commands: their words, where they stand, and who sees them fail."""

from __future__ import annotations

import pytest

from pipelines.audit.model.shell import Command, Script, parse
from pipelines.audit.place import Place

HERE = Place("a.sh", 10)


def read(text: str, *, stops: bool = False, pipefail: bool = False) -> Script:
    return parse(text, HERE, stops_at_errors=stops, pipefail=pipefail)


def command(script: Script, program: str) -> Command:
    return next(it for it in script.commands if it.program == program)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("pytest || true", "|| true"),
        ("pytest || :", "|| :"),
        ("pytest ||:", "|| :"),
        ("pytest || exit 0", "|| exit 0"),
        ("for a in b; do pytest $a || continue; done", "|| continue"),
        ("pytest || echo failed", "|| echo"),
        ("pytest 2>&1 || true", "|| true"),
        ("pytest || { echo failed; true; }", "|| true"),
        ("pytest && coverage || true", "|| true"),
        ("cd a && pytest || true", "|| true"),
        ("pytest; true", "; true"),
        ("pytest; exit 0", "; exit 0"),
        ("set +e\npytest\necho", "set +e"),
        ("pytest | tee log", "pipe"),
        ("pytest &", "&"),
        ("pytest\necho done", "no set -e"),
        ("for a in b c; do pytest $a || true; done", "|| true"),
        ("if x; then pytest || true; fi", "|| true"),
        ("case $x in a) pytest || true;; esac", "|| true"),
        ("f() { pytest || true; }\nf", "|| true"),
        ("(cd a; pytest || true)", "|| true"),
        ("sh -c 'pytest || true'", "|| true"),
        ("pip install x \\\n  && pytest \\\n  || true", "|| true"),
    ],
)
def test_a_failure_that_nobody_sees_has_a_reason(text: str, reason: str) -> None:
    found = command(read(text), "pytest")

    assert (found.swallowed, found.is_captured) == (reason, False)


@pytest.mark.parametrize(
    "text",
    [
        "pytest",
        "cd a && pytest",
        "echo a\npytest",
        "set -e\npytest\necho done",
        "set -euo pipefail\npytest | tee log",
        "set +e\nset -e\npytest\necho",
        "pytest || exit 1",
        "pytest || { echo failed; exit 1; }",
        "pytest || (echo failed && exit 1)",
        "pytest || code=$?\nexit $code",
        "pytest\ncode=$?\nexit $code",
        "if ! pytest; then exit 1; fi",
        "while pytest; do :; done",
        "x=$(pytest)",
        "pytest || pytest --last-failed",
    ],
)
def test_a_failure_that_somebody_sees_has_none(text: str) -> None:
    assert command(read(text), "pytest").swallowed == ""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("for s in a b; do pytest $s && echo $s; done", "&&"),
        ("for s in *; do if [ -d $s ]; then cd $s && pytest && cd ..; fi; done", "&&"),
        # The next turn does not find its folder, and fails.
        ("for s in a b; do cd $s && pytest && cd ..; done", ""),
        ("for s in a b; do cd $s && pytest; done", ""),
        ("for s in a b; do pytest $s; done", ""),
        ("pytest && echo done", ""),
    ],
)
def test_a_list_that_fails_before_its_end_does_not_stop_a_loop(text: str, reason: str) -> None:
    assert command(read(text, stops=True), "pytest").swallowed == reason


def test_a_shell_that_was_started_with_e_stops_at_errors() -> None:
    assert command(read("pytest\necho", stops=True), "pytest").swallowed == ""
    assert command(read("pytest | tee x\necho", stops=True), "pytest").swallowed == "pipe"
    assert command(read("pytest | tee x", stops=True, pipefail=True), "pytest").swallowed == ""


@pytest.mark.parametrize(
    ("text", "words", "wrappers"),
    [
        ("sudo -u me pytest -q", ("pytest", "-q"), ("sudo",)),
        ("env A=1 B=2 pytest", ("pytest",), ("env",)),
        ("exec timeout -k 5 10 pytest", ("pytest",), ("exec", "timeout")),
        ("bash -lc 'pytest -q'", ("pytest", "-q"), ("bash",)),
        ("dumb-init -- pytest", ("pytest",), ("dumb-init",)),
        (
            "/usr/bin/pytest 'a b' \"c d\" e\\ f g'h'\"i\"",
            ("/usr/bin/pytest", "a b", "c d", "e f", "ghi"),
            (),
        ),
        ('pytest "$A" ${B} $C', ("pytest", "$A", "${B}", "$C"), ()),
    ],
)
def test_words_are_without_quotes_and_wrappers(
    text: str, words: tuple[str, ...], wrappers: tuple[str, ...]
) -> None:
    found = command(read(text), "pytest")

    assert (found.words, found.wrappers) == (words, wrappers)


def test_what_is_assigned_for_one_command_is_known() -> None:
    assert command(read('A=1 env B="2" pytest'), "pytest").assigned == {"A": "1", "B": "2"}


def test_every_command_knows_its_line() -> None:
    script = read("one\n\ntwo \\\n  && three\n")

    assert [(it.program, it.place.line) for it in script.commands] == [
        ("one", 10),
        ("two", 12),
        ("three", 13),
    ]


def test_the_swallow_is_placed_where_it_stands() -> None:
    found = command(read("pytest \\\n  -q \\\n  || true"), "pytest")

    assert (found.place.line, found.swallowed_at) == (10, Place("a.sh", 12))


def test_folders_are_followed() -> None:
    script = read("cd a\none\n(cd b && two)\nthree\ncd /x && four")

    assert [(it.program, it.folder) for it in script.commands] == [
        ("one", "a"),
        ("two", "a/b"),
        ("three", "a"),
        ("four", "/x"),
    ]


def test_operators_are_those_outside_of_quotes() -> None:
    assert read("a 'b && c' \"d | e\"").operators == frozenset()
    assert read("a && b | c > d; x=$(e)").operators >= {"&&", "|", ">", "$("}


def test_an_expression_of_github_is_a_word() -> None:
    script = read("pytest -m ${{ matrix.a || 'b c' }} || true")

    assert len(command(script, "pytest").words) == 3
    assert not script.is_broken


@pytest.mark.parametrize(
    "text",
    [
        "",
        "(" * 5_000,
        "a && " * 5_000 + "b",
        "$(" * 3_000,
        "if " * 2_000,
        "echo '" + "x" * 150_000,
        "sh -c '" * 200,
        "a <<EOF\n",
        "\udcff && \0",
        "x" * 300_000,
    ],
    ids=lambda text: repr(text[:8]),
)
def test_no_text_makes_it_fail(text: str) -> None:
    assert isinstance(read(text), Script)


def test_each_word_knows_its_line() -> None:
    found = command(read("env A=1 flake8 \\\n  --exit-zero \\\n  apps"), "flake8")

    assert [(word, place.line) for word, place in zip(found.words, found.places, strict=True)] == [
        ("flake8", 10),
        ("--exit-zero", 11),
        ("apps", 12),
    ]
