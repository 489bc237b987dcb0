"""Verification that Python code turns off."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pipelines.audit.findings import Also, Fault, Severity
from pipelines.audit.model import Model
from pipelines.audit.model.python.expressions import Source, dotted, mentions
from pipelines.audit.model.python.trees import every
from pipelines.audit.model.roles import Role, role
from pipelines.audit.place import Place
from pipelines.audit.rules.verification import LOCAL, REMEDY

_WORDS = (
    "verify", "cert_none", "cert_reqs", "check_hostname", "_create_unverified",
    "aiohttp", "insecure", "tlsallowinvalid", "validate_cert", "disable_ssl",
)  # fmt: skip

# Keyword arguments that turn verification off, and the value that does.
_OFF: dict[str, tuple[object, ...]] = {
    "verify": (False,),
    "verify_ssl": (False,),
    "ssl_verify": (False,),
    "verify_certs": (False,),
    "validate_certs": (False,),
    "validate_cert": (False,),
    "ssl_check_hostname": (),
    "disable_ssl_certificate_validation": (True,),
    "tlsAllowInvalidCertificates": (True,),
    "tlsInsecure": (True,),
    "ssl_cert_reqs": (None, "none", "CERT_NONE"),
    "cert_reqs": ("CERT_NONE", "NONE"),
}
_OF_AIOHTTP = ("TCPConnector", "get", "post", "put", "patch", "delete", "request", "ws_connect")
# What `verify=` means something else for: signatures of tokens, models of Pydantic.
_OTHERS = (
    "jwt",
    "jose",
    "jws",
    "authlib",
    "token",
    "verifier",
    "serializer",
    "image",
    "img",
    "sio",
)
_OPT_OUT = ("verify", "insecure", "unverified", "unsafe", "skip", "self_signed", "selfsigned")
_OF_SERVERS = ("PROTOCOL_TLS_SERVER", "CLIENT_AUTH")


def faults(model: Model) -> Iterator[Fault]:
    for file in model.words.holding(*_WORDS, suffixes=(".py",)):
        if role(file) in (Role.PRODUCTION, Role.DEVELOPMENT):
            yield from _in_file(model, file)


def _in_file(model: Model, file: str) -> tuple[Fault, ...]:
    def read() -> tuple[Fault, ...]:
        source = model.python.source(file)
        return tuple(in_module(source, file)) if source is not None else ()

    return model.tracked.once("verification", file, read)


def in_module(source: Source, file: str) -> Iterator[Fault]:
    """What one module turns off."""
    found = [*_in_calls(source), *_in_assignments(source)]
    for node, line, what in found:
        if _is_asked_for(source, node):
            continue
        place = Place(file, line)
        also = (Also(Place(file, node.lineno), "uses it"),) if line != node.lineno else ()
        if also and node.lineno <= line <= (node.end_lineno or node.lineno):
            also = ()
        severity = Severity.LOW if _is_named_so(source, node) else None
        yield Fault(place, what, REMEDY, also, severity=severity)


_Off = tuple[ast.expr | ast.stmt, int, str]


def _in_calls(source: Source) -> Iterator[_Off]:
    for call in source.calls:
        name = source.called(call)
        if name.endswith("._create_unverified_context"):
            yield call, call.lineno, "a context is made that verifies no certificate"
        for given in call.keywords:
            line = _off(source, name, given)
            if line and not _is_aside(call, name):
                shown = f"{given.arg}={_shown(given.value)}"
                called = name.rpartition("().")[2] or "a call"
                yield call, line, f"{called} does not verify certificates ({shown})"
        is_set = name.endswith(".tls_insecure_set") and not _is_aside(call, name)
        if is_set and _is(source, call.args[:1], (True,)):
            yield call, call.lineno, "the MQTT client does not verify the broker's name"


def _is_aside(call: ast.Call, name: str) -> bool:
    return _is_local(call) or any(it in name.lower() for it in _OTHERS)


def _off(source: Source, name: str, given: ast.keyword) -> int:
    """The line that says so; 0 where the argument leaves verification on."""
    values = _OFF.get(given.arg or "", ())
    if given.arg == "ssl" and "aiohttp" in source.imported.values():
        values = (False,) if name.rpartition(".")[2] in _OF_AIOHTTP else ()
    if given.arg in ("cert_reqs", "ssl_cert_reqs") and dotted(given.value).endswith("CERT_NONE"):
        return given.value.lineno
    for it in source.outcomes(given.value) if values else ():
        if any(it.value is value or (it.value == value and value) for value in values):
            return it.line
    return 0


def _shown(node: ast.expr) -> str:
    return repr(node.value) if isinstance(node, ast.Constant) else dotted(node) or "..."


def _is(source: Source, given: list[ast.expr], values: tuple[object, ...]) -> bool:
    return any(it.value in values for value in given for it in source.outcomes(value))


def _in_assignments(source: Source) -> Iterator[_Off]:
    """`context.verify_mode = ssl.CERT_NONE`, which says more than `check_hostname = False`."""
    hosts: dict[ast.AST | None, list[ast.Assign]] = {}
    modes: set[ast.AST | None] = set()
    for node in source.of(ast.Assign):
        if not isinstance(node.targets[0], ast.Attribute):
            continue
        attribute = node.targets[0].attr
        function = source.function(node)
        if attribute == "verify_mode" and dotted(node.value).endswith("CERT_NONE"):
            modes.add(function)
            if not _is_server(function):
                yield node, node.lineno, "the context verifies no certificate (CERT_NONE)"
        elif attribute == "check_hostname" and _is(source, [node.value], (False,)):
            hosts.setdefault(function, []).append(node)
        elif attribute == "verify" and _is_false(node.value):
            yield node, node.lineno, "the session verifies no certificate"
        elif dotted(node.value).endswith("_create_unverified_context"):
            yield node, node.lineno, "no certificate is verified in the whole process"
    for function, nodes in hosts.items():
        if function not in modes and not _is_server(function):
            for it in nodes:
                yield it, it.lineno, "the name in the certificate is not verified"


def _is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is False


def _is_server(function: ast.AST | None) -> bool:
    """Whether the context is a server's, which asks its callers for no certificate."""
    nodes = every(function) if function is not None else ()
    return any(isinstance(it, ast.Attribute) and it.attr in _OF_SERVERS for it in nodes)


def _is_local(call: ast.Call) -> bool:
    given = [*call.args, *(it.value for it in call.keywords if it.arg in ("url", "base_url"))]
    texts = [
        str(node.value)
        for it in given
        for node in every(it)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    return any(LOCAL.search(it) for it in texts)


def _is_asked_for(source: Source, node: ast.AST) -> bool:
    """Whether it is an option: it stands below a condition that asks whether to verify."""
    if source.is_guarded(node):
        return True
    for _ in range(100):
        parent = source.parents.get(node)
        if parent is None or isinstance(parent, ast.FunctionDef | ast.AsyncFunctionDef):
            return False
        if isinstance(parent, ast.If | ast.IfExp) and mentions(parent.test, _OPT_OUT):
            return True
        node = parent
    return False


def _is_named_so(source: Source, node: ast.AST) -> bool:
    """Whether the function around says in its name that it is not for production."""
    function = source.function(node)
    name = getattr(function, "name", "").lower()
    return any(word in name for word in (*_OPT_OUT[1:], "dev", "test"))
