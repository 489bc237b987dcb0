"""What Git tracks is read, whatever state the repository is in; nothing else is."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from pipelines.audit import tracked
from pipelines.audit.tracked import LARGEST
from pipelines.errors import ConfigError


class Checkout:
    """A repository in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *words: str) -> str:
        return subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *words],
            cwd=self.folder,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()

    def write(self, path: str, text: str | bytes) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())

    def commit(self, **files: str | bytes) -> str:
        for path, text in files.items():
            self.write(path, text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "a commit")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    folder = tmp_path / "checkout"
    folder.mkdir()
    return Checkout(folder)


def test_only_what_git_tracks_counts(checkout: Checkout) -> None:
    checkout.commit(a="one")
    checkout.write("b", "two")

    assert tracked.read(checkout.folder).paths == ("a",)


def test_a_tracked_file_is_read_as_it_is_now(checkout: Checkout) -> None:
    checkout.commit(a="one", b="two")
    checkout.write("a", "changed")
    (checkout.folder / "b").unlink()

    now = tracked.read(checkout.folder)

    assert (now.paths, now.text("a")) == (("a",), "changed")


def test_a_revision_is_read_as_it_was(checkout: Checkout) -> None:
    first = checkout.commit(a="one")
    checkout.commit(a="changed", b="two")

    then = tracked.read(checkout.folder, first)

    assert (then.paths, then.text("a")) == (("a",), "one")


def test_a_folder_of_a_repository_is_read_from_there(checkout: Checkout) -> None:
    checkout.write("apps/api/a", "one")
    checkout.write("apps/apiary/b", "two")
    checkout.commit()

    for revision in ("", "HEAD"):
        assert tracked.read(checkout.folder / "apps" / "api", revision).paths == ("a",)


def test_a_bare_repository_needs_a_revision(checkout: Checkout, tmp_path: Path) -> None:
    checkout.commit(a="one")
    bare = tmp_path / "bare.git"
    checkout.git("clone", "--quiet", "--bare", str(checkout.folder), str(bare))

    assert tracked.read(bare, "main").paths == ("a",)
    with pytest.raises(ConfigError, match=r"bare repository.*--rev HEAD"):
        tracked.read(bare)


def test_an_empty_repository_has_no_files(checkout: Checkout) -> None:
    assert tracked.read(checkout.folder).paths == ()


def test_a_folder_in_no_repository_is_read_as_git_would_see_it(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("secret\n")
    (tmp_path / "secret").write_text("x")
    (tmp_path / "apps").mkdir()
    (tmp_path / "apps" / "a").write_text("one")

    found = tracked.read(tmp_path)

    assert found.paths == (".gitignore", "apps/a")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".gitignore", "apps", "secret"]


@pytest.mark.parametrize(
    ("revision", "said"),
    [("nowhere", "no commit called 'nowhere'"), ("HEAD:a", "no commit called 'HEAD:a'")],
)
def test_what_is_no_commit_is_one_line(checkout: Checkout, revision: str, said: str) -> None:
    checkout.commit(a="one")

    with pytest.raises(ConfigError, match=said):
        tracked.read(checkout.folder, revision)


def test_a_missing_folder_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such folder"):
        tracked.read(tmp_path / "nowhere")


def test_links_are_named_and_not_followed(checkout: Checkout, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("not yours")
    (checkout.folder / "link").symlink_to(outside)
    (checkout.folder / "loop").symlink_to("loop")
    checkout.commit(a="one")

    for revision in ("", "HEAD"):
        found = tracked.read(checkout.folder, revision)
        assert (found.paths, found.links) == (("a",), {"link", "loop"})
        assert found.text("link") is None


def test_a_folder_that_became_a_link_is_not_followed(checkout: Checkout, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a").write_text("not yours")
    checkout.write("folder/a", "one")
    checkout.commit()
    (checkout.folder / "folder" / "a").unlink()
    (checkout.folder / "folder").rmdir()
    (checkout.folder / "folder").symlink_to(outside)

    assert tracked.read(checkout.folder).text("folder/a") is None


def test_a_file_that_became_a_pipe_is_not_waited_for(checkout: Checkout) -> None:
    checkout.commit(a="one")
    (checkout.folder / "a").unlink()
    os.mkfifo(checkout.folder / "a")

    assert tracked.read(checkout.folder).text("a") in ("", None)


def test_a_submodule_is_named_and_not_read(checkout: Checkout, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    Checkout(other).commit(b="two")
    checkout.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other), "x")
    checkout.commit(a="one")

    for revision in ("", "HEAD"):
        found = tracked.read(checkout.folder, revision)
        assert (found.paths, found.submodules) == ((".gitmodules", "a"), {"x"})


def test_what_is_too_large_is_told_and_not_read(checkout: Checkout) -> None:
    checkout.commit(large=b"x" * (LARGEST + 1), small=b"x" * LARGEST)

    for revision in ("", "HEAD"):
        found = tracked.read(checkout.folder, revision)
        assert found.text("large") is None
        assert found.text("small") is not None
        assert found.too_large == {"large"}


def test_text_is_read_whatever_its_encoding(checkout: Checkout) -> None:
    checkout.commit(latin="caf\u00e9".encode("latin-1"), binary=b"a\0b", mark=b"\xef\xbb\xbfa: 1")

    found = tracked.read(checkout.folder)

    assert found.text("latin") == "caf\ufffd"
    assert found.text("binary") is None
    assert found.text("mark") == "a: 1"


def test_names_that_are_no_utf_8_are_files_like_others(checkout: Checkout) -> None:
    (checkout.folder / os.fsdecode(b"caf\xe9")).write_text("one")
    checkout.commit()

    for revision in ("", "HEAD"):
        found = tracked.read(checkout.folder, revision)
        assert [found.text(path) for path in found.paths] == ["one"]


def test_no_program_of_the_repository_runs(checkout: Checkout, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {ran}\n")
    program.chmod(0o755)
    checkout.commit(a="one", **{".gitattributes": "* filter=x diff=x\n"})
    for name in ("core.fsmonitor", "filter.x.smudge", "filter.x.clean", "diff.x.textconv"):
        checkout.git("config", name, str(program))

    for revision in ("", "HEAD"):
        assert tracked.read(checkout.folder, revision).text("a") == "one"
    assert not ran.exists()


@pytest.mark.parametrize(
    ("folder", "path", "found"),
    [
        ("apps", "api", "apps/api"),
        ("apps", "./api/../web/", "apps/web"),
        ("apps", "..", ""),
        ("", ".", ""),
        ("apps", "../../etc", None),
        ("apps", "/etc", None),
        ("apps", "~/x", None),
        ("apps", "a\0b", None),
    ],
)
def test_a_path_leads_within_the_repository_or_nowhere(
    folder: str, path: str, found: str | None
) -> None:
    assert tracked.join(folder, path) == found
