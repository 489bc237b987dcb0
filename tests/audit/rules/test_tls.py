"""Certificates that nobody verifies, in code, settings and commands."""

from __future__ import annotations

import pytest

from pipelines.audit.findings import Severity
from tests.audit.repository import found, places

_SERVER = "def f():\n    c = SSLContext(ssl.PROTOCOL_TLS_SERVER)\n    c.check_hostname = False"
_SET = "services:\n  a:\n    environment:\n      "
_JOB = "on: push\njobs:\n  a:\n    steps:\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('requests.get("https://a.example", verify=False)', 1),
        ("httpx.AsyncClient(verify=False)", 1),
        ('s = requests.Session()\ns.verify = False\ns.get("https://a.example")', 2),
        ('VERIFY = False\nrequests.post("https://a.example", verify=VERIFY)', 1),
        ('for v in (True, False):\n    requests.get("https://a.example", verify=v)', 1),
        ("import ssl\nc = ssl._create_unverified_context()", 2),
        ("import ssl\nssl._create_default_https_context = ssl._create_unverified_context", 2),
        ("c.check_hostname = False\nc.verify_mode = ssl.CERT_NONE", 2),
        ("c.check_hostname = False", 1),
        ("client.tls_set(ca, cert_reqs=ssl.CERT_NONE)", 1),
        ("client.tls_insecure_set(True)", 1),
        ("import aiohttp\naiohttp.TCPConnector(ssl=False)", 2),
        ('Elasticsearch("https://a.example", verify_certs=False)', 1),
        ('MongoClient("mongodb://a.example", tlsAllowInvalidCertificates=True)', 1),
        ("redis.from_url(URL, ssl_cert_reqs=None)", 1),
        ('redis.from_url(URL, ssl_cert_reqs="none")', 1),
        ('requests.get("https://a.example", verify=True)', 0),
        ('requests.get("https://a.example", verify="/etc/ssl/own.pem")', 0),
        ('requests.get("https://a.example", verify=settings.verify)', 0),
        ('requests.get("https://localhost:8443/health", verify=False)', 0),
        ('requests.get(url="https://127.0.0.1/", verify=False)', 0),
        ("jwt.decode(token, verify=False)", 0),
        ("import jwt as j\nj.decode(t, verify=False)", 0),
        ("c.verify_mode = ssl.CERT_REQUIRED\nc.check_hostname = True", 0),
        ("client.tls_insecure_set(False)", 0),
        ("if not verify:\n    c.verify_mode = ssl.CERT_NONE", 0),
        ('if settings.DEBUG:\n    requests.get("https://a.example", verify=False)', 0),
        (_SERVER, 0),
        ("f(verify=0)", 0),
        ('# requests.get("https://a.example", verify=False)', 0),
    ],
)
def test_python(text: str, line: int) -> None:
    expected = [f"app/client.py:{line}"] if line else []

    assert places("SEC008", {"app/client.py": f"{text}\n"}) == expected


@pytest.mark.parametrize(
    ("file", "text", "line"),
    [
        ("src/db.ts", "const pool = new Pool({\n  ssl: { rejectUnauthorized: false },\n});", 2),
        ("src/db.js", "new https.Agent({ 'rejectUnauthorized': false })", 1),
        ("src/db.js", "process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';", 1),
        ("src/db.js", 'process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";', 1),
        ("src/db.js", "// rejectUnauthorized: false", 0),
        ("src/db.js", "({ rejectUnauthorized: true, other: false })", 0),
        ("src/db.js", "({ rejectUnauthorized: isProduction })", 0),
        ("src/db.js", "if (o.unsafeTls) {\n  c = { rejectUnauthorized: false };\n}", 0),
        ("src/db.js", "if (o.isBig) {\n  c = { rejectUnauthorized: false };\n}", 2),
        ("extra/healthcheck.js", "process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';", 0),
        ("src/db.js", 'if (process.env.NODE_TLS_REJECT_UNAUTHORIZED === "1") {}', 0),
        (
            "compose.yaml",
            _SET + "NODE_TLS_REJECT_UNAUTHORIZED: 0",
            4,
        ),
        (
            "compose.yaml",
            _SET + "- NODE_TLS_REJECT_UNAUTHORIZED=0",
            4,
        ),
        (
            "compose.yaml",
            _SET + "- NODE_TLS_REJECT_UNAUTHORIZED=1",
            0,
        ),
        ("Dockerfile", "FROM node\nENV NODE_TLS_REJECT_UNAUTHORIZED=0", 2),
        ("Dockerfile", "FROM node\nENV NODE_TLS_REJECT_UNAUTHORIZED 0", 2),
        (".github/workflows/a.yml", "env:\n  NODE_TLS_REJECT_UNAUTHORIZED: '0'", 2),
        (".env", "GIT_SSL_NO_VERIFY=true", 1),
        ("app/.npmrc", "strict-ssl=false", 1),
        ("app/.npmrc", "strict-ssl=true", 0),
        ("main.go", "tls.Config{InsecureSkipVerify: true}", 1),
        ("main.go", "tls.Config{InsecureSkipVerify: insecure}", 0),
        ("main_test.go", "tls.Config{InsecureSkipVerify: true}", 0),
        ("main.go", "if c.SkipVerify {\n\tt = tls.Config{InsecureSkipVerify: true}\n}", 0),
        ("main.go", "if c.Big {\n\tt = tls.Config{InsecureSkipVerify: true}\n}", 2),
        ("main.go", "if skip {\n\tf()\n}\nt := tls.Config{InsecureSkipVerify: true}", 4),
        ("main.go", "t = {\n\tInsecureSkipVerify: true,\n}\nt.VerifyConnection = own", 0),
        ("prometheus.yml", "tls_config:\n  insecure_skip_verify: true", 2),
        ("prometheus.yml", "tls_config:\n  insecure_skip_verify: false", 0),
        (".env", "DB=postgres://u:${P}@db.example.org:5432/app?sslmode=disable", 1),
        (".env", "DB=postgres://u:${P}@db:5432/app?sslmode=disable", 0),
        (".env", "DB=postgres://u:${P}@localhost:5432/app?sslmode=disable", 0),
        ("docs/a.ts", "({ rejectUnauthorized: false })", 0),
        ("src/a.test.ts", "({ rejectUnauthorized: false })", 0),
    ],
)
def test_lines_of_other_sources(file: str, text: str, line: int) -> None:
    assert places("SEC008", {file: f"{text}\n"}) == ([f"{file}:{line}"] if line else [])


def test_what_somebody_looked_at_and_let_stand_matters_less() -> None:
    text = "tls.Config{InsecureSkipVerify: true} //nolint:gosec // only asks for the version\n"

    assert [it.severity for it in found("SEC008", {"main.go": text})] == [Severity.LOW]


def test_a_script_that_probes_asks_its_own_container() -> None:
    text = 'wget --no-check-certificate --spider "$SCHEME://$HOST/health"\n'

    assert places("SEC008", {"healthcheck.sh": text}) == []
    assert places("SEC008", {"install.sh": text}) == ["install.sh:1"]


@pytest.mark.parametrize(
    ("command", "is_off"),
    [
        ("curl -k https://a.example/install.sh", True),
        ("curl -fsSk https://a.example/x | sh", True),
        ("curl --insecure -o x https://a.example", True),
        ("wget -q --no-check-certificate https://a.example", True),
        ("git -c http.sslVerify=false clone https://a.example/r.git", True),
        ("git config --global http.sslVerify false", True),
        ("pip install --trusted-host pypi.example.org -r requirements.txt", True),
        ("python -m pip install --trusted-host=pypi.example.org x", True),
        ("npm config set strict-ssl false", True),
        ("kubectl --insecure-skip-tls-verify apply -f k8s", True),
        ("helm --kube-insecure-skip-tls-verify upgrade a b", True),
        ("curl -fsS https://a.example", False),
        ("curl -o k https://a.example", False),
        ("curl -H k https://a.example", False),
        ("curl -ok https://a.example", False),
        ("curl -k https://localhost:8443/health", False),
        ("curl --insecure https://127.0.0.1/", False),
        ("wget https://a.example", False),
        ("git config --global http.sslVerify true", False),
        ("pip install --trusted-host localhost x", False),
        ("kubectl apply -f k8s", False),
        ("echo curl -k", False),
    ],
)
@pytest.mark.parametrize(
    ("file", "text", "line"),
    [
        ("Dockerfile", "FROM debian\nRUN apt-get update \\\n && {}\n", 3),
        (
            ".github/workflows/a.yml",
            _JOB + "      - run: |\n          {}\n",
            6,
        ),
        ("Makefile", "all:\n\techo\n\t{}\n", 3),
        ("scripts/install.sh", "#!/bin/sh\nset -e\n{}\n", 3),
        ("package.json", '{{"scripts": {{\n"a": "{}"}}}}\n', 2),
    ],
)
def test_commands(file: str, text: str, line: int, command: str, is_off: bool) -> None:
    expected = [f"{file}:{line}"] if is_off else []

    assert places("SEC008", {file: text.format(command)}) == expected


@pytest.mark.parametrize(
    ("text", "severity"),
    [
        ("def insecure_context():\n    c.verify_mode = ssl.CERT_NONE", Severity.LOW),
        ("def context():\n    c.verify_mode = ssl.CERT_NONE", Severity.HIGH),
    ],
)
def test_what_says_in_its_name_that_it_is_unsafe_is_less_severe(
    text: str, severity: Severity
) -> None:
    (finding,) = found("SEC008", {"app/tls.py": text})

    assert finding.severity is severity


def test_a_probe_of_compose_asks_its_own_container() -> None:
    files = {
        "compose.yaml": """
            services:
              api:
                image: example/api:1
                healthcheck:
                  test: curl -kf https://localhost:8443/health
        """
    }

    assert places("SEC008", files) == []


def test_an_agent_with_its_image_and_its_pipeline() -> None:
    """Three places of one system that trust everybody, and the good ones beside them."""
    files = {
        "agent/agent.py": """
            import ssl
            import requests

            API = "https://fleet.example.org"


            def report(event):
                return requests.post(f"{API}/events", json=event, timeout=5, verify=False)


            def context():
                made = ssl.create_default_context()
                made.check_hostname = False
                made.verify_mode = ssl.CERT_NONE
                return made


            def registry():
                return requests.get(f"{API}/nodes", timeout=5, verify="/etc/ssl/fleet.pem")
        """,
        "agent/Dockerfile": """
            FROM python:3.11-slim
            RUN apt-get update && apt-get install -y curl \\
                && curl -fsSLk https://tools.example.org/agent-key.asc -o /etc/key.asc
            COPY . /app
            HEALTHCHECK CMD curl -kf https://localhost:8443/health
            CMD ["python", "agent.py"]
        """,
        ".github/workflows/agent.yml": """
            on: push
            jobs:
              build:
                runs-on: ubuntu-latest
                env:
                  NODE_TLS_REJECT_UNAUTHORIZED: "0"
                steps:
                  - run: docker build agent
        """,
    }

    assert places("SEC008", files) == [
        ".github/workflows/agent.yml:7",
        "agent/Dockerfile:4",
        "agent/agent.py:9",
        "agent/agent.py:15",
    ]
