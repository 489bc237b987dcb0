"""Outputs are kept with their evidence, and put back as they were."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import pytest

from pipelines.errors import SummitError
from pipelines.ledger import Keys, Ledger
from pipelines.running import outputs
from pipelines.running.outputs import Seen


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    return folder


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger", Keys(tmp_path, folder=tmp_path / "keys"))


def write(root: Path, path: str, content: str, mode: int = 0o644) -> Path:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)
    file.chmod(mode)
    return file


def keep(root: Path, ledger: Ledger, *wanted: str) -> dict[str, str]:
    return outputs.keep(str(root), wanted, ledger, {})


def restore(
    root: Path, kept: dict[str, str], ledger: Ledger, seen: Seen | None = None
) -> list[str]:
    return outputs.restore(str(root), kept, ledger, {} if seen is None else seen)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (["out/**"], ["out/a", "out/deep/b.js", "out/ü"]),
        (["out"], ["out/a", "out/deep/b.js", "out/ü"]),
        (["out/**", "!out/deep/**"], ["out/a", "out/ü"]),
        (["out/**/*.js"], ["out/deep/b.js"]),
        (["/.coverage"], [".coverage"]),
        (["**/*.js"], ["out/deep/b.js"]),
        (["out/a", "out/*"], ["out/a", "out/deep/b.js", "out/ü"]),
        (["none/**", "none"], []),
        ([], []),
    ],
)
def test_outputs_are_the_files_that_the_patterns_name(
    root: Path, wanted: list[str], found: list[str]
) -> None:
    for path in ("out/a", "out/deep/b.js", "out/ü", ".coverage", "other"):
        write(root, path, path)
    (root / "out" / "empty").mkdir()

    assert outputs.find(str(root), wanted) == found


def test_what_is_kept_is_named_by_mode_and_content(root: Path, ledger: Ledger) -> None:
    write(root, "out/tool", "it", 0o755)
    write(root, "out/new\nline", "")

    kept = keep(root, ledger, "out/**")

    assert kept == {
        "out/new\nline": f"100644 {hashlib.sha256(b'').hexdigest()}",
        "out/tool": f"100755 {hashlib.sha256(b'it').hexdigest()}",
    }
    assert ledger.blobs.read(kept["out/tool"].split()[1]) == b"it"


def test_what_is_gone_is_put_back_as_it_was(root: Path, ledger: Ledger) -> None:
    write(root, "out/deep/tool", "it", 0o750)
    write(root, "out/text", "words", 0o600)
    kept = keep(root, ledger, "out/**")
    shutil.rmtree(root / "out")

    assert restore(root, kept, ledger) == ["out/deep/tool", "out/text"]
    assert (root / "out/deep/tool").read_text() == "it"
    assert (root / "out/deep/tool").stat().st_mode & 0o777 == 0o750
    assert (root / "out/text").stat().st_mode & 0o777 == 0o600


def _other_content(file: Path) -> None:
    file.write_text("of other evidence")


def _as_many_bytes_of_the_same_time(file: Path) -> None:
    before = file.stat()
    file.write_text("ti")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def _cut_short(file: Path) -> None:
    file.write_text("")


def _other_mode(file: Path) -> None:
    file.chmod(0o644)


def _a_link(file: Path) -> None:
    file.rename(file.with_name("elsewhere"))
    file.symlink_to("elsewhere")
    _other_content(file)


@pytest.mark.parametrize(
    "spoil", [_other_content, _as_many_bytes_of_the_same_time, _cut_short, _other_mode, _a_link]
)
def test_a_stale_output_is_put_right(root: Path, ledger: Ledger, spoil: object) -> None:
    file = write(root, "tool", "it", 0o755)
    kept = keep(root, ledger, "tool")
    assert callable(spoil)
    spoil(file)

    assert restore(root, kept, ledger) == ["tool"]
    assert file.read_text() == "it"
    assert file.stat().st_mode & 0o777 == 0o755
    assert not file.is_symlink()


def test_what_a_link_led_to_is_left_as_it_is(root: Path, ledger: Ledger) -> None:
    file = write(root, "out/it", "it")
    kept = keep(root, ledger, "out/it")
    file.unlink()
    file.symlink_to(write(root, "mine", "my own"))
    restore(root, kept, ledger)

    assert (root / "mine").read_text() == "my own"
    assert file.read_text() == "it"


def test_outputs_of_earlier_evidence_come_back(root: Path, ledger: Ledger) -> None:
    write(root, "out", "first")
    first = keep(root, ledger, "out")
    write(root, "out", "second")
    second = keep(root, ledger, "out")

    for kept, content in ((first, "first"), (second, "second"), (first, "first")):
        assert restore(root, kept, ledger) == ["out"]
        assert (root / "out").read_text() == content


def test_what_is_right_is_left_alone(root: Path, ledger: Ledger) -> None:
    file = write(root, "out", "it")
    kept = keep(root, ledger, "out")
    inode = file.stat().st_ino

    assert restore(root, kept, ledger) == []
    assert file.stat().st_ino == inode


def test_what_was_seen_to_be_right_is_not_looked_at_again(root: Path, ledger: Ledger) -> None:
    file = write(root, "out", "it")
    kept = keep(root, ledger, "out")
    seen: Seen = {}
    restore(root, kept, ledger, seen)
    file.write_text("changed since")

    assert restore(root, kept, ledger, seen) == []
    assert restore(root, {"out": kept["out"].replace("100644", "100755")}, ledger, seen) == ["out"]


def test_a_program_that_writes_into_its_output_does_not_reach_the_ledger(
    root: Path, ledger: Ledger
) -> None:
    file = write(root, "out", "it")
    kept = keep(root, ledger, "out")
    file.unlink()
    restore(root, kept, ledger)
    with file.open("a") as opened:
        opened.write(" and more")

    assert restore(root, kept, ledger) == ["out"]
    assert file.read_text() == "it"


@pytest.mark.parametrize("content", [None, "damaged"])
def test_what_the_ledger_lost_is_said(root: Path, ledger: Ledger, content: str | None) -> None:
    file = write(root, "out", "it")
    kept = keep(root, ledger, "out")
    blob = Path(ledger.blobs.path(kept["out"].split()[1]))
    blob.unlink()
    if content:
        blob.write_text(content)
    file.write_text("other")

    with pytest.raises(SummitError, match=r"^the blob [0-9a-f]{64} is (gone|damaged)"):
        restore(root, kept, ledger)

    assert file.read_text() == "other"  # nothing half done
