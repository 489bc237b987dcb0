"""Migrations that nobody runs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from pipelines.audit.findings import Also, Confidence, Fault, Severity
from pipelines.audit.model import Model, migrations, shell
from pipelines.audit.model.compose import each
from pipelines.audit.model.migrations import How
from pipelines.audit.model.python.expressions import Source
from pipelines.audit.model.roles import is_deployed
from pipelines.audit.place import Place
from pipelines.audit.rule import Rule, rule
from pipelines.audit.rules.places import first_at_each_place

_MIGRATES = re.compile(
    r"\balembic\b.*\bupgrade\b|manage\.py migrate\b|django-admin migrate\b|db upgrade\b"
    r"|prisma migrate deploy|prisma db push|knex migrate|drizzle-kit (?:migrate|push)"
    r"|flyway migrate|db:migrate\b|migrate:(?:deploy|latest|up)\b"
)
_CALLED = re.compile(
    r"_*(?:run|apply|do|auto|execute|perform|start)_?(?:db_|database_|alembic_|schema_|all_)?"
    r"migrat(?:e|ions?)|_*migrate(?:_db|_database|_schema)?|_*upgrade_(?:db|database|schema)"
)
_MENTIONED = re.compile(rb"migrat(?:e|ions?)(?:_\w+)?\(|\bupgrade(?:_\w+)?\(")
_READING = ("environ", "getenv", "config(", "env(", "env.", "Settings")
_LEAVES = frozenset({"exit", "_exit", "abort", "critical_exit"})


@rule("REL006", "migrations-off", Severity.HIGH)
def migrations_off(model: Model) -> Iterator[Fault]:
    """The database's migrations are skipped by default, or nothing runs them.

    Why: the code expects tables and columns that a fresh database, or the one of the last release,
    does not have: the first request fails, not the start.

    Example:

        environment:
          - SKIP_MIGRATIONS=true

    Mend: run them before the service starts, in a job of their own that it waits for
    (`condition: service_completed_successfully`), in the entrypoint or in the deployment, and let
    their failure end it.
    """
    found = migrations.sets(model.tracked)
    if not found:
        return
    ran = migrations.runners(model.tracked, model.python, frozenset(it.kind for it in found))
    yield from first_at_each_place(_switched_off(model))
    yield from _never_run(model, found, ran)
    yield from _failing_unseen(model, ran)


def _switched_off(model: Model) -> Iterator[Fault]:
    """Variables that leave migrations out, where no job runs them instead."""
    jobs = {project.file for project, service in each(model.projects) if _is_run_by(model, service)}
    switched: set[str] = set()
    for project, service in each(model.projects):
        for setting in service.environment.values():
            if migrations.is_switch(setting.name) and setting.raw is not None:
                switched.add(setting.name)
                is_elsewhere = {project.file, project.base} & jobs
                if migrations.switches_off(setting.name, setting.text) and not is_elsewhere:
                    yield _switched(setting.name, setting.place, service.name)
    if jobs:
        return
    for name, place in _switched_in_code(model):
        if name not in switched:
            yield _switched(name, place, "")


def _switched(name: str, place: Place, service: str) -> Fault:
    return Fault(
        place,
        f"{name} leaves the migrations out unless somebody sets it otherwise",
        f"let the migrations run by default, and set {name} only where a job runs them instead",
        service=service,
    )


def _switched_in_code(model: Model) -> Iterator[tuple[str, Place]]:
    """The same as a default in Python, or in a script."""
    reading = set(model.python.holding(*_READING))
    for path in model.tracked:
        is_read = is_deployed(path) and (path.endswith(".sh") or path in reading)
        if not is_read or b"MIGRAT" not in (model.tracked.bytes(path) or b"").upper():
            continue
        if path.endswith(".sh"):
            yield from _switched_in_shell(model, path)
            continue
        for read in model.python.module(path).reads:
            if read.default and migrations.switches_off(read.name, read.default):
                yield read.name, read.default_place or read.place


def _switched_in_shell(model: Model, path: str) -> Iterator[tuple[str, Place]]:
    for number, line in enumerate(model.tracked.lines(path), 1):
        for name, value in migrations.defaults(line).items():
            if migrations.switches_off(name, value):
                yield name, Place(path, number)


def _is_run_by(model: Model, service: object) -> bool:
    """Whether a service's own command migrates."""
    from_compose = [getattr(service, "entrypoint", None), getattr(service, "command", None)]
    return any(words is not None and _MIGRATES.search(words.text) for words in from_compose)


def _never_run(
    model: Model, found: list[migrations.Migrations], ran: list[migrations.Runner]
) -> Iterator[Fault]:
    if not (model.projects or model.dockerfiles or model.kubernetes.manifests):
        return  # nothing here is deployed from here
    for it in found:
        way = migrations.how(model.tracked, it, found, ran)
        if way is How.ALONE:
            continue
        by_hand = [Also(run.place, "a person can run them") for run in ran if run.kind == it.kind]
        yield Fault(
            it.place,
            f"nothing runs the {it.kind} migrations" + (" by itself" if way is How.BY_HAND else ""),
            "run them in a job that the service waits for, in its entrypoint or in the deployment",
            also=tuple(by_hand[:1]),
            severity=Severity.MEDIUM if way is How.NEVER else Severity.LOW,
            confidence=Confidence.MEDIUM,
        )


def _failing_unseen(model: Model, ran: list[migrations.Runner]) -> Iterator[Fault]:
    for path in dict.fromkeys(it.place.file for it in ran if it.place.file.endswith(".sh")):
        text = model.tracked.text(path) or ""
        yield from _swallowed(shell.parse(text, Place(path)))
    for _, service in each(model.projects):
        for words in (service.entrypoint, service.command):
            if words is not None and _MIGRATES.search(words.text) and "||" in words.text:
                yield from _swallowed(shell.parse(_inner(words.words, words.text), words.place))
    sources = [it.place.file for it in ran if it.place.file.endswith(".py")]
    sources += [other for path in dict.fromkeys(sources) for other in model.python.importers(path)]
    for path in sorted(set(sources)):
        is_read = is_deployed(path) and _MENTIONED.search(model.tracked.bytes(path) or b"")
        if is_read and (source := model.python.source(path)):
            yield from map(_unseen, _caught(source, path))


def _inner(words: tuple[str, ...], text: str) -> str:
    """What `sh -c` is given."""
    return words[-1] if len(words) > 2 and words[-2] in ("-c", "-ec", "-lc") else text


def _swallowed(script: shell.Script) -> Iterator[Fault]:
    for command in script.commands:
        if command.swallowed and _MIGRATES.search(" ".join(command.words)):
            is_written = command.swallowed.startswith("||")
            place = command.swallowed_at or command.place
            yield _unseen(place, Severity.MEDIUM if is_written else Severity.LOW)


def _unseen(place: Place, severity: Severity = Severity.MEDIUM) -> Fault:
    return Fault(
        place,
        "the service starts although its migrations failed",
        "let the failure of the migrations end the start",
        severity=severity,
    )


def _caught(source: Source, path: str) -> Iterator[Place]:
    """Handlers that let the program go on after migrations failed."""
    for node in source.of(ast.Try):
        if any(map(_migrates, node.body)):
            for handler in node.handlers:
                if _is_broad(handler) and not _ends(handler):
                    yield Place(path, handler.lineno)


def _migrates(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Try):
        return False
    for node in ast.walk(statement):
        if isinstance(node, ast.Call):
            function = node.func
            name = getattr(function, "attr", getattr(function, "id", ""))
            owner = getattr(getattr(function, "value", None), "id", "")
            if _CALLED.fullmatch(name) or (name == "upgrade" and "command" in owner):
                return True
    return False


def _is_broad(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or getattr(handler.type, "id", "") in ("Exception", "BaseException")


def _ends(handler: ast.ExceptHandler) -> bool:
    for statement in handler.body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Raise):
                return True
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                if name in _LEAVES:
                    return True
    return False


RULES: tuple[Rule, ...] = (migrations_off,)
