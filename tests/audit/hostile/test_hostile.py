"""No repository, broken or made for it, makes an audit fail, hang, or read outside of it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pipelines.audit import tracked as read
from pipelines.audit.audit import audit
from tests.audit.repository import tracked

NAMES = (
    "compose.yaml",
    "Dockerfile",
    ".dockerignore",
    ".github/workflows/ci.yml",
    "action.yml",
    "Makefile",
    "package.json",
    "requirements.txt",
    "pyproject.toml",
    "uv.lock",
    "prometheus.yml",
    ".env",
    "deploy/site.yaml",
    "README.md",
    "scripts/test.sh",
    "app/main.py",
    "server.ts",
    "nginx.conf",
)
CONTENTS = {
    "nothing": b"",
    "binary": bytes(range(256)) * 100,
    "not UTF-8": b"caf\xe9: \xff\xfe\n" * 50,
    "UTF-16": "services:\n  a: b\n".encode("utf-16"),
    "half a mapping": b"services:\n  api: {image: [\n",
    "half a Dockerfile": b"FROM python:3.12\nRUN <<EOF\nCOPY --from=\nCMD ['a',",
    "half JSON": b'{"scripts": {"test": ',
    "half Python": b"def f(:\n",
    "brackets": b"[" * 20_000,
    "merges of merges": b"a0: &a0 {b: 1}\n"
    + b"".join(b"a%d: &a%d {<<: [*a%d, *a%d]}\n" % (n, n, n - 1, n - 1) for n in range(1, 60)),
}


@pytest.mark.timeout(60)  # seconds; what unfolds or goes in circles takes for ever
@pytest.mark.parametrize("contents", CONTENTS)
def test_an_audit_ends_whatever_there_is(contents: str) -> None:
    report = audit(tracked(dict.fromkeys(NAMES, CONTENTS[contents])))

    assert all(it.place.line > 0 for it in report.findings)


OUTSIDE = "../outside"
WAYS = {
    "compose.yaml": "include: [{0}]\nservices:\n  a: {{extends: {{file: {0}, service: a}}}}\n",
    "docker-compose.yml": "services:\n  a:\n    build: {{context: .., dockerfile: {0}}}\n"
    "    env_file: {0}\n    volumes: ['{0}:/x']\n",
    "Dockerfile": "FROM python:3.12\nCOPY {0} /x\nRUN pip install -r {0}\nCMD ['{0}']\n",
    "Makefile": "include {0}\ntest:\n\tmake -C .. -f {0}\n\tsh {0}\n",
    "requirements.txt": "-r {0}\n-c {0}\n",
    "package.json": '{{"workspaces": [".."], "scripts": {{"test": "sh {0}"}}}}',
    ".github/workflows/ci.yml": "on: push\njobs: {{a: {{steps: [{{uses: ./{0}}}, "
    "{{run: sh {0}}}]}}}}\n",
}


@pytest.mark.parametrize("way", WAYS)
def test_nothing_outside_is_read(way: str, tmp_path: Path) -> None:
    """The canary holds faults of every sort; its name may be said, its contents not."""
    canary = "services: {a: {image: canary:latest, environment: {PASSWORD: canary-in-the-mine}}}\n"
    (tmp_path / "outside").write_text(canary)
    folder = tmp_path / "checkout"
    file = folder / way
    file.parent.mkdir(parents=True)
    file.write_text(WAYS[way].format(OUTSIDE))
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    subprocess.run(["git", "add", "--all"], cwd=folder, check=True)

    report = audit(read.read(folder))

    assert "canary" not in repr(report)
