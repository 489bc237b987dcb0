"""Every credential that is written down in what Git tracks, with its line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from pipelines.audit.model import envfiles
from pipelines.audit.model.dockerfile import Dockerfile
from pipelines.audit.model.javascript import JavaScript
from pipelines.audit.model.python import Python
from pipelines.audit.model.roles import is_deployed
from pipelines.audit.model.secrets import images, refusals, sources, texts, yamls
from pipelines.audit.model.secrets.facts import Where, Written, written
from pipelines.audit.tracked import Tracked

__all__ = ["Secrets", "Where", "Written"]

Reader = Callable[[Tracked, str], Iterator[Written]]

# Texts that only speak of credentials, and what programs wrote.
_ASIDE = re.compile(
    r"(?i)(?:^|/)(?:locales?|i18n|l10n|lang|langs|languages|translations?|messages|__snapshots__"
    r"|snapshots|cassettes|storybook|stories|openapi|swagger|generated|dist|build|static/vendor"
    r"|dashboards|migrations/versions|changelogs?)/"
    r"|(?:^|/)(?:package(?:-lock)?\.json|tsconfig[^/]*|[^/]*(?:lock|\.lock)(?:\.ya?ml|\.json)?"
    r"|[^/]*[._](?:\w*test|spec|stories)\.\w+|tests?\.\w+|mkdocs\.yml"
    r"|openapi[^/]*|swagger[^/]*|[^/]*\.min\.js|[^/]*schema\.json|\.pre-commit[^/]*)$"
)
_NAMED = re.compile(rb"(?i)passw|pwd|secret|token|key|credential|pass\b|cookie|://|:-|PRIVATE")


class Secrets:
    """Credentials by file; each file is read once."""

    def __init__(
        self,
        tracked: Tracked,
        python: Python,
        javascript: JavaScript,
        dockerfiles: Mapping[str, Dockerfile],
    ) -> None:
        self._tracked = tracked
        self._dockerfiles = dockerfiles
        self._python = python
        self._javascript = javascript

    def all(self) -> list[Written]:
        """Everything found, by file and line, whatever it is worth there."""
        found = [it for path in self._tracked for it in self._file(path)]
        for dockerfile in self._dockerfiles.values():
            found += images.read(dockerfile)
        for module in self._javascript.holding("passw", "secret", "apikey", "api_key", "://"):
            found += self._in_javascript(module.file) if not _ASIDE.search(module.file) else []
        return sorted(dict.fromkeys(found), key=lambda it: it.place)

    @property
    def standing(self) -> tuple[Written, ...]:
        """Those of them with which the code starts."""
        found = self.all()
        refused = self._refused({it.value for it in found if not it.what})
        return tuple(it for it in found if it.value not in refused)

    def _file(self, path: str) -> Iterator[Written]:
        if texts.is_key(path) and is_deployed(path):
            yield from texts.keys(self._tracked, path)
            return
        reader = _reader(path)
        if reader is None or not is_deployed(path) or _ASIDE.search(path):
            return
        data = self._tracked.bytes(path)
        if data is None or not _NAMED.search(data):
            return
        if path.endswith(".py"):
            yield from self._in_python(path)
        else:
            yield from reader(self._tracked, path)

    def _in_python(self, path: str) -> Iterator[Written]:
        text = self._tracked.text(path)
        if text and sources.is_worth_parsing(text) and (tree := self._python.tree(path)):
            yield from sources.read(tree, path)

    def _in_javascript(self, path: str) -> Iterator[Written]:
        module = self._javascript.module(path)
        for read in module.reads:
            if read.default:
                place = read.value.place if read.value else read.place
                yield from written(read.name, read.default, place, Where.SOURCE, is_default=True)
        for literal in module.literals:
            yield from written(literal.name, literal.value, literal.place, Where.SOURCE)

    def _refused(self, values: set[str]) -> frozenset[str]:
        """Those of the values with which some code here does not start."""
        found: set[str] = set()
        for path in self._tracked if values else ():
            if path.endswith((".py", ".ts", ".js", ".mjs", ".sh")) and is_deployed(path):
                text = self._tracked.text(path) or ""
                if any(value in text for value in values):
                    found.update(self._refused_in(path, text))
        return frozenset(found & values)

    def _refused_in(self, path: str, text: str) -> Iterator[str]:
        if path.endswith(".py"):
            if ("raise" in text or "exit" in text) and (tree := self._python.tree(path)):
                yield from refusals.in_python(tree)
        elif path.endswith(".sh"):
            yield from refusals.in_shell(text)
        else:
            yield from refusals.in_javascript(text)


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
