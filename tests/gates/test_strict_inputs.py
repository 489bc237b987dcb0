"""`--strict-inputs`: a step reads what it declares, whichever way that is found out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipelines.trace import syscalls
from tests.gates.project import Project

READ = """
import pathlib
for name in ("a.txt", "b.txt", "deep/c.txt", "ignored.txt"):
    pathlib.Path(name).read_text()
"""


@pytest.fixture(params=["as it is", "without strace"])
def reading(request: pytest.FixtureRequest, project: Project) -> Project:
    """A step that reads `a.txt`, `b.txt` and `deep/c.txt`, whether or not there is strace."""
    project.write("read.py", READ)
    project.write(".gitignore", "ignored.txt\n__pycache__/\n")
    for name in ("a.txt", "b.txt", "deep/c.txt", "ignored.txt", "unread.txt"):
        project.write(name, f"{name}\n")
    if request.param == "without strace":
        project.variables["PATH"] = str(_without_strace(project.home / "bin"))
    return project


def _without_strace(folder: Path) -> Path:
    """A folder with every program on PATH but that one."""
    folder.mkdir()
    for place in reversed(os.environ["PATH"].split(os.pathsep)):
        for program in Path(place).glob("*"):
            if program.name != "strace":
                link = folder / program.name
                link.unlink(missing_ok=True)
                link.symlink_to(program)
    return folder


def test_each_undeclared_file_is_named_with_the_line_to_add(reading: Project) -> None:
    reading.steps("""
        lint: {run: [python, read.py], inputs: [read.py, a.txt]}
    """)

    outcome = reading.inv("lint", "--strict-inputs")

    assert outcome.code == 1
    message = "2 undeclared inputs: b.txt, deep/c.txt"
    assert f"lint:it  failed  TIME  {message}; uncontrolled" in outcome.said
    lines = [
        'b.txt was read and is no input; add to `inputs` of lint: - "/b.txt"',
        'deep/c.txt was read and is no input; add to `inputs` of lint: - "/deep/c.txt"',
    ]
    assert outcome.said[1:3] == lines
    log = reading.inv("ledger.show", "--record", "0", "--log").stdout.splitlines()
    assert log == lines


def test_a_step_that_declares_all_it_reads_passes(reading: Project) -> None:
    reading.steps("""
        lint: {run: [python, read.py], inputs: ["*.py", "/b.txt", "/deep/c.txt"], locks: [a.txt]}
    """)

    outcome = reading.inv("lint", "--strict-inputs")

    assert outcome.code == 0, outcome.stderr
    assert "lint:it  passed  TIME  uncontrolled" in outcome.said


def test_the_lines_to_add_are_right(reading: Project) -> None:
    odd = ["[id].txt", "{name}.txt", "a*b.txt", 'quo"ted.txt', "spa ce.txt", "back\\slash.txt"]
    for name in odd:
        reading.write(name, "")
    reading.write("read.py", f"{READ}\nfor name in {odd}:\n    pathlib.Path(name).read_text()\n")
    reading.steps("""
        lint: {run: [python, read.py], inputs: [read.py]}
    """)
    reading.inv("lint", "--strict-inputs")
    log = reading.inv("ledger.show", "--record", "0", "--log").stdout.splitlines()
    added = ", ".join(line.partition(" - ")[2] for line in log)

    reading.steps(f"""
        lint: {{run: [python, read.py], inputs: [read.py, {added}]}}
    """)

    assert reading.inv("lint", "--strict-inputs").code == 0


def test_what_holds_is_run_all_the_same(reading: Project) -> None:
    reading.steps("""
        lint: {run: [python, read.py], inputs: [read.py]}
    """)
    assert reading.inv("lint").code == 0

    assert reading.inv("lint", "--strict-inputs").code == 1


def test_a_program_that_is_not_python_is_seen_where_there_is_strace(project: Project) -> None:
    project.steps("""
        lint: {run: [cat, a.txt, b.txt], inputs: [a.txt]}
    """)
    project.write("a.txt", "")
    project.write("b.txt", "")

    outcome = project.inv("lint", "--strict-inputs")

    failed = "lint:it  failed  TIME  1 undeclared inputs: b.txt; uncontrolled"
    assert (failed in outcome.said) == (syscalls.find_strace() is not None)


def test_a_strace_that_may_not_trace_is_as_none(reading: Project) -> None:
    reading.steps("""
        lint: {run: [python, read.py], inputs: [read.py, a.txt, deep]}
    """)
    # A program that is traced cannot be traced a second time.
    strace = syscalls.find_strace()
    within = [strace, "--follow-forks", f"--output={os.devnull}"] if strace else []

    outcome = reading.inv("lint", "--strict-inputs", within=within)

    assert outcome.code == 1
    assert "lint:it  failed  TIME  1 undeclared inputs: b.txt; uncontrolled" in outcome.said


def test_without_strace_it_is_said_what_was_not_seen(project: Project) -> None:
    project.variables["PATH"] = str(_without_strace(project.home / "bin"))
    project.steps("""
        lint: {run: [cat, a.txt], inputs: ["*.md"]}
    """)
    project.write("a.txt", "")
    project.write("a.md", "")

    outcome = project.inv("lint", "--strict-inputs")

    log = project.inv("ledger.show", "--record", "0", "--log").stdout.splitlines()
    notice = "not seen what cat read: install strace, which sees more than Python programs"
    assert outcome.code == 0
    assert log == [notice]


def test_what_a_needed_step_declares_may_be_read(project: Project) -> None:
    project.write("kit.txt", "kit\n")
    project.write("own.txt", "own\n")
    project.steps("""
        types: {run: [cat, kit.txt], inputs: [kit.txt]}
        lint: {run: [cat, kit.txt, own.txt], inputs: [own.txt], needs: [types]}
    """)

    outcome = project.inv("lint", "--strict-inputs")

    assert outcome.code == 0, outcome
