"""An environment as the consumer of its secrets: what a new value has to be told to.

PostgreSQL keeps one password for each role: when the job that makes roles has set the new one, open
connections go on, and a new one with the old password is refused, until the services that show it
were started anew, one after another.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable
from urllib.parse import urlsplit

from pipelines.compose.model import Service
from pipelines.deploy.engine import Say
from pipelines.deploy.lock import Fence
from pipelines.deploy.site import Parts, parts
from pipelines.deploy.verbs import Place, deliver, provider_of
from pipelines.errors import ConfigError
from pipelines.release import Release
from pipelines.secrets import declaration
from pipelines.secrets.record import Change, change
from pipelines.secrets.rotation import Rotation, Takes
from pipelines.stack.health import NotRunning

_FILES = "/run/secrets/"


@runtime_checkable
class Renewing(Protocol):
    """An engine that can start one service of a release anew, and try a database's password."""

    def renew(self, release: Release, service: str) -> None:
        """Start the service anew, and return once it is healthy. Raises `NotHealthy`."""

    def admits(self, service: Service, role: str, password: bytes) -> bool:
        """Whether the database that the service uses lets the role in with this password."""


@dataclass(frozen=True)
class Renewal:
    """The release that serves in an environment, in the hands of whoever holds its lock."""

    place: Place
    engine: Renewing
    release: Release
    fence: Fence
    say: Say

    def accept(self, name: str, value: bytes) -> None:
        """Nothing here accepts two values: the roles take the new one with the switch."""

    def switch(self, name: str) -> None:
        declared = declaration.declared(self.place.site.described(self.release))[name]
        readers = [
            it.name
            for it in self._parts.serving.services.values()
            if _reads(it, name) and declared.reload == "restart"
        ]
        with self.fence.passed():
            deliver(self.place, self.release)
            self.say(f"migrate: the roles' passwords are set, {name} among them")
            self.place.engine.migrate(self.release)
        for service in readers:
            self.say(f"starting {service} anew")
            with self.fence.passed():
                self.engine.renew(self.release, service)

    def forget(self, name: str, value: bytes) -> None:
        """Nothing: who has the new one has no longer the old one."""

    def takes(self, name: str, value: bytes) -> Takes:
        cut = self._parts
        for service in (*cut.serving.services.values(), *cut.jobs.services.values()):
            role = _role(service, name)
            if role:
                taken = self.engine.admits(service, role, value)
                return Takes.YES if taken else Takes.NO
        return Takes.UNKNOWN

    @property
    def _parts(self) -> Parts:
        return parts(self.place.site.project(self.release), self.place.environment.profiles)


def _reads(service: Service, name: str) -> bool:
    return any(grant.source == name for grant in service.secrets)


def _role(service: Service, name: str) -> str:
    """The database role whose password the secret is to the service; empty for none."""
    files = {f"{_FILES}{grant.target}" for grant in service.secrets if grant.source == name}
    for variable, value in service.environment.items():
        if variable.endswith("_PASSWORD_FILE") and value in files:
            address = service.environment.get(f"{variable.removesuffix('_PASSWORD_FILE')}_URL", "")
            return urlsplit(address).username or ""
    return ""


def rotate(
    place: Place, name: str, *, make: Callable[[], bytes], say: Say, wait: float = 0.0
) -> Takes:
    """Replace a secret of the environment; returns `NO` where the old one was seen refused.

    Raises as `Rotation.run` does, `Held`, and `ConfigError` for an engine that cannot do it.
    """
    if not isinstance(place.engine, Renewing):
        raise ConfigError(
            f"the {place.engine.name} engine cannot start single services anew",
            hint="`inv secrets.put NAME --env ENV --use`, and deploy the next release",
        )
    provider = provider_of(place)
    with place.lock.held(wait=wait) as fence:
        serving = place.engine.serving()
        if not serving:
            raise NotRunning(place.environment.name)
        release = place.release(serving)
        if name not in place.site.project(release).secrets:
            raise ConfigError(f"release {release.short} has no secret {name!r}")
        cut = parts(place.site.project(release), place.environment.profiles)
        if any(_reads(it, name) for it in cut.stateful.services.values()):
            raise ConfigError(
                f"{name!r} is kept by a service with data, which no deploy starts anew",
                hint="replace it there by hand, then `inv secrets.put NAME --env ENV --use`",
            )
        renewal = Renewal(place, place.engine, release, fence, say)

        def note(done: Change, version: str, value: bytes) -> None:
            change(
                place.ledger,
                place.environment.name,
                done,
                name=name,
                version=version,
                value=value,
            )

        return Rotation(name, provider, renewal, place.site.state, note).run(make)
