"""What is read out of JavaScript and TypeScript."""

from __future__ import annotations

import pytest

from pipelines.audit.model.javascript import Kind, Module
from tests.audit.repository import model


def module(text: str, file: str = "src/a.ts") -> Module:
    return model({file: text}).javascript.module(file)


@pytest.mark.parametrize(
    ("text", "name", "default"),
    [
        ('const a = process.env.KEY || "value";', "KEY", "value"),
        ('const a = process.env["KEY"] ?? "value";', "KEY", "value"),
        ("const a = process.env.KEY! as string;", "KEY", None),
        ('f(process.env.KEY ? process.env.KEY : "x")', "KEY", "x"),
        ("const u = `redis://${process.env.HOST || 'cache'}:6379`;", "HOST", "cache"),
        ('const { KEY = "value", OTHER } = process.env;', "KEY", "value"),
        ('const { KEY: key = "value" } = process.env;', "KEY", "value"),
        ("const { KEY } = process.env;", "KEY", None),
        ('const p = (process.env.KEY as string) || (other ? "a" : "b");', "KEY", "a"),
        ("const p = import.meta.env.KEY ?? 5;", "KEY", "5"),
        ('const p = Deno.env.get("KEY") ?? "x";', "KEY", "x"),
        ('other || process.env.KEY; x = "y";', "KEY", None),
        ('const a = process.env.KEY || process.env.OTHER || "x";', "KEY", "x"),
        ('const a = other || process.env.KEY || "x";', "KEY", "x"),
        ('const a = z.object({ A_KEY: z.string().min(3).default("x") });', "A_KEY", "x"),
        ('const a = z.object({ A_KEY: z.string().default("x").optional() });', "A_KEY", "x"),
        ('const a = cleanEnv(all, { A_KEY: str({ desc: "a", default: "x" }) });', "A_KEY", "x"),
        ('const a = Joi.object({ A_KEY: Joi.string().default("x") });', "A_KEY", "x"),
    ],
)
def test_a_variable_is_read_with_its_default(text: str, name: str, default: str | None) -> None:
    reads = module(text).reads

    assert (reads[0].name, reads[0].default) == (name, default)


def test_a_variable_that_is_set_is_not_read() -> None:
    assert module("process.env.TZ = 'UTC';").reads == ()


@pytest.mark.parametrize(
    "text",
    [
        'const a = z.object({ colour: z.string().default("red") });',
        'const a = { A_KEY: f({ other: "x" }) };',
        'const a = { A_KEY: f(), B: "x" };',
    ],
)
def test_what_is_declared_otherwise_is_not_the_environment(text: str) -> None:
    assert module(text).reads == ()


def test_what_is_not_the_environment_is_not_read() -> None:
    assert module("config.env.KEY || 'x'; env.KEY; process.argv.KEY;").reads == ()


@pytest.mark.parametrize(
    ("text", "imports"),
    [
        ('import cors from "cors";', {"cors": {"cors": "default"}}),
        ('import { a, b as c } from "m";', {"m": {"a": "a", "c": "b"}}),
        ("import d, * as all from 'm';", {"m": {"d": "default", "all": "*"}}),
        ("import './side.js';", {"./side.js": {}}),
        ("const pg = require('pg');", {"pg": {"pg": "default"}}),
        ("const { Pool, types: t } = require('pg');", {"pg": {"Pool": "Pool", "t": "types"}}),
        ("const Pool = require('pg').Pool;", {"pg": {"Pool": "Pool"}}),
        ("const m = await import('m');", {"m": {"m": "default"}}),
        ("require(name)", {}),
    ],
)
def test_imports(text: str, imports: dict[str, dict[str, str]]) -> None:
    assert {it.module: dict(it.names) for it in module(text).imports} == imports


@pytest.mark.parametrize(
    ("text", "routes"),
    [
        (
            """
            const app = require("express")();
            app.get("/health", (req, res) => res.send("ok"));
            router.post('/users/:id', auth, create);
            axios.get("/elsewhere", options);
            cache.get("key");
            app.set("/x", y);
            """,
            ["GET /health:3", "POST /users/:id:4"],
        ),
        (
            """
            import Fastify from "fastify";
            const server = Fastify({ logger: true });
            server.route({ method: ["GET", "HEAD"], url: "/live", handler: live });
            """,
            ["GET /live:4", "HEAD /live:4"],
        ),
        (
            """
            import { Controller, Get, Post } from "@nestjs/common";
            @Controller("cats")
            export class Cats {
              @Get(":id")
              one() {}
              @Post()
              make() {}
            }
            """,
            ["GET /cats/:id:5", "POST /cats:7"],
        ),
        ('app.get("/no/framework", (req, res) => 1);', []),
    ],
)
def test_routes(text: str, routes: list[str]) -> None:
    found = [f"{it.method} {it.path}:{it.place.line}" for it in module(text).routes]

    assert found == routes


@pytest.mark.parametrize(
    ("text", "applications"),
    [
        ('import express from "express"; const app = express();', [("app", "express")]),
        ("const app = require('express')();", [("app", "express")]),
        ('import { Hono } from "hono"; export const app = new Hono();', [("app", "hono")]),
        (
            'import { NestFactory } from "@nestjs/core"; const n = await NestFactory.create(M);',
            [("n", "nest")],
        ),
        ('import http from "http"; const s = http.createServer(f);', [("s", "node")]),
        ('import http from "http"; const s = http.request(f);', []),
        ('import express from "express"; const files = express.static("a");', []),
    ],
)
def test_applications(text: str, applications: list[tuple[str, str]]) -> None:
    found = [(it.variable, it.framework) for it in module(text).applications]

    assert found == applications


def test_texts_that_are_given_to_a_name_and_addresses() -> None:
    found = module(
        """
        const password = "one";
        const options = { "api-key": 'two', url: `http://${host}/x` };
        this.secret = "three";
        class A { static token = "four"; }
        connect("postgres://u:p@db/x");
        log("five");
        import x from "six";
        """
    ).literals

    assert [(it.name, it.value, it.place.line) for it in found] == [
        ("password", "one", 2),
        ("api-key", "two", 3),
        ("url", "http://${host}/x", 3),
        ("this.secret", "three", 4),
        ("token", "four", 5),
        ("", "postgres://u:p@db/x", 6),
    ]


def test_calls_know_their_arguments_and_the_line_of_the_method() -> None:
    (call,) = module("axios\n  .get(url, { timeout: 5, ...more });").calls

    assert (call.callee, call.name, call.owner, call.place.line) == ("axios.get", "get", "axios", 2)
    assert [it.kind for it in call.arguments] == [Kind.NAME, Kind.OBJECT]
    assert call.arguments[1].fields["timeout"].text == "5"


@pytest.mark.parametrize(
    ("text", "outcomes"),
    [
        ('(process.env.O || "*").split(",").map(it => it.trim())', ["O", "*"]),
        ('process.env.O ? process.env.O.split(",") : ["*"]', ["O", ""]),
        ("Array.from(x ?? y)", ["x", "y"]),
        ('a && "b"', ["b"]),
        ('"a" as const', ["a"]),
    ],
)
def test_what_a_value_can_be(text: str, outcomes: list[str]) -> None:
    value = module(f"const v = {text};").names["v"]

    assert [it.text for it in value.outcomes] == outcomes


def test_names_are_followed_into_other_files() -> None:
    javascript = model(
        {
            "src/main.ts": "import { config } from './config'; const it = config.cors.origin;",
            "src/config/index.ts": "export const config = { cors: { origin } }; const origin = '*'",
        }
    ).javascript

    value = javascript.module("src/main.ts").names["it"]

    assert javascript.resolved(value, "src/main.ts").text == "*"


def test_a_name_that_stands_for_itself_ends() -> None:
    javascript = model({"a.js": "a = b; b = a; const c = a;"}).javascript

    assert javascript.resolved(javascript.module("a.js").names["c"], "a.js").kind is Kind.NAME


def test_only_files_that_hold_a_word_are_parsed() -> None:
    javascript = model(
        {
            "src/a.ts": "cors()",
            "src/b.ts": "nothing()",
            "src/a.test.ts": "cors()",
            "node_modules/x/a.js": "cors()",
            "src/c.min.js": "cors()",
            "src/d.js": "cors();" + "x();" * 1_000,
            "src/e.js": "cors();\n" * 50_000,
            "src/f.js": b"cors()\0",
        }
    ).javascript

    assert [it.file for it in javascript.holding("cors")] == ["src/a.ts"]


@pytest.mark.parametrize(
    "text",
    [
        "(" * 20_000,
        "[" * 20_000 + "]" * 20_000,
        "f(" * 5_000 + ")" * 5_000,
        "const a = " + "x || " * 20_000 + "1",
        "const a = " + "{b:" * 5_000,
        "a" + ".b()" * 10_000,
        "`${" * 5_000,
        "class A { @Get( @Get( constructor(",
        "import { from 'x'; require('y'",
        "\ufffd\x01 = process.env",
    ],
)
@pytest.mark.timeout(30)  # seconds; what grows as the square takes minutes
def test_whatever_a_file_holds_it_is_read_soon(text: str) -> None:
    found = module("\n".join(text[it : it + 80] for it in range(0, len(text), 80)), "a.js")

    assert found.file == "a.js"
