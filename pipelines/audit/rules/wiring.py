"""Variables that are set and not read, or do not fit together."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.audit.findings import Fault, Severity
from pipelines.audit.model import Model
from pipelines.audit.rule import Rule, rule
from pipelines.audit.rules import addresses, divided, overrides, unread
from pipelines.audit.rules.places import first_at_each_place


@rule("REL016", "env-not-wired", Severity.MEDIUM)
def environment_not_wired(model: Model) -> Iterator[Fault]:
    """What is set does not arrive: nobody reads it, or both sides do not fit together.

    Why: the file reads as if the service were configured, and it runs with its defaults, or looks
    for a host, port or user that is not there. It shows only in operation.

    Example:

        api:
          environment:
            REDIS_URL: redis://redis:6379  # the code reads API_REDIS_URL

    Mend: set the variable that the code reads; use the service's name, the port within the network
    and the user and password that the service itself was given; `!reset` what an override should
    take away.
    """
    yield from unread.unread(model)
    yield from unread.in_pulled(model)
    yield from unread.in_kubernetes(model)
    yield from unread.required(model)
    yield from addresses.in_compose(model)
    yield from first_at_each_place(divided.in_compose(model))
    yield from addresses.in_prometheus(model)
    yield from addresses.in_nginx(model)
    yield from overrides.without_effect(model)


RULES: tuple[Rule, ...] = (environment_not_wired,)
