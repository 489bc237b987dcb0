"""Routes that tell whether a service lives and is ready."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipelines.audit.findings import Also, Fault, Severity
from pipelines.audit.model import Model
from pipelines.audit.model.web import WebService
from pipelines.audit.rule import Rule, rule

_ASKS = re.compile(r"https?://|urlopen|curl|wget|httpx|requests\.|http\.client")


_FEW = 2  # routes of what hardly is a service


@rule("OBS004", "ready-live-missing", Severity.MEDIUM)
def ready_live_missing(model: Model) -> Iterator[Fault]:
    """A service that answers HTTP has no route that tells its health.

    Why: neither Compose, nor Kubernetes, nor a load balancer can tell a process that hangs from one
    that works, so traffic is sent to what cannot answer and nothing is restarted.

    Example:

        app = FastAPI()          # no /health, /healthz, /readyz, /livez, /ping, /status...

    Any usual name counts, and so does a health check that asks the service something over HTTP.

    Mend: add `/livez` (the process answers) and `/readyz` (its database and brokers answer too),
    and ask them in the health check.
    """
    seen = set()
    for service in model.web:
        place = service.app.place
        if place in seen or _is_probed(service) or service.tells_its_health:
            continue
        if not service.routes:  # they are made in a way that is not understood
            continue
        seen.add(place)
        yield Fault(
            place,
            f"{service.name} has no route for health, readiness or liveness",
            "add /livez and /readyz, and ask them in the health check",
            also=(Also(service.application.place, "starts it"),),
            service=service.application.service,
            severity=Severity.LOW if len(service.routes) <= _FEW else None,
        )


def _is_probed(service: WebService) -> bool:
    image = service.application.image
    health = image.health if image is not None else None
    return health is not None and _ASKS.search(" ".join((health.text, *health.words))) is not None


RULES: tuple[Rule, ...] = (ready_live_missing,)
