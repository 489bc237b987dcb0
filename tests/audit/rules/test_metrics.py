"""OBS001, OBS002, OBS003: metrics that are missing, never move, or are wired to nothing."""

from __future__ import annotations

import pytest

from pipelines.audit.findings import Severity
from tests.audit.repository import Files, found, places

DOCKERFILE = """\
    FROM python:3.12-slim
    WORKDIR /app
    COPY . .
    RUN pip install -r requirements.txt
    CMD ["uvicorn", "main:app"]
"""
COMPOSE = """\
    services:
      api:
        build: api
        container_name: system-api
      store:
        image: postgres:16
"""
PROMETHEUS = """\
    scrape_configs:
      - job_name: prometheus
        static_configs: [{targets: ["localhost:9090"]}]
      - job_name: api
        static_configs:
          - targets: ['api:8000']
"""
APP = "from fastapi import FastAPI\napp = FastAPI()\n"


def system(main: str = APP, prometheus: str = PROMETHEUS, **more: str) -> Files:
    return {
        "compose.yaml": COMPOSE,
        "monitoring/prometheus.yml": prometheus,
        "api/Dockerfile": DOCKERFILE,
        "api/requirements.txt": "fastapi==1\nuvicorn==1\nprometheus-client==1\n",
        "api/main.py": main,
        **{f"api/{name}.py": text for name, text in more.items()},
    }


def test_scraped_without_having_metrics() -> None:
    (it,) = found("OBS001", system())

    assert (str(it.place), it.severity, it.service) == (
        "monitoring/prometheus.yml:6",
        Severity.MEDIUM,
        "api",
    )
    assert [str(also.place) for also in it.also] == ["api/main.py:2"]


def test_a_container_name_is_a_host_too() -> None:
    prometheus = PROMETHEUS.replace("api:8000", "system-api:8000")

    assert places("OBS001", system(prometheus=prometheus)) == ["monitoring/prometheus.yml:6"]


@pytest.mark.parametrize(
    "more",
    [
        '@app.get("/metrics")\ndef metrics(): ...\n',
        'app.mount("/metrics", make_asgi_app())\n',
        "Instrumentator().instrument(app).expose(app)\n",
        "from prometheus_client import start_http_server\nstart_http_server(9000)\n",
        'app.add_route("/metrics", handle_metrics)\n',
        'if PROMETHEUS:\n    @app.get("/metrics")\n    def metrics(): ...\n',
    ],
)
def test_metrics_that_are_served(more: str) -> None:
    assert found("OBS001", system(APP + more)) == []


def test_a_router_in_another_module_serves_them() -> None:
    routes = 'router = APIRouter(prefix="/internal")\n@router.get("/metrics")\ndef m(): ...\n'
    prometheus = PROMETHEUS.replace("static_configs:\n", "metrics_path: /internal/metrics\n", 0)
    files = system("from routes import router\n" + APP, prometheus, routes=routes)

    assert found("OBS001", files) == []


def test_what_is_not_ours_is_left() -> None:
    prometheus = PROMETHEUS.replace("api:8000", "store:9187")
    served = APP + "import prometheus_client\nprometheus_client.start_http_server(1)\n"

    assert found("OBS001", system(served, prometheus)) == []


def test_a_service_that_nobody_scrapes_is_low() -> None:
    files = {name: text for name, text in system().items() if "prometheus" not in name}

    (it,) = found("OBS001", files)

    assert (str(it.place), it.severity) == ("api/main.py:2", Severity.LOW)


def test_an_agent_measures() -> None:
    dockerfile = DOCKERFILE.replace('["uvicorn"', '["opentelemetry-instrument", "uvicorn"')
    files = {name: text for name, text in system().items() if "prometheus" not in name}

    assert found("OBS001", {**files, "api/Dockerfile": dockerfile}) == []


COUNTER = (
    "from prometheus_client import Counter, Histogram\nERRORS = Counter('errors_total', 'x')\n"
)


@pytest.mark.parametrize(
    "main",
    [
        COUNTER,
        COUNTER + "if ERRORS is not None:\n    print(1)\n",
        COUNTER + "print(ERRORS._value)\n",
        COUNTER + "OTHER.inc()\n",
        COUNTER + "ERRORS\n",
    ],
)
def test_a_metric_that_never_moves(main: str) -> None:
    assert places("OBS002", system(main)) == ["api/main.py:2"]


@pytest.mark.parametrize(
    "use",
    [
        "ERRORS.inc()",
        "ERRORS.labels('a').inc()",
        "ERRORS.labels(\n    endpoint='a',\n).inc()",
        "def f():\n    ERRORS.inc(2)",
        "@ERRORS.count_exceptions()\ndef f(): ...",
        "with ERRORS.time():\n    pass",
        "register(ERRORS)",
        "ALL = [ERRORS]",
        "other = ERRORS",
        "def f():\n    return ERRORS",
        "ERRORS.add(1)",
    ],
)
def test_a_metric_that_is_updated_or_handed_on(use: str) -> None:
    assert found("OBS002", system(COUNTER + use + "\n")) == []


@pytest.mark.parametrize(
    "other",
    [
        "from main import ERRORS\nERRORS.inc()\n",
        "import main\nmain.ERRORS.labels('x').inc()\n",
        "from main import ERRORS as E, x\nfrom main import *\nERRORS.inc()\n",
    ],
)
def test_a_metric_that_another_module_updates(other: str) -> None:
    assert found("OBS002", system(COUNTER, other=other)) == []


def test_a_metric_that_only_a_test_updates() -> None:
    files = {**system(COUNTER), "api/tests/test_main.py": "from main import ERRORS\nERRORS.inc()\n"}

    assert places("OBS002", files) == ["api/main.py:2"]


def test_instruments_of_opentelemetry() -> None:
    main = (
        "from opentelemetry import metrics\nmeter = metrics.get_meter('x')\n"
        "used = meter.create_counter('used')\nunused = meter.create_counter('unused')\n"
        "used.add(1)\n"
    )

    assert places("OBS002", system(main)) == ["api/main.py:4"]


def test_what_only_has_the_name_of_a_counter() -> None:
    assert (
        found("OBS002", system("from collections import Counter\nWORDS = Counter('words')\n")) == []
    )


HELPER = (
    "from prometheus_client import Counter\nC = Counter('c', 'x')\n"
    "def instrument(app):\n    C.inc()\n"
)


def test_a_helper_that_nothing_imports() -> None:
    files = {**system(), "shared_metrics.py": HELPER}

    assert places("OBS003", files) == ["shared_metrics.py:1"]


@pytest.mark.parametrize(
    "more",
    [
        {
            "api/main.py": "from shared_metrics import instrument\n" + APP,
            "api/shared_metrics.py": HELPER,
        },
        {"shared_metrics.py": HELPER, "plugins.toml": 'modules = ["shared_metrics"]\n'},
        {"shared_metrics.py": HELPER, "start.sh": "python -m shared_metrics\n"},
        {"shared_metrics.py": HELPER + 'if __name__ == "__main__":\n    instrument(1)\n'},
        {"tests/shared_metrics.py": HELPER},
        {
            "lib/setup.py": "from setuptools import setup\nsetup(name='x')\n",
            "lib/x/metrics.py": HELPER,
        },
        {"shared_metrics.py": "def instrument(app): ...\n"},
    ],
)
def test_a_helper_that_is_used_or_none(more: Files) -> None:
    files = {**system(), **more}
    if "api/shared_metrics.py" in files:
        files.pop("shared_metrics.py", None)

    assert found("OBS003", files) == []


def test_a_helper_that_is_installed_as_a_package() -> None:
    install = "RUN pip install /shared/\n"
    dockerfile = (
        "FROM python:3.12 AS builder\nRUN python -m venv /opt/venv\nENV PATH=/opt/venv/bin:$PATH\n"
    )
    dockerfile += "COPY pyproject.toml /shared/\nCOPY shared/ /shared/shared/\n" + install
    dockerfile += "FROM python:3.12\nWORKDIR /app\nCOPY --from=builder /opt/venv /opt/venv\n"
    dockerfile += "COPY api/ /app/\nCMD uvicorn main:app\n"
    files = {
        "compose.yaml": "services: {api: {build: {context: ., dockerfile: api/Dockerfile}}}\n",
        "api/Dockerfile": dockerfile,
        "api/main.py": "from shared.metrics import instrument\n" + APP,
        "pyproject.toml": "[project]\nname = 'shared'\nversion = '1'\n"
        "[tool.setuptools]\npackages = ['shared']\n",
        "shared/__init__.py": "",
        "shared/metrics.py": HELPER,
    }

    assert found("OBS003", files) == []
    files["api/Dockerfile"] = dockerfile.replace(install, "")
    assert places("OBS003", files) == ["shared/metrics.py:1"]


def test_a_registry_of_ones_own_that_nothing_imports() -> None:
    registry = "class Registry:\n    def to_prometheus_text(self): ...\n"
    files = {
        **system(APP + "from opentelemetry import metrics\n"),
        "packages/observability/metrics.py": registry,
        "packages/observability/logs.py": "from .traces import x\n",
    }

    assert places("OBS003", files) == ["packages/observability/metrics.py:1"]
    files["packages/observability/logs.py"] = "from .metrics import Registry\n"
    assert places("OBS003", files) == []


def test_a_helper_outside_of_the_build_context() -> None:
    main = """\
        import sys
        from pathlib import Path
        sys.path.insert(0, str(Path(__file__).parent.parent))
        from fastapi import FastAPI
        try:
            from shared_metrics import instrument
        except ImportError:
            instrument = None
        app = FastAPI()
    """
    files = {**system(main), "shared_metrics.py": HELPER}

    (it,) = found("OBS003", files)

    assert str(it.place) == "shared_metrics.py:1"
    assert it.message == "shared_metrics is not in the image of api, which imports it"
    assert [str(also.place) for also in it.also] == ["api/main.py:6"]


def test_a_system_whose_monitoring_is_half_done() -> None:
    """Shaped like a real one: a helper beside the services, a counter that nobody moves."""
    files = {
        **system(
            APP + COUNTER + '@app.get("/metrics")\ndef metrics():\n    return generate_latest()\n'
        ),
        "shared_metrics.py": HELPER,
        "docs/shared_metrics.md": "Use `from shared_metrics import instrument`.\n",
    }

    assert places("OBS001", files) == []
    assert places("OBS002", files) == ["api/main.py:4"]
    assert places("OBS003", files) == ["shared_metrics.py:1"]


@pytest.mark.parametrize(
    ("dependencies", "source", "expected"),
    [
        ('"express": "4.18.2"', "app.get('/items', f)", ["monitoring/prometheus.yml:6"]),
        ('"express": "4.18.2", "prom-client": "15.0.0"', "app.get('/items', f)", []),
        ('"express": "4.18.2"', "app.get('/metrics', f)", []),
        ('"express": "4.18.2"', "require('./prometheus')(app)", []),
    ],
)
def test_a_service_of_node_that_is_scraped(
    dependencies: str, source: str, expected: list[str]
) -> None:
    files = {
        "compose.yaml": COMPOSE,
        "monitoring/prometheus.yml": PROMETHEUS,
        "api/Dockerfile": "FROM node:20\nWORKDIR /app\nCOPY . .\nCMD node index.js\n",
        "api/package.json": f'{{"name": "api", "dependencies": {{{dependencies}}}}}\n',
        "api/index.js": f"{source}\n",
    }

    assert places("OBS001", files) == expected
