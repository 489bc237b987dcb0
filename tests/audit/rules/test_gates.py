"""Gates that cannot fail, or that nobody runs, are found; those that can are left alone."""

from __future__ import annotations

import pytest

from pipelines.audit.findings import Severity
from tests.audit.repository import found, places

FILE = ".github/workflows/ci.yml"


def ci(*steps: str, **more: str) -> dict[str, str]:
    """A workflow; the first step stands on line 5."""
    lines = "".join(f"      {step}\n" for step in steps)
    return {FILE: f"on: push\njobs:\n  a:\n    steps:\n{lines}", **more}


@pytest.mark.parametrize(
    ("step", "line"),
    [
        ("- run: pytest || true", 5),
        ("- run: 'pytest || :'", 5),
        ("- run: ruff check . || exit 0", 5),
        ("- run: mypy . || echo failed", 5),
        ("- run: flake8 --exit-zero .", 5),
        ("- run: make test || true", 5),
        ("- run: npm run lint || true", 5),
        ("- run: docker compose run --rm api pytest || true", 5),
        ("- run: poetry run black --check . || true", 5),
        ("- run: |\n          set +e\n          pytest\n          echo done", 7),
        ("- run: |\n          echo a\n          pytest \\\n            -q || true\n", 8),
        ("- {run: pytest; true, shell: 'sh {0}'}", 5),
        ("- run: bandit -r . || true", 5),
        ("- run: docker build . || true", 5),
    ],
)
def test_a_swallowed_gate_in_ci(step: str, line: int) -> None:
    assert places("GATE001", ci(step)) == [f"{FILE}:{line}"]


@pytest.mark.parametrize(
    "step",
    [
        "- run: pytest",
        "- run: docker rm x || true",
        "- run: docker compose down || true",
        "- run: kill $PID || true",
        "- run: mkdir x || true",
        "- run: pip install pytest || true",
        "- run: pytest || code=$?; exit $code",
        "- run: |\n          set +e\n          pytest\n          code=$?\n          exit $code",
        "- run: if ! pytest; then exit 1; fi",
        "- run: grep x y || true",
        "- run: pytest || exit 1",
        "- run: pytest || { docker logs api; exit 1; }",
        "- run: echo 'pytest || true'",
        "- run: |\n          # pytest || true\n          pytest",
    ],
)
def test_what_cleans_up_or_keeps_the_outcome_is_none(step: str) -> None:
    assert places("GATE001", ci(step)) == []


def test_an_outcome_that_a_later_step_asks_for_is_none() -> None:
    asked = "- {if: \"steps.t.outcome == 'failure'\", run: exit 1}"

    assert places("GATE001", ci("- {id: t, run: pytest || true}", asked)) == []
    assert places("GATE001", ci("- {id: t, run: pytest || true}")) == [f"{FILE}:5"]


def test_a_pipe_is_an_oversight_of_less_weight() -> None:
    (finding,) = found("GATE001", ci("- run: pytest | tee log"))

    assert finding.severity is Severity.LOW
    assert places("GATE001", ci("- {run: pytest | tee log, shell: bash}")) == []


def test_a_script_that_ci_runs_is_followed() -> None:
    (finding,) = found("GATE001", ci("- run: ./test.sh", **{"test.sh": "set -e\npytest || true\n"}))

    assert str(finding.place) == "test.sh:2"
    assert [str(it.place) for it in finding.also] == [f"{FILE}:5"]


@pytest.mark.parametrize(
    "recipe",
    [
        "cd api && pytest || true",
        "@pytest || :",
        "-pytest",
        "@-npm run lint",
        "pytest; true",
        "flake8 --exit-zero .",
        "$(PYTEST) || exit 0",
    ],
)
def test_a_swallowed_gate_in_a_recipe_that_ci_reaches(recipe: str) -> None:
    make = f"PYTEST = python -m pytest\ntest:\n\techo\n\t{recipe}\n"

    (finding,) = found("GATE002", ci("- run: make test", Makefile=make))

    assert (str(finding.place), finding.severity) == ("Makefile:4", Severity.HIGH)
    assert [str(it.place) for it in finding.also] == [f"{FILE}:5"]


def test_one_that_ci_does_not_reach_has_less_weight() -> None:
    (finding,) = found("GATE002", ci("- run: make build", Makefile="lint:\n\tflake8 . || true\n"))

    assert finding.severity is Severity.LOW


@pytest.mark.parametrize(
    "make",
    [
        "test:\n\tpytest\n",
        "clean:\n\t-rm -rf build\n\tdocker compose down || true\n",
        "stop:\n\t-pkill api\n",
        "test:\n\tpytest || exit 1\n",
        "install:\n\tpip install pytest || true\n",
    ],
)
def test_clean_up_in_a_recipe_is_none(make: str) -> None:
    assert places("GATE002", ci("- run: make test clean stop install", Makefile=make)) == []


@pytest.mark.parametrize(
    ("steps", "line"),
    [
        (("- run: pytest", "  continue-on-error: true"), 6),
        (("- run: make lint", "  continue-on-error: true"), 6),
        (("- uses: golangci/golangci-lint-action@v6", "  continue-on-error: true"), 6),
        (("- name: x", "  run: echo && mypy .", "  continue-on-error: true"), 7),
    ],
)
def test_a_gate_that_may_fail(steps: tuple[str, ...], line: int) -> None:
    assert places("GATE003", ci(*steps)) == [f"{FILE}:{line}"]


@pytest.mark.parametrize(
    "steps",
    [
        ("- uses: codecov/codecov-action@v4", "  continue-on-error: true"),
        ("- run: curl -F f=@report https://x", "  continue-on-error: true"),
        ("- run: pytest", "  continue-on-error: false"),
        ("- run: pytest", "  continue-on-error: ${{ matrix.experimental }}"),
        (
            "- {id: t, run: pytest, continue-on-error: true}",
            "- {if: \"steps.t.outcome == 'failure'\", run: exit 1}",
        ),
    ],
)
def test_an_upload_or_a_checked_outcome_is_none(steps: tuple[str, ...]) -> None:
    assert places("GATE003", ci(*steps)) == []


def test_a_whole_job_that_may_fail() -> None:
    text = "on: push\njobs:\n  a:\n    continue-on-error: true\n    steps:\n      - run: pytest\n"

    assert places("GATE003", {FILE: text}) == [f"{FILE}:4"]


@pytest.mark.parametrize(
    "script",
    [
        "echo 'no tests' && exit 0",
        "echo no tests yet",
        "true",
        "exit 0",
        ":",
        "jest || true",
        "eslint . ; exit 0",
    ],
)
def test_a_stub(script: str) -> None:
    files = {"package.json": f'{{\n"scripts": {{\n"test": "{script}"\n}}}}'}

    assert places("GATE004", files) == ["package.json:3"]


@pytest.mark.parametrize(
    ("name", "script"),
    [
        ("test", 'echo \\"Error: no test specified\\" && exit 1'),
        ("test", "jest"),
        ("lint", "echo linting && eslint ."),
        ("start", "echo hello"),
        ("postinstall", "true"),
        ("test:db:up", "true"),
    ],
)
def test_a_script_that_checks_or_fails_is_none(name: str, script: str) -> None:
    assert places("GATE004", {"package.json": f'{{"scripts": {{"{name}": "{script}"}}}}'}) == []


def test_a_target_and_a_shell_script_may_be_stubs_too() -> None:
    files = {"Makefile": "lint:\n\t@echo no linters\n", "scripts/test.sh": "#!/bin/sh\necho ok\n"}

    assert places("GATE004", files) == ["Makefile:1", "scripts/test.sh:1"]
    assert places("GATE004", {"Makefile": "test: unit\n\t@echo done\nunit:\n\tpytest\n"}) == []


TEST = "def test_a():\n    assert True\n"
LINT = '{"scripts": {\n"lint": "eslint ."}}'
B = "b/test_b.py:1"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (ci("- run: pytest a", **{"a/test_a.py": TEST, "b/test_b.py": TEST}), B),
        (ci("- run: cd a && pytest", **{"a/test_a.py": TEST, "b/test_b.py": TEST}), B),
        (ci("- run: ruff check .", **{"a/test_a.py": TEST}), "a/test_a.py:1"),
        (ci("- run: pytest", **{"package.json": LINT}), "package.json:2"),
        (ci("- run: pytest", **{"mypy.ini": "[mypy]\n"}), "mypy.ini:1"),
        (ci("- run: pytest", Makefile="lint:\n\tflake8 .\n"), "Makefile:1"),
        (
            ci("- {run: pytest a, if: false}", "- run: ruff check .", **{"a/test_a.py": TEST}),
            "a/test_a.py:1",
        ),
    ],
)
def test_a_gate_that_ci_does_not_run(files: dict[str, str], expected: str) -> None:
    assert places("GATE005", files) == [expected]


@pytest.mark.parametrize(
    "files",
    [
        ci("- run: pytest", **{"a/test_a.py": TEST, "b/test_b.py": TEST}),
        ci("- run: make test", Makefile="test:\n\tcd a && pytest\n", **{"a/test_a.py": TEST}),
        ci("- run: for s in a b; do cd $s && pytest; done", **{"a/test_a.py": TEST}),
        ci("- run: tox", **{"a/test_a.py": TEST}),
        ci("- run: docker compose run api ./test.sh", **{"a/test_a.py": TEST}),
        ci("- run: ${{ matrix.command }}", **{"a/test_a.py": TEST}),
        ci("- run: ./run.py", **{"run.py": "#!/usr/bin/env python\n", "a/test_a.py": TEST}),
        ci("- run: pytest", **{"test_config.py": "LOGGING = {}\n", "x/test_data.py": "A = 1\n"}),
        ci("- uses: super-linter/super-linter@v6", "- run: pytest", **{".flake8": ""}),
        ci("- run: pnpm -r run lint", **{"w/package.json": '{"scripts": {"lint": "eslint ."}}'}),
        ci("- run: pytest", **{"package.json": '{"scripts": {"test": "react-scripts test"}}'}),
        {".gitlab-ci.yml": "test: {script: [pytest]}\n", "a/test_a.py": TEST},
    ],
)
def test_a_gate_that_ci_may_run_is_none(files: dict[str, str]) -> None:
    assert places("GATE005", files) == []


def test_without_any_ci_one_finding_says_so() -> None:
    (finding,) = found("GATE005", {"a/test_a.py": TEST, "b/test_b.py": TEST, "mypy.ini": ""})

    assert (str(finding.place), finding.severity) == ("a/test_a.py:1", Severity.LOW)


WATCH = {
    FILE: """\
        name: ci
        on:
          push:
            branches: [main]
          pull_request:
        jobs:
          check:
            runs-on: ubuntu-latest
            steps:
              - uses: actions/checkout@v4
              - name: Lint
                run: |
                  flake8 apps/api
                  black --check apps/api
              - name: Console
                run: |
                  cd apps/web
                  npm ci
                  npm run lint
                  npm test
              - name: Tests
                run: make test
              - name: Types (for now)
                run: make types || true
              - name: Scan
                continue-on-error: true
                run: pip-audit
          e2e:
            needs: check
            if: ${{ github.event_name == 'workflow_dispatch' }}
            steps:
              - run: make e2e
        """,
    "Makefile": (
        "test:\n\t@cd apps/api && python -m pytest tests -v || true\n\t@cd apps/worker && pytest\n"
        "types:\n\tmypy apps\n"
        "e2e:\n\tpytest tests/e2e\n"
        "clean:\n\t-docker compose down\n"
    ),
    "apps/api/requirements.txt": "",
    "apps/api/tests/test_api.py": TEST,
    "apps/worker/requirements.txt": "",
    "apps/worker/tests/test_worker.py": TEST,
    "apps/door/requirements.txt": "",
    "apps/door/tests/test_door.py": TEST,
    "apps/web/package.json": (
        '{\n  "scripts": {\n    "lint": "eslint .",\n'
        '    "test": "echo none yet && exit 0"\n  }\n}\n'
    ),
    "tests/e2e/test_flow.py": TEST,
}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("GATE001", [f"{FILE}:24"]),
        ("GATE002", ["Makefile:2"]),
        ("GATE003", [f"{FILE}:26"]),
        ("GATE004", ["apps/web/package.json:4"]),
        ("GATE005", ["apps/door/tests/test_door.py:1", "tests/e2e/test_flow.py:1"]),
        ("GATE006", [f"{FILE}:30"]),
        ("GATE007", [f"{FILE}:10"]),
    ],
)
def test_a_pipeline_that_looks_strict(rule: str, expected: list[str]) -> None:
    assert places(rule, WATCH) == expected
