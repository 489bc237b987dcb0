"""Appending and finding: what was recorded is found again, and only that."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.errors import ConfigError, MachineError
from pipelines.ledger import Keys, Ledger
from pipelines.step import Counts, Status
from tests.pipelines.ledger.sample import Sample, claim, fingerprint

ROOT = Path(__file__).parents[3]


def test_a_record_says_what_the_result_was(sample: Sample) -> None:
    made = sample.add(
        "test:kit",
        status=Status.FAILED,
        exit_code=1,
        seconds=1.5,
        counts=Counts(run=3, passed=2, failed=1, skipped=0),
        failed_tests=("test_a",),
    )

    found = sample.ledger.find(fingerprint("test:kit", "as they are").digest())
    assert found == made
    assert (found.step_id, found.passed, found.seconds) == ("test:kit", False, 1.5)
    assert found.counts == Counts(3, 2, 1, 0)
    assert found.ended == "2030-01-01T12:00:01.500Z"
    assert found.statement["predicate"]["failedTests"] == ["test_a"]


def test_nothing_is_made_before_the_first_record(sample: Sample) -> None:
    ledger = sample.ledger

    assert ledger.find("0" * 64) is None
    assert ledger.latest("test:kit") is None
    assert list(ledger.records()) == []
    assert ledger.stamp() is None
    assert list(sample.folder.iterdir()) == []


def test_a_failed_record_stays_when_a_later_one_passes(sample: Sample) -> None:
    failed = sample.add(status=Status.FAILED)
    passed = sample.add(status=Status.PASSED)

    assert sample.ledger.find(passed.fingerprint) == passed
    assert sample.ledger.latest("test:kit") == passed
    assert sample.ledger.history("test:kit") == [failed, passed]


def test_each_record_names_the_one_before_it(sample: Sample) -> None:
    first, second = sample.add(), sample.add()

    assert (first.sequence, first.previous) == (0, "0" * 64)
    assert (second.sequence, second.previous) == (1, first.id)


def test_a_record_is_found_by_its_number_or_the_beginning_of_its_id(sample: Sample) -> None:
    records = [sample.add(inputs=str(number)) for number in range(3)]

    assert sample.ledger.get("1") == records[1]
    assert sample.ledger.get(records[2].id[:12]) == records[2]


def test_an_id_that_no_record_has_is_one_line(sample: Sample) -> None:
    sample.add()

    with pytest.raises(ConfigError, match=r"no record 'nonsense' in .*records.jsonl; `inv ledger"):
        sample.ledger.get("nonsense")


def test_the_beginning_of_two_ids_is_refused(sample: Sample) -> None:
    letters = ""
    while not (twice := [letter for letter in "abcdef" if letters.count(letter) > 1]):
        letters += sample.add().id[0]

    with pytest.raises(ConfigError, match=f"2 records begin with '{twice[0]}'; give more of it"):
        sample.ledger.get(twice[0])


def test_the_stamp_changes_with_every_record(sample: Sample) -> None:
    sample.add()
    before = sample.ledger.stamp()

    assert sample.ledger.stamp() == before
    sample.add()
    assert sample.ledger.stamp() != before


def test_records_of_another_process_are_seen_at_once(sample: Sample) -> None:
    reader = sample.ledger
    assert reader.latest("test:kit") is None

    made = sample.add()

    assert reader.latest("test:kit") == made


def test_a_saved_index_is_used_and_changes_nothing(sample: Sample) -> None:
    made = [sample.add(inputs=str(number)) for number in range(3)]
    ledger = sample.ledger
    ledger.latest("test:kit")
    ledger.save()
    later = sample.add(inputs="later")

    assert list(sample.ledger.records()) == [*made, later]
    assert sample.ledger.find(made[1].fingerprint) == made[1]


def test_an_index_that_somebody_else_made_is_not_believed(sample: Sample) -> None:
    foreign = Sample(sample.folder, whose="foreign keys")
    foreign.add()
    ledger = foreign.ledger
    ledger.latest("test:kit")
    ledger.save()
    sample.keys.sign(b"")  # so that there is a local key

    assert sample.ledger.latest("test:kit") is None


@pytest.mark.parametrize("content", [b"", b"nonsense" * 100], ids=["empty", "nonsense"])
def test_a_damaged_index_is_made_anew(sample: Sample, content: bytes) -> None:
    made = sample.add()
    (sample.folder / "ledger" / "index").write_bytes(content)

    assert sample.ledger.latest("test:kit") == made


def test_a_ledger_that_was_moved_away_is_begun_anew(sample: Sample) -> None:
    ledger = sample.ledger
    ledger.append(claim())
    ledger.save()
    sample.file.rename(sample.folder / "elsewhere.jsonl")

    first = ledger.append(claim())

    assert first.sequence == 0
    assert list(ledger.records()) == [first]


def test_an_altered_record_is_no_evidence_and_its_neighbours_are(sample: Sample) -> None:
    first, second, third, fourth = (sample.add(inputs=str(number)) for number in range(4))
    sample.write(first.line, second.line.replace(b"sig", b"gis"), third.line, fourth.line)
    ledger = sample.ledger

    assert ledger.find(second.fingerprint) is None
    assert ledger.find(first.fingerprint) == first
    assert ledger.find(fourth.fingerprint) == fourth
    assert ledger.warnings[0] == f"{sample.file}: record 1 is no evidence: it is not an envelope"


def test_a_record_altered_behind_the_index_is_no_evidence(sample: Sample) -> None:
    first, second = sample.add(inputs="1"), sample.add(inputs="2")
    ledger = sample.ledger
    ledger.latest("test:kit")
    ledger.save()
    sample.write(first.line.replace(b"A", b"B"), second.line)
    ledger = sample.ledger

    assert ledger.find(first.fingerprint) is None
    assert ledger.find(second.fingerprint) == second
    assert "record 0 is no evidence: it was altered" in ledger.warnings[0]


def test_many_warnings_are_summed_up(sample: Sample) -> None:
    sample.write(*[b"nonsense"] * 10)
    ledger = sample.ledger
    ledger.latest("test:kit")

    assert len(ledger.warnings) == 4
    assert ledger.warnings[-1] == f"7 more lines of {sample.file} are no evidence"


@pytest.mark.parametrize("left", [1, 100, -1])
def test_the_unfinished_line_of_a_killed_writer_is_cut_off(sample: Sample, left: int) -> None:
    first, second = sample.add(inputs="1"), sample.add(inputs="2")
    sample.write(first.line)
    with sample.file.open("ab") as file:
        file.write(second.line[:left])

    assert sample.ledger.latest("test:kit") == first
    again = sample.add(inputs="3")
    assert sample.lines == [first.line, again.line]
    assert again.previous == first.id


def test_what_is_no_statement_about_a_step_is_refused_before_it_is_written(sample: Sample) -> None:
    sample.add()
    before = sample.file.read_bytes()
    wrong = claim()
    del wrong["predicate"]["summit"]["fingerprint"]

    with pytest.raises(ConfigError, match="cannot be recorded: it has not the shape of a record"):
        sample.ledger.append(wrong)
    assert sample.file.read_bytes() == before


def test_bytes_of_a_command_that_are_no_text_can_be_recorded(sample: Sample) -> None:
    made = sample.add(message="caf\udce9")

    assert made.summit["message"] == "caf�"
    assert sample.ledger.latest("test:kit") == made


def test_a_line_that_does_not_fit_is_taken_back(sample: Sample) -> None:
    """As on a full disk: the kernel takes a part of the line and then no more."""
    sample.add()
    before = sample.file.read_bytes()
    ledger, statement = sample.ledger, claim()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 100, hard))
    try:
        with pytest.raises(MachineError) as raised:
            ledger.append(statement)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert str(raised.value) == f"cannot write the ledger {sample.file}: File too large"
    assert sample.file.read_bytes() == before
    assert sample.ledger.append(statement).sequence == 1


APPEND = """
import sys
from pathlib import Path
from tests.pipelines.ledger.sample import Sample
from pipelines.errors import SummitError
sample = Sample(Path(sys.argv[1]))
made = 0
try:
    while made < 1000:
        sample.ledger.blobs.put(b"%d" % made * 1000)
        sample.add(inputs=str(made))
        made += 1
except SummitError as error:
    print(made, error.exit_code, error)
"""


def run_within(mount: str, folder: Path) -> str:
    """What `APPEND` prints in a mount namespace of its own; `mount` is a line of shell."""
    return subprocess.run(
        [
            *("unshare", "--mount", "sh", "-ec", f'{mount}; exec "$@"', "-"),
            *(sys.executable, "-c", APPEND, folder),
        ],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout


if os.geteuid() == 0:  # only root can make a small disk, and is stopped by no mode bits

    def test_a_full_disk_is_one_line_and_loses_nothing(sample: Sample) -> None:
        (sample.folder / "ledger").mkdir()
        kept = sample.folder / "kept.jsonl"
        mount = f"mount -t tmpfs -o size=128k none {sample.folder / 'ledger'}"
        copy = f'trap "cp {sample.file} {kept}" EXIT; "$@"; exit'

        said = run_within(f"{mount}; {copy}", sample.folder)

        made, code, message = said.rstrip("\n").split(" ", 2)
        assert code == "5"
        assert message.startswith("cannot write ")
        assert message.endswith(
            ": No space left on device; free some space, for example with `inv ledger.gc`"
        )
        kept.rename(sample.file)
        assert [record.sequence for record in sample.ledger.records()] == list(range(int(made)))

    def test_a_read_only_ledger_is_one_line(sample: Sample) -> None:
        sample.add()
        folder = sample.folder / "ledger"
        mount = f"mount --bind {folder} {folder}; mount -o remount,bind,ro {folder}"

        said = run_within(mount, sample.folder)

        assert said.startswith(f"0 5 cannot write {folder}/blobs")
        assert said.endswith(": Read-only file system; have its disk mounted for writing\n")

else:

    def test_a_ledger_that_may_not_be_written_is_one_line(sample: Sample) -> None:
        sample.add()
        sample.file.chmod(0o444)

        with pytest.raises(MachineError, match=f"cannot write the ledger {sample.file}: Perm"):
            sample.add()


def test_a_ledger_where_none_can_be_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ledger = Ledger(tmp_path / "file" / "ledger", Keys(tmp_path, folder=tmp_path / "keys"))

    with pytest.raises(MachineError, match=r"cannot write the ledger .*: Not a directory"):
        ledger.append(claim())
