"""What is said of health: an answer, and the errors that name who is not well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.errors import SummitError
from pipelines.stack.status import State, Status

SMOKE = "smoke"  # the profile of the jobs that tell whether the whole system works


@dataclass(frozen=True)
class Answer:
    ok: bool
    text: str

    def __bool__(self) -> bool:
        return self.ok


class NotHealthy(SummitError):
    """Some services did not become healthy: `causes`, and those that only wait for them."""

    def __init__(self, statuses: Sequence[Status], why: str = "") -> None:
        lost = [s for s in statuses if s.state.is_lost and not s.is_blocked]
        begun = [s for s in statuses if s.state is not State.WAITING]
        self.causes = lost or begun or list(statuses)
        names = ", ".join(status.name for status in self.causes)
        others = len(statuses) - len(self.causes)
        waiting = f" (and {others} that wait for it)" if others else ""
        super().__init__(
            f"not healthy{why}: {names}{waiting}",
            hint="`inv logs` has more, `inv down` stops the rest",
        )


class NotRunning(SummitError):
    """A command needs a running stack."""

    def __init__(self, what: str = "the stack") -> None:
        super().__init__(f"{what} is not running", hint="start it with `inv up`")


class SmokeFailed(SummitError):
    """A smoke job ended badly; what it printed says where."""
