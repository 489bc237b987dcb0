"""A fix does what it is meant to, changes nothing else, and is proven by auditing again."""

from __future__ import annotations

import subprocess
from pathlib import Path
from textwrap import dedent

import pytest

from pipelines.audit import fixes
from pipelines.audit.fixes import pins
from pipelines.errors import ConfigError
from tests.audit.repository import Files, found, tracked

CI = ".github/workflows/ci.yml"
SHA = "11bd71901bbe5b1630ceea73d27597364c9af683"
PYTHON = 'FROM python:3.12-slim\nUSER 1\nCMD ["python", "-m", "x"]\n'
NODE = 'FROM node:22-slim\nUSER node\nCMD ["node", "x.js"]\n'


def changed(files: Files, commits: dict[str, str] | None = None) -> dict[str, list[str]]:
    """The lines that a fix adds, by file."""
    held = tracked(files)
    result: dict[str, list[str]] = {}
    for path, text in fixes.fix(held, commits).texts.items():
        before = (held.text(path) or "").splitlines()
        result[path] = [line.strip() for line in text.splitlines() if line not in before]
    return result


def service(*lines: str) -> str:
    body = "\n".join(f"    {line}" for line in lines)
    return f"services:\n  api:\n    build: .\n{body}\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("${PASSWORD:-secret1}", "${PASSWORD:?set PASSWORD}"),
        ("${PASSWORD-secret1}", "${PASSWORD:?set PASSWORD}"),
        (
            "postgresql://me:${DB_PASSWORD:-secret1}@db/x",
            "postgresql://me:${DB_PASSWORD:?set DB_PASSWORD}@db/x",
        ),
        (
            "postgresql://${DB_USER:-me}:${DB_PASSWORD:-secret1}@db/x",
            "postgresql://${DB_USER:-me}:${DB_PASSWORD:?set DB_PASSWORD}@db/x",
        ),
    ],
)
def test_a_working_default_becomes_a_value_that_has_to_be_given(before: str, after: str) -> None:
    name = "DB_URL" if "://" in before else "PASSWORD"
    files = {"Dockerfile": PYTHON, "compose.yaml": service("environment:", f"  {name}: {before}")}

    assert changed(files) == {"compose.yaml": [f"{name}: {after}"]}


@pytest.mark.parametrize(
    ("dockerfile", "after"),
    [
        (
            PYTHON,
            (
                '["CMD", "python", "-c", "import urllib.request as r;'
                " r.urlopen('http://localhost:80/health', timeout=3)\"]"
            ),
        ),
        (
            NODE,
            (
                '["CMD", "node", "-e", "fetch(\'http://localhost:80/health\')'
                '.then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]'
            ),
        ),
        (
            "FROM nginx:1.27-alpine-slim\nUSER nginx\n",
            '["CMD", "wget", "-q", "--spider", "-T", "3", "http://localhost:80/health"]',
        ),
    ],
)
def test_a_probe_asks_by_what_the_image_has(dockerfile: str, after: str) -> None:
    test = 'test: ["CMD-SHELL", "curl -f http://localhost:80/health || exit 1"]'
    files = {"Dockerfile": dockerfile, "compose.yaml": service("healthcheck:", f"  {test}")}

    assert changed(files) == {"compose.yaml": [f"test: {after}"]}


@pytest.mark.parametrize(
    "asked",
    [
        "curl -f http://localhost:80/health",
        "curl -fsS --max-time 2 http://localhost:80/health || exit 1",
        "curl --fail -o /dev/null http://localhost:80/health || false",
    ],
)
def test_a_probe_that_only_asks_is_asked_otherwise(asked: str) -> None:
    files = {"Dockerfile": PYTHON, "compose.yaml": service("healthcheck:", f"  test: {asked}")}

    assert "urlopen('http://localhost:80/health'" in changed(files)["compose.yaml"][0]


@pytest.mark.parametrize(
    "asked",
    [
        "curl -f -H 'Host: a' http://localhost:80/health",
        "curl -f -u me:$$WORD http://localhost:80/health",
        "curl -kf https://localhost:80/health",
        "curl -f -X POST http://localhost:80/health",
        "curl -s http://localhost:80/health | grep ok",
        "curl -f http://localhost:80/a && curl -f http://localhost:80/b",
    ],
)
def test_a_probe_that_does_more_than_ask_stays(asked: str) -> None:
    files = {"Dockerfile": PYTHON, "compose.yaml": service("healthcheck:", f'  test: "{asked}"')}

    assert found("REL002", files)
    assert changed(files) == {}


def test_a_probe_of_an_image_that_has_nothing_to_ask_with_stays() -> None:
    test = 'test: ["CMD", "curl", "-f", "http://localhost:80/health"]'
    files = {
        "Dockerfile": "FROM gcr.io/distroless/static:nonroot\n",
        "compose.yaml": service("healthcheck:", f"  {test}"),
    }

    assert changed(files) == {}


WAITS = """\
    services:
      api:
        build: .
        restart: always
        depends_on:
          {}
        healthcheck: {{test: [CMD, python, -c, "import x"]}}
      db:
        image: postgres:16.4
        restart: always
        {}
    """
HEALTHY = "healthcheck: {test: [CMD, pg_isready]}"


@pytest.mark.parametrize(
    ("dependency", "after"),
    [
        ("- db", ["db:", "condition: service_healthy"]),
        ("db: {condition: service_started}", ["db: {condition: service_healthy}"]),
        ("db:\n            condition: service_started", ["condition: service_healthy"]),
    ],
)
def test_a_dependent_waits_for_health(dependency: str, after: list[str]) -> None:
    files = {"Dockerfile": PYTHON, "compose.yaml": dedent(WAITS.format(dependency, HEALTHY))}

    assert changed(files) == {"compose.yaml": after}


def test_it_does_not_wait_for_what_nobody_can_tell() -> None:
    files = {"Dockerfile": PYTHON, "compose.yaml": dedent(WAITS.format("- db", "user: postgres"))}

    assert changed(files) == {}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("pytest || true", "- run: pytest"),
        ("pytest || exit 0", "- run: pytest"),
        ("pytest || echo 'it failed'", "- run: pytest"),
        ("flake8 --exit-zero .", "- run: flake8 ."),
        ("pytest; true", None),  # as GitHub starts it, pytest ends the step: nothing is swallowed
        ("pytest || echo $(date)", None),  # it may do more than say something
    ],
)
def test_what_swallows_a_failure_goes(before: str, after: str | None) -> None:
    files = {CI: f"on: push\njobs:\n  a:\n    steps:\n      - run: {before}\n"}

    assert changed(files) == ({CI: [after]} if after else {})


def test_a_swallow_on_a_line_of_its_own_leaves_the_exit_code() -> None:
    run = "|\n          pytest \\\n            -q \\\n            || true\n"
    files = {CI: f"on: push\njobs:\n  a:\n    steps:\n      - run: {run}"}

    assert changed(files) == {CI: ["&& true"]}
    assert found("GATE001", files)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("-pytest", "pytest"),
        ("@-pytest", "@pytest"),
        ("@cd a && pytest || true", "@cd a && pytest"),
        ("pytest || :", "pytest"),
    ],
)
def test_a_recipe_fails_with_its_gate(before: str, after: str) -> None:
    assert changed({"Makefile": f"test:\n\t{before}\n"}) == {"Makefile": [after]}


def test_an_action_is_pinned_by_the_map_alone() -> None:
    steps = "      - uses: actions/checkout@v4\n      - uses: a/b@v1\n"
    text = f"on: push\njobs:\n  a:\n    steps:\n{steps}"

    assert changed({CI: text}) == {}
    assert changed({CI: text}, {"actions/checkout@v4": SHA}) == {
        CI: [f"- uses: actions/checkout@{SHA} # v4"]
    }


def test_a_map_of_pins_is_read_and_its_faults_named(tmp_path: Path) -> None:
    file = tmp_path / "pins.yaml"
    file.write_text(f"actions/checkout@v4: {SHA}\n")
    assert pins.read(file) == {"actions/checkout@v4": SHA}

    file.write_text("\nactions/checkout@v4: v4\n")
    with pytest.raises(ConfigError, match=r"pins\.yaml:2: .*40 hexadecimal"):
        pins.read(file)


def test_what_is_suppressed_or_an_example_is_left_alone() -> None:
    text = "# summit: ignore GATE002 -- known, and on its way\ntest:\n\tpytest || true\n"
    files = {
        "Makefile": text.replace("# summit", "test:\n# summit").replace("\ntest:\n\t", "\n\t"),
        "docs/compose.yaml": service("environment:", "  PASSWORD: ${PASSWORD:-secret1}"),
    }

    assert changed(files) == {}


@pytest.mark.parametrize(
    "data",
    [
        b"# caf\xe9\ntest:\n\tpytest || true\n",
        b"\xef\xbb\xbftest:\n\tpytest || true\n",
        b"test:\r\n\tpytest || true\r\n",
    ],
    ids=["no UTF-8", "a byte order mark", "carriage returns"],
)
def test_a_file_that_would_lose_something_in_writing_is_left_alone(data: bytes) -> None:
    assert found("GATE002", {"Makefile": data})
    assert changed({"Makefile": data}) == {}


def test_a_fix_that_would_make_another_fault_does_not_stand(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    files = {"Makefile": "test:\n\tpytest || true\nlint:\n\tflake8 . || true\n"}

    def worse(model: object, finding: object) -> fixes.Edit:
        edit = fixes.swallows.in_recipe(model, finding)  # type: ignore[arg-type]
        return edit._replace(new=f"{edit.new}\n\tmypy . || true") if "flake8" in edit.new else edit

    monkeypatch.setitem(fixes.FIXERS, "GATE002", worse)
    result = fixes.fix(tracked(files))

    assert [str(it.place) for it in result.findings] == ["Makefile:2"]
    assert [str(it.place) for it in result.refused] == ["Makefile:4"]


def test_the_diff_is_one_that_git_applies(tmp_path: Path) -> None:
    files = {"Makefile": "test:\n\tpytest || true", "a/Makefile": "lint:\n\t-flake8 .\n"}
    held = tracked(files)
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    result = fixes.fix(held)

    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    subprocess.run(
        ["git", "apply", "-"], cwd=tmp_path, input=result.diff(held).encode(), check=True
    )

    assert {path: (tmp_path / path).read_text() for path in files} == dict(result.texts)
    assert not fixes.fix(tracked(result.texts)).texts
