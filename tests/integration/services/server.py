"""A PostgreSQL in a container, held to what `compose.yaml` holds it to."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

import docker
import yaml
from docker.models.containers import Container
from testcontainers.community.postgres import PostgresContainer
from testcontainers.core.config import testcontainers_config

from pipelines.containers import leftovers
from tests.integration.base import ROOT, image_of

# The label of a container that is kept for the next run: of which checkout and worker it is, and
# what it was made by. Whoever wants that says so as to any Testcontainers.
KEPT = "summit.kept-for"
MADE_BY = "summit.made-by"
WISH = "TESTCONTAINERS_REUSE_ENABLE"


class Server(NamedTuple):
    """Where it is, as `services.kit.testing` asks for it."""

    host: str
    port: int
    superuser: str
    password: str
    container: str


def is_wished(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether a container is to be kept for the next run: never in CI."""
    return environ.get(WISH) == "true" and not environ.get("CI")


@contextmanager
def server(client: docker.DockerClient, worker: str, *, is_kept: bool) -> Iterator[Server]:
    """Start one, or take the one that an earlier run has kept; remove what nobody can take."""
    described = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["postgres"]
    image = image_of(client, "postgres")
    keeper = f"{ROOT}/{worker}"
    made_by = _digest(str(client.images.get(image).id), described)
    found = None
    for container in client.containers.list(filters={"label": f"{KEPT}={keeper}"}):
        if is_kept and container.labels[MADE_BY] == made_by:
            found = container
        else:
            container.remove(force=True, v=True)
    if found is None:
        labels = {KEPT: keeper, MADE_BY: made_by} if is_kept else leftovers.labels()
        # Ryuk where the engine has its image, which is not fetched for that; it would also remove
        # what is kept. Without it the next run does the same, see `pipelines.containers.leftovers`.
        ryuk = testcontainers_config.ryuk_image
        testcontainers_config.ryuk_disabled = is_kept or not client.images.list(ryuk)
        found = _started(client, image, described, labels)
    try:
        yield _of(found)
    finally:
        if not is_kept:
            found.remove(force=True, v=True)


def _digest(image: str, described: Mapping[str, object]) -> str:
    return hashlib.sha256(repr((image, described)).encode()).hexdigest()


def _started(
    client: docker.DockerClient, image: str, described: Mapping[str, str], labels: dict[str, str]
) -> Container:
    password = secrets.token_urlsafe(24)
    made = PostgresContainer(image, username="postgres", password=password, driver=None)
    made.with_kwargs(user=described["user"], read_only=True, cap_drop=["ALL"], labels=labels)
    for mount in described["tmpfs"]:
        made.with_tmpfs_mount(mount.partition(":")[0])
    running = made.start()
    return client.containers.get(str(running.get_wrapped_container().id))


def _of(container: Container) -> Server:
    [binding] = container.attrs["NetworkSettings"]["Ports"]["5432/tcp"][:1]
    environment = dict(word.partition("=")[::2] for word in container.attrs["Config"]["Env"])
    password = environment["POSTGRES_PASSWORD"]
    port = int(binding["HostPort"])
    return Server("127.0.0.1", port, "postgres", password, str(container.id))
