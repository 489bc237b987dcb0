"""Clients in JavaScript that wait for ever, in what a server runs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipelines.audit.findings import Fault, Severity
from pipelines.audit.model import Model
from pipelines.audit.model.ci.packages import Package
from pipelines.audit.model.javascript import SUFFIXES, Call, JavaScript, Kind, Module, Value
from pipelines.audit.rules.timeouts import shipped

_SERVERS = {
    "express", "fastify", "koa", "@nestjs/core", "@nestjs/common", "hono", "restify", "@hapi/hapi",
    "polka", "ws", "amqplib", "kafkajs", "bullmq", "next",
}  # fmt: skip
_VERBS = {"get", "post", "put", "patch", "delete", "head", "request"}
# Where the options stand, by what is called: (url, options), or (url, body, options).
_OPTIONS_AT = {"post": 2, "put": 2, "patch": 2, "request": 0}
# Where a package of pages has what runs on the server.
_BEHIND = re.compile(r"(^|/)(server|api|backend)/[^?]*\.[mc]?[jt]s$")
_REMEDY = "give it a timeout: `timeout: 5000`, or `signal: AbortSignal.timeout(5000)`"


def faults(model: Model) -> Iterator[Fault]:
    is_shipped = shipped(model)
    packages = sorted(model.packages.values(), key=lambda it: len(it.folder), reverse=True)
    for file in model.words.holding("axios", "fetch(", suffixes=SUFFIXES):
        if is_shipped(file) and _is_of_server(packages, file):
            yield from _of_module(model.javascript, model.javascript.module(file))


def _is_of_server(packages: list[Package], file: str) -> bool:
    """Whether the package around it is a server's, and the file none that goes to a browser."""
    package = next(
        (it for it in packages if not it.folder or file.startswith(f"{it.folder}/")), None
    )
    if package is None or _SERVERS.isdisjoint(package.dependencies):
        return False
    is_page = file.endswith((".tsx", ".jsx")) or "react" in package.dependencies
    return not is_page or bool(_BEHIND.search(file))


def _of_module(javascript: JavaScript, module: Module) -> Iterator[Fault]:
    instances = _instances(module)
    for call in module.calls:
        root = call.callee.partition(".")[0]
        is_axios = module.origin(root)[0] == "axios" or root == "axios" or root in instances
        if is_axios and (call.name in _VERBS or call.callee == root):
            if instances.get(root, False) or "axios.defaults.timeout" in module.names:
                continue
            if not _has_end(javascript, call, _OPTIONS_AT.get(call.name, 1)):
                message = f"{call.callee} waits for ever: it has no timeout"
                yield Fault(call.place, message, _REMEDY)
        elif _is_fetch(module, call) and not _has_end(javascript, call, 1):
            message = "fetch waits for five minutes, which is Node's own timeout"
            yield Fault(call.place, message, _REMEDY, severity=Severity.LOW)


def _is_fetch(module: Module, call: Call) -> bool:
    """Whether it is Node's own, or a package's: another file's may have a timeout."""
    return call.callee == "fetch" and not module.origin("fetch")[0].startswith(".")


def _instances(module: Module) -> dict[str, bool]:
    """The names of what `axios.create` made, and whether a timeout was given."""
    found: dict[str, bool] = {}
    for name, value in module.names.items():
        if value.kind is Kind.CALL and value.text.endswith("axios.create"):
            options = value.items[0] if value.items else None
            known = options is None or options.kind is Kind.OBJECT
            found[name] = not known or (options is not None and _ends(options))
    return found


def _has_end(javascript: JavaScript, call: Call, at: int) -> bool:
    """Whether the call's options hold a timeout or a signal, or are not known."""
    given = call.arguments
    if call.name in ("axios", "fetch") or at == 0:
        at = len(given) - 1 if call.name != "fetch" else 1
    if len(given) <= at or at < 0:
        return False
    module = javascript.module(call.place.file)
    if given[at].kind is Kind.NAME and given[at].text in module.rebound:
        return True  # what made it anew may have given it one
    options = javascript.resolved(given[at], call.place.file)
    if options.kind is not Kind.OBJECT:
        return options.kind not in (Kind.TEXT, Kind.TEMPLATE)
    return _ends(options) or bool(options.items)


def _ends(options: Value) -> bool:
    return not {"timeout", "signal"}.isdisjoint(options.fields)
