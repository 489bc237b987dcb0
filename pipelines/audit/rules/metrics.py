"""Metrics: that there are some, that they are scraped, that they count."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from pipelines.audit.findings import Also, Fault, Severity
from pipelines.audit.model import Model
from pipelines.audit.model.ci.packages import Package
from pipelines.audit.model.compose import Service
from pipelines.audit.model.javascript import SUFFIXES
from pipelines.audit.model.monitoring import Target
from pipelines.audit.model.python.instrumentation import Helper, dead_helpers
from pipelines.audit.model.python.instruments import untouched
from pipelines.audit.model.python.web import WebService
from pipelines.audit.model.roles import is_deployed
from pipelines.audit.rule import Rule, rule

_FOR_METRICS = re.compile("prom|metrics|opentelemetry|statsd|newrelic|dd-trace|elastic-apm")


@rule("OBS001", "metrics-missing", Severity.MEDIUM)
def metrics_missing(model: Model) -> Iterator[Fault]:
    """A service is scraped and has no metrics, or answers HTTP and measures nothing.

    Why: the target is down on every dashboard, so nobody looks at it any more, and an outage shows
    first in what users say.

    Example:

        - job_name: fusion
          static_configs:
            - targets: ['fusion:8002']     # its application has no /metrics

    A mounted application (`make_asgi_app`), an instrumentator and a metrics server of its own all
    count. A service that nobody scrapes is worth mending (low).

    Mend: mount the metrics (`app.mount("/metrics", make_asgi_app())`) or use an instrumentator; or
    take the target away.
    """
    scraped: set[str] = set()
    for target, service in _targets(model):
        scraped.add(service.name)
        if not service.answers(target.path):
            yield _unanswered(target, service)
    yield from _of_node(model)
    seen = set()
    for service in model.web:
        if service.name in scraped or service.is_measured or service.app.place in seen:
            continue
        seen.add(service.app.place)
        yield Fault(
            service.app.place,
            f"{service.name} answers HTTP and has no metrics",
            "add metrics, for instance an instrumentator, and scrape them",
            also=(Also(service.application.place, "starts it"),),
            service=service.application.service,
            severity=Severity.LOW,
        )


def _of_node(model: Model) -> Iterator[Fault]:
    """Targets that are packages of Node with neither a library for metrics nor a word of them."""
    targets = [target for it in model.prometheus for target in it.targets]
    services = dict(_packages(model)) if targets else {}
    for target in targets:
        if target.host not in services:
            continue
        service, package = services[target.host]
        if _measures(model, package, target.path):
            continue
        yield Fault(
            target.place,
            f"{target.path} of {target.host} is scraped, but nothing in {package.file} serves it",
            f"serve metrics at {target.path} (prom-client), or remove the target",
            also=(Also(service.place, "the service"),),
            service=service.name,
        )


def _packages(model: Model) -> Iterator[tuple[str, tuple[Service, Package]]]:
    """The services that are built of a package of Node, by the names that they are reached by."""
    for project in model.projects:
        for service in project.services.values():
            context = service.build.context if service.build else None
            package = model.packages.get(context) if context is not None else None
            if package is None or not package.dependencies:
                continue
            for name in (service.name, service.node["container_name"].text):
                yield name, (service, package)


def _measures(model: Model, package: Package, route: str) -> bool:
    """Whether a package asks for a library of metrics, or its code speaks of any."""
    if any(_FOR_METRICS.search(name) for name in (*package.dependencies, *package.development)):
        return True
    word = route.rpartition("/")[2]
    texts = (
        model.tracked.text(path) or ""
        for path in model.tracked.below(package.folder)
        if path.endswith(SUFFIXES)
    )
    return any(word in text or "prometheus" in text.lower() for text in texts)


def _unanswered(target: Target, service: WebService) -> Fault:
    file = service.app.place.file
    return Fault(
        target.place,
        f"{target.path} of {target.host} is scraped, but {file} has no such route",
        f"serve metrics at {target.path} in {file}, or remove the target",
        also=(Also(service.app.place, "the application, without metrics"),),
        service=service.application.service,
    )


def _targets(model: Model) -> Iterator[tuple[Target, WebService]]:
    """The scrape targets that are web services of this repository."""
    by_name: dict[str, WebService] = {}
    for service in model.web:
        if service.application.service:
            by_name.setdefault(service.application.service, service)
    aliases = {
        alias: service.name
        for project in model.projects
        for service in project.services.values()
        for alias in (service.node["container_name"].text, service.node["hostname"].text)
        if alias
    }
    for configuration in model.prometheus:
        for target in configuration.targets:
            found = by_name.get(target.host) or by_name.get(aliases.get(target.host, ""))
            if found is not None:
                yield target, found


@rule("OBS002", "metric-never-updated", Severity.MEDIUM)
def metric_never_updated(model: Model) -> Iterator[Fault]:
    """A metric is declared and nothing ever counts, sets or observes it.

    Why: it shows zero for ever, and the alert that watches it never rings: worse than no metric,
    since everybody believes that errors are counted.

    Example:

        ERRORS = Counter("api_errors_total", "Errors", ["endpoint"])   # no ERRORS.labels(...).inc()

    A metric that is handed on (as an argument, in a list) may be updated there and is left alone.

    Mend: update it where the event happens, or remove it.
    """
    for metric in untouched(model.python):
        verb = {"Counter": "incremented", "Histogram": "observed"}.get(metric.kind, "set")
        yield Fault(
            metric.place,
            f"{metric.kind} {metric.name or metric.variable} is declared, but never {verb}",
            f"update {metric.variable} where the event happens, or remove it",
        )


@rule("OBS003", "dead-instrumentation", Severity.MEDIUM)
def dead_instrumentation(model: Model) -> Iterator[Fault]:
    """A helper for metrics, traces or logs is imported by nothing, or is not in the image.

    Why: the work is done and has no effect, and whoever sees the file believes that the services
    are instrumented.

    Example:

        apps/shared_metrics.py   # each service is built from its own folder, apps/<service>

    A module that something names otherwise (a plug-in, an entry point, a `-m`) is left alone.

    Mend: import it where the application is made and copy it into the image, or delete it.
    """
    for helper in _dead(model):
        if is_deployed(helper.place.file):
            yield Fault(
                helper.place,
                helper.message,
                "import it in the services and build them with it, or delete it",
                also=tuple(Also(place, "imports it") for place in helper.importers[:3]),
            )


def _dead(model: Model) -> Iterator[Helper]:
    """A library's module is there for others: only those of a repository that starts something."""
    libraries = {
        file.rpartition("/")[0] for file, it in model.requirements.items() if it.is_library
    }
    if not model.applications:
        return
    for helper in dead_helpers(model.python, model.tracked, model.applications, model.modules):
        folders = {str(it) for it in PurePosixPath(helper.place.file).parents}
        if not folders & (libraries - {""}) and not _is_installed(model, helper):
            yield helper


def _is_installed(model: Model, helper: Helper) -> bool:
    """Whether an import of it that cannot fail unseen is missed by no application.

    Then the image has it as an installed package, as which nobody sees it among the copied files.
    """
    certain = {
        it.place
        for place in helper.importers
        for it in model.python.module(place.file).imports
        if it.place == place and not it.is_optional
    }
    if not certain:
        return False
    missed = {
        it.place
        for application in model.applications
        for it, file in (*model.imports(application).outside, *model.imports(application).astray)
        if file == helper.place.file or it.place in certain
    }
    return not missed


RULES: tuple[Rule, ...] = (metrics_missing, metric_never_updated, dead_instrumentation)
