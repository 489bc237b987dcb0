"""`inv ledger...`: what a person types and reads."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.ledger.keyfile import public_pem
from pipelines.step import Counts, Status
from tests.pipelines.ledger.sample import Sample, fingerprint

ROOT = Path(__file__).parents[3]
COUNTED = "3 run, 1 failed, 1 skipped"
Summit = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def here(tmp_path: Path) -> Sample:
    """The ledger of a repository, where the tasks look for it."""
    (tmp_path / "compose.yaml").write_text("services: {}\n")
    (tmp_path / ".summit").mkdir()
    (tmp_path / "ledger").symlink_to(".summit/ledger")
    (tmp_path / ".summit" / "ledger").mkdir()
    return Sample(tmp_path, whose="config/summit")


@pytest.fixture
def summit(here: Sample) -> Summit:
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "XDG_CONFIG_HOME": str(here.folder / "config"),
        "NO_COLOR": "1",
    }

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-P", "-m", "tasks", *words],
            cwd=here.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_verify_says_what_holds_and_what_it_cannot_show(here: Sample, summit: Summit) -> None:
    here.add()
    here.add()

    outcome = summit("ledger.verify")

    assert outcome.stdout == (
        "2 records hold\n"
        f"2 by the local key {here.keys.keyid[:12]}: somebody holding it said so on this machine\n"
        "truncation: not detectable without a checkpoint\n"
    )
    assert (outcome.returncode, outcome.stderr) == (0, "")


def test_verify_names_the_record_of_which_a_bit_was_flipped(here: Sample, summit: Summit) -> None:
    lines = [here.add().line, here.add().line, here.add().line]
    here.write(lines[0], lines[1].replace(b"A", b"B", 1), lines[2])

    outcome = summit("ledger.verify")

    assert re.fullmatch(r"record 1 \(.*, [0-9a-f]{12}\): .*\n", outcome.stdout)
    assert outcome.stderr.startswith("error: 1 fault in ")
    assert outcome.returncode == 3


def test_a_long_list_of_faults_is_cut(here: Sample, summit: Summit) -> None:
    here.write(*[b"nonsense"] * 25)

    outcome = summit("ledger.verify")

    assert len(outcome.stdout.splitlines()) == 21
    assert outcome.stdout.endswith("and 5 more\n")


@pytest.mark.parametrize("how", ["line", "file"])
def test_a_checkpoint_shows_a_truncation(here: Sample, summit: Summit, how: str) -> None:
    kept = here.add().line
    here.add()
    printed = summit("ledger.checkpoint").stdout
    given = printed.rstrip()
    if how == "file":
        (here.folder / "kept.txt").write_text(printed)
        given = "kept.txt"

    assert (
        "checkpoint: its 2 records are all there\n"
        in summit("ledger.verify", "--checkpoint", given).stdout
    )
    here.write(kept)
    outcome = summit("ledger.verify", "--checkpoint", given)

    assert "the checkpoint knows 2 records, and 1 are left" in outcome.stdout
    assert outcome.returncode == 3
    assert summit("ledger.verify").returncode == 0


def test_a_faulty_ledger_gets_no_checkpoint(here: Sample, summit: Summit) -> None:
    here.write(b"nonsense")

    outcome = summit("ledger.checkpoint")

    assert (outcome.returncode, outcome.stdout) == (3, "")


def test_what_is_no_checkpoint_is_one_line(summit: Summit) -> None:
    outcome = summit("ledger.verify", "--checkpoint", "nonsense")

    assert outcome.stderr.startswith("error: not a checkpoint: 'nonsense'; ")
    assert outcome.returncode == 2


def test_show_lists_the_newest_record_of_each_step(here: Sample, summit: Summit) -> None:
    here.add("test:kit")
    failed = here.add("lint:kit", counts=Counts(3, 1, 1, 1), status=Status.FAILED)
    newest = here.add("test:kit")

    listed = summit("ledger.show").stdout
    assert [re.split("  +", line) for line in listed.splitlines()] == [
        ["number", "record", "step", "result", "ended", "seconds", "tests"],
        ["2", newest.id[:12], "test:kit", "passed", newest.ended, "0.000"],
        ["1", failed.id[:12], "lint:kit", "failed", failed.ended, "0.000", COUNTED],
    ]
    assert len(summit("ledger.show", "--step", "test:kit").stdout.splitlines()) == 1 + 2
    assert len(summit("ledger.show", "--all").stdout.splitlines()) == 1 + 3


def test_show_says_when_there_is_nothing(here: Sample, summit: Summit) -> None:
    assert summit("ledger.show").stderr == "nothing recorded\n"
    assert summit("ledger.show", "--step", "a:b").stderr == "nothing recorded of a:b\n"


def test_show_warns_of_what_is_no_evidence(here: Sample, summit: Summit) -> None:
    here.write(b"nonsense")

    file = here.folder / ".summit" / "ledger" / "records.jsonl"
    assert summit("ledger.show").stderr == (
        f"warning: {file}: record 0 is no evidence: it is not an envelope\nnothing recorded\n"
    )


def test_show_tells_everything_about_one_record(here: Sample, summit: Summit) -> None:
    log = here.ledger.blobs.put(b"1 passed\n")
    made = here.add(exit_code=0, log=log)
    record = ("ledger.show", "--record", made.id[:8])

    fields = dict(re.findall(r"^(\S+(?: \S+)*)  +(.*)$", summit(*record).stdout, re.MULTILINE))
    assert fields["record"] == made.id
    assert fields["step"] == "test:kit"
    assert fields["exit code"] == "0"
    assert fields["inputs"] == f"sha256:{made.fingerprint}"
    assert summit(*record, "--log").stdout == "1 passed\n"
    assert json.loads(summit(*record, "--envelope").stdout) == json.loads(made.line)
    inputs = fingerprint("test:kit", "as they are").document().decode()
    assert summit(*record, "--inputs").stdout == f"{inputs}\n"


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("--log",), "--log, --envelope and --inputs are about one record; name it .*"),
        (("--record", "0", "--log"), "no log was kept of record 0"),
        (("--record", "nonsense"), "no record 'nonsense' in .*"),
    ],
)
def test_what_cannot_be_shown_is_one_line(
    here: Sample, summit: Summit, words: tuple[str, ...], error: str
) -> None:
    here.add()

    outcome = summit("ledger.show", *words)

    assert re.fullmatch(f"error: {error}\n", outcome.stderr)
    assert outcome.returncode == 2


def test_flaky_shows_what_both_passed_and_failed_on_the_same_inputs(
    here: Sample, summit: Summit
) -> None:
    assert summit("ledger.flaky").stderr == "no step both passed and failed on the same inputs\n"
    here.add("test:kit", "same")
    failed = here.add("test:kit", "same", status=Status.FAILED)
    here.add("lint:kit", "one")
    here.add("lint:kit", "other", status=Status.FAILED)

    assert summit("ledger.flaky").stdout == (
        "step      fingerprint   passed  failed  records that failed\n"
        f"test:kit  {failed.fingerprint[:12]}  1       1       {failed.id[:12]}\n"
    )


def test_gc_says_what_it_removed_and_why_the_rest_stays(here: Sample, summit: Summit) -> None:
    here.add()
    for number in range(3):
        digest = here.ledger.blobs.put(b"%d" % number * (1 << 20))
        os.utime(here.ledger.blobs.path(digest), (number, number))

    assert summit("ledger.gc", "--max-mib", "2").stdout == (
        "removed: 2 files, 2.0 MiB; kept: 2, 1.0 MiB\n"
    )
    outcome = summit("ledger.gc", "--max-mib", "0")
    assert outcome.stdout == "removed: 1 files, 1.0 MiB; kept: 1, 0.0 MiB\n"
    assert outcome.stderr == "what is left is needed by live records, or younger than an hour\n"


def test_key_prints_the_public_key(here: Sample, summit: Summit) -> None:
    assert summit("ledger.key").stdout == public_pem(here.keys.point)
