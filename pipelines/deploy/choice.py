"""Which engine runs an environment."""

from __future__ import annotations

from pipelines.deploy.engine import Engine
from pipelines.deploy.site import Site
from pipelines.documents.nearest import nearest
from pipelines.environments.loader import ENGINES
from pipelines.errors import ConfigError


def engine_of(site: Site) -> Engine:
    """The engine that the environment names. Raises `ConfigError` for an unknown one."""
    # Each with what it needs alone: a client of containers is slow to import.
    match site.environment.engine:
        case "process":
            from pipelines.deploy.process.engine import ProcessEngine

            return ProcessEngine(site)
        case "docker":
            from pipelines.deploy.docker.engine import DockerEngine

            return DockerEngine(site)
        case "swarm":
            from pipelines.deploy.swarm.engine import SwarmEngine

            return SwarmEngine(site)
    raise ConfigError(
        f"no engine called {site.environment.engine!r}",
        hint=nearest(site.environment.engine, ENGINES),
    )
