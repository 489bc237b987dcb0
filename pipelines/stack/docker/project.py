"""The checkout as a Compose project: how `docker compose` is called, and which containers are its.

They are Compose's own containers, by its labels, so that `docker compose ps` shows them too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import docker
from docker.errors import APIError
from docker.models.containers import Container
from docker.models.volumes import Volume
from tenacity import retry, retry_if_exception, stop_after_delay, wait_fixed

from pipelines.errors import SummitError
from pipelines.images import override
from pipelines.programs import process
from pipelines.stack.engine import Foreign
from pipelines.stack.stack import Stack

PROJECT = "com.docker.compose.project"
SERVICE = "com.docker.compose.service"
FOLDER = "com.docker.compose.project.working_dir"
LAST_LINES = 3  # of what a failed `docker compose` said
RELEASED = 5.0  # seconds within which the engine lets go of the volume of a removed container


class ComposeFailed(SummitError):
    """`docker compose` could not do what the engine needs of it."""

    def __init__(self, what: str, output: str) -> None:
        lines = [line.strip() for line in output.splitlines() if line.strip()]
        said = next((line for line in reversed(lines) if _says_why(line)), (lines or ["?"])[-1])
        super().__init__(f"{what}: {said}", hint=_mend(output))


class VolumeInUse(SummitError):
    """A volume cannot be deleted: a container that is not the stack's has it too."""

    def __init__(self, volume: str, containers: Sequence[str]) -> None:
        users = f" by the container {', '.join(containers)}" if containers else ""
        super().__init__(
            f"the volume {volume} is still there, as it is in use{users}",
            hint="remove what uses it, then `inv down --volumes` again",
        )


@dataclass(frozen=True)
class ComposeProject:
    """One checkout's project, as `docker compose` knows it."""

    stack: Stack

    @property
    def name(self) -> str:
        return self.stack.project.name

    @property
    def ports(self) -> Path:
        """The override with the ports that had to be others than the usual ones."""
        return self.stack.place.state / "compose.ports.yaml"

    def words(self, *command: str, profiles: Iterable[str] = ()) -> list[str]:
        """The whole command line."""
        root = self.stack.place.root
        files = [self.stack.project.file, root / override.FILE, self.ports]
        return [
            *("docker", "compose", "--progress=plain"),
            *(f"--project-name={self.name}", f"--project-directory={root}"),
            *(f"--file={file}" for file in files if file == files[0] or file.exists()),
            *(f"--profile={profile}" for profile in profiles),
            *command,
        ]

    def call(self, what: str, *command: str, profiles: Iterable[str] = ()) -> None:
        """Run it and keep its words to itself; raises `ComposeFailed` with what they come to."""
        words = self.words(*command, profiles=profiles)
        done = process.run(words, cwd=self.stack.place.root, capture=True, echo=False)
        if not done:
            raise ComposeFailed(what, done.output)

    def drop_volumes(self, client: docker.DockerClient) -> None:
        """Delete the volumes that are left. Raises `VolumeInUse`.

        `docker compose down --volumes` passes over one that is in use without failing, as it can be
        for a moment after its last container is gone.
        """
        for volume in client.volumes.list(filters={"label": f"{PROJECT}={self.name}"}):
            try:
                _remove(volume)
            except APIError as error:
                if not _is_conflict(error):
                    raise
                users = client.containers.list(all=True, filters={"volume": volume.name})
                raise VolumeInUse(volume.name, [str(it.name) for it in users]) from error

    def containers(self, client: docker.DockerClient) -> dict[str, Container]:
        """The containers by service, those that wait to be started and those that ended too.

        Raises `Foreign` when they belong to another checkout.
        """
        labels = [f"{PROJECT}={self.name}", "com.docker.compose.oneoff=False"]
        found: Sequence[Container] = client.containers.list(
            all=True, filters={"label": labels}, ignore_removed=True
        )
        for container in found:
            folder = container.labels.get(FOLDER, "")
            if Path(folder) != self.stack.place.root:
                raise Foreign(self.name, folder)
        return {container.labels[SERVICE]: container for container in found}


def _says_why(line: str) -> bool:
    return "error" in line.lower() or "failed" in line.lower()


def _mend(output: str) -> str:
    if "pull access denied" in output or "No such image" in output or "resolve" in output:
        return "where no registry answers, `inv images.bases` makes local bases, and `inv build`"
    if "bind source path does not exist" in output:
        return "the engine must be on this machine and see its files"
    if "no space left" in output:
        return "free some space, or `docker system prune`"
    return ""


def _is_conflict(error: BaseException) -> bool:
    return isinstance(error, APIError) and error.status_code == HTTPStatus.CONFLICT


@retry(
    retry=retry_if_exception(_is_conflict),
    stop=stop_after_delay(RELEASED),
    wait=wait_fixed(0.1),
    reraise=True,
)
def _remove(volume: Volume) -> None:
    volume.remove()
