"""Verification that one line turns off, whatever language it is written in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pipelines.audit.findings import Fault, Severity
from pipelines.audit.model import Model
from pipelines.audit.model.roles import Role, role
from pipelines.audit.model.words import JAVASCRIPT
from pipelines.audit.place import Place
from pipelines.audit.rules.verification import LOCAL, PROBE, REMEDY

_NEAR = 25  # lines
_ASKED = re.compile(r"(?i)\s*(?:\}\s*else\s+)?if\b.*(?:insecure|unsafe|skip|ignore|verif|trust)")
_OTHERWISE = re.compile(r"\bVerify(?:Connection|PeerCertificate)\b\s*[:=]")
_ACCEPTED = re.compile(r"//\s*nolint:\s*\S*gosec")
_LONGEST = 2_000  # characters of a line that is looked at
_COMMENT = ("#", "//", "*", "/*", ";", "--", "<!--", "rem ")
_OFF = r"""["'\]\s]*[:=\s]\s*["']?(?:0|false)\b"""
_ON = r"""["'\]\s]*[:=\s]\s*["']?(?:1|true|yes)\b"""


class _Pattern(NamedTuple):
    """`word` is in the file, in any case; files have one of the suffixes, or any."""

    word: str
    line: re.Pattern[str]
    message: str
    suffixes: tuple[str, ...] = ()
    severity: Severity | None = None


_PATTERNS = (
    _Pattern(
        "node_tls_reject_unauthorized",
        re.compile(rf"\bNODE_TLS_REJECT_UNAUTHORIZED{_OFF}"),
        "no certificate is verified by Node (NODE_TLS_REJECT_UNAUTHORIZED)",
    ),
    _Pattern(
        "rejectunauthorized",
        re.compile(r"""\brejectUnauthorized["']?\s*[:=]\s*(?:false|0)\b"""),
        "certificates are not verified (rejectUnauthorized)",
        JAVASCRIPT,
    ),
    _Pattern(
        "tlsallowinvalid",
        re.compile(r"""(?i)\btlsAllowInvalidCertificates["']?\s*[:=]\s*["']?true\b"""),
        "certificates of the database are not verified (tlsAllowInvalidCertificates)",
        JAVASCRIPT,
    ),
    _Pattern(
        "strict-ssl",
        re.compile(r"""^\s*["']?strict-ssl["']?\s*[=:\s]\s*["']?false"""),
        "packages are fetched from registries that nobody verifies (strict-ssl)",
        ("rc",),
    ),
    _Pattern(
        "ssl_no_verify",
        re.compile(rf"\bGIT_SSL_NO_VERIFY{_ON}"),
        "Git verifies no certificate (GIT_SSL_NO_VERIFY)",
    ),
    _Pattern(
        "pythonhttpsverify",
        re.compile(rf"\bPYTHONHTTPSVERIFY{_OFF}"),
        "Python verifies no certificate (PYTHONHTTPSVERIFY)",
    ),
    _Pattern(
        "insecure",
        re.compile(r"\bInsecureSkipVerify\s*[:=]\s*true\b"),
        "certificates are not verified (InsecureSkipVerify)",
        (".go",),
    ),
    _Pattern(
        "insecure",
        re.compile(r"""(?i)\binsecure_?skip_?verify["']?\s*[:=]\s*["']?true\b"""),
        "certificates are not verified (insecure skip verify)",
        (".yml", ".yaml", ".toml", ".json", ".conf"),
        Severity.LOW,
    ),
    _Pattern(
        "sslmode",
        re.compile(r"://[^@/\s]{0,200}@([\w-]+\.)+[\w-]+(:\d+)?/\S{0,200}\bsslmode=disable"),
        "a database on another machine is spoken to in clear (sslmode=disable)",
        (),
        Severity.LOW,
    ),
)


def faults(model: Model) -> Iterator[Fault]:
    """One for each line."""
    words = sorted({it.word for it in _PATTERNS})
    for file in model.words.holding(*words):
        if role(file) not in (Role.PRODUCTION, Role.DEVELOPMENT) or PROBE.search(file):
            continue
        patterns = [it for it in _PATTERNS if not it.suffixes or file.endswith(it.suffixes)]
        lines = model.tracked.lines(file)
        for number, line in enumerate(lines, 1):
            text = line[:_LONGEST].strip()
            if text.startswith(_COMMENT) or LOCAL.search(text):
                continue
            found = next((it for it in patterns if it.line.search(text)), None)
            if found is None or (file.endswith((".go", *JAVASCRIPT)) and _is_meant(lines, number)):
                continue
            severity = Severity.LOW if _ACCEPTED.search(text) else found.severity
            yield Fault(Place(file, number), found.message, REMEDY, severity=severity)


def _is_meant(lines: Sequence[str], number: int) -> bool:
    """Whether somebody asked for it in a setting, or the certificates are verified otherwise."""
    if any(_OTHERWISE.search(line[:_LONGEST]) for line in lines[number : number + _NEAR]):
        return True
    indent = _indent(lines[number - 1])
    for line in reversed(lines[max(0, number - 1 - _NEAR) : number - 1]):
        if line.strip() and _indent(line) < indent:
            indent = _indent(line)
            if _ASKED.match(line[:_LONGEST]):
                return True
    return False


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
