"""Migrations of a database: where they are, and what in the repository runs them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from pipelines.audit.model.python import Python
from pipelines.audit.model.roles import is_deployed
from pipelines.audit.place import Place
from pipelines.audit.tracked import Tracked

# Files that show that a folder has migrations, by what runs them.
_MARKS = {
    "Alembic": re.compile(r"(?:(.*)/)?alembic\.ini"),
    "Django": re.compile(r"(?:(.*?)/)?(?:[^/]+/)*migrations/0001_\w+\.py"),
    "Prisma": re.compile(r"(?:(.*)/)?prisma/migrations/[^/]+/migration\.sql"),
    "Knex": re.compile(r"(?:(.*)/)?knexfile\.[cm]?[jt]s"),
    "Drizzle": re.compile(r"(?:(.*)/)?drizzle\.config\.[cm]?[jt]s"),
    "Flyway": re.compile(r"(?:(.*)/)?(?:sql|migrations?)/V\d[\w.]*__\w+\.sql"),
}
_COMMANDS = {
    "Alembic": r"\balembic\b[^\n|;&]{0,80}\bupgrade\b|flask\b[^\n|;&]{0,40}\bdb[\"', ]+upgrade"
    r"|\bcommand\.upgrade\s*\(|_command\.upgrade\s*\("
    r"|\bupgrade\(\s{0,9}\w{0,40}(?:cfg|config)\w{0,40}\s{0,9},"
    r"|[\"']alembic[\"'],[^\n]{0,60}[\"']upgrade[\"']|MigrationContext\.configure"
    r"|\bflask_migrate\.upgrade\s*\("
    r"|\w{0,40}migrat\w{0,40}\.py[\"', ]+(?:upgrade|up|run|apply|migrate)\b",
    "Django": r"manage(?:\.py)?[\"', ]+migrate\b|django-admin[\"', ]+migrate\b"
    r"|call_command\(\s*[\"']migrate[\"']|execute_from_command_line\([^\n)]*[\"']migrate[\"']",
    "Prisma": r"\bprisma\b[\"', ]+(?:migrate[\"', ]+deploy|db[\"', ]+push)",
    "Knex": r"\bknex\b[^\n|;&]{0,60}migrate:(?:latest|up)|\.migrate\.latest\s*\(",
    "Drizzle": r"drizzle-kit[\"', ]+(?:migrate|push)"
    r"|\bmigrate\(\s{0,9}\w{0,40}(?:db|client)\w{0,40}\s{0,9},"
    r"|drizzle-orm/[\w-]+/migrator",
    "Flyway": r"\bflyway\b|Flyway\.configure",
}
_RUNS = {kind: re.compile(pattern) for kind, pattern in _COMMANDS.items()}
_MENTIONS = (b"alembic", b"migrate", b"upgrade", b"prisma", b"drizzle", b"flyway", b"Flyway")
# A line that tells somebody, or that makes a migration and runs none.
_TOLD = re.compile(r"^\s*(?:#|//|\*|@?echo\b|print|log|raise\b|[\"'`])|\b(?:echo|printf|help=)\b")
_SKIPPED_SUFFIXES = (
    ".md",
    ".rst",
    ".txt",
    ".lock",
    ".sql",
    ".svg",
    ".png",
    "alembic.ini",
    ".html",
    ".css",
)
_LARGEST = 400_000  # bytes

# What a Python source imports that runs migrations, or a program that does.
_IMPORTED = ("alembic", "flask_migrate", "call_command", "execute_from_command_line", "subprocess")

# Where a person types it; everything else runs by itself.
_BY_HAND = re.compile(
    r"(?i)(?:^|/)(?:gnu)?makefile$|\.mk$|(?:^|/)(?:justfile|taskfile\.ya?ml|noxfile\.py|tasks\.py"
    r"|package\.json|pyproject\.toml|pipfile|tox\.ini|fabfile\.py)$"
)
_TARGET = re.compile(
    r"^([\w.\-:]+)\s*:|^\s{2,4}[\"']?([\w.\-:]+)[\"']?\s*[:=]|^def (\w+)|^(\w+)\s*="
)
_OWN = re.compile(r"(?:pre|post)?(?:start|serve|deploy|release)(?::prod\w*)?|vercel-build")


class How(Enum):
    """How migrations are run."""

    NEVER = "never"
    BY_HAND = "by hand"
    ALONE = "by itself"


@dataclass(frozen=True)
class Migrations:
    """One set of migrations: `folder` is the component that it belongs to, `place` shows it."""

    kind: str
    folder: str
    place: Place


@dataclass(frozen=True)
class Runner:
    """One line that runs migrations; `target` is the name that a person gives to run it."""

    kind: str
    place: Place
    text: str
    target: str = ""


def sets(tracked: Tracked) -> list[Migrations]:
    """The sets of migrations, one for each component and kind."""
    found: dict[tuple[str, str], Migrations] = {}
    for path in tracked:
        if not is_deployed(path):
            continue
        for kind, mark in _MARKS.items():
            if (kind != "Django" or "migrations/0001_" in path) and (match := mark.fullmatch(path)):
                folder = match.group(1) or ""
                if kind == "Django":
                    folder = _project(tracked, path)
                found.setdefault((kind, folder), Migrations(kind, folder, Place(path, 1)))
    return [it for it in found.values() if _is_real(tracked, it)]


def _project(tracked: Tracked, path: str) -> str:
    """The folder with the `manage.py` that the migrations of an application belong to."""
    folder = path
    while folder:
        folder = folder.rpartition("/")[0]
        if (f"{folder}/manage.py" if folder else "manage.py") in tracked:
            return folder
    return "?"


def _is_real(tracked: Tracked, found: Migrations) -> bool:
    if found.kind == "Django":
        return found.folder != "?"
    if found.kind == "Alembic":
        start = f"{found.folder}/" if found.folder else ""
        return any("/versions/" in f"/{it}" and it.startswith(start) for it in tracked)
    return True


def runners(tracked: Tracked, python: Python, kinds: frozenset[str]) -> list[Runner]:
    """Every line that runs migrations of these kinds: in scripts, sources, Compose, CI..."""
    importing = {path for word in _IMPORTED for path in python.mentioning(word)}
    skipped: tuple[str, ...] = _SKIPPED_SUFFIXES
    if not kinds & {"Knex", "Drizzle"}:
        skipped += (".js", ".ts", ".tsx", ".jsx", ".mjs")
    return [
        it
        for path in tracked
        if is_deployed(path) and not path.endswith(skipped) and _is_looked_at(path, importing)
        for it in _runners(tracked, path)
    ]


def _is_looked_at(path: str, importing: set[str]) -> bool:
    if path.endswith(".py"):
        return path in importing and "/versions/" not in path
    return not path.endswith(".json") or path.endswith("package.json")


def _runners(tracked: Tracked, path: str) -> Iterator[Runner]:
    data = tracked.bytes(path)
    if data is None or len(data) > _LARGEST or not any(word in data for word in _MENTIONS):
        return
    text = tracked.text(path) or ""
    runs = {kind: command for kind, command in _RUNS.items() if command.search(text)}
    if not runs:
        return
    target = ""
    for number, line in enumerate(tracked.lines(path), 1):
        if named := _TARGET.match(line):
            target = next(it for it in named.groups() if it)
        is_plain = not path.endswith("package.json") and "&&" not in line
        told = _TOLD.search(line) if is_plain else None
        for kind, command in runs.items():
            run = command.search(line)
            if run and (told is None or told.start() > run.start()):
                is_by_hand = bool(_BY_HAND.search(path)) and not _OWN.fullmatch(target)
                yield Runner(kind, Place(path, number), line, target if is_by_hand else "")


def how(tracked: Tracked, found: Migrations, all_sets: list[Migrations], ran: list[Runner]) -> How:
    """How one set is run."""
    others = [it for it in all_sets if it.kind == found.kind and it.folder != found.folder]
    mine = [it for it in ran if it.kind == found.kind and _concerns(it, found, others)]
    if any(not it.target for it in mine):
        return How.ALONE
    targets = {it.target for it in mine}
    if targets and _is_called(tracked, targets):
        return How.ALONE
    return How.BY_HAND if mine else How.NEVER


def _concerns(runner: Runner, found: Migrations, others: list[Migrations]) -> bool:
    """Whether a runner may mean this set: what stands in another's folder does not."""
    file = runner.place.file
    if found.folder and f"{found.folder}/" in runner.text:
        return True  # `alembic -c services/api/alembic.ini upgrade head`, from wherever
    if others and not _is_in(file, found.folder):
        return not any(_is_in(file, it.folder) for it in others)
    deeper = [it.folder for it in others if len(it.folder) > len(found.folder)]
    return not any(_is_in(file, folder) for folder in deeper)


def _is_in(file: str, folder: str) -> bool:
    return not folder or file.startswith(f"{folder}/")


def _is_called(tracked: Tracked, targets: set[str]) -> bool:
    """Whether a pipeline, a container or a script calls one of these targets."""
    names = "|".join(re.escape(it) for it in sorted(targets))
    call = re.compile(
        rf"\b(?:make|just|task|inv|invoke|nox -s|npm(?: run)?|yarn(?: run)?|pnpm(?: run)?|bun run"
        rf"|poe|pdm run|hatch run)"
        rf"(?:\s+-\S{{1,60}}(?:\s+[^-\s]\S{{0,60}})?){{0,5}}\s+(?:{names})(?![\w:-])"
    )
    return any(
        call.search(tracked.text(path) or "")
        for path in tracked
        if path.endswith((".yml", ".yaml", ".sh")) or "dockerfile" in path.lower()
        if is_deployed(path)
    )


# Variables that switch migrations: off when true, on when true.
_OFF = re.compile(r"(?i)(?:^|.*_)(?:SKIP|DISABLE|NO|WITHOUT)_(?:\w+_)?MIGRATIONS?(?:_\w+)?")
_ON = re.compile(
    r"(?i)(?:^|.*_)(?:RUN|AUTO|ENABLE|APPLY|DO|EXECUTE|PERFORM)_?(?:\w+_)?"
    r"MIGRAT(?:E|IONS?)(?:_\w+)?"
    r"|(?:^|.*_)MIGRAT(?:E|IONS?)_(?:ON|AT)_(?:START|STARTUP|BOOT)|(?:^|.*_)MIGRATIONS?_ENABLED"
)
_LONGEST_NAME = 100
_TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off"})


def switches_off(name: str, value: str) -> bool:
    """Whether a variable with this value leaves the migrations out."""
    if not is_switch(name):
        return False
    text = value.strip().strip("'\"").lower()
    return text in (_TRUE if _OFF.fullmatch(name) else _FALSE)


def is_switch(name: str) -> bool:
    """Whether a variable of that name says if migrations run."""
    return len(name) < _LONGEST_NAME and bool(_OFF.fullmatch(name) or _ON.fullmatch(name))


_DEFAULTS = re.compile(r"\$\{(\w{3,80}):?-([^}\n]{0,20})\}")


def defaults(text: str) -> Mapping[str, str]:
    """The switches that a shell text gives a default: `${RUN_MIGRATIONS:-false}`."""
    if "MIGRAT" not in text.upper():
        return {}
    return {name: value for name, value in _DEFAULTS.findall(text) if is_switch(name)}
