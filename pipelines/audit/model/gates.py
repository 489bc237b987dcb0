"""What a command checks: whether it is a gate, and of which kind."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum


class Kind(Enum):
    """What a gate says something about."""

    TEST = "tests"
    LINT = "lint"
    FORMAT = "format check"
    TYPES = "type check"
    SECURITY = "security check"
    BUILD = "build"


# By the program alone.
_PROGRAMS = {
    Kind.TEST: "pytest py.test unittest nose2 jest vitest mocha ava karma tox nox rspec phpunit"
    " ctest bats newman k6 behave robot stestr trial",
    Kind.LINT: "flake8 pylint pyflakes pycodestyle pydocstyle eslint stylelint tslint oxlint"
    " hadolint shellcheck yamllint golangci-lint clippy rubocop markdownlint markdownlint-cli2"
    " ansible-lint actionlint zizmor tflint djlint dclint spectral vulture xo standard ktlint"
    " checkstyle cpplint luacheck cfn-lint kube-linter staticcheck revive commitlint",
    Kind.TYPES: "mypy pyright basedpyright pyre pytype vue-tsc svelte-check ty",
    Kind.SECURITY: "bandit pip-audit safety trivy grype gitleaks semgrep snyk checkov trufflehog"
    " detect-secrets osv-scanner gosec govulncheck dockle kubesec tfsec",
}
_KINDS = {name: kind for kind, names in _PROGRAMS.items() for name in names.split()}

# By the program and its first word that is no option.
_SUBCOMMANDS = {
    ("go", "test"): Kind.TEST,
    ("go", "vet"): Kind.LINT,
    ("go", "build"): Kind.BUILD,
    ("cargo", "test"): Kind.TEST,
    ("cargo", "nextest"): Kind.TEST,
    ("cargo", "clippy"): Kind.LINT,
    ("cargo", "audit"): Kind.SECURITY,
    ("cargo", "deny"): Kind.SECURITY,
    ("cargo", "build"): Kind.BUILD,
    ("dotnet", "test"): Kind.TEST,
    ("dotnet", "build"): Kind.BUILD,
    ("mvn", "test"): Kind.TEST,
    ("mvn", "verify"): Kind.TEST,
    ("gradle", "test"): Kind.TEST,
    ("gradle", "check"): Kind.TEST,
    ("gradlew", "test"): Kind.TEST,
    ("gradlew", "check"): Kind.TEST,
    ("rails", "test"): Kind.TEST,
    ("manage.py", "test"): Kind.TEST,
    ("manage.py", "check"): Kind.LINT,
    ("deno", "test"): Kind.TEST,
    ("deno", "lint"): Kind.LINT,
    ("bun", "test"): Kind.TEST,
    ("cypress", "run"): Kind.TEST,
    ("playwright", "test"): Kind.TEST,
    ("react-scripts", "test"): Kind.TEST,
    ("ng", "test"): Kind.TEST,
    ("ng", "lint"): Kind.LINT,
    ("next", "lint"): Kind.LINT,
    ("next", "build"): Kind.BUILD,
    ("vite", "build"): Kind.BUILD,
    ("helm", "lint"): Kind.LINT,
    ("buf", "lint"): Kind.LINT,
    ("sqlfluff", "lint"): Kind.LINT,
    ("pre-commit", "run"): Kind.LINT,
    ("terraform", "validate"): Kind.LINT,
    ("biome", "check"): Kind.LINT,
    ("biome", "lint"): Kind.LINT,
    ("biome", "ci"): Kind.LINT,
    ("ruff", "check"): Kind.LINT,
    ("ruff", "format"): Kind.FORMAT,
    ("npm", "audit"): Kind.SECURITY,
    ("yarn", "audit"): Kind.SECURITY,
    ("pnpm", "audit"): Kind.SECURITY,
    ("docker", "build"): Kind.BUILD,
    ("docker", "buildx"): Kind.BUILD,
    ("docker-compose", "build"): Kind.BUILD,
}

# Formatters are gates when they are asked to change nothing.
_FORMATTERS = {
    "black": ("--check", "--diff"),
    "isort": ("--check", "--check-only", "-c", "--diff"),
    "prettier": ("--check", "-c", "-l", "--list-different"),
    "yapf": ("--diff", "-d"),
    "rustfmt": ("--check",),
    "gofmt": ("-l", "-d"),
    "autopep8": ("--exit-code",),
    "docformatter": ("--check",),
    "shfmt": ("-d", "-l"),
    "ruff format": ("--check", "--diff"),
    "cargo fmt": ("--check",),
    "terraform fmt": ("-check", "--check"),
}

# By the name of a script or of a target, as its first or last part.
_NAMES = {
    Kind.TEST: "test tests unit e2e pytest jest vitest spec coverage",
    Kind.LINT: "lint linter linting eslint flake8 ruff pylint hadolint stylelint",
    Kind.TYPES: "typecheck types mypy tsc pyright",
    Kind.FORMAT: "",
    Kind.SECURITY: "audit security bandit",
}
_NAMED = {name: kind for kind, names in _NAMES.items() for name in names.split()}
_WHOLE_NAMES = {
    "type-check": Kind.TYPES,
    "check-types": Kind.TYPES,
    "format-check": Kind.FORMAT,
    "fmt-check": Kind.FORMAT,
    "check-format": Kind.FORMAT,
    "check": Kind.LINT,
    "ci": Kind.TEST,
    "verify": Kind.TEST,
    "validate": Kind.LINT,
}
# Parts that make something else of a name: `test-db-up`, `lint-fix`, `test:watch`.
_NOT_GATES = frozenset(
    (
        "fix",
        "watch",
        "up",
        "down",
        "start",
        "stop",
        "serve",
        "server",
        "clean",
        "setup",
        "install",
        "deps",
        "open",
        "ui",
        "debug",
        "dev",
        "image",
        "data",
        "db",
        "env",
        "report",
        "init",
        "update",
        "seed",
        "build-image",
        "logs",
        "generate",
    )
)

_RUNNERS = frozenset(("npx", "bunx", "uvx", "pipx", "hatch", "pdm", "rye", "xargs", "bundle"))
_RUN = {
    "poetry": "run",
    "uv": "run",
    "pipenv": "run",
    "hatch": "run",
    "pdm": "run",
    "rye": "run",
    "pipx": "run",
    "conda": "run",
    "micromamba": "run",
    "pnpm": "exec",
    "npm": "exec",
    "bundle": "exec",
    "mise": "exec",
}
_PREFIX = re.compile(r"\$\{?\w+\}?(?=[a-z])")
_PYTHON = re.compile(r"python(\d(\.\d+)?)?|coverage")
_WITH_VALUE = frozenset(
    (
        "-p",
        "--with",
        "--package",
        "--extra",
        "--group",
        "--python",
        "--project",
        "--directory",
        "-n",
        "--name",
        "-C",
        "--only",
        "--env",
        "-e",
        "-u",
        "--user",
        "-w",
        "--workdir",
        "-f",
        "--file",
        "--profile",
        "-v",
        "--volume",
        "--rcfile",
        "--source",
    )
)


def bare(words: Sequence[str]) -> tuple[str, ...]:
    """The words without what only starts a program: `poetry run python -m pytest` is `pytest`."""
    for _ in range(8):
        inner = _unwrapped(tuple(words))
        if inner == tuple(words):
            break
        words = inner
    return tuple(words)


def _unwrapped(words: tuple[str, ...]) -> tuple[str, ...]:
    if not words:
        return words
    program = words[0].rpartition("/")[2]
    if match := _PREFIX.match(program):  # `${PREFIX}pytest`: where a script looks for programs
        return (program[match.end() :], *words[1:])
    if _PYTHON.fullmatch(program):
        return _after_python(words)
    if _RUN.get(program) in words[1:2]:
        return _after_options(words[2:])
    if program in _RUNNERS:
        return _after_options(words[1:]) or words
    if program in ("pnpm", "yarn") and kind(words[1:]) is not None:
        return words[1:]  # a program of the package, not a script
    if program in ("docker", "docker-compose"):
        return _in_container(words)
    return words


def _after_python(words: tuple[str, ...]) -> tuple[str, ...]:
    for at, word in enumerate(words[1:], start=1):
        if word == "-m" and at + 1 < len(words):
            return words[at + 1 :]
        if word.endswith(".py"):
            return words[at:]
        if not word.startswith("-") and word != "run":
            break
    return words


def _after_options(words: tuple[str, ...]) -> tuple[str, ...]:
    at = 0
    while at < len(words) and words[at].startswith("-"):
        if words[at] == "--":
            return words[at + 1 :]
        at += 2 if words[at] in _WITH_VALUE else 1
    return words[at:]


def _in_container(words: tuple[str, ...]) -> tuple[str, ...]:
    """What `docker compose run api pytest` runs: the words after the service."""
    rest = words[1:]
    if rest[:1] == ("compose",):
        rest = rest[1:]
    elif words[0].endswith("docker"):
        return words
    rest = _after_options(rest)
    if rest[:1] not in (("run",), ("exec",)):
        return words
    inner = _after_options(rest[1:])[1:]
    return inner or words


def kind(words: Sequence[str]) -> Kind | None:
    """Of which kind of gate a command is; None for what checks nothing."""
    plain = bare(words)
    if not plain:
        return None
    program = plain[0].rpartition("/")[2]
    options = [word for word in plain[1:] if word.startswith("-")]
    first = next((word for word in plain[1:] if not word.startswith("-")), "")
    for name in (program, f"{program} {first}"):
        if name in _FORMATTERS:
            return Kind.FORMAT if set(options) & set(_FORMATTERS[name]) else None
    if program == "tsc":
        return Kind.TYPES
    if program == "ruff":
        return Kind.LINT
    if program == "node":
        return Kind.TEST if "--test" in options else None
    if program == "docker" and "compose" in plain[1:2]:
        return Kind.BUILD if "build" in plain[2:] and "up" not in plain else None
    if program == "build" and len(plain) < len(tuple(words)):
        return Kind.BUILD  # python -m build
    if "--version" in options or "--help" in options or "--fix" in options:
        return None
    return _KINDS.get(program) or _SUBCOMMANDS.get((program, first))


def kind_of_name(name: str) -> Kind | None:
    """Of which kind a script or target is by its name: `test:unit`, `type-check`, `lint`."""
    plain = name.lower().strip()
    if plain in _WHOLE_NAMES:
        return _WHOLE_NAMES[plain]
    parts = [part for part in re.split(r"[:_.\-/]", plain) if part]
    if not parts or _NOT_GATES & set(parts):
        return None
    if {"format", "fmt", "prettier", "black"} & set(parts):
        return Kind.FORMAT if "check" in parts else None
    return _NAMED.get(parts[0]) or _NAMED.get(parts[-1])
