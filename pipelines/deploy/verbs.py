"""What is done with an environment: each verb under its lock, and on record when it has ended."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from pipelines.deploy import standing
from pipelines.deploy.admission import newest_move
from pipelines.deploy.bake import Inconclusive
from pipelines.deploy.choice import engine_of
from pipelines.deploy.engine import Engine, Say
from pipelines.deploy.journal import Journal
from pipelines.deploy.lock import Lock, Superseded
from pipelines.deploy.machine import DEPLOY, ROLLBACK, Machine, NotNoted
from pipelines.deploy.site import Site, parts
from pipelines.environments import Environment
from pipelines.errors import ConfigError, MachineError, SummitError
from pipelines.ledger import Ledger
from pipelines.ledger.attest import Claim, attest
from pipelines.release import Release, configuration, find
from pipelines.secrets import choice as providers, declaration, delivery
from pipelines.secrets.check import check
from pipelines.secrets.provider import Provider
from pipelines.secrets.record import checked

UNLOCK = "unlock"


class NotOnRecord(MachineError):
    """The release serves, and the ledger does not say so: nothing can be promoted on that."""

    def __init__(self, environment: str, release: Release, error: MachineError) -> None:
        super().__init__(
            f"release {release.short} serves in {environment}, which is not on record: {error}",
            hint=f"then `inv deploy {environment} --release {release.short}` records it",
        )


@dataclass(frozen=True)
class Place:
    """An environment of a repository, with the ledger that its releases are in."""

    site: Site
    engine: Engine
    ledger: Ledger

    @property
    def environment(self) -> Environment:
        return self.site.environment

    @property
    def lock(self) -> Lock:
        return Lock(self.site.state, self.environment.name)

    def release(self, id_: str) -> Release:
        """The release of this id, or of the beginning of one. Raises `ConfigError`."""
        return find(self.ledger, id_)


def place(root: Path, environment: Environment, ledger: Ledger, *, engine: str = "") -> Place:
    """The place of an environment; `engine` overrides the one that it names.

    Raises `ConfigError` for an unknown engine.
    """
    chosen = replace(environment, engine=engine) if engine else environment
    site = Site(root, chosen, delivery.folder(root, chosen.name))
    return Place(site, engine_of(site), ledger)


def deploy(place: Place, release: Release, *, say: Say, wait: float = 0.0) -> None:
    """Have the release serve. Raises as `Machine.deploy` does, `Held`, `NotOnRecord`."""
    with _machine(place, say, wait) as machine:
        if _serves(place, release):
            say(f"release {release.short} serves already")
            return
        with _recorded(place, DEPLOY, machine, release):
            machine.deploy(release)


def resume(place: Place, *, say: Say, wait: float = 0.0) -> None:
    """Go on with what a deploy left unfinished. Raises as `deploy` does."""
    with _machine(place, say, wait) as machine:
        left = machine.journal.open_attempt()
        if left is None:
            raise ConfigError(f"nothing was left unfinished in {place.environment.name}")
        release = place.release(left.opened.release)
        with _recorded(place, left.opened.kind, machine, release):
            machine.resume()


def roll_back(place: Place, *, to: str = "", say: Say, wait: float = 0.0) -> Release:
    """Have the release before serve again, or the one named; returns it."""
    with _machine(place, say, wait) as machine:
        target = to or standing.read(place.site.state).previous
        if not target:
            raise ConfigError(
                f"{place.environment.name} has no release before this one",
                hint="`inv rollback ENV --to RELEASE` names one",
            )
        release = place.release(target)
        with _recorded(place, ROLLBACK, machine, release):
            machine.roll_back(release)
        return release


def unlock(place: Place, reason: str) -> str:
    """Take the lock away from whoever holds it, and leave that on record; returns whose it was."""
    if not reason.strip():
        raise ConfigError("no reason given", hint="inv unlock ENV --reason 'why'")
    before = place.lock.take_away()
    if before is None:
        return ""
    details = {"reason": reason, "lease": msgspec.to_builtins(before)}
    document = {"environment": place.environment.name, **details}
    attest(
        place.ledger,
        Claim(
            step=UNLOCK,
            component=place.environment.name,
            subjects=_subjects(place),
            document=msgspec.json.encode(document, order="sorted"),
            message=reason,
            details=details,
        ),
    )
    return f"{before.owner} (process {before.pid})"


def down(place: Place, *, volumes: bool, wait: float = 0.0) -> None:
    """Stop the environment. Its next deploy is a first one."""
    with place.lock.held(wait=wait) as fence, fence.passed():
        place.engine.close()
        place.engine.down(volumes=volumes)
        standing.write(place.site.state, standing.Standing())
        Journal(place.site.state / "journal.jsonl").remove()
    delivery.withdraw(place.site.secrets)


def _serves(place: Place, release: Release) -> bool:
    """Whether there is nothing to do: it serves by decision, in fact and on record, and is well."""
    recorded = newest_move(place.ledger, place.environment.name)
    return (
        standing.read(place.site.state).release == release.id == place.engine.serving()
        and Journal(place.site.state / "journal.jsonl").open_attempt() is None
        and not place.engine.ailing(release.id)
        and recorded is not None
        and recorded.subjects["release"] == release.subjects["release"]
    )


def provider_of(place: Place) -> Provider:
    """What keeps the environment's secrets. Raises `ConfigError`."""
    return providers.of(place.site.root, place.environment.name, place.environment.secrets)


def deliver(place: Place, release: Release) -> None:
    """Have every secret of the release where its services will read it, and a check on record."""
    project = place.site.project(release)
    services = parts(project, place.environment.profiles).services
    provider = provider_of(place)
    delivery.deliver(services, provider, place.site.secrets)
    every = declaration.declared(place.site.described(release))
    needed = {name: every[name] for name in delivery.granted(services)}
    sources = place.site.source(release.id)
    tracked = [file for file in sources.rglob("*") if file.is_file()]
    checked(
        place.ledger, place.environment.name, check(needed, provider, place.site.secrets, tracked)
    )


@contextmanager
def _machine(place: Place, say: Say, wait: float) -> Iterator[Machine]:
    with place.lock.held(wait=wait) as fence:
        yield Machine(
            place.site, place.engine, fence, place.release, lambda it: deliver(place, it), say
        )


@contextmanager
def _recorded(place: Place, kind: str, machine: Machine, release: Release) -> Iterator[None]:
    """Leave evidence of how it ended. What is only paused, or another's by now, has not ended."""
    began = time.time()
    try:
        yield
    except (Inconclusive, Superseded, NotNoted):
        raise
    except (SummitError, KeyboardInterrupt, SystemExit) as error:
        try:
            _attest(place, kind, machine, release, began, failure=str(error) or "interrupted")
        except MachineError as unwritten:  # how it ended is more than that it is not on record
            machine.say(f"not on record: {unwritten}")
        raise
    try:
        _attest(place, kind, machine, release, began)
    except MachineError as error:
        raise NotOnRecord(place.environment.name, release, error) from error


def _attest(
    place: Place,
    kind: str,
    machine: Machine,
    release: Release,
    began: float,
    failure: str = "",
) -> None:
    details: Mapping[str, Any] = {
        "release": release.id,
        "engine": place.engine.name,
        "token": machine.fence.token,
        "seconds": machine.seconds,
        "traffic": {"requests": machine.seen.requests, "failed": machine.seen.failed},
        "unproven": list(place.engine.unproven),
        "configuration": "" if failure else configuration.digest(place.site.project(release)),
    }
    document = {
        "environment": place.environment.name,
        "described": place.environment.digest,
        "release": release.id,
    }
    attest(
        place.ledger,
        Claim(
            step=kind,
            component=place.environment.name,
            subjects={**release.subjects, **_subjects(place)},
            document=msgspec.json.encode(document, order="sorted"),
            passed=not failure,
            message=failure,
            details=details,
            started=began,
        ),
    )


def _subjects(place: Place) -> dict[str, str]:
    return {"environment": f"sha256:{place.environment.digest}"}
