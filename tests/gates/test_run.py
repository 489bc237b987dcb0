"""A run as a person sees it: what runs, what holds, what is said, how it ends."""

from __future__ import annotations

import os
import pty
import re
from contextlib import suppress

import pytest

from tests.gates.project import Outcome, Project

LINTS = ["lint:kit", "lint:lone", "lint:shop"]
BUILDS = ["build:kit", "build:lone", "build:shop"]

# Two steps that can only end together.
MEET = """
    one: {run: [sh, -c, "mkfifo ~/fifo; echo hello > ~/fifo"], timeout: 60}
    two: {run: [sh, -c, "until test -p ~/fifo; do :; done; cat ~/fifo"], timeout: 60}
"""
# Steps that cannot pass while another runs.
SHUN = """
    one: &shun {run: [sh, -c, "mkdir ~/busy && echo here && rmdir ~/busy"]}
    two: *shun
    three: *shun
"""
CHAIN = """
    bad: {run: [sh, -c, "echo first; echo last; exit 7"]}
    after: {run: [sh, -c, "echo after >> ~/ran"], needs: [bad]}
    good: {run: [sh, -c, "echo good >> ~/ran"], needs: [slow]}
    slow: {run: [sh, -c, "until test -e ~/failed; do :; done; echo slow >> ~/ran"]}
"""
# Fails once, then passes.
FLAKY = """
    test: {run: [sh, -c, "if ! test -e ~/once; then touch ~/once; exit 1; fi"], retries: 2}
"""


def test_what_ran_once_is_from_the_ledger(three: Project) -> None:
    first = three.inv("check")
    ran = three.ran
    second = three.inv("check")

    assert (first.code, second.code) == (0, 0)
    assert ran == BUILDS + LINTS
    assert three.ran == []
    assert second.said == [
        "uncontrolled: lint (3), build (3)",
        "6 steps: 0 passed, 6 from ledger, 0 failed, 0 skipped (TIME saved)",
    ]


def test_a_change_runs_its_steps_and_their_dependents_alone(three: Project) -> None:
    three.inv("check")
    assert three.ran == BUILDS + LINTS
    three.write("kit/a.txt", "changed\n")

    why = three.inv("why", "build:shop")
    outcome = three.inv("check", "--jobs", "1")

    assert why.stdout.splitlines()[1:] == ["  upstream build:kit, because file kit/a.txt changed"]
    assert three.ran == ["build:kit", "build:shop", "lint:kit"]
    assert outcome.said == [
        "lint:kit  passed  TIME  uncontrolled",
        "build:kit  passed  TIME  uncontrolled",
        "build:shop  passed  TIME  uncontrolled",
        "step  result  time",
        "lint:kit  passed  TIME  uncontrolled",
        "build:kit  passed  TIME  uncontrolled",
        "build:shop  passed  TIME  uncontrolled",
        "uncontrolled: lint (3), build (3)",
        "6 steps: 3 passed, 3 from ledger, 0 failed, 0 skipped (TIME saved)",
    ]


def test_a_change_taken_back_is_held_by_the_older_record(three: Project) -> None:
    three.inv("check")
    three.write("kit/a.txt", "changed\n")
    three.inv("check")
    made = three.root / "kit/out/made"
    assert made.read_text() == "changed\n"
    assert len(three.ran) == 9
    three.write("kit/a.txt", "kit\n")

    outcome = three.inv("check")

    assert outcome.totals == "6 steps: 0 passed, 6 from ledger, 0 failed, 0 skipped"
    assert three.ran == []
    assert made.read_text() == "kit\n"


@pytest.mark.parametrize("damage", ["delete", "alter", "delete the folder"])
def test_outputs_are_put_back(three: Project, damage: str) -> None:
    three.inv("build")
    made = three.root / "kit/out/made"
    if damage == "alter":
        made.write_text("altered\n")
    else:
        made.unlink()
    if damage == "delete the folder":
        made.parent.rmdir()

    outcome = three.inv("build")

    assert outcome.totals == "3 steps: 0 passed, 3 from ledger, 0 failed, 0 skipped"
    assert made.read_text() == "kit\n"


def test_an_output_that_is_changed_by_hand_leaves_the_ledger_as_it_is(three: Project) -> None:
    three.inv("build")
    with (three.root / "kit/out/made").open("a") as made:
        made.write("more\n")

    assert three.inv("ledger.verify").code == 0


def test_an_output_stays_executable(project: Project) -> None:
    project.steps("""
        build: {run: [sh, -c, "cp /bin/sh made"], outputs: [made], inputs: [a.txt]}
    """)
    project.write(".gitignore", "made\n")
    project.write("a.txt", "")
    project.inv("build")
    (project.root / "made").unlink()

    assert project.inv("build").code == 0
    assert (project.root / "made").stat().st_mode & 0o111


def test_a_change_is_seen_however_soon_it_comes_after_a_run(project: Project) -> None:
    project.steps("""
        lint: {run: [sh, -c, "cat a.txt >> ~/ran"], inputs: [a.txt]}
    """)
    file = project.write("a.txt", "0\n")
    times = file.stat()
    for number in range(10):
        file.write_text(f"{number}\n")  # as long as before, and as old
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
        project.inv("lint")

    assert project.ran == [str(number) for number in range(10)]


def test_a_file_that_a_step_puts_among_the_inputs_of_another_is_seen_by_the_next_run(
    project: Project,
) -> None:
    project.write("one/a.txt", "one\n")
    project.write("two/a.txt", "two\n")
    project.write(
        "pipelines.yaml",
        """\
        components:
          one: {folder: one, kind: reader}
          two: {folder: two, kind: writer, needs: [one]}
        kinds:
          reader: {lint: {run: [sh, -c, "ls >> ~/ran"], inputs: ["*.txt"]}}
          writer: {lint: {run: [touch, ../one/b.txt], inputs: ["*.txt"], needs: [^lint]}}
        """,
    )

    assert project.inv("lint").totals == "2 steps: 2 passed, 0 from ledger, 0 failed, 0 skipped"
    assert project.ran == ["a.txt"]
    project.inv("lint")
    assert project.ran == ["a.txt", "b.txt"]
    assert project.inv("lint").totals == "2 steps: 0 passed, 2 from ledger, 0 failed, 0 skipped"


def test_in_a_terminal_it_ends_with_the_same_words(three: Project) -> None:
    pid, terminal = pty.fork()
    if not pid:
        os.chdir(three.root)
        command = three.command("check")
        os.execve(command[0], command, {**three.environment, "TERM": "xterm", "NO_COLOR": "1"})
    said = b""
    with suppress(OSError):  # how a terminal says that nobody is there any more
        while part := os.read(terminal, 4096):
            said += part
    os.close(terminal)
    _, status = os.waitpid(pid, 0)

    outcome = Outcome(os.waitstatus_to_exitcode(status), "", said.decode())
    assert outcome.code == 0
    assert outcome.said[-2:] == [
        "uncontrolled: lint (3), build (3)",
        "6 steps: 6 passed, 0 from ledger, 0 failed, 0 skipped",
    ]


def test_a_fresh_clone_runs_everything(three: Project) -> None:
    three.inv("check")
    three.commit()
    three.git("clone", "--quiet", ".", "../clone")
    clone = Project(three.root.parent / "clone", three.home)
    assert len(three.ran) == 6

    assert clone.inv("check").totals == "6 steps: 6 passed, 0 from ledger, 0 failed, 0 skipped"
    assert clone.inv("check").totals == "6 steps: 0 passed, 6 from ledger, 0 failed, 0 skipped"


def test_several_gates_at_once_are_one_run(three: Project) -> None:
    outcome = three.inv("lint", "build")

    assert outcome.totals == "6 steps: 6 passed, 0 from ledger, 0 failed, 0 skipped"
    assert three.inv("check").totals == "6 steps: 0 passed, 6 from ledger, 0 failed, 0 skipped"


def test_it_is_the_same_run_from_a_folder_inside(three: Project) -> None:
    three.inv("check")

    outcome = three.inv("check", folder="kit")

    assert outcome.totals == "6 steps: 0 passed, 6 from ledger, 0 failed, 0 skipped"


def test_steps_run_side_by_side(project: Project) -> None:
    project.steps(MEET)

    assert project.inv("check", "--jobs", "2").code == 0


def test_with_one_job_steps_run_one_after_another(project: Project) -> None:
    project.steps(SHUN)

    assert project.inv("check", "--jobs", "1").code == 0


def test_a_failure_is_unfolded_and_its_whole_log_is_kept(project: Project) -> None:
    project.steps("""
        lint: {run: [sh, -c, "seq 100; exit 3"]}
        types: {run: ["true"]}
    """)

    outcome = project.inv("check", "--keep-going")

    assert outcome.code == 1
    assert outcome.error == "1 of 2 steps failed: lint:it"
    said = outcome.said
    assert "lint:it  failed  TIME  exit code 3; uncontrolled" in said
    assert [line.strip() for line in said if line.strip().isdigit()] == [
        str(number) for number in range(61, 101)
    ]
    (words,) = re.findall(r"^whole log: inv (.*)$", outcome.stderr, re.MULTILINE)
    log = project.inv(*words.split())
    assert log.stdout.splitlines() == [str(number) for number in range(1, 101)]


def test_a_step_alone_shows_itself_as_it_goes(project: Project) -> None:
    project.steps("""
        lint: {run: [sh, -c, "echo one; echo two >&2; exit 3"]}
    """)

    outcome = project.inv("lint")

    assert outcome.said == [
        "+ sh -c 'echo one; echo two >&2; exit 3'",
        "one",
        "two",
        "lint:it  failed  TIME  exit code 3; uncontrolled",
        "whole log: inv ledger.show --record RECORD --log",
        "step  result  time",
        "lint:it  failed  TIME  exit code 3; uncontrolled",
        "1 step: 0 passed, 0 from ledger, 1 failed, 0 skipped",
        "error: 1 of 1 steps failed: lint:it",
    ]


def test_a_failed_step_runs_again(project: Project) -> None:
    project.steps("""
        lint: {run: [sh, -c, "echo lint >> ~/ran; exit 1"]}
    """)

    assert [project.inv("lint").code for _ in range(2)] == [1, 1]
    assert project.ran == ["lint", "lint"]


def test_after_a_failure_nothing_is_started(project: Project) -> None:
    project.steps(CHAIN)

    with project.running("check", "--jobs", "2") as run:
        assert run.stderr is not None
        while not run.stderr.readline().startswith("bad:it"):
            pass
        (project.home / "failed").touch()
        rest = run.stderr.read().splitlines()

    assert project.ran == ["slow"]
    assert run.returncode == 1
    assert rest[-2].startswith("4 steps: 1 passed, 0 from ledger, 1 failed, 2 skipped in ")
    assert rest[-1] == "error: 1 of 4 steps failed: bad:it"


def test_keep_going_runs_all_that_does_not_need_what_failed(project: Project) -> None:
    project.steps(CHAIN)
    (project.home / "failed").touch()

    outcome = project.inv("check", "--keep-going", "--jobs", "1")

    assert outcome.code == 1
    assert project.ran == ["good", "slow"]
    assert "after:it  skipped  needs bad:it" in outcome.said
    assert outcome.totals == "4 steps: 2 passed, 0 from ledger, 1 failed, 1 skipped"


def test_what_passed_beside_a_failure_is_not_run_again(project: Project) -> None:
    project.steps(CHAIN)
    (project.home / "failed").touch()
    project.inv("check", "--keep-going")
    assert project.ran == ["good", "slow"]

    again = project.inv("check", "--keep-going")

    assert again.totals == "4 steps: 0 passed, 2 from ledger, 1 failed, 1 skipped"
    assert project.ran == []


def test_every_attempt_is_a_record(project: Project) -> None:
    project.steps(FLAKY)

    outcome = project.inv("test")

    assert outcome.code == 0
    assert "test:it  passed  TIME  attempt 2; uncontrolled" in outcome.said
    assert [(it["attempt"], it["exitCode"]) for it in project.records] == [(1, 1), (2, 0)]


def test_a_step_that_failed_and_passed_on_the_same_inputs_is_flaky(project: Project) -> None:
    project.steps(FLAKY)
    project.inv("test")

    shown = project.inv("ledger.flaky").stdout.splitlines()

    assert [line.split()[0] for line in shown] == ["step", "test:it"]
    assert shown[1].split()[2:4] == ["1", "1"]


def test_all_attempts_may_fail(project: Project) -> None:
    project.steps("""
        test: {run: [sh, -c, "echo test >> ~/ran; exit 1"], retries: 2}
    """)

    assert project.inv("test").code == 1
    assert project.ran == ["test", "test", "test"]
    assert [it["attempt"] for it in project.records] == [1, 2, 3]


def test_a_step_sees_the_variables_that_it_declares(project: Project) -> None:
    project.steps("""
        test: {run: [sh, -c, "env > ~/seen"], env: [MODE]}
    """)

    project.inv("test", MODE="fast", OTHER="hidden")

    seen = (project.home / "seen").read_text().splitlines()
    assert "MODE=fast" in seen
    assert not any(line.startswith("OTHER=") for line in seen)


def test_a_declared_variable_changes_the_evidence(project: Project) -> None:
    project.steps("""
        test: {run: [sh, -c, "echo $MODE >> ~/ran"], env: [MODE]}
    """)

    for mode in ("fast", "slow", "fast"):
        project.inv("test", MODE=mode, OTHER=mode)

    assert project.ran == ["fast", "slow"]


def test_another_version_of_a_tool_runs_the_step_again(project: Project) -> None:
    tool = project.home / "tool"
    project.variables["PATH"] = f"{project.home}:{project.environment['PATH']}"
    project.steps("""
        test: {run: [sh, -c, "echo test >> ~/ran"], tools: [tool]}
    """)
    for version in ("1", "1", "2"):
        if not tool.exists() or tool.read_text() != f"#!/bin/sh\necho {version}\n":
            tool.write_text(f"#!/bin/sh\necho {version}\n")
            tool.chmod(0o755)
        project.inv("test")

    assert project.ran == ["test", "test"]
    said = [it["tools"] for it in project.records]
    assert said == [{"tool": "1"}, {"tool": "2"}]


def test_verify_says_what_a_local_key_proves(three: Project) -> None:
    three.inv("check")

    outcome = three.inv("ledger.verify")

    assert outcome.code == 0
    first, second, third = outcome.stdout.splitlines()
    assert first == "6 records hold"
    assert re.fullmatch(
        r"6 by the local key [0-9a-f]{12}: somebody holding it said so on this machine", second
    )
    assert third == "truncation: not detectable without a checkpoint"


def test_git_does_not_see_what_a_run_leaves(three: Project) -> None:
    three.commit()

    three.inv("check")

    assert three.git("status", "--porcelain") == ""


def test_a_repository_without_configuration_is_checked(project: Project) -> None:
    project.write(
        "pyproject.toml",
        """
        [project]
        name = "tiny"
        version = "1"

        [tool.ruff]
        line-length = 100

        [tool.pytest.ini_options]
        """,
    )
    project.write(".gitignore", "__pycache__/\n.*_cache/\n")
    project.write("tiny.py", '"""Tiny."""\n\nONE = 1\n')
    project.write("test_tiny.py", "import tiny\n\n\ndef test_one():\n    assert tiny.ONE == 1\n")

    first = project.inv("check", "--jobs", "1")
    second = project.inv("check")

    assert first.code == 0, first.stderr
    assert "test:repository  passed  TIME  1 passed; uncontrolled" in first.said
    assert "lint:repository  passed  TIME  uncontrolled" in first.said
    assert second.totals == "2 steps: 0 passed, 2 from ledger, 0 failed, 0 skipped"
