"""What Git says, of repositories of every shape."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from pipelines.checkout import git
from pipelines.errors import ConfigError, MachineError
from tests.pipelines.checkout import Checkout

ODD = ["-d", "a b", "new\nline", "ü", "\udcff", ":(top)x", "*"]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout.new(tmp_path / "repository")


def root(checkout: Checkout) -> str:
    return str(checkout.root)


@pytest.mark.parametrize("hash_name", ["sha1", "sha256"])
def test_a_repository_says_what_it_names_contents_by(tmp_path: Path, hash_name: str) -> None:
    checkout = Checkout.new(tmp_path, f"--object-format={hash_name}")
    found = git.repository(root(checkout))

    assert found == git.Repository(hash_name, str(checkout.index), converts=False)


def test_a_linked_worktree_has_an_index_of_its_own_and_the_attributes_of_all(
    checkout: Checkout, tmp_path: Path
) -> None:
    checkout.commit()
    checkout.git("worktree", "add", "--quiet", str(tmp_path / "linked"))
    checkout.write(".git/info/attributes", "* text=auto\n")
    found = git.repository(str(tmp_path / "linked"))

    assert found.index_file == str(checkout.root / ".git" / "worktrees" / "linked" / "index")
    assert found.converts


def test_files_are_all_that_git_tracks_or_would_track(checkout: Checkout) -> None:
    checkout.write(".gitignore", "*.log\n")
    for path in (*ODD, "folder/file", "tracked.log"):
        checkout.write(path)
    checkout.git("add", "--force", "tracked.log")
    checkout.write("other.log")

    assert git.files(root(checkout)) == tuple(
        sorted([*ODD, ".gitignore", "folder/file", "tracked.log"])
    )


def test_files_of_a_folder_within_are_relative_to_it(checkout: Checkout) -> None:
    checkout.write("top")
    checkout.write("folder/file")

    assert git.files(str(checkout.root / "folder")) == ("file",)
    assert git.open_folders(str(checkout.root / "folder")) == [""]


def test_a_folder_is_open_when_git_would_track_what_comes_into_it(checkout: Checkout) -> None:
    checkout.write(".gitignore", "ignored/\n*.log\n")
    checkout.write("tracked/file")
    checkout.git("add", "--all")
    checkout.write("own/.gitignore", "*\n")
    for folder in ("empty", "tracked/empty", "new/-d/\udcff", "logs", "ignored/deep", "own/deep"):
        (checkout.root / folder).mkdir(parents=True)
    checkout.write("new/file")
    checkout.write("new/ignored/file")
    checkout.write("logs/a.log")
    Checkout.new(checkout.root / "within").commit()

    assert sorted(git.open_folders(root(checkout))) == [
        "empty", "logs", "new", "new/-d", "new/-d/\udcff", "tracked/empty",
    ]  # fmt: skip


def test_untracked_files_are_found_by_their_very_names(checkout: Checkout) -> None:
    checkout.write(".gitignore", "*.log\n")
    for path in (*ODD, "folder/file", "folder/a.log", "asked.log", "not asked"):
        checkout.write(path)
    checkout.write("tracked")
    checkout.git("add", "tracked")
    asked = [*ODD, "folder", "tracked", "asked.log", "nothing"]

    assert sorted(git.untracked(root(checkout), asked)) == sorted([*ODD, "folder/file"])


def test_what_changed_since_a_commit_is_named_whatever_became_of_it(checkout: Checkout) -> None:
    for path in ("same", "staged", "unstaged", "gone", "old name", *ODD):
        checkout.write(path, path)
    checkout.commit()
    commit = checkout.git("rev-parse", "HEAD")
    checkout.write("committed", "new")
    checkout.commit()
    checkout.write("staged", "new")
    checkout.git("add", "staged")
    checkout.write("unstaged", "new")
    checkout.write("untracked", "new")
    (checkout.root / "gone").unlink()
    checkout.git("mv", "old name", "new name")
    for path in ODD:
        checkout.write(path, "new")

    assert git.changed_since(root(checkout), commit) == {
        "committed", "staged", "unstaged", "untracked", "gone", "old name", "new name", *ODD,
    }  # fmt: skip


def test_what_changed_above_a_folder_is_not_its_own(checkout: Checkout) -> None:
    checkout.write("top", "it")
    checkout.write("folder/file", "it")
    checkout.commit()
    checkout.write("top", "new")
    checkout.write("folder/file", "new")

    assert git.changed_since(str(checkout.root / "folder"), "HEAD") == {"file"}


def parted(checkout: Checkout) -> str:
    """Two branches, `main` and `topic`, one commit each after the one that is returned."""
    checkout.commit()
    common = checkout.git("rev-parse", "HEAD")
    checkout.git("checkout", "--quiet", "-b", "topic")
    checkout.commit()
    checkout.git("checkout", "--quiet", "main")
    checkout.commit()
    return common


def test_two_branches_parted_where_they_parted(checkout: Checkout) -> None:
    common = parted(checkout)

    assert git.merge_base(root(checkout), "topic") == common


@pytest.mark.parametrize("default", ["main", "master", "trunk"])
def test_the_default_branch_is_found(checkout: Checkout, tmp_path: Path, default: str) -> None:
    common = parted(checkout)
    checkout.git("branch", "--quiet", "--move", default)
    clone = Checkout(tmp_path / "clone")
    checkout.clone(clone.root)
    clone.git("checkout", "--quiet", "topic")

    assert git.merge_base(root(clone), "") == common


def test_without_a_remote_it_is_the_local_branch(checkout: Checkout) -> None:
    common = parted(checkout)
    checkout.git("checkout", "--quiet", "topic")

    assert git.merge_base(root(checkout), "") == common


def test_a_configured_default_branch_comes_before_the_usual_ones(checkout: Checkout) -> None:
    parted(checkout)
    checkout.git("branch", "trunk", "topic")
    checkout.git("config", "init.defaultBranch", "trunk")
    checkout.git("checkout", "--quiet", "topic")

    assert git.merge_base(root(checkout), "") == checkout.git("rev-parse", "topic")


@pytest.mark.parametrize("ref", ["none", "--help", "-d"])
def test_a_ref_that_is_none_is_said(checkout: Checkout, ref: str) -> None:
    checkout.commit()

    with pytest.raises(ConfigError, match=f"no commit that HEAD and {ref} have in common"):
        git.merge_base(root(checkout), ref)


def test_a_branch_of_another_history_has_nothing_in_common(checkout: Checkout) -> None:
    checkout.commit()
    checkout.git("checkout", "--quiet", "--orphan", "other")
    checkout.git("commit", "--quiet", "--allow-empty", "--message", "Another beginning")

    with pytest.raises(ConfigError, match="HEAD and main have in common; fetch the branch"):
        git.merge_base(root(checkout), "main")


def test_blob_ids_are_those_of_the_files_in_order(checkout: Checkout) -> None:
    paths = [f"{number}" for number in range(501)]  # more than one command line
    for path in paths:
        checkout.write(path, path)
    found = git.blob_ids(root(checkout), paths)

    assert found[0] == checkout.git("hash-object", "0")
    assert found[500] == checkout.git("hash-object", "500")
    assert len(set(found)) == 501
    assert git.blob_ids(root(checkout), []) == []


def test_the_index_names_contents_and_times(checkout: Checkout) -> None:
    for path in ODD:
        checkout.write(path, path)
    checkout.write("-d", "it")
    (checkout.root / "-d").chmod(0o755)
    checkout.git("add", "--all")
    checkout.age_index()
    about = (checkout.root / "-d").stat()
    found = git.index(root(checkout), git.repository(root(checkout)))

    numbers = (about.st_mtime_ns, about.st_ctime_ns, 2, about.st_ino & 0xFFFF_FFFF)
    assert found["-d"] == (numbers, f"100755 {checkout.git('hash-object', './-d')}")
    assert sorted(found) == sorted(ODD)


def test_entries_as_young_as_the_index_are_left_out(checkout: Checkout) -> None:
    checkout.write("old")
    checkout.settle()
    checkout.write("young")
    checkout.git("add", "--all")
    changed = (checkout.root / "young").stat().st_ctime_ns
    os.utime(checkout.index, ns=(changed, changed))

    assert list(git.index(root(checkout), git.repository(root(checkout)))) == ["old"]


def test_entries_in_conflict_are_left_out(checkout: Checkout) -> None:
    checkout.write("both", "it")
    checkout.write("other", "it")
    checkout.git("add", "other")
    blob = checkout.git("hash-object", "-w", "both")
    stages = "".join(f"100644 {blob} {stage}\tboth\n" for stage in (1, 2, 3))
    words = ["git", "update-index", "--index-info"]
    subprocess.run(words, cwd=checkout.root, input=stages.encode(), check=True)
    checkout.age_index()

    assert list(git.index(root(checkout), git.repository(root(checkout)))) == ["other"]


def test_without_an_index_nothing_is_known(checkout: Checkout) -> None:
    assert git.index(root(checkout), git.repository(root(checkout))) == {}


def test_the_commit_of_a_folder_that_is_no_repository_is_empty(checkout: Checkout) -> None:
    checkout.write("file/inside")
    checkout.commit()

    assert git.commit_of(root(checkout), "file") == ""


def test_what_git_cannot_do_is_one_line(checkout: Checkout) -> None:
    checkout.index.write_bytes(b"no index at all")

    with pytest.raises(MachineError, match=r"^git ls-files failed in .*: fatal: .*index"):
        git.files(root(checkout))
