"""What every engine can do with a release in an environment; the order of it is the machine's.

A release is always started beside the one that serves, and gets the traffic in one move.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from pipelines.deploy.database import Account
from pipelines.release import Release

Say = Callable[[str], None]  # a line for a person who waits


@dataclass(frozen=True)
class Traffic:
    """What the edge has seen of a release, since it first had the traffic: `seconds` in all."""

    requests: int = 0
    failed: int = 0  # no answer, or one from 500 on
    seconds: float = 0.0

    def __sub__(self, before: Traffic) -> Traffic:
        return Traffic(
            self.requests - before.requests,
            self.failed - before.failed,
            self.seconds - before.seconds,
        )


@dataclass(frozen=True)
class Part:
    """One service as it runs: by which digest, and what is wrong with it, if anything.

    The digest is `sha256:...` of an image or `gitTree:...` of the sources of a local process.
    """

    service: str
    digest: str
    trouble: str = ""


class Engine(Protocol):
    """One environment under one engine.

    Releases are named by their ids. Everything that changes something may be done twice: what is
    so already is left alone, as a deploy that was killed is taken up where it was. Every method
    raises `MachineError` where the machine lacks what it needs.
    """

    @property
    def name(self) -> str:
        """The word that chooses it."""

    @property
    def unproven(self) -> tuple[str, ...]:
        """What a deploy by this engine does not prove, a line each."""

    def preflight(self, release: Release) -> None:
        """Raise for whatever is known beforehand to fail: no image, no host, a port, no space."""

    def fetch(self, release: Release) -> None:
        """Have all of the release here, by digest, and see that it is what its digests say."""

    def provide(self, release: Release) -> None:
        """Have what outlives releases: the stateful services, the edge. Never made anew."""

    def migrate(self, release: Release) -> None:
        """Run the jobs that come before the services, in order. Raises `SummitError`."""

    def start(self, release: Release) -> None:
        """Start the release's services beside what serves, reached by nobody yet."""

    def ready(self, release: Release, *, timeout: float, say: Say) -> None:
        """Return once all of them are healthy. Raises `NotHealthy` after `timeout` seconds."""

    def smoke(self, release: Release) -> None:
        """Run the smoke jobs against the release, off the traffic's path. Raises `SmokeFailed`."""

    def serving(self) -> str:
        """The id of the release that the edge leads to; empty when there is none."""

    def switch(self, release: Release) -> None:
        """Lead the edge to the release, in one move, dropping no request."""

    def close(self) -> None:
        """Let the edge lead nowhere: what a first deploy that failed goes back to."""

    def doors(self) -> Mapping[str, str]:
        """The public addresses, `http://HOST:PORT`, by service."""

    def traffic(self, release: str) -> Traffic:
        """What the edge has counted for a release."""

    def ailing(self, release: str) -> str:
        """What is wrong with the release's services now, in one line; empty when all is well."""

    def running(self) -> Mapping[str, tuple[Part, ...]]:
        """What really runs, asked of the engine and not of a note, by release."""

    def renew(self, release: Release, service: str) -> None:
        """Start one service anew, with the secrets of now; return once it is healthy.

        Raises `NotHealthy`.
        """

    def admits(self, account: Account, password: bytes) -> bool | None:
        """Whether the database lets the role in with this password; None if nobody can be asked."""

    def stop(self, release: str) -> None:
        """Stop a release that does not serve, and remove what was its alone."""

    def down(self, *, volumes: bool = False) -> None:
        """Stop the environment; with `volumes` delete its data too."""
