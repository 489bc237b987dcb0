"""REL007 for Node packages: what their sources import and Git does not track."""

from __future__ import annotations

import pytest

from tests.audit.repository import found, places

PACKAGE = '{"scripts": {"build": "next build"}, "dependencies": {"next": "15"}}'
ALIASES = '{"compilerOptions": {"paths": {"@/*": ["./src/*"]}}}'
MORE_ALIASES = '{"compilerOptions": {"paths": {"@/*": ["./src/*"], "@/kit/*": ["./kit/*"]}}}'


def package(source: str, **others: str) -> dict[str, str]:
    return {"web/package.json": PACKAGE, "web/src/page.tsx": source, **others}


@pytest.mark.parametrize(
    ("source", "others"),
    [
        pytest.param('import { user } from "./lib/auth";', {}, id="nowhere"),
        pytest.param("import { user } from './lib/auth.js';", {}, id="with the ending of a build"),
        pytest.param('import user from "./lib/auth";', {".gitignore": "lib/\n"}, id="left out"),
        pytest.param('import user from "@/lib/auth";', {"web/tsconfig.json": ALIASES}, id="alias"),
        pytest.param('import type { User } from "./lib/auth";', {}, id="a type"),
    ],
)
def test_missing(source: str, others: dict[str, str]) -> None:
    assert places("REL007", package(source, **others)) == ["web/src/page.tsx:1"]


@pytest.mark.parametrize(
    ("source", "others"),
    [
        pytest.param('import a from "./lib/auth";', {"web/src/lib/auth.ts": ""}, id="there"),
        pytest.param('import a from "./lib/auth.js";', {"web/src/lib/auth.ts": ""}, id="compiled"),
        pytest.param('import a from "./lib/auth";', {"web/src/lib/auth.web.tsx": ""}, id="variant"),
        pytest.param('import a from "./lib/auth";', {"web/src/lib/auth/index.ts": ""}, id="folder"),
        pytest.param('import a from "./icon.svg?raw";', {"web/src/icon.svg": ""}, id="query"),
        pytest.param('import a from "next/link";', {}, id="a package"),
        pytest.param('import a from "@/lib/auth";', {}, id="an alias that nobody explains"),
        pytest.param('import a from "@/kit/a";', {"web/tsconfig.json": MORE_ALIASES}, id="aliases"),
        pytest.param('import a from "@/a";', {"web/tsconfig.json": "{// x"}, id="comments"),
        pytest.param('import a from "./generated/api";', {}, id="generated"),
        pytest.param('import a from "./routes.gen";', {}, id="generated file"),
        pytest.param('import a from "./+types/page";', {}, id="types of a framework"),
        pytest.param('import a from "./api";', {".gitignore": "web/src/api.ts"}, id="meant"),
        pytest.param('// import a from "./lib/auth";', {}, id="comment"),
        pytest.param("const a = \"from './lib/auth'\";", {}, id="text"),
        pytest.param('import a from "../../../outside";', {}, id="out of the repository"),
        pytest.param('import a from "./lib/auth";', {"web/src/package.json": "{}"}, id="inner"),
    ],
)
def test_not_missing(source: str, others: dict[str, str]) -> None:
    assert found("REL007", package(source, **others)) == []


@pytest.mark.parametrize("path", ["web/src/page.test.tsx", "web/e2e/page.ts", "other/page.ts"])
def test_sources_that_no_build_needs(path: str) -> None:
    assert found("REL007", {"web/package.json": PACKAGE, path: 'import a from "./lib/a";'}) == []


def test_a_package_that_is_not_built() -> None:
    files = {"web/package.json": "{}", "web/page.ts": 'import a from "./lib/a";'}

    assert found("REL007", files) == []


def test_a_template_for_another_language_leaves_sources_out() -> None:
    """The ignore file of a Python project above a Next.js application: `lib/` is for both."""
    files = {
        ".gitignore": "__pycache__/\nbuild/\nlib/\n",
        "apps/console/package.json": PACKAGE,
        "apps/console/app/layout.tsx": 'import { Auth } from "../components/Auth";\n',
        "apps/console/app/callback/page.tsx": 'import { user } from "../../lib/auth";\n',
        "apps/console/components/Auth.tsx": """\
            'use client';
            import {
              User,
              config,
            } from '../lib/auth';
            """,
    }

    findings = found("REL007", files)

    assert [str(it.place) for it in findings] == [
        "apps/console/app/callback/page.tsx:1",
        "apps/console/components/Auth.tsx:5",
    ]
    assert [str(it.place) for it in findings[0].also] == [
        ".gitignore:3",
        "apps/console/package.json:1",
    ]


def test_an_inner_ignore_file_takes_it_back() -> None:
    files = package('import a from "./lib/a";', **{".gitignore": "lib/", "web/.gitignore": "!lib/"})

    (finding,) = found("REL007", files)

    assert [str(it.place) for it in finding.also] == ["web/package.json:1"]
