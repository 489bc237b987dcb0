"""Which web pages may call."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.audit.findings import Also, Confidence, Fault, Severity
from pipelines.audit.model import Model
from pipelines.audit.model.roles import Role, role
from pipelines.audit.rule import Rule, rule
from pipelines.audit.rules.origins import Access, javascript, python, settings
from pipelines.audit.rules.origins.wiring import Setting, of_compose, of_kubernetes

_REMEDY = "name the origins that may call, and read them from a variable without a default of `*`"
_SETS_REMEDY = "name the origins that may call, for instance https://console.example.org"


@rule("SEC003", "cors-wildcard", Severity.MEDIUM)
def cors_wildcard(model: Model) -> Iterator[Fault]:
    """Any web page may call the service.

    Why: a browser then lets every page that a user visits read the answers, and with credentials
    allowed it does so as that user. A default of `*` behind a variable is the same as `*` wherever
    somebody forgets the variable.

    Example:

        app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_credentials=True)

    Mend: list the origins of your own pages, and take them from a variable that has no default of
    `*`; refuse to start without it. Methods and headers may stay `*`.
    """
    accesses = [it for it in _accesses(model) if role(it.place.file) in _DEPLOYED]
    sets = [*of_compose(model), *of_kubernetes(model)]
    for access in accesses:
        yield from _in_code(access, sets)
    yield from _set(accesses, sets)
    yield from settings.faults(model)


_DEPLOYED = (Role.PRODUCTION, Role.DEVELOPMENT)


def _accesses(model: Model) -> Iterator[Access]:
    yield from python.accesses(model)
    yield from javascript.accesses(model)


def _in_code(access: Access, sets: list[Setting]) -> Iterator[Fault]:
    """One fault where the code itself says `*`, for good or unless a variable is set."""
    wild = access.wild
    if wild is None:
        return
    severity = access.severity
    also = (Also(access.place, f"{access.what} takes it"),) if access.place != wild.place else ()
    if wild.variable:
        message = f"{access.what} allows every origin unless {wild.variable} is set"
        given = [it for it in sets if it.name in access.variables and it.reaches(access.place.file)]
        if given and not any(it.is_wild for it in given):
            severity = Severity.LOW
            also = (*also, Also(given[0].place, f"sets {wild.variable}"))
    else:
        message = f"{access.what} allows every origin"
    if access.has_credentials:
        message += ", with credentials"
    yield Fault(wild.place, message, _REMEDY, also, severity=severity)


def _set(accesses: list[Access], sets: list[Setting]) -> Iterator[Fault]:
    """A variable that is `*` where it is set, and that code takes for its origins."""
    for setting in sets:
        if not setting.is_wild:
            continue
        readers = [
            it for it in accesses if setting.name in it.variables and setting.reaches(it.place.file)
        ]
        if readers:
            first = readers[0]
            by = f" by default in {setting.name}" if setting.is_default else f" in {setting.name}"
            yield Fault(
                setting.place,
                f"{setting.service} is given `*`{by}, so {first.what} allows every origin",
                _SETS_REMEDY,
                (Also(first.place, "takes its origins from it"),),
                service=setting.service,
                severity=first.severity,
            )
        elif setting.is_telling and setting.folders is not None:
            yield Fault(
                setting.place,
                f"{setting.service} is given `*` in {setting.name}, and no code here takes it",
                _SETS_REMEDY,
                service=setting.service,
                severity=Severity.LOW,
                confidence=Confidence.MEDIUM,
            )


RULES: tuple[Rule, ...] = (cors_wildcard,)
