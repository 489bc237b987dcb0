"""A working copy from run to run: what holds, what is stale, and what is answered at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from pipelines import gates
from pipelines.checkout import snapshot
from pipelines.errors import ConfigError
from pipelines.gates import GateFailed, Request
from pipelines.planning.workspace import Workspace
from tests.pipelines.checkout import Checkout

CONFIGURATION = """
components:
  kit: {folder: kit, kind: text}
  shop: {folder: shop, kind: text, needs: [kit]}
  lone: {folder: lone, kind: text}
kinds:
  text:
    lint:
      run: [sh, -c, "test ! -e bad"]
      inputs: ["*.txt", "!own.txt"]
      env: [SUMMIT_TRIED]
      secrets: [SUMMIT_TOKEN]
    build:
      run: [sh, -c, "mkdir -p out; cat *.txt >out/made"]
      inputs: ["*.txt"]
      outputs: ["out/**"]
      locks: [/lock]
      tools: [tool]
      needs: [^build]
      controls: ["tests/controls/*"]
tools:
  tool: [tool, --version]
"""
ALL = {f"{step}:{component}" for step in ("lint", "build") for component in ("kit", "shop", "lone")}
BUILDS = {id_ for id_ in ALL if id_.startswith("build:")}


class NoServices:
    """For steps that need none."""

    def digest(self, service: str) -> str:
        raise AssertionError(service)

    def start(self, services: Sequence[str]) -> dict[str, str]:
        raise AssertionError(services)

    def stop(self) -> None:
        """Nothing was started."""


@dataclass(frozen=True)
class Project:
    """A repository with six steps, and a tool beside it."""

    checkout: Checkout
    tool: Path
    words: tuple[str, ...] = ("check",)

    @property
    def root(self) -> Path:
        return self.checkout.root

    def open(self) -> Workspace:
        return Workspace(str(self.root), NoServices(), snapshot.look(str(self.root)))

    def run(self, **request: Any) -> None:
        gates.run(self.open(), Request(self.words)._replace(**request))

    @property
    def stale(self) -> set[str]:
        """The steps that a run would run."""
        return {id_ for id_, verdict in self.open().verdicts.items() if not verdict.holds}

    @property
    def answer(self) -> str | None:
        """What is said at once."""
        look = snapshot.look(str(self.root))
        return look.answer(self.words) if look else None

    def settle(self) -> None:
        """Run until a run in which nothing changed is answered at once."""
        self.checkout.settle()
        self.run()
        self.checkout.settle()
        self.run()
        assert self.answer is not None

    def set_tool(self, version: str) -> None:
        part = self.tool.with_suffix(".part")
        part.write_text(f"#!/bin/sh\necho {version}\n")
        part.chmod(0o755)
        part.replace(self.tool)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    monkeypatch.setenv("SUMMIT_TOKEN", "hunter2hunter2")
    made = Project(Checkout.new(tmp_path / "repository"), tmp_path / "bin" / "tool")
    made.set_tool("tool 1")
    checkout = made.checkout
    checkout.write("pipelines.yaml", CONFIGURATION)
    checkout.write(".gitignore", "out/\n")
    checkout.write("lock", "1\n")
    checkout.write("tests/controls/none", "")
    for name in ("kit", "shop", "lone"):
        checkout.write(f"{name}/a.txt", f"{name}\n")
        checkout.write(f"{name}/own.txt", f"{name}\n")
    return made


def test_at_first_everything_is_stale_and_nothing_is_answered(project: Project) -> None:
    assert project.stale == ALL
    assert project.answer is None


def test_what_passed_holds_and_is_answered_at_once(project: Project) -> None:
    project.settle()

    assert project.stale == set()
    assert project.answer is not None
    assert "6 steps: 0 passed, 6 from ledger, 0 failed, 0 skipped" in project.answer


def test_what_is_read_anew_holds_as_well(project: Project) -> None:
    project.settle()
    (project.root / snapshot.FILE).unlink()

    assert project.stale == set()


Change = Callable[[Project, pytest.MonkeyPatch], object]


def _touch(project: Project, _patch: pytest.MonkeyPatch) -> None:
    os.utime(project.root / "kit" / "a.txt")


def _write_input(project: Project, _patch: pytest.MonkeyPatch) -> None:
    project.checkout.write("kit/a.txt", "new")


def _write_what_one_step_excludes(project: Project, _patch: pytest.MonkeyPatch) -> None:
    project.checkout.write("shop/own.txt", "new")


def _chmod(project: Project, _patch: pytest.MonkeyPatch) -> None:
    (project.root / "lone" / "a.txt").chmod(0o755)


def _add_input(project: Project, _patch: pytest.MonkeyPatch) -> None:
    project.checkout.write("lone/b.txt", "new")


def _delete_input(project: Project, _patch: pytest.MonkeyPatch) -> None:
    (project.root / "lone" / "own.txt").unlink()


def _add_another(project: Project, _patch: pytest.MonkeyPatch) -> None:
    project.checkout.write("lone/b.md", "new")


def _write_lock(project: Project, _patch: pytest.MonkeyPatch) -> None:
    project.checkout.write("lock", "2\n")


def _set_variable(_project: Project, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("SUMMIT_TRIED", "1")


def _set_other_variable(_project: Project, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("SUMMIT_OTHER", "1")


def _set_other_secret(_project: Project, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("SUMMIT_TOKEN", "another one")


def _unset_secret(_project: Project, patch: pytest.MonkeyPatch) -> None:
    patch.delenv("SUMMIT_TOKEN")


def _replace_tool(project: Project, _patch: pytest.MonkeyPatch) -> None:
    project.set_tool("tool 2")


def _replace_tool_by_the_same(project: Project, _patch: pytest.MonkeyPatch) -> None:
    project.set_tool("tool 1")


def _delete_output(project: Project, _patch: pytest.MonkeyPatch) -> None:
    (project.root / "kit" / "out" / "made").unlink()


def _write_output(project: Project, _patch: pytest.MonkeyPatch) -> None:
    project.checkout.write("kit/out/made", "other")


def _forget(project: Project, _patch: pytest.MonkeyPatch) -> None:
    (project.root / ".summit" / "ledger" / "records.jsonl").unlink()


def _configure(project: Project, _patch: pytest.MonkeyPatch) -> None:
    text = CONFIGURATION.replace("test ! -e bad", "test ! -e worse")
    project.checkout.write("pipelines.yaml", text)


CHANGES: list[tuple[Change, set[str], bool]] = [
    (_touch, set(), False),
    (_write_input, {"lint:kit", "build:kit", "build:shop"}, False),
    (_write_what_one_step_excludes, {"build:shop"}, False),
    (_chmod, {"lint:lone", "build:lone"}, False),
    (_add_input, {"lint:lone", "build:lone"}, False),
    (_delete_input, {"build:lone"}, False),
    (_add_another, set(), False),
    (_write_lock, BUILDS, False),
    (_set_variable, ALL - BUILDS, False),
    (_set_other_variable, set(), True),
    (_set_other_secret, set(), True),
    (_unset_secret, ALL - BUILDS, False),
    (_replace_tool, BUILDS, False),
    (_replace_tool_by_the_same, set(), False),
    (_delete_output, set(), False),
    (_write_output, set(), False),
    (_forget, ALL, False),
    (_configure, ALL - BUILDS, False),
]


@pytest.mark.parametrize(("change", "stale", "is_answered"), CHANGES)
def test_a_change_makes_stale_what_depends_on_it(
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    change: Change,
    stale: set[str],
    is_answered: bool,
) -> None:
    project.settle()
    change(project, monkeypatch)

    assert (project.answer is not None) == is_answered
    assert project.stale == stale

    (project.root / snapshot.FILE).unlink()  # and so it is found without any memory

    assert project.stale == stale


def test_what_was_changed_back_holds_again(project: Project) -> None:
    project.settle()
    project.checkout.write("kit/a.txt", "new")
    project.run()
    project.checkout.write("kit/a.txt", "kit\n")

    assert project.stale == set()


@pytest.mark.parametrize("change", [_delete_output, _write_output])
def test_outputs_of_what_holds_are_put_back(
    project: Project, monkeypatch: pytest.MonkeyPatch, change: Change
) -> None:
    project.settle()
    change(project, monkeypatch)
    project.run()

    assert (project.root / "kit" / "out" / "made").read_text() == "kit\nkit\n"


def test_an_output_that_another_step_wrote_into_is_put_back(project: Project) -> None:
    spoil = CONFIGURATION.replace("test ! -e bad", "echo spoilt >>../kit/out/made")
    project.checkout.write(
        "pipelines.yaml", spoil.replace("secrets: [", "needs: [build:kit]\n      secrets: [")
    )
    project.settle()
    project.run()

    assert (project.root / "kit" / "out" / "made").read_text() == "kit\nkit\n"


def test_what_a_step_made_before_it_failed_does_not_stay_when_earlier_evidence_holds(
    project: Project,
) -> None:
    project.checkout.write(
        "pipelines.yaml", CONFIGURATION.replace(">out/made", ">out/made; ! grep bad *.txt")
    )
    project.settle()
    project.checkout.write("kit/a.txt", "bad\n")
    with pytest.raises(GateFailed):
        project.run()
    project.checkout.write("kit/a.txt", "kit\n")
    project.run()

    assert (project.root / "kit" / "out" / "made").read_text() == "kit\nkit\n"


def test_outputs_follow_the_evidence_that_holds(project: Project) -> None:
    project.run()
    for text in ("new\n", "kit\n", "new\n"):
        project.checkout.write("kit/a.txt", text)
        project.run()

        assert (project.root / "kit" / "out" / "made").read_text() == f"{text}kit\n"


def test_a_failure_is_no_evidence_and_no_answer(project: Project) -> None:
    project.settle()
    project.checkout.write("kit/bad")
    project.checkout.write("kit/a.txt", "new")
    with pytest.raises(GateFailed, match=r"^1 of 6 steps failed: lint:kit$"):
        project.run(keep_going=True)

    assert project.answer is None
    assert project.stale == {"lint:kit"}

    project.checkout.settle()
    with pytest.raises(GateFailed):
        project.run(keep_going=True)

    assert project.answer is None


def test_gates_are_answered_each_by_itself(project: Project) -> None:
    project.settle()
    lint = replace(project, words=("lint",))
    assert lint.answer is None
    lint.run()

    assert "3 steps: 0 passed, 3 from ledger" in str(lint.answer)
    assert "6 steps: 0 passed, 6 from ledger" in str(project.answer)


def test_a_run_with_options_leaves_no_answer(project: Project) -> None:
    for _ in range(2):
        project.checkout.settle()
        project.run(jobs=1)

    assert project.stale == set()
    assert project.answer is None


def test_what_another_run_found_meanwhile_is_not_overlooked(project: Project) -> None:
    project.settle()
    slow = project.open()
    project.checkout.write("kit/a.txt", "new")
    project.run()
    project.checkout.write("kit/a.txt", "kit\n")
    gates.run(slow, Request(project.words))

    assert project.answer is None
    assert project.stale == set()


def test_inputs_that_moved_since_they_were_read_are_named(project: Project) -> None:
    workspace = project.open()
    build = workspace.layout.steps["build:kit"]
    assert workspace.moved_inputs(build) == []
    project.checkout.write("kit/a.txt", "new")
    project.checkout.write("kit/new.txt", "new")
    project.checkout.write("kit/new.md", "no input")
    project.checkout.write("kit/out/made.txt", "ignored by Git")
    project.checkout.write("shop/a.txt", "not its own")
    (project.root / "kit" / "own.txt").unlink()
    project.checkout.write("lock", "2\n")

    assert workspace.moved_inputs(build) == ["kit/a.txt", "kit/own.txt", "lock", "kit/new.txt"]


def test_an_input_too_young_for_its_times_to_tell_is_named_when_it_goes(project: Project) -> None:
    project.checkout.settle()
    project.run()
    project.checkout.write("kit/a.txt", "young")
    workspace = project.open()
    (project.root / "kit" / "a.txt").unlink()

    assert workspace.moved_inputs(workspace.layout.steps["lint:kit"]) == ["kit/a.txt"]


def test_a_step_may_read_its_inputs_and_locks(project: Project) -> None:
    workspace = project.open()

    assert workspace.declared(workspace.layout.steps["build:kit"]) == {
        "kit/a.txt", "kit/own.txt", "lock",
    }  # fmt: skip
    assert workspace.declared(workspace.layout.steps["lint:kit"]) == {"kit/a.txt"}


def test_a_fingerprint_holds_all_that_was_declared(project: Project) -> None:
    workspace = project.open()
    found = workspace.current("build:shop")

    assert found.files.keys() == {"shop/a.txt", "shop/own.txt"}
    assert found.locks == {"lock": workspace.worktree.digest("lock")}
    assert found.tools == {"tool": "tool 1"}
    assert found.upstream == {"build:kit": workspace.current("build:kit").digest()}
    assert found.outputs == ("/shop/out/**",)
    assert workspace.current("lint:shop").secrets == {"SUMMIT_TOKEN": True}
    assert workspace.current("lint:shop").env == {"SUMMIT_TRIED": None}
    assert found.digest() == workspace.verdicts["build:shop"].digest


def test_an_unknown_step_names_those_there_are(project: Project) -> None:
    with pytest.raises(ConfigError, match=r"^no step called 'lint:kitt'; known: .*lint:kit"):
        project.open().current("lint:kitt")


def test_no_secret_is_left_behind(project: Project) -> None:
    project.settle()

    for file in project.root.rglob("*"):
        assert not file.is_file() or b"hunter2" not in file.read_bytes(), file
