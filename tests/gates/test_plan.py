"""What would run and why, and what a change touches."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.gates.project import Project

KIT = ["build:kit", "build:shop", "lint:kit"]


def everything(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if ".git" not in path.parts)


@pytest.fixture
def parted(three: Project) -> Project:
    """On the branch `topic`, one commit after the default branch, which has gone on too."""
    three.commit()
    three.git("checkout", "--quiet", "-b", "topic")
    three.write("lone/a.txt", "on topic\n")
    three.commit("topic")
    three.git("checkout", "--quiet", "main")
    three.write("shop/a.txt", "on main\n")
    three.commit()
    three.git("checkout", "--quiet", "topic")
    return three


def test_a_plan_says_what_would_run_and_why_and_runs_nothing(three: Project) -> None:
    before = everything(three.root)

    outcome = three.inv("check", "--plan")

    assert outcome.code == 0
    assert three.ran == []
    assert everything(three.root) == before
    assert [line.split(maxsplit=2) for line in outcome.stdout.splitlines()] == [
        ["step", "plan", "why"],
        ["lint:kit", "run", "it never ran here"],
        ["build:kit", "run", "it never ran here"],
        ["lint:shop", "run", "it never ran here"],
        ["lint:lone", "run", "it never ran here"],
        ["build:lone", "run", "it never ran here"],
        ["build:shop", "run", "it never ran here"],
    ]


def test_a_plan_names_the_file_that_changed(three: Project) -> None:
    three.inv("check")
    three.write("kit/a.txt", "changed\n")

    plan = three.inv("build", "--plan").stdout.splitlines()

    (lone,) = (line for line in plan if line.startswith("build:lone"))
    assert "from ledger" in lone
    assert [line.split(maxsplit=2) for line in plan if line != lone] == [
        ["step", "plan", "why"],
        ["build:kit", "run", "file kit/a.txt changed"],
        ["build:shop", "run", "upstream build:kit, because file kit/a.txt changed"],
    ]


def test_a_plan_says_that_a_step_failed_before(three: Project) -> None:
    three.write("kit/a.txt", "bad\n")
    three.inv("lint", "--keep-going")

    plan = three.inv("lint", "--plan").stdout.splitlines()

    (kit,) = (line for line in plan if line.startswith("lint:kit"))
    assert kit.split(maxsplit=2)[2].startswith("nothing changed since it failed, record ")


@pytest.mark.parametrize("change", ["alter", "add", "delete", "stage"])
def test_affected_is_what_changed_in_any_way_with_its_dependents(
    three: Project, change: str
) -> None:
    three.write("kit/b.txt", "b\n")
    three.commit()
    if change == "delete":
        (three.root / "kit/b.txt").unlink()
    else:
        three.write("kit/c.txt" if change == "add" else "kit/b.txt", "changed\n")
    if change == "stage":
        three.git("add", "--all")

    outcome = three.inv("check", "--affected")

    assert outcome.code == 0
    assert three.ran == KIT


def test_affected_is_nothing_when_nothing_changed(three: Project) -> None:
    three.commit()

    outcome = three.inv("check", "--affected")

    assert outcome.code == 0
    assert outcome.totals == "0 steps: 0 passed, 0 from ledger, 0 failed, 0 skipped"


def test_affected_counts_from_where_the_branches_parted(parted: Project) -> None:
    outcome = parted.inv("check", "--affected")

    assert outcome.code == 0
    assert parted.ran == ["build:lone", "lint:lone"]


def test_affected_counts_from_a_named_ref(parted: Project) -> None:
    parted.git("tag", "here")
    parted.write("kit/a.txt", "changed\n")

    assert parted.inv("check", "--affected=here").code == 0

    assert parted.ran == KIT


def test_a_new_configuration_affects_everything(three: Project) -> None:
    three.commit()
    configuration = three.root / "pipelines.yaml"
    configuration.write_text(configuration.read_text() + "\n# more\n")

    plan = three.inv("check", "--affected", "--plan").stdout.splitlines()

    assert len(plan) == 1 + 6


def test_a_plan_can_be_of_what_is_affected(parted: Project) -> None:
    plan = parted.inv("check", "--affected", "--plan").stdout.splitlines()

    assert [line.split()[0] for line in plan] == ["step", "lint:lone", "build:lone"]


def test_an_unknown_ref_is_one_line(three: Project) -> None:
    three.commit()

    outcome = three.inv("check", "--affected=mars")

    assert outcome.stderr == (
        "error: no commit that HEAD and mars have in common; "
        "fetch the branch, or name another one: --affected=REF\n"
    )
    assert outcome.code == 2


def test_an_unknown_gate_is_one_line(project: Project) -> None:
    project.steps("""
        lint: {run: ["true"]}
    """)

    outcome = project.inv("build")

    assert outcome.stderr == ("error: no component has a step for 'build'; known: check, lint\n")
    assert outcome.code == 2


def test_why_names_every_kind_of_cause(project: Project) -> None:
    project.steps("""
        test: {run: ["true"], inputs: ["*.txt"], env: [MODE], secrets: [TOKEN], locks: [lock]}
    """)
    project.write("a.txt", "a\n")
    project.write("lock", "1\n")
    project.inv("test", MODE="fast")
    project.write("a.txt", "b\n")
    project.write("b.txt", "b\n")
    project.write("lock", "2\n")

    outcome = project.inv("why", "test:it", MODE="slow", TOKEN="hunter22")

    headline, *causes = outcome.stdout.splitlines()
    assert headline.startswith("test:it runs: since record ")
    assert [cause.strip() for cause in causes] == [
        'variable MODE: "fast" -> "slow"',
        "secret TOKEN: unset -> set",
        "lock lock changed",
        "file a.txt changed",
        "file b.txt appeared",
    ]


def test_a_change_of_a_lock_file_alone_runs_the_step_again(project: Project) -> None:
    project.steps("""
        test: {run: [sh, -c, "cat lock >> ~/ran"], inputs: [a.txt], locks: [lock]}
    """)
    project.write("a.txt", "a\n")
    for content in ("1\n", "2\n"):
        project.write("lock", content)
        project.inv("test")

    assert project.ran == ["1", "2"]


def test_why_says_since_when_evidence_holds(three: Project) -> None:
    three.inv("check")

    outcome = three.inv("why", "lint:kit")

    assert outcome.stdout.startswith("lint:kit: nothing changed, the evidence holds since record ")


def test_an_unknown_step_is_one_line(three: Project) -> None:
    outcome = three.inv("why", "lint:mars")

    assert outcome.error.startswith("no step called 'lint:mars'; known: lint:kit, ")
    assert outcome.code == 2
