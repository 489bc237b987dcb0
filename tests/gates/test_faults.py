"""What is wrong is one clear line with its place and the right exit code; nothing is lost."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.gates.machine import as_ordinary, mounted
from tests.gates.project import Project

Until = Callable[[Callable[[], object]], None]

CYCLE = """\
components: {it: {folder: ., kind: plain}}
kinds:
  plain:
    one: {run: ["true"], needs: [two]}
    two: {run: ["true"], needs: [one]}
"""
UNKNOWN_KEY = """\
components: {it: {folder: ., kind: plain}}
kinds:
  plain:
    lint:
      run: ["true"]
      input: ["**"]
"""
IDLE = """\
components: {it: {folder: ., kind: plain}}
kinds:
  plain:
    lint:
      run: ["true"]
      inputs:
        - "*.yaml"
        - "src/**/*.py"
"""
NO_YAML = """\
components:
  it: {folder: ., kind: plain
"""

# Steps that take no end: one that does not listen, one with children, one with a daemon.
DEAF = "trap '' TERM; NAP & NAP"
CHILDREN = "(NAP; true) & (NAP; true) & wait"
DAEMON = "setsid sh -c 'NAP; true' & NAP"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            CYCLE,
            (
                "4: steps need each other in a cycle: one:it (line 4) -> two:it (line 5) -> one:it;"
                " remove one of these needs"
            ),
        ),
        (UNKNOWN_KEY, "6: kinds.plain.lint.input: unknown key; did you mean 'inputs'?"),
        (IDLE, "8: lint:it: inputs: /src/**/*.py names no file; mend the pattern or remove it"),
        (NO_YAML, "3: not valid YAML: did not find expected ',' or '}'"),
    ],
    ids=["cycle", "unknown key", "pattern that names nothing", "no YAML"],
)
@pytest.mark.parametrize("words", [["check"], ["why", "lint:it"]], ids=["plain", "Invoke"])
def test_a_wrong_configuration_is_named_with_its_line(
    project: Project, words: list[str], text: str, line: str
) -> None:
    project.write("pipelines.yaml", text)

    outcome = project.inv(*words)

    assert outcome.stderr == f"error: pipelines.yaml:{line}\n"
    assert outcome.code == 2


def test_a_folder_that_is_in_no_repository_is_checked_all_the_same(project: Project) -> None:
    project.write(".gitignore", "ignored\n")
    project.write("a.txt", "one")
    project.steps('lint: {run: [cat, a.txt], inputs: ["**"]}')
    shutil.rmtree(project.root / ".git")

    assert project.inv("check").code == 0
    project.write("ignored", "")
    assert "0 passed, 1 from ledger" in project.inv("check").stderr
    project.write("a.txt", "two")
    assert "1 passed, 0 from ledger" in project.inv("check").stderr
    assert not (project.root / ".git").exists()


def test_a_repository_that_git_refuses_is_checked_without_its_history(project: Project) -> None:
    project.steps('lint: {run: ["true"]}')

    refused = project.inv("check", GIT_TEST_ASSUME_DIFFERENT_OWNER="1")

    assert refused.stderr.startswith(
        f"note: Git cannot read {project.root}/.git, its history is not used: "
        f"fatal: detected dubious ownership in repository at '{project.root}'\n"
    )
    assert refused.code == 0
    project.write("new", "")
    assert project.inv("check").code == 0
    assert not (project.root / ".summit" / "git").exists()


def test_a_wrong_number_of_jobs_is_one_line(three: Project) -> None:
    outcome = three.inv("check", "--jobs=-1")

    assert outcome.stderr == "error: --jobs=-1: expected 1 or more, or 0 for one per core\n"
    assert outcome.code == 2


def test_no_repository_at_all(project: Project) -> None:
    shutil.rmtree(project.root / ".git")

    outcome = project.inv("check", "--plan")

    assert outcome.stderr == (
        f"error: no pipelines.yaml, compose.yaml, .git in {project.root} or above it; "
        "go into a repository\n"
    )
    assert outcome.code == 2


def test_a_missing_command_fails_its_step_and_leaves_evidence_of_it(project: Project) -> None:
    project.steps("""
        lint: {run: [does-not-exist, --all]}
        types: {run: ["true"]}
    """)

    outcome = project.inv("check", "--keep-going")

    message = "no program called 'does-not-exist'; install it or put it on PATH"
    assert f"lint:it  failed  TIME  {message}; uncontrolled" in outcome.said
    assert outcome.error == "1 of 2 steps failed: lint:it"
    assert outcome.code == 1
    assert message in [it["message"] for it in project.records]


def test_a_missing_tool_is_one_line(project: Project) -> None:
    project.steps("""
        lint: {run: ["true"], tools: [does-not-exist]}
    """)

    outcome = project.inv("check")

    assert outcome.stderr == (
        "error: tool does-not-exist: no program called 'does-not-exist'; "
        "install it, or mend `tools` in pipelines.yaml\n"
    )
    assert outcome.code == 5


def test_a_missing_tool_is_no_matter_to_other_gates(project: Project) -> None:
    project.steps("""
        lint: {run: ["true"]}
        test: {run: ["true"], tools: [does-not-exist]}
    """)

    assert project.inv("lint").code == 0
    assert "0 passed, 1 from ledger" in project.inv("lint").stderr
    assert project.inv("test", "--plan").code == 0
    assert project.inv("lint", "test").code == 5


def test_a_tool_that_does_not_say_its_version_is_one_line(project: Project) -> None:
    project.steps("""
        lint: {run: ["true"], tools: ["false"]}
    """)

    outcome = project.inv("check")

    assert outcome.stderr == (
        "error: tool false: `false --version` ended with exit code 1; "
        "install it, or mend `tools` in pipelines.yaml\n"
    )
    assert outcome.code == 5


@pytest.mark.parametrize(
    "script", [DEAF, CHILDREN, DAEMON], ids=["deaf", "with children", "with a daemon"]
)
def test_a_step_that_hangs_is_ended_with_all_that_it_started(project: Project, script: str) -> None:
    project.steps(f"""
        lint: {{run: [sh, -c, "{script}"], timeout: 0.5}}
    """)

    outcome = project.inv("lint")

    message = "sh was stopped: not done after TIME"
    assert f"lint:it  failed  TIME  {message}; uncontrolled" in outcome.said
    assert outcome.code == 1
    assert project.left() == []


@pytest.mark.parametrize("script", ["NAP &", "setsid NAP &"], ids=["child", "daemon"])
def test_what_a_step_leaves_behind_is_ended(project: Project, script: str) -> None:
    project.steps(f"""
        lint: {{run: [sh, -c, "{script}"]}}
    """)

    assert project.inv("lint").code == 0
    assert project.left() == []


def test_an_unreadable_file_is_one_line(project: Project) -> None:
    project.steps("""
        lint: {run: ["true"]}
    """)
    secret = project.write("secret.txt", "")
    secret.chmod(0)

    outcome = project.inv("check", within=as_ordinary())

    assert outcome.stderr == f"error: cannot read {secret}: Permission denied\n"
    assert outcome.code == 5


def test_an_unreadable_configuration_is_one_line(project: Project) -> None:
    project.steps("""
        lint: {run: ["true"]}
    """)
    (project.root / "pipelines.yaml").chmod(0)

    outcome = project.inv("check", within=as_ordinary())

    assert "cannot read " in outcome.error
    assert outcome.error.endswith("pipelines.yaml: Permission denied")
    assert outcome.stderr.count("\n") == 1


def test_an_unreadable_key_is_one_line(project: Project) -> None:
    project.steps("""
        lint: {run: ["true"]}
    """)
    project.inv("check")
    key = project.home / "config/summit/signing-key.pem"
    key.chmod(0)
    project.write("more.txt", "")

    outcome = project.inv("check", within=as_ordinary())

    assert str(key) in outcome.error
    assert outcome.code == 5


def test_on_a_full_disk_nothing_is_lost_and_the_next_run_is_right(project: Project) -> None:
    project.steps("""
        lint: {run: [sh, -c, "cat a.txt"], inputs: [a.txt]}
    """)
    project.write("a.txt", "small\n")
    (project.root / ".summit").mkdir()
    disk = ("-t", "tmpfs", "-o", "size=256k", "tmpfs", str(project.root / ".summit"))
    with mounted(project.root, *disk) as small:
        records = small.seen(project.root / ".summit/ledger/records.jsonl")
        assert project.inv("lint", within=small.within).code == 0
        before = records.read_bytes()
        project.write("a.txt", "too much\n" * 50_000)

        outcome = project.inv("lint", within=small.within)

        assert outcome.error.startswith("cannot write ")
        assert "No space left on device" in outcome.error
        assert outcome.code == 5
        assert records.read_bytes() == before
        project.write("a.txt", "less\n")
        assert project.inv("lint", within=small.within).code == 0
        assert "2 records hold" in project.inv("ledger.verify", within=small.within).stdout


def test_a_full_disk_before_anything_is_written_is_one_line(project: Project) -> None:
    project.steps("""
        lint: {run: ["true"]}
    """)
    (project.root / ".summit").mkdir()
    disk = ("-t", "tmpfs", "-o", "size=4k,nr_inodes=1", "tmpfs", str(project.root / ".summit"))
    with mounted(project.root, *disk) as full:
        outcome = project.inv("lint", within=full.within)

    assert "No space left on device" in outcome.error
    assert outcome.code == 5


@pytest.mark.parametrize("before", ["nothing", "a record"])
def test_a_read_only_ledger_is_one_line(project: Project, before: str) -> None:
    project.steps("""
        lint: {run: ["true"]}
    """)
    if before == "a record":
        project.inv("lint")
    state = project.root / ".summit"
    state.mkdir(exist_ok=True)
    project.write("more.txt", "")
    with mounted(project.root, "--bind", "-o", "ro", str(state), str(state)) as fixed:
        outcome = project.inv("lint", within=fixed.within)

    assert "Read-only file system" in outcome.error
    assert outcome.code == 5


def test_what_holds_still_holds_with_a_read_only_ledger(project: Project) -> None:
    project.steps("""
        lint: {run: ["true"]}
        types: {run: ["true"]}
    """)
    project.inv("check")
    state = project.root / ".summit"
    with mounted(project.root, "--bind", "-o", "ro", str(state), str(state)) as fixed:
        outcome = project.inv("check", "--jobs", "1", within=fixed.within)

    assert outcome.totals == "2 steps: 0 passed, 2 from ledger, 0 failed, 0 skipped"
    assert outcome.code == 0


def test_a_truncated_ledger_is_what_is_left_of_it(three: Project) -> None:
    three.inv("check")
    records = three.root / ".summit/ledger/records.jsonl"
    lines = records.read_bytes().splitlines(keepends=True)
    records.write_bytes(b"".join(lines[:4]) + lines[4][:100])
    assert len(three.ran) == 6

    outcome = three.inv("check")

    assert outcome.totals == "6 steps: 2 passed, 4 from ledger, 0 failed, 0 skipped"
    assert len(three.ran) == 2
    assert three.inv("ledger.verify").stdout.startswith("6 records hold\n")


def test_a_removed_ledger_is_started_anew(three: Project) -> None:
    three.inv("check")
    shutil.rmtree(three.root / ".summit/ledger")

    outcome = three.inv("check")

    assert outcome.totals == "6 steps: 6 passed, 0 from ledger, 0 failed, 0 skipped"


def test_a_record_of_an_unknown_key_is_no_evidence(three: Project, tmp_path: Path) -> None:
    three.inv("check")
    other = Project(three.root, three.home, {"XDG_CONFIG_HOME": str(tmp_path / "other")})

    outcome = other.inv("check")
    verified = other.inv("ledger.verify")

    assert outcome.totals == "6 steps: 6 passed, 0 from ledger, 0 failed, 0 skipped"
    warnings = [line for line in outcome.said if line.startswith("warning: ")]
    assert len(warnings) == 4
    assert ": record 0 is no evidence: no keyring knows the key " in warnings[0]
    assert warnings[-1].endswith(".jsonl are no evidence")
    assert verified.code == 3


def test_evidence_holds_as_long_as_its_key_is_in_the_keyring(
    three: Project, tmp_path: Path
) -> None:
    other = Project(three.root, three.home, {"XDG_CONFIG_HOME": str(tmp_path / "other")})
    other.inv("check")
    keyring = shutil.copy(tmp_path / "other/summit/keyring.yaml", three.root / "keyring.yaml")
    granted = three.inv("check")
    keyring.unlink()

    withdrawn = three.inv("check")

    assert granted.totals == "6 steps: 0 passed, 6 from ledger, 0 failed, 0 skipped"
    assert withdrawn.totals == "6 steps: 6 passed, 0 from ledger, 0 failed, 0 skipped"


def test_a_record_that_was_altered_is_no_evidence(three: Project) -> None:
    three.inv("check")
    records = three.root / ".summit/ledger/records.jsonl"
    content = bytearray(records.read_bytes())
    content[200] ^= 1
    records.write_bytes(content)

    outcome = three.inv("check")
    verified = three.inv("ledger.verify")

    assert outcome.code == 0
    assert outcome.totals == "6 steps: 1 passed, 5 from ledger, 0 failed, 0 skipped"
    assert any(line.startswith("warning: ") for line in outcome.said)
    assert verified.code == 3
    assert verified.stdout.startswith("record 0 (")


def test_a_lost_output_that_the_ledger_lost_too_is_one_line(three: Project) -> None:
    three.inv("build")
    shutil.rmtree(three.root / ".summit/ledger/blobs")
    (three.root / "kit/out/made").unlink()

    outcome = three.inv("build")

    assert outcome.code == 0
    assert (three.root / "kit/out/made").read_text() == "kit\n"


def test_an_output_that_cannot_be_read_fails_its_step(project: Project) -> None:
    project.steps("""
        build: {run: [sh, -c, "echo > made; chmod 0 made"], outputs: [made], inputs: [a.txt]}
    """)
    project.write(".gitignore", "made\n")
    project.write("a.txt", "")

    outcome = project.inv("build", within=as_ordinary())

    message = "its output made cannot be read: Permission denied"
    assert f"build:it  failed  TIME  {message}; uncontrolled" in outcome.said
    assert outcome.code == 1


def test_of_what_a_step_makes_its_regular_files_are_kept(project: Project) -> None:
    project.steps("""
        build:
          run: [sh, -c, "mkdir -p out; echo > out/made; mkfifo out/fifo; ln -s nowhere out/link"]
          outputs: ["out/**"]
          inputs: [a.txt]
    """)
    project.write(".gitignore", "out/\n")
    project.write("a.txt", "")

    assert project.inv("build").code == 0
    (record,) = project.records
    assert list(record["outputs"]) == ["out/made"]


def test_a_damaged_plan_is_made_anew(three: Project) -> None:
    three.inv("check")
    plan = three.root / ".summit/plan"
    content = bytearray(plan.read_bytes())
    content[len(content) // 2] ^= 1
    plan.write_bytes(content)

    outcome = three.inv("check")

    assert outcome.totals == "6 steps: 0 passed, 6 from ledger, 0 failed, 0 skipped"


@pytest.mark.parametrize(
    ("script", "named"),
    [
        ("echo more >> a.txt", "a.txt"),
        ("rm a.txt", "a.txt"),
        ("chmod +x a.txt", "a.txt"),
        ("echo new > b.txt", "b.txt"),
        ("mkdir src/two; echo new > src/two/b.txt", "src/two/b.txt"),
        ("echo more >> lock", "lock"),
    ],
)
def test_a_gate_that_changes_its_own_input_fails(project: Project, script: str, named: str) -> None:
    project.steps(f"""
        lint: {{run: [sh, -c, "{script}"], inputs: ["*.txt", "src/**"], locks: [lock]}}
    """)
    for name in ("a.txt", "src/one/a.txt", "lock"):
        project.write(name, "as it was\n")

    outcome = project.inv("lint")

    message = f"the gate changed its own input: {named}"
    assert f"lint:it  failed  TIME  {message}; uncontrolled" in outcome.said
    assert outcome.code == 1
    assert [it["message"] for it in project.records] == [message]


def test_a_gate_may_write_what_is_no_input_of_it(project: Project) -> None:
    project.steps("""
        lint: {run: [sh, -c, "echo new > b.md; echo new > src/a.md"], inputs: ["*.txt"]}
    """)
    project.write("a.txt", "")
    project.write("src/a.txt", "")

    assert project.inv("lint").code == 0


def test_an_input_that_somebody_changes_during_the_run_is_not_called_tested(
    project: Project, until: Until
) -> None:
    project.steps("""
        lint: {run: [sh, -c, "cat a.txt >> ~/ran; mkfifo ~/go; cat ~/go"], inputs: [a.txt]}
    """)
    project.write("a.txt", "one\n")

    with project.running("lint") as run:
        go = project.home / "go"
        until(go.exists)
        assert project.ran == ["one"]
        project.write("a.txt", "two\n")
        go.write_text("on\n")

    assert run.returncode == 1
    assert [it["message"] for it in project.records] == ["the gate changed its own input: a.txt"]


def test_an_input_that_changes_before_its_step_starts_is_not_called_tested(
    project: Project, until: Until
) -> None:
    project.steps("""
        first: {run: [sh, -c, "mkfifo ~/go; cat ~/go"], inputs: [b.txt]}
        lint: {run: [sh, -c, "cat a.txt >> ~/ran"], inputs: [a.txt], needs: [first]}
    """)
    project.write("a.txt", "one\n")
    project.write("b.txt", "")

    with project.running("check") as run:
        go = project.home / "go"
        until(go.exists)
        project.write("a.txt", "two\n")
        go.write_text("on\n")
        assert run.wait() == 1
    go.unlink()
    again = project.inv("lint")

    assert again.totals == "2 steps: 1 passed, 1 from ledger, 0 failed, 0 skipped"
    assert project.ran == ["two", "two"]


NONE = "def check_nothing():\n    pass\n"
SKIPPED = 'import pytest\n\n\n@pytest.mark.skip(reason="later")\ndef test_one():\n    assert 0\n'
FAILING = "def test_one():\n    assert 0\n"
QUIET = "; exit 0"


@pytest.mark.parametrize(
    ("tests", "message"),
    [
        (NONE, "no tests; no test was run, 0 skipped"),
        (SKIPPED, "1 skipped; no test was run, 1 skipped"),
        (FAILING, "1 failed; 1 tests failed, yet it ended with exit code 0"),
    ],
    ids=["none", "all skipped", "failing"],
)
def test_exit_code_0_is_not_enough(project: Project, tests: str, message: str) -> None:
    project.steps("""
        test: {run: [sh, -c, "python -m pytest --junit-xml={junit} -p no:cacheprovider; exit 0"]}
    """)
    project.write(".gitignore", "__pycache__/\n")
    project.write("test_it.py", tests)

    outcome = project.inv("test")

    assert f"test:it  failed  TIME  {message}; uncontrolled" in outcome.said
    assert outcome.code == 1


def test_a_step_that_promises_a_report_must_write_it(project: Project) -> None:
    project.steps("""
        test: {run: [sh, -c, "true {junit}"]}
    """)

    outcome = project.inv("test")

    assert "test:it  failed  TIME  it wrote no test report; uncontrolled" in outcome.said
    assert outcome.code == 1
