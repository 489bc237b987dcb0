"""Routes that tell whether a service lives and is ready."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipelines.audit.findings import Also, Fault, Severity
from pipelines.audit.model import Model
from pipelines.audit.model.python.web import WebService
from pipelines.audit.place import Place
from pipelines.audit.rule import Rule, rule

_ASKS = re.compile(r"https?://|urlopen|curl|wget|httpx|requests\.|http\.client")


_FEW = 2  # routes of what hardly is a service
_CUSTOM = 2  # services that tell something, and half of all, make it a custom


@rule("OBS004", "ready-live-missing", Severity.MEDIUM)
def ready_live_missing(model: Model) -> Iterator[Fault]:
    """A service that answers HTTP has no route that tells its health.

    Why: neither Compose, nor Kubernetes, nor a load balancer can tell a process that hangs from one
    that works, so traffic is sent to what cannot answer and nothing is restarted.

    Example:

        app = FastAPI()          # no /health, /healthz, /readyz, /livez, /ping, /status...

    Any usual name counts, and so does a health check that asks the service something over HTTP.
    Where other services of the repository tell readiness and liveness apart, one that does not is
    worth mending (low): whoever asks all of them will take it for dead.

    Mend: add `/livez` (the process answers) and `/readyz` (its database and brokers answer too),
    and ask them in the health check.
    """
    seen = set()
    custom = _custom(model)
    for service in model.web:
        place = service.app.place
        if place in seen or not service.routes:  # they are made in a way that is not understood
            continue
        if not _is_probed(service) and not service.tells_its_health:
            seen.add(place)
            yield _silent(service)
        elif missing := [kind for kind in custom if kind not in service.probed]:
            seen.add(place)
            yield _unusual(service, missing, _others(model, custom))


def _custom(model: Model) -> tuple[str, ...]:
    """What most services of the repository tell of themselves, besides their health."""
    services = {it.app.place: it for it in model.web}
    told = [kind for service in services.values() for kind in service.probed]
    least = max(_CUSTOM, len(services) / 2)
    return tuple(sorted(kind for kind in set(told) if told.count(kind) >= least))


def _silent(service: WebService) -> Fault:
    return Fault(
        service.app.place,
        f"{service.name} has no route for health, readiness or liveness",
        "add /livez and /readyz, and ask them in the health check",
        also=(Also(service.application.place, "starts it"),),
        service=service.application.service,
        severity=Severity.LOW if len(service.routes) <= _FEW else None,
    )


def _others(model: Model, kinds: tuple[str, ...]) -> list[Place]:
    places = {it.app.place for it in model.web if it.probed >= set(kinds)}
    return sorted(places, key=lambda it: (it.file, it.line))


def _unusual(service: WebService, missing: list[str], others: list[Place]) -> Fault:
    return Fault(
        service.app.place,
        f"{service.name} has no route for {' or '.join(missing)}, as other services have",
        "add the routes that the other services have",
        also=tuple(Also(it, "has them") for it in others[:2]),
        service=service.application.service,
        severity=Severity.LOW,
    )


def _is_probed(service: WebService) -> bool:
    image = service.application.image
    health = image.health if image is not None else None
    return health is not None and _ASKS.search(" ".join((health.text, *health.words))) is not None


RULES: tuple[Rule, ...] = (ready_live_missing,)
