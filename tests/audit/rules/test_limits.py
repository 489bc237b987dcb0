"""Calls that may wait for ever, and gateways that anybody may flood."""

from __future__ import annotations

import pytest

from pipelines.audit.findings import Severity
from tests.audit.repository import found, places

_IMAGE = "FROM python:3.11\nCOPY app /app\nCMD python /app/main.py\n"
_GRPC = "import grpc\nstub = pb.CatalogStub(grpc.insecure_channel(A))\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('import requests\nrequests.get("https://a.example")', 2),
        ("import requests as r\nr.post(URL, json={})", 2),
        ("from requests import get\nget(URL)", 2),
        ("import requests\nrequests.get(URL, timeout=None)", 2),
        ("import requests\ns = requests.Session()\ns.get(URL)", 3),
        ("import requests\nwith requests.Session() as s:\n    s.get(URL)", 3),
        ("from urllib.request import urlopen\nurlopen(URL)", 2),
        ("import urllib.request\nurllib.request.urlopen(URL)", 2),
        ('import smtplib\nsmtplib.SMTP("mail.example.org", 25)', 2),
        ("import httpx\nhttpx.AsyncClient(timeout=None)", 2),
        ("import psycopg2\npsycopg2.connect(URL)", 2),
        ("import redis\nredis.from_url(URL)", 2),
        ("import redis.asyncio as redis\nredis.from_url(URL)", 2),
        ("from redis import asyncio as aioredis\naioredis.from_url(URL)", 2),
        ("import aiohttp\ns = aiohttp.ClientSession()", 2),
        (f"{_GRPC}stub.List(pb.Empty())", 3),
        ("import requests\nrequests.get(URL, timeout=5)", 0),
        ("import requests\nrequests.get(URL, **options)", 0),
        ("import requests\ns = requests.Session()\ns.get(URL, timeout=5)", 0),
        ("from urllib.request import urlopen\nurlopen(URL, None, 5)", 0),
        ("import smtplib\nsmtplib.SMTP(HOST, timeout=5)", 0),
        ("import httpx\nhttpx.get(URL)\nhttpx.AsyncClient()", 0),
        ("import psycopg2\npsycopg2.connect(URL, connect_timeout=3)", 0),
        ('import psycopg2\npsycopg2.connect("postgres://db/a?connect_timeout=3")', 0),
        ("import redis\nredis.from_url(URL, socket_timeout=5)", 0),
        (f"{_GRPC}stub.List(pb.Empty(), timeout=2)", 0),
        ("requests = {}\nrequests.get(key)", 0),
        ("from app import requests\nrequests.get(key)", 0),
        ("import subprocess\nsubprocess.run(['requests'])", 0),
    ],
)
def test_clients_in_python(text: str, line: int) -> None:
    files = {"app/main.py": f"{text}\n", "Dockerfile": _IMAGE}

    assert places("REL015", files) == ([f"app/main.py:{line}"] if line else [])


def test_what_matters_little_makes_no_claim_about_it_a_grave_fault() -> None:
    calls = {"app/main.py": "import redis\nimport requests\nredis.from_url(URL)\n"}
    files = {
        "docs/STATUS.md": "- [x] Timeouts added in `app/main.py`\n",
        "Dockerfile": "FROM python:3.12\nCOPY app /app\nCMD python /app/main.py\n",
    }
    grave = {"app/main.py": calls["app/main.py"] + "requests.get(URL)\n"}

    assert [str(it.severity) for it in found("DOC001", files | calls)] == ["low"]
    assert [str(it.severity) for it in found("DOC001", files | grave)] == ["high"]


def test_a_probe_is_ended_by_whoever_runs_it() -> None:
    code = "import requests\nrequests.get(URL)\n"
    files = {"app/status.py": code, "Dockerfile": _IMAGE}
    probed = _IMAGE + "HEALTHCHECK CMD ./status.py\n"

    assert [it.severity for it in found("REL015", files)] == [Severity.MEDIUM]
    assert [it.severity for it in found("REL015", files | {"Dockerfile": probed})] == [Severity.LOW]


def test_what_is_run_by_hand_beside_the_code_may_wait() -> None:
    code = "import requests\nrequests.get(URL)\n"
    image = {"Dockerfile": "FROM python:3.11\nCOPY . /app\nCMD python /app/main.py\n"}

    assert places("REL015", image | {"verify_orders.py": code}) == []
    assert places("REL015", image | {"orders.py": code}) == ["orders.py:2"]


def test_an_aiohttp_session_whose_requests_have_timeouts() -> None:
    text = "import aiohttp\ns = aiohttp.ClientSession()\ns.get(URL, timeout=T)\n"

    assert places("REL015", {"app/main.py": text, "Dockerfile": _IMAGE}) == []


@pytest.mark.parametrize(
    ("text", "severity"),
    [
        ("import requests\nrequests.get(URL)\n", Severity.MEDIUM),
        ("import redis\nredis.from_url(URL)\n", Severity.LOW),
        ("import aiohttp\ns = aiohttp.ClientSession()\n", Severity.LOW),
    ],
)
def test_a_limit_of_the_library_or_of_the_network_matters_less(
    text: str, severity: Severity
) -> None:
    (finding,) = found("REL015", {"app/main.py": text, "Dockerfile": _IMAGE})

    assert finding.severity is severity


@pytest.mark.parametrize(
    "file", ["other/main.py", "app/scripts/load.py", "app/tests/test_a.py", "app/manage.py"]
)
def test_code_that_no_image_runs_may_wait(file: str) -> None:
    files = {file: "import requests\nrequests.get(URL)\n", "Dockerfile": _IMAGE, "app/a.py": ""}

    assert places("REL015", files) == []


_NODE = {
    "package.json": '{"dependencies": {"express": "4", "axios": "1"}}',
    "Dockerfile": "FROM node:22\nCOPY src /app/src\nCMD node /app/src/main.js\n",
}
_AXIOS = 'const axios = require("axios");\n'


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"{_AXIOS}axios.get(url);", 2),
        (f"{_AXIOS}axios.post(url, body, {{ headers }});", 2),
        (f"{_AXIOS}axios({{ url }});", 2),
        (f"{_AXIOS}let c = {{ headers }};\naxios.post(url, b, c);", 3),
        (f"{_AXIOS}let c = {{ headers }};\nc = proxied(c);\naxios.post(url, b, c);", 0),
        (f"{_AXIOS}const c = axios.create({{ baseURL }});\nc.get(url);", 3),
        ("await fetch(url);", 1),
        ("await fetch(url, { method: 'POST' });", 1),
        (f"{_AXIOS}axios.get(url, {{ timeout: 500 }});", 0),
        (f"{_AXIOS}axios.get(url, options);", 0),
        (f"{_AXIOS}const o = {{ timeout: 5 }};\naxios.get(url, o);", 0),
        (f"{_AXIOS}axios.defaults.timeout = 500;\naxios.get(url);", 0),
        (f"{_AXIOS}const c = axios.create({{ timeout: 500 }});\nc.get(url);", 0),
        ("await fetch(url, { signal: AbortSignal.timeout(500) });", 0),
        ("import fetch from './own.js';\nawait fetch(url);", 0),
        ("cache.get(url); prefetch(url);", 0),
    ],
)
def test_clients_in_node(text: str, line: int) -> None:
    assert places("REL015", {**_NODE, "src/main.js": text}) == (
        [f"src/main.js:{line}"] if line else []
    )


def test_a_page_may_wait_as_its_reader_leaves() -> None:
    package = '{"dependencies": {"react": "19", "axios": "1"}}'
    files = {**_NODE, "package.json": package, "src/page.tsx": f"{_AXIOS}axios.get(url);"}

    assert places("REL015", files) == []


_MAIN = "from fastapi import FastAPI\n\napp = FastAPI()\n"
_GATEWAY = {
    "compose.yaml": """
        services:
          api-gateway:
            build: gateway
            ports: ["8000:8000"]
            environment:
              ORDERS_URL: http://orders:8000
          orders:
            build: orders
    """,
    "gateway/Dockerfile": "FROM python:3.11\nCOPY . /app\nCMD uvicorn main:app\n",
    "gateway/main.py": _MAIN,
    "orders/Dockerfile": "FROM python:3.11\nCOPY . /app\nCMD uvicorn main:app\n",
    "orders/main.py": _MAIN,
}


def test_a_public_gateway_without_a_limit() -> None:
    (finding,) = found("REL015", _GATEWAY)

    assert (str(finding.place), finding.severity) == ("gateway/main.py:3", Severity.MEDIUM)
    assert [str(it.place) for it in finding.also] == ["compose.yaml:5"]


@pytest.mark.parametrize(
    "files",
    [
        {"gateway/main.py": f"from slowapi import Limiter\n{_MAIN}"},
        {"gateway/limits.py": "def limit():\n    raise HTTPException(status_code=429)\n"},
        {"gateway/requirements.txt": "fastapi-limiter==0.1\n"},
        {"proxy/nginx.conf": "limit_req_zone $binary_remote_addr zone=a:10m rate=5r/s;\n"},
        {"infra/traefik/dynamic.yml": "http: {middlewares: {a: {rateLimit: {average: 5}}}}"},
        {"compose.yaml": _GATEWAY["compose.yaml"].replace('"8000:8000"', '"127.0.0.1:8000:8000"')},
        {"compose.yaml": _GATEWAY["compose.yaml"].replace("ports:", "expose:")},
        {"gateway/main.py": "import queue\n"},
    ],
)
def test_a_gateway_that_is_limited_or_not_public(files: dict[str, str]) -> None:
    assert places("REL015", {**_GATEWAY, **files}) == []


def test_traefik_limits_by_a_label() -> None:
    label = 'labels: ["traefik.http.middlewares.a.ratelimit.average=5"]\n            ports:'
    compose = _GATEWAY["compose.yaml"].replace("ports:", label)

    assert places("REL015", {**_GATEWAY, "compose.yaml": compose}) == []


def test_an_express_service_that_calls_several_others_is_a_gateway() -> None:
    """By what it is given, whatever its name."""
    files = {
        "compose.yaml": """
            services:
              front:
                build: ./front
                ports: ["80:3000"]
                environment:
                  - ORDERS=http://orders:8000
                  - USERS=http://users:8000/
              orders: {build: ./orders}
              users: {build: ./users}
        """,
        "front/package.json": '{"dependencies": {"express": "4"}}',
        "front/Dockerfile": "FROM node:22\nCOPY . .\nCMD node server.js\n",
        "front/server.js": 'const express = require("express");\nconst app = express();\n',
        "orders/Dockerfile": "FROM scratch\n",
        "users/Dockerfile": "FROM scratch\n",
    }

    (finding,) = found("REL015", files)

    assert (str(finding.place), finding.severity) == ("front/server.js:2", Severity.MEDIUM)


def test_an_only_door_matters_less_than_a_gateway_and_a_worker_not_at_all() -> None:
    compose = "services:\n  {}:\n    build: .\n    ports: ['8000:8000']\n"
    files = {
        "Dockerfile": "FROM python:3.11\nCOPY app /app\nCMD uvicorn app.main:app\n",
        "app/main.py": "from fastapi import FastAPI\napp = FastAPI()\n",
    }

    (finding,) = found("REL015", {**files, "compose.yaml": compose.format("backend")})

    assert finding.severity is Severity.LOW
    assert places("REL015", {**files, "compose.yaml": compose.format("worker")}) == []
