"""Gates that pass whatever they find, that nobody runs, and actions that may change."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tests.audit.injected.injection import Edit, Injection, add, change, injected, remove

BIKES, CLINIC, PARCELS = "bikeshare", "clinic", "parcels"
FLOWS = {
    BIKES: ".github/workflows/ci.yml",
    CLINIC: ".github/workflows/check.yaml",
    PARCELS: ".github/workflows/test.yml",
}


class Step(NamedTuple):
    """A step of a workflow that runs a gate: `written` is what follows `run: `."""

    system: str
    written: str

    def runs(self, text: str) -> Edit:
        return change(FLOWS[self.system], f"run: {self.written}\n", f"run: {text}\n")

    def has(self, key: str) -> Edit:
        """One more key behind `run`."""
        return self.runs(f"{self.written}\n        {key}")


_STEPS = (
    Step(BIKES, "make lint"),
    Step(BIKES, "make test"),
    Step(PARCELS, "npm run lint"),
    Step(PARCELS, "npm run format"),
    Step(PARCELS, "npm test"),
    Step(CLINIC, "./scripts/test.sh"),
)
_SWALLOWS = ("|| true", "|| exit 0", '|| echo "failed"', "|| /bin/true")

# Each line of the script that is the clinic's gates.
_SCRIPT = "scripts/test.sh"
_LINES = ("ruff check clinic", "mypy clinic", "python manage.py test")


def _swallowed_in_ci() -> Iterator[Injection]:
    """Each gate in each way to swallow, on one line and within a block."""
    for step in _STEPS[:5]:
        for way in _SWALLOWS:
            name = f"{step.written} {way}"
            yield injected("GATE001", step.system, name, step.runs(f"{step.written} {way}"))
        block = f"|\n          {step.written} || :"
        yield injected(
            "GATE001",
            step.system,
            f"{step.written} or nothing",
            step.runs(block),
            at=f"          {step.written}",
        )
        block = f"|\n          set +e\n          {step.written}\n          echo done"
        at = f"          {step.written}\n"
        yield injected("GATE001", step.system, f"{step.written} set +e", step.runs(block), at=at)
        block = f"|\n          echo begin\n          {step.written} || true\n          echo done"
        at = f"          {step.written} ||"
        yield injected(
            "GATE001", step.system, f"{step.written} in a block", step.runs(block), at=at
        )
    for line in _LINES:
        for way in (*_SWALLOWS, "|| :"):
            edit = change(_SCRIPT, line, f"{line} {way}")
            yield injected("GATE001", CLINIC, f"the script has {line} {way}", edit)
    yield injected(
        "GATE001",
        CLINIC,
        "the linter finds and passes",
        change(_SCRIPT, "ruff check", "ruff check --exit-zero"),
    )


def _swallowed_in_make() -> Iterator[Injection]:
    recipes = (
        "ruff check services",
        "ruff format --check services",
        "cd services/gateway && python -m pytest -q tests",
        "cd services/rides && python -m pytest -q tests",
    )
    for recipe in recipes:
        for way in (*_SWALLOWS, "|| :", "; true"):
            edit = change("Makefile", f"\t{recipe}\n", f"\t{recipe} {way}\n")
            yield injected("GATE002", BIKES, f"{recipe} {way}", edit)
        edit = change("Makefile", f"\t{recipe}\n", f"\t-{recipe}\n")
        yield injected("GATE002", BIKES, f"-{recipe}", edit)
    for system, given, lines in (
        (PARCELS, _PARCELS_BY_MAKE, ("cd api && npm run lint", "cd api && npm test")),
        (CLINIC, _CLINIC_BY_MAKE, ("ruff check clinic", "mypy clinic", "python manage.py test")),
    ):
        for recipe in lines:
            for way in ("|| true", "|| :"):
                edit = change("Makefile", f"\t{recipe}\n", f"\t{recipe} {way}\n")
                yield injected("GATE002", system, f"{recipe} {way}", edit, given=given)
            edit = change("Makefile", f"\t{recipe}\n", f"\t-{recipe}\n")
            yield injected("GATE002", system, f"-{recipe}", edit, given=given)


_PARCELS_BY_MAKE = (
    add(
        "Makefile",
        ".PHONY: check\n\ncheck:\n\tcd api && npm run lint\n"
        "\tcd api && npm run format\n\tcd api && npm test\n",
    ),
    change(
        FLOWS[PARCELS],
        "      - run: npm run lint\n      - run: npm run format\n      - run: npm test\n",
        "      - run: make -C .. check\n",
    ),
)
_CLINIC_BY_MAKE = (
    add(
        "Makefile",
        ".PHONY: check\n\ncheck:\n\truff check clinic\n\tmypy clinic\n\tpython manage.py test\n",
    ),
    change(FLOWS[CLINIC], "run: ./scripts/test.sh", "run: make check"),
)


def _continued() -> Iterator[Injection]:
    for step in _STEPS:
        edit = step.has("continue-on-error: true")
        yield injected("GATE003", step.system, step.written, edit)
    for system, job in ((BIKES, "check"), (PARCELS, "api"), (CLINIC, "test")):
        old = f"  {job}:\n    runs-on: ubuntu-24.04\n"
        edit = change(FLOWS[system], old, f"{old}    continue-on-error: true\n")
        yield injected("GATE003", system, f"the job {job}", edit)
    yield injected(
        "GATE003",
        BIKES,
        "the build of images",
        change(
            FLOWS[BIKES],
            "run: docker compose build",
            "run: docker compose build\n        continue-on-error: true",
        ),
    )


def _stubs() -> Iterator[Injection]:
    scripts = (
        ("test", '"test": "node --test test/"'),
        ("lint", '"lint": "eslint src test"'),
    )
    for name, written in scripts:
        for way in ("echo 'nothing yet'", "true", 'echo \\"no checks\\" && exit 0', "exit 0"):
            edit = change("api/package.json", written, f'"{name}": "{way}"')
            yield injected("GATE004", PARCELS, f"{name} is {way}", edit)
    for target, recipe in (
        ("lint", "\truff check services\n\truff format --check services\n"),
        (
            "test",
            (
                "\tcd services/gateway && python -m pytest -q tests\n"
                "\tcd services/rides && python -m pytest -q tests\n"
            ),
        ),
    ):
        for way in ("@echo nothing yet", "@true"):
            edit = change("Makefile", recipe, f"\t{way}\n")
            yield injected("GATE004", BIKES, f"{target} is {way}", edit, at=f"\n{target}:")
    for way in ("echo 'no tests yet'", "exit 0", "true"):
        edit = change(
            _SCRIPT, "ruff check clinic\nmypy clinic\npython manage.py test\n", f"{way}\n"
        )
        yield injected("GATE004", CLINIC, f"the script is {way}", edit, at="#!/bin/sh")


def _not_run() -> Iterator[Injection]:
    yield injected(
        "GATE005",
        BIKES,
        "no tests of rides",
        change("Makefile", "\tcd services/rides && python -m pytest -q tests\n", ""),
        at=("services/rides/tests/test_health.py", "from app.main"),
    )
    yield injected(
        "GATE005",
        BIKES,
        "no tests of gateway",
        change("Makefile", "\tcd services/gateway && python -m pytest -q tests\n", ""),
        at=("services/gateway/tests/test_health.py", "from app.main"),
    )
    yield injected(
        "GATE005",
        BIKES,
        "no linter",
        change(FLOWS[BIKES], "      - name: Lint\n        run: make lint\n", ""),
        at=("Makefile", "\nlint:"),
    )
    yield injected(
        "GATE005",
        BIKES,
        "no tests",
        change(FLOWS[BIKES], "      - name: Test\n        run: make test\n", ""),
        at=("services/gateway/tests/test_health.py", "from app.main"),
        given=(
            remove("services/rides/tests/test_health.py"),
            change("Makefile", "\tcd services/rides && python -m pytest -q tests\n", ""),
        ),
    )
    yield injected(
        "GATE005",
        BIKES,
        "tests of a new service",
        add("services/billing/tests/test_health.py", "def test_health():\n    assert True\n"),
        add("services/billing/requirements.txt", "fastapi==0.115.5\n"),
    )
    for name, step, at in (
        ("linter", "      - run: npm run lint\n", '"lint":'),
        ("format check", "      - run: npm run format\n", '"format":'),
        ("tests", "      - run: npm test\n", '"test":'),
    ):
        edit = change(FLOWS[PARCELS], step, "")
        yield injected("GATE005", PARCELS, f"no {name}", edit, at=("api/package.json", f"    {at}"))
    for name, line, file, text in (
        ("linter", "ruff check clinic\n", "ruff.toml", "line-length = 100\n"),
        ("type check", "mypy clinic\n", "mypy.ini", "[mypy]\nignore_missing_imports = true\n"),
    ):
        yield injected(
            "GATE005",
            CLINIC,
            f"no {name}",
            change(_SCRIPT, line, ""),
            at=(file, text.split("\n")[0]),
            given=(add(file, text),),
        )
    for tool, file, text in (
        ("ruff", "pyproject.toml", "[tool.ruff]"),
        ("mypy", "pyproject.toml", "[tool.mypy]"),
    ):
        line = next(it for it in _LINES if it.startswith(tool))
        edit = change(_SCRIPT, f"{line}\n", "")
        yield injected(
            "GATE005", CLINIC, f"{tool} of pyproject.toml is not run", edit, at=(file, text)
        )


def _unreachable() -> Iterator[Injection]:
    for event in ("workflow_dispatch", "schedule", "release", "repository_dispatch"):
        edit = change(
            FLOWS[BIKES], "github.event_name == 'push'", f"github.event_name == '{event}'"
        )
        yield injected("GATE006", BIKES, f"the images wait for {event}", edit)
    for condition in (
        "github.event_name == 'workflow_dispatch' && github.ref == 'refs/heads/main'",
        "${{ github.event_name == 'schedule' }}",
    ):
        edit = change(FLOWS[BIKES], "github.event_name == 'push'", condition)
        yield injected("GATE006", BIKES, f"the condition {condition}", edit)
    yield injected(
        "GATE006",
        PARCELS,
        "the trigger is gone",
        change(FLOWS[PARCELS], "  workflow_dispatch:\n", ""),
        at="    if: github.event_name",
    )
    for event in ("schedule", "release"):
        edit = change(FLOWS[PARCELS], "'workflow_dispatch'", f"'{event}'")
        yield injected("GATE006", PARCELS, f"the images wait for {event}", edit)
    for condition in (
        "github.event_name == 'schedule'",
        "github.event_name == 'workflow_dispatch'",
    ):
        step = Step(CLINIC, "./scripts/test.sh")
        yield injected(
            "GATE006", CLINIC, f"the step waits, {condition}", step.has(f"if: {condition}")
        )
        edit = change(
            FLOWS[CLINIC],
            "    runs-on: ubuntu-24.04\n",
            f"    if: {condition}\n    runs-on: ubuntu-24.04\n",
        )
        yield injected("GATE006", CLINIC, f"the job waits, {condition}", edit)


def _unpinned() -> Iterator[Injection]:
    python = "actions/setup-python@0b93645e9fea7318ecaed2b359559ac225c90a2b # v5.3.0"
    node = "actions/setup-node@39370e3970a6d050c480ffad4ff0ed4d3fdee5af # v4.1.0"
    checkout = "      - uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2\n"
    for system, action in ((BIKES, python), (CLINIC, python), (PARCELS, node)):
        name = action.partition("@")[0]
        for version in ("v5", "v5.3.0", "main"):
            edit = change(FLOWS[system], action, f"{name}@{version}")
            yield injected("GATE007", system, f"{name}@{version}", edit)
    for system, before in (
        (BIKES, "      - name: Install\n"),
        (CLINIC, "      - run: pip"),
        (PARCELS, "      - run: npm ci"),
    ):
        for action in ("codecov/codecov-action@v5", "somebody/setup-tool@master"):
            edit = change(FLOWS[system], before, f"      - uses: {action}\n{before}")
            yield injected("GATE007", system, f"one more, {action}", edit)
    yield injected(
        "GATE007",
        CLINIC,
        "the checkout",
        change(FLOWS[CLINIC], checkout, "      - uses: actions/checkout@v4\n"),
    )
    yield injected(
        "GATE007",
        PARCELS,
        "a workflow of somebody else",
        change(
            FLOWS[PARCELS],
            "\n  images:\n",
            "\n  scan:\n    uses: somebody/workflows/.github/workflows/scan.yml@v2\n\n  images:\n",
        ),
        at="    uses: somebody",
    )


INJECTIONS = (
    *_swallowed_in_ci(),
    *_swallowed_in_make(),
    *_continued(),
    *_stubs(),
    *_not_run(),
    *_unreachable(),
    *_unpinned(),
)
