"""Builds that cannot work from what Git tracks."""

from __future__ import annotations

import pytest

from tests.audit.repository import found, places


def composed(build: str, **files: str) -> dict[str, str]:
    compose = f"services:\n  api:\n    build:\n      {build}\n"
    return {"compose.yaml": compose, "api/main.py": "", "api/Dockerfile": "FROM x\n", **files}


@pytest.mark.parametrize(
    ("build", "line"),
    [
        ("context: nowhere", 3),
        ("context: api\n      dockerfile: Dockerfile.prod", 5),
        ("context: .", 3),
        ("context: api\n      target: production", 5),
    ],
)
def test_what_compose_names_and_is_not_there(build, line):
    assert places("REL007", composed(build)) == [f"compose.yaml:{line}"]


@pytest.mark.parametrize(
    "build",
    [
        "context: api",
        "context: ./api/",
        "context: .\n      dockerfile: api/Dockerfile",
        "context: https://example.org/a.git",
        "context: ../elsewhere",
        "context: ${WHERE}",
        "context: api\n      dockerfile_inline: FROM x",
    ],
)
def test_what_compose_names_and_is_there_or_cannot_be_known(build):
    assert found("REL007", composed(build)) == []


FLOW = """\
    on: push
    jobs:
      build:
        runs-on: ubuntu-latest
        steps:
          - uses: actions/checkout@v4
          - {step}
    """


@pytest.mark.parametrize(
    ("step", "is_found"),
    [
        ("run: docker build -f api/Dockerfile.prod api", True),
        ("run: docker build nowhere", True),
        ("run: docker build --target prod api", True),
        ("uses: docker/build-push-action@v6\n            with: {context: web}", True),
        ("run: docker build -f api/Dockerfile api", False),
        ("run: docker build -t a:$TAG --build-arg X=$X api", False),
        ("run: docker build $WHERE", False),
        ("uses: docker/build-push-action@v6\n            with: {context: api}", False),
        ("run: docker build -f api/Dockerfile https://example.org/a.git", False),
    ],
)
def test_what_a_pipeline_names(step, is_found):
    files = {
        ".github/workflows/a.yml": FLOW.replace("{step}", step),
        "api/Dockerfile": "FROM x\n",
    }

    assert places("REL007", files) == [".github/workflows/a.yml:7"] * is_found


@pytest.mark.parametrize(
    ("copy", "is_found"),
    [
        ("COPY requirements.txt .", True),
        ("COPY main.py requirements.txt ./", True),
        ("ADD setup.cfg /", True),
        ('COPY ["a b.py", "/"]', True),
        ("COPY ../shared /shared", True),
        ("COPY ignored.py /", True),
        ("COPY main.py .", False),
        ("COPY . .", False),
        ("COPY lib/ /lib/", False),
        ("COPY package-lock.json* ./", False),
        ("COPY *.whl /", False),
        ("COPY $WHAT /", False),
        ("ADD https://example.org/a /", False),
        ("COPY <<EOF /a\nx\nEOF", False),
        ("COPY --from=busybox:1 /bin/sh /bin/", False),
        ("COPY --from=nginx /etc/nginx /x", False),
        ("COPY --from=build /out /", False),
        ("COPY --from=0 /out /", False),
        ("COPY --from=biuld /out /", True),
        ("COPY --from=7 /out /", True),
    ],
)
def test_what_a_dockerfile_copies(copy, is_found):
    files = composed(
        "context: api",
        **{
            "api/Dockerfile": f"FROM x AS build\nFROM y\n{copy}\n",
            "api/lib/a.py": "",
            "api/ignored.py": "",
            "api/.dockerignore": "ignored.py\n",
            "shared/a.py": "",
        },
    )

    assert places("REL007", files) == ["api/Dockerfile:3"] * is_found


@pytest.mark.parametrize("source", ["dist", "target/app.jar", "certs/a.pem", ".env"])
def test_what_may_be_made_before_the_build_matters_less(source):
    dockerfile = f"FROM x\nCOPY {source} /\n"
    (finding,) = found("REL007", composed("context: api", **{"api/Dockerfile": dockerfile}))

    assert str(finding.severity) == "low"


def test_only_the_stages_that_are_needed_count():
    dockerfile = "FROM x AS dev\nCOPY nothing /\nFROM x AS prod\nCOPY main.py /\n"

    assert found("REL007", composed("context: api", **{"api/Dockerfile": dockerfile})) == []


NEXT = """\
    FROM node:20 AS build
    WORKDIR /app
    COPY . .
    RUN npm run build
    FROM node:20-slim
    COPY --from=build /app/public ./public
    COPY --from=build /app/.next/standalone ./
    COPY --from=build /app/.next/static ./.next/static
    """


@pytest.mark.parametrize(
    ("more", "dockerfile", "lines"),
    [
        ({}, NEXT, [6]),
        ({"web/public/a.svg": ""}, NEXT, []),
        ({"web/public/a.svg": "", "web/.dockerignore": "public"}, NEXT, [6]),
        ({}, NEXT.replace("RUN", "RUN mkdir -p public &&"), []),
        ({"web/public/a": "", "web/next.config.mjs": "export default {}"}, NEXT, [7]),
        ({"web/package.json": '{"dependencies": {"hugo": "1"}}'}, NEXT, []),
    ],
)
def test_what_another_stage_never_has(more, dockerfile, lines):
    files = {
        "web/Dockerfile": dockerfile,
        "web/package.json": '{"dependencies": {"next": "15"}}',
        "web/next.config.mjs": 'export default {output: "standalone"}',
        **more,
    }

    assert places("REL007", files) == [f"web/Dockerfile:{line}" for line in lines]


@pytest.mark.parametrize(
    ("more", "run", "is_found"),
    [
        ({}, "npm ci", True),
        ({"web/package-lock.json": "{}"}, "npm ci", False),
        ({"web/npm-shrinkwrap.json": "{}"}, "npm ci --omit=dev", False),
        ({}, "npm install", False),
    ],
)
def test_npm_ci_needs_a_lock(more, run, is_found):
    files = {
        "web/Dockerfile": f"FROM node\nWORKDIR /a\nCOPY package*.json ./\nRUN {run}\n",
        "web/package.json": "{}",
        **more,
    }

    assert places("REL007", files) == ["web/Dockerfile:4"] * is_found


APP = "FROM python:3.12\nWORKDIR /app\nCOPY . .\nCMD uvicorn main:app\n"


@pytest.mark.parametrize(
    ("main", "more", "found_at"),
    [
        ("from shared_metrics import x", {}, "api/main.py:3 high"),
        ("import lib.deep", {}, "api/main.py:3 high"),
        ("from own import x", {}, None),
        ("import os", {}, None),
        ("try:\n    import shared_metrics\nexcept ImportError:\n    pass", {}, None),
        ("from own import x", {"api/own.py": "from .gone import y"}, "api/own.py:1 high"),
        ("from own import x", {"api/own.py": "from ._version import y"}, None),
        (
            "from shared_metrics import x",
            {
                "compose.yaml": """\
                    services:
                      api:
                        build: api
                        volumes: ['.:/repo']
                        environment: {PYTHONPATH: /repo}
                    """
            },
            "api/main.py:3 medium",
        ),
    ],
)
def test_a_module_that_is_not_in_the_image(main, more, found_at):
    files = {
        "api/Dockerfile": APP,
        "api/main.py": f"import sys\nsys.path.insert(0, '..')\n{main}\n",
        "api/own.py": "x = 1",
        "shared_metrics.py": "x = 1",
        "lib/__init__.py": "",
        "lib/deep.py": "",
        **more,
    }
    findings = [f"{it.place} {it.severity}" for it in found("REL007", files)]

    assert findings == ([found_at] if found_at else [])


@pytest.mark.parametrize(
    ("lacking", "found_at"), [(2, ["api/main.py:3", "api/main.py:4"]), (5, ["api/main.py:3"])]
)
def test_a_package_that_no_copy_takes_is_one_fault(lacking, found_at):
    imports = "".join(f"import lib.part{at}\n" for at in range(lacking))
    files = {
        "api/Dockerfile": APP,
        "api/main.py": f"import sys\nsys.path.insert(0, '..')\n{imports}",
        **{f"lib/part{at}.py": "" for at in range(lacking)},
    }
    findings = found("REL007", files)

    assert [str(it.place) for it in findings] == found_at
    is_one = "nor are 4 more of its package" in findings[0].message
    assert is_one is (len(found_at) < lacking)


def test_a_system_like_those_that_people_launch():
    files = {
        "infra/docker-compose.yml": """\
            services:
              api:
                build:
                  context: ../apps/api
                  dockerfile: Dockerfile
              console:
                build:
                  context: ../apps/console
                  dockerfile: Dockerfile
              adapter:
                build:
                  context: ../apps/adapter
                  dockerfile: Dockerfile
            """,
        "apps/api/Dockerfile": "FROM python:3.11-slim\nCOPY requirements.txt ./\nCOPY . .\n",
        "apps/api/requirements.txt": "",
        "apps/console/Dockerfile": """\
            FROM node:20-alpine AS base
            FROM base AS deps
            WORKDIR /app
            COPY package.json package-lock.json* ./
            RUN npm ci
            FROM base AS builder
            WORKDIR /app
            COPY --from=deps /app/node_modules ./node_modules
            COPY . .
            RUN npm run build
            FROM base AS runner
            WORKDIR /app
            COPY --from=builder /app/public ./public
            COPY --from=builder /app/.next/standalone ./
            """,
        "apps/console/package.json": '{"dependencies": {"next": "15"}}',
        "apps/console/package-lock.json": "{}",
        "apps/console/next.config.mjs": "export default { output: 'standalone' }",
        "apps/adapter/main.py": "",
    }

    assert places("REL007", files) == [
        "apps/console/Dockerfile:13",
        "infra/docker-compose.yml:13",
    ]
