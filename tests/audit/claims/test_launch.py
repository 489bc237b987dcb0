"""A launch whose summary says more than its files: every rule at work, as in `--claims`."""

from __future__ import annotations

from pipelines.audit.claims import judging
from pipelines.audit.claims.verdicts import Status
from tests.audit import repository
from tests.audit.repository import Files

SUMMARY = """\
# Launch fixes

All 9 issues of the pre-launch audit have been resolved.

## ✅ Fixed (high priority)

### 1. Hardcoded Secrets Removed
- All passwords externalized to env vars

**Files Changed**:
- `deploy/compose.yaml`

### 2. CORS Locked Down
- Applied to: catalog

**Files Changed**:
- `services/catalog/main.py`

### 3. --reload Disabled in Production
**Files Changed**:
- `deploy/compose.yaml` (all service commands)

### 4. CI Safety Valves Removed
**Files Changed**:
- `.github/workflows/ci.yml`

### 5. Service Healthchecks Added
- Added healthcheck blocks to all app services
- Uses `curl -f`

**Files Changed**:
- `deploy/compose.yaml`

### 6. Storefront Test Script Added
**Files Changed**:
- `services/storefront/package.json`

## ✅ Fixed (medium priority)

### 7-8. Timeouts & Rate Limiting
- Created documentation with examples

**Files Created**:
- `docs/HARDENING.md`

### 9. Storefront Format Script Verified
- Confirmed the `format` script exists in `services/storefront/package.json`

## Next steps
- Restart policies should be added
"""
SYSTEM: Files = {
    "LAUNCH_SUMMARY.md": SUMMARY,
    "docs/HARDENING.md": "# Hardening\n",
    "deploy/compose.yaml": """\
        services:
          db:
            image: postgres:17
            environment:
              POSTGRES_PASSWORD: ${POSTGRES_PASSWORD:-orchard-wagon-9}
          catalog:
            build: ../services/catalog
            command: uvicorn main:app $( [ "$R" = 1 ] && echo --reload )
            healthcheck:
              test: ["CMD-SHELL", "curl -f http://localhost:8000/health || exit 1"]
        """,
    "services/catalog/Dockerfile": """\
        FROM python:3.12-slim
        WORKDIR /app
        COPY main.py .
        CMD ["uvicorn", "main:app"]
        """,
    "services/catalog/main.py": """\
        from fastapi import FastAPI
        from fastapi.middleware.cors import CORSMiddleware

        app = FastAPI()
        app.add_middleware(CORSMiddleware, allow_origins=["https://shop.example.org"])
        """,
    "services/legacy/main.py": """\
        from fastapi import FastAPI
        from fastapi.middleware.cors import CORSMiddleware

        app = FastAPI()
        app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_credentials=True)
        """,
    "services/storefront/package.json": """\
        {
          "name": "storefront",
          "scripts": {
            "format": "prettier --write .",
            "test": "echo 'No tests yet' && exit 0"
          }
        }
        """,
    ".github/workflows/ci.yml": """\
        on: push
        jobs:
          test:
            runs-on: ubuntu-latest
            steps:
              - uses: actions/checkout@v4
              - run: make test
        """,
    "Makefile": "test:\n\tpytest services || true\n",
}


def test_the_claims_of_a_launch_get_their_verdicts() -> None:
    found = judging.judge(repository.tracked(SYSTEM), ["LAUNCH_SUMMARY.md"])

    assert {it.text.partition(" ")[0]: it.status for it in found} == {
        "All": Status.CONTRADICTED,
        "1.": Status.CONTRADICTED,
        "2.": Status.BACKED,  # the file that it names is clean; another one has the wildcard
        "3.": Status.CONTRADICTED,
        "4.": Status.CONTRADICTED,
        "5.": Status.CONTRADICTED,
        "6.": Status.CONTRADICTED,
        "7-8.": Status.DOCUMENTED,
        "9.": Status.BACKED,
    }


def test_each_contradiction_has_its_counter_evidence() -> None:
    found = judging.judge(repository.tracked(SYSTEM), ["LAUNCH_SUMMARY.md"])

    assert {
        it.text.partition(" ")[0]: f"{it.counter[0].rule} {it.counter[0].place}"
        for it in found
        if it.counter
    } == {
        "1.": "SEC002 deploy/compose.yaml:5",
        "3.": "REL012 deploy/compose.yaml:8",
        "4.": "GATE002 Makefile:2",
        "5.": "REL002 deploy/compose.yaml:10",
        "6.": "GATE004 services/storefront/package.json:5",
    }


def test_what_was_really_fixed_is_backed() -> None:
    compose = """\
        services:
          db:
            image: postgres:17
            environment:
              POSTGRES_PASSWORD: ${POSTGRES_PASSWORD:?}
          catalog:
            build: ../services/catalog
            healthcheck:
              test: ["CMD", "python", "-c", "import socket; socket.create_connection(('', 80))"]
        """
    mended = {**SYSTEM, "deploy/compose.yaml": compose, "Makefile": "test:\n\tpytest services\n"}

    found = judging.judge(repository.tracked(mended), ["LAUNCH_SUMMARY.md"])

    assert [it.text for it in found if it.is_contradicted and it.counter] == [
        "6. Storefront Test Script Added"
    ]
