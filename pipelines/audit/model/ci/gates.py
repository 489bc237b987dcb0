"""What a command checks: whether it is a gate, and of which kind."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import Enum

from pipelines.audit.model.ci import makefiles, packages


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
    Kind.TYPES: "mypy pyright basedpyright pyrefly pyre pytype vue-tsc svelte-check ty",
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
    ("prek", "run"): Kind.LINT,
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

# What makes a gate succeed whatever it finds.
_EXCUSES = {
    "flake8": ("--exit-zero",),
    "pylint": ("--exit-zero", "--fail-under=0"),
    "ruff": ("--exit-zero",),
    "bandit": ("--exit-zero",),
    "hadolint": ("--no-fail",),
    "golangci-lint": ("--issues-exit-code=0",),
    "checkov": ("--soft-fail", "-s"),
    "tfsec": ("--soft-fail", "-s"),
    "tflint": ("--force",),
    "trivy": ("--exit-code=0",),
    "gitleaks": ("--exit-code=0",),
    "safety": ("--continue-on-error",),
    "sqlfluff": ("--nofail",),
    "cfn-lint": ("--non-zero-exit-code=none",),
    "npm": ("--audit-level=none",),
    "make": ("--ignore-errors",),
    "gmake": ("--ignore-errors",),
}
_BUILD = re.compile(r"build([:_A-Z-].*)?")  # by name: `build`, `build:web`, `buildAll`
_IGNORING = re.compile(r"-[iknsBw]*i[iknsBw]*")  # `make -ki`

_TASK_RUNNERS = frozenset(
    ("just", "task", "invoke", "inv", "turbo", "nx", "rake", "composer", "mage", "moon", "lerna")
)
_TOOL_IMAGES = frozenset(
    [
        "hadolint",
        "shellcheck",
        "trivy",
        "gitleaks",
        "semgrep",
        "bandit",
        "yamllint",
        "golangci-lint",
        "actionlint",
        "zizmor",
        "checkov",
        "markdownlint-cli2",
        "dockle",
        "kube-linter",
        "tflint",
        "sqlfluff",
    ]
)

# Actions that are gates by themselves; others are told by a tool in their name.
_ACTIONS = {
    "docker/build-push-action": Kind.BUILD,
    "docker/bake-action": Kind.BUILD,
    "github/codeql-action/analyze": Kind.SECURITY,
    "github/codeql-action": None,
    "actions/dependency-review-action": Kind.SECURITY,
    "anchore/scan-action": Kind.SECURITY,
    "snyk/actions/setup": None,
    "snyk/actions": Kind.SECURITY,
    "pypa/gh-action-pip-audit": Kind.SECURITY,
    "psf/black": Kind.FORMAT,
    "pre-commit/action": Kind.LINT,
    "super-linter/super-linter": Kind.LINT,
    "github/super-linter": Kind.LINT,
    "oxsecurity/megalinter": Kind.LINT,
    "cypress-io/github-action": Kind.TEST,
}
_NO_GATE_ACTIONS = frozenset(
    [
        "setup",
        "install",
        "cache",
        "upload",
        "download",
        "publish",
        "report",
        "reporter",
        "summary",
        "results",
        "comment",
        "coverage",
        "badge",
        "sarif",
        "sbom",
    ]
)
# Programs whose names say less within a name.
_COMMON_WORDS = frozenset(
    [
        "standard",
        "robot",
        "trial",
        "behave",
        "spectral",
        "revive",
        "xo",
        "ty",
        "ava",
        "k6",
        "safety",
    ]
)
_TOOLS = {tool: kind for tool, kind in _KINDS.items() if tool not in _COMMON_WORDS} | {
    "ruff": Kind.LINT,
    "black": Kind.FORMAT,
    "prettier": Kind.FORMAT,
}

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
        return _in_image(words)
    rest = _after_options(rest)
    if rest[:1] not in (("run",), ("exec",)):
        return words
    inner = _after_options(rest[1:])[1:]
    return inner or words


def _in_image(words: tuple[str, ...]) -> tuple[str, ...]:
    """What `docker run --rm image pytest` runs; the options before the image are too many to know.

    The image itself, where it is named after a tool that it is made for.
    """
    if words[1:2] not in (("run",), ("exec",)):
        return words
    for at in range(2, len(words)):
        name = words[at].partition("@")[0].rpartition("/")[2].partition(":")[0]
        if "/" in words[at] and name in _TOOL_IMAGES:
            return (name, *words[at + 1 :])
        if at > 2 and "/" not in words[at] and kind(words[at:]) is not None:
            return words[at:]
    return words


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
    program = program.replace("_", "-")  # as modules are called: `python -m pip_audit`
    return _KINDS.get(program) or _SUBCOMMANDS.get((program, first))


def called(words: Sequence[str]) -> Kind | None:
    """Of which kind a command is, by itself or by the name of what it calls: `make test`."""
    found = kind(words)
    if found is not None or not words:
        return found
    names = list(_called_names(words))
    kinds = [it for it in map(kind_of_name, names) if it is not None]
    is_build = any(_BUILD.fullmatch(name) for name in names)
    return kinds[0] if kinds else Kind.BUILD if is_build else None


def _called_names(words: Sequence[str]) -> Iterator[str]:
    """The scripts, targets and tasks that a command names."""
    plain = bare(words)
    program = plain[0].rpartition("/")[2] if plain else ""
    if program in ("make", "gmake"):
        yield from makefiles.call(plain).goals
    elif program in packages.MANAGERS:
        yield packages.call(plain).script
    elif program in _TASK_RUNNERS:
        yield from (it for it in plain[1:] if not it.startswith("-") and "=" not in it)


def excused(words: Sequence[str]) -> tuple[int, str] | None:
    """The option by which a command succeeds whatever it finds, and which of the words it is."""
    plain = bare(words)
    program = plain[0].rpartition("/")[2] if plain else ""
    options = _EXCUSES.get(program, ())
    for at, word in enumerate(words):
        pair = f"{word}={words[at + 1]}" if at + 1 < len(words) else ""
        if word in options:
            return at, word
        if pair in options:
            return at, f"{word} {words[at + 1]}"
        if program in ("make", "gmake") and _IGNORING.fullmatch(word):
            return at, word
    return None


def kind_of_action(uses: str) -> Kind | None:
    """Of which kind an action is by its name; None for those that only install or report."""
    name = uses.partition("@")[0]
    for start, found in _ACTIONS.items():
        if name.startswith(start):
            return found
    parts = name.partition("/")[2].lower()
    words = set(re.split(r"[-_./]", parts))
    if words & _NO_GATE_ACTIONS:
        return None
    return next(
        (it for tool, it in _TOOLS.items() if tool in words or f"{tool}-" in parts),
        None,
    )


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
