"""Every credential that is written down in what Git tracks, with its line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from pipelines.audit.model.containers.dockerfile import Dockerfile
from pipelines.audit.model.javascript import JavaScript
from pipelines.audit.model.python import Python
from pipelines.audit.model.roles import is_deployed
from pipelines.audit.model.secrets import envfiles, images, refusals, sources, texts, yamls
from pipelines.audit.model.secrets.facts import Hidden, Where, Written, written
from pipelines.audit.model.words import JAVASCRIPT, Words
from pipelines.audit.place import Place
from pipelines.audit.tracked import Tracked

__all__ = ["Hidden", "Secrets", "Where", "Written"]

Reader = Callable[[Tracked, str], Iterator[Written]]

# Texts that only speak of credentials, and what programs wrote.
_ASIDE = re.compile(
    r"(?i)(?:^|/)(?:tests?|__tests__|locales?|i18n|l10n|lang|langs|languages|translations?|messages"
    r"|__snapshots__|snapshots|cassettes|storybook|stories|openapi|swagger|generated|dist|build"
    r"|static/vendor|dashboards|migrations/versions|changelogs?)/"
    r"|(?:^|/)(?:package(?:-lock)?\.json|tsconfig[^/]*|[^/]*(?:lock|\.lock)(?:\.ya?ml|\.json)?"
    r"|[^/]*[._](?:\w*test|spec|stories)\.\w+|tests?\.\w+|mkdocs\.yml"
    r"|openapi[^/]*|swagger[^/]*|[^/]*\.min\.js|[^/]*schema\.json|\.pre-commit[^/]*)$"
)
# What is looked for stands in lower case, and so must the text: to look for both takes long.
_NAMED = tuple(
    word.encode()
    for word in ("passw", "pwd", "secret", "token", "key", "credential", "cookie", "://", ":-")
)
_NAMED_TOO = re.compile(rb"pass\b|private")
# Of the words that are known of JavaScript's files, those that one with a credential holds.
_IN_JAVASCRIPT = ("passw", "secret", "apikey", "api_key", "://", "process.env")
# A text beside such a name, or in an address: only then is a file parsed.
_WORTH = re.compile(
    rb"(?:passw|pwd|secret|token|(?:api|private|encryption|signing|jwt|auth|master)_?key"
    rb"|credential|_pass\b)\w{0,40}[\"']?\]?[)!]?\s{0,40}(?::\s*\w+\s*=|:|=|\|\||\?\?)\s{0,40}"
    rb"[\"'`]"
    rb"|://[^\s/@\"'`]{0,80}:[^\s/@\"'`]{1,200}@|private key|akia|gh[pousr]_|xox[abp]-|sk_live_"
)
# What is imported only to test: such a source sets up what it tests with.
_MOCKING = re.compile(r"(?m)^\s*(?:from|import)\s+(?:unittest\.mock|pytest|moto)\b")
_GUARDING = (".py", ".ts", ".js", ".mjs", ".sh")
_REFUSING = (b"raise", b"throw", b"exit", b"refine(")


class Secrets:
    """Credentials by file; each file is read once."""

    def __init__(
        self,
        tracked: Tracked,
        python: Python,
        javascript: JavaScript,
        words: Words,
        dockerfiles: Mapping[str, Dockerfile],
    ) -> None:
        self._tracked = tracked
        self._python = python
        self._javascript = javascript
        self._words = words
        self._dockerfiles = dockerfiles
        self._guards: list[str] = []  # sources that may refuse a value

    @property
    def standing(self) -> tuple[Written, ...]:
        """Every credential by file and line, but those with which the code does not start."""
        found = [it for path in self._tracked for it in self._file(path)]
        for dockerfile in self._dockerfiles.values():
            found += images.read(dockerfile)
        for path in self._words.holding(*_IN_JAVASCRIPT, suffixes=JAVASCRIPT):
            found += self._in_javascript(path)
        refused = self._refused({it.value for it in found if not it.what})
        standing = dict.fromkeys(it for it in found if it.value not in refused)
        return tuple(sorted(standing, key=lambda it: it.place))

    def _file(self, path: str) -> Iterator[Written]:
        if texts.is_key(path) and is_deployed(path):
            yield from texts.keys(self._tracked, path)
            return
        reader = _reader(path)
        if reader is None or not is_deployed(path) or _ASIDE.search(path):
            return
        data = self._tracked.bytes(path)
        if data is None:
            return
        self._note(path, data)
        if not _is_named(data.lower()):
            return
        if path.endswith(".py"):
            yield from self._tracked.once("secrets", path, lambda: tuple(self._in_python(path)))
        else:
            yield from reader(self._tracked, path)

    def _note(self, path: str, data: bytes) -> None:
        if path.endswith(_GUARDING) and any(it in data for it in _REFUSING):
            self._guards.append(path)

    def _in_python(self, path: str) -> Iterator[Written]:
        text = self._tracked.text(path)
        if text is None or _MOCKING.search(text):
            return
        if sources.is_worth_parsing(text) and (source := self._python.source(path)):
            yield from sources.read(source.tree, path)

    def _in_javascript(self, path: str) -> Iterator[Written]:
        data = self._tracked.bytes(path) or b""
        self._note(path, data)
        if _ASIDE.search(path) or not _WORTH.search(data.lower()):
            return
        module = self._javascript.module(path)
        defaults: set[tuple[Place, str]] = set()  # an address among them is also a literal
        for read in module.reads:
            if read.default:
                place = read.value.place if read.value else read.place
                defaults.add((place, read.default))
                yield from written(read.name, read.default, place, Where.SOURCE, is_default=True)
        for literal in module.literals:
            if (literal.place, literal.value) in defaults:
                continue
            if literal.name.startswith("[") and "." in literal.name:
                continue  # `[Brand.OnePassword]: "1Password"` is a member of an enumeration
            yield from written(literal.name, literal.value, literal.place, Where.SOURCE)

    def _refused(self, values: set[str]) -> frozenset[str]:
        """Those of the values with which some code here does not start."""
        found: set[str] = set()
        quoted = [f"{quote}{value}{quote}" for value in sorted(values) for quote in "\"'"]
        for path in self._guards if values else ():
            text = self._tracked.text(path) or ""
            if any(it in text for it in quoted):
                found |= self._refusals(path, text)
        return frozenset(found & values)

    def _refusals(self, path: str, text: str) -> frozenset[str]:
        return self._tracked.once("refusals", path, lambda: frozenset(self._refused_in(path, text)))

    def _refused_in(self, path: str, text: str) -> Iterator[str]:
        if path.endswith(".py"):
            if source := self._python.source(path):
                yield from refusals.in_python(source)
        elif path.endswith(".sh"):
            yield from refusals.in_shell(text)
        else:
            yield from refusals.in_javascript(text)


def _is_named(lower: bytes) -> bool:
    return any(word in lower for word in _NAMED) or bool(_NAMED_TOO.search(lower))


def _reader(path: str) -> Reader | None:
    name = path.rpartition("/")[2]
    if envfiles.is_env_file(path):
        return texts.variables
    for suffixes, reader in _READERS:
        if name.endswith(suffixes):
            return reader
    return texts.script if name in ("Makefile", "makefile", "GNUmakefile") else None


_READERS: tuple[tuple[tuple[str, ...], Reader], ...] = (
    ((".py",), lambda tracked, path: iter(())),
    ((".yml", ".yaml"), yamls.read),
    (texts.SETTINGS, texts.settings),
    (texts.SCRIPTS, texts.script),
    ((".json", ".json5", ".jsonc"), texts.json),
    ((".sql",), texts.sql),
    ((".cs", ".java", ".kt", ".go", ".rb", ".php", ".rs", ".ex", ".exs", ".scala"), texts.code),
)
