"""Documents that say a fault was mended, beside the fault."""

from __future__ import annotations

from collections.abc import Iterator

from tests.audit.injected.injection import (
    Edit,
    Injection,
    add,
    append,
    change,
    injected,
    inside,
    without,
)

BIKES, CLINIC, PARCELS = "bikeshare", "clinic", "parcels"

# A fault, and how people claim that it is mended.
_CLAIMED: tuple[tuple[str, Edit, str], ...] = (
    (BIKES, without("compose.yaml", "redis", "healthcheck"), "Health checks on all services"),
    (
        BIKES,
        inside("compose.yaml", "gateway", "service_healthy", "service_started"),
        "`gateway` waits until `rides` is healthy (depends_on)",
    ),
    (
        BIKES,
        inside("compose.yaml", "rides", "${JWT_SECRET:?set JWT_SECRET}", "hunter2"),
        "Removed hardcoded secrets from Compose",
    ),
    (
        BIKES,
        change("Makefile", "\truff check services\n", "\truff check services || true\n"),
        "Removed `|| true` from the lint gates in CI",
    ),
    (
        BIKES,
        change("services/gateway/Dockerfile", "USER 10001\n", ""),
        "All images run as non-root users",
    ),
    (
        PARCELS,
        change(
            "compose.yaml", "ALLOWED_ORIGIN: https://parcels.example.org", 'ALLOWED_ORIGIN: "*"'
        ),
        "Restricted CORS to our own origins",
    ),
    (
        PARCELS,
        change(".github/workflows/test.yml", "run: npm test\n", "run: npm test || true\n"),
        "CI gates: test failures now block the merge",
    ),
    (PARCELS, without("compose.yaml", "web", "restart"), "Restart policies on all services"),
    (
        PARCELS,
        inside("compose.yaml", "mongo", "image: mongo:7.0.15", "image: mongo:latest"),
        "Pinned all image tags",
    ),
    (
        CLINIC,
        inside(
            "docker-compose.yml", "db", "${DB_PASSWORD:?set DB_PASSWORD}", "${DB_PASSWORD:-clinic}"
        ),
        "Externalized all secrets to the environment",
    ),
    (
        CLINIC,
        change("scripts/start.sh", "migrate --noinput", "migrate --noinput || true"),
        "Migrations run automatically on startup",
    ),
    (
        CLINIC,
        change("docker-compose.yml", '"127.0.0.1:3306:3306"', '"3306:3306"'),
        "The database port is no longer exposed",
    ),
    (
        CLINIC,
        change("clinic/visits/tasks.py", "timeout=5)", "timeout=5, verify=False)"),
        "TLS certificate verification enabled",
    ),
)


def _boxed(claim: str) -> Edit:
    return append("README.md", f"\n- [x] {claim}\n")


def _contradicted() -> Iterator[Injection]:
    for system, fault, claim in _CLAIMED:
        ways = {
            "a ticked box": _boxed(claim),
            "a summary": add("FIXES_SUMMARY.md", f"# Fixes\n\n## Fixed\n\n- {claim}\n"),
            "a changelog": add(
                "CHANGELOG.md", f"# Changelog\n\n## 1.2.0\n\n### Fixed\n\n- {claim}\n"
            ),
        }
        for way, edit in ways.items():
            yield injected("DOC001", system, f"{claim}, {way}", edit, at=claim, given=(fault,))


# What is fixed by a document alone: the subject, and what was done for it.
_DOCUMENTED = (
    (BIKES, "Rate limiting", "Documented the slowapi integration pattern"),
    (BIKES, "Graceful shutdown", "Documented how each service stops"),
    (BIKES, "Error handling", "Wrote a guide for error codes"),
    (BIKES, "Secrets management", "Documented the rotation of keys"),
    (PARCELS, "Error handling", "Documented the error taxonomy"),
    (PARCELS, "Timeouts", "Documented the values for clients"),
    (PARCELS, "Rate limits", "Added documentation of the limits"),
    (PARCELS, "Metrics", "Added a runbook for each alert"),
    (CLINIC, "Structured logging", "Documented the fields of a line"),
    (CLINIC, "Memory limits", "Created guidelines for sizes"),
    (CLINIC, "Health checks", "Documented the probes"),
    (CLINIC, "Restart policies", "Added documentation"),
)


def _documented() -> Iterator[Injection]:
    for system, subject, done in _DOCUMENTED:
        claim = f"{subject}: {done[0].lower()}{done[1:]}"
        edit = _boxed(claim)
        yield injected("DOC002", system, f"{claim}, a ticked box", edit, at=claim)
        section = (
            f"# Launch fixes\n\n## Fixed\n\n### 1. {subject}\n\n- {done}\n\n"
            "**Files created:**\n- `docs/guide.md`\n"
        )
        edit = add("LAUNCH_FIXES.md", section)
        yield injected("DOC002", system, f"{claim}, a section", edit, at="### 1.")


INJECTIONS = (*_contradicted(), *_documented())
