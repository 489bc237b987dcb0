"""Services that measure, tell or log nothing, and debugging that is left on."""

from __future__ import annotations

from collections.abc import Iterator

from tests.audit.injected.injection import Injection, add, append, change, injected

BIKES, CLINIC, PARCELS = "bikeshare", "clinic", "parcels"
GATEWAY, RIDES = "services/gateway/app/main.py", "services/rides/app/main.py"
COUNTED = "services/gateway/app/metrics.py"
SETTINGS, URLS, TASKS = "clinic/settings.py", "clinic/urls.py", "clinic/visits/tasks.py"
LABELS = "labels/labels/app.py"


def _debugged() -> Iterator[Injection]:
    for file, name in ((GATEWAY, "gateway"), (RIDES, "rides")):
        made = f'FastAPI(title="{name}"'
        for way in (f"{made}, debug=True)", f'FastAPI(debug=True, title="{name}")'):
            yield injected("SEC006", BIKES, way, change(file, f"{made})", way))
        edit = change(file, f"app = {made})\n", f"app = {made})\napp.debug = True\n")
        yield injected("SEC006", BIKES, f"app.debug of {name}", edit)
    off = 'DEBUG = os.getenv("DJANGO_DEBUG", "0") == "1"'
    for way in (
        "DEBUG = True",
        'DEBUG = os.getenv("DJANGO_DEBUG", "1") == "1"',
        'DEBUG = os.environ.get("DEBUG", "true").lower() == "true"',
        'DEBUG = bool(int(os.getenv("DJANGO_DEBUG", "1")))',
    ):
        yield injected("SEC006", CLINIC, way, change(SETTINGS, off, way))
    for way in ("app.debug = True", 'app.config["DEBUG"] = True', "app.config.update(DEBUG=True)"):
        edit = change(LABELS, "app = Flask(__name__)\n", f"app = Flask(__name__)\n{way}\n")
        yield injected("SEC006", PARCELS, way, edit)
    for way in (
        "app.run(host='0.0.0.0', port=8090, debug=True)",
        "app.run('0.0.0.0', 8090, use_reloader=True)",
    ):
        run = append(LABELS, f'\n\nif __name__ == "__main__":\n    {way}\n')
        started = change(
            "labels/Dockerfile",
            '["gunicorn", "labels.app:app", "--bind", "0.0.0.0:8090", "--workers", "2"]',
            '["python", "-m", "labels.app"]',
        )
        yield injected("SEC006", PARCELS, way, run, started, at=f"    {way}")


# How a service is measured, and by which edits no longer.
_ROUTES = {
    "gateway": change(
        GATEWAY,
        '@app.get("/metrics")\nasync def metrics() -> Response:\n'
        "    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)\n\n\n",
        "",
    ),
    "rides": change(
        RIDES,
        '@app.get("/metrics")\nasync def metrics() -> Response:\n'
        "    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)\n\n\n",
        "",
    ),
}
_IMPORTS = {
    "gateway": change(
        GATEWAY, "from prometheus_client import CONTENT_TYPE_LATEST, generate_latest\n", ""
    ),
    "rides": change(RIDES, "CONTENT_TYPE_LATEST, Counter, generate_latest", "Counter"),
}
_TARGETS = {"gateway": '"gateway:8000"', "rides": '"rides:8001"'}
_UNMEASURED = """\
from fastapi import FastAPI

app = FastAPI(title="{name}")


@app.get("/health")
async def health() -> dict[str, str]:
    return {{"status": "ok"}}


@app.get("/items")
async def items() -> list[str]:
    return []
"""


def _unmeasured() -> Iterator[Injection]:
    for name in ("gateway", "rides"):
        at = ("monitoring/prometheus.yml", _TARGETS[name])
        yield injected(
            "OBS001", BIKES, f"{name} lost its route", _ROUTES[name], _IMPORTS[name], at=at
        )
        path = "/internal/stats"
        file = GATEWAY if name == "gateway" else RIDES
        edit = change(file, '@app.get("/metrics")', f'@app.get("{path}")')
        yield injected("OBS001", BIKES, f"{name} has another route", edit, at=at)
    yield injected(
        "OBS001",
        BIKES,
        "Prometheus asks at another path",
        change(
            "monitoring/prometheus.yml",
            "metrics_path: /metrics",
            "metrics_path: /actuator/prometheus",
        ),
        at='"gateway:8000"',
    )
    for name in ("rides", "gateway"):
        image = f"services/{name}/Dockerfile"
        yield injected(
            "OBS001",
            BIKES,
            f"{name} starts another module",
            change(image, '"app.main:app"', '"app.plain:app"'),
            add(f"services/{name}/app/plain.py", _UNMEASURED.format(name=name)),
            at=("monitoring/prometheus.yml", _TARGETS[name]),
        )
    plain = (
        change(SETTINGS, '    "django_prometheus",\n', ""),
        change(SETTINGS, '    "django_prometheus.middleware.PrometheusBeforeMiddleware",\n', ""),
        change(SETTINGS, '    "django_prometheus.middleware.PrometheusAfterMiddleware",\n', ""),
        change(URLS, '    path("", include("django_prometheus.urls")),\n', ""),
        change(URLS, "from django.urls import include, path", "from django.urls import path"),
    )
    yield injected(
        "OBS001", CLINIC, "no django_prometheus", *plain, at=("clinic/wsgi.py", "application = ")
    )
    metrics = (
        '@app.get("/metrics")\ndef metrics() -> Response:\n'
        "    return Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)\n\n\n"
    )
    for way, edits in {
        "without its route": (
            change(LABELS, metrics, ""),
            change(
                LABELS, "from prometheus_client import CONTENT_TYPE_LATEST, generate_latest\n", ""
            ),
        ),
        "with another route": (change(LABELS, '@app.get("/metrics")', '@app.get("/stats")'),),
    }.items():
        yield injected(
            "OBS001",
            PARCELS,
            f"labels is scraped {way}",
            *edits,
            at=("prometheus.yml", '"labels:8090"'),
            given=_SCRAPED,
        )
    bare = (
        change(LABELS, metrics, ""),
        change(LABELS, "from prometheus_client import CONTENT_TYPE_LATEST, generate_latest\n", ""),
        change(LABELS, "from labels.metrics import PRINTED, REFUSED\n\n", ""),
        change(LABELS, "        REFUSED.inc()\n", ""),
        change(LABELS, "    PRINTED.inc()\n", ""),
        change("labels/labels/metrics.py", _COUNTERS, ""),
    )
    yield injected("OBS001", PARCELS, "labels measures nothing", *bare, at="app = Flask(__name__)")


_COUNTERS = """\

from prometheus_client import Counter

PRINTED = Counter("labels_printed_total", "Labels that were printed")
REFUSED = Counter("labels_refused_total", "Numbers that are none")
"""
_SCRAPED = (
    add(
        "prometheus.yml",
        "scrape_configs:\n  - job_name: labels\n    static_configs:\n"
        '      - targets: ["labels:8090"]\n',
    ),
)


def _never_updated() -> Iterator[Injection]:
    for variable, call, file in (
        ("REQUESTS", "    REQUESTS.labels(route, response.status_code).inc()\n", GATEWAY),
        ("ERRORS", "        ERRORS.labels(route).inc()\n", GATEWAY),
        ("SECONDS", "    SECONDS.labels(route).observe(time.perf_counter() - began)\n", GATEWAY),
    ):
        edit = change(file, call, "")
        yield injected(
            "OBS002", BIKES, f"{variable} stands still", edit, at=(COUNTED, f"{variable} =")
        )
        edit = change(file, call, call.partition(".")[0] + "\n")
        yield injected(
            "OBS002", BIKES, f"{variable} is only named", edit, at=(COUNTED, f"{variable} =")
        )
    yield injected(
        "OBS002",
        BIKES,
        "STARTED stands still",
        change(RIDES, "    STARTED.inc()\n", ""),
        at="STARTED =",
    )
    for kind in ("Counter", "Gauge", "Histogram", "Summary"):
        new = f'TRIPS = {kind}("gateway_trips", "Trips that were asked for")'
        imports = ", ".join(sorted({kind, "Counter", "Histogram"}))
        yield injected(
            "OBS002",
            BIKES,
            f"one more {kind}",
            append(COUNTED, f"{new}\n"),
            change(COUNTED, "import Counter, Histogram\n", f"import {imports}\n"),
            at=new,
        )
    yield injected(
        "OBS002",
        CLINIC,
        "REMINDERS stands still",
        change(TASKS, "    REMINDERS.inc()\n", ""),
        at=("clinic/visits/metrics.py", "REMINDERS ="),
    )
    yield injected(
        "OBS002",
        CLINIC,
        "one more counter",
        append(
            "clinic/visits/metrics.py",
            'FAILED = Counter("clinic_failed_total", "Reminders that failed")\n',
        ),
        at="FAILED =",
    )
    for variable, call in (
        ("PRINTED", "    PRINTED.inc()\n"),
        ("REFUSED", "        REFUSED.inc()\n"),
    ):
        edit = change(LABELS, call, "")
        yield injected(
            "OBS002",
            PARCELS,
            f"{variable} stands still",
            edit,
            at=("labels/labels/metrics.py", f"{variable} ="),
        )


_HELPER = '''\
"""Traces of requests."""

from opentelemetry import trace

tracer = trace.get_tracer("{name}")


def traced(name: str):
    return tracer.start_as_current_span(name)
'''
_COUNTING = '''\
"""What every service counts."""

from prometheus_client import Counter, Histogram

REQUESTS = Counter("requests_total", "Requests", ["service"])
SECONDS = Histogram("request_seconds", "Seconds", ["service"])


def count(service: str, seconds: float) -> None:
    REQUESTS.labels(service).inc()
    SECONDS.labels(service).observe(seconds)
'''
_LOGGING = '''\
"""Logs as JSON."""

import structlog


def configure_logging() -> None:
    structlog.configure(processors=[structlog.processors.JSONRenderer()])
'''


def _dead() -> Iterator[Injection]:
    for system, folders in (
        (BIKES, ("services/gateway/app", "services/rides/app", "services")),
        (CLINIC, ("clinic", "clinic/visits")),
        (PARCELS, ("labels/labels", "shared")),
    ):
        for folder in folders:
            for name, text in (
                ("tracing", _HELPER.format(name=system)),
                ("shared_metrics", _COUNTING),
                ("structured_logging", _LOGGING),
            ):
                edit = add(f"{folder}/{name}.py", text)
                yield injected("OBS003", system, f"{folder}/{name}.py", edit)


def _untold() -> Iterator[Injection]:
    asked = "import urllib.request as r; r.urlopen('http://127.0.0.1:{port}/{path}', timeout=2)"
    for system, compose, file, port, path, at in (
        (BIKES, "compose.yaml", GATEWAY, 8000, "health", 'app = FastAPI(title="gateway")'),
        (BIKES, "compose.yaml", RIDES, 8001, "health", 'app = FastAPI(title="rides")'),
    ):
        for other in ("items", "hello", "root", "welcome", "index"):
            yield injected(
                "OBS004",
                system,
                f"{file} tells only {other}",
                change(
                    file,
                    '@app.get("/health")\nasync def health()',
                    f'@app.get("/{other}")\nasync def {other}()',
                ),
                change(
                    file,
                    '@app.get("/ready")\nasync def ready()',
                    f'@app.get("/{other}s")\nasync def {other}s()',
                ),
                at=at,
                given=(
                    change(
                        compose,
                        asked.format(port=port, path=path),
                        f"import socket; socket.create_connection(('127.0.0.1', {port}), 2)",
                    ),
                ),
            )
    for other in ("hello", "root"):
        yield injected(
            "OBS004",
            PARCELS,
            f"labels tells only {other}",
            change(
                LABELS,
                '@app.get("/healthz")\ndef healthz()',
                f'@app.get("/{other}")\ndef {other}()',
            ),
            at="app = Flask(__name__)",
            given=(
                change(
                    "compose.yaml",
                    asked.format(port=8090, path="healthz"),
                    "import socket; socket.create_connection(('127.0.0.1', 8090), 2)",
                ),
            ),
        )
    yield injected(
        "OBS004",
        CLINIC,
        "the site tells nothing",
        change(
            URLS, '    path("healthz", views.healthz),\n    path("readyz", views.readyz),\n', ""
        ),
        at=("clinic/wsgi.py", "application = "),
        given=(
            change(
                "Dockerfile",
                "CMD curl --fail --silent --max-time 2 http://127.0.0.1:8000/healthz || exit 1",
                "CMD grep -q gunicorn /proc/1/cmdline || exit 1",
            ),
        ),
    )


def _free() -> Iterator[Injection]:
    structured = {
        GATEWAY: (BIKES, "import structlog\n", "log = structlog.get_logger()"),
        RIDES: (BIKES, "import structlog\n", "log = structlog.get_logger()"),
        LABELS: (PARCELS, "import structlog\n", "log = structlog.get_logger()"),
    }
    for file, (system, imported, made) in structured.items():
        for way in (
            "logging.basicConfig(level=logging.INFO)",
            "log = logging.getLogger(__name__)",
            'log = logging.getLogger("uvicorn.error")',
            "logging.basicConfig(format='%(asctime)s %(message)s')",
        ):
            new = way if way.startswith("log =") else f"{way}\nlog = logging.getLogger(__name__)"
            edits = (change(file, made, new), change(file, imported, "import logging\n"))
            yield injected("OBS005", system, f"{file} {way}", *edits, at=way)
    logged = (
        '    "formatters": {"json": {"()": "pythonjsonlogger.json.JsonFormatter"}},\n',
        '"class": "logging.StreamHandler", "formatter": "json"',
    )
    yield injected(
        "OBS005",
        CLINIC,
        "plain handlers",
        change(SETTINGS, logged[0], ""),
        change(SETTINGS, logged[1], '"class": "logging.StreamHandler"'),
        at=("clinic/visits/views.py", "log = logging"),
    )


INJECTIONS = (
    *_debugged(),
    *_unmeasured(),
    *_never_updated(),
    *_dead(),
    *_untold(),
    *_free(),
)
