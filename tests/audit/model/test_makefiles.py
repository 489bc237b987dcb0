"""Makefiles are read with their variables, their includes and make's own marks."""

from __future__ import annotations

import pytest

from pipelines.audit.model.ci.makefiles import Makefile
from tests.audit.repository import model


def makefile(text: str, **others: str) -> Makefile:
    return model({"Makefile": text, **others}).makefiles["Makefile"]


def commands(found: Makefile, target: str) -> list[tuple[str, ...]]:
    return [it.words for line in found.targets[target].recipe for it in line.script.commands]


def test_targets_know_their_lines_needs_and_recipes() -> None:
    found = makefile(
        "all: test lint\n\ntest: deps | order\n\t@echo testing\n\t-pytest -q \\\n\t  --color\n"
        "\nlint:\n\truff .\n"
    )
    test = found.targets["test"]

    assert found.default == "all"
    assert (test.place.line, found.targets["all"].needs) == (3, ("test", "lint"))
    assert "deps" in test.needs
    assert [(line.place.line, line.is_ignored) for line in test.recipe] == [(4, False), (5, True)]
    assert commands(found, "test") == [("echo", "testing"), ("pytest", "-q", "--color")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("T := pytest\nx:\n\t$(T) -q\n", ("pytest", "-q")),
        ("P = python\nT = $(P) -m pytest\nx:\n\t${T}\n", ("python", "-m", "pytest")),
        ("x:\n\t$(MAKE) test\n", ("make", "test")),
        ("x:\n\techo $$HOME\n", ("echo", "$HOME")),
        ("x:\n\techo $(UNKNOWN)\n", ("echo", "$UNKNOWN")),
        ("A = $(A)\nx:\n\techo $(A)\n", ("echo", "$A")),
    ],
)
def test_variables_are_filled_in(text: str, words: tuple[str, ...]) -> None:
    assert commands(makefile(text), "x") == [words]


def test_what_is_included_belongs_to_it() -> None:
    found = makefile(
        "include mk/*.mk mk/test.mk\nall: test\n", **{"mk/test.mk": "test:\n\tpytest\n"}
    )

    assert found.targets["test"].place == ("mk/test.mk", 1)
    assert found.default == "all"


def test_files_that_include_one_another_end() -> None:
    found = makefile("include a.mk\n", **{"a.mk": "include Makefile\nx:\n\ty\n"})

    assert commands(found, "x") == [("y",)]


def test_what_includes_a_file_elsewhere_does_not_leave_the_repository() -> None:
    assert makefile("include ../../etc/passwd /etc/passwd\nx:\n\ty\n").targets.keys() == {"x"}


def test_conditionals_are_looked_into() -> None:
    found = makefile("ifdef CI\nx:\n\tone\nelse\ny:\n\ttwo\nendif\nz:\nifdef A\n\tthree\nendif\n")

    assert {name: commands(found, name) for name in "xyz"} == {
        "x": [("one",)],
        "y": [("two",)],
        "z": [("three",)],
    }


@pytest.mark.parametrize("text", ["", "\t", "x", ":\n", "x:\n\t$(", "define a\n", "ifdef\n", "\0"])
def test_no_makefile_makes_it_fail(text: str) -> None:
    assert isinstance(makefile(text), Makefile)
