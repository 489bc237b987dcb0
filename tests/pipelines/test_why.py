"""Why a step runs: from real ledgers, down to the file, variable or tool that is another one."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.errors import ConfigError
from pipelines.ledger import Keys, Ledger, Record
from pipelines.ledger.statement import Circumstances, statement
from pipelines.planning.fingerprint import Fingerprint
from pipelines.reporting import why
from pipelines.step import Result, Status, Step

TREE = "1" * 40
CI = {"host": "runner-7", "system": "Linux", "python": "3.11.2", "ci": "https://ci.example/1"}
ENDED = "1970-01-01T00:00:02.000Z"
NOT_KNOWN = (
    "  not known: which files, locks, variables, secrets, services, outputs or upstream steps"
    " differ; the record has one digest for all of them"
)

Tamper = Callable[[bytes], bytes]


def fingerprint(id_: str, *needs: Fingerprint, **files: str) -> Fingerprint:
    """Of a step that needs others; `files` maps a module of its component to a blob's id."""
    name, _, component = id_.partition(":")
    return Fingerprint(
        step=name,
        component=component,
        argv=("python", "-m", name),
        cwd="",
        files={f"services/{component}/{file}.py": f"100644 {it}" for file, it in files.items()},
        locks={},
        env={"CI": None},
        secrets={},
        tools={name: "1.0"},
        upstream={f"{need.step}:{need.component}": need.digest() for need in needs},
        services={},
        outputs=(),
    )


def keep(ledger: Ledger, made: Fingerprint, status: Status = Status.PASSED) -> Record:
    """Record a result on the fingerprint, as a run does."""
    ledger.blobs.put(made.document())
    result = Result(Step(made.step, made.component, made.argv), status, seconds=1.0)
    around = Circumstances(tree=TREE, configuration="discovered", where=CI)
    return ledger.append(statement(result, made, around, argv=made.argv, gate="", started=1.0))


def ledger_of(folder: Path) -> Ledger:
    return Ledger(folder / "ledger", Keys(folder, folder=folder / "keys"))


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return ledger_of(tmp_path)


@pytest.fixture
def elsewhere(tmp_path: Path) -> Ledger:
    """The ledger of another machine, with its own key."""
    return ledger_of(tmp_path / "elsewhere")


def by_id(*fingerprints: Fingerprint) -> Callable[[str], Fingerprint]:
    return {f"{it.step}:{it.component}": it for it in fingerprints}.__getitem__


def forget(ledger: Ledger, made: Fingerprint) -> None:
    Path(ledger.blobs.path(made.digest())).unlink()


class TestExplain:
    def test_a_step_that_never_ran_says_so(self, ledger: Ledger) -> None:
        now = by_id(fingerprint("lint:kit"))

        assert why.explain("lint:kit", now, ledger) == "lint:kit runs: it never ran here"

    def test_evidence_that_holds_names_its_record(self, ledger: Ledger) -> None:
        lint = fingerprint("lint:kit", x="aa")
        record = keep(ledger, lint)

        assert why.explain("lint:kit", by_id(lint), ledger) == (
            "lint:kit: nothing changed, the evidence holds since"
            f" record {record.id[:12]} (passed, {ENDED})"
        )

    def test_a_failure_on_the_same_inputs_is_no_evidence(self, ledger: Ledger) -> None:
        lint = fingerprint("lint:kit", x="aa")
        record = keep(ledger, lint, Status.FAILED)

        assert why.explain("lint:kit", by_id(lint), ledger) == (
            f"lint:kit runs: nothing changed since it failed, record {record.id[:12]}"
            f" (failed, {ENDED})"
        )

    def test_what_changed_since_the_newest_record_is_listed(self, ledger: Ledger) -> None:
        keep(ledger, fingerprint("lint:kit", x="a0", y="b0"))
        record = keep(ledger, fingerprint("lint:kit", x="aa", y="bb"))
        now = fingerprint("lint:kit", x="a0", y="bb")._replace(env={"CI": "true"})

        assert why.explain("lint:kit", by_id(now), ledger).splitlines() == [
            f"lint:kit runs: since record {record.id[:12]} (passed, {ENDED})",
            '  variable CI: unset -> "true"',
            "  file services/kit/x.py changed",
        ]

    def test_upstream_steps_are_followed_to_the_root_cause(self, ledger: Ledger) -> None:
        def steps(content: str) -> list[Fingerprint]:
            build = fingerprint("build:kit", x=content)
            types, lint = fingerprint("types:kit", build), fingerprint("lint:kit", build)
            return [build, types, lint, fingerprint("test:fabric", types, lint)]

        for made in steps("aa"):
            keep(ledger, made)

        # Two ways lead from the test to the build: it is told of once.
        assert why.explain("test:fabric", by_id(*steps("bb")), ledger).splitlines()[1:] == [
            "  upstream build:kit, because file services/kit/x.py changed"
        ]

    def test_an_upstream_step_that_is_needed_only_now_is_a_cause(self, ledger: Ledger) -> None:
        build = fingerprint("build:kit")
        keep(ledger, fingerprint("test:kit"))

        lines = why.explain("test:kit", by_id(build, fingerprint("test:kit", build)), ledger)

        assert lines.splitlines()[1:] == ["  upstream build:kit is needed now"]

    def test_inputs_that_are_no_longer_kept_end_the_search(self, ledger: Ledger) -> None:
        before = fingerprint("build:kit", x="aa")
        keep(ledger, before)
        keep(ledger, fingerprint("test:kit", before))
        forget(ledger, before)
        build = fingerprint("build:kit", x="bb")

        lines = why.explain("test:kit", by_id(build, fingerprint("test:kit", build)), ledger)

        assert lines.splitlines()[1:] == [
            "  upstream build:kit changed; its inputs of then are no longer kept"
        ]

    def test_a_record_without_its_inputs_says_what_it_can(self, ledger: Ledger) -> None:
        before = fingerprint("lint:kit", x="aa")
        keep(ledger, before)
        forget(ledger, before)
        now = fingerprint("lint:kit", x="bb")._replace(tools={"lint": "2.0"})

        assert why.explain("lint:kit", by_id(now), ledger).splitlines()[1:] == [
            f"  inputs: {before.digest()[:12]} -> {now.digest()[:12]}",
            "  tool lint: 1.0 -> 2.0",
            NOT_KNOWN,
        ]

    def test_thousands_of_changes_are_not_thousands_of_lines(self, ledger: Ledger) -> None:
        keep(ledger, fingerprint("lint:kit"))
        now = fingerprint("lint:kit", **{f"x{number}": "aa" for number in range(1000)})

        lines = why.explain("lint:kit", by_id(now), ledger).splitlines()

        assert lines[-1] == "  and 980 more"
        assert len(lines) == 22

    def test_a_name_cannot_play_with_the_terminal(self, ledger: Ledger) -> None:
        keep(ledger, fingerprint("lint:kit"))
        now = fingerprint("lint:kit", **{"\x1b[2J\n\udcff": "aa"})

        lines = why.explain("lint:kit", by_id(now), ledger).splitlines()

        assert lines[1:] == [r"  file services/kit/\x1b[2J\n\udcff.py appeared"]


class TestAgainst:
    @pytest.fixture
    def then(self) -> Fingerprint:
        return fingerprint("lint:kit", x="aa")

    @pytest.fixture
    def now(self) -> Fingerprint:
        return fingerprint("lint:kit", x="bb")._replace(tools={"lint": "2.0"})

    @pytest.fixture
    def foreign(self, elsewhere: Ledger, then: Fingerprint, tmp_path: Path) -> Path:
        """A file with a record that another machine made."""
        file = tmp_path / "record.json"
        envelope = json.loads(keep(elsewhere, then).line)
        file.write_text(json.dumps(envelope, indent=2) + "\n")
        return file

    def test_a_record_of_this_ledger_is_compared_in_full(
        self, ledger: Ledger, then: Fingerprint, now: Fingerprint
    ) -> None:
        record = keep(ledger, then)

        lines = why.against(record.id[:8], now, ledger=ledger, tree=TREE).splitlines()

        named = f"record {record.id[:12]} (passed, {ENDED})"
        assert lines == [
            f"lint:kit here, compared with {named}, made on runner-7, in CI",
            f"  signature: holds, by key {ledger.keys.keyid}",
            "  tool lint: 1.0 -> 2.0",
            "  file services/kit/x.py changed",
        ]

    def test_a_foreign_record_says_what_it_can_and_what_it_cannot(
        self,
        ledger: Ledger,
        elsewhere: Ledger,
        then: Fingerprint,
        now: Fingerprint,
        foreign: Path,
    ) -> None:
        _, proof, *lines = why.against(str(foreign), now, ledger=ledger, tree="2" * 40).splitlines()

        keyid, number = elsewhere.keys.keyid, elsewhere.get("0").id[:12]
        assert proof.startswith(f"  signature: proves nothing, key {keyid}: no keyring knows")
        assert lines == [
            f"  inputs: {then.digest()[:12]} -> {now.digest()[:12]}",
            "  tool lint: 1.0 -> 2.0",
            "  working copy: tree 111111111111 -> 222222222222",
            NOT_KNOWN,
            f"  to know: --inputs FILE, as `inv ledger.show --record {number} --inputs` there",
        ]

    def test_equal_trees_are_told(self, ledger: Ledger, now: Fingerprint, foreign: Path) -> None:
        lines = why.against(str(foreign), now, ledger=ledger, tree=TREE).splitlines()

        assert "  working copy: the same files" in lines

    def test_a_foreign_record_on_the_same_inputs_differs_in_nothing(
        self, ledger: Ledger, then: Fingerprint, foreign: Path
    ) -> None:
        lines = why.against(str(foreign), then, ledger=ledger, tree=TREE).splitlines()

        assert lines[2:] == ["  the same inputs: nothing differs"]

    def test_inputs_from_elsewhere_make_the_comparison_full(
        self, ledger: Ledger, then: Fingerprint, now: Fingerprint, foreign: Path, tmp_path: Path
    ) -> None:
        inputs = tmp_path / "inputs.json"
        inputs.write_bytes(then.document() + b"\n")

        lines = why.against(str(foreign), now, ledger=ledger, tree=TREE, inputs=inputs)

        assert lines.splitlines()[2:] == [
            "  tool lint: 1.0 -> 2.0",
            "  file services/kit/x.py changed",
        ]

    def test_inputs_of_another_record_are_refused(
        self, ledger: Ledger, then: Fingerprint, now: Fingerprint, foreign: Path, tmp_path: Path
    ) -> None:
        inputs = tmp_path / "inputs.json"
        inputs.write_bytes(now.document())

        with pytest.raises(ConfigError) as refused:
            why.against(str(foreign), now, ledger=ledger, tree=TREE, inputs=inputs)

        assert str(refused.value) == (
            f"{inputs}: these are not the inputs of that record;"
            f" its inputs are the blob {then.digest()}"
        )

    def test_a_key_in_the_keyring_makes_a_foreign_record_evidence(
        self, ledger: Ledger, elsewhere: Ledger, now: Fingerprint, foreign: Path, tmp_path: Path
    ) -> None:
        der = bytes.fromhex("302a300506032b6570032100") + elsewhere.keys.point  # RFC 8410
        key = base64.b64encode(der).decode()
        (tmp_path / "keyring.yaml").write_text(f'- key: {key}\n  steps: ["lint:*"]\n')

        lines = why.against(str(foreign), now, ledger=ledger, tree=TREE).splitlines()

        assert lines[1] == f"  signature: holds, by key {elsewhere.keys.keyid}"

    def test_an_altered_record_proves_nothing(
        self, ledger: Ledger, then: Fingerprint, tmp_path: Path
    ) -> None:
        envelope = json.loads(keep(ledger, then).line)
        envelope["signatures"][0]["sig"] = base64.b64encode(bytes(64)).decode()
        file = tmp_path / "record.json"
        file.write_text(json.dumps(envelope))

        lines = why.against(str(file), then, ledger=ledger, tree=TREE).splitlines()

        assert lines[1].startswith("  signature: proves nothing")

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda _line: b"",
            lambda _line: b"\xff\xfe",
            lambda _line: b"[]",
            lambda _line: b'{"payload": 1, "signatures": []}',
            lambda _line: b"[" * 100_000,
            lambda line: line + b"\n" + line,
        ],
        ids=["empty", "no text", "a list", "no payload", "deep", "two"],
    )
    def test_what_is_no_record_is_refused(
        self, ledger: Ledger, then: Fingerprint, tmp_path: Path, spoil: Tamper
    ) -> None:
        file = tmp_path / "record.json"
        file.write_bytes(spoil(keep(ledger, then).line))

        with pytest.raises(ConfigError) as refused:
            why.against(str(file), then, ledger=ledger, tree=TREE)

        assert str(refused.value) == (
            f"{file}: this is no record; give what `inv ledger.show --record ID --envelope` prints"
        )

    def test_a_record_without_what_is_compared_is_refused(
        self, ledger: Ledger, elsewhere: Ledger, then: Fingerprint, tmp_path: Path
    ) -> None:
        made = keep(elsewhere, then).statement
        del made["predicate"]["summit"]["where"]
        file = tmp_path / "record.json"
        file.write_bytes(elsewhere.append(made).line)

        with pytest.raises(ConfigError, match=r"is no record: .*`where`"):
            why.against(str(file), then, ledger=ledger, tree=TREE)

    def test_a_record_of_another_step_is_refused(self, ledger: Ledger, then: Fingerprint) -> None:
        keep(ledger, then)

        with pytest.raises(ConfigError) as refused:
            why.against("0", fingerprint("test:kit"), ledger=ledger, tree=TREE)

        assert str(refused.value) == "0 is a record of lint:kit, not of test:kit"

    def test_a_record_that_is_not_there_is_refused(self, ledger: Ledger, now: Fingerprint) -> None:
        with pytest.raises(ConfigError, match="no record 'nowhere'"):
            why.against("nowhere", now, ledger=ledger, tree=TREE)
