"""The checkout as a Compose project: how `docker compose` is called, and which containers are its.

They are Compose's own containers, by its labels, so that `docker compose ps` shows them too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import docker
from docker.models.containers import Container

from pipelines.errors import SummitError
from pipelines.images import override
from pipelines.programs import process
from pipelines.stack.engine import Foreign
from pipelines.stack.stack import Stack

PROJECT = "com.docker.compose.project"
SERVICE = "com.docker.compose.service"
FOLDER = "com.docker.compose.project.working_dir"
LAST_LINES = 3  # of what a failed `docker compose` said


class ComposeFailed(SummitError):
    """`docker compose` could not do what the engine needs of it."""

    def __init__(self, what: str, output: str) -> None:
        lines = [line.strip() for line in output.splitlines() if line.strip()]
        said = next((line for line in reversed(lines) if _says_why(line)), (lines or ["?"])[-1])
        super().__init__(f"{what}: {said}", hint=_mend(output))


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
