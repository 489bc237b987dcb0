"""What becomes of a claim, given what was found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from pipelines.audit.claims.verdicts import Status, Verdict, is_fix, verdicts
from pipelines.audit.findings import Also, Confidence, Finding, Severity
from pipelines.audit.place import Place
from tests.audit import repository

COMPOSE = """\
services:
  gateway:
    build: apps/gateway
    healthcheck:
      test: curl -f http://localhost
  fusion:
    build: apps/fusion
    healthcheck:
      test: curl -f http://localhost
  prometheus:
    image: prom/prometheus:v3
"""
FILES = {
    "compose.yaml": COMPOSE,
    "apps/gateway/Dockerfile": "FROM python:3.12\n",
    "apps/gateway/main.py": "allow_origins = []\nmetrics = 1\n",
    "apps/fusion/Dockerfile": "FROM python:3.12\n",
    "apps/fusion/main.py": "allow_origins = ['*']\n",
    "apps/console/package.json": '{"scripts": {"test": "exit 0", "format": "prettier ."}}\n',
    ".github/workflows/ci.yml": "on: push\njobs: {}\n",
    "Makefile": "test:\n\tpytest || true\n",
    "docs/GUIDE.md": "# Guide\n",
}


def finding(rule: str, place: str, message: str = "it is so", **given: Any) -> Finding:
    file, _, line = place.rpartition(":")
    return replace(
        Finding(rule, "name", Severity.HIGH, Confidence.HIGH, Place(file, int(line)), message, ""),
        **given,
    )


def judged(
    text: str,
    findings: Sequence[Finding] = (),
    *,
    name: str = "FIXES_SUMMARY.md",
    files: Mapping[str, str] = FILES,
) -> list[Verdict]:
    model = repository.model({**files, name: text})
    return verdicts(model, findings, [name])


def status(text: str, *findings: Finding) -> Status:
    (verdict,) = judged(text, findings)
    return verdict.status


UNREADY = finding(
    "OBS004",
    "apps/fusion/main.py:1",
    "fusion has no route for readiness, as other services have",
    severity=Severity.LOW,
)
FLAKE8 = finding("GATE001", ".github/workflows/ci.yml:2", "`flake8 apps` cannot fail")
WILDCARD = finding("SEC003", "apps/fusion/main.py:1")
CURL = finding("REL002", "compose.yaml:9", service="fusion")


@pytest.mark.parametrize(
    ("claim", "found", "expected"),
    [
        ("CORS locked down", [WILDCARD], Status.CONTRADICTED),
        ("CORS locked down", [], Status.BACKED),
        ("CORS locked down in `apps/gateway/main.py`", [WILDCARD], Status.BACKED),
        ("CORS locked down in `apps/fusion/main.py`", [WILDCARD], Status.CONTRADICTED),
        ("CORS locked down in fusion", [WILDCARD], Status.CONTRADICTED),
        ("CORS locked down in the `gateway`", [WILDCARD], Status.BACKED),
        ("CORS locked down", [CURL], Status.BACKED),
        ("Health checks added", [CURL], Status.CONTRADICTED),
        ("Added lint steps to CI", [FLAKE8], Status.CONTRADICTED),
        ("Added flake8 and npm lint steps to CI", [FLAKE8], Status.CONTRADICTED),
        ("Added npm lint steps to CI", [FLAKE8], Status.OPEN),
        ("Added a required type check step to CI", [FLAKE8], Status.BACKED),
        ("CI now fails on errors", [FLAKE8], Status.CONTRADICTED),
        ("Added `/readyz` and `/livez` to all services", [UNREADY], Status.CONTRADICTED),
        ("Added `/readyz` to fusion", [UNREADY], Status.CONTRADICTED),
        ("Added `/readyz` to the `gateway`", [UNREADY], Status.OPEN),
        ("Added `/health` to all services", [UNREADY], Status.OPEN),
        ("Health checks added in `compose.yaml`", [CURL], Status.CONTRADICTED),
        ("Health check added to the gateway service in `compose.yaml`", [CURL], Status.BACKED),
        ("Added a health check to fusion", [CURL], Status.CONTRADICTED),
        ("Migrations enabled on start-up", [], Status.OPEN),
        ("Rewritten with love, now better", [], Status.OPEN),
    ],
)
def test_a_finding_counts_where_the_claim_holds(
    claim: str, found: list[Finding], expected: Status
) -> None:
    assert status(f"- {claim}\n", *found) is expected


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        ("Health checks added", Status.BACKED),  # nobody said that all have one
        ("Health checks added to all services", Status.CONTRADICTED),
        ("Health check added to the prometheus service", Status.CONTRADICTED),
        ("Health checks added to all app services", Status.BACKED),  # it is somebody else's
        ("Added a health check to fusion", Status.BACKED),
    ],
)
def test_what_is_missing_somewhere_counts_when_all_were_promised(
    claim: str, expected: Status
) -> None:
    missing = finding("REL001", "compose.yaml:10", service="prometheus")

    assert status(f"- {claim}\n", missing) is expected


@pytest.mark.parametrize(
    "given", [{"confidence": Confidence.UNKNOWN}, {"suppressed": "it is a demonstration"}]
)
def test_questions_and_what_somebody_gave_a_reason_for_speak_against_nothing(
    given: dict[str, Any],
) -> None:
    assert status("- CORS locked down\n", finding("SEC003", "apps/fusion/main.py:1", **given)) is (
        Status.BACKED
    )


def test_what_is_for_development_counts_only_where_it_is_named() -> None:
    files = {**FILES, "compose.dev.yaml": COMPOSE}
    found = [finding("SEC002", "compose.dev.yaml:3")]

    (general,) = judged("- Hardcoded secrets removed\n", found, files=files)
    (named,) = judged("- Hardcoded secrets removed from `compose.dev.yaml`\n", found, files=files)

    assert general.status is Status.BACKED
    assert named.status is Status.CONTRADICTED


def test_a_claim_that_names_variables_is_about_those() -> None:
    found = finding("SEC002", "compose.yaml:3", evidence="A_PASSWORD: ${A_PASSWORD:-x}")

    assert status("- Externalized `A_PASSWORD` to env\n", found) is Status.CONTRADICTED
    assert status("- Externalized `B_PASSWORD` to env\n", found) is Status.BACKED


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        ("Prometheus metrics added", Status.BACKED),  # another service may have them
        ("Metrics endpoint added to the `gateway`", Status.CONTRADICTED),
        ("Metrics endpoint added to fusion", Status.OPEN),
        ("Metrics endpoint added to all services", Status.CONTRADICTED),
    ],
)
def test_what_is_broken_in_one_place_counts_where_the_claim_names_it(
    claim: str, expected: Status
) -> None:
    undeclared = finding(
        "REL013", "apps/gateway/main.py:2", "imports prometheus_client", service="gateway"
    )

    assert status(f"- {claim}\n", undeclared) is expected


def test_what_matters_little_speaks_only_against_a_claim_that_names_its_file() -> None:
    low = finding("GATE002", "Makefile:2", severity=Severity.LOW)

    assert status("- CI now fails on errors\n", low) is Status.BACKED
    assert status("- CI now fails on errors: `|| true` gone from `Makefile`\n", low) is (
        Status.CONTRADICTED
    )


def test_advice_speaks_against_a_claim_about_just_that() -> None:
    unpinned = finding("GATE007", ".github/workflows/ci.yml:1", severity=Severity.LOW)

    assert status("- GitHub actions are now pinned\n", unpinned) is Status.CONTRADICTED


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        ("uvicorn main:app $( [ $R ] && echo --reload )", Status.CONTRADICTED),
        ("a && b", Status.BACKED),
    ],
)
def test_a_rule_that_is_about_much_counts_for_what_it_mentions(
    evidence: str, expected: Status
) -> None:
    found = finding("REL012", "compose.yaml:3", evidence=evidence)

    assert status("- `--reload` disabled\n", found) is expected


def test_the_second_place_of_a_finding_counts_too() -> None:
    swallow = finding(
        "GATE002", "Makefile:2", also=(Also(Place(".github/workflows/ci.yml", 2), "runs it"),)
    )
    text = "- Removed `|| true` from CI in `.github/workflows/ci.yml`\n"

    assert status(text, swallow) is Status.CONTRADICTED


ROOT = finding("REL008", "apps/fusion/Dockerfile:1", "the image runs as root")
UNPROBED = finding("REL001", "compose.yaml:2", "nobody can tell", service="gateway")


@pytest.mark.parametrize(
    ("name", "claim", "found", "expected"),
    [
        ("apps/gateway/REPORT.md", "CORS locked down", WILDCARD, Status.BACKED),
        ("apps/fusion/REPORT.md", "CORS locked down", WILDCARD, Status.CONTRADICTED),
        ("audits/fusion/REPORT.md", "CORS locked down", WILDCARD, Status.CONTRADICTED),
        ("audits/fusion/REPORT.md", "Non-root user added", ROOT, Status.CONTRADICTED),
        ("docs/fusion.md", "[x] Non-root user", ROOT, Status.CONTRADICTED),
        ("docs/console.md", "[x] CORS restricted", WILDCARD, Status.OPEN),
        ("apps/gateway/REPORT.md", "CORS locked down in fusion", WILDCARD, Status.CONTRADICTED),
        (
            "apps/gateway/REPORT.md",
            "CORS locked down in all services",
            WILDCARD,
            Status.CONTRADICTED,
        ),
        ("apps/gateway/REPORT.md", "Health checks added", UNPROBED, Status.BACKED),
        (
            "apps/gateway/REPORT.md",
            "Health checks added to `gateway`",
            UNPROBED,
            Status.CONTRADICTED,
        ),
    ],
)
def test_a_document_of_one_component_speaks_of_it(
    name: str, claim: str, found: Finding, expected: Status
) -> None:
    (verdict,) = judged(f"- {claim}\n", [found], name=name)

    assert verdict.status is expected


def test_a_file_that_many_have_is_the_one_of_that_component() -> None:
    files = {f"apps/{it}/{name}": "" for it in range(30) for name in ("Dockerfile", "db.ts")}
    (verdict,) = judged(
        "- Hardcoded secrets removed from `db.ts`\n",
        [finding("SEC001", "apps/7/other.ts:1")],
        name="apps/7/AUDIT.md",
        files=files,
    )

    assert verdict.claim.scope.files == {"apps/7/db.ts"}
    assert not verdict.is_contradicted


@pytest.mark.parametrize(
    ("claim", "is_contradicted"),
    [
        ("Removed the hardcoded JWT secret", False),
        ("Removed the hardcoded database password", True),
        ("Removed all hardcoded secrets", True),
    ],
)
def test_a_claim_of_one_secret_is_not_about_another(claim: str, is_contradicted: bool) -> None:
    found = finding("SEC002", "compose.yaml:9", "POSTGRES_PASSWORD has a working default")
    (verdict,) = judged(f"- {claim}\n", [found])

    assert verdict.is_contradicted is is_contradicted


def test_an_error_counter_is_not_contradicted_by_a_histogram() -> None:
    idle = "pipeline_seconds is declared, but never observed"
    claim = "- ✅ Error counters added\n"

    assert not judged(claim, [finding("OBS002", "main.py:1", f"Histogram {idle}")])[0].counter
    assert judged(claim, [finding("OBS002", "main.py:1", f"Counter {idle}")])[0].counter


@pytest.mark.parametrize(
    ("text", "name", "is_a_fix"),
    [
        ("## Critical fixes\n- ✅ Rate limiting documentation\n", "FIXES_SUMMARY.md", True),
        ("## Documentation\n- ✅ Rate limiting documented\n", "FIXES_SUMMARY.md", False),
        ("- [x] Rate limiting documented\n", "CODE_DOCUMENTATION_SUMMARY.md", False),
        ("## Fixed\n- ✅ Missing rate limiting docs\n", "FIXES_SUMMARY.md", False),
    ],
)
def test_where_a_document_was_promised_a_document_is_enough(
    text: str, name: str, is_a_fix: bool
) -> None:
    (verdict,) = judged(text, name=name)

    assert verdict.status is Status.DOCUMENTED
    assert is_fix(verdict.claim) is is_a_fix


@pytest.mark.parametrize(
    "text",
    [
        "- Documented rate limiting",
        "- Rate limiting documentation added",
        "- [x] Rate limiting docs - see `docs/GUIDE.md`",
        "## Fixed\n### 1. Rate limiting\n- Documentation\n\n**Files**:\n- `docs/GUIDE.md`\n",
        "## Fixed\n### 1. Rate limiting guide\n- Everything explained\n",
    ],
)
def test_a_document_alone_is_documentation_only(text: str) -> None:
    assert status(text) is Status.DOCUMENTED


@pytest.mark.parametrize(
    "text",
    [
        "- Rate limiting added, documented in `docs/GUIDE.md`",
        "- [x] Rate limiting - see `docs/GUIDE.md`",
        "- Rate limiting added and documented in `apps/gateway/main.py`",
        "## Fixed\n### 1. Rate limiting\n- Documentation\n\n**Files**:\n- `apps/gateway/main.py`\n",
    ],
)
def test_code_beside_the_document_is_more(text: str) -> None:
    assert status(text) is not Status.DOCUMENTED


def test_one_document_says_a_thing_once_at_its_most_exact_line() -> None:
    text = """\
All 2 issues have been fixed.

## Fixed
### 1. CORS locked down
- Applied to the gateway

**Files changed**:
- `apps/gateway/main.py`

### 2. Health checks added
- In Compose

## Change log
- CORS locked down
- Health checks added
"""
    found = {it.place.line: it for it in judged(text, [WILDCARD, CURL])}

    assert {line: it.status for line, it in found.items()} == {
        1: Status.CONTRADICTED,
        4: Status.BACKED,  # the file it names is clean, and the list below repeats it
        10: Status.CONTRADICTED,
    }
    assert [it.line for it in found[4].claim.restated] == [14]
    assert [it.place.line for it in found[1].broken] == [10]


def test_different_places_are_different_claims() -> None:
    text = "- Health check added to fusion\n- Health check added to the gateway service\n"

    assert [it.status for it in judged(text, [CURL])] == [Status.CONTRADICTED, Status.BACKED]


def test_the_worst_counter_evidence_comes_first() -> None:
    low = finding("SEC002", "compose.yaml:1", severity=Severity.MEDIUM)
    high = finding("SEC002", "compose.yaml:8")

    (verdict,) = judged("- Hardcoded secrets removed\n", [low, high])

    assert verdict.counter == (high, low)
    assert verdict.rules == ("SEC001", "SEC002")


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "line",
    [
        "- CORS locked down in `apps/*{0}*/x.py`",
        "- CORS locked down in `apps/{0}/main.py` and fusion",
        "- [x] " + "all issues " * 150 + "{0}",
        "- " + "a/" * 900 + "{0} added",
        "- " + "health check " * 150 + "{0} added",
    ],
    ids=["patterns", "files", "sums", "path", "words"],
)
def test_a_flood_of_claims_is_judged_in_time(line: str) -> None:
    text = "\n".join(line.format(number) for number in range(200_000 // len(line)))
    files = {**FILES, **{f"src/{number}.py": "" for number in range(2_000)}}

    judged(text, [WILDCARD, CURL] * 500, files=files)
