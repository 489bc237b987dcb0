"""Verification that a command turns off: in images, workflows, Makefiles, scripts, packages."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipelines.audit.findings import Fault, Severity
from pipelines.audit.model import Model
from pipelines.audit.model.roles import Role, role
from pipelines.audit.model.shell import Command, Script, parse
from pipelines.audit.place import Place
from pipelines.audit.rules.verification import LOCAL, PROBE, REMEDY

_WORDS = ("curl", "insecure", "no-check-certificate", "sslverify", "trusted-host", "strict-ssl")
# Letters of curl that take no value, so that others may stand behind them: `-fsSk`.
_CLUSTER = re.compile(r"-[aBfgGiIjlLMnNOqRsSvV0-9#]*k[a-zA-Z#0-9]*")
_KUBERNETES = ("--insecure-skip-tls-verify", "--kube-insecure-skip-tls-verify")


def faults(model: Model) -> Iterator[Fault]:
    """One for each command; probes of Compose ask their own container and are not looked at."""
    files = frozenset(
        file
        for file in model.words.holding(*_WORDS)
        if role(file) in (Role.PRODUCTION, Role.DEVELOPMENT)
    )
    seen: set[Place] = set()
    for script in _scripts(model, files):
        for command in script.commands:
            message, severity = _message(command)
            if message and command.place not in seen:
                seen.add(command.place)
                yield Fault(command.place, message, REMEDY, severity=severity)


def _scripts(model: Model, files: frozenset[str]) -> Iterator[Script]:
    for file in sorted(files):
        if file.endswith((".sh", ".bash")) and not PROBE.search(file):
            yield parse(model.tracked.text(file) or "", Place(file))
    yield from (it for it in _of_images(model, files))
    for workflow in model.workflows if any("/" in it for it in files) else ():
        if workflow.file in files:
            for job in workflow.jobs.values():
                yield from (step.script for step in job.steps if step.script is not None)
    for makefile in model.makefiles.values() if files else ():
        if makefile.file in files:
            for target in makefile.targets.values():
                yield from (line.script for line in target.recipe)
    for package in model.packages.values() if files else ():
        if package.file in files:
            yield from package.scripts.values()


def _of_images(model: Model, files: frozenset[str]) -> Iterator[Script]:
    for dockerfile in model.dockerfiles.values() if files else ():
        for stage in dockerfile.stages if dockerfile.file in files else ():
            for instruction in stage.instructions:
                if instruction.name == "RUN" and not instruction.is_json:
                    yield parse(instruction.text, instruction.place)


def _message(command: Command) -> tuple[str, Severity | None]:
    """What a command does not verify; "" for one that does, or that asks its own machine."""
    words = command.words
    if any(LOCAL.search(word) for word in words):
        return "", None
    given = set(words)
    program = command.program
    if program == "curl" and ("--insecure" in given or any(map(_CLUSTER.fullmatch, words[1:]))):
        return "curl does not verify the certificate", None
    if program == "wget" and "--no-check-certificate" in given:
        return "wget does not verify the certificate", None
    if program == "git" and _git(words):
        return "Git does not verify certificates (http.sslVerify)", None
    if _is_pip(words) and any(word.startswith("--trusted-host") for word in words):
        return "pip installs from a host that it does not verify", Severity.MEDIUM
    if program in ("npm", "yarn", "pnpm") and _npm(words):
        return f"{program} does not verify the registry (strict-ssl)", None
    if program in ("kubectl", "helm", "oc", "argocd") and _kubernetes(words):
        return f"{program} does not verify the cluster's certificate", None
    return "", None


def _git(words: tuple[str, ...]) -> bool:
    text = " ".join(words).lower()
    return bool(re.search(r"http\.(\S+\.)?sslverify[= ]\"?(false|0)\b", text))


def _is_pip(words: tuple[str, ...]) -> bool:
    names = [word.rpartition("/")[2] for word in words[:4]]
    return any(name in ("pip", "pip3", "uv") for name in names)


def _npm(words: tuple[str, ...]) -> bool:
    text = " ".join(words).lower()
    return bool(re.search(r"strict-ssl[= ]\"?false\b", text))


def _kubernetes(words: tuple[str, ...]) -> bool:
    return any(word in (it, f"{it}=true") for word in words for it in _KUBERNETES)
