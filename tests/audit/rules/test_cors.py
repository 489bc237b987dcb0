"""Which web pages may call: a wildcard, found where it is written, set or left to a default."""

from __future__ import annotations

import pytest

from pipelines.audit.findings import Severity
from tests.audit.repository import found, places

_STARLETTE = "from starlette.middleware.cors import CORSMiddleware\n"
_EXPRESS = 'import express from "express";\nimport cors from "cors";\nconst app = express();\n'
_NEST = 'import { NestFactory } from "@nestjs/core";\nimport { enableCors } from "./cors";\n'


@pytest.mark.parametrize(
    "text",
    [
        'app.add_middleware(CORSMiddleware, allow_origins=["*"])',
        'app.add_middleware(\n    CORSMiddleware, allow_origins=("*",), allow_methods=["GET"])',
        'middleware = [Middleware(CORSMiddleware, allow_origins=["*"])]',
        'app = CORSMiddleware(app, allow_origin_regex=".*")',
        'app = CORSMiddleware(app, allow_origin_regex=r"https?://.*")',
        'O = "*"\napp = CORSMiddleware(app, allow_origins=[O])',
        'O = os.getenv("CORS", "*")\napp = CORSMiddleware(app, allow_origins=O.split(","))',
        'O = os.environ.get("CORS") or "*"\napp = CORSMiddleware(app, allow_origins=[O])',
        'def o():\n    return ["*"]\napp = CORSMiddleware(app, allow_origins=o())',
        'def main():\n    app.add_middleware(CORSMiddleware, **{"allow_origins": ["*"]})',
        (
            'o = [it.strip() for it in os.getenv("CORS", "*").split(",") if it]\n'
            "app = CORSMiddleware(app, allow_origins=o)"
        ),
        (
            'class S(BaseSettings):\n    cors: list[str] = ["*"]\n'
            "app = CORSMiddleware(app, allow_origins=settings.cors)"
        ),
        (
            'class S(BaseSettings):\n    cors: list[str] = Field(default=["*"])\n'
            "app = CORSMiddleware(app, allow_origins=S().cors)"
        ),
        (
            'class S(BaseSettings):\n    cors: list[str] = Field(default_factory=lambda: ["*"])\n'
            "app = CORSMiddleware(app, allow_origins=S().cors)"
        ),
    ],
)
def test_starlette_that_lets_every_origin_in(text: str) -> None:
    line = next(number for number, it in enumerate(text.split("\n"), 1) if "*" in it) + 1

    assert places("SEC003", {"app/main.py": _STARLETTE + text}) == [f"app/main.py:{line}"]


@pytest.mark.parametrize(
    "text",
    [
        "app.add_middleware(CORSMiddleware)",
        'CORSMiddleware(app, allow_origins=["https://a.example"], allow_methods=["*"])',
        'CORSMiddleware(app, allow_origins=origins, allow_headers=["*"])',
        'CORSMiddleware(app, allow_origins=os.environ["CORS"].split(","))',
        'CORSMiddleware(app, allow_origins=os.getenv("CORS", "http://localhost:3000").split(","))',
        'CORSMiddleware(app, allow_origins=os.getenv("CORS", "").split(","))',
        'CORSMiddleware(app, allow_origin_regex=r"https://.*\\.example\\.com")',
        'if settings.DEBUG:\n    app.add_middleware(CORSMiddleware, allow_origins=["*"])',
        (
            'o = ["*"] if settings.debug else settings.origins\n'
            "app.add_middleware(CORSMiddleware, allow_origins=o)"
        ),
        '# app.add_middleware(CORSMiddleware, allow_origins=["*"])',
        "a = a\napp.add_middleware(CORSMiddleware, allow_origins=[a, *a])",
    ],
)
def test_starlette_that_names_its_origins(text: str) -> None:
    assert places("SEC003", {"app/main.py": _STARLETTE + text}) == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("from flask_cors import CORS\nCORS(app)", 2),
        ("import flask_cors\nflask_cors.CORS(app, supports_credentials=True)", 2),
        ('from flask_cors import CORS\nCORS(app, origins="*")', 2),
        ('from flask_cors import CORS\nCORS(app, resources={r"/api/*": {"origins": "*"}})', 2),
        ("from flask_cors import cross_origin\n\n@cross_origin()\ndef f(): ...", 3),
        ("CORS_ALLOW_ALL_ORIGINS = True", 1),
        ("CORS_ORIGIN_ALLOW_ALL = True\nCORS_ALLOW_CREDENTIALS = True", 1),
        ('CORS_ALLOW_ALL_ORIGINS = env.bool("CORS_ALLOW_ALL", default=True)', 1),
        ('CORS_ALLOWED_ORIGIN_REGEXES = [r"^https://.*$"]', 1),
        ('sio = socketio.AsyncServer(cors_allowed_origins="*")', 1),
        ('response.headers["Access-Control-Allow-Origin"] = "*"', 1),
        ('HEADERS = {\n    "Access-Control-Allow-Origin": "*",\n}', 2),
        ('from flask_cors import CORS\nCORS(app, origins=["https://a.example"])', 0),
        ('from flask_cors import CORS\nCORS(app, resources={r"/*": {"origins": ORIGINS}})', 0),
        ('from flask_cors import CORS\napp.config["CORS_ORIGINS"] = o\nCORS(app)', 0),
        ("from flask_cors import CORS\ncors = CORS()", 0),
        ("CORS_ALLOW_ALL_ORIGINS = False", 0),
        ("CORS_ALLOW_ALL_ORIGINS = DEBUG", 0),
        ("if DEBUG:\n    CORS_ALLOW_ALL_ORIGINS = True", 0),
        ('CORS_ALLOW_HEADERS = ["*"]', 0),
        ('response.headers["Access-Control-Allow-Methods"] = "*"', 0),
    ],
)
def test_other_frameworks_of_python(text: str, line: int) -> None:
    expected = [f"app/settings.py:{line}"] if line else []

    assert places("SEC003", {"app/settings.py": f"{text}\n"}) == expected


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"{_EXPRESS}app.use(cors());", 4),
        (f"{_EXPRESS}app.use(cors({{}}));", 4),
        (f'{_EXPRESS}app.use(cors({{ origin: "*" }}));', 4),
        (f"{_EXPRESS}app.use(cors({{\n  origin: true,\n  credentials: true }}));", 5),
        (f'{_EXPRESS}const o = {{ origin: "*" }};\napp.use(cors(o));', 4),
        (f'{_EXPRESS}app.use(cors({{ origin: process.env.CORS || "*" }}));', 4),
        (f'{_EXPRESS}app.use(cors({{ origin: (process.env.CORS ?? "*").split(",") }}));', 4),
        (f"{_EXPRESS}app.use(cors({{ origin: (o, done) => done(null, true) }}));", 4),
        ('const app = require("express")();\napp.use(require("cors")());', 2),
        ('import cors from "@fastify/cors";\nawait server.register(cors);', 2),
        ('server.register(require("@fastify/cors"), { origin: "*" });', 1),
        (f"{_NEST}app.enableCors();", 3),
        (f"{_NEST}const app = await NestFactory.create(M, {{ cors: true }});", 3),
        (
            'import { Server } from "socket.io";\nnew Server(http, { cors: { origin: "*" } });',
            2,
        ),
        (f'{_EXPRESS}res.header("Access-Control-Allow-Origin", "*");', 4),
        (f'{_EXPRESS}app.use(cors({{ origin: "https://a.example" }}));', 0),
        (f"{_EXPRESS}app.use(cors({{ origin: process.env.CORS }}));", 0),
        (f'{_EXPRESS}app.use(cors({{ origin: o, methods: "*", allowedHeaders: "*" }}));', 0),
        (f"{_EXPRESS}app.use(cors({{ ...options }}));", 0),
        (f"{_EXPRESS}app.use(cors(options(x)));", 0),
        (f"{_EXPRESS}cors({{ origin: (o, done) => done(null, known.includes(o)) }});", 0),
        ('import { Server } from "socket.io";\nnew Server(http, { path: "/cors" });', 0),
        ('import { cors } from "./own";\ncors();', 0),
        (f"{_NEST}app.enableCors({{ origin: config.origins }});", 0),
    ],
)
def test_javascript(text: str, line: int) -> None:
    expected = [f"src/main.ts:{line}"] if line else []

    assert places("SEC003", {"src/main.ts": text}) == expected


@pytest.mark.parametrize(
    ("file", "text", "line"),
    [
        ("proxy/nginx.conf", "server {\n  add_header Access-Control-Allow-Origin *;\n}", 2),
        ("proxy/nginx.conf", "add_header 'Access-Control-Allow-Origin' '*' always;", 1),
        ("proxy/nginx.conf", "add_header Access-Control-Allow-Origin $cors;", 0),
        ("proxy/nginx.conf", "# add_header Access-Control-Allow-Origin *;", 0),
        ("proxy/nginx.conf", "add_header Access-Control-Allow-Methods *;", 0),
        ("k8s/ingress.yaml", 'nginx.ingress.kubernetes.io/cors-allow-origin: "*"', 1),
        ("k8s/ingress.yaml", "nginx.ingress.kubernetes.io/cors-allow-origin: https://a.b", 0),
        ("src/A.java", '@CrossOrigin(origins = "*")', 1),
        ("src/A.java", "@CrossOrigin", 1),
        ("src/A.java", 'registry.addMapping("/cors/**").allowedOrigins("*");', 1),
        ("src/A.java", '@CrossOrigin(origins = "https://a.b")', 0),
        ("cmd/main.go", 'c := cors.Options{AllowedOrigins: []string{"*"}}', 1),
        ("cmd/main.go", 'c := cors.Options{AllowedOrigins: []string{"https://a.b"}}', 0),
        ("Api/Startup.cs", "policy.AllowAnyOrigin()", 1),
    ],
)
def test_proxies_and_other_languages(file: str, text: str, line: int) -> None:
    assert places("SEC003", {file: text}) == ([f"{file}:{line}"] if line else [])


_SERVICE = _STARLETTE + (
    'ORIGINS = os.getenv("CORS_ORIGINS", "http://localhost:3000").split(",")\n'
    "app.add_middleware(CORSMiddleware, allow_origins=[o.strip() for o in ORIGINS])\n"
)


def _compose(value: str) -> str:
    return f"""
        services:
          api:
            build: ./api
            environment:
              - CORS_ORIGINS={value}
    """


@pytest.mark.parametrize("value", ["*", "${CORS_ORIGINS:-*}", "${A:-${B-*}}", "https://a.b,*"])
def test_a_wildcard_that_compose_gives_to_code_that_takes_it(value: str) -> None:
    files = {"api/main.py": _SERVICE, "compose.yaml": _compose(value)}

    (finding,) = found("SEC003", files)

    assert (str(finding.place), finding.service) == ("compose.yaml:6", "api")
    assert [str(it.place) for it in finding.also] == ["api/main.py:3"]


@pytest.mark.parametrize(
    "files",
    [
        {"api/main.py": _SERVICE, "compose.yaml": _compose("${CORS_ORIGINS:?}")},
        {"api/main.py": _SERVICE, "compose.yaml": _compose("${CORS_ORIGINS}")},
        {"api/main.py": _SERVICE, "compose.yaml": _compose("https://*.example.com")},
    ],
)
def test_a_variable_that_is_narrow(files: dict[str, str]) -> None:
    assert places("SEC003", files) == []


@pytest.mark.parametrize(
    "files",
    [
        {"api/main.py": "app = FastAPI()"},
        {"web/main.py": _SERVICE, "api/main.py": ""},
    ],
)
def test_a_wildcard_that_no_code_of_the_service_takes_is_only_worth_mending(
    files: dict[str, str],
) -> None:
    (finding,) = found("SEC003", {**files, "compose.yaml": _compose("*")})

    assert (str(finding.place), finding.severity) == ("compose.yaml:6", Severity.LOW)


def test_another_variable_is_not_about_origins() -> None:
    compose = _compose("*").replace("CORS_ORIGINS", "CORS_METHODS")

    assert places("SEC003", {"api/main.py": _SERVICE, "compose.yaml": compose}) == []


def test_what_compose_sets_instead_of_a_default_makes_it_less_severe() -> None:
    files = {
        "api/main.py": _SERVICE.replace("http://localhost:3000", "*"),
        "compose.yaml": _compose("https://console.example.org"),
    }

    (finding,) = found("SEC003", files)

    assert (str(finding.place), finding.severity) == ("api/main.py:2", Severity.LOW)


def test_a_wildcard_in_compose_and_in_code_is_said_of_both() -> None:
    files = {
        "api/main.py": _SERVICE.replace("http://localhost:3000", "*"),
        "compose.yaml": _compose("*"),
    }

    assert places("SEC003", files) == ["api/main.py:2", "compose.yaml:6"]


def test_with_credentials_it_is_severe() -> None:
    files = {
        "app/main.py": _STARLETTE
        + 'app.add_middleware(\n    CORSMiddleware,\n    allow_origins=["*"],\n'
        "    allow_credentials=True,\n)\n"
    }

    (finding,) = found("SEC003", files)

    assert (str(finding.place), finding.severity) == ("app/main.py:4", Severity.HIGH)


@pytest.mark.parametrize(
    "file", ["tests/app.py", "app/test_main.py", "examples/main.py", "mocks/app.py", "docs/a.py"]
)
def test_what_is_not_deployed_may_be_open(file: str) -> None:
    text = _STARLETTE + 'app.add_middleware(CORSMiddleware, allow_origins=["*"])'

    assert places("SEC003", {file: text}) == []


def test_kubernetes_that_gives_a_wildcard_to_code() -> None:
    files = {
        "api/main.py": _SERVICE,
        "k8s/api.yaml": """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: api}
            spec:
              template:
                spec:
                  containers:
                    - name: api
                      image: example/api:1
                      env:
                        - name: CORS_ORIGINS
                          value: "*"
        """,
    }

    assert places("SEC003", files) == ["k8s/api.yaml:13"]


def test_several_services_with_settings_of_their_own() -> None:
    """A monorepo: one service open by its settings class, one closed, one open through Compose."""
    settings = """
        from pydantic_settings import BaseSettings

        class Settings(BaseSettings):
            backend_cors_origins: list[str] = {origins}
    """
    main = """
        from fastapi import FastAPI
        from fastapi.middleware.cors import CORSMiddleware

        from app.config import settings

        app = FastAPI()
        app.add_middleware(
            CORSMiddleware,
            allow_origins=[str(origin) for origin in settings.backend_cors_origins],
            allow_credentials=True,
            allow_methods=["*"],
            allow_headers=["*"],
        )
    """
    files = {
        "services/one/app/config.py": settings.format(origins='["*"]'),
        "services/one/app/main.py": main,
        "services/two/app/config.py": settings.format(origins="[]"),
        "services/two/app/main.py": main,
        "services/three/app/config.py": settings.format(origins="[]"),
        "services/three/app/main.py": main,
        "compose.yaml": """
            services:
              one:
                build: services/one
              two:
                build: services/two
                environment:
                  BACKEND_CORS_ORIGINS: https://console.example.org
              three:
                build: services/three
                environment:
                  BACKEND_CORS_ORIGINS: ${CORS:-*}
        """,
    }

    assert places("SEC003", files) == ["compose.yaml:12", "services/one/app/config.py:5"]
    assert {it.severity for it in found("SEC003", files)} == {Severity.HIGH}
