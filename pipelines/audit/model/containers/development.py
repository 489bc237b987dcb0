"""Commands for development: what reloads, watches, or says itself that it is for that."""

from __future__ import annotations

import re

from pipelines.audit.model.containers.started import script_name
from pipelines.audit.model.shell import Command

_RELOADS = ("--reload", "--autoreload", "--auto-reload", "--use-reloader")
_SCRIPTS = re.compile(r"(start[:-])?(dev|develop|development|watch|serve:dev|hot)([:-].*)?")
# The program, and what must be among its words.
_SERVERS = (
    ("fastapi", ("dev",)),
    ("flask", ("run",)),
    ("flask", ("--debug",)),
    ("next", ("dev",)),
    ("nuxt", ("dev",)),
    ("nuxi", ("dev",)),
    ("astro", ("dev",)),
    ("remix", ("dev",)),
    ("wrangler", ("dev",)),
    ("ng", ("serve",)),
    ("nest", ("--watch",)),
    ("react-scripts", ("start",)),
    ("craco", ("start",)),
    ("react-app-rewired", ("start",)),
    ("vue-cli-service", ("serve",)),
    ("webpack", ("serve",)),
    ("webpack-dev-server", ()),
    ("gatsby", ("develop",)),
    ("expo", ("start",)),
    ("nodemon", ()),
    ("ts-node-dev", ()),
    ("tsnd", ()),
    ("node-dev", ()),
    ("tsx", ("watch",)),
    ("node", ("--watch",)),
    ("bun", ("--watch",)),
    ("bun", ("--hot",)),
    ("artisan", ("serve",)),
    ("php", ("artisan", "serve")),
    ("php", ("-S",)),
    ("dotnet", ("watch",)),
    ("cargo", ("watch",)),
    ("cargo-watch", ()),
    ("air", ()),
    ("watchmedo", ()),
    ("watchfiles", ()),
    ("mkdocs", ("serve",)),
    ("hugo", ("server",)),
    # What images of Keycloak, Vault and Consul are given, or their programs.
    ("start-dev", ()),
    ("kc.sh", ("start-dev",)),
    ("vault", ("server", "-dev")),
    ("server", ("-dev",)),
    ("consul", ("agent", "-dev")),
    ("agent", ("-dev",)),
)
_LAUNCHERS = ("npx", "bunx", "pnpx")
_RUN = (("poetry", "run"), ("uv", "run"), ("pipenv", "run"), ("pdm", "run"), ("hatch", "run"))


def why_development(command: Command) -> str:
    """What makes it a command for development, as a person would say it; "" when nothing does."""
    words = _bare(command.words)
    if not words:
        return ""
    program = words[0].rpartition("/")[2]
    for flag in _RELOADS:
        if flag in words:
            return f"`{flag}`"
    if "runserver" in words and (program.startswith("python") or "manage.py" in words[0]):
        return "`runserver`"
    name = script_name(command)
    if name and _SCRIPTS.fullmatch(name):
        return f"`{command.program} {'run ' if 'run' in words else ''}{name}`"
    if program == "vite" and not {"build", "preview"} & set(words):
        return "`vite`"
    for server, needed in _SERVERS:
        if program == server and all(word in words for word in needed):
            return f"`{' '.join((server, *needed))}`"
    return ""


def _bare(words: tuple[str, ...]) -> tuple[str, ...]:
    """Without what finds the program: `npx`, `poetry run`, `python -m`."""
    while words:
        if words[:2] in _RUN:
            words = _after_flags(words[2:])
        elif words[0] in _LAUNCHERS:
            words = _after_flags(words[1:])
        elif words[0].startswith("python") and words[1:2] == ("-m",):
            words = words[2:]
        else:
            break
    return words


def _after_flags(words: tuple[str, ...]) -> tuple[str, ...]:
    while words and words[0].startswith("-"):
        words = words[1:]
    return words
