"""Installations in images that nothing pins to what was tested."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from itertools import pairwise

from pipelines.audit.findings import Fault, Severity
from pipelines.audit.model import Model
from pipelines.audit.model.containers.dockerfile import Instruction
from pipelines.audit.model.containers.images import Image, ran
from pipelines.audit.model.shell import Command
from pipelines.audit.rule import Rule, rule

# The tools that install the rest; what they install is another question.
_TOOLS = frozenset(
    ("pip", "setuptools", "wheel", "uv", "poetry", "pipenv", "pdm", "hatch", "build")
)
_LOCAL = ("--no-deps", "--no-index", "--find-links", "--require-hashes", "--user-requirements")
_PINNED = re.compile(r"(\S+)(==|@)[vV^~]?\d\S*")
_VALUED = (
    *("-i", "--index-url", "--extra-index-url", "-f", "--find-links", "-c", "--constraint", "-t"),
    *("--target", "--prefix", "--root", "--python", "--trusted-host", "--timeout", "--retries"),
    *("--cache-dir", "--progress-bar", "--group", "--registry", "--only-binary", "--no-binary"),
)


@rule("GATE009", "lockless-image", Severity.LOW)
def lockless_image(model: Model) -> Iterator[Fault]:
    """An image installs packages without hashes or a lock file.

    Why: the image that is built tomorrow has other packages in it than the one that was tested
    today; a release that somebody took over is installed without a question.

    Example:

        RUN pip install -r requirements.txt
        RUN npm install

    Mend: `pip install --require-hashes -r requirements.txt` (pip-compile or uv write the hashes),
    `uv sync --frozen`, `poetry install` with its lock file, `npm ci`, `yarn install --immutable`.
    """
    for image in model.images:
        seen = set()
        for instruction, command in ran(image):
            what = _what(model, image, command)
            if what and instruction.place not in seen:
                seen.add(instruction.place)
                yield _loose(image, instruction, command, what)


def _loose(image: Image, instruction: Instruction, command: Command, what: str) -> Fault:
    names = {service.name for service in image.services}
    return Fault(
        instruction.place,
        f"`{_short(command)}` installs {what}",
        _remedy(command.program),
        service=min(names) if len(names) == 1 else "",
    )


def _remedy(program: str) -> str:
    if program == "npm":
        return "write `npm ci`, with package-lock.json copied before it"
    if program == "yarn":
        return "write `yarn install --immutable` (`--frozen-lockfile` for version 1)"
    if program in ("pnpm", "bun"):
        return f"write `{program} install --frozen-lockfile`"
    if program in ("poetry", "uv", "pdm", "pipenv"):
        return "track the lock file, copy it, and refuse to change it: --frozen, --locked"
    return "lock the versions with their hashes, and install with --require-hashes"


def _what(model: Model, image: Image, command: Command) -> str:
    """What is not pinned; "" when everything is, or it installs nothing."""
    words = command.words
    program = command.program
    if program.startswith("python") and words[1:3] == ("-m", "pip"):
        words, program = ("pip", *words[3:]), "pip"
    if program == "uv" and words[1:2] == ("pip",):
        words, program = words[1:], "pip"
    verb = next((word for word in words[1:] if not word.startswith("-")), "")
    if program in ("pip", "pip3") and verb in ("install", "sync"):
        return _pip(model, image, words, verb)
    if program in ("uv", "poetry", "pdm", "pipenv"):
        return _project(model, image, command, program, verb)
    if program in ("npm", "yarn", "pnpm", "bun"):
        return _node(words, program, verb)
    return ""


def _pip(model: Model, image: Image, words: tuple[str, ...], verb: str) -> str:
    if any(word.partition("=")[0] in _LOCAL for word in words):
        return ""
    files = _values(words, ("-r", "--requirement"))
    operands = _operands(words, verb, ("-r", "--requirement", "-e", "--editable"))
    if verb == "sync":
        files, operands = operands, []
    for file in files:
        if not _has_hashes(model, image, file):
            return f"{posixpath.basename(file)} without hashes"
    packages = [it for it in operands if re.split(r"[\[=<>~!;@]", it)[0].lower() not in _TOOLS]
    if any(
        it.startswith(("/", "./", "../")) and it.endswith((".whl", "*", "/")) for it in packages
    ):
        return ""
    if _values(words, ("-e", "--editable")) or any(it.startswith((".", "/")) for it in packages):
        return "a project's dependencies without a lock"
    if packages:
        return f"{', '.join(packages[:3])} without hashes"
    return ""


def _has_hashes(model: Model, image: Image, file: str) -> bool:
    """Whether a requirements file names hashes; yes for one that was not found.

    A file that another stage or command writes is the work of a tool with a lock.
    """
    found = _tracked(model, image, file)
    if found is None:
        return True
    known = model.requirements.get(found)
    if known is not None and known.items:
        return all(item.has_hash for item in known.items)
    return "--hash=" in (model.tracked.text(found) or "")


def _tracked(model: Model, image: Image, file: str) -> str | None:
    """A file of the build: where it was copied to, or of the same name in the context."""
    if "$" in file:
        return None
    origin = image.origin(file, model.tracked)
    if origin is not None and origin in model.tracked:
        return origin
    beside = posixpath.normpath(posixpath.join(image.context or "", file.lstrip("/")))
    if beside in model.tracked:
        return beside
    named = [path for path in image.sources if path.endswith(f"/{posixpath.basename(file)}")]
    return named[0] if len(named) == 1 else None


def _project(model: Model, image: Image, command: Command, program: str, verb: str) -> str:
    """`uv sync`, `poetry install`, `pdm install`, `pipenv install`: with the lock of their own."""
    verbs = {
        "uv": ("sync",),
        "poetry": ("install",),
        "pdm": ("install", "sync"),
        "pipenv": ("install",),
    }
    lock = {"uv": "uv.lock", "poetry": "poetry.lock", "pdm": "pdm.lock", "pipenv": "Pipfile.lock"}[
        program
    ]
    if verb not in verbs[program] or any(
        word in ("--frozen", "--locked", "--deploy", "--ignore-pipfile", "--frozen-lockfile")
        for word in command.words
    ):
        return ""
    if {"UV_FROZEN", "UV_LOCKED"} & {*image.environment, *command.assigned}:
        return ""
    folders = {image.context or "", *image.sources}
    folders |= {posixpath.dirname(path) for path in image.sources}
    is_locked = any(posixpath.join(folder, lock) in model.tracked for folder in folders)
    return "" if is_locked else f"a project's dependencies without {lock}"


def _node(words: tuple[str, ...], program: str, verb: str) -> str:
    if {"-g", "--global", "global"} & set(words):
        return ""
    frozen = {"--frozen-lockfile", "--immutable", "--immutable-cache", "--pure-lockfile"}
    if frozen & {word.partition("=")[0] for word in words} or "--frozen-lockfile=true" in words:
        return ""
    is_install = verb in ("install", "i", "add") or (program == "yarn" and not verb)
    if program == "yarn" and not verb and {"--version", "-v", "--help"} & set(words):
        return ""
    if not is_install:
        return ""
    packages = _operands(words, verb, ()) if verb else []
    if packages:
        loose = [it for it in packages if not _PINNED.fullmatch(it)]
        return f"{', '.join(loose[:3])} without a version" if loose else ""
    return "what package.json allows, not what its lock file says"


def _values(words: tuple[str, ...], flags: tuple[str, ...]) -> list[str]:
    """What is given to these options."""
    found = [after for word, after in pairwise(words) if word in flags]
    for word in words:
        name, equals, value = word.partition("=")
        if equals and name in flags:
            found.append(value)
        elif "-r" in flags and word.startswith("-r") and len(word) > 2:
            found.append(word[2:])
    return found


def _operands(words: tuple[str, ...], verb: str, flags: tuple[str, ...]) -> list[str]:
    found: list[str] = []
    is_value = False
    for word in words[words.index(verb) + 1 :]:
        if is_value:
            is_value = False
        elif word.startswith("-"):
            is_value = word in (*_VALUED, *flags)
        else:
            found.append(word)
    return found


def _short(command: Command) -> str:
    text = " ".join(command.words)
    return text if len(text) <= 60 else f"{text[:60]}..."


RULES: tuple[Rule, ...] = (lockless_image,)
