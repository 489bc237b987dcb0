"""What is written of an environment, in frozen values."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from pipelines.errors import ConfigError, Where

LONGEST_WAIVER = timedelta(days=30)
STATE = ".summit/environments"  # in a repository's root: what runs, and how it came to


class Subject(enum.Enum):
    """What the evidence of a gate must be about."""

    TREE = "tree"  # the sources of the release, by the fingerprints of its steps
    RELEASE = "release"  # the release itself, wherever it was looked at
    ENVIRONMENT = "environment"  # the release as it ran in an environment


@dataclass(frozen=True)
class Requirement:
    """Evidence that a release must have; times in seconds.

    `environment` is where it must have been gathered, for `Subject.ENVIRONMENT` alone. Without
    `roles` any key will do that a keyring lets sign it. `max_retries` is how often the gate may
    have failed on the very same inputs before it passed. `same_digests_as` names the environment
    that must have run exactly this release; such a requirement has no gate.
    """

    gate: str
    subject: Subject
    where: Where
    environment: str = ""
    max_age: float | None = None
    min_tests: int = 0
    max_skipped: int | None = None
    roles: tuple[str, ...] = ()
    controlled: bool = False
    max_retries: int | None = None
    same_digests_as: str = ""


@dataclass(frozen=True)
class Waiver:
    """One requirement that need not hold, by whom and why, up to and with a day.

    One that has expired stops no rollback: whoever decides by it asks whether it still counts.
    """

    gate: str
    owner: str
    reason: str
    expires: date
    where: Where

    def require_current(self, today: date) -> None:
        """Raise `ConfigError` for one that has expired, or is for more than 30 days from today."""
        if self.expires < today:
            raise ConfigError(
                f"the waiver expired on {self.expires}", where=self.where, hint="take it out"
            )
        if self.expires > today + LONGEST_WAIVER:
            days = LONGEST_WAIVER.days
            raise ConfigError(f"a waiver may last {days} days, not longer", where=self.where)


@dataclass(frozen=True)
class Bake:
    """How a release is watched once it has the traffic.

    `paths` are asked by the deployer itself, `SERVICE/PATH` by the public door, so that there is
    something to count where nobody comes. `requests` is how many it takes to tell, `errors` the
    share of failures that is still well, `slower` how many times the time of the release before.
    """

    seconds: float = 10.0
    requests: int = 50
    errors: float = 0.01
    slower: float = 3.0
    paths: tuple[str, ...] = ()


@dataclass(frozen=True)
class Environment:
    """A named place to deploy to.

    `engine` is what runs it, `host` where a swarm is managed: an address or the name of a context,
    empty for this machine.
    `doors` are the ports at which services with published ports are reached, `address` is where
    they listen, empty for what the Compose file says.
    `secrets` says what keeps the secrets: `provider` and its settings.
    `digest` is the SHA-256 of the file.
    """

    name: str
    file: Path
    digest: str
    engine: str = "process"
    host: str = ""
    address: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    doors: Mapping[str, int] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    profiles: tuple[str, ...] = ()
    ready: float = 60.0  # seconds within which a release must be healthy
    bake: Bake = field(default_factory=Bake)
    policy: tuple[Requirement, ...] = ()
    waivers: tuple[Waiver, ...] = ()

    def state(self, root: Path) -> Path:
        """The folder of everything that is known of it on this machine."""
        return root / STATE / self.name
