"""Services whose health nobody asks for, or waits for."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipelines.audit.findings import Also, Confidence, Fault, Severity
from pipelines.audit.model import Model
from pipelines.audit.model.compose import (
    Dependency,
    Project,
    Service,
    each,
    each_once,
    mended,
    stores,
)
from pipelines.audit.model.compose.jobs import is_job
from pipelines.audit.model.containers.images import Image
from pipelines.audit.model.kubernetes import Container
from pipelines.audit.rule import Rule, rule
from pipelines.audit.rules.places import first_at_each_place

_PROBES = ("readinessProbe", "livenessProbe", "startupProbe")
_WAITS = re.compile(
    r"wait[-_]?for|dockerize|\bwait\b.*\b(db|postgres|redis)|pg_isready|nc -\w*z|"
    r"\buntil\b|--wait|/dev/tcp/|mysqladmin ping|redis-cli ping|wait_until|wait-on|wait4"
)
_SCRIPT = re.compile(r"wait[-_]?(for|until)|(^|/)docker/[^/]*entrypoint|docker-entrypoint\.sh$")


@rule("REL001", "healthcheck-missing", Severity.MEDIUM)
def healthcheck_missing(model: Model) -> Iterator[Fault]:
    """A service that runs for ever has a health check neither in Compose nor in its image.

    Why: a process that hangs is still a process. Without a probe nobody notices it, nothing that
    needs the service can wait for it, and a rolling update replaces what works by what does not.

    Example:

        api:
          build: .
          ports: ["8000:8000"]

    Mend: give it a `healthcheck` with a program that its image has, or a `HEALTHCHECK` in its
    Dockerfile; in Kubernetes a `readinessProbe` and a `livenessProbe`.
    """
    probed = mended(model.projects, _is_asked_for)
    for project, service in each_once(model.projects):
        if _is_asked_for(service) or service.place in probed or is_job(service, project):
            continue
        if model.lacks_build(service):
            continue
        yield from _unprobed(model.image(service), project, service)
    for container in model.kubernetes.containers:
        if container.is_long_running and not any(container.node[probe] for probe in _PROBES):
            yield _container(container)


def _is_asked_for(service: Service) -> bool:
    return service.health is not None and not service.health.is_off


def _unprobed(image: Image, project: Project, service: Service) -> Iterator[Fault]:
    if image.health is not None or image.has_health:
        return
    is_off = service.health is not None
    is_known = image.is_built or image.programs is not None or stores.lacks_health(service.image)
    if not is_known and service.build is None:
        return  # somebody else's image may well have one
    is_needed = any(project.dependents(service.name)) or stores.store(image.reference) is not None
    dockerfile = image.stage.place if image.stage else None
    yield Fault(
        service.health.place if service.health else service.place,
        f"nobody can tell whether {service.name} is well: "
        + ("its health check is off" if is_off else "it has no health check, nor has its image"),
        "add a healthcheck that asks what it serves, with a program that its image has",
        also=(Also(dockerfile, "no HEALTHCHECK here"),) if dockerfile else (),
        service=service.name,
        severity=None if is_needed or service.build is not None else Severity.LOW,
        confidence=None if is_known else Confidence.UNKNOWN,
    )


def _container(container: Container) -> Fault:
    return Fault(
        container.place,
        f"nobody can tell whether {container.name} ({container.workload}) is well: it has no probe",
        "add a readinessProbe and a livenessProbe",
        service=container.workload,
        severity=None if container.node["ports"].items else Severity.LOW,
    )


@rule("REL004", "depends-not-healthy", Severity.MEDIUM)
def depends_not_healthy(model: Model) -> Iterator[Fault]:
    """A service is started before what it depends on is well.

    Why: `depends_on` alone waits until the other container is started, not until it answers. On a
    slow machine, or after a reboot, the dependent fails at its first connection; with luck it is
    restarted, without it stays down.

    Example:

        api:
          depends_on:
            - db

    Mend: give the dependency a health check and wait for it: `db: {condition: service_healthy}`;
    for a job that must be done before, `condition: service_completed_successfully`.
    """
    yield from first_at_each_place(_early_ones(model))


def _early_ones(model: Model) -> Iterator[Fault]:
    has_script = any(_SCRIPT.search(path) for path in model.tracked)
    for project, service in each(model.projects):
        if _is_swarm(project):  # which knows no conditions, and passes depends_on over
            continue
        for dependency in service.depends_on:
            needed = project.services.get(dependency.name)
            if needed is None or dependency.condition != "service_started":
                continue
            is_waiting = _waits(model, service, has_script=has_script)
            yield _early(model, project, service, dependency, needed, is_waiting=is_waiting)


def _early(
    model: Model,
    project: Project,
    service: Service,
    dependency: Dependency,
    needed: Service,
    *,
    is_waiting: bool,
) -> Fault:
    image = model.image(needed)
    is_probed = _is_asked_for(needed) or image.health is not None or image.has_health
    severity = None
    if is_job(needed, project):
        remedy = "wait until it is done: condition: service_completed_successfully"
        what = f"{service.name} does not wait until the job {needed.name} is done"
        severity = Severity.LOW
    else:
        what = f"{service.name} does not wait until {needed.name} is well"
        remedy = "wait for it: condition: service_healthy"
        if not is_probed:
            remedy = f"give {needed.name} a health check, and {remedy}"
            what += ", which nobody asks"
    is_store = stores.store(image.reference) is not None
    is_beside = stores.is_beside(service.image) or stores.is_beside(needed.image)
    if is_beside or is_waiting or not (is_probed or is_store):
        severity = Severity.LOW
    return Fault(
        dependency.place,
        what,
        remedy,
        also=(Also(needed.place, "what it depends on"),),
        service=service.name,
        severity=severity,
    )


def _waits(model: Model, service: Service, *, has_script: bool) -> bool:
    """Whether it waits by itself, in its command or in the script that its image starts with.

    An image from a registry may well be made of this repository, if that has a script to wait.
    """
    image = model.image(service)
    texts = [words.text for words in (service.command, service.entrypoint) if words]
    if image.entry is not None:
        texts += [image.entry.text, *image.entry.words]
        for word in image.entry.words[:3]:
            file = image.origin(word, model.tracked)
            texts += [model.tracked.text(file) or ""] if file in model.tracked and file else []
    if any(_WAITS.search(text) for text in texts):
        return True
    return has_script and not image.is_built and image.programs is None


def _is_swarm(project: Project) -> bool:
    return bool(re.search(r"stack|swarm", project.file.rpartition("/")[2]))


RULES: tuple[Rule, ...] = (healthcheck_missing, depends_not_healthy)
