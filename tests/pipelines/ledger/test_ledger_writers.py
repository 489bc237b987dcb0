"""Many writers at once, killed at any moment: what was acknowledged is there, and nothing else."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from pipelines.ledger import Record
from tests.pipelines.ledger.sample import Sample

ROOT = Path(__file__).parents[3]
WRITE = """
import sys
from pathlib import Path
from tests.pipelines.ledger.sample import Sample, claim, fingerprint
ledger, step = Sample(Path(sys.argv[1])).ledger, sys.argv[3]
for number in range(int(sys.argv[2])):
    ledger.blobs.put(fingerprint(step, str(number)).document())
    print(ledger.append(claim(step, str(number))).id, flush=True)
"""


def writer(folder: Path, count: int, step: str) -> subprocess.Popen[str]:
    """A process that appends so many records and prints the id of each once it is there."""
    words = [sys.executable, "-c", WRITE, str(folder), str(count), step]
    return subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True)


@pytest.fixture
def started() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def test_many_writers_at_once_lose_nothing(sample: Sample, started: ExitStack) -> None:
    writers = [
        started.enter_context(writer(sample.folder, 50, f"test:c{number}")) for number in range(4)
    ]
    told = {line.strip() for each in writers for line in each.communicate()[0].splitlines()}

    assert [each.returncode for each in writers] == [0] * 4
    assert {record.id for record in sample.ledger.records()} == told
    assert len(told) == 200
    assert sample.verify()


@pytest.mark.parametrize("turn", range(5))
def test_whatever_writer_is_killed_nothing_acknowledged_is_lost(
    sample: Sample, started: ExitStack, turn: int
) -> None:
    """Ten of fifty; two writers at a time, each killed after a few acknowledgements."""
    told: list[str] = []
    for _pair in range(5):
        pair = [started.enter_context(writer(sample.folder, 1000, "test:kit")) for _ in range(2)]
        for each in pair:
            assert each.stdout
            told += [each.stdout.readline().strip() for _ in range(random.randint(1, 9))]
            each.kill()
            told += each.stdout.read().split()  # what it still said before the kill

    found: list[Record] = list(sample.ledger.records())
    assert set(told) <= {record.id for record in found}
    assert sample.verify()
    assert sample.add().sequence == len(found)
    assert sample.verify()


def test_writers_that_come_first_together_agree_on_one_key(
    sample: Sample, started: ExitStack
) -> None:
    writers = [started.enter_context(writer(sample.folder, 1, "test:kit")) for _ in range(6)]
    for each in writers:
        each.communicate()

    assert {record.keyid for record in sample.ledger.records()} == {sample.keys.keyid}
    assert sorted(file.name for file in (sample.folder / "keys").iterdir()) == [
        "keyring.yaml",
        "signing-key.pem",
    ]
    assert len(sample.keys.keyring.grants) == 1
