"""The place of an environment on this machine, and its Compose project for one release."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pipelines import compose
from pipelines.compose.model import Project, RestartPolicy, Service
from pipelines.environments import Environment
from pipelines.errors import ConfigError
from pipelines.release import Release

SMOKE = "smoke"  # the profile of the jobs that tell whether the whole system works


@dataclass(frozen=True)
class Site:
    """An environment of the repository at `root`; everything it needs is below `state`.

    `secrets` is the folder with a file for each secret, as `pipelines.secrets` delivers it.
    """

    root: Path
    environment: Environment
    secrets: Path

    @property
    def state(self) -> Path:
        return self.environment.state(self.root)

    @property
    def current(self) -> Path:
        """A link to the doors of the release that serves."""
        return self.state / "current"

    @property
    def python(self) -> Path:
        """The interpreter that the environment's own programs are run by, whoever deploys."""
        return self.state / "python" / "bin" / "python"

    def python_of(self, release: Release) -> Path:
        """The interpreter of a release's sources: of its lock, or this very one without a lock."""
        return (
            self.source(release.id) / ".venv/bin/python" if release.lock else Path(sys.executable)
        )

    def source(self, release: str) -> Path:
        """The folder with the sources of a release, its Compose file among them."""
        return self.state / "releases" / release[:12]

    def described(self, release: Release) -> Project:
        """The release's Compose file with this environment's variables. Raises `ConfigError`."""
        return compose.of(self.source(release.id), environ=dict(self.environment.variables))

    def project(self, release: Release) -> Project:
        """The Compose project of the release, with this environment's variables and secrets.

        Its name is `PROJECT-ENVIRONMENT`. Raises `ConfigError`.
        """
        project = self.described(release)
        secrets = {
            name: replace(it, file=self.secrets / name, environment=None, extension={})
            for name, it in project.secrets.items()
        }
        return replace(project, name=f"{project.name}-{self.environment.name}", secrets=secrets)


@dataclass(frozen=True)
class Parts:
    """A project, cut by how long its services live.

    `stateful` ones have named volumes: they outlive every release. `jobs` end before the services
    start. `serving` ones are those of each release. `smoke` are the jobs that look at the result.
    What stands in one part depends only on what stands in it: the others are there before.
    """

    stateful: Project
    jobs: Project
    serving: Project
    smoke: Project

    @property
    def services(self) -> tuple[Service, ...]:
        """All of them."""
        cut = (self.stateful, self.jobs, self.serving, self.smoke)
        return tuple(it for project in cut for it in project.services.values())


def parts(project: Project, profiles: tuple[str, ...] = ()) -> Parts:
    """Cut the project. Raises `ConfigError` for one in which nothing serves."""
    chosen = project.selected(profiles=profiles)
    stateful = {name for name, it in chosen.items() if is_stateful(it)}
    jobs = {name for name, it in chosen.items() if is_job(it)} - stateful
    serving = set(chosen) - stateful - jobs
    if not serving:
        raise ConfigError(f"{project.file}: nothing in it serves, so there is nothing to deploy")
    smoke = {name for name, it in project.services.items() if SMOKE in it.profiles}
    return Parts(
        stateful=_only(project, chosen, stateful),
        jobs=_only(project, chosen, jobs),
        serving=_only(project, chosen, serving),
        smoke=_only(project, project.services, smoke, profiles=frozenset({SMOKE})),
    )


def is_stateful(service: Service) -> bool:
    """Whether it keeps data in a named volume."""
    return any(mount.kind == "volume" and mount.source for mount in service.volumes)


def is_job(service: Service) -> bool:
    """Whether it is expected to end: nothing restarts it, and nothing asks for its health."""
    ends = service.restart.policy in (RestartPolicy.NO, RestartPolicy.ON_FAILURE)
    check = service.healthcheck
    return ends and (check is None or check.test[:1] == ("NONE",))


def _only(
    project: Project,
    services: Mapping[str, Service],
    names: set[str],
    profiles: frozenset[str] = frozenset(),
) -> Project:
    kept = {
        name: replace(
            it,
            profiles=profiles,
            depends_on=tuple(d for d in it.depends_on if d.service in names),
        )
        for name, it in services.items()
        if name in names
    }
    return replace(project, services=kept)
