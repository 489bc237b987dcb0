"""Which tracked files a build is given."""

from __future__ import annotations

import pytest

from pipelines.audit.model.containers.contexts import Context
from pipelines.audit.tracked import Tracked
from tests.audit.repository import tracked

FILES = {
    "api/main.py": "",
    "api/lib/a.py": "",
    "api/lib/b.txt": "",
    "api/package.json": "",
    "shared/x.py": "",
}


@pytest.mark.parametrize(
    ("source", "files"),
    [
        (".", ["api/lib/a.py", "api/lib/b.txt", "api/main.py", "api/package.json"]),
        ("./lib", ["api/lib/a.py", "api/lib/b.txt"]),
        ("/lib/", ["api/lib/a.py", "api/lib/b.txt"]),
        ("main.py", ["api/main.py"]),
        ("*.py", ["api/main.py"]),
        ("**/*.py", ["api/lib/a.py", "api/main.py"]),
        ("l?b", ["api/lib/a.py", "api/lib/b.txt"]),
        ("package*.json", ["api/package.json"]),
        ("[a-m]*.py", ["api/main.py"]),
        ("[z-a]", []),
        ("../shared", []),
        ("nothing", []),
    ],
)
def test_what_a_copy_takes(source, files):
    assert list(Context(tracked(FILES), "api").files(source)) == files


@pytest.mark.parametrize(
    ("ignore", "left"),
    [
        ("lib", ["api/main.py", "api/package.json"]),
        ("a.py", ["api/lib/a.py", "api/lib/b.txt", "api/main.py", "api/package.json"]),
        ("**/*.py", ["api/lib/b.txt", "api/package.json"]),
        ("[z-a]\n\\\nlib", ["api/main.py", "api/package.json"]),  # two that are no patterns
        ("*\n!main.py", ["api/main.py"]),
        ("lib/*\n!lib/b.txt", ["api/lib/b.txt", "api/main.py", "api/package.json"]),
        ("# lib\n\n./lib/", ["api/main.py", "api/package.json"]),
    ],
)
def test_dockerignore(ignore, left):
    context = Context(tracked({**FILES, "api/.dockerignore": ignore}), "api")

    assert [it for it in context.files(".") if not it.endswith(".dockerignore")] == left


def test_a_dockerfile_may_have_an_ignore_file_of_its_own():
    files = {**FILES, "api/.dockerignore": "*", "api/Dockerfile.dockerignore": "lib"}
    context = Context(tracked(files), "api", "api/Dockerfile")

    assert context.holds("main.py")
    assert not context.holds("lib")


def test_what_a_submodule_holds_is_taken_to_be_there():
    it = Tracked({"a.py": lambda: b""}, submodules=frozenset(("vendored",)))

    assert Context(it, "").holds("vendored/x")
    assert not Context(it, "").holds("other/x")
