"""Every line of the documents is what the ledger says, and nobody else's word."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from pipelines import entry, gates
from pipelines.errors import ConfigError
from pipelines.gates import Request
from pipelines.readiness import checklist, formats, verbs
from pipelines.readiness.pages import Edited
from pipelines.readiness.proof import Prover, State
from pipelines.readiness.verbs import NotReady
from tests.readiness.repository import READINESS, Repository

PROVEN, STALE, UNPROVEN = State.PROVEN, State.STALE, State.UNPROVEN


def test_without_evidence_nothing_is_proven(repository: Repository) -> None:
    assert repository.states() == [UNPROVEN] * 3

    repository.ready()

    assert repository.read("READY.md").count("- [ ] ") == 3
    assert repository.read("READY.md").count("**NOT PROVEN**") == 3
    with pytest.raises(NotReady, match="3 of 3 lines are not proven") as raised:
        verbs.require(verbs.prove(entry.workspace(str(repository.root))))
    assert raised.value.exit_code == 3


def test_with_all_the_evidence_each_line_names_record_time_and_key(repository: Repository) -> None:
    repository.gather()

    repository.ready()

    assert repository.states() == [PROVEN] * 3
    page, newest = repository.read("READY.md"), repository.ledger.latest("lint:web")
    assert newest
    assert f"record {newest.id[:12]}, {newest.ended}, key {newest.keyid[:12]}" in page
    verbs.require(verbs.prove(entry.workspace(str(repository.root))))


def test_to_write_the_documents_makes_nothing_stale(repository: Repository) -> None:
    release = repository.gather()
    repository.ready()
    once = repository.read("READY.md")
    assert f"Of release `{release.short}`" in once

    repository.ready()
    assert repository.read("READY.md") == once

    repository.commit()
    assert repository.states() == [PROVEN] * 3
    repository.ready()
    assert repository.read("READY.md") == once


def test_a_change_makes_stale_what_was_proven_and_says_what_changed(
    repository: Repository,
) -> None:
    repository.gather()
    repository.write("web.txt", "all is fine, and more\n")

    lint, deploy, _ = repository.proofs()

    assert [lint.state, deploy.state] == [STALE, STALE]
    assert "web.txt" in lint.said
    assert "not of these sources" in deploy.said


def test_a_gate_that_failed_afterwards_proves_nothing(repository: Repository) -> None:
    release = repository.gather()
    repository.tell("deploy", release, passed=False)

    assert repository.states() == [PROVEN, UNPROVEN, PROVEN]


def test_what_was_taken_back_is_not_proven_any_more(repository: Repository) -> None:
    before = repository.gather()
    repository.write("web.txt", "all is fine again\n")
    repository.commit()
    repository.gather()
    assert repository.states() == [PROVEN] * 3

    repository.tell("rollback", before)

    assert repository.states() == [PROVEN, STALE, PROVEN]


def test_what_another_release_did_proves_nothing_of_this_one(repository: Repository) -> None:
    repository.gather()
    repository.write("web.txt", "all is fine again\n")
    repository.commit()
    repository.check()
    repository.release()

    assert repository.states() == [PROVEN, STALE, PROVEN]


def test_evidence_with_other_tools_than_the_releases_is_stale(repository: Repository) -> None:
    release = repository.gather()
    other = msgspec.structs.replace(release, steps={"lint:web": "0" * 64})
    prover = Prover(entry.workspace(str(repository.root)), other, now=datetime.now(UTC))
    (document,) = checklist.load(repository.root)

    proof = prover.prove(document.lines[0])

    assert proof.state is STALE
    assert "`inv release` makes another" in proof.said


def test_what_was_looked_at_long_ago_is_stale(repository: Repository) -> None:
    repository.gather()

    assert repository.states(later=timedelta(days=6)) == [PROVEN] * 3
    assert repository.states(later=timedelta(days=8)) == [PROVEN, PROVEN, STALE]


def test_evidence_that_still_holds_is_made_anew_by_a_strict_run(repository: Repository) -> None:
    for is_strict in (False, False, True):
        workspace = entry.workspace(str(repository.root))
        gates.run(workspace, Request(("lint",), is_strict=is_strict))

    assert len(repository.ledger.history("lint:web")) == 2


def test_what_is_written_passes_the_gate(repository: Repository) -> None:
    for _ in range(2):
        repository.ready()
        verbs.check(repository.root)
        repository.commit()
        repository.gather()


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("READY.md", "- [ ] It is fine", "- [x] It is fine"),
        ("READY.md", "**NOT PROVEN**", "**proven**"),
        ("READY.md", "# Ready", "# Really ready"),
        ("READY.md", " -->\n", " -->\nAll of it is proven.\n"),
        ("READY.md", "<!-- Generated", "Trust me.\n<!-- Generated"),
        ("docs/SECRETS_MANAGEMENT.md", "NOT PROVEN", "proven"),
        ("docs/SECRETS_MANAGEMENT.md", "<!-- inv ready: begin -->\n", ""),
    ],
)
def test_a_hand_edit_fails(repository: Repository, file: str, old: str, new: str) -> None:
    repository.ready()
    text = repository.read(file)
    assert old in text
    repository.write(file, text.replace(old, new, 1))

    with pytest.raises(Edited, match=f"^{file}: somebody has edited it by hand"):
        verbs.check(repository.root)


def test_a_document_that_is_gone_fails(repository: Repository) -> None:
    repository.ready()
    (repository.root / "READY.md").unlink()

    with pytest.raises(Edited, match="it is not there"):
        verbs.check(repository.root)


def test_a_line_that_was_dropped_from_the_checklist_alone_fails(repository: Repository) -> None:
    repository.ready()
    line = "          - {says: It is fine, gate: lint}\n"
    assert line in READINESS
    repository.write("readiness.yaml", READINESS.replace(line, ""))

    with pytest.raises(Edited, match="it has other lines"):
        verbs.check(repository.root)


def test_what_people_write_around_the_table_of_secrets_is_theirs(repository: Repository) -> None:
    repository.ready()
    page = repository.read("docs/SECRETS_MANAGEMENT.md")
    repository.write("docs/SECRETS_MANAGEMENT.md", page.replace("a person wrote", "two wrote"))
    verbs.check(repository.root)

    repository.look_at_secrets(trouble="too old")
    repository.ready()

    page = repository.read("docs/SECRETS_MANAGEMENT.md")
    assert "two wrote" in page
    assert page.endswith("The end.\n")
    assert "| token | 1 |" in page
    assert "too old" in page
    verbs.check(repository.root)


def test_what_was_written_is_on_record(repository: Repository) -> None:
    repository.ready()

    record = repository.ledger.latest("ready:documents")

    assert record
    assert not record.passed
    assert set(record.subjects) == {"READY.md", "docs/SECRETS_MANAGEMENT.md"}


def test_machines_and_browsers_are_told_the_same(repository: Repository) -> None:
    repository.check()
    proofs = repository.proofs()

    told = json.loads(formats.as_json(proofs))
    assert [it["state"] for it in told] == ["proven", "NOT PROVEN", "NOT PROVEN"]
    (run,) = json.loads(formats.as_sarif(proofs))["runs"]
    places = [it["locations"][0]["physicalLocation"] for it in run["results"]]
    assert [it["region"]["startLine"] for it in places] == [9, 10]
    page = formats.as_html("<Ready>", proofs)
    assert page.count("<tr>") == 3
    assert "&lt;Ready&gt;" in page
    assert not re.search(r"(src|href)=", page)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{says: x, gaet: lint}", "gaet: unknown key"),
        ("{says: x}", "needs one of `gate`, `steps` and `record`"),
        ("{says: x, gate: lint, record: smoke:staging}", "needs one of"),
        ("{says: x, gate: lint, unless: rollback:staging}", "belongs to a `record`"),
        ("{says: x, gate: lint, max_age: soon}", "not a time"),
    ],
)
def test_a_checklist_written_wrong_is_refused_with_its_line(
    repository: Repository, line: str, said: str
) -> None:
    whole = READINESS.replace("{says: It is fine, gate: lint}", line)
    repository.write("readiness.yaml", whole)

    with pytest.raises(ConfigError) as raised:
        repository.states()
    assert said in str(raised.value)
    assert str(raised.value).startswith("readiness.yaml:8:")


def test_a_step_that_nobody_knows_is_refused(repository: Repository) -> None:
    repository.write("readiness.yaml", READINESS.replace("gate: lint", "steps: [lint:moon]"))

    with pytest.raises(ConfigError, match="no step called 'lint:moon'"):
        repository.states()
