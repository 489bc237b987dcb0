"""The working copy is what Git itself would write, however it came to be as it is."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from pipelines.checkout import worktree
from pipelines.checkout.stats import WIDTH
from pipelines.checkout.worktree import Known, Worktree
from tests.pipelines.checkout import Checkout

ROOT = Path(__file__).parents[2]
FORMATS = ["sha1", "sha256"]
CRLF = b"two\r\nlines\r\n"


def read(checkout: Checkout, before: Known | None = None) -> Worktree:
    return worktree.read(str(checkout.root), before)


def contents(seen: Worktree) -> dict[str, str]:
    return dict(zip(seen.paths, seen.known.digests, strict=True))


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout.new(tmp_path / "repository")


# A file is its content and whether it may be executed, a link its target, a folder its members.
def _is_a_name(name: bytes) -> bool:
    own = name.lower().startswith((b".git", b"git~"))  # Git keeps these for itself
    return name not in (b".", b"..") and not own


NAMES = (
    st.sampled_from(
        [b"a", b"a.b", b"a-b", b"a0", b"-d", b":top", b"*", b"new\nline", b" ", b"\xff"]
    )
    | st.sampled_from(["ü", "u\u0308", "\U0010ffff"]).map(str.encode)
    | st.binary(min_size=1, max_size=6).filter(lambda it: not {*it} & {*b"\0/"}).filter(_is_a_name)
)
FILES = st.tuples(st.just("file"), st.binary(max_size=40), st.booleans())
LINKS = st.tuples(st.just("link"), st.sampled_from([b"a", b"../b", b"\xff", b"no/such/file"]))
TREES = st.recursive(
    st.dictionaries(NAMES, FILES | LINKS, max_size=5),
    lambda trees: st.dictionaries(NAMES, FILES | LINKS | trees, max_size=5),
    max_leaves=4,
)


def grow(folder: Path, tree: Mapping[bytes, Any]) -> None:
    """Write a tree as `TREES` draws them."""
    for name, what in tree.items():
        path = folder / os.fsdecode(name)
        match what:
            case "file", content, is_executable:
                path.write_bytes(content)
                path.chmod(0o755 if is_executable else 0o644)
            case "link", target:
                path.symlink_to(os.fsdecode(target))
            case _:
                path.mkdir()
                grow(path, what)


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(tree=TREES, hash_name=st.sampled_from(FORMATS))
def test_the_tree_is_the_one_that_git_writes(tree: Mapping[bytes, Any], hash_name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        checkout = Checkout.new(Path(folder), f"--object-format={hash_name}")
        grow(Path(folder), tree)

        assert read(checkout).tree == checkout.tree()


def test_a_folder_stands_where_its_name_with_a_slash_would(checkout: Checkout) -> None:
    for path in ("a-b", "a.b", "a/b", "a0"):
        checkout.write(path, path)

    assert read(checkout).tree == checkout.tree()


CONTENTS = st.sampled_from([b"", b"one\n", b"two\n", CRLF, b"\0binary"])
PLACES = st.sampled_from(
    [
        "a",
        "a.py",
        "b c",
        "-d",
        "ü",
        "\udcff",
        "new\nline",
        "deep/a",
        "deep/er/b",
        "deep/\U0010ffff",
        "a0/x",
        "log",
    ]
)


class Changes(RuleBasedStateMachine):
    """Whatever happens to a repository, reading only what changed finds what is there."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.known: Known | None = None

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    @initialize(hash_name=st.sampled_from(FORMATS), files=st.dictionaries(PLACES, CONTENTS))
    def begin(self, hash_name: str, files: dict[str, bytes]) -> None:
        self.checkout = Checkout.new(self.folder, f"--object-format={hash_name}")
        for path, content in files.items():
            self.write(path, content)

    @property
    def files(self) -> list[Path]:
        """What is there beside the repository's own."""
        there = (path for path in self.folder.rglob("*") if not path.is_dir() or path.is_symlink())
        return sorted(path for path in there if ".git" not in path.parts)

    def pick(self, data: st.DataObject) -> Path:
        return data.draw(st.sampled_from(self.files))

    def has_files(self) -> bool:
        return bool(self.files)

    def clear(self, path: str) -> Path:
        """The place, with nothing there and nothing but folders above."""
        file = self.folder / path
        for above in [*reversed(file.relative_to(self.folder).parents[:-1]), Path(path)]:
            place = self.folder / above
            if place.is_symlink() or place.is_file():
                place.unlink()
        if file.is_dir():
            shutil.rmtree(file)
        file.parent.mkdir(parents=True, exist_ok=True)
        return file

    @rule(path=PLACES, content=CONTENTS)
    def write(self, path: str, content: bytes) -> None:
        self.clear(path).write_bytes(content)

    @rule(content=CONTENTS)
    def ignore(self, content: bytes) -> None:
        self.checkout.write(".gitignore", b"log\n" if content else b"")

    @rule(path=PLACES, aim=st.sampled_from(["a", "deep", "no such file"]))
    def link(self, path: str, aim: str) -> None:
        self.clear(path).symlink_to(aim)

    @rule(path=PLACES)
    def add_empty_folder(self, path: str) -> None:
        self.clear(path).mkdir()

    @precondition(has_files)
    @rule(data=st.data())
    def append(self, data: st.DataObject) -> None:
        file = self.pick(data)
        if not file.is_symlink():
            with file.open("ab") as opened:
                opened.write(b"more\n")

    @precondition(has_files)
    @rule(data=st.data())
    def replace_by_as_many_bytes_of_the_same_time(self, data: st.DataObject) -> None:
        file = self.pick(data)
        if not file.is_symlink():
            before = file.stat()
            file.write_bytes(bytes(byte ^ 1 for byte in file.read_bytes()))
            os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))

    @precondition(has_files)
    @rule(data=st.data(), mode=st.sampled_from([0o644, 0o755, 0o600]))
    def change_mode(self, data: st.DataObject, mode: int) -> None:
        file = self.pick(data)
        if not file.is_symlink():
            file.chmod(mode)

    @precondition(has_files)
    @rule(data=st.data(), when=st.sampled_from([0, 10**9, 10**19]))
    def set_time(self, data: st.DataObject, when: int) -> None:
        os.utime(self.pick(data), ns=(when, when), follow_symlinks=False)

    @precondition(has_files)
    @rule(data=st.data(), path=PLACES)
    def rename(self, data: st.DataObject, path: str) -> None:
        content = self.pick(data).rename(self.folder / ".git" / "moving")
        content.rename(self.clear(path))

    @precondition(has_files)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        self.pick(data).unlink()

    @rule()
    def delete_folder(self) -> None:
        if not (self.folder / "deep").is_symlink():
            shutil.rmtree(self.folder / "deep", ignore_errors=True)

    @rule()
    def commit(self) -> None:
        self.checkout.commit()

    @rule()
    def settle(self) -> None:
        self.checkout.settle()

    @invariant()
    def reading_what_changed_is_reading_all(self) -> None:
        if not hasattr(self, "checkout"):
            return
        changed = read(self.checkout, self.known)
        fresh = read(self.checkout)

        assert contents(changed) == contents(fresh)
        assert changed.tree == fresh.tree == self.checkout.tree()
        assert changed.known.trees == fresh.known.trees
        if self.known and changed.changed is not None:
            old = self.known.digests
            pairs = enumerate(zip(old, changed.known.digests, strict=True))
            assert changed.changed == {at for at, (was, now) in pairs if was != now}
        self.known = changed.known


def test_any_change_is_seen_by_reading_only_what_changed() -> None:
    run_state_machine_as_test(
        Changes, settings=settings(max_examples=12, stateful_step_count=16, deadline=None)
    )


def test_a_change_within_the_same_tick_of_the_clock_is_seen(checkout: Checkout) -> None:
    checkout.write("a", "old")
    known = read(checkout).known
    checkout.write("a", "new")  # as many bytes, and as likely as not the same times

    assert read(checkout, known).tree == checkout.tree()


def test_what_is_young_is_read_again_and_what_is_not_is_not(checkout: Checkout) -> None:
    checkout.write("old", "it")
    checkout.settle()
    checkout.write("young", "it")

    numbers = read(checkout).known.numbers
    old, young = numbers[:WIDTH], numbers[WIDTH : 2 * WIDTH]

    assert all(old)
    assert not any(young)


# What is done after the first reading, while nothing is young any more.
def _unignore(checkout: Checkout) -> None:
    checkout.write(".gitignore", "lag\n")


def _convert_by_a_new_file(checkout: Checkout) -> None:
    checkout.write(".gitattributes", "* text=auto\n")


def _convert_below(checkout: Checkout) -> None:
    checkout.write("folder/.gitattributes", "* text=auto\n")


def _file_to_folder(checkout: Checkout) -> None:
    (checkout.root / "file").unlink()
    checkout.write("file/inside", "new")


def _file_to_empty_folder(checkout: Checkout) -> None:
    (checkout.root / "file").unlink()
    (checkout.root / "file").mkdir()


def _folder_to_file(checkout: Checkout) -> None:
    shutil.rmtree(checkout.root / "folder")
    checkout.write("folder", "new")


def _folder_to_link(checkout: Checkout) -> None:
    shutil.rmtree(checkout.root / "folder")
    (checkout.root / "folder").symlink_to("other")


def _delete_all(checkout: Checkout) -> None:
    for path in (".gitignore", "file"):
        (checkout.root / path).unlink()
    shutil.rmtree(checkout.root / "folder")
    shutil.rmtree(checkout.root / "other")


@pytest.mark.parametrize(
    "change",
    [
        _unignore,
        _convert_by_a_new_file,
        _convert_below,
        _file_to_folder,
        _file_to_empty_folder,
        _folder_to_file,
        _folder_to_link,
        _delete_all,
    ],
)
def test_a_change_that_is_more_than_a_file_s_is_seen(checkout: Checkout, change: Any) -> None:
    checkout.write(".gitignore", "log\n")
    checkout.write("log", "ignored")
    checkout.write("file", CRLF)
    checkout.write("folder/file", CRLF)
    checkout.write("other/file", "new")
    # Tracked but not yet converted: Git keeps the line ends of what its index has.
    checkout.git("add", "file")
    checkout.git("rm", "--quiet", "--cached", "file")
    if change not in (_convert_by_a_new_file, _convert_below):
        checkout.commit()
    checkout.settle()
    known = read(checkout).known
    change(checkout)

    assert read(checkout, known).tree == checkout.tree()


@pytest.mark.parametrize("path", ["empty/file", "empty/-d/file", "ignored/file", "gone/new"])
def test_a_file_that_comes_into_a_folder_without_files_is_seen(
    checkout: Checkout, path: str
) -> None:
    checkout.write(".gitignore", "*.log\n")
    checkout.write("gone/old")
    checkout.commit()
    checkout.write("ignored/a.log")
    (checkout.root / "empty" / "-d").mkdir(parents=True)
    (checkout.root / "gone" / "old").unlink()
    checkout.settle()
    known = read(checkout).known
    checkout.write(path, "new")

    assert path in read(checkout, known).paths


def test_more_attributes_convert_what_was_not_touched(checkout: Checkout) -> None:
    checkout.write(".gitattributes", "*.bin -text\n")
    checkout.write("folder/file", CRLF)
    checkout.settle()
    known = read(checkout).known
    checkout.write("folder/.gitattributes", "file text\n")

    assert read(checkout, known).tree == checkout.tree()


def test_other_attributes_convert_what_was_not_touched(checkout: Checkout) -> None:
    checkout.write("file", CRLF)
    checkout.write(".gitattributes", "file text\n")
    checkout.settle()
    known = read(checkout).known
    checkout.write(".gitattributes", "file -text\n")
    bare = read(checkout, known)
    (checkout.root / ".gitattributes").unlink()
    gone = read(checkout, known)

    assert bare.digest("file") == gone.digest("file") == f"100644 {blob(CRLF)}"
    assert gone.tree == checkout.tree()


def blob(content: bytes) -> str:
    """What Git calls a blob: https://git-scm.com/book/en/v2/Git-Internals-Git-Objects."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _by_attributes(checkout: Checkout) -> None:
    checkout.write(".gitattributes", "* text=auto\n*.bin -text\n")


def _by_setting(checkout: Checkout) -> None:
    checkout.git("config", "core.autocrlf", "input")


def _by_setting_of_another_spelling(checkout: Checkout) -> None:
    checkout.git("config", "core.autocrlf", "Yes")


def _by_own_attributes(checkout: Checkout) -> None:
    checkout.write(".git/info/attributes", "* text=auto\n")


def _by_filter(checkout: Checkout) -> None:
    checkout.git("config", "filter.upper.clean", "tr a-z A-Z")
    checkout.write(".gitattributes", "* filter=upper\n")


@pytest.mark.parametrize(
    "convert",
    [_by_attributes, _by_setting, _by_setting_of_another_spelling, _by_own_attributes, _by_filter],
)
def test_files_are_converted_as_git_converts_them(checkout: Checkout, convert: Any) -> None:
    convert(checkout)
    for path in ("file", "-d", "new\nline", "\udcff", "folder/file", "file.bin"):
        checkout.write(path, CRLF)
    (checkout.root / "link").symlink_to(CRLF.decode())
    (checkout.root / "file").chmod(0o755)
    seen = read(checkout)

    assert seen.tree == checkout.tree()
    assert blob(CRLF) not in (seen.digest("file") or "")

    checkout.commit()
    checkout.write("folder/file", "three\r\nnew\r\nlines\r\n")

    assert read(checkout, seen.known).tree == checkout.tree()


@pytest.fixture
def other(tmp_path: Path) -> Checkout:
    """A repository with one commit."""
    made = Checkout.new(tmp_path / "other")
    made.write("file", "it")
    made.commit()
    return made


def test_a_submodule_is_its_commit(checkout: Checkout, other: Checkout) -> None:
    checkout.git("submodule", "--quiet", "add", str(other.root), "module")
    checkout.settle()
    seen = read(checkout)

    assert seen.digest("module") == f"160000 {other.git('rev-parse', 'HEAD')}"
    assert seen.tree == checkout.tree()

    inside = Checkout(checkout.root / "module")
    inside.git("-c", "user.name=T", "-c", "user.email=t@e", "commit", "-qm", "New", "--allow-empty")
    again = read(checkout, seen.known)

    assert again.digest("module") == f"160000 {inside.git('rev-parse', 'HEAD')}"
    assert again.tree == checkout.tree()

    inside.git("checkout", "--quiet", "HEAD~")  # and what was read again is read again

    assert read(checkout, again.known).tree == seen.tree


def test_a_submodule_that_is_not_checked_out_is_what_the_index_says(
    checkout: Checkout, other: Checkout, tmp_path: Path
) -> None:
    checkout.git("submodule", "--quiet", "add", str(other.root), "module")
    checkout.commit()
    clone = checkout.clone(tmp_path / "clone")

    assert not list((clone.root / "module").iterdir())
    assert read(clone).digest("module") == f"160000 {other.git('rev-parse', 'HEAD')}"
    assert read(clone).tree == clone.tree()


def test_a_repository_within_counts_as_git_counts_it(checkout: Checkout) -> None:
    checkout.write("file", "it")
    within = Checkout.new(checkout.root / "within")
    within.write("file", "it")
    unborn = read(checkout)
    within.commit()

    assert unborn.paths == ("file",)  # it has no commit that Git could name
    assert read(checkout).paths == ("file", "within")
    assert read(checkout).tree == checkout.tree()


def test_a_tracked_file_counts_though_it_is_ignored(checkout: Checkout) -> None:
    checkout.write("log", "it")
    checkout.commit()
    checkout.write(".gitignore", "log\n")
    checkout.write("folder/log", "not tracked")

    assert read(checkout).paths == (".gitignore", "log")
    assert read(checkout).tree == checkout.tree()


def test_what_is_no_file_is_left_out(checkout: Checkout) -> None:
    checkout.write("file", "it")
    checkout.commit()
    (checkout.root / "file").unlink()
    os.mkfifo(checkout.root / "file")  # to open it would be to wait for a writer

    assert read(checkout).paths == ()


def test_an_empty_repository_has_the_empty_tree(checkout: Checkout) -> None:
    assert read(checkout).tree == "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


def test_outside_a_repository_the_tree_is_the_same(
    checkout: Checkout, tmp_path_factory: pytest.TempPathFactory
) -> None:
    checkout.write("folder/file", "it")
    within = worktree.read(str(checkout.root), None)
    plain = tmp_path_factory.mktemp("plain") / "it"
    shutil.copytree(checkout.root, plain, ignore=shutil.ignore_patterns(".git"))

    assert worktree.read(str(plain), None).tree == within.tree
    assert worktree.read(str(plain), None).paths == within.paths


OPENED = """
import os, sys
from pipelines.checkout import worktree
root, opened = sys.argv[1], []
def note(event, words):
    if event == "open" and isinstance(words[0], str) and words[0].startswith(root + "/"):
        opened.append(os.path.relpath(words[0], root))
sys.addaudithook(note)
seen = worktree.read(root, None)
print("\\n".join(opened))
"""


def opened(checkout: Checkout) -> list[str]:
    """The files of the repository that are opened when it is read for the first time."""
    words = [sys.executable, "-c", OPENED, str(checkout.root)]
    said = subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True)
    return said.stdout.split()


@pytest.mark.parametrize("hash_name", FORMATS)
def test_a_fresh_clone_is_known_from_git_s_index(tmp_path: Path, hash_name: str) -> None:
    checkout = Checkout.new(tmp_path / "repository", f"--object-format={hash_name}")
    for path in ("file", "folder/file", "ü", "new\nline", "-d"):
        checkout.write(path, path)
    checkout.write("empty", "")
    (checkout.root / "file").chmod(0o755)
    (checkout.root / "link").symlink_to("file")
    checkout.commit()
    clone = checkout.clone(tmp_path / "clone")

    assert opened(clone) == []
    assert contents(read(clone)) == contents(read(checkout))
    assert read(clone).tree == clone.tree()

    clone.write("folder/file", "new")

    assert opened(clone) == ["folder/file"]


def test_what_git_s_index_may_have_missed_is_read(checkout: Checkout) -> None:
    checkout.write("old", "it")
    checkout.settle()
    checkout.write("young", "it")
    checkout.git("add", "--all")
    changed = (checkout.root / "young").stat().st_mtime_ns
    os.utime(checkout.index, ns=(changed, changed))  # as if both were of one tick of the clock

    assert opened(checkout) == ["young"]


def test_a_size_of_zero_in_git_s_index_is_not_believed(checkout: Checkout) -> None:
    """Git writes it over what was racily clean, and here the file is empty by now."""
    checkout.write("file", "")
    checkout.git("add", "--all")
    other = checkout.git("hash-object", "-w", str(ROOT / "LICENSE"))
    entries = checkout.index.read_bytes()[:-20]
    entries = entries.replace(bytes.fromhex(blob(b"")), bytes.fromhex(other))
    checkout.index.write_bytes(entries + hashlib.sha1(entries, usedforsecurity=False).digest())
    checkout.age_index()

    assert read(checkout).digest("file") == f"100644 {blob(b'')}"


def test_a_file_that_goes_while_it_is_read_is_read_as_gone(checkout: Checkout) -> None:
    checkout.write("here", "it")
    checkout.write("there", "it")
    known = read(checkout).known
    (checkout.root / "there").unlink()

    # What a first look found: nothing of the file that went after it.
    seen = worktree.read(str(checkout.root), known, [0, 1], seen=0)

    assert seen.paths == ("here",)
    assert seen.tree == checkout.tree()


def test_what_was_found_to_have_moved_is_all_that_is_read(checkout: Checkout) -> None:
    checkout.write("one", "it")
    checkout.write("two", "it")
    known = read(checkout).known
    checkout.write("one", "new")
    checkout.write("two", "new")

    seen = worktree.read(str(checkout.root), known, [1], seen=0)

    assert seen.changed == frozenset({1})
    assert seen.digest("one") == f"100644 {blob(b'it')}"


def test_changes_to_inputs_during_a_step_are_found(checkout: Checkout) -> None:
    for path in ("kept", "touched", "changed", "gone", "folder/kept"):
        checkout.write(path, "it")
    seen = read(checkout)
    checkout.settle()
    os.utime(checkout.root / "touched")
    checkout.write("changed", "me")
    (checkout.root / "gone").unlink()

    assert worktree.changed_files(seen, range(len(seen.paths))) == ["changed", "gone"]


def test_files_added_during_a_step_are_found(checkout: Checkout) -> None:
    checkout.write(".gitignore", "*.log\n")
    checkout.write("folder/old", "it")
    seen = read(checkout)
    checkout.write("folder/new", "it")
    checkout.write("folder/new.log", "it")
    checkout.write("top", "it")
    checkout.write("folder/deep/er", "it")

    assert sorted(worktree.added_files(seen, [""])) == ["top"]
    assert sorted(worktree.added_files(seen, ["folder"])) == ["folder/deep/er", "folder/new"]
