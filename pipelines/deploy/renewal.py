"""An environment as the consumer of its secrets: what a new value has to be told to.

PostgreSQL keeps one password for each role: when the job that makes roles has set the new one, open
connections go on, and a new one with the old password is refused, until the services that show it
were started anew, one after another. So is the release that is kept warm: traffic may go back to it
at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipelines.compose.model import Service
from pipelines.deploy.database import Account
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


@dataclass(frozen=True)
class Renewal:
    """The releases that run in an environment, in the hands of whoever holds its lock.

    The first one serves.
    """

    place: Place
    releases: Sequence[Release]
    fence: Fence
    say: Say

    def accept(self, name: str, value: bytes) -> None:
        """Nothing here accepts two values: the roles take the new one with the switch."""

    def switch(self, name: str) -> None:
        serving = self.releases[0]
        with self.fence.passed():
            deliver(self.place, serving)
            self.say(f"migrate: the roles' passwords are set, {name} among them")
            self.place.engine.migrate(serving)
        for release in self.releases:
            for service in self._readers(release, name):
                self.say(f"starting {service} of release {release.short} anew")
                with self.fence.passed():
                    self.place.engine.renew(release, service)

    def forget(self, name: str, value: bytes) -> None:
        """Nothing: who has the new one has no longer the old one."""

    def takes(self, name: str, value: bytes) -> Takes:
        cut = self._parts(self.releases[0])
        for service in (*cut.serving.services.values(), *cut.jobs.services.values()):
            if account := _account(service, name):
                taken = self.place.engine.admits(account, value)
                return {True: Takes.YES, False: Takes.NO, None: Takes.UNKNOWN}[taken]
        return Takes.UNKNOWN

    def _readers(self, release: Release, name: str) -> Sequence[str]:
        """The services that read the secret when they start, and only then."""
        declared = declaration.declared(self.place.site.described(release))
        services = self._parts(release).serving.services.values()
        return [
            it.name for it in services if _reads(it, name) and declared[name].reload == "restart"
        ]

    def _parts(self, release: Release) -> Parts:
        return parts(self.place.site.project(release), self.place.environment.profiles)


def _reads(service: Service, name: str) -> bool:
    return any(grant.source == name for grant in service.secrets)


def _account(service: Service, name: str) -> Account | None:
    """The database role whose password the secret is to the service, if it is one's."""
    files = {f"{_FILES}{grant.target}" for grant in service.secrets if grant.source == name}
    for variable, value in service.environment.items():
        if variable.endswith("_PASSWORD_FILE") and value in files:
            address = service.environment.get(f"{variable.removesuffix('_PASSWORD_FILE')}_URL", "")
            account = Account.of(address)
            return account if account.role else None
    return None


def rotate(
    place: Place, name: str, *, make: Callable[[], bytes], say: Say, wait: float = 0.0
) -> Takes:
    """Replace a secret of the environment; returns `NO` where the old one was seen refused.

    Raises as `Rotation.run` does, `Held`, `NotRunning`.
    """
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
        others = [place.release(it) for it in place.engine.running() if it != serving]
        renewal = Renewal(place, [release, *others], fence, say)

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
