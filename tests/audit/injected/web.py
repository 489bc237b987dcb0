"""Origins that let everybody in, certificates that nobody verifies, calls without an end."""

from __future__ import annotations

from collections.abc import Iterator

from tests.audit.injected.injection import Injection, add, change, injected

BIKES, CLINIC, PARCELS = "bikeshare", "clinic", "parcels"
GATEWAY = "services/gateway/app/main.py"
RIDES = "services/rides/app/main.py"
SETTINGS = "clinic/settings.py"
TASKS = "clinic/visits/tasks.py"
SERVER = "api/src/server.js"


# Where the code does not ask for it, it would be set in vain.
_NO_ORIGIN = change("compose.yaml", "      ALLOWED_ORIGIN: https://parcels.example.org\n", "")


def _origins() -> Iterator[Injection]:
    for way in ('["*"]', "['*']", '("*",)'):
        edit = change(GATEWAY, "allow_origins=CORS_ORIGINS", f"allow_origins={way}")
        yield injected("SEC003", BIKES, f"allow_origins is {way}", edit)
    yield injected(
        "SEC003",
        BIKES,
        "every origin by a pattern",
        change(GATEWAY, "allow_origins=CORS_ORIGINS", 'allow_origin_regex=".*"'),
    )
    yield injected(
        "SEC003",
        BIKES,
        "the variable is a star",
        change("compose.yaml", "${CORS_ORIGINS:-https://bikes.example.org}", '"*"'),
    )
    yield injected(
        "SEC003",
        BIKES,
        "the variable is a star by default",
        change(
            "compose.yaml", "${CORS_ORIGINS:-https://bikes.example.org}", '"${CORS_ORIGINS:-*}"'
        ),
    )
    for way in ('os.getenv("CORS_ORIGINS", "*")', 'os.environ.get("CORS_ORIGINS", "*")'):
        edit = change(
            "services/gateway/app/settings.py",
            'os.getenv("CORS_ORIGINS", "https://bikes.example.org")',
            way,
        )
        yield injected("SEC003", BIKES, f"the settings read {way}", edit)
    for way in ("app.use(cors());", 'app.use(cors({ origin: "*" }));'):
        edit = change(SERVER, "app.use(cors({ origin: process.env.ALLOWED_ORIGIN }));", way)
        yield injected("SEC003", PARCELS, way, edit, _NO_ORIGIN)
    yield injected(
        "SEC003",
        PARCELS,
        "every origin is sent back",
        change(SERVER, "origin: process.env.ALLOWED_ORIGIN", "origin: true"),
        _NO_ORIGIN,
    )
    for way in ('process.env.ALLOWED_ORIGIN || "*"', 'process.env.ALLOWED_ORIGIN ?? "*"'):
        edit = change(SERVER, "origin: process.env.ALLOWED_ORIGIN", f"origin: {way}")
        yield injected("SEC003", PARCELS, f"origin is {way}", edit)
    yield injected(
        "SEC003",
        PARCELS,
        "the variable is a star",
        change(
            "compose.yaml", "ALLOWED_ORIGIN: https://parcels.example.org", 'ALLOWED_ORIGIN: "*"'
        ),
    )
    allowed = 'CORS_ALLOWED_ORIGINS = ["https://clinic.example.org"]'
    for way in (
        "CORS_ALLOW_ALL_ORIGINS = True",
        "CORS_ORIGIN_ALLOW_ALL = True",
        'CORS_ALLOWED_ORIGIN_REGEXES = [".*"]',
    ):
        yield injected("SEC003", CLINIC, way, change(SETTINGS, allowed, way))


def _verification() -> Iterator[Injection]:
    yield injected(
        "SEC008",
        CLINIC,
        "requests",
        change(TASKS, "timeout=5)", "timeout=5, verify=False)"),
    )
    yield injected(
        "SEC008",
        CLINIC,
        "requests over two lines",
        change(
            TASKS,
            'requests.post(url, json={"patient": patient}, timeout=5).raise_for_status()',
            "requests.post(\n"
            '        url,\n        json={"patient": patient},\n'
            "        timeout=5,\n        verify=False,\n    ).raise_for_status()",
        ),
        at="        verify=False",
    )
    yield injected(
        "SEC008",
        CLINIC,
        "a session of requests",
        change(
            TASKS,
            "    requests.post(",
            "    session = requests.Session()\n    session.verify = False\n    session.post(",
        ),
        at="    session.verify",
    )
    for old, new in (
        ("timeout=2.0", "timeout=2.0, verify=False"),
        ("timeout=5.0", "verify=False, timeout=5.0"),
    ):
        yield injected("SEC008", BIKES, f"httpx, {new}", change(GATEWAY, old, new))
    yield injected(
        "SEC008",
        BIKES,
        "a context that verifies nothing",
        change(
            RIDES,
            "log = structlog.get_logger()\n",
            "log = structlog.get_logger()\ntls = ssl._create_unverified_context()\n",
        ),
        change(RIDES, "import jwt\n", "import ssl\n\nimport jwt\n"),
        at="tls = ssl",
    )
    for way in ("ssl_cert_reqs=None", 'ssl_cert_reqs="none"'):
        yield injected(
            "SEC008",
            BIKES,
            f"redis with {way}",
            change(RIDES, "socket_timeout=2, ", f"socket_timeout=2, {way}, "),
        )
    yield injected(
        "SEC008",
        BIKES,
        "pip trusts a host",
        change(
            "services/rides/Dockerfile",
            "--require-hashes -r",
            "--require-hashes --trusted-host pypi.example.org -r",
        ),
    )
    yield injected(
        "SEC008",
        PARCELS,
        "the database",
        change(
            SERVER,
            "serverSelectionTimeoutMS: 2000,",
            "serverSelectionTimeoutMS: 2000,\n  tlsAllowInvalidCertificates: true,",
        ),
        at="  tlsAllow",
    )
    yield injected(
        "SEC008",
        PARCELS,
        "an agent",
        change(
            SERVER,
            "const app = express();\n",
            "export const agent = new https.Agent({ rejectUnauthorized: false });\n"
            "const app = express();\n",
        ),
        change(
            SERVER,
            'import { readFileSync } from "node:fs";\n',
            'import { readFileSync } from "node:fs";\nimport https from "node:https";\n',
        ),
        at="export const agent",
    )
    yield injected(
        "SEC008",
        PARCELS,
        "Node in the code",
        change(
            SERVER,
            "const log = pino();\n",
            'const log = pino();\nprocess.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";\n',
        ),
        at="process.env.NODE_TLS",
    )
    yield injected(
        "SEC008",
        PARCELS,
        "Node in Compose",
        change(
            "compose.yaml",
            "      NODE_ENV: production\n",
            '      NODE_ENV: production\n      NODE_TLS_REJECT_UNAUTHORIZED: "0"\n',
        ),
        at="      NODE_TLS",
    )
    yield injected(
        "SEC008",
        PARCELS,
        "Node in the image",
        change(
            "api/Dockerfile",
            "ENV NODE_ENV=production\n",
            "ENV NODE_ENV=production\nENV NODE_TLS_REJECT_UNAUTHORIZED=0\n",
        ),
        at="ENV NODE_TLS",
    )
    yield injected(
        "SEC008",
        PARCELS,
        "npm",
        add("api/.npmrc", "strict-ssl=false\n"),
    )
    for command in (
        "curl -k -o /tmp/ca.pem https://pki.example.org/ca.pem",
        "curl -fsSLk https://pki.example.org/ca.pem -o /tmp/ca.pem",
        "wget --no-check-certificate -O /tmp/ca.pem https://pki.example.org/ca.pem",
        "git -c http.sslVerify=false clone https://git.example.org/forms /tmp/forms",
    ):
        edit = change("Dockerfile", "WORKDIR /code\n", f"RUN {command}\nWORKDIR /code\n")
        yield injected("SEC008", CLINIC, command.split("https")[0].strip(), edit)
    yield injected(
        "SEC008",
        CLINIC,
        "the workflow",
        change(
            ".github/workflows/check.yaml",
            "      - run: ./scripts/test.sh",
            "      - run: curl --insecure -sSf https://ci.example.org/hello\n"
            "      - run: ./scripts/test.sh",
        ),
    )


def _limits() -> Iterator[Injection]:
    for old in ("timeout=2.0", "timeout=5.0"):
        edit = change(GATEWAY, old, "timeout=None")
        yield injected("REL015", BIKES, f"{old} is none", edit)
    edit = change(RIDES, "REDIS_URL, socket_timeout=2, socket_connect_timeout=2", "REDIS_URL")
    yield injected("REL015", BIKES, "redis may wait", edit)
    yield injected(
        "REL015",
        BIKES,
        "the gateway limits nobody",
        change(
            GATEWAY,
            "app.state.limiter = "
            'Limiter(key_func=get_remote_address, default_limits=["60/minute"])\n',
            "",
        ),
        change(GATEWAY, "app.add_middleware(SlowAPIMiddleware)\n", ""),
        change(
            GATEWAY,
            "from slowapi import Limiter\nfrom slowapi.middleware import SlowAPIMiddleware\n"
            "from slowapi.util import get_remote_address\n",
            "",
        ),
        change("services/gateway/requirements.txt", "slowapi==0.1.9", "ujson==5.10.0"),
        at='app = FastAPI(title="gateway")',
        given=(change("compose.yaml", '"127.0.0.1:8000:8000"', '"8000:8000"'),),
    )
    posted = 'requests.post(url, json={"patient": patient}, timeout=5)'
    for way in (
        'requests.post(url, json={"patient": patient})',
        'requests.post(url, json={"patient": patient}, timeout=None)',
        'requests.request("POST", url, json={"patient": patient})',
        'requests.Session().post(url, json={"patient": patient})',
        "urllib.request.urlopen(url)",
    ):
        edits = [change(TASKS, f"{posted}.raise_for_status()", way)]
        if "urllib" in way:
            edits.append(change(TASKS, "import requests\n", "import urllib.request\n"))
        yield injected("REL015", CLINIC, f"the reminder calls {way}", *edits, at=f"    {way}")
    route = 'app.get("/parcels/:id"'
    for way in (
        "await fetch(process.env.CARRIER_URL);",
        'await fetch(process.env.CARRIER_URL, { method: "POST" });',
        "await axios.get(process.env.CARRIER_URL);",
    ):
        edits = [
            change(
                SERVER,
                route,
                f'app.get("/carrier", async (request, response) => {{\n  const answer = {way}\n'
                f"  response.json(answer.ok);\n}});\n\n{route}",
            )
        ]
        if "axios" in way:
            edits.append(
                change(
                    SERVER,
                    'import cors from "cors";\n',
                    'import axios from "axios";\nimport cors from "cors";\n',
                )
            )
        yield injected("REL015", PARCELS, way, *edits, at=f"  const answer = {way}")
    yield injected(
        "REL015",
        PARCELS,
        "the probe waits for ever",
        change("api/src/probe.js", "`, {\n  signal: AbortSignal.timeout(2000),\n})", "`)"),
    )


INJECTIONS = (*_origins(), *_verification(), *_limits())
