"""Which release an environment may have: the policy decides, and its decision is on record."""

from __future__ import annotations

from datetime import UTC, datetime

from pipelines.deploy.engine import Say
from pipelines.deploy.machine import DEPLOY, ROLLBACK
from pipelines.environments import Environment
from pipelines.errors import ConfigError, PolicyError
from pipelines.ledger import Ledger
from pipelines.ledger.record import Record
from pipelines.policy import decide
from pipelines.policy.record import record
from pipelines.release import Release, find


class Refused(PolicyError):
    """The evidence that the environment asks for is not there."""

    def __init__(self, environment: Environment, release: Release) -> None:
        super().__init__(
            f"release {release.short} may not go to {environment.name}",
            hint="the lines above say what would mend it",
        )


def require(ledger: Ledger, environment: Environment, release: Release, *, say: Say) -> None:
    """Have the policy decide, record that, and tell it. Raises `Refused`, `CannotTell`."""
    decision = decide(ledger, environment, release, now=datetime.now(UTC))
    record(ledger, decision)
    say(decision.text())
    if not decision:
        raise Refused(environment, release)


def proven(ledger: Ledger, environment: Environment) -> Release:
    """The release to promote: the one at which the environment stands that this one follows.

    Raises `ConfigError` for an environment that follows none, or one that has had no release.
    """
    followed = [it.same_digests_as for it in environment.policy if it.same_digests_as]
    if not followed:
        raise ConfigError(
            f"{environment.name} follows no other environment",
            hint="`same_digests_as` in its policy names one; or `inv deploy`",
        )
    name = followed[0]
    stood = newest_move(ledger, name)
    if stood is None:
        raise ConfigError(f"{name} has had no release yet", hint=f"inv deploy {name}")
    return find(ledger, stood.subjects["release"].removeprefix("sha256:"))


def newest_move(ledger: Ledger, environment: str) -> Record | None:
    """The record of the deploy or the rollback since which the environment is what it is."""
    both = [
        *ledger.history(f"{DEPLOY}:{environment}"),
        *ledger.history(f"{ROLLBACK}:{environment}"),
    ]
    return max((it for it in both if it.passed), key=lambda it: it.sequence, default=None)
