"""What one run leaves is what the next one finds, or nothing at all."""

from __future__ import annotations

from array import array
from pathlib import Path
from typing import Any

import pytest

from pipelines.checkout import snapshot, stats, worktree
from pipelines.checkout.snapshot import Look
from pipelines.checkout.worktree import Known
from pipelines.planning.layout import Layout
from pipelines.planning.memory import Memory, recall
from pipelines.planning.plan import Evidence, Verdict
from pipelines.running.tools import Version
from pipelines.step import Counts, Step, Tool
from tests.pipelines.checkout import Checkout

LINT = Step("lint", "kit", ("ruff", "check", "kit"), inputs=("kit/**",), tools=("ruff",))
TEST = Step(
    "test",
    "kit",
    ("python", "-m", "pytest", "--junit-xml={junit}"),
    cwd="kit",
    inputs=("kit/**", "!kit/ü"),
    outputs=(".coverage",),
    needs=("lint:kit",),
    services=("postgres",),
    env=("CI",),
    secrets=("TOKEN",),
    tools=("python",),
    locks=("requirements.txt",),
    timeout=0.5,
    retries=2,
    controls=("tests/controls/*",),
    template=("python",),
)
LAYOUT = Layout(
    steps={LINT.id: LINT, TEST.id: TEST},
    gates={"check": ("lint", "test"), "lint": ("lint",)},
    tools={"ruff": Tool(("ruff", "--version"), is_optional=True), "python": Tool(("python",))},
    inputs={LINT.id: array("I", [0, 1, 70_000]), TEST.id: array("I")},
    locks={LINT.id: array("I"), TEST.id: array("I", [2])},
    services={"postgres": "a" * 64},
    sources=("pipelines.yaml",),
    source="pipelines.yaml",
)
PASSED = Evidence("b" * 64, 1.5, "c" * 64, Counts(3, 2, 1, 4), {"out": "100644 d"}, True)
PLAIN = Evidence("e" * 64, 0.0, "", None, {}, False)


OTHERS = ("/bin/ruff", ".summit/ledger/records.jsonl")


def known(root: Path, *paths: str) -> Known:
    checkout = Checkout.new(root)
    for path in paths:
        checkout.write(path, path)
    return worktree.read(str(root), None).known


def memory(known: Known) -> Memory:
    return Memory(
        known=known,
        layout=LAYOUT,
        versions={"ruff": Version("ruff 1", (1, 2, 3, 4)), "python": Version("3.11", ())},
        verdicts={LINT.id: Verdict(LINT, "f" * 64, PASSED), TEST.id: Verdict(TEST, "0" * 64, None)},
        environment={"CI": None, "PATH": "/bin", "TOKEN?": ""},
        outputs={"out": ("100644 d", (1, 2, 3, 4))},
        others=OTHERS,
        stamp=(1, 2, 3, 4),
        answers={"check": "2 steps"},
    )


def test_what_is_saved_is_recalled(tmp_path: Path) -> None:
    made = memory(known(tmp_path, "a", "ü", "new\nline", "\udcff", "folder/-d"))

    assert kept(tmp_path, made) == made


def kept(root: Path, made: Memory) -> Memory:
    """The memory once it was saved and recalled; its outputs are watched among the others."""
    made.save(str(root), OTHERS)
    found = recall(snapshot.look(str(root)))
    assert found.others == (*OTHERS, f"{root}/out")
    return found._replace(others=OTHERS)


@pytest.mark.parametrize("evidence", [PASSED, PLAIN, None])
def test_evidence_is_recalled_as_it_was(tmp_path: Path, evidence: Evidence | None) -> None:
    made = memory(known(tmp_path, "a"))._replace(
        verdicts={LINT.id: Verdict(LINT, "f" * 64, evidence)}, stamp=None, answers={}
    )
    found = kept(tmp_path, made)

    assert found == made
    assert found.verdicts[LINT.id].holds == bool(evidence)


def test_of_an_empty_repository_there_is_little_to_recall(tmp_path: Path) -> None:
    made = memory(known(tmp_path))

    assert kept(tmp_path, made) == made


def test_everything_that_was_seen_is_watched(tmp_path: Path) -> None:
    checkout = Checkout.new(tmp_path / "repository")
    checkout.write("folder/deep/file")
    other = tmp_path / "other"
    other.touch()
    checkout.settle()
    made = memory(worktree.read(str(checkout.root), None).known)._replace(outputs={})
    (checkout.root / ".summit").mkdir()  # which moves the root's time
    made.save(str(checkout.root), [str(other)])
    before = moved(checkout)
    (checkout.root / "folder" / "deep" / "file").write_text("new")
    (checkout.root / "folder" / "new").touch()
    other.unlink()

    assert before == [1]
    assert moved(checkout) == [0, 1, 2, 4]  # the file, the root, its folder, the other one


def moved(checkout: Checkout) -> list[int]:
    found = snapshot.look(str(checkout.root))
    assert found is not None
    return sorted(found.moved)


def test_outputs_are_watched_as_they_were_when_they_were_looked_at(tmp_path: Path) -> None:
    checkout = Checkout.new(tmp_path / "repository")
    (tmp_path / "out").write_text("it")
    looked_at = tuple(stats.stats([str(tmp_path / "out")]))
    (tmp_path / "out").write_text("written into since")
    made = memory(worktree.read(str(checkout.root), None).known)
    made._replace(outputs={"../out": ("100644 d", looked_at)}).save(str(checkout.root), [])

    assert 1 in moved(checkout)  # after the root, which is the only folder


def test_without_anything_saved_nothing_is_recalled(tmp_path: Path) -> None:
    assert recall(snapshot.look(str(tmp_path))) == Memory()


def test_what_another_run_has_replaced_since_the_look_is_not_recalled(tmp_path: Path) -> None:
    made = memory(known(tmp_path, "a"))
    made.save(str(tmp_path), made.others)
    found = snapshot.look(str(tmp_path))
    made._replace(stamp=(1, 2, 3)).save(str(tmp_path), made.others)

    assert recall(found) == Memory()
    assert recall(snapshot.look(str(tmp_path))).stamp == (1, 2, 3)


def _without(body: dict[str, Any]) -> object:
    del body["versions"]
    return body


def _with_more_in_a_step(body: dict[str, Any]) -> object:
    body["layout"]["steps"] = [(*fields, "more") for fields in body["layout"]["steps"]]
    return body


def _with_less_in_the_evidence(body: dict[str, Any]) -> object:
    body["verdicts"] = {LINT.id: ("f" * 64, ("record",))}
    return body


def _with_another_layout(body: dict[str, Any]) -> object:
    body["layout"]["more"] = ()
    return body


def _of_another_kind(body: dict[str, Any]) -> object:
    return [body]


@pytest.mark.parametrize(
    "change",
    [
        _without,
        _with_more_in_a_step,
        _with_less_in_the_evidence,
        _with_another_layout,
        _of_another_kind,
    ],
)
def test_what_another_version_left_is_not_recalled(
    tmp_path: Path, change: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Look.body
    made = memory(known(tmp_path, "a"))
    made.save(str(tmp_path), made.others)
    found = snapshot.look(str(tmp_path))
    assert found is not None
    monkeypatch.setattr(Look, "body", lambda look: change(whole(look)))

    assert recall(found) == Memory()
