"""Web services: the applications that answer HTTP, by which routes, and with which metrics."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from pipelines.audit.model.python import App, Application, Module, Python, Route

# Programs that measure or trace whatever they start.
_AGENTS = ("opentelemetry-instrument", "ddtrace-run", "newrelic-admin", "scout_apm", "elastic-apm")
_HEALTH = re.compile(
    r"(^|[/_.-])(health|healthz|healthcheck|healthchecks|healthy|ready|readyz|readiness|live|livez"
    r"|liveness|alive|ping|pong|status|heartbeat|lbheartbeat|up|monitor|about|version|info)"
    r"([/_.-]|check|z|$)",
    re.IGNORECASE,
)
_METRICS = re.compile(r"metrics|prometheus", re.IGNORECASE)
_PROBED = {
    "liveness": re.compile(r"/(live|livez|liveness|alive)(?![\w-])", re.IGNORECASE),
    "readiness": re.compile(r"/(ready|readyz|readiness)(?![\w-])", re.IGNORECASE),
}
_HEALTH_LIBRARIES = ("health_check", "healthcheck", "fastapi_health", "watchman", "py_healthcheck")
# Libraries that keep or send figures; which of them answer a scrape stands in `_EXPOSES`.
_MEASURES = (
    "prometheus_client", "prometheus_fastapi_instrumentator", "prometheus_flask_exporter",
    "starlette_exporter", "starlette_prometheus", "django_prometheus", "aioprometheus",
    "prometheus_async", "opentelemetry", "statsd", "datadog", "ddtrace", "newrelic", "elasticapm",
    "logfire", "aws_embedded_metrics", "sentry_sdk", "openlit", "litestar", "opencensus",
)  # fmt: skip
_EXPOSES = re.compile(
    r"(start_http_server|start_wsgi_server|make_asgi_app|make_wsgi_app|generate_latest|expose"
    r"|Instrumentator|PrometheusMetrics|GunicornPrometheusMetrics"
    r"|PrometheusMetricReader|PrometheusController|PrometheusConfig|handle_metrics"
    r"|start_http_server_in_thread|ExportToDjangoView)$"
)


_APPS = (
    "FastAPI(", "Flask(", "Starlette(", "Application(", "_application", "Sanic(", "Quart(",
    "Litestar(", "Bottle(", "App(", "NinjaAPI(",
)  # fmt: skip
_OF_METRICS = ("metrics", "prometheus", "Prometheus", "Instrument")
_OF_PROBES = ("/ready", "/live", "/alive")
_OF_HEALTH = ("health", "ready", "live", "ping", "status")


@dataclass(frozen=True)
class WebService:
    """One application with an application object of a web framework.

    `app` is the object that the server is given, or the first there is. Its modules are asked by
    what their text holds first, and parsed only then.
    """

    application: Application
    app: App
    files: tuple[str, ...]
    python: Python

    @property
    def name(self) -> str:
        """The Compose service's, or that of the module."""
        return self.application.service or self.application.module

    def holding(self, *marks: str) -> Iterator[Module]:
        """The modules whose text holds one of `sources.MARKS`."""
        wanted = frozenset(marks)
        for file in self.files:
            if self.python.sketch(file).marks & wanted:
                yield self.python.module(file)

    @cached_property
    def libraries(self) -> frozenset[str]:
        """The first parts of everything that it imports, or has Django import by name."""
        named = (name for module in self.holding("INSTALLED_APPS") for name in module.names)
        return frozenset(
            it.top for file in self.files for it in self.python.sketch(file).imports
        ) | frozenset(name.partition(".")[0] for name in named)

    @cached_property
    def routes(self) -> tuple[Route, ...]:
        """Every route of every module."""
        return tuple(route for file in self.files for route in self.python.routes(file))

    @property
    def is_measured(self) -> bool:
        """Whether it keeps or sends figures in some way, be it by an agent."""
        return self.is_watched or bool(self.libraries & set(_MEASURES)) or self.answers("/metrics")

    @property
    def is_watched(self) -> bool:
        """Whether an agent starts it, which measures on its own."""
        entry = self.application.image.entry if self.application.image else None
        return entry is not None and any(it.endswith(_AGENTS) for it in entry.words)

    def answers(self, path: str) -> bool:
        """Whether a scrape of that path has an answer: by a route, a mount, or a library's own."""
        wanted = path.rstrip("/") or "/"
        if "django_prometheus" in self.libraries:
            return True
        for module in self.holding(*_OF_METRICS):
            if module.is_broken or any(_is_at(route.path, wanted) for route in module.routes):
                return True
            exposes = [name for name in module.calls if _EXPOSES.search(name)]
            if _is_by_route(exposes) and any(map(_is_of_metrics, module.routes)):
                continue  # at another path
            if exposes:
                return True
        is_usual = wanted.rpartition("/")[2] == "metrics"
        return not is_usual and any(_is_at(route.path, wanted) for route in self.routes)

    @property
    def tells_its_health(self) -> bool:
        """Whether it has a route by one of the usual names."""
        if any(it.startswith(_HEALTH_LIBRARIES) for it in self.libraries):
            return True
        likely = self.holding(*_OF_HEALTH)
        return any(_is_of_health(it) for it in likely) or any(
            _is_of_health(self.python.module(file)) for file in self.files
        )

    @cached_property
    def probed(self) -> frozenset[str]:
        """What it tells apart: `liveness`, `readiness`."""
        paths = [route.path for it in self.holding(*_OF_PROBES) for route in it.routes]
        return frozenset(
            kind for kind, pattern in _PROBED.items() if any(map(pattern.search, paths))
        )


def _is_by_route(exposes: list[str]) -> bool:
    """Whether the figures are only written out, for a route of the service itself to answer."""
    return bool(exposes) and all(name.endswith("generate_latest") for name in exposes)


def _is_of_metrics(route: Route) -> bool:
    return bool(_METRICS.search(f"{route.path} {route.handler}"))


def _is_of_health(module: Module) -> bool:
    names = (name for route in module.routes for name in (route.path, route.handler))
    return module.is_broken or any(_HEALTH.search(name) for name in names)


def _is_at(path: str, wanted: str) -> bool:
    """Whether a route may answer at a path: with a prefix that is not known before it."""
    path = path.rstrip("/") or "/"
    return path == wanted or path.endswith(wanted) or (len(path) > 1 and wanted.endswith(path))


def services(
    python: Python,
    applications: Iterable[Application],
    reached: Callable[[Application], tuple[str, ...]],
) -> Iterator[WebService]:
    """Those among the applications."""
    for application in applications:
        files = reached(application)
        marked = [file for file in files if python.sketch(file).marks & frozenset(_APPS)]
        apps = [app for file in marked for app in python.module(file).apps]
        if apps:
            yield WebService(application, _served(application, apps), files, python)


def _served(application: Application, apps: list[App]) -> App:
    own = [app for app in apps if app.place.file == application.module]
    named = [app for app in own if app.variable == application.attribute]
    return (named or own or apps)[0]
