"""Health checks that cannot run, or cannot fail."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterator
from typing import NamedTuple

from pipelines.audit.findings import Also, Confidence, Fault, Severity
from pipelines.audit.model import Model
from pipelines.audit.model.compose import each
from pipelines.audit.model.containers import probes
from pipelines.audit.model.containers.images import Entry, Image
from pipelines.audit.model.containers.probes import Probe
from pipelines.audit.model.shell import Command
from pipelines.audit.place import Place
from pipelines.audit.rule import Rule, rule


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Programs of a system: an image has them, or somebody installed them by name.
_TOOLS = _names("""
    curl wget nc ncat netcat telnet ps pgrep pidof ping ss netstat lsof nslookup dig bash sh ash
    pg_isready psql redis-cli valkey-cli mysql mysqladmin mariadb mariadb-admin mongo mongosh jq
    python python3 node perl php ruby java http grpc_health_probe grpcurl socat openssl fuser
    healthcheck.sh rabbitmq-diagnostics rabbitmqctl mosquitto_sub mosquitto_pub cqlsh ldapsearch
    """)
_BUILTINS = _names("""
    [ [[ : . alias break case cd command continue echo eval exec exit export false for if printf
    read return set shift test trap true type unset wait while source kill pwd let local umask times
    """)
_BINS = ("/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin")
_HELP = frozenset(("-h", "--help", "help", "-help", "-v", "-V", "--version", "version", "-version"))
_SHORT_HELP = frozenset(("-?",))
_IDLE = frozenset(("true", ":", "echo", "printf", "sleep", "date", "pwd", "whoami", "hostname"))
_ALWAYS = re.compile(
    r"(?:\|\||;|\n|(?<!&)&(?!&))\s*(true|:|exit\s+0|echo\b[^|&;\n)}]*|printf\b[^|&;\n)}]*)\s*;?\s*$"
)
_ENDS_WELL = re.compile(r"\s*(true|:|exit\s+0)\s*;?\s*$")
_NODE_IDLE = re.compile(r"\s*(process\.exit\(0?\)|console\.log\([^()]*\))?\s*;?\s*")
_FAILS = re.compile(r"-[a-zA-Z]*f[a-zA-Z]*|--fail(-with-body|-early)?")
_INSTALLS = re.compile(r"\b(apk\s+add|apt-get\s+.*install|apt\s+install|(yum|dnf)\s+install)")


def _probes(model: Model) -> Iterator[Probe]:
    for _, service in each(model.projects):
        if found := probes.of_service(service, model.image(service)):
            yield found
    for image in model.images:
        if found := probes.of_image(image):
            yield found
    yield from probes.of_containers(model.kubernetes.manifests, model.images)


@rule("REL002", "probe-binary-missing", Severity.HIGH)
def probe_binary_missing(model: Model) -> Iterator[Fault]:
    """A health check calls a program that its image does not have.

    Why: the check fails every time, so the container is never healthy: whatever waits for it
    (`service_healthy`, a rolling update, a load balancer) waits forever, and the restart loop looks
    like a fault of the service. Slim and Alpine images have neither curl nor, some of them, wget.

    Example:

        image: python:3.12-slim
        healthcheck:
          test: ["CMD-SHELL", "curl -f http://localhost:8000/health || exit 1"]

    Mend: ask with a program that the image has (`python -c "import urllib.request; ..."`, `wget -q
    -O- URL` on Alpine, the server's own client), or install the program in the final stage.
    """
    lacking: dict[tuple[Place, str], list[tuple[Probe, bool]]] = {}
    for probe in _probes(model):
        missing = _missing(probe)
        if missing is not None and not _is_installed_at_start(probe.image, missing.program):
            where = lacking.setdefault((probe.place, missing.program), [])
            where.append((probe, missing.is_certain))
    without_image = _without_image(model)
    # One probe may be merged into many services: it is mended once.
    for (place, program), found in lacking.items():
        certain = [probe for probe, is_certain in found if is_certain]
        if certain:
            yield _absent(certain, program)
        elif place not in without_image:
            yield _unknown(found[0][0], program)


def _without_image(model: Model) -> frozenset[Place]:
    """The probes of services whose build cannot work anyhow."""
    return frozenset(
        image.health.place
        for project in model.projects
        for service in project.services.values()
        if model.lacks_build(service) and (image := model.image(service)).health is not None
    )


class _Missing(NamedTuple):
    program: str
    is_certain: bool


def _absent(probes_: list[Probe], program: str) -> Fault:
    probe = probes_[0]
    image = probe.image
    where = f"of {image.reference}"
    if image.is_built:
        where = f"and nothing installs it on {image.reference}"
    services = {it.service for it in probes_}
    return Fault(
        probe.place,
        f"the health check calls `{program}`, which is not in the image {where}",
        _instead(image, program),
        also=tuple(
            dict.fromkeys(Also(it.image.place, _without(it.image, program)) for it in probes_)
        ),
        service=probe.service if len(services) == 1 else "",
    )


def _without(image: Image, program: str) -> str:
    if image.is_built:
        return f"the image, from {image.reference}: nothing here installs `{program}`"
    return f"this image has no `{program}`"


def _unknown(probe: Probe, program: str) -> Fault:
    image = probe.image
    return Fault(
        probe.place,
        f"the health check calls `{program}`, and whether {image.reference or 'the base image'}"
        " has that is unknown",
        f"look whether the image has `{program}`: run `{program} --version` in it",
        also=(Also(image.place, "the image"),),
        service=probe.service,
        confidence=Confidence.UNKNOWN,
    )


def _instead(image: Image, program: str) -> str:
    """What to do, with what the image has."""
    if program in ("curl", "wget", "nc", "http"):
        if image.has("python"):
            return (
                'ask with Python: ["CMD", "python", "-c", "import urllib.request as r;'
                " r.urlopen('http://localhost:PORT/health', timeout=3)\"], or install"
                f" {program} in the final stage"
            )
        if image.has("wget"):
            return f"ask with `wget -q -O /dev/null URL`, or install {program} in the final stage"
        if image.has("curl"):
            return f"ask with `curl -f URL`, or install {program} in the final stage"
        if image.has("node"):
            return f"ask with `node -e` and fetch, or install {program} in the final stage"
    if not image.has("sh"):
        return "the image has no shell: let the service's own program answer, or probe from outside"
    return f"install `{program}` in the image, or ask with a program that it has"


def _missing(probe: Probe) -> _Missing | None:
    """The program without which the probe cannot succeed, and whether that is certain."""
    entry, image = probe.entry, probe.image
    if entry.is_shell and image.has("sh") is False:
        return _Missing("sh", is_certain=True)
    shell = entry.words[0].rpartition("/")[2] if entry.words else ""
    if not entry.is_shell and _is_explicit(entry) and image.has(shell) is False:
        return _Missing(shell, is_certain=True)
    texts = entry.text.split("||") if entry.is_shell or _is_explicit(entry) else [""]
    first: _Missing | None = None
    for alternative in _alternatives(probe, len(texts)):
        if not alternative:
            continue
        found = next((it for it in (_lack(probe, command) for command in alternative) if it), None)
        if found is None:
            return None
        first = first or found
    return first


def _is_explicit(entry: Entry) -> bool:
    """Whether it is `sh -c TEXT`, word by word."""
    words = entry.words
    is_shell = bool(words) and words[0].rpartition("/")[2] in ("sh", "bash", "ash", "dash")
    return is_shell and len(words) > 2 and bool(re.fullmatch(r"-[a-z]*c[a-z]*", words[1]))


def _alternatives(probe: Probe, count: int) -> Iterator[list[Command]]:
    """The commands on either side of each `||`: one side that works is enough."""
    commands = [it for it in probe.entry.script().commands if it.program not in _BUILTINS]
    if count < 2:
        yield commands
        return
    texts = [" ".join(text.split()) for text in probe.entry.text.split("||")]
    for index, text in enumerate(texts):
        yield [it for it in commands if _side(it, texts) == index and text]


def _side(command: Command, texts: list[str]) -> int:
    """On which side of the `||` a command stands; the first where its program is named."""
    second = command.words[1] if len(command.words) > 1 else ""
    for index, text in enumerate(texts):
        if command.words[0] in text and second in text:
            return index
    return 0


def _lack(probe: Probe, command: Command) -> _Missing | None:
    """Whether a command's program is missing from the image."""
    image, program, path = probe.image, command.program, command.words[0]
    if not program or "$" in path or "{{" in path or program in _BUILTINS:
        return None
    folder = posixpath.dirname(path)
    if folder and folder not in _BINS:
        return None
    if any(posixpath.basename(it) == program or it in _BINS for it in probe.targets):
        return None
    has = image.has(program)
    if has:
        return None
    if program not in _TOOLS:
        # A name that only the image's maker knows: the server itself, its own tool.
        return None
    return _Missing(program, is_certain=has is False)


def _is_installed_at_start(image: Image, program: str) -> bool:
    text = image.entry.text if image.entry else ""
    return program in text and bool(_INSTALLS.search(text))


@rule("REL003", "probe-vacuous", Severity.MEDIUM)
def probe_vacuous(model: Model) -> Iterator[Fault]:
    """A health check succeeds whatever the service does.

    Why: it says "healthy" of a service that is down, so nothing waits, nothing restarts, and no
    alarm goes off. A check that only asks a program for its version tests the image, not what runs.

    Example:

        healthcheck:
          test: ["CMD-SHELL", "mosquitto -h > /dev/null 2>&1 || exit 1"]

    Mend: ask the running service for something: its health route (`curl -f`, so that an HTTP error
    counts), its own ping (`pg_isready`, `redis-cli ping`, `mosquitto_sub -t '$SYS/#' -C 1`).
    """
    seen = set()
    for probe in _probes(model):
        if probe.place in seen:
            continue
        seen.add(probe.place)
        why = _why_always(probe.entry) or _why_only_asks(probe.entry)
        if why:
            yield Fault(
                probe.place,
                f"the health check {why}",
                "ask the running service for something that fails when it is down",
                also=_also(probe),
                service=probe.service,
            )
        elif _passes_errors(probe.entry):
            yield Fault(
                probe.place,
                "the health check takes an HTTP error for an answer: `curl` without -f",
                "write `curl -f`, so that a status of 400 and above counts as a failure",
                also=_also(probe),
                service=probe.service,
                severity=Severity.LOW,
            )


def _also(probe: Probe) -> tuple[Also, ...]:
    return (Also(probe.image.place, "the image it is asked of"),) if probe.image.place.file else ()


def _why_always(entry: Entry) -> str:
    """Why it always succeeds; "" when it can fail."""
    text = entry.text.strip()
    is_shell = entry.is_shell or _is_explicit(entry)
    if is_shell and (match := _ALWAYS.search(text)):
        return f"always succeeds: it ends with `{' '.join(match[0].split()).rstrip(';')}`"
    if is_shell and _ENDS_WELL.fullmatch(text):
        return f"always succeeds: it is `{text}`"
    if "/dev/tcp/" in text or "/dev/udp/" in text:  # bash opens a connection to write there
        return ""
    commands = entry.script().commands
    if commands and all(_is_idle(command) for command in commands):
        return f"always succeeds: `{_short(commands[-1])}` asks nothing of the service"
    return ""


def _is_idle(command: Command) -> bool:
    words = command.words
    if command.program == "exit":
        return words[1:2] in ((), ("0",))
    if command.program in _IDLE:
        return True
    if len(words) == 3 and words[1] == "-c" and command.program.startswith("python"):
        return _is_idle_python(words[2])
    if len(words) == 3 and words[1] in ("-e", "--eval") and command.program == "node":
        return bool(_NODE_IDLE.fullmatch(words[2]))
    return False


def _is_idle_python(code: str) -> bool:
    """Whether the code only imports, prints, and ends well."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return all(_is_idle_statement(it) for it in tree.body)


def _is_idle_statement(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Import | ast.ImportFrom | ast.Pass):
        return True
    if not isinstance(statement, ast.Expr) or not isinstance(statement.value, ast.Call):
        return False
    call = statement.value
    name = ast.unparse(call.func)
    arguments = [ast.unparse(it) for it in call.args]
    if name == "print":
        return all(isinstance(it, ast.Constant) for it in call.args)
    return name in ("exit", "sys.exit", "quit") and arguments in ([], ["0"])


def _why_only_asks(entry: Entry) -> str:
    """Which program is only asked for its help or version; "" when something else is asked."""
    commands = [it for it in entry.script().commands if it.program not in _BUILTINS]
    if commands and all(_only_asks(command) for command in commands):
        return f"only asks a program about itself: `{_short(commands[0])}`"
    return ""


def _only_asks(command: Command) -> bool:
    return len(command.words) == 2 and command.words[1] in _HELP | _SHORT_HELP


def _short(command: Command) -> str:
    text = " ".join(command.words)
    return text if len(text) <= 60 else f"{text[:60]}..."


def _passes_errors(entry: Entry) -> bool:
    """Whether curl is asked without -f, and nobody looks at what it says."""
    if "|" in entry.text.replace("||", "") or "http_code" in entry.text or "$(" in entry.text:
        return False
    calls = [it for it in entry.script().commands if it.program not in _BUILTINS]
    return bool(calls) and all(
        it.program == "curl"
        and any("http" in word or "localhost" in word for word in it.words)
        and not any(_FAILS.fullmatch(word) for word in it.words)
        for it in calls
    )


RULES: tuple[Rule, ...] = (probe_binary_missing, probe_vacuous)
