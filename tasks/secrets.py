"""Secrets of an environment: made, looked at, replaced; no value is ever printed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

from invoke.context import Context

from pipelines import compose, console
from pipelines.checkout import git
from pipelines.compose.model import Project
from pipelines.deploy import renewal
from pipelines.deploy.site import parts
from pipelines.documents.nearest import nearest
from pipelines.environments import known, load
from pipelines.errors import ConfigError, PolicyError
from pipelines.ledger import Ledger
from pipelines.root import find_root
from pipelines.secrets import check as checks, choice, declaration, delivery, initial, record
from pipelines.secrets.generate import FOR_DEVELOPMENT, GENERATORS
from pipelines.secrets.initial import Outcome
from pipelines.secrets.provider import Phase, Provider
from pipelines.secrets.record import Change
from pipelines.secrets.rotation import Takes
from tasks._task import task
from tasks.deploy import ENGINE, place_of

ENV = {"environment": "which one; `environments/NAME.yaml` describes it"}


class Place(NamedTuple):
    """An environment with its provider, its Compose project, and the secrets that it needs."""

    root: Path
    environment: str
    provider: Provider
    project: Project
    names: frozenset[str]
    ledger: Ledger


@task(positional=["environment"], help={**ENV, "alone": "not also for those that follow it"})
def init(c: Context, environment: str, alone: bool = False) -> None:
    """Make every secret that is missing and can be made; what is there is left alone.

    So too for the environments that are promoted to from this one.

    Example: inv secrets.init staging
    """
    for name in (environment, *([] if alone else _followers(environment))):
        place = _place(name)
        for it in initial.init(place.project, place.names, place.provider):
            console.result(f"{name}: {it.name}: {it.outcome.value} {it.version}".rstrip())
            if it.outcome is Outcome.MADE:
                _record(place, Change.MADE, it.name, it.version)


@task(
    positional=["name"],
    help={
        "name": "of the secret",
        "env": "of which environment",
        "use": "make it current now, for the next release that is deployed",
    },
)
def put(c: Context, name: str, env: str = "", use: bool = False) -> None:
    """Take a value from standard input; it is current at once where there is none yet.

    Example: inv secrets.put pagerduty_key --env production < file
    """
    place = _place(env)
    if name not in place.project.secrets:
        raise ConfigError(f"no secret called {name!r} in {place.project.file}")
    value = sys.stdin.buffer.read().rstrip(b"\n")
    if not value:
        raise ConfigError(
            "no value on standard input", hint="inv secrets.put NAME --env ENV < FILE"
        )
    version = place.provider.add(name, value)
    _record(place, Change.PUT, name, version)
    if use:
        place.provider.use(name, version)
        _record(place, Change.USED, name, version)
    is_current = any(
        it.id == version and it.phase is Phase.CURRENT for it in place.provider.versions(name)
    )
    mend = "" if is_current else f"; `inv secrets.rotate {name} --env {env}` makes it current"
    console.result(f"{name}: version {version} of {environment_of(place)}{mend}")


@task(positional=["environment"], help=ENV)
def check(c: Context, environment: str) -> None:
    """Look at every secret: there, strong, young, private, in no tracked file; it is recorded.

    Example: inv secrets.check staging
    """
    place = _place(environment)
    every = declaration.declared(place.project)
    needed = {name: it for name, it in every.items() if name in place.names}
    tracked = [place.root / file for file in git.files(str(place.root))]
    folder = delivery.folder(place.root, environment)
    found = checks.check(needed, place.provider, folder, tracked)
    record.checked(place.ledger, environment, found)
    for it in found:
        console.result(f"{it.declaration.name}: {it.trouble or 'well'}")
    wrong = list(declaration.disagreements(place.project))
    for disagreement in wrong:
        console.result(str(disagreement))
    console.progress(checks.history(place.root))
    troubled = sum(not it for it in found) + len(wrong)
    if troubled:
        raise PolicyError(f"trouble with {troubled} secrets of {environment}")


@task(positional=["environment"], help=ENV)
def audit(c: Context, environment: str) -> None:
    """Show who changed which secret when, by version ids and fingerprints; no values.

    Example: inv secrets.audit staging
    """
    place = _place(environment)
    rows = [
        (
            it.ended,
            f"{it.summit['where'].get('by', '')}@{it.summit['where']['host']}",
            it.details["change"],
            it.details["secret"],
            it.details["version"],
            it.details["fingerprint"],
        )
        for it in record.changes(place.ledger, environment)
    ]
    columns = ("when", "who", "what", "secret", "version", "fingerprint")
    console.result(console.table(columns, rows) if rows else "nothing recorded")


def _followers(environment: str) -> list[str]:
    """The environments whose policies ask for the same digests as this one's."""
    root = find_root(Path.cwd())
    return [
        name
        for name in known(root)
        if any(it.same_digests_as == environment for it in load(root, name).policy)
    ]


def environment_of(place: Place) -> str:
    """The environment in a few words: its name, and what keeps its secrets."""
    return f"{place.environment} ({place.provider.name})"


def _place(environment: str) -> Place:
    root = find_root(Path.cwd())
    described = load(root, environment)
    project = compose.of(root, environ=dict(described.variables))
    names = delivery.granted(parts(project, described.profiles).services)
    provider = choice.of(root, environment, described.secrets)
    return Place(root, environment, provider, project, names, Ledger.at(root))


def _record(place: Place, done: Change, name: str, version: str) -> None:
    value = place.provider.read(name, version)
    record.change(place.ledger, place.environment, done, name=name, version=version, value=value)


@task(
    positional=["name"],
    help={
        "name": "of the secret",
        "env": "of which environment",
        **ENGINE,
        "wait": "seconds to wait for a deploy to end (default: not at all)",
    },
)
def rotate(c: Context, name: str, env: str = "", engine: str = "", wait: float = 0.0) -> None:
    """Replace a secret while it is in use: the new one works before the old one is revoked.

    Example: inv secrets.rotate fabric_db_password --env staging
    """
    deployed = place_of(env, engine)
    declared = declaration.declared(_place(env).project)
    if name not in declared:
        raise ConfigError(f"no secret called {name!r}", hint=nearest(name, declared))
    kind = declared[name].generate

    def make() -> bytes:
        if kind in GENERATORS and kind not in FOR_DEVELOPMENT:
            return GENERATORS[kind]()
        raise ConfigError(
            f"nobody but its owner can make {name!r}",
            hint=f"inv secrets.put {name} --env {env} < FILE, then rotate",
        )

    refused = renewal.rotate(deployed, name, make=make, say=console.progress, wait=wait)
    seen = "and was seen to be refused" if refused is Takes.NO else "nobody could be asked with it"
    console.result(f"{name}: replaced; the old value is revoked, {seen}")


@task()
def providers(c: Context) -> None:
    """Show what can keep secrets, and how far each is shown to work.

    Example: inv secrets.providers
    """
    console.result(console.table(("provider", "shown to work"), list(choice.PROVEN.items())))
