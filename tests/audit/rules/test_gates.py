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
        ("- run: npm run build || true", 5),
        ("- run: just test || true", 5),
        ("- run: mage buildAll || true", 5),
        ("- run: pre-commit run -a || true", 5),
        ("- run: docker run --rm -v .:/x image pytest || true", 5),
        ("- run: docker run --rm -i hadolint/hadolint < Dockerfile || true", 5),
        ("- run: python -m pip_audit || true", 5),
        ("- run: for d in a b; do pytest $d || continue; done", 5),
        ("- run: make -k -i test", 5),
        ("- run: trivy image --exit-code 0 x", 5),
        ("- run: golangci-lint run --issues-exit-code=0", 5),
        ("- run: checkov --soft-fail -d .", 5),
        ("- run: |\n          flake8 \\\n            --exit-zero \\\n            apps", 7),
        ("- uses: bridgecrewio/checkov-action@v12\n        with: {soft_fail: true}", 6),
        ("- uses: nick-fields/retry@v3\n        with:\n          command: pytest || true", 7),
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
        "- run: npm ci || true",
        "- run: pre-commit run -a || true\n      - run: git commit -am updated",
        "- run: prek run -a || true\n      - uses: peter-evans/create-pull-request@v6",
        "- run: npm outdated || true",
        "- run: make -C tests up || true",
        "- run: docker run -d --name test postgres:16 || true",
        "- run: trivy image --exit-code 1 x",
        "- run: isort --force . || true",
        "- uses: codecov/codecov-action@v4\n        with: {fail_ci_if_error: false}",
        "- uses: aquasecurity/trivy-action@v1\n        with: {exit-code: '1'}",
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


def test_what_code_scanning_is_handed_has_less_weight() -> None:
    scan = "- {uses: aquasecurity/trivy-action@v1, with: {exit-code: '0', format: sarif}}"
    upload = "- uses: github/codeql-action/upload-sarif@v3"
    snyk = "- {uses: snyk/actions/docker@v1, with: {args: --sarif}, continue-on-error: true}"

    assert [it.severity for it in found("GATE001", ci(scan))] == [Severity.MEDIUM]
    assert [it.severity for it in found("GATE001", ci(scan, upload))] == [Severity.LOW]
    assert [it.severity for it in found("GATE003", ci(snyk))] == [Severity.MEDIUM]
    assert [it.severity for it in found("GATE003", ci(snyk, upload))] == [Severity.LOW]


def test_a_step_of_an_action_is_looked_at_like_one_of_a_job() -> None:
    action = "runs:\n  using: composite\n  steps:\n    - run: pytest || true\n"

    files = ci("- uses: ./x", **{"x/action.yml": action})

    assert places("GATE001", files) == ["x/action.yml:4"]


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


def test_a_recipe_of_an_included_file_counts_once() -> None:
    files = ci(
        "- run: make test",
        Makefile="include mk/test.mk\n",
        **{"mk/test.mk": "test:\n\t-pytest\n", "a/Makefile": "include ../mk/test.mk\n"},
    )

    assert places("GATE002", files) == ["mk/test.mk:2"]


def test_a_recipe_that_a_dead_job_would_reach_says_so() -> None:
    make = "test:\n\tpytest || true\n"

    (finding,) = found("GATE002", ci("- {run: make test, if: false}", Makefile=make))

    assert finding.severity is Severity.HIGH
    assert "which the job `a` would run if it ever ran" in finding.message


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
        (("- uses: reviewdog/action-eslint@v1", "  continue-on-error: true"), 6),
        (("- run: task lint", "  continue-on-error: true"), 6),
    ],
)
def test_a_gate_that_may_fail(steps: tuple[str, ...], line: int) -> None:
    assert places("GATE003", ci(*steps)) == [f"{FILE}:{line}"]


@pytest.mark.parametrize(
    "steps",
    [
        ("- uses: codecov/codecov-action@v4", "  continue-on-error: true"),
        ("- run: curl -F f=@report https://x", "  continue-on-error: true"),
        ("- uses: astral-sh/setup-uv@v5", "  continue-on-error: true"),
        ("- uses: MishaKav/pytest-coverage-comment@v1", "  continue-on-error: true"),
        ("- run: npm ci", "  continue-on-error: true"),
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

    asked = "  b:\n    needs: a\n    steps:\n      - run: test ${{ needs.a.result }} = success\n"

    assert places("GATE003", {FILE: text}) == [f"{FILE}:4"]
    assert places("GATE003", {FILE: text + asked}) == []


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


def test_an_option_to_pass_without_tests_counts_where_there_are_none() -> None:
    files = {"package.json": '{"scripts": {"test": "jest --passWithNoTests"}}'}

    assert [it.severity for it in found("GATE004", files)] == [Severity.LOW]
    assert places("GATE004", files | {"a.test.ts": ""}) == []


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
        (ci("- run: flake8 .", **{"w/package.json": LINT}), "w/package.json:2"),
        (
            ci(
                "- run: npx playwright test",
                **{"w/package.json": '{"scripts": {"test": "vitest"}}', "w/a.test.ts": ""},
            ),
            "w/package.json:1",
        ),
        (ci("- run: pytest", **{"mypy.ini": "[mypy]\n"}), "mypy.ini:1"),
        (ci("- run: pytest", Makefile="lint:\n\tflake8 .\n"), "Makefile:1"),
        (
            ci("- {run: pytest a, if: false}", "- run: ruff check .", **{"a/test_a.py": TEST}),
            "a/test_a.py:1",
        ),
        (
            ci(
                "- run: pytest",
                **{
                    "pytest.ini": "[pytest]\ntestpaths = a\n",
                    "a/test_a.py": TEST,
                    "b/test_b.py": TEST,
                },
            ),
            B,
        ),
        (ci("- run: pytest --ignore=b", **{"a/test_a.py": TEST, "b/test_b.py": TEST}), B),
        (ci("- run: pytest --cov b a", **{"a/test_a.py": TEST, "b/test_b.py": TEST}), B),
        (
            ci(
                "- run: python -m unittest discover -s a",
                **{"a/test_a.py": TEST, "b/test_b.py": TEST},
            ),
            B,
        ),
        (
            ci(
                "- run: cd $GITHUB_WORKSPACE/a && pytest",
                **{"a/test_a.py": TEST, "b/test_b.py": TEST},
            ),
            B,
        ),
        (ci("- run: ruff check .", **{"w/package.json": "{}", "w/a.test.ts": ""}), "w/a.test.ts:1"),
        (ci("- run: ruff check .", **{"go.mod": "", "a/a_test.go": ""}), "a/a_test.go:1"),
        (
            ci(
                "- uses: pre-commit/action@v3",
                "- run: pytest a",
                **{"a/x": "", "b/test_b.py": TEST},
            ),
            B,
        ),
        (
            ci(
                "- run: docker run -d postgres",
                "- run: pytest a",
                **{"a/x": "", "b/test_b.py": TEST},
            ),
            B,
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
        ci(
            "- {run: pytest, working-directory: 'services/${{ matrix.service }}'}",
            **{"services/a/tests/test_a.py": TEST},
        ),
        ci("- run: tox", **{"a/test_a.py": TEST}),
        ci("- run: docker compose run api ./test.sh", **{"a/test_a.py": TEST}),
        ci("- run: ${{ matrix.command }}", **{"a/test_a.py": TEST}),
        ci("- run: ./run.py", **{"run.py": "#!/usr/bin/env python\n", "a/test_a.py": TEST}),
        ci("- run: pytest", **{"test_config.py": "LOGGING = {}\n", "x/test_data.py": "A = 1\n"}),
        ci("- uses: super-linter/super-linter@v6", "- run: pytest", **{".flake8": ""}),
        ci("- run: npx eslint .", **{"w/package.json": LINT}),
        ci("- run: pnpm -r run lint", **{"w/package.json": '{"scripts": {"lint": "eslint ."}}'}),
        ci("- run: pytest", **{"package.json": '{"scripts": {"test": "react-scripts test"}}'}),
        {".gitlab-ci.yml": "test: {script: [pytest]}\n", "a/test_a.py": TEST},
        ci("- run: mypy .", "- run: make check-all", **{"a/test_a.py": TEST}),
        ci("- run: mypy .", "- run: npm run all", **{"a/test_a.py": TEST}),
        ci("- run: mypy .", "- run: ./run-tests.sh", **{"a/test_a.py": TEST}),
        ci("- run: mypy .", "- uses: ./x", **{"x/action.yml": "runs: {using: node20}\n"}, a=TEST),
        ci("- run: mypy .", "- {run: x, shell: pwsh}", **{"a/test_a.py": TEST}),
        ci("- run: mypy .", "- run: docker build --target test .", **{"a/test_a.py": TEST}),
        ci("- run: mypy .", "- run: docker compose up --exit-code-from a", **{"a/test_a.py": TEST}),
        ci(
            "- run: mypy .",
            "- run: docker build .",
            **{"a/test_a.py": TEST, "Dockerfile": "FROM a\nRUN pytest\n"},
        ),
        {
            FILE: "on: push\njobs:\n  a: {uses: o/r/.github/workflows/x.yml@v1}\n"
            "  b: {steps: [{run: mypy .}]}\n",
            "a/test_a.py": TEST,
        },
        ci("- run: pytest", "- uses: reviewdog/action-eslint@v1", **{"package.json": LINT}, a="")
        | {".flake8": ""},
    ],
)
def test_a_gate_that_ci_may_run_is_none(files: dict[str, str]) -> None:
    assert places("GATE005", files) == []


def test_without_any_ci_one_finding_says_so() -> None:
    (finding,) = found("GATE005", {"a/test_a.py": TEST, "b/test_b.py": TEST, "mypy.ini": ""})

    assert (str(finding.place), finding.severity) == ("a/test_a.py:1", Severity.LOW)


def test_suites_are_told_by_their_folders_and_those_that_take_long_weigh_less() -> None:
    files = ci(
        "- run: pytest tests/unit",
        **{
            f"tests/{name}": TEST
            for name in ("unit/test_a.py", "e2e/test_b.py", "e2e/x/test_c.py", "perf/test_d.py")
        },
    )

    assert [(str(it.place), it.severity) for it in found("GATE005", files)] == [
        ("tests/e2e/test_b.py:1", Severity.MEDIUM),
        ("tests/perf/test_d.py:1", Severity.LOW),
    ]


def test_where_most_folders_are_not_run_one_finding_says_so() -> None:
    files = ci(
        "- run: pytest tests/x.py",
        **{"tests/x.py": ""} | {f"tests/s{at}/test_a.py": TEST for at in range(20)},
    )

    (finding,) = found("GATE005", files)

    assert finding.message == "the tests in 20 folders (20 test files) are run by no step of CI"


def test_a_pipeline_without_checks_is_said_once() -> None:
    (finding,) = found("GATE005", ci("- run: docker build .", **{"a.test.ts": "", "b.test.ts": ""}))

    assert finding.message == "2 test files are run by no step of CI: no workflow tests or lints"
    assert finding.severity is Severity.LOW


GITLAB = """\
    include: [{local: .gitlab/jobs.yml}]
    .setup: &setup
      - pip install -r requirements.txt
    test:
      before_script: *setup
      script:
        - cd api
        - make test
        - |
          echo testing
          pytest || true
    lint:
      allow_failure: true
      script: flake8 .
    deploy:
      script:
        - docker stop api || true
    """


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("GATE001", [".gitlab-ci.yml:11"]),
        ("GATE002", ["api/Makefile:2"]),
        ("GATE003", [".gitlab-ci.yml:13", ".gitlab/jobs.yml:3"]),
    ],
)
def test_the_pipelines_of_gitlab_are_read(rule: str, expected: list[str]) -> None:
    files = {
        ".gitlab-ci.yml": GITLAB,
        ".gitlab/jobs.yml": "types:\n  script: [mypy .]\n  allow_failure: true\n",
        "api/Makefile": "test:\n\t-pytest\n",
    }

    assert places(rule, files) == expected


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
