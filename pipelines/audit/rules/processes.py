"""What a container starts, and who starts it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipelines.audit.findings import Also, Fault, Severity
from pipelines.audit.model import Model, compose, kubernetes
from pipelines.audit.model.compose import each
from pipelines.audit.model.containers.development import why_development
from pipelines.audit.model.containers.images import Entry, Image
from pipelines.audit.model.shell import Command
from pipelines.audit.place import Place
from pipelines.audit.rule import Rule, rule

_SHELLS = ("sh", "bash", "ash", "dash", "zsh")
_INITS = (
    *("tini", "dumb-init", "catatonit", "docker-init", "pid1"),
    *("init", "s6-svscan", "supervisord", "runsvdir", "my_init"),
)
_RUNNERS = ("npm", "yarn", "pnpm")
_OPERATORS = frozenset(("&&", "||", "|", "|&", ";", ">", ">>", "<", "2>&1", "&", "1>&2", "&>"))
_REDIRECTS = re.compile(r"[12]?>>?(/\S+|&[12])")
_OPERATOR_WITHIN = re.compile(r"\s(&&|\|\||\||;|>|>>)\s")
_VARIABLE = re.compile(r"(?:^|[=:])(\$\w+|\$\{\w+(?::?[-=?+][^}]*)?\})$")
_DEV_STAGES = re.compile(
    r"(.*[-_])?(dev|devel|develop|development|local|debug|tests?|ci)([-_].*)?", re.IGNORECASE
)
_JOBS = ("no", "on-failure", "none")


@rule("SEC004", "dev-server-in-image", Severity.HIGH)
def dev_server_in_image(model: Model) -> Iterator[Fault]:
    """The image starts a development server.

    Why: such servers watch files, run a single process, show tracebacks and sometimes a console to
    anybody who asks, and say themselves that they are not for production.

    Example:

        CMD ["uvicorn", "main:app", "--host", "0.0.0.0", "--reload"]

    Mend: start the production server in the final stage (without `--reload`, with gunicorn, with
    what `npm run build` made), and keep the other in a stage of its own or in an override file.
    """
    for image in model.images:
        if image.stage is None or image.entry is None or _is_dev_stage(image):
            continue
        found = _development(model, image)
        if found is None:
            continue
        why, via = found
        replaced = _replaced(model, image)
        yield Fault(
            image.entry.place,
            f"the image starts a development server: {why}",
            "start the production server, and keep this one in a development stage or override",
            also=tuple(Also(place, "which runs it") for place in via[:1])
            + tuple(
                Also(place, "replaces it, so that it is not started") for place in replaced[:1]
            ),
            service=_only(image),
            severity=Severity.LOW if replaced else None,
        )


def _is_dev_stage(image: Image) -> bool:
    """Whether a stage that says it is for development was asked for by name."""
    return bool(image.target and _DEV_STAGES.fullmatch(image.target))


def _development(model: Model, image: Image) -> tuple[str, tuple[Place, ...]] | None:
    for command, via in model.started(image):
        if why := why_development(command):
            return why, via
    return None


def _replaced(model: Model, image: Image) -> list[Place]:
    """Where every service puts a production command in its place; [] when one does not."""
    if not image.services or image.entry is None:
        return []
    found = []
    for service in image.services:
        own = model.image(service)
        if own.entry is None or own.entry.place == image.entry.place:
            return []
        if "--reload" in own.entry.text or _development(model, own):
            return []
        found.append(own.entry.place)
    return found


def _only(image: Image) -> str:
    names = {service.name for service in image.services}
    return min(names) if len(names) == 1 else ""


@rule("REL011", "signal-lost", Severity.LOW)
def signal_lost(model: Model) -> Iterator[Fault]:
    """The service's process does not get the signal to stop.

    Why: a shell or npm as the first process does not hand SIGTERM on. Every stop and every
    deployment waits for the grace period, then kills the service in the middle of its requests.

    Example:

        CMD uvicorn main:app --host 0.0.0.0

    Mend: write the command as a JSON array, begin it with `exec`, or run it under an init (`tini`,
    `dumb-init`, `init: true` in Compose).
    """
    for _, service in each(model.projects):
        image = model.image(service)
        if image.entry is None or service.node["init"].is_true or service.restart in _JOBS:
            continue
        if service.command is None and service.entrypoint is None:
            continue
        if why := _why_lost(model, image):
            yield _lost(image.entry.place, why, service.name)
    for image in model.images:
        if image.entry is None or _is_under_init(image):
            continue
        if why := _why_lost(model, image):
            yield _lost(image.entry.place, why, _only(image))


def _is_under_init(image: Image) -> bool:
    """Whether no service starts it with this command and without an init."""
    if not image.services:
        return False
    return all(
        service.node["init"].is_true
        or service.command is not None
        or service.entrypoint is not None
        for service in image.services
    )


def _lost(place: Place, why: str, service: str) -> Fault:
    return Fault(
        place,
        f"a signal to stop does not reach the service: {why}",
        "write the command as a JSON array, or begin it with `exec`",
        service=service,
    )


def _why_lost(model: Model, image: Image) -> str:
    entry = image.entry
    commands = entry.script().commands if entry is not None else ()
    if entry is None or not commands:
        return ""
    first, last = commands[0], commands[-1]
    if any(it in _INITS or it == "exec" for it in (*first.wrappers, *last.wrappers)):
        return ""
    if entry.words and entry.words[0].rpartition("/")[2] in _INITS:
        return ""
    if entry.is_shell or _script_at(entry.words) is not None:
        return f"a shell starts `{_short(last)}` and stays in between"
    if first.program in _RUNNERS and len(commands) == 1:
        return f"`{_short(first)}` is the first process, and hands no signals on"
    return _why_script(model, image)


def _why_script(model: Model, image: Image) -> str:
    """Whether it is a script of ours that starts the service without `exec`."""
    for command, via in model.started(image):
        file = via[0].file if via else ""
        text = model.tracked.text(file) or "" if file and not file.endswith(".json") else ""
        if text and "exec" not in text and "supervisord" not in text:
            return f"{file} starts `{_short(command)}` without `exec`"
    return ""


@rule("REL012", "shell-syntax-no-shell", Severity.HIGH)
def shell_syntax_without_shell(model: Model) -> Iterator[Fault]:
    """A command that no shell runs is written in a shell's language.

    Why: Compose splits a `command:` into words and starts the first one; `$( ... )`, `&&`, `||`,
    `>` and `|` arrive at the program as arguments. It refuses to start, or takes them for names of
    files, and what was to follow never runs.

    Example:

        command: uvicorn main:app $( [ "$RELOAD" = 1 ] && echo --reload )

    Mend: say the shell (`command: ["sh", "-c", "..."]`, `exec` before the last command), or move
    the decision into an entry point script.
    """
    for _, service in each(model.projects):
        image = model.image(service)
        yield from _of_service(model, image, service)
    for image in model.images:
        for entry in (image.entry, image.health):
            if entry is not None and not entry.is_shell and not _entry_evaluates(model, image):
                yield from _unread(entry.words, 0, entry.place, _only(image))
                yield from _unfilled(entry, _only(image))
    for container in model.kubernetes.containers:
        yield from _of_container(container)


def _of_service(model: Model, image: Image, service: compose.Service) -> Iterator[Fault]:
    said = service.command or service.entrypoint
    if said is not None and image.entry is not None and not _entry_evaluates(model, image):
        before = len(image.entry.words) - len(said.words)
        also = (Also(image.place, "the image, which starts the words as they are"),)
        yield from _unread(image.entry.words, before, image.entry.place, service.name, also)
    test = service.health.test if service.health else None
    if test is not None and not test.is_shell:
        yield from _unread(test.words, 0, test.place, service.name)


def _of_container(container: kubernetes.Container) -> Iterator[Fault]:
    command, arguments = container.node["command"], container.node["args"]
    first = tuple(command.texts)
    if command:
        yield from _unread(first, 0, command.key_place, container.name)
    if arguments:
        words = (*first, *arguments.texts)
        yield from _unread(words, len(first), arguments.key_place, container.name)


def _unread(
    words: tuple[str, ...],
    before: int,
    place: Place,
    service: str,
    also: tuple[Also, ...] = (),
) -> Iterator[Fault]:
    """The first of the words behind `before` that only a shell would understand."""
    script = _script_at(words)
    own = words[before:] if script is None else words[max(before, script + 1) :]
    syntax = _syntax(own, is_first=before == 0 and script is None)
    if not syntax:
        return
    who = "`sh -c` takes only its first word" if script is not None else "no shell runs it"
    yield Fault(
        place,
        f"the command has `{syntax}` in it, and {who}",
        'give the whole to a shell: ["sh", "-c", "exec ..."], or move it into a script',
        also=also,
        service=service,
    )


def _script_at(words: tuple[str, ...]) -> int | None:
    """Where the text for a shell stands, behind `-c`; None when there is no shell."""
    for index, word in enumerate(words[:6]):
        if word.rpartition("/")[2] in _SHELLS:
            for at in range(index + 1, min(index + 4, len(words))):
                if re.fullmatch(r"-[a-z]*c[a-z]*", words[at]):
                    return at + 1
    return None


def _syntax(words: tuple[str, ...], *, is_first: bool) -> str:
    for index, word in enumerate(words):
        if word in _OPERATORS or _REDIRECTS.fullmatch(word):
            return word
        if word.startswith("$(") and not re.fullmatch(r"\$\(\w+\)", word):
            return "$("
        if "$( " in word or re.match(r"`\w+ ", word):
            return "$(" if "$(" in word else "`"
        if is_first and index == 0 and (match := _OPERATOR_WITHIN.search(word)):
            return match[1]
    return ""


def _entry_evaluates(model: Model, image: Image) -> bool:
    """Whether an entry point script of ours hands its words to a shell."""
    files = {place.file for it in model.started(image) for place in it.via}
    texts = [model.tracked.text(file) or "" for file in sorted(files) if not file.endswith(".json")]
    return any(re.search(r"\beval\b|sh -c \"?\$[@*]", text) for text in texts)


def _unfilled(entry: Entry, service: str) -> Iterator[Fault]:
    """A variable in a JSON array of a Dockerfile: the program gets its name, not its value."""
    if _script_at(entry.words) is not None or not entry.words:
        return
    if any(word.rpartition("/")[2] in ("env", "java") for word in entry.words):
        return
    for word in entry.words:
        if match := _VARIABLE.search(word):
            yield Fault(
                entry.place,
                f"the command has the variable `{match[1]}` in it, and no shell fills it in",
                'give it to a shell that fills it in: ["sh", "-c", "exec ..."]',
                service=service,
                severity=Severity.MEDIUM,
            )
            return


def _short(command: Command) -> str:
    text = " ".join(command.words)
    return text if len(text) <= 60 else f"{text[:60]}..."


RULES: tuple[Rule, ...] = (dev_server_in_image, signal_lost, shell_syntax_without_shell)
