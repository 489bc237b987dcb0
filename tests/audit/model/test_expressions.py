"""What an expression of a module can be."""

from __future__ import annotations

import ast

import pytest

from pipelines.audit.model.python.expressions import Source, dotted
from tests.audit.repository import found


def source(text: str) -> Source:
    return Source(ast.parse(text))


@pytest.mark.parametrize(
    ("text", "outcomes"),
    [
        ('x = "a"', [("a", "")]),
        ('x = ["a", *("b",)]', [("a", ""), ("b", "")]),
        ('x = os.getenv("V", "a").split(",")', [("a", "V")]),
        ('x = os.environ.get("V") or "a"', [("a", "V")]),
        ('x = os.environ["V"]', []),
        ('x = config("V", default="a", cast=Csv())', [("a", "V")]),
        ('x = [it for it in os.getenv("V", "a").split(",")]', [("a", "V")]),
        ('def f():\n    return "a"\nx = f()', [("a", "")]),
        ('x = Field(default_factory=lambda: ["a"])', [("a", "")]),
        ('x = "a" if ready else "b"', [("a", ""), ("b", "")]),
        ('x = "a" if settings.debug else "b"', []),
        ('if DEBUG:\n    y = "a"\nelse:\n    y = "b"\nx = y', [("b", "")]),
        ('if not DEBUG:\n    y = "a"\nx = y', [("a", "")]),
        ('for y in ("a", "b"):\n    x = y', [("a", ""), ("b", "")]),
        ('self.y = "a"\nx = self.y', [("a", "")]),
        ("x = y\ny = x", []),
    ],
)
def test_outcomes(text: str, outcomes: list[tuple[str, str]]) -> None:
    module = source(text)

    assert [(it.value, it.variable) for it in module.outcomes(module.bound["x"][-1])] == outcomes


def test_calls_are_known_by_what_was_imported() -> None:
    module = source("import numpy as np\nfrom a.b import c as d\nnp.x()\nd()\nd.e().f()")

    assert [module.called(it) for it in module.calls] == [
        "numpy.x",
        "a.b.c",
        "a.b.c.e().f",
        "a.b.c.e",
    ]


@pytest.mark.parametrize(
    ("text", "name"),
    [("a.b.c", "a.b.c"), ("a().b", "a().b"), ("a[0].b", ""), ("(a or b).c", ""), ("1", "")],
)
def test_dotted_names(text: str, name: str) -> None:
    assert dotted(ast.parse(text, mode="eval").body) == name


@pytest.mark.parametrize("rule", ["SEC003", "SEC008", "REL015"])
@pytest.mark.parametrize(
    "text",
    [
        "x = [x, x, x, x]\nCORSMiddleware(a, allow_origins=x)\nrequests.get(a, verify=x)",
        "CORSMiddleware(a, allow_origins=" + "a + " * 900 + "a)",
        "requests.get(a, verify=" + "not " * 900 + "a)",
        "if " + "verify + " * 900 + "a:\n    ssl.verify_mode = ssl.CERT_NONE",
        "CORSMiddleware" + ".a(b)" * 900,
        "CORSMiddleware(a, allow_origins=" + "[" * 90 + "]" * 90 + ")",
        "CORSMiddleware(**x)\nx = {**x, 1: 2, 'a': x}\nrequests.get()",
        "import requests\nrequests.get(\n",
    ],
)
@pytest.mark.timeout(30)  # seconds; what grows as the square takes minutes
def test_whatever_a_module_holds_it_is_read_soon(rule: str, text: str) -> None:
    found(rule, {"app/a.py": text, "Dockerfile": "FROM a\nCOPY app /app\n"})
