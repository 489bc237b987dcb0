"""The reference says what a record holds and how a keyring is written."""

from __future__ import annotations

import re
from pathlib import Path

from pipelines.ledger import keyring
from tests.pipelines.ledger.sample import Sample

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "ledger.md").read_text()


def test_every_field_of_a_record_is_documented_and_no_other(sample: Sample) -> None:
    _, _, section = PAGE.partition("### What stands under `summit`")
    table, _, _ = section.partition("###")
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]

    assert set(re.findall(r"`(\w+)`", "".join(cells))) == set(sample.add().summit)


def test_the_keyring_shown_is_one(tmp_path: Path) -> None:
    shown = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "keyring.yaml").write_text(shown[0])

    (grant,) = keyring.read([tmp_path / "keyring.yaml"]).grants
    assert grant.covers("test:kit")
    assert not grant.covers("build:kit")
