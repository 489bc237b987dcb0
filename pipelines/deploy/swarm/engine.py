"""Releases as stacks of a swarm, led to by an edge that no deploy touches."""

from __future__ import annotations

import json
import shutil
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from pipelines.containers.client import PATIENCE, endpoint, is_here, words
from pipelines.deploy import database, source as sources
from pipelines.deploy.database import Account
from pipelines.deploy.docker import haproxy, images
from pipelines.deploy.docker.edge import Lead
from pipelines.deploy.docker.project import RELEASE
from pipelines.deploy.docker.render import DOORS, FRONT
from pipelines.deploy.docker.running import JOB, SERVING, SMOKE
from pipelines.deploy.engine import Part, Say, Traffic
from pipelines.deploy.site import Site
from pipelines.deploy.swarm import services
from pipelines.deploy.swarm.deployment import BASE, STATEFUL, Deployment, asked
from pipelines.deploy.swarm.edge import EdgeThere
from pipelines.deploy.swarm.render import shared
from pipelines.deploy.swarm.services import Seen
from pipelines.deploy.swarm.stack import remove
from pipelines.errors import SummitError
from pipelines.release import Release
from pipelines.release.release import SHORT
from pipelines.stack import report
from pipelines.stack.health import NotHealthy, SmokeFailed
from pipelines.stack.status import Status

_JOBS = 600.0  # seconds for all jobs, and for all smoke jobs
_DRAIN = 30.0  # seconds for a release that nothing leads to any more to answer what it was asked
_ANY = "0.0.0.0"  # noqa: S104 - every address of the manager, where the Compose file says so
_STAND_IN = "the official images of {}: local bases stand in for them"
_UNPROVEN = (
    "the routing mesh and virtual addresses: a name leads to each task, and one edge to them all",
    "the loss of the machine with the edge, which is one",
    "`no-new-privileges`, for which a stack has no word: it is each engine's own setting",
)


@dataclass(frozen=True)
class SwarmEngine:
    """One environment in a swarm."""

    site: Site
    name: str = "swarm"

    @property
    def unproven(self) -> tuple[str, ...]:
        found = list(_UNPROVEN)
        with suppress(SummitError), asked(self.site) as there:
            if stand_ins := ", ".join(sorted(images.standing_in(there.client))):
                found.append(_STAND_IN.format(stand_ins))
        return tuple(found)

    def preflight(self, release: Release) -> None:
        folder = self.site.source(release.id)
        is_new = not folder.exists()
        try:
            with asked(self.site) as there:
                sources.lay_out(self.site.root, release, folder)
                there.require(release)
                doors = there.doors(there.cut(release))
                if not self._is_here:
                    there.require_reachable(doors)
                elif there.edge is None:
                    there.require_free(doors)
        except SummitError:
            if is_new:
                shutil.rmtree(folder, ignore_errors=True)
            raise

    def fetch(self, release: Release) -> None:
        """Have the images on the manager, so that they are seen to be there; nodes pull theirs."""
        sources.lay_out(self.site.root, release, self.site.source(release.id))
        with asked(self.site) as there:
            wanted = there.references(there.client, release, there.cut(release))
            images.fetch(there.client, wanted.values())

    def provide(self, release: Release) -> None:
        patience = self.site.environment.ready
        with asked(self.site, timeout=patience + PATIENCE) as there:
            document, stack = there.provide(release), there.base(release)
            if document["services"] and not stack.is_there(there.client, document):
                stack.grow(
                    there.client,
                    document,
                    there.levels(release, STATEFUL),
                    _status,
                    timeout=patience,
                    on_change=_unheard,
                )
            if edge := there.edge:
                edge.settle()

    def migrate(self, release: Release) -> None:
        self._run(release, JOB, SummitError)

    def start(self, release: Release) -> None:
        with asked(self.site) as there:
            stack, document = there.stack(release, SERVING), there.rendered(release, SERVING)
            if not stack.services(there.client):  # else `ready` updates it where it must
                stack.deploy(document, there.levels(release, SERVING)[0])

    def ready(self, release: Release, *, timeout: float, say: Say) -> None:
        with asked(self.site, timeout=timeout + PATIENCE) as there:
            stack, document = there.stack(release, SERVING), there.rendered(release, SERVING)
            if not stack.is_there(there.client, document):
                stack.grow(
                    there.client,
                    document,
                    there.levels(release, SERVING),
                    _status,
                    timeout=timeout,
                    on_change=lambda status: say(report.change(status)),
                )

    def smoke(self, release: Release) -> None:
        self._run(release, SMOKE, SmokeFailed)

    def serving(self) -> str:
        with asked(self.site) as there:
            return _lead(there).release

    def switch(self, release: Release) -> None:
        with asked(self.site) as there:
            edge = self._found(there, release)
            edge.lead(Lead(there.slot(release.id), release.id))

    def close(self) -> None:
        with asked(self.site) as there:
            if edge := there.edge:
                edge.lead(Lead())

    def doors(self) -> Mapping[str, str]:
        with asked(self.site) as there:
            edge = there.edge
            found = json.loads(edge.container.labels[DOORS]) if edge else {}
            return {
                name: f"http://{there.address if host == _ANY else host}:{port}"
                for name, (host, port) in found.items()
            }

    def traffic(self, release: str) -> Traffic:
        with asked(self.site) as there:
            edge = there.edge
            return edge.traffic(release) if edge else Traffic()

    def ailing(self, release: str) -> str:
        with asked(self.site) as there:
            found = services.serving(there.services(release))
        if not found:
            return "none of its services runs"
        return ", ".join(f"{it.name}: {it.trouble}" for it in found if it.trouble)

    def running(self) -> Mapping[str, tuple[Part, ...]]:
        found: dict[str, list[Seen]] = defaultdict(list)
        with asked(self.site) as there:
            for it in services.serving(there.services()):
                if release := it.labels.get(RELEASE):
                    found[release].append(it)
        return {release: services.parts(them) for release, them in found.items()}

    def renew(self, release: Release, service: str) -> None:
        """The new one first, as with every update: nothing waits for it."""
        patience = self.site.environment.ready
        with asked(self.site, timeout=patience + PATIENCE) as there:
            stack, document = there.stack(release, SERVING), there.rendered(release, SERVING)
            stack.grow(
                there.client, document, [[service]], _status, timeout=patience, on_change=_unheard
            )
            self._found(there, release)
            there.remove_unused()

    def admits(self, account: Account, password: bytes) -> bool | None:
        with asked(self.site) as there:
            if found := there.container(account.service):
                inside = (*words(self.site.environment.host), "exec", "--interactive", found)
                return database.admits_inside(inside, account, password)
        return None

    def stop(self, release: str) -> None:
        with asked(self.site) as there:
            if _lead(there).release == release:
                raise SummitError(f"release {release[:SHORT]} serves, so it is not stopped")
            edge, slot = there.edge, there.slot(release)
            if edge and edge.container.status == "running":
                edge.settle()
                if slot:
                    edge.drain(slot, _DRAIN)
            there.remove(release)
        shutil.rmtree(self.site.source(release), ignore_errors=True)

    def down(self, *, volumes: bool = False) -> None:
        with asked(self.site) as there:
            there.down(volumes=volumes)

    def _found(self, there: Deployment, release: Release) -> EdgeThere:
        """The edge, once it knows where all of the release is."""
        found = services.serving(there.services(release.id))
        if not any(it.running for it in found):
            raise SummitError(f"release {release.short} does not run: nothing can lead to it")
        edge, slot = there.edge, there.slot(release.id)
        if edge is None:
            raise SummitError("there is no edge", hint="the next deploy makes it")
        front = shared(f"{self.site.project(release).name}-{BASE}", FRONT, slot)
        doors = {it.service for it in there.doors(there.cut(release))}
        edge.find(
            {
                haproxy.alias(it.name, slot): it.addresses_on(front)
                for it in found
                if it.name in doors
            }
        )
        return edge

    @property
    def _is_here(self) -> bool:
        return is_here(str(endpoint(self.site.environment.host)["base_url"]))

    def _run(self, release: Release, part: str, failed: Callable[[str], SummitError]) -> None:
        """Run jobs of a release, each once those are done that it needs. Raises a `failed`."""
        with asked(self.site, timeout=_JOBS + PATIENCE) as there:
            levels = there.levels(release, part)
            if not levels:
                return
            document, stack = there.rendered(release, part), there.stack(release, part)
            remove(there.client, stack)  # what was left of a run that was killed
            try:
                stack.grow(
                    there.client,
                    document,
                    levels,
                    _outcome,
                    timeout=_JOBS,
                    on_change=_unheard,
                )
            except NotHealthy as error:
                raise failed(_why(error, there, stack.name)) from error
            finally:
                remove(there.client, stack)


def _lead(there: Deployment) -> Lead:
    """Where the edge leads, by its own word while it runs. Raises `EdgeDown`."""
    edge = there.edge
    if edge is None:
        return Lead()
    if edge.container.status != "running":
        return edge.will_lead_to()
    edge.wait()  # it may have been started anew just now
    return edge.leads_to()


def _status(seen: Seen) -> Status:
    return seen.status


def _outcome(seen: Seen) -> Status:
    return seen.outcome


def _why(error: NotHealthy, there: Deployment, stack: str) -> str:
    """Which job failed, how, and its last words."""
    lost = error.causes[0]
    words = there.client.services.get(f"{stack}_{lost.name}").logs(stdout=True, stderr=True, tail=5)
    lines = [line.strip() for line in b"".join(words).decode(errors="replace").splitlines()]
    said = f": {lines[-1]}" if lines and lines[-1] else ""
    return f"{lost.name} {lost.message or 'is not done in time'}{said}"


def _unheard(status: Status) -> None:
    """Of what stands behind the services a person hears when it fails."""
