"""Imports that the image does not have."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.audit.findings import Also, Confidence, Fault, Severity
from pipelines.audit.model import Model
from pipelines.audit.model.python import Application, Import, distributions
from pipelines.audit.model.python.environments import Environment
from pipelines.audit.place import Place
from pipelines.audit.rule import Rule, rule


@rule("REL013", "undeclared-import", Severity.HIGH)
def undeclared_import(model: Model) -> Iterator[Fault]:
    """A module is imported at start that nothing installs in the image.

    Why: the process ends with `ModuleNotFoundError` before it serves its first request. It works on
    the machine of whoever wrote it, where the distribution happens to be installed.

    Followed from what the image starts (`uvicorn main:app`) through the modules that it imports. An
    import inside a function, under `TYPE_CHECKING`, or with its `ImportError` caught is optional;
    what a declared distribution is known to bring, and every name in a lock, counts as installed.

    Example:

        from prometheus_client import Counter   # main.py; requirements.txt has no prometheus-client

    Mend: add the distribution to the list that the image installs (and renew its lock), or remove
    the import.
    """
    seen: set[tuple[Place, str]] = set()
    for application in model.applications:
        for fault in _faults(model, application):
            if (fault.place, fault.remedy) not in seen:
                seen.add((fault.place, fault.remedy))
                yield fault


def _faults(model: Model, application: Application) -> Iterator[Fault]:
    imports = model.imports(application)
    if not (imports.foreign or imports.astray) or application.image is None:
        return
    environment = model.environment(application.image)
    for imported in imports.foreign:
        confidence = _confidence(imported, environment, imports.is_open)
        yield _fault(application, imported, environment, confidence)
    for imported, file in () if imports.is_open else imports.astray[:1]:
        yield _astray(application, imported, file, imports.folders)


def _astray(
    application: Application, imported: Import, file: str, folders: tuple[str, ...]
) -> Fault:
    where = application.service or application.module
    return Fault(
        imported.place,
        f"{where} imports {imported.module} when it starts, which is in the image, but not in"
        f" {folders[0]}, where Python looks",
        "set PYTHONPATH in the image, or start it from the folder above the package with -m",
        also=(Also(Place(file), "the module"), Also(application.place, "starts it")),
        service=application.service,
        confidence=Confidence.MEDIUM,
    )


def _confidence(imported: Import, environment: Environment, is_open: bool) -> Confidence:
    """How sure it is that nothing brings it.

    A distribution that is not known may bring a module of any name, and what many bring.
    """
    if environment.is_locked:
        return Confidence.HIGH
    unknown = [name for name in environment.names if not distributions.is_explained(name)]
    if not distributions.is_known_import(imported.top):
        return Confidence.UNKNOWN if unknown or is_open else Confidence.MEDIUM
    return (
        Confidence.UNKNOWN if unknown and distributions.is_common(imported.top) else Confidence.HIGH
    )


def _fault(
    application: Application, imported: Import, environment: Environment, confidence: Confidence
) -> Fault:
    wanted = distributions.candidates(imported.module)[0]
    name = wanted if not wanted.endswith("*") else imported.module.replace(".", "-")
    where = application.service or application.module
    lists = ", ".join(environment.files) or "the image's build"
    last = environment.files[-1] if environment.files else "what the image installs"
    also = [Also(Place(file), f"has no {name}") for file in environment.files]
    also.append(Also(application.place, f"starts {application.module}"))
    return Fault(
        imported.place,
        f"{where} imports {imported.module} when it starts, but {lists} does not install {name}",
        f"add {name} to {last}",
        also=tuple(also),
        service=application.service,
        confidence=confidence,
    )


RULES: tuple[Rule, ...] = (undeclared_import,)
