"""Which Python module a command starts: a server's, a worker's, or the program itself."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from pipelines.audit.model import shell
from pipelines.audit.place import Place

_TARGET = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*(\(.*\))?")
_MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?::?[-=]([^{}]*))?\})")
_PYTHON = re.compile(r"(python|pypy)[\d.]*")
# Options of Python itself that take a word.
_VALUED = ("-W", "-X", "--check-hash-based-pycs")
_SERVERS = ("uvicorn", "gunicorn", "hypercorn", "granian", "daphne", "uwsgi", "waitress-serve")
_EXPORTED = re.compile(r"export\s+PYTHONPATH=(\S+)")
_DEEPEST = 4  # scripts that start scripts
_DISCOVERED = ("main.py", "app.py", "api.py", "app/main.py", "app/app.py", "app/api.py")

Opened = Callable[[str], "tuple[str, str] | None"]


@dataclass(frozen=True)
class Start:
    """`module` is a dotted name looked for from `folder`, or, of a script, its path."""

    program: str
    module: str
    attribute: str
    folder: str  # relative to where the container starts, or absolute
    place: Place
    is_script: bool = False
    path: tuple[str, ...] = ()  # more folders to look in


def commands(script: shell.Script, opened: Opened, depth: int = 0) -> Iterator[shell.Command]:
    """Every command of a script, and of the scripts of the repository that it starts.

    `opened` gives such a script by its path, as (file, text).
    """
    for command in script.commands:
        yield command
        found = _script(command, opened) if depth < _DEEPEST else None
        if found is not None:
            file, text = found
            yield from commands(shell.parse(text, Place(file)), opened, depth + 1)


def _script(command: shell.Command, opened: Opened) -> tuple[str, str] | None:
    """The script that a command starts: `./start.sh`, `sh start.sh`."""
    for word in command.words[:2]:
        if word.endswith((".sh", ".bash")) or "/" in word:
            return opened(posixpath.join(command.folder, word))
    return None


_GIVEN = ("FLASK_APP",)  # variables that say what a program starts


def read(script: shell.Script, environment: Mapping[str, str], opened: Opened) -> Iterator[Start]:
    """The modules that a script's commands start, in order."""
    exported = environment.get("PYTHONPATH", "")
    for command in commands(script, opened):
        words = [filled(word, environment) for word in command.words]
        more = filled(command.assigned.get("PYTHONPATH", exported), environment)
        given = {name: environment[name] for name in _GIVEN if name in environment}
        told = replace(command, assigned=given | dict(command.assigned))
        for start in _of_words(words, told):
            yield replace(start, path=(*start.path, *_path(more)))


def exported(script: shell.Script, opened: Opened) -> tuple[str, ...]:
    """The folders that a script puts on Python's path for all that it starts."""
    texts = [script.text]
    for command in commands(script, opened):
        found = _script(command, opened)
        if found is not None:
            texts.append(found[1])
    return tuple(it for text in texts for value in _EXPORTED.findall(text) for it in _path(value))


def _path(value: str) -> Iterator[str]:
    for part in value.strip("\"'").split(":"):
        if part and "$" not in part:
            yield part


def filled(word: str, environment: Mapping[str, str]) -> str:
    """A word with the variables whose value is known, or that have a default."""

    def value(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        return environment.get(name) or match[3] or match[0]

    return _VARIABLE.sub(value, word)


def _of_words(words: Sequence[str], command: shell.Command) -> Iterator[Start]:
    """The first program among the words that is known to start a module.

    What stands before it hands over to it: `poetry run`, `opentelemetry-instrument`,
    `wait-for-it db:5432 --`, an entrypoint that ends with `exec "$@"`.
    """
    if command.program in ("pip", "pip3", "apt-get", "apk", "echo", "printf", "which", "command"):
        return
    for index, word in enumerate(words):
        program = posixpath.basename(word)
        rest = list(words[index + 1 :])
        if program in _SERVERS:
            yield from _server(program, rest, command)
            return
        if _PYTHON.fullmatch(program):
            yield from _python(rest, command)
            return
        if program in _TOOLS:
            yield from _TOOLS[program](rest, command)
            return
        if program.endswith(".py") and index == 0:
            yield Start("python", word, "", command.folder, command.place, is_script=True)
            return


def _server(program: str, words: Sequence[str], command: shell.Command) -> Iterator[Start]:
    target = next((word for word in words if _TARGET.fullmatch(word)), "")
    if not target and program in ("gunicorn", "uvicorn", "hypercorn", "granian"):
        target = _last_operand(words)
    if not target:
        return
    module, _, attribute = target.partition(":")
    folder = _option(words, "--app-dir", "--chdir", "--working-dir") or ""
    more = _option(words, "--pythonpath", "--python-path")
    yield Start(
        program,
        module,
        attribute.partition("(")[0] or "application",
        posixpath.join(command.folder, folder),
        command.place,
        path=tuple(more.split(",")) if more else (),
    )


def _last_operand(words: Sequence[str]) -> str:
    """`gunicorn pkg.wsgi`: the last word that is a module and no option's value."""
    for before, word in zip(("", *words), words, strict=False):
        is_value = before.startswith("-") and "=" not in before
        if _MODULE.fullmatch(word) and not is_value:
            return word
    return ""


def _option(words: Sequence[str], *names: str) -> str:
    for index, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name in names:
            return value if equals else "".join(words[index + 1 : index + 2])
    return ""


def _python(words: Sequence[str], command: shell.Command) -> Iterator[Start]:
    index = 0
    while index < len(words) and words[index].startswith("-") and words[index] not in ("-m", "-c"):
        index += 2 if words[index] in _VALUED else 1
    if index >= len(words) or words[index] == "-c":
        return
    if words[index] != "-m":
        yield Start("python", words[index], "", command.folder, command.place, is_script=True)
        return
    module, rest = "".join(words[index + 1 : index + 2]), words[index + 2 :]
    if module in ("debugpy", "pdb", "coverage", "cProfile", "trace"):
        inner = rest[next((at for at, word in enumerate(rest) if word == "-m"), len(rest)) :]
        yield from _python(inner, command)
    elif module in _SERVERS:
        yield from _server(module, rest, command)
    elif module in _TOOLS:
        yield from _TOOLS[module](rest, command)
    elif _MODULE.fullmatch(module):
        yield Start("python", module, "", command.folder, command.place)


def _celery(words: Sequence[str], command: shell.Command) -> Iterator[Start]:
    target = _option(words, "-A", "--app")
    module, _, attribute = target.partition(":")
    if _MODULE.fullmatch(module):
        folder = posixpath.join(command.folder, _option(words, "--workdir"))
        yield Start("celery", module, attribute, folder, command.place)


def _flask(words: Sequence[str], command: shell.Command) -> Iterator[Start]:
    target = _option(words, "--app", "-A") or command.assigned.get("FLASK_APP", "")
    if not target and "run" in words:
        for path in ("wsgi.py", "app.py"):
            yield Start("flask", path, "", command.folder, command.place, is_script=True)
        return
    module, _, attribute = target.partition(":")
    if module.endswith(".py"):
        yield Start("flask", module, attribute, command.folder, command.place, is_script=True)
    elif _MODULE.fullmatch(module):
        yield Start("flask", module, attribute, command.folder, command.place)


def _fastapi(words: Sequence[str], command: shell.Command) -> Iterator[Start]:
    """`fastapi run [PATH]`; without a path it looks for the usual names."""
    if not words or words[0] not in ("run", "dev"):
        return
    named = [word for word in words[1:] if word.endswith(".py")]
    attribute = _option(words, "--app") or "app"
    for path in named[:1] or _DISCOVERED:
        yield Start("fastapi", path, attribute, command.folder, command.place, is_script=True)


def _streamlit(words: Sequence[str], command: shell.Command) -> Iterator[Start]:
    named = [word for word in words if word.endswith(".py")]
    for path in named[:1]:
        yield Start("streamlit", path, "", command.folder, command.place, is_script=True)


def _dramatiq(words: Sequence[str], command: shell.Command) -> Iterator[Start]:
    for word in words:
        module, _, attribute = word.partition(":")
        if _MODULE.fullmatch(module) and not word.startswith("-"):
            yield Start("dramatiq", module, attribute, command.folder, command.place)
            return


def _arq(words: Sequence[str], command: shell.Command) -> Iterator[Start]:
    for word in words[:1]:
        module, _, attribute = word.rpartition(".")
        if _MODULE.fullmatch(module):
            yield Start("arq", module, attribute, command.folder, command.place)


_TOOLS: dict[str, Callable[[Sequence[str], shell.Command], Iterator[Start]]] = {
    "celery": _celery,
    "flask": _flask,
    "fastapi": _fastapi,
    "streamlit": _streamlit,
    "dramatiq": _dramatiq,
    "arq": _arq,
}
