"""DOC001 and DOC002: what documents claim, held against what the other rules find."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipelines.audit.audit import audit
from pipelines.audit.findings import Also, Fault, Finding, Severity
from pipelines.audit.model import Model
from pipelines.audit.place import Place
from pipelines.audit.rule import rule
from pipelines.audit.rules import RULES
from tests.audit import repository
from tests.audit.repository import Files

SUMMARY = """\
# Launch-critical fixes

All 4 issues identified in the audit have been addressed.

## ✅ Fixed issues

### 1. Hardcoded Secrets Removed
**Fixes**:
- All passwords externalized to env vars

**Files Changed**:
- `infra/compose.yaml` (line 5)

### 2. CORS Locked Down
**Fixes**:
- Applied to: fabric

**Files Changed**:
- `apps/fabric/main.py`

### 3. Rate Limiting Documentation
- Documented the slowapi pattern

**Files Created**:
- `docs/LIMITS.md`

### 4. --reload Disabled
**Files Changed**:
- `infra/compose.yaml`

## Next steps
- Add health checks
"""
SYSTEM: Files = {
    "LAUNCH_FIXES_SUMMARY.md": SUMMARY,
    "docs/READINESS.md": "- [x] Secrets externalized\n- [ ] CORS locked down\n- [x] CORS locked\n",
    "infra/compose.yaml": """\
        services:
          db:
            image: postgres:17
            environment:
              POSTGRES_PASSWORD: ${POSTGRES_PASSWORD:-summit}
          fabric:
            build: ../apps/fabric
            command: uvicorn main:app
        """,
    "apps/fabric/Dockerfile": "FROM python:3.12\n",
    "apps/fabric/main.py": "allow_origins = ['https://example.org']\n",
    "apps/fusion/main.py": "allow_origins = ['*']\n",
}


@rule("SEC002", "secret-default", Severity.HIGH)
def secret_default(model: Model) -> Iterator[Fault]:
    if model.tracked.text("infra/compose.yaml"):
        yield Fault(Place("infra/compose.yaml", 5), "it has a default", "")


@rule("SEC003", "cors-wildcard", Severity.HIGH)
def wildcard(model: Model) -> Iterator[Fault]:
    for path in model.tracked:
        if "['*']" in (model.tracked.text(path) or ""):
            yield Fault(Place(path, 1), "everybody may call", "")


@pytest.fixture(autouse=True)
def known() -> Iterator[None]:
    """Only these find something, so that what is tested is what becomes of it."""
    judges = [it for it in RULES.values() if it.judges]
    with repository.only(*judges, secret_default, wildcard):
        yield


def places(rule_: str, files: Files = SYSTEM) -> list[str]:
    return repository.places(rule_, files)


def evidence(found: list[Finding], file: str) -> list[Also]:
    return [also for it in found for also in it.also if also.place.file == file]


def test_a_claim_whose_fault_is_still_there_is_found_at_its_own_line() -> None:
    assert places("DOC001") == [
        "LAUNCH_FIXES_SUMMARY.md:3",  # it sums up
        "LAUNCH_FIXES_SUMMARY.md:7",
        "docs/READINESS.md:1",
        "docs/READINESS.md:3",  # in general it is not so
    ]


def test_the_counter_evidence_is_the_second_place() -> None:
    found = {str(it.place): it for it in repository.found("DOC001", SYSTEM)}

    claim = found["LAUNCH_FIXES_SUMMARY.md:7"]
    assert [str(it.place) for it in claim.also] == ["infra/compose.yaml:5"]
    assert claim.also[0].message == "SEC002: it has a default"
    assert claim.message == '"1. Hardcoded Secrets Removed" does not hold: it has a default'


def test_no_secret_is_shown_when_only_this_rule_is_asked() -> None:
    found = repository.found("DOC001", SYSTEM)

    assert {it.rule for it in found} == {"DOC001"}
    assert evidence(found, "infra/compose.yaml")
    assert all("-***}" in it.evidence for it in evidence(found, "infra/compose.yaml"))


def test_a_sum_of_claims_points_at_those_that_do_not_hold() -> None:
    found = {str(it.place): it for it in repository.found("DOC001", SYSTEM)}
    whole = found["LAUNCH_FIXES_SUMMARY.md:3"]

    assert [str(it.place) for it in whole.also] == ["LAUNCH_FIXES_SUMMARY.md:7"]


def test_what_was_really_fixed_is_not_reported() -> None:
    fixed = {
        **SYSTEM,
        "infra/compose.yaml": "",
        "apps/fusion/main.py": "allow_origins = ['https://example.org']\n",
    }

    assert places("DOC001", fixed) == []


def test_the_repository_is_held_to_all_rules_together() -> None:
    report = audit(repository.tracked(SYSTEM))

    assert {it.rule for it in report.findings} == {"SEC002", "SEC003", "DOC001", "DOC002"}


def test_a_fix_that_is_only_a_document_is_found() -> None:
    assert places("DOC002") == ["LAUNCH_FIXES_SUMMARY.md:21"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("## Fixed\n- Documented rate limiting\n", ["FIXES.md:2"]),
        ("## Security fixes\n- Added secrets management documentation\n", ["FIXES.md:2"]),
        ("- [x] Rate limiting guide\n", ["FIXES.md:1"]),
        ("## Documentation\n- Added a rate limiting guide\n", []),  # it claims no more
        ("### Documentation\n- [x] Rate limiting guide\n", []),
        ("## Fixed\n- Rate limiting added in `apps/fabric/main.py`, and documented\n", []),
        ("## Next steps\n- Document rate limiting\n", []),
        ("- [ ] Rate limiting documented\n", []),
        ("> - [x] Rate limiting documented\n", []),
        ("```\n- [x] Rate limiting documented\n```\n", []),
        ("## Fixed\n- Documented how to write a poem\n", []),
        ("## Fixed\n- ✅ `docs/ci/gates.md` - docs of CI gates that block merges\n", []),
        ("## Fixed\n- ✅ Docs of CI gates that block merges\n", ["FIXES.md:2"]),
    ],
)
def test_when_a_document_is_claimed_as_a_fix(text: str, expected: list[str]) -> None:
    assert places("DOC002", {"FIXES.md": text, "apps/fabric/main.py": ""}) == expected
