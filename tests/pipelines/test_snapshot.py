"""What was seen last time answers only while nothing is otherwise."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from pipelines.checkout import snapshot
from pipelines.checkout.snapshot import FILE, HIDDEN, Look
from pipelines.checkout.stats import stats

ROOT = Path(__file__).parents[2]
WORDS = ["lint", "test"]
ODD = ["a b", "new\nline", "ü", "\udcff", "-d"]


def save(root: Path, watched: list[str], *variables: str, answer: str = "all is well") -> None:
    numbers = stats([str(root / path) for path in watched]).tobytes()
    snapshot.save(
        str(root),
        watched=watched,
        numbers=numbers,
        variables=variables,
        answers={"lint test": answer},
        body={"found": "long ago"},
    )


def look(root: Path) -> Look:
    found = snapshot.look(str(root))
    assert found is not None
    return found


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "folder").mkdir()
    for name in (*ODD, "folder/file"):
        (tmp_path / name).write_text("it")
    return tmp_path


WATCHED = [*ODD, "folder/file", "folder"]


def test_while_nothing_changes_the_answer_is_the_same(root: Path) -> None:
    save(root, WATCHED, "HOME")

    assert look(root).moved == []
    assert look(root).answer(WORDS) == "all is well"
    assert look(root).body() == {"found": "long ago"}


@pytest.mark.parametrize("words", [["lint"], ["test", "lint"], ["lint test", ""], []])
def test_other_words_have_no_answer(root: Path, words: list[str]) -> None:
    save(root, WATCHED)

    assert look(root).answer(words) is None


def test_the_answer_does_not_depend_on_where_one_stands(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(root, WATCHED)
    monkeypatch.chdir(root / "folder")

    assert look(root).answer(WORDS) == "all is well"
    assert Path.cwd() == root / "folder"


def _write(root: Path) -> None:
    (root / "folder/file").write_text("other")


def _write_as_many_bytes_of_the_same_time(root: Path) -> None:
    before = (root / "ü").stat()
    (root / "ü").write_text("ti")
    os.utime(root / "ü", ns=(before.st_atime_ns, before.st_mtime_ns))


def _replace(root: Path) -> None:
    before = (root / "a b").stat()
    shutil.copy2(root / "a b", root / "copy")
    (root / "copy").replace(root / "a b")
    os.utime(root / "a b", ns=(before.st_atime_ns, before.st_mtime_ns))


def _change_mode(root: Path) -> None:
    (root / "\udcff").chmod(0o755)


def _delete(root: Path) -> None:
    (root / "new\nline").unlink()


def _add(root: Path) -> None:
    (root / "folder" / "new").touch()


def _to_folder(root: Path) -> None:
    (root / "-d").unlink()
    (root / "-d").mkdir()


def _below_a_file(root: Path) -> None:
    shutil.rmtree(root / "folder")
    (root / "folder").write_text("it")


CHANGES: list[tuple[Callable[[Path], None], list[str]]] = [
    (_write, ["folder/file"]),
    (_write_as_many_bytes_of_the_same_time, ["ü"]),
    (_replace, ["a b"]),
    (_change_mode, ["\udcff"]),
    (_delete, ["new\nline"]),
    (_add, ["folder"]),
    (_to_folder, ["-d"]),
    (_below_a_file, ["folder", "folder/file"]),
]


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize(("change", "moved"), CHANGES)
def test_whatever_moved_is_named_and_nothing_is_answered(
    root: Path,
    change: Callable[[Path], None],
    moved: list[str],
    many: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if many:  # so many that a second process looks at half of them
        monkeypatch.setattr(snapshot, "_MANY", 3)
    old = (root, *(root / path for path in WATCHED))
    for path in old:
        os.utime(path, ns=(10**18, 10**18))
    _wait_for_the_next_tick(root)
    save(root, WATCHED)
    change(root)

    found = look(root)

    assert sorted(WATCHED[at] for at in found.moved) == moved
    assert found.answer(WORDS) is None


def _wait_for_the_next_tick(root: Path) -> None:
    """The clock that stamps files ticks a few hundred times in a second."""
    mark = root / "mark"
    mark.touch()
    first = mark.stat().st_ctime_ns
    while mark.stat().st_ctime_ns == first:
        mark.touch()


def test_what_was_not_there_may_stay_away_but_not_come(root: Path) -> None:
    save(root, ["none", "folder/none"])

    assert look(root).answer(WORDS) == "all is well"

    (root / "folder" / "none").touch()

    assert look(root).moved == [1]


def test_what_was_never_seen_has_moved(root: Path) -> None:
    snapshot.save(
        str(root), watched=["ü"], numbers=bytes(32), variables=(), answers={"": "it"}, body=b""
    )

    assert look(root).moved == [0]


@pytest.mark.parametrize(("before", "after"), [("1", "2"), ("1", None), (None, "1"), (None, "")])
def test_another_variable_is_no_answer(
    root: Path, monkeypatch: pytest.MonkeyPatch, before: str | None, after: str | None
) -> None:
    _set(monkeypatch, before)
    save(root, WATCHED, "SUMMIT_TRIED", "HOME")
    assert look(root).answer(WORDS)
    _set(monkeypatch, after)

    assert look(root).answer(WORDS) is None
    assert look(root).moved == []


def _set(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    if value is None:
        monkeypatch.delenv("SUMMIT_TRIED", raising=False)
    else:
        monkeypatch.setenv("SUMMIT_TRIED", value)


def test_of_a_secret_only_whether_it_is_set_is_kept(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _set(monkeypatch, "hunter2hunter2")
    save(root, WATCHED, "SUMMIT_TRIED" + HIDDEN)

    assert b"hunter2" not in (root / FILE).read_bytes()

    _set(monkeypatch, "another one")
    assert look(root).answer(WORDS) == "all is well"

    _set(monkeypatch, None)
    assert look(root).answer(WORDS) is None


def test_a_file_cut_short_is_as_none(root: Path) -> None:
    save(root, WATCHED)
    whole = (root / FILE).read_bytes()

    for length in range(len(whole)):
        (root / FILE).write_bytes(whole[:length])
        assert _loaded(str(root)) is None


@settings(max_examples=200)
@given(data=st.data())
def test_a_file_with_a_flipped_bit_is_as_none(data: st.DataObject) -> None:
    content = bytearray(SAVED)
    at = data.draw(st.integers(0, len(content) * 8 - 1))
    content[at // 8] ^= 1 << at % 8

    assert _written(bytes(content)) is None
    assert _written(SAVED) is not None


def _written(content: bytes) -> object:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / ".summit").mkdir()
        (Path(folder) / FILE).write_bytes(content)
        return _loaded(folder)


def _loaded(folder: str) -> object:
    """All of the file, or None where a part of it cannot be used."""
    found = snapshot.look(folder)
    try:
        return found and found.body()
    except ValueError:
        return None


def _saved() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        save(Path(folder), ["file", "folder/file"], "HOME")
        return (Path(folder) / FILE).read_bytes()


SAVED = _saved()


def test_where_nothing_was_saved_there_is_nothing(tmp_path: Path) -> None:
    assert snapshot.look(str(tmp_path)) is None


def test_what_is_saved_replaces_what_was(root: Path) -> None:
    save(root, WATCHED, answer="before")
    save(root, WATCHED, answer="after")

    assert look(root).answer(WORDS) == "after"
    assert [path.name for path in (root / ".summit").iterdir()] == [Path(FILE).name]


def test_where_it_cannot_be_saved_the_next_run_looks_again(root: Path) -> None:
    (root / ".summit").write_text("a file in the folder's place")
    save(root, WATCHED)

    assert snapshot.look(str(root)) is None


def test_it_imports_next_to_nothing() -> None:
    script = """
import os, sys
sys.path.append(sys.argv[1])
before = set(sys.modules)
import pipelines.checkout.snapshot
print(*sorted(set(sys.modules) - before))
"""
    words = [sys.executable, "-I", "-S", "-c", script, str(ROOT)]
    said = subprocess.run(words, check=True, capture_output=True, text=True)

    assert said.stdout.split() == [
        "__future__",
        "binascii",
        "pipelines",
        "pipelines.checkout",
        "pipelines.checkout.snapshot",
    ]
