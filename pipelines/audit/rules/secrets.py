"""Credentials that anybody can read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipelines.audit.findings import Fault, Severity
from pipelines.audit.model import Model
from pipelines.audit.model.roles import Role, role
from pipelines.audit.model.secrets import Where, Written
from pipelines.audit.model.secrets.credentials import (
    Kind,
    is_common,
    is_first_try,
    is_random,
    is_secret_name,
    names_itself,
)
from pipelines.audit.place import Place
from pipelines.audit.rule import Rule, rule


@rule("SEC001", "hardcoded-secret", Severity.HIGH)
def hardcoded_secret(model: Model) -> Iterator[Fault]:
    """A password, token or key is written in a file that Git tracks.

    Why: whoever can read the repository, today or in its history, can log in. It cannot be changed
    without a commit, and every environment shares it.

    Example:

        environment:
          POSTGRES_PASSWORD: hunter2

    Mend: take the value from the environment (`${POSTGRES_PASSWORD:?}`), a secret file
    (`POSTGRES_PASSWORD_FILE`) or the platform's secrets, and change the credential: it is known.
    """
    for it, severity in _worth_saying(model, is_default=False):
        yield Fault(
            it.place,
            f"{_holder(it)} is written in the file",
            _remedy(it),
            service=it.service,
            severity=severity,
        )


@rule("SEC002", "secret-default", Severity.HIGH)
def secret_default(model: Model) -> Iterator[Fault]:
    """A secret has a default that works when nobody sets it.

    Why: a forgotten variable is no error; the system starts, and anybody who reads the repository
    knows its password.

    Example:

        POSTGRES_PASSWORD: ${POSTGRES_PASSWORD:-postgres}

    Mend: refuse to start without it: `${POSTGRES_PASSWORD:?set it}` in Compose,
    `os.environ["POSTGRES_PASSWORD"]` in Python, a check that throws in JavaScript.
    """
    for it, severity in _worth_saying(model, is_default=True):
        yield Fault(
            it.place,
            f"{_holder(it)} has a working default",
            _remedy(it),
            service=it.service,
            severity=severity,
        )


def _worth_saying(model: Model, *, is_default: bool) -> Iterator[tuple[Written, Severity]]:
    """One for each line: a line is mended once."""
    said: set[Place] = set()
    opening = {it.value for it in model.secrets if it.where is Where.DEPLOYMENT}
    for it in model.secrets:
        if it.is_default is not is_default or it.place in said:
            continue
        is_key = it.where is Where.SOURCE and it.value in opening and _is_ours(it)
        severity = Severity.HIGH if is_key else _severity(it)
        if severity is not None:
            said.add(it.place)
            yield it, severity


def _is_ours(it: Written) -> bool:
    """Whether what opens something in the deployment is meant here, and no word that reads so."""
    is_plain = role(it.place.file) is Role.PRODUCTION and not _TRIED.search(it.place.file)
    return is_plain and not names_itself(it.name, it.value)


def _holder(it: Written) -> str:
    if not it.what:
        return it.name
    return f"{it.what} in {it.name}" if it.name else it.what


def _remedy(it: Written) -> str:
    name = it.name if it.name and not it.name.startswith("-") else "it"
    if it.where is Where.FILE:
        return "remove the file from Git, give the key to the service as a secret, and replace it"
    if it.where is Where.DEPLOYMENT and it.is_default:
        return f"write `${{{name}:?set {name}}}`, so that nothing starts without it"
    if it.where is Where.SOURCE and it.is_default:
        return f"read {name} without a default, so that nothing starts without it"
    if it.where is Where.PIPELINE:
        return "use `${{ secrets.NAME }}`, and replace the credential"
    return f"take {name} from the environment or a secret file, and replace the credential"


def _severity(it: Written) -> Severity | None:
    """How bad it is there; None for what cannot be told from a text that only looks like one."""
    if role(it.place.file) is Role.EXAMPLE and it.kind is Kind.CHANGE:
        return None
    if "salt" in it.name.lower() and it.where not in (Where.DEPLOYMENT, Where.VARIABLES):
        return None
    if "Google" in it.what:  # what a browser or a telephone is given is no secret
        return None if it.place.file.endswith("google-services.json") else Severity.LOW
    is_formed = it.what and it.where not in (Where.PIPELINE, Where.SCRIPT)
    severity = Severity.HIGH if is_formed else _BY_PLACE[it.where](it)
    is_tried = severity is not None and _TRIED.search(it.place.file)
    return Severity.LOW if is_tried else severity


def _deployed(it: Written) -> Severity | None:
    is_theirs = "API_KEY" in it.name.upper() or it.name.upper().endswith("TOKEN")
    return Severity.LOW if it.kind is Kind.CHANGE and is_theirs else Severity.HIGH


def _configured(it: Written) -> Severity | None:
    if it.kind is Kind.CHANGE:
        return Severity.LOW
    if _NAME_OF_ONE.fullmatch(it.value) and is_secret_name(it.value):
        return Severity.LOW  # rather what a secret is called
    if names_itself(it.name, it.value) or " " in it.value:
        return Severity.LOW if is_first_try(it.value) else None
    return Severity.HIGH if is_random(it.value) or is_common(it.value) else None


def _piped(it: Written) -> Severity | None:
    """What a pipeline only tests with opens nothing."""
    if it.what and not it.what.startswith("the password"):
        return Severity.HIGH
    is_strong = (
        not _TESTED.search(it.place.file)
        and is_random(it.value)
        and not is_common(it.value)
        and it.kind is Kind.WORKING
    )
    return Severity.MEDIUM if is_strong else None


def _in_source(it: Written) -> Severity | None:
    if it.is_default:
        return _deployed(it)
    if it.kind is Kind.CHANGE:
        return Severity.HIGH if it.name.isupper() else None
    if names_itself(it.name, it.value):
        return None
    if it.name.isupper() and not _SAMPLE.search(it.name):
        return Severity.HIGH if is_random(it.value) or is_common(it.value) else None
    if is_random(it.value) and not _SAMPLE.search(it.value):
        return Severity.HIGH
    return Severity.LOW if is_first_try(it.value) else None


def _scripted(it: Written) -> Severity | None:
    if it.what and not it.what.startswith("the password"):
        return Severity.HIGH
    if it.kind is Kind.CHANGE or it.what:
        return Severity.LOW
    if is_random(it.value):
        return Severity.HIGH
    is_run = _RUN.search(it.place.file) and not _TESTED.search(it.place.file)
    return (Severity.HIGH if is_run else Severity.LOW) if is_common(it.value) else None


# Scripts that a container runs; others are for a developer's machine.
_RUN = re.compile(r"(?i)entry-?point|docker|start|deploy|init|run")
# Code that stands in for the real one, or fills a database to try it.
_TRIED = re.compile(
    r"(?i)(?:^|[/_.-])(?:mock|bench|seeds?|seeders?|fake|stress|sandbox|dev|development"
    r"|local)[/_.-]"
)
_NAME_OF_ONE = re.compile(r"[a-z]+(?:[_-][a-z]+)+")
_SAMPLE = re.compile(r"(?i)abc|xyz|foo|bar|123|test|demo|sample|preview|mock|fake")
_TESTED = re.compile(r"(?i)e2e|playwright|cypress|test|integration")

_BY_PLACE = {
    Where.DEPLOYMENT: _deployed,
    Where.VARIABLES: _deployed,
    Where.CONFIGURATION: _configured,
    Where.PIPELINE: _piped,
    Where.SOURCE: _in_source,
    Where.SCRIPT: _scripted,
    Where.FILE: _deployed,
}

RULES: tuple[Rule, ...] = (hardcoded_secret, secret_default)
