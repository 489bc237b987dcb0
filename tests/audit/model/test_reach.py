"""What CI runs is followed through make, packages, scripts, actions and other workflows."""

from __future__ import annotations

import pytest

from pipelines.audit.model.ci import makefiles, packages
from pipelines.audit.model.ci.gates import Kind, called, excused, kind, kind_of_action, kind_of_name
from tests.audit.repository import Files, model

FILE = ".github/workflows/ci.yml"


def ci(run: str, **more: str) -> dict[str, str]:
    return {FILE: f"on: push\njobs:\n  a:\n    steps:\n      - run: {run}\n", **more}


def reached(files: Files) -> list[str]:
    return [" ".join(it.command.words) for it in model(files).reach.commands]


PACKAGE = '{"name": "@x/web", "scripts": {"pretest": "one", "test": "two", "lint": "three"}}'


@pytest.mark.parametrize(
    ("files", "command"),
    [
        (ci("make test", Makefile="test: deps\n\tpytest\ndeps:\n\tpip install x\n"), "pytest"),
        (ci("make test", Makefile="test: deps\n\tpytest\ndeps:\n\tpip install\n"), "pip install"),
        (ci("make", Makefile="all:\n\tpytest\n"), "pytest"),
        (ci("make -C api test", **{"api/Makefile": "test:\n\tpytest\n"}), "pytest"),
        (ci("cd api && make test", **{"api/Makefile": "test:\n\tpytest\n"}), "pytest"),
        (ci("make a", Makefile="a:\n\t$(MAKE) b\nb:\n\tpytest\n"), "pytest"),
        (ci("npm test", **{"package.json": PACKAGE}), "two"),
        (ci("npm test", **{"package.json": PACKAGE}), "one"),
        (ci("npm run lint --prefix web", **{"web/package.json": PACKAGE}), "three"),
        (ci("yarn lint", **{"package.json": PACKAGE}), "three"),
        (ci("pnpm --filter @x/web run lint", **{"web/package.json": PACKAGE}), "three"),
        (ci("yarn workspace @x/web lint", **{"web/package.json": PACKAGE}), "three"),
        (ci("./scripts/test.sh", **{"scripts/test.sh": "#!/bin/sh\npytest\n"}), "pytest"),
        (ci("bash scripts/test.sh", **{"scripts/test.sh": "pytest\n"}), "pytest"),
        (ci("scripts/test", **{"scripts/test": "#!/bin/sh -e\npytest\n"}), "pytest"),
        (ci("uv run bash test.sh", **{"test.sh": "pytest\n"}), "pytest"),
    ],
)
def test_a_call_is_followed(files: dict[str, str], command: str) -> None:
    assert command in reached(files)


def test_actions_and_reusable_workflows_are_followed() -> None:
    files = {
        FILE: (
            "on: push\njobs:\n  a:\n    steps:\n      - uses: ./.github/actions/x\n"
            "  b:\n    uses: ./.github/workflows/other.yml\n"
        ),
        ".github/actions/x/action.yml": "runs: {using: composite, steps: [{run: one, shell: sh}]}",
        ".github/workflows/other.yml": "on: workflow_call\njobs: {c: {steps: [{run: two}]}}\n",
    }
    found = {
        " ".join(it.command.words): [str(place) for place in it.chain]
        for it in model(files).reach.commands
        if it.workflow.file == FILE or len(it.chain) > 1
    }

    assert found["one"] == [f"{FILE}:5", ".github/actions/x/action.yml:1"]
    assert found["two"] == [f"{FILE}:7", ".github/workflows/other.yml:2"]


def test_the_way_from_the_workflow_to_the_command_is_known() -> None:
    files = ci("make test || true", Makefile="test:\n\tcd api && pytest\n")
    found = next(it for it in model(files).reach.commands if it.command.program == "pytest")

    assert [str(place) for place in found.chain] == [f"{FILE}:5", "Makefile:2"]
    assert (found.folder, found.target, found.can_fail) == ("api", "test", False)


def test_calls_in_a_circle_end() -> None:
    files = ci(
        "make a",
        Makefile="a: b\n\tmake a\n\t./x.sh\nb: a\n\tnpm test\n",
        **{"x.sh": "./x.sh\nmake a\n", "package.json": '{"scripts": {"test": "npm test"}}'},
    )

    assert len(reached(files)) < 1_000


def test_actions_and_workflows_that_use_many_others_end() -> None:
    actions = {
        f"a{at}/action.yml": "runs:\n  using: composite\n  steps:\n"
        + f"    - uses: ./a{at + 1}\n" * 20
        for at in range(12)
    }
    flows = {
        f".github/workflows/w{at}.yml": "on: workflow_call\njobs:\n"
        + "".join(f"  j{k}: {{uses: ./.github/workflows/w{at + 1}.yml}}\n" for k in range(20))
        for at in range(12)
    }

    assert (
        reached(ci("x") | {FILE: "on: push\njobs: {a: {steps: [{uses: ./a0}]}}\n"} | actions) == []
    )
    assert reached(flows) == []


def test_the_outcome_of_an_action_s_step_is_asked_for_within_the_action() -> None:
    files = {
        FILE: "on: push\njobs: {a: {steps: [{uses: ./x}]}}\n",
        "x/action.yml": """\
            runs:
              using: composite
              steps:
                - {id: t, run: pytest}
                - {run: "echo ${{ steps.t.outcome }}"}
            """,
    }
    first = model(files).reach.commands[0]

    assert first.job.id == "a"
    assert first.home is not None
    assert first.home.asked == {"t"}


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("pytest -q", Kind.TEST),
        ("python -m pytest", Kind.TEST),
        ("poetry run pytest", Kind.TEST),
        ("uv run --frozen -m pytest", Kind.TEST),
        ("uv run --with x pytest", Kind.TEST),
        ("coverage run -m pytest", Kind.TEST),
        ("${PREFIX}coverage run -m pytest", Kind.TEST),
        ("npx jest --ci", Kind.TEST),
        ("pnpm exec vitest run", Kind.TEST),
        ("docker compose run --rm api pytest", Kind.TEST),
        ("docker compose -f x.yml exec -T api python -m pytest", Kind.TEST),
        ("python manage.py test", Kind.TEST),
        ("go test ./...", Kind.TEST),
        ("node --test test/", Kind.TEST),
        ("ruff check .", Kind.LINT),
        ("ruff format --check .", Kind.FORMAT),
        ("ruff format .", None),
        ("black --check .", Kind.FORMAT),
        ("black .", None),
        ("prettier --write .", None),
        ("tsc --noEmit", Kind.TYPES),
        ("mypy apps", Kind.TYPES),
        ("npm audit", Kind.SECURITY),
        ("npm ci", None),
        ("docker compose build", Kind.BUILD),
        ("docker compose up --build", None),
        ("docker rm x", None),
        ("pytest --version", None),
        ("eslint --fix .", None),
        ("echo pytest", None),
        ("pip install pytest", None),
    ],
)
def test_a_command_is_a_gate_of_a_kind(command: str, expected: Kind | None) -> None:
    assert kind(command.split()) is expected


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("make test", Kind.TEST),
        ("make -j 4 lint", Kind.LINT),
        ("make -C tests up", None),
        ("npm t", Kind.TEST),
        ("npm ci", None),
        ("npm run ci", Kind.TEST),
        ("yarn lint", Kind.LINT),
        ("yarn install --check-files", None),
        ("pnpm -r build", Kind.BUILD),
        ("poetry run inv test", Kind.TEST),
        ("turbo run build lint", Kind.LINT),
        ("docker exec -t api pytest", Kind.TEST),
        ("docker run --name test -d postgres", None),
    ],
)
def test_a_call_is_a_gate_by_the_name_of_what_it_calls(command: str, expected: Kind | None) -> None:
    assert called(command.split()) is expected


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("flake8 . --exit-zero", (2, "--exit-zero")),
        ("npx trivy image --exit-code 0 x", (3, "--exit-code 0")),
        ("make -ki test", (1, "-ki")),
        ("pytest --exit-zero", None),
        ("trivy image --exit-code 1 x", None),
        ("make -k test", None),
    ],
)
def test_an_option_excuses_what_a_gate_finds(
    command: str, expected: tuple[int, str] | None
) -> None:
    assert excused(command.split()) == expected


@pytest.mark.parametrize(
    ("uses", "expected"),
    [
        ("golangci/golangci-lint-action@v6", Kind.LINT),
        ("reviewdog/action-eslint@v1", Kind.LINT),
        ("astral-sh/ruff-action@v3", Kind.LINT),
        ("jakebailey/pyright-action@v2", Kind.TYPES),
        ("snyk/actions/docker@master", Kind.SECURITY),
        ("github/codeql-action/analyze@v3", Kind.SECURITY),
        ("docker/build-push-action@v6", Kind.BUILD),
        ("github/codeql-action/init@v3", None),
        ("github/codeql-action/upload-sarif@v3", None),
        ("aquasecurity/setup-trivy@v1", None),
        ("MishaKav/pytest-coverage-comment@v1", None),
        ("actions/checkout@v4", None),
    ],
)
def test_an_action_is_a_gate_by_its_name(uses: str, expected: Kind | None) -> None:
    assert kind_of_action(uses) is expected


def test_the_words_of_a_call_say_what_where() -> None:
    in_folder = ["make", "-C", "api", "-j", "2", "A=b", "test", "lint"]
    assert makefiles.call(in_folder) == (("test", "lint"), "api")
    assert makefiles.call(["make", "-j", "test"]) == (("test",), "")
    assert packages.call(["npm", "run", "lint", "-w", "web", "--", "--fix"]) == ("lint", "", "web")
    assert packages.call(["yarn", "--cwd", "web", "test"]) == ("test", "web", "")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("test", Kind.TEST),
        ("test:unit", Kind.TEST),
        ("test-e2e", Kind.TEST),
        ("unit-tests", Kind.TEST),
        ("lint", Kind.LINT),
        ("lint:fix", None),
        ("test:watch", None),
        ("typecheck", Kind.TYPES),
        ("type-check", Kind.TYPES),
        ("format", None),
        ("format:check", Kind.FORMAT),
        ("contest", None),
        ("latest", None),
        ("build", None),
    ],
)
def test_a_name_promises_a_gate(name: str, expected: Kind | None) -> None:
    assert kind_of_name(name) is expected
