"""The table of injected faults, a family a module, and where a rule makes no sense."""

from __future__ import annotations

from tests.audit.injected import (
    builds,
    claims,
    observability,
    pipelines,
    probes,
    processes,
    secrets,
    stores,
    suppressions,
    web,
    wiring,
)

INJECTIONS = (
    *builds.INJECTIONS,
    *claims.INJECTIONS,
    *observability.INJECTIONS,
    *pipelines.INJECTIONS,
    *probes.INJECTIONS,
    *processes.INJECTIONS,
    *secrets.INJECTIONS,
    *stores.INJECTIONS,
    *suppressions.INJECTIONS,
    *web.INJECTIONS,
    *wiring.INJECTIONS,
)

# The systems in which a rule makes sense, where these are not all.
EXCEPTIONS: dict[str, tuple[str, ...]] = {}
