"""Controls are tried by real gates in real scratch copies of small repositories."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipelines import config, entry
from pipelines.checkout import git
from pipelines.controls import run as controls
from pipelines.controls.planted import Control, Half, find
from pipelines.controls.run import ControlsFailed, Outcome, Tried
from pipelines.controls.scratch import contents, copied
from pipelines.errors import ConfigError
from pipelines.planning.fingerprint import gate_digest
from pipelines.step import Step

ROOT = Path(__file__).parents[2]
PLANTED = ROOT / "tests" / "controls"
WORD = "test -s {folder}/word"  # a gate that rejects an empty file

Write = Callable[[str, str], None]
Try = Callable[..., dict[str, Outcome]]


@pytest.fixture(autouse=True)
def _own_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    return folder


@pytest.fixture
def write(root: Path) -> Write:
    def write(path: str, text: str) -> None:
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    return write


@pytest.fixture
def project(write: Write) -> Callable[[str], None]:
    """Components `fabric` and `kit` with one gate, `check`, that runs these words of a shell."""

    def project(script: str) -> None:
        write(
            "pipelines.yaml",
            f"""
components:
  fabric: {{folder: services/fabric, kind: text}}
  kit: {{folder: services/kit, kind: text}}
kinds:
  text:
    check:
      run: [sh, -c, {script!r}]
      cwd: root
      inputs: ["**", /rules]
      controls: ["/tests/controls/check/*"]
""",
        )
        write("rules", "a word is not empty\n")
        write("services/fabric/word", "fabric\n")
        write("services/kit/word", "kit\n")
        write("tests/controls/check/empty/fault/word", "")
        write("tests/controls/check/empty/clean/word", "clean\n")

    return project


@pytest.fixture
def tried(root: Path) -> Try:
    """What came of each control, also where some failed."""

    def tried(*only: str) -> dict[str, Outcome]:
        try:
            ended: list[Tried] = controls.run(entry.workspace(str(root)), only=only)
        except ControlsFailed as error:
            ended = list(error.failed)
        return {it.control.name: it.outcome for it in ended}

    return tried


def counted(file: Path) -> int:
    return len(file.read_text().splitlines()) if file.exists() else 0


@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        (WORD, Outcome.DETECTED),
        ("true", Outcome.MISSED),
        (f"{WORD} || true", Outcome.MISSED),
        (f"{WORD}; echo done", Outcome.MISSED),
        ("false", Outcome.ALARMED),
        (f"! {WORD}", Outcome.ALARMED),
        ("exec no-such-program", Outcome.ALARMED),
    ],
)
def test_what_a_control_says_of_a_gate(
    project: Callable[[str], None], tried: Try, script: str, outcome: Outcome
) -> None:
    project(script)

    assert tried() == {"check/empty": outcome}


@pytest.mark.parametrize("script", ["true", f"{WORD} || true"])
def test_a_gate_that_swallows_failure_fails_the_command(
    project: Callable[[str], None], root: Path, script: str
) -> None:
    project(script)

    ended = subprocess.run(
        [sys.executable, "-m", "tasks", "controls"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 1
    assert ended.stdout.splitlines()[1].split() == ["check", "tests/controls/check/empty", "missed"]
    assert ended.stderr.splitlines()[-1] == (
        "error: 1 of 1 controls failed: check/empty missed; mend the gate, not the control"
    )


def test_a_gate_whose_program_is_missing_rejects_nothing(
    write: Write, project: Callable[[str], None], tried: Try
) -> None:
    project(WORD)
    write("pipelines.yaml", "".join(_with_run("[no-such-program]")))

    assert tried() == {"check/empty": Outcome.ALARMED}


def _with_run(words: str) -> Iterator[str]:
    yield "components: {fabric: {folder: services/fabric, kind: text}}\n"
    yield f"kinds: {{text: {{check: {{run: {words}, controls: [/tests/controls/check/*]}}}}}}\n"


def test_a_gate_that_runs_no_test_rejects(
    write: Write, project: Callable[[str], None], tried: Try
) -> None:
    project("cp {folder}/report.xml {junit}")
    case = '<testsuite><testcase classname="door" name="opens">{}</testcase></testsuite>'
    write("tests/controls/check/empty/fault/report.xml", case.format("<skipped/>"))
    write("tests/controls/check/empty/clean/report.xml", case.format(""))

    assert tried() == {"check/empty": Outcome.DETECTED}


def test_a_control_takes_the_place_of_the_component_and_sees_the_rest(
    write: Write, project: Callable[[str], None], tried: Try
) -> None:
    project(f"{WORD} && test -s rules && test ! -e services/fabric/own && test ! -e tests")
    write("services/fabric/own", "not what is tried\n")

    assert tried() == {"check/empty": Outcome.DETECTED}


def test_the_scratch_copy_is_a_repository_that_tracks_its_files(
    write: Write, project: Callable[[str], None], tried: Try
) -> None:
    write(".gitignore", "word\n!/tests/**/word\n!/services/**/word\n")
    project(f"{WORD} && git ls-files --error-unmatch services/fabric/word rules")

    assert tried() == {"check/empty": Outcome.DETECTED}


def test_what_has_not_changed_is_not_tried_again(
    write: Write, project: Callable[[str], None], tried: Try, tmp_path: Path
) -> None:
    ran = tmp_path / "ran"
    project(f"echo >> {ran}; {WORD}")

    for change, times in (
        (None, 2),
        (None, 2),
        (("services/fabric/word", "another\n"), 2),
        (("tests/controls/check/empty/clean/word", "another\n"), 3),
        (("rules", "another\n"), 5),
    ):
        if change:
            write(*change)
        assert tried() == {"check/empty": Outcome.DETECTED}
        assert counted(ran) == times


def test_a_failed_control_is_tried_again(
    project: Callable[[str], None], tried: Try, tmp_path: Path
) -> None:
    ran = tmp_path / "ran"
    project(f"echo >> {ran}; true")

    assert tried() == tried() == {"check/empty": Outcome.MISSED}
    assert counted(ran) == 3  # the twin was accepted, and that holds


def test_components_with_other_words_are_another_gate(
    write: Write, project: Callable[[str], None], root: Path
) -> None:
    project(WORD)
    text = (root / "pipelines.yaml").read_text()
    own = "services/kit, kind: text, steps: {check: {run: [sh, -c, 'true']}}"
    write("pipelines.yaml", text.replace("services/kit, kind: text", own))

    with pytest.raises(ControlsFailed) as caught:
        controls.run(entry.workspace(str(root)))

    assert [it.control.step.id for it in caught.value.failed] == ["check:kit"]
    assert "1 of 2 controls failed" in str(caught.value)


def test_a_gate_is_controlled_once_its_controls_have_passed(
    project: Callable[[str], None], root: Path
) -> None:
    project(WORD)
    space = entry.workspace(str(root))
    assert not space.is_controlled(space.layout.steps["check:kit"])

    controls.run(space)

    space = entry.workspace(str(root))
    assert space.is_controlled(space.layout.steps["check:kit"])
    step = space.layout.steps["check:kit"]._replace(template=("sh", "-c", "another gate"))
    assert not space.is_controlled(step)


def test_a_control_that_fails_later_takes_its_word_back(
    write: Write, project: Callable[[str], None], root: Path, tried: Try
) -> None:
    project(f"{WORD} || test -e rules/off")
    assert tried() == {"check/empty": Outcome.DETECTED}

    (root / "rules").unlink()
    write("rules/off", "settings that switch the gate off\n")

    assert tried() == {"check/empty": Outcome.MISSED}
    space = entry.workspace(str(root))
    assert not space.is_controlled(space.layout.steps["check:fabric"])


def test_a_gate_is_one_command_with_the_same_tools_in_any_component() -> None:
    fabric = Step("types", "fabric", ("mypy", "services/fabric"), template=("mypy", "{folder}"))
    kit = fabric._replace(component="kit", argv=("mypy", "services/kit"))
    tools = {"mypy": "mypy 2.4.1"}

    assert gate_digest(fabric, tools) == gate_digest(kit, tools)
    others = {
        gate_digest(fabric, tools),
        gate_digest(fabric, {"mypy": "mypy 2.4.2"}),
        gate_digest(fabric._replace(name="strict"), tools),
        gate_digest(fabric._replace(template=("mypy", "--strict", "{folder}")), tools),
        gate_digest(fabric._replace(cwd="services/fabric"), tools),
    }
    assert len(others) == 5


@pytest.mark.parametrize("half", ["fault", "clean"])
def test_a_control_needs_both_halves(
    project: Callable[[str], None], root: Path, tried: Try, half: str
) -> None:
    project(WORD)
    (root / "tests/controls/check/empty" / half / "word").unlink()

    with pytest.raises(ConfigError, match=rf"check/empty: a control without {half}/"):
        tried()


def test_a_pattern_that_names_no_control_is_refused(
    project: Callable[[str], None], root: Path, tried: Try
) -> None:
    project(WORD)
    (root / "tests").rename(root / "test")

    with pytest.raises(ConfigError, match=r"check:fabric: controls: /tests/controls/check/\*"):
        tried()


def test_two_controls_of_one_name_are_refused(
    write: Write, project: Callable[[str], None], root: Path, tried: Try
) -> None:
    project(WORD)
    text = (root / "pipelines.yaml").read_text()
    write("pipelines.yaml", text.replace("controls/check/*", "controls/**"))
    for half in ("fault", "clean"):
        write(f"tests/controls/check/more/empty/{half}/word", "")

    with pytest.raises(ConfigError, match=r"one name: \S+/check/empty, \S+/check/more/empty;"):
        tried()


def test_only_names_gates(project: Callable[[str], None], tried: Try) -> None:
    project(WORD)

    assert tried("check") == {"check/empty": Outcome.DETECTED}
    with pytest.raises(ConfigError, match="no gate called 'chek'; known: check"):
        tried("chek")


@pytest.mark.parametrize(
    ("half", "expected"),
    [
        (Half.FAULT, {"pyproject.toml", "tasks/lock.py", "pipelines/door.py"}),
        (Half.CLEAN, {"pyproject.toml", "tasks/lock.py", "pipelines/door.py", "README.md"}),
    ],
)
def test_at_the_root_what_either_half_brings_gives_way(half: Half, expected: set[str]) -> None:
    gate = Step("build", "repository", ("build",))
    files = {Half.FAULT: ("pipelines/door.py",), Half.CLEAN: ("pipelines/door.py", "README.md")}
    control = Control(gate, "", "tests/controls/build/readme", files)
    read = ["README.md", "pipelines/gates.py", "pyproject.toml", "tasks/lock.py"]

    made = contents(control, half, ".", read)

    assert set(made) == expected
    assert made["pipelines/door.py"] == f"{control.folder}/{half.value}/pipelines/door.py"
    assert made["tasks/lock.py"] == "tasks/lock.py"


def test_a_scratch_copy_stands_apart_from_the_repository_a_hook_runs_for(
    write: Write, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("word", "word\n")
    monkeypatch.setenv("GIT_DIR", str(root / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(root / ".git" / "index"))

    with copied(str(root), {"word": "word"}) as folder:
        assert (Path(folder) / ".git" / "index").exists()
    assert not Path(folder).exists()
    assert not (root / ".git" / "index").exists()


def differing(control: Path) -> set[Path]:
    """The files in which the two halves differ."""
    halves = [
        {file.relative_to(half): file.read_bytes() for file in half.rglob("*") if file.is_file()}
        for half in (control / "fault", control / "clean")
    ]
    return {path for path, _ in set(halves[0].items()) ^ set(halves[1].items())}


def test_every_gate_of_this_repository_has_two_controls() -> None:
    paths = git.files(str(ROOT))
    steps = [step for step in config.load(ROOT, paths).steps if step.controls]

    counts = {step.name: len(find(step, "", paths)) for step in steps}
    assert set(counts) == {file.name for file in PLANTED.iterdir()}
    assert [name for name, count in counts.items() if count < 2] == []


@pytest.mark.parametrize(
    "control", sorted(PLANTED.glob("*/*")), ids=lambda it: f"{it.parent.name}/{it.name}"
)
def test_a_fault_of_this_repository_stands_in_one_place(control: Path) -> None:
    assert len(differing(control)) in (1, 2)
    assert len({path.parent for path in differing(control)}) == 1


def test_ruff_leaves_the_planted_faults_out() -> None:
    words = ["ruff", "check", "--show-files", "tests"]
    ended = subprocess.run(
        [sys.executable, "-m", *words], cwd=ROOT, capture_output=True, text=True, check=True
    )

    files = [Path(line) for line in ended.stdout.splitlines()]
    assert Path(__file__) in files
    assert [file for file in files if file.is_relative_to(PLANTED)] == []


def test_flake8_leaves_the_planted_faults_out() -> None:
    subprocess.run([sys.executable, "-m", "flake8", "tests/controls"], cwd=ROOT, check=True)


def test_pytest_leaves_the_planted_faults_out() -> None:
    words = ["pytest", "--collect-only", "-p", "no:cacheprovider", "tests/controls"]

    ended = subprocess.run(
        [sys.executable, "-m", *words], cwd=ROOT, check=False, stdout=subprocess.DEVNULL
    )

    assert ended.returncode == pytest.ExitCode.NO_TESTS_COLLECTED
