"""A probe asks by a program that the image has."""

from __future__ import annotations

import json
import re
import shlex

from pipelines.audit.findings import Finding
from pipelines.audit.fixes.edit import Edit, line
from pipelines.audit.model import Model, shell
from pipelines.audit.model.compose import Service, Words, each
from pipelines.audit.model.containers.images import Image

_URL = re.compile(r"https?://[A-Za-z0-9._~:/?#@!&()*+,;=%-]+")
_SECONDS = 3
# What only says how long to wait, what to print, and that an error is one.
_PLAIN = re.compile(
    r"-[fsSLqO]+-?|--(fail|silent|show-error|location|quiet|spider|no-verbose|output-document=-)"
    r"|-[mTtno]v?|--(max-time|connect-timeout|timeout|tries|retry)(=\d+)?|\d+|-|/dev/null"
)
_FAILS: tuple[tuple[str, ...], ...] = (("exit", "1"), ("false",))
_TEST = re.compile(r"(\s*test:\s*)(\[.*\]|[^\[#|>&*\s][^#]*?)(\s*#.*)?")


def with_what_is_there(model: Model, finding: Finding) -> Edit | None:
    """The same question by Python, Node or BusyBox, where the image has one of them."""
    service = _service(model, finding)
    old = line(model, finding.place)
    match = _TEST.fullmatch(old)
    if service is None or service.health is None or service.health.test is None or match is None:
        return None
    url = _asked(service.health.test)
    words = _words(model.image(service), url) if url else None
    if words is None:
        return None
    shown = json.dumps([word.replace("$", "$$") for word in words])
    return Edit(finding.place, old, f"{match[1]}{shown}{match[3] or ''}")


def _service(model: Model, finding: Finding) -> Service | None:
    for _, service in each(model.projects):
        test = service.health.test if service.health else None
        if test is not None and test.place == finding.place:
            return service
    return None


def _asked(test: Words) -> str:
    """The URL that a probe asks for; "" when it also sends something, or looks at the answer."""
    text = test.text if test.is_shell else shlex.join(test.words)
    commands = shell.parse(text, test.place).commands
    if not commands or any(it.words not in _FAILS for it in commands[1:]):
        return ""
    asking = commands[0]
    rest = [word for word in asking.words[1:] if not _PLAIN.fullmatch(word)]
    is_plain = asking.program in ("curl", "wget") and len(rest) == 1 and _URL.fullmatch(rest[0])
    return rest[0] if is_plain else ""


def _words(image: Image, url: str) -> list[str] | None:
    if "'" in url:
        return None
    if image.has("wget"):
        return ["CMD", "wget", "-q", "--spider", "-T", str(_SECONDS), url]
    for python in ("python", "python3"):
        if image.has(python):
            asked = f"import urllib.request as r; r.urlopen('{url}', timeout={_SECONDS})"
            return ["CMD", python, "-c", asked]
    if image.has("node"):
        asked = f"fetch('{url}').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"
        return ["CMD", "node", "-e", asked]
    return None
