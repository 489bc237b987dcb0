"""Nothing outside of the repository is opened, whatever a file of it names, and however."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.audit import tracked
from pipelines.audit.audit import Report, audit

CANARY = """\
services: {a: {image: canary, environment: {CANARY_PASSWORD: canary}}}
FROM canary
canary>=1
"""
Opened = list[str]


class _Watch:
    """What Python opens while somebody looks: a hook of its own cannot be taken away again."""

    def __init__(self) -> None:
        self.opened: Opened | None = None
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[object, ...]) -> None:
        if self.opened is not None and event in ("open", "os.listdir", "os.scandir"):
            self.opened.append(os.fsdecode(arguments[0]) if _is_path(arguments[0]) else "")


def _is_path(value: object) -> bool:
    return isinstance(value, str | bytes | os.PathLike)


_WATCH = _Watch()


@pytest.fixture
def opened() -> Iterator[Opened]:
    _WATCH.opened = []
    yield _WATCH.opened
    _WATCH.opened = None


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository beside a folder that is none of its business."""
    outside = tmp_path / "outside"
    outside.mkdir()
    for name in (
        "canary",
        "compose.yaml",
        "Dockerfile",
        "requirements.txt",
        "package.json",
        ".env",
    ):
        (outside / name).write_text(CANARY)
    folder = tmp_path / "checkout"
    folder.mkdir()
    _git(folder, "init", "--quiet")
    return folder


def _git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


def _audited(folder: Path, **files: str) -> Report:
    for path, text in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    _git(folder, "add", "--all")
    return audit(tracked.read(folder))


# Each way to name a file, with `@` for where it is.
WAYS = {
    "extends": ("compose.yaml", "services: {a: {extends: {file: @/compose.yaml, service: a}}}\n"),
    "include": (
        "compose.yaml",
        ("include: [@/compose.yaml, {path: [@/compose.yaml]}]\nservices: {a: {image: x}}\n"),
    ),
    "env_file": (
        "compose.yaml",
        ("services: {a: {image: x, env_file: [@/.env, {path: @/canary}]}}\n"),
    ),
    "context": ("compose.yaml", "services: {a: {build: @}, b: {build: {context: @, target: x}}}\n"),
    "dockerfile": (
        "compose.yaml",
        ("services: {a: {build: {context: ., dockerfile: @/Dockerfile}}}\n"),
    ),
    "volumes": (
        "compose.yaml",
        ("services: {a: {image: redis, volumes: ['@/canary:/x.conf', '@:/y']}}\n"),
    ),
    "configs": (
        "compose.yaml",
        (
            "services: {a: {image: x}}\nconfigs: {c: {file:"
            " @/canary}}\nsecrets: {s: {file: @/canary}}\n"
        ),
    ),
    "COPY": (
        "Dockerfile",
        (
            "FROM python\nCOPY @/requirements.txt @ /x/\nADD @/canary /y\nRUN"
            " pip install -r @/requirements.txt\n"
        ),
    ),
    "mounts": (
        "Dockerfile",
        (
            "FROM python\nRUN --mount=type=bind,source=@,target=/x pip install"
            " -r /x/requirements.txt\n"
        ),
    ),
    "an entry point": (
        "Dockerfile",
        ('FROM python\nCOPY . /x\nENTRYPOINT ["sh", "@/canary"]\nCMD ["python", "@/canary"]\n'),
    ),
    "-r": (
        "requirements.txt",
        ("-r @/requirements.txt\n-c @/requirements.txt\n-e @\nx @ file:@/canary\n"),
    ),
    "a project": (
        "pyproject.toml",
        (
            "[project]\nname = 'a'\ndynamic ="
            " ['dependencies']\n[tool.setuptools.dynamic]\ndependencies = {file ="
            " ['@/requirements.txt']}\n[tool.uv.sources]\nb = {path = '@'}\n"
        ),
    ),
    "setup.py": (
        "setup.py",
        (
            "from setuptools import"
            " setup\nsetup(install_requires=open('@/requirements.txt').read())\n"
        ),
    ),
    "make": ("Makefile", "include @/canary\ntest:\n\tmake -C @ -f @/canary test\n\tsh @/canary\n"),
    "workflows": (
        ".github/workflows/ci.yml",
        (
            "on: push\njobs: {a: {uses: ./@/canary}, b:"
            " {steps: [{uses: ./@}, {run: sh @/canary, working-directory: @}, {run: make -C @}]}}\n"
        ),
    ),
    "packages": (
        "package.json",
        (
            '{"workspaces": ["@"], "scripts": {"test": "sh @/canary && npm'
            ' --prefix @ test"}, "dependencies": {"a": "file:@"}}'
        ),
    ),
    "$ref": (
        "deploy/site.yaml",
        (
            "apiVersion: v1\nkind: Kustomization\nresources:"
            " [@/compose.yaml]\n$ref: @/compose.yaml\n"
        ),
    ),
    "imports": (
        "main.py",
        ("import sys\nsys.path.insert(0, '@')\nimport canary\nopen('@/canary')\n"),
    ),
    "imports of JavaScript": ("index.js", 'import "@/canary"; require("@/package.json");\n'),
    "documents": ("README.md", "- [x] Fixed [this](@/canary), see `@/compose.yaml`\n"),
    "nginx": ("nginx.conf", "include @/canary;\n"),
    "settings": ("tsconfig.json", '{"extends": "@/package.json", "$ref": "@/package.json"}'),
}


@pytest.mark.parametrize("where", ["../outside", "a/../../outside", "{outside}", "./.././outside"])
@pytest.mark.parametrize("way", WAYS)
def test_what_a_file_names_outside_is_not_opened(
    way: str, where: str, checkout: Path, opened: Opened
) -> None:
    outside = checkout.parent / "outside"
    file, text = WAYS[way]
    text = text.replace("@", where.format(outside=outside))

    report = _audited(checkout, **{"a/b": "", file: text})

    assert [path for path in opened if str(outside) in os.path.realpath(path)] == []
    assert "CANARY_PASSWORD" not in repr(report)


def test_the_canary_would_be_seen(checkout: Path, opened: Opened) -> None:
    """Else the test above proves nothing."""
    (checkout.parent / "outside" / "canary").read_text()
    report = _audited(checkout, **{"compose.yaml": CANARY.partition("\n")[0]})

    assert [path for path in opened if "outside" in path] != []
    assert "CANARY_PASSWORD" in repr(report)


# Where links stand, and where they lead.
LINKS = {
    "a file": {"compose.yaml": "../outside/compose.yaml"},
    "a folder": {"deploy": "../outside"},
    "the root": {"root": "/"},
    "itself": {"Dockerfile": "Dockerfile"},
    "one another": {"a": "b", "b": "a"},
    "above": {"up": ".."},
}


def _link(folder: Path, link: str) -> None:
    for name, target in LINKS[link].items():
        (folder / name).symlink_to(target)


@pytest.mark.parametrize("link", LINKS)
def test_a_link_is_not_followed(link: str, checkout: Path, opened: Opened) -> None:
    _link(checkout, link)
    report = _audited(checkout, **{"requirements.txt": "fastapi==1\n"})

    assert [path for path in opened if "outside" in os.path.realpath(path)] == []
    assert "CANARY_PASSWORD" not in repr(report)
    assert report.files == 1


def test_a_repository_may_be_all_of_that_at_once(checkout: Path) -> None:
    """Huge, linked in circles, with names and contents that are no text, and another within."""
    for link in LINKS:
        _link(checkout, link)
    other = checkout.parent / "other"
    other.mkdir()
    _git(other, "init", "--quiet")
    _git(other, "commit", "--quiet", "--allow-empty", "--message", "one")
    allowed = ("-c", "protocol.file.allow=always")
    _git(checkout, *allowed, "submodule", "add", "--quiet", str(other), "sub")
    with (checkout / "huge.yaml").open("wb") as huge:
        huge.truncate(100_000_000)  # bytes, and none of them on the disk
    for name in (b"caf\xe9.yaml", b"\xff\xfeDockerfile", b"new\nline.sh", b"tab\there.py"):
        (checkout / os.fsdecode(name)).write_bytes(b"\xff\xfe services: {a: {image: x}}\n")
    _git(checkout, "add", "--all")

    report = audit(tracked.read(checkout))

    assert [it.place.file for it in report.unread if "larger" in it.reason] == ["huge.yaml"]
