"""Which sources hold which words: one pass over all of them, so that rules parse only a few."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from pipelines.audit.model.roles import is_deployed
from pipelines.audit.tracked import Tracked

JAVASCRIPT = (".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx")
PYTHON = (".py",)
_OTHER = (".go", ".java", ".kt", ".cs", ".rb", ".php", ".rs", ".scala", ".ex")
_SETTINGS = (".yml", ".yaml", ".json", ".toml", ".ini", ".cfg", ".conf", ".nginx", ".template")
_SHELL = (".sh", ".bash", ".env", ".tmpl", ".tf", ".mk", ".dockerfile")
_NAMES = ("caddyfile", "dockerfile", "containerfile", "makefile", "gnumakefile", "justfile")
_DOTTED = (".npmrc", ".yarnrc", ".gitconfig", ".curlrc", ".wgetrc", ".env")
_BUILT = (".min.js", ".bundle.js", ".d.ts", "package-lock.json")

_LARGEST = 300_000  # bytes; what is larger is built, not written
_LONGEST_LINE = 2_000  # bytes on average: a bundle

# In lower case; everywhere.
_ANYWHERE = ("cors", "access-control-allow-origin", "node_tls_reject_unauthorized", "sslmode")
# In settings, scripts, and languages that have no part of the model to themselves.
_OF_OTHERS = (
    "crossorigin",
    "allow-origin",
    "alloworigin",
    "allow_origin",
    "allowedorigin",
    "allowed_origin",
    "allowanyorigin",
    "insecure",
    "no-check-certificate",
    "sslverify",
    "ssl_no_verify",
    "trusted-host",
    "strict-ssl",
    "curl",
    "pythonhttpsverify",
)
_OF_PYTHON = (
    "allow_origin",
    "allowed_origin",
    "insecure",
    "ssl_no_verify",
    "pythonhttpsverify",
    "verify",
    "cert_none",
    "cert_reqs",
    "tlsallowinvalid",
    "validate_cert",
    "disable_ssl",
    "check_hostname",
    "_create_unverified",
    "disable_warnings",
    "requests",
    "httpx",
    "aiohttp",
    "urlopen",
    "smtplib",
    "psycopg",
    "redis",
    "grpc",
    "fastapi",
    "flask",
    "django",
    "starlette",
)
_OF_JAVASCRIPT = (
    "rejectunauthorized",
    "tlsallowinvalid",
    "process.env",
    "meta.env",
    "axios",
    "fetch(",
    "@nestjs/",
    "createserver",
    "passw",
    "secret",
    "apikey",
    "api_key",
    "://",
)
# Modules, which are words between quotes: "express" is in every "expression".
_IMPORTED = ("express", "fastify", "koa", "hono", "socket.io", "prom-client")

# (word, how it is written); a word that is written in two ways is there twice.
Needles = tuple[tuple[str, bytes], ...]
_PLAIN: Needles = tuple((word, word.encode()) for word in _ANYWHERE)
_FOR_OTHERS: Needles = (*_PLAIN, *((word, word.encode()) for word in _OF_OTHERS))
_FOR_PYTHON: Needles = (*_PLAIN, *((word, word.encode()) for word in _OF_PYTHON))
_FOR_JAVASCRIPT: Needles = (
    *_PLAIN,
    *((word, word.encode()) for word in _OF_JAVASCRIPT),
    *((word, f"{quote}{word}{quote}".encode()) for word in _IMPORTED for quote in "\"'"),
)
KNOWN = frozenset(word for word, _ in (*_FOR_OTHERS, *_FOR_PYTHON, *_FOR_JAVASCRIPT))


class Words:
    """Every deployed source that somebody wrote, and which of the `KNOWN` words it holds."""

    def __init__(self, tracked: Tracked) -> None:
        self._tracked = tracked

    @cached_property
    def _held(self) -> Mapping[str, frozenset[str]]:
        held: dict[str, frozenset[str]] = {}
        same: dict[frozenset[str], frozenset[str]] = {}
        for path in self._tracked:
            needles = _needles(path)
            data = written(self._tracked, path) if needles and is_deployed(path) else None
            if needles and data is not None:
                lower = data.lower()
                words = frozenset(word for word, needle in needles if needle in lower)
                held[path] = same.setdefault(words, words)
        return held

    def holding(self, *words: str, suffixes: tuple[str, ...] = ()) -> list[str]:
        """The files that hold one of these words, in any case; each must be one of `KNOWN`."""
        unknown = set(words) - KNOWN
        if unknown:
            raise KeyError(*sorted(unknown))
        return [
            path
            for path, held in self._held.items()
            if not held.isdisjoint(words) and (not suffixes or path.endswith(suffixes))
        ]


def _needles(path: str) -> Needles | None:
    name = path.rpartition("/")[2].lower()
    if name.endswith(PYTHON):
        return _FOR_PYTHON
    if name.endswith(_BUILT):
        return None
    if name.endswith(JAVASCRIPT):
        return _FOR_JAVASCRIPT
    is_read = name.endswith((*_OTHER, *_SETTINGS, *_SHELL)) or name.startswith((*_NAMES, *_DOTTED))
    return _FOR_OTHERS if is_read or "." not in name else None


def written(tracked: Tracked, path: str) -> bytes | None:
    """The bytes of a file; None for what is binary, too large, or put on few lines by a program."""
    data = tracked.bytes(path)
    if data is None or len(data) > _LARGEST or b"\0" in data[:8_000]:
        return None
    return None if len(data) > _LONGEST_LINE * (data.count(b"\n") + 1) else data
