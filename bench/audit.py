"""How long an audit takes, and that it finds what scanners of one file find.

`python -m bench audit` copies the systems that the tests audit until a repository has as many files
as it should; AUDITED=FOLDER measures that repository as well.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import scanning
from bench.measure import ROOT, Bar, report
from bench.spent import median_of
from pipelines.audit import tracked
from pipelines.audit.audit import audit

SYSTEMS = ROOT / "tests" / "audit" / "systems"
ROUNDS = 5
SMALL, LARGE = 250, 5_600  # files
SECONDS = {SMALL: 1.0, LARGE: 8.0}
MEMORY = 200.0  # MiB
FASTER = 10
TAGS = ("v4", "v4.2.2", "main", "release/v1", "3f1e2d4", "latest")
WORD = "hunter2-and-more"
SECRETS = (
    f"POSTGRES_PASSWORD: {WORD}",
    f"API_TOKEN: {WORD}",
    f"DATABASE_URL: postgresql://app:{WORD}@db/app",
    f"JWT_SECRET: ${{JWT_SECRET:-{WORD}}}",
    f"AWS_SECRET_ACCESS_KEY: {WORD}",
    f"REDIS_URL: redis://:{WORD}@redis:6379/0",
)


@contextmanager
def repository(files: int) -> Iterator[Path]:
    """So many tracked files: the systems again and again, then modules of a library."""
    with tempfile.TemporaryDirectory(prefix="summit-bench-") as name:
        folder = Path(name)
        count = copy = 0
        systems = sorted(it for it in SYSTEMS.iterdir() if it.is_dir())
        while count < min(files, LARGE // 4):
            system = systems[copy % len(systems)]
            target = folder / f"{system.name}{copy // len(systems)}"
            shutil.copytree(system, target)
            count += sum(it.is_file() for it in target.rglob("*"))
            copy += 1
        for number in range(max(files - count, 0)):
            library(folder / "library" / f"part{number // 100}" / f"module{number}.py", number)
        subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
        subprocess.run(["git", "add", "--all"], cwd=folder, check=True)
        yield folder


def library(file: Path, number: int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    before = f"from library.part{(number - 1) // 100} import module{number - 1}\n" if number else ""
    functions = "\n".join(
        f"\n\ndef function{at}(value: int) -> int:\n    return value * {at} + {number}"
        for at in range(20)
    )
    file.write_text(f'"""Module {number}."""\n\nimport os\n{before}{functions}\n')


def measure() -> list[Bar]:
    return [*_times(), _against_checkov(), _against_zizmor(), _against_compose_lint()]


def _times() -> Iterator[Bar]:
    for files, seconds in SECONDS.items():
        with repository(files) as folder:
            yield from _time(f"{files:,} files", folder, seconds)
    if named := os.environ.get("AUDITED"):
        yield from _time(Path(named).name, Path(named), SECONDS[SMALL])


def _time(what: str, folder: Path, seconds: float) -> list[Bar]:
    spent = median_of([scanning.ours(folder) for _ in range(ROUNDS)])
    return [
        Bar(f"audit, {what} / bar (s)", spent.wall, seconds, at_most=1),
        Bar(f"audit, {what} / bar (MiB)", spent.peak, MEMORY, at_most=1),
    ]


def _against_checkov() -> Bar:
    scanning.installed()
    with repository(SMALL) as folder:
        pairs = [(scanning.ours(folder), scanning.checkov(folder)) for _ in range(3)]
    ours, theirs = (median_of(list(each)).wall for each in zip(*pairs, strict=True))
    return Bar("audit / checkov (s)", ours, theirs, at_most=1 / FASTER)


def _against_zizmor() -> Bar:
    """The systems' workflows, their actions by each kind of name that may move."""
    with tempfile.TemporaryDirectory(prefix="summit-bench-") as name:
        folder = Path(name, ".github", "workflows")
        folder.mkdir(parents=True)
        for file in sorted(SYSTEMS.rglob(".github/workflows/*")):
            tag = iter(TAGS * file.read_text().count("uses:"))
            text = re.sub(r"@[0-9a-f]{40}.*", lambda _, tag=tag: f"@{next(tag)}", file.read_text())
            (folder / f"{file.parents[2].name}.yml").write_text(text)
        theirs = scanning.zizmor(Path(name), sorted(folder.iterdir()))
        return _found("GATE007 / zizmor's unpinned-uses", Path(name), "GATE007", theirs)


def _against_compose_lint() -> Bar:
    lines = "".join(f"      {line}\n" for line in SECRETS)
    text = f"services:\n  api:\n    image: app:1.0\n    environment:\n{lines}"
    with tempfile.TemporaryDirectory(prefix="summit-bench-") as name:
        file = Path(name, "compose.yaml")
        file.write_text(text)
        theirs = scanning.compose_lint([file])
        return _found("SEC001, SEC002 / compose-lint", Path(name), "SEC", theirs)


def _found(what: str, folder: Path, rule: str, theirs: set[tuple[str, int]]) -> Bar:
    """How many of the places that another scanner finds are found; others do not count."""
    found = audit(tracked.read(folder)).findings
    ours = {tuple(it.place) for it in found if it.rule.startswith(rule)}
    if not theirs:
        sys.exit(f"error: {what}: the other found nothing")
    return Bar(what, len(ours & theirs), len(theirs), at_least=1)


if __name__ == "__main__":
    sys.exit(report(measure()))
