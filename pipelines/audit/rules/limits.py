"""Calls without an end, and doors without a limit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

from pipelines.audit.findings import Fault, Severity
from pipelines.audit.model import Model
from pipelines.audit.rule import Rule, rule
from pipelines.audit.rules.timeouts import gateways, javascript, probes, python


@rule("REL015", "no-timeout-or-limit", Severity.MEDIUM)
def no_timeout_or_limit(model: Model) -> Iterator[Fault]:
    """A call may wait for ever, or a public gateway takes as many requests as anybody sends.

    Why: one slow dependency then holds every worker until the service answers nobody, and one
    client can do the same by asking often enough.

    Example:

        requests.get(f"{BILLING}/invoices")

    Mend: give each call a timeout (`timeout=5`, `AbortSignal.timeout(5000)`), and let the gateway
    or the proxy before it limit requests (slowapi, express-rate-limit, `limit_req`).
    """
    asked = " ".join(probes(model))
    for fault in chain(python.faults(model), javascript.faults(model)):
        is_probe = fault.place.file.rpartition("/")[2] in asked
        # Whoever runs a probe ends it in time.
        yield replace(fault, severity=Severity.LOW) if is_probe else fault
    yield from gateways.faults(model)


RULES: tuple[Rule, ...] = (no_timeout_or_limit,)
