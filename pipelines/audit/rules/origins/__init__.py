"""Where code says which origins may call, and which variables decide it."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.audit.findings import Severity
from pipelines.audit.place import Place

__all__ = ["Access", "Wild"]


@dataclass(frozen=True)
class Wild:
    """Where `*` is written, and the variable that can change it; "" for none."""

    place: Place
    variable: str = ""


@dataclass(frozen=True)
class Access:
    """One place that lets other origins in: `what` is the middleware, for people.

    `variables` are those of the environment that its origins come from; `is_narrow` where a single
    answer says it, which may be meant.
    """

    place: Place
    what: str
    wild: Wild | None = None
    variables: frozenset[str] = frozenset()
    has_credentials: bool = False
    is_narrow: bool = False

    @property
    def severity(self) -> Severity:
        if self.is_narrow:
            return Severity.LOW
        return Severity.HIGH if self.has_credentials else Severity.MEDIUM
