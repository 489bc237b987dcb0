"""Origins in what is no Python and no JavaScript: proxies, ingresses, and other languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from pipelines.audit.findings import Fault, Severity
from pipelines.audit.model import Model
from pipelines.audit.model.roles import Role, role
from pipelines.audit.place import Place

_WORDS = (
    "access-control-allow-origin",
    "allow-origin",
    "alloworigin",
    "allowedorigin",
    "allowed_origin",
    "allowanyorigin",
    "cors",
    "crossorigin",
)
_REMEDY = "name the origins that may call"
_LONGEST = 2_000  # characters of a line that is looked at


class _Pattern(NamedTuple):
    suffixes: tuple[str, ...]
    what: str
    line: re.Pattern[str]


_YAML = (".yml", ".yaml")
_PROXY = (".conf", ".nginx", ".template", ".tmpl", "Caddyfile")
_SPRING = (
    r"@CrossOrigin(\(\s*\)|\((origins\s*=|value\s*=)?\s*\{?\s*\"\*\"|\s*$)"
    r"|\.(allowedOrigin(Pattern)?s|setAllowedOrigins|addAllowedOrigin(Pattern)?)"
    r"\((List\.of\(|Arrays\.asList\(|listOf\()?\s*\"\*\""
)
_GO = (
    r"Allow(ed)?Origins(:\s*|\()\[\]string\{\s*\"\*\"|AllowAllOrigins\s*[:=]\s*true"
    r"|\bcors\.(AllowAll|Default)\(\)"
)
_HEADER = (
    r"(?i)(add_header|header(\s+\S+)?|set)\s+[\"']?access-control-allow-origin[\"']?"
    r"\s+[\"']?\*[\"']?(\s|;|$)"
)
_INGRESS = r"nginx\.ingress\.kubernetes\.io/cors-allow-origin[\"']?:\s*[\"']?\*[\"']?\s*$"
_TRAEFIK = r"(?i)accesscontrolalloworiginlist[\"']?\s*[:=]\s*\[?\s*[\"']?\*"
_PATTERNS = (
    _Pattern(_PROXY, "the proxy", re.compile(_HEADER)),
    _Pattern(_YAML, "the ingress", re.compile(_INGRESS)),
    _Pattern(_YAML, "the proxy", re.compile(_TRAEFIK)),
    _Pattern((".java", ".kt"), "Spring", re.compile(_SPRING)),
    _Pattern((".go",), "the middleware", re.compile(_GO)),
    _Pattern((".cs",), "ASP.NET", re.compile(r"\.AllowAnyOrigin\(\)|WithOrigins\(\"\*\"\)")),
    _Pattern((".rb",), "rack-cors", re.compile(r"^\s*origins\s+[\"']\*[\"']")),
)
_COMMENT = ("#", "//", "*", "/*", "--", ";")


def faults(model: Model) -> Iterator[Fault]:
    """One for each line that allows every origin."""
    suffixes = tuple(sorted({it for pattern in _PATTERNS for it in pattern.suffixes}))
    for file in model.words.holding(*_WORDS, suffixes=suffixes):
        if role(file) not in (Role.PRODUCTION, Role.DEVELOPMENT):
            continue
        patterns = [it for it in _PATTERNS if file.endswith(it.suffixes)]
        for number, line in enumerate(model.tracked.lines(file), 1):
            if line.lstrip().startswith(_COMMENT):
                continue
            found = next((it for it in patterns if it.line.search(line[:_LONGEST])), None)
            if found is not None:
                severity = Severity.LOW if "add_header" in line else Severity.MEDIUM
                yield Fault(
                    Place(file, number),
                    f"{found.what} allows every origin",
                    _REMEDY,
                    severity=severity,
                )
