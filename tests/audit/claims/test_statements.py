"""Which lines of a document say that something is done, and which do not."""

from __future__ import annotations

from textwrap import dedent

import pytest

from pipelines.audit.claims import sources, statements
from pipelines.audit.claims.sources import Manner
from pipelines.audit.claims.statements import Form, Statement
from pipelines.audit.model import markdown


def read(text: str, file: str = "FIXES_SUMMARY.md") -> list[Statement]:
    spoken = sources.manner(file)
    assert spoken
    return statements.read(markdown.parse(dedent(text), file), spoken)


def said(text: str, file: str = "FIXES_SUMMARY.md") -> list[tuple[int, str]]:
    """Line and topic of what the document says is done, as far as it is about anything."""
    return [(it.place.line, it.topics[0].name) for it in read(text, file) if it.topics]


@pytest.mark.parametrize(
    ("file", "spoken"),
    [
        ("LAUNCH_FIXES_SUMMARY.md", Manner.SUMMARY),
        ("docs/PRODUCTION_READINESS.md", Manner.SUMMARY),
        ("COMMIT_MESSAGE.txt", Manner.COMMIT),
        ("CHANGELOG.md", Manner.CHANGELOG),
        ("docs/release-notes.md", Manner.CHANGELOG),
        ("docs/TESTING_QUICK_START.md", Manner.INSTRUCTION),
        ("MIGRATION_PLAN.md", Manner.INSTRUCTION),
        ("migration-runbook.txt", None),
        ("README.md", Manner.OTHER),
        ("requirements.txt", None),
        ("robots.txt", None),
        ("tests/fixtures/AUDIT.md", None),
        ("node_modules/x/CHANGELOG.md", None),
        (".github/PULL_REQUEST_TEMPLATE.md", None),
        ("main.py", None),
    ],
)
def test_a_document_speaks_as_its_name_says(file: str, spoken: Manner | None) -> None:
    assert sources.manner(file) is spoken


def test_a_numbered_heading_is_one_claim_with_what_stands_below() -> None:
    text = """\
        # Launch fixes

        ## ✅ Fixed issues (HIGH priority)

        ### 13-14. Service Healthchecks Added
        **Risk**: rate limiting is missing.

        **Fixes**:
        - Added healthcheck blocks to all app services
        - Uses `curl -f`

        **Files Changed**:
        - `docker-compose.yml` (lines 2-5)

        **Next steps**:
        - Add rate limiting
    """

    (claim,) = read(text)

    assert (claim.place.line, claim.text) == (5, "13-14. Service Healthchecks Added")
    assert claim.form is Form.HEADING
    assert claim.numbers == (13, 14)
    assert claim.details == ("Added healthcheck blocks to all app services", "Uses `curl -f`")
    assert claim.listed == ("`docker-compose.yml` (lines 2-5)",)


def test_a_heading_that_only_sorts_leaves_the_claims_to_its_items() -> None:
    text = """\
        ## What was fixed

        ### Security (prevents breaches)
        - **CORS locked down**: only known origins
        - **Hardcoded secrets removed**: read from the environment
    """

    assert said(text) == [(4, "CORS"), (5, "secrets")]


@pytest.mark.parametrize(
    "line",
    [
        "- [x] **Service healthchecks** - all services have them",
        "- [X] Health checks",
        "- ✅ Health checks in Compose",
        "- Health checks added ✔",
    ],
)
@pytest.mark.parametrize("file", ["README.md", "docs/STATUS.md"])
def test_boxes_and_marks_are_claims_in_every_document(line: str, file: str) -> None:
    assert said(line, file) == [(1, "health checks")]


@pytest.mark.parametrize(
    "line",
    [
        "- [ ] Health checks added",
        "- Health checks should be added",
        "- TODO: health checks are added next",
        "- Health checks will be added by Friday",
        "- Health checks are not yet added",
        "- Health checks added? Planned",
        "- ❌ Health checks added",
        "- ⏳ Health checks added",
        "> - [x] Health checks",
        "```\n- [x] Health checks\n```",
        "`- [x]` marks a box, for instance of health checks",
    ],
)
@pytest.mark.parametrize("file", ["README.md", "docs/STATUS.md", "CHANGELOG.md"])
def test_plans_open_boxes_quotes_and_code_are_none(line: str, file: str) -> None:
    assert said(line, file) == []


@pytest.mark.parametrize("file", ["docs/STATUS.md", "docs/report.md"])
def test_what_is_told_elsewhere_is_not_what_was_done(file: str) -> None:
    line = "- Requests fail until the health check sees it. Documented in §9."

    assert said(line, file) == []
    assert said(line.replace("Documented in §9", "Fixed"), file) == [(1, "health checks")]


@pytest.mark.parametrize(
    "heading",
    [
        "Next steps",
        "Immediate Next Steps (Week 1)",
        "TODO",
        "Roadmap",
        "Known gaps & limitations",
        "Planned changes",
        "In progress",
        "5. Health (⏳ Pending)",
        "Before fixes (high risk)",
        "Migration guide",
        "How to add health checks",
        "Best practices",
    ],
)
def test_nothing_below_such_a_heading_is_a_claim(heading: str) -> None:
    assert said(f"## {heading}\n\n- Health checks added\n- ✅ Health checks\n") == []


def test_the_nearest_heading_decides() -> None:
    text = """\
        ## Known gaps
        ### ✅ Closed
        - Health checks for all services
        ## Fixed
        ### Still open
        - Health checks for all services
    """

    assert said(text) == [(3, "health checks")]


def test_a_document_of_another_kind_claims_by_boxes_and_marks_alone() -> None:
    text = "## Changes\n\n- Health checks added\n\nHardcoded secrets were removed.\n"

    assert said(text, "README.md") == []
    assert said(text, "STATUS.md") == [(3, "health checks"), (5, "secrets")]


def test_instructions_claim_by_boxes_alone() -> None:
    text = """\
        ## Fixed
        - ✅ Health checks in Compose
        - [x] Locked down CORS

        | Item | Status |
        |---|---|
        | Health checks | ✅ |

        ### 1. Memory limits added ✅
        - in Compose
    """

    assert said(dedent(text), "DEPLOYMENT_GUIDE.md") == [(3, "CORS")]


def test_advice_with_a_mark_is_no_claim() -> None:
    assert said("- ✅ Use environment variables instead of hardcoded secrets", "README.md") == []


@pytest.mark.parametrize(
    ("row", "is_claim"),
    [
        ("| Health checks | ✅ |", True),
        ("| Health checks | Done |", True),
        ("| Health checks | ✅ Fixed in Compose |", True),
        ("| Health checks | ❌ |", False),
        ("| Health checks | Planned |", False),
        ("| Health checks | not done |", False),
        ("| Health checks | ✅ but not yet enabled |", False),
    ],
)
def test_a_row_is_one_when_its_status_says_so(row: str, is_claim: bool) -> None:
    text = f"| Item | Status |\n|---|---|\n{row}\n"

    assert said(text) == ([(3, "health checks")] if is_claim else [])


def test_a_row_without_a_status_is_none() -> None:
    assert said("| Feature | Free | Pro |\n|---|---|---|\n| Rate limiting | ✅ | ✅ |\n") == []


def test_lines_of_a_commit_message_are_imperative() -> None:
    text = """\
        fix: address 16 launch-critical issues

        SECURITY FIXES:
        - Remove hardcoded passwords from docker-compose.yml
        - Lock down CORS to configurable origins

        FILES CHANGED:
        - docker-compose.yml (secrets, healthchecks)

        MIGRATION GUIDE:
        1. Add health checks
    """

    assert said(text, "COMMIT_MESSAGE.txt") == [(4, "secrets"), (5, "CORS")]
    assert read(text, "COMMIT_MESSAGE.txt")[0].is_summary


def test_of_a_changelog_only_the_last_releases_are_about_the_present() -> None:
    text = """\
        # Changelog
        ## [Unreleased]
        - Add health checks to all services
        ## [1.1.0]
        ### Fixed
        - Hardcoded secrets removed
        ## [1.0.0]
        - Lock down CORS
    """

    assert said(text, "CHANGELOG.md") == [(3, "health checks"), (6, "secrets")]


@pytest.mark.parametrize(
    "text",
    [
        "All 16 issues identified in the audit have been addressed.",
        "Every one of the findings is fixed.",
        "This commit resolves all 12 critical vulnerabilities of the audit, now done.",
    ],
)
def test_a_sentence_that_sums_everything_up_is_one(text: str) -> None:
    (claim,) = read(text)

    assert claim.is_summary


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("- All passwords externalized to env vars", "secrets"),
        ("- No hardcoded API keys: removed from the code", "secrets"),
        ("- Restricted CORS to known origins", "CORS"),
        ("- `--reload` disabled in production", "reload"),
        ("- Replaced the development server by gunicorn", "development server"),
        ("- Debug mode turned off", "debug mode"),
        ("- Redis is no longer exposed; ports removed", "exposed ports"),
        ("- TLS certificate verification enabled", "TLS verification"),
        ("- Compose now waits until services are healthy", "start order"),
        ("- Restart policies added", "restart policy"),
        ("- Migrations now run on start-up", "migrations"),
        ("- Console Dockerfile created", "image builds"),
        ("- Fixed the Docker build", "image builds"),
        ("- Containers now run as non-root", "non-root images"),
        ("- All images pinned by digest; added", "pinned images"),
        ("- Memory limits added", "memory limits"),
        ("- Graceful shutdown implemented", "graceful shutdown"),
        ("- Added the missing dependencies", "undeclared imports"),
        ("- Timeouts added to all clients", "timeouts"),
        ("- Rate limiting implemented", "rate limits"),
        ("- Metrics endpoint added", "metrics"),
        ("- Error counter added", "error counters"),
        ("- Shared metrics module created", "instrumentation"),
        ("- Added `/readyz` to all services", "health routes"),
        ("- Structured logging added", "structured logs"),
        ("- Removed `|| true` from all CI steps", "CI gates"),
        ("- Added a test script to the console", "test scripts"),
        ("- E2E tests now run in CI", "end-to-end tests"),
        ("- Linting enforced in CI", "lint in CI"),
        ("- `format` script added", "format and lint scripts"),
        ("- GitHub actions pinned", "pinned actions"),
        ("- Dependencies pinned with hashes", "pinned dependencies"),
    ],
)
def test_words_lead_to_a_topic(text: str, topic: str) -> None:
    (claim,) = read(text)

    assert topic in [it.name for it in claim.topics]


@pytest.mark.parametrize(
    "text",
    [
        "- Added CORS support",  # which does not say that it is locked down
        "- Fixed the login page's password field",
        "- Added `infra/docker/prometheus.yml`",
        "- Removed the unused metrics consumer; metrics for billing dropped",
        "- Fixed a typo in the migration",
        "- Implemented mTLS",
        "- Removed the credential verification route from the code",
        "- Replaced hard-coded secrets in test fixtures; removed",
        "- Removed the separate metrics ports from Compose",
        "- Docker build: changed the folder of its output",
        "- Health check integration working, done",
        "- Health check: `http://localhost:8004/health`",
        "- ✅ All health checks passing",
        "- ✅ Fails CI on duplicate titles",
        "- ✅ CI is no longer blocked by security scans",
        "- ✅ CI made non-blocking for forks; removed",
        "- ✅ Development server runs without warnings",
        "- ✅ Quality Metrics",
        "- ✅ Selection counter",
        "- ✅ Secret scanning added: hard-coded passwords are found",
        "- ✅ Alembic autogenerate enabled for the new tables",
        "- ✅ Added timeouts to all jobs",
        "| Health checks | ✅ Working | 200 | fine |",
        "| Health checks | ✅ Done | <100ms |",
    ],
)
def test_words_that_lead_nowhere(text: str) -> None:
    assert said(text) == []
