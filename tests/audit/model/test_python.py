"""The facts of Python modules, and what leads to what."""

from __future__ import annotations

import pytest

from pipelines.audit.model.python import Import, Metric, Read, Route
from pipelines.audit.place import Place
from tests.audit.repository import model

A = "a.py"


def at(line: int) -> Place:
    return Place(A, line)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import os, a.b", [Import("os", (), at(1)), Import("a.b", (), at(1))]),
        ("from a import b, c", [Import("a", ("b", "c"), at(1))]),
        ("from ..a import b", [Import("..a", ("b",), at(1))]),
        ("class A:\n    import x", [Import("x", (), at(2))]),
        ("def f():\n    import x", [Import("x", (), at(2), is_optional=True)]),
        ("if TYPE_CHECKING:\n    import x", [Import("x", (), at(2), is_optional=True)]),
        ("try:\n    import x\nexcept ImportError:\n    x = 1", [Import("x", (), at(2), True)]),
        ("try:\n    import x\nexcept Exception:\n    x = 1", [Import("x", (), at(2), True)]),
        ("try:\n    import x\nexcept KeyError:\n    x = 1", [Import("x", (), at(2))]),
        ("try:\n    import x\nfinally:\n    y = 1", [Import("x", (), at(2))]),
        ("with suppress(ImportError):\n    import x", [Import("x", (), at(2), True)]),
        ('if __name__ == "__main__":\n    import x', [Import("x", (), at(2), True, True)]),
    ],
)
def test_imports_say_whether_they_are_certain(source: str, expected: list[Import]) -> None:
    assert list(model({A: source}).python.module(A).imports) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('@app.get("/health")\ndef f(): ...', Route("GET", "/health", at(1), "f")),
        (
            'r = APIRouter(prefix="/v1")\n@r.post("/x")\ndef f(): ...',
            Route("POST", "/v1/x", at(2), "f"),
        ),
        ('@app.route("/x")\ndef f(): ...', Route("ANY", "/x", at(1), "f")),
        ('@app.route("/x", methods=["PUT"])\ndef f(): ...', Route("PUT", "/x", at(1), "f")),
        ('@app.websocket("/ws")\ndef f(): ...', Route("WEBSOCKET", "/ws", at(1), "f")),
        (
            'app.mount("/metrics", make_asgi_app())',
            Route("MOUNT", "/metrics", at(1), "make_asgi_app"),
        ),
        ('app.add_api_route("/x", f)', Route("ANY", "/x", at(1), "f")),
        ('app.router.add_get("/x", f)', Route("GET", "/x", at(1), "f")),
        ('urls = [path("health/", view)]', Route("ANY", "/health/", at(1), "view")),
        ('P = "/v2"\n@app.get(P + "/x")\ndef f(): ...', Route("GET", "/v2/x", at(2), "f")),
        ('@app.get(f"{settings.PREFIX}/x")\ndef f(): ...', Route("GET", "{}/x", at(1), "f")),
    ],
)
def test_routes_of_the_usual_frameworks(source: str, expected: Route) -> None:
    assert list(model({A: source}).python.module(A).routes) == [expected]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('os.getenv("X")', Read("X", None, at(1))),
        ('os.getenv("X", "y")', Read("X", "y", at(1), default_place=at(1))),
        ('os.environ["X"]', Read("X", None, at(1), is_required=True)),
        ('os.environ.get("X", D)', Read("X", "", at(1), default_place=at(1))),
        ('D = "d"\nos.environ.get("X", D)', Read("X", "d", at(2), default_place=at(2))),
        ('config("X", default="y")', Read("X", "y", at(1), default_place=at(1))),
        ('env.str("X")', Read("X", None, at(1), is_required=True)),
        ('f = "X" in os.environ', Read("X", None, at(1))),
        (
            'os.getenv("X", f"redis://:{p}@host")',
            Read("X", "redis://:{}@host", at(1), default_place=at(1)),
        ),
        ("class S(BaseSettings):\n    x: str", Read("X", None, at(2), is_required=True)),
        (
            'class S(BaseSettings):\n    x: str = "y"\n    class Config:\n     env_prefix = "A_"',
            Read("A_X", "y", at(2), default_place=at(2)),
        ),
        (
            'class S(BaseSettings):\n    x: str = Field("y", env="Z")',
            Read("Z", "y", at(2), default_place=at(2)),
        ),
        (
            'class S(BaseSettings):\n    model_config = C(env_prefix="B_")\n    x: int = 1',
            Read("B_X", "1", at(3), default_place=at(3)),
        ),
    ],
)
def test_reads_of_the_environment(source: str, expected: Read) -> None:
    assert list(model({A: source}).python.module(A).reads) == [expected]


def test_a_default_after_or_is_a_default() -> None:
    reads = model({A: 'x = os.getenv("X") or "y"'}).python.module(A).reads

    assert Read("X", "y", at(1), default_place=at(1)) in reads


def test_a_variable_that_is_set_is_not_read() -> None:
    assert model({A: 'os.environ["X"] = "1"'}).python.module(A).reads == ()


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            "from prometheus_client import Counter\nC = Counter('c_total', 'x')",
            [Metric("C", "c_total", "Counter", at(2))],
        ),
        (
            "import prometheus_client\nG = prometheus_client.Gauge('g', 'x')",
            [Metric("G", "g", "Gauge", at(2))],
        ),
        ("c = meter.create_counter('c')", [Metric("c", "c", "Counter", at(1))]),
        ("from collections import Counter\nC = Counter('words')", []),
    ],
)
def test_metrics(source: str, expected: list[Metric]) -> None:
    assert list(model({A: source}).python.module(A).metrics) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("str(Path(__file__).parent.parent)", ".."),
        ("Path(__file__).resolve().parents[2]", "../.."),
        ("os.path.dirname(os.path.abspath(__file__))", "."),
        ('os.path.join(os.path.dirname(__file__), "..", "lib")', "../lib"),
        ('str(Path(__file__).parent / "lib")', "lib"),
        ('"/packages"', "/packages"),
    ],
)
def test_folders_put_on_the_path(expression: str, expected: str) -> None:
    source = f"sys.path.insert(0, {expression})"

    assert model({A: source}).python.module(A).path == (expected,)


def test_what_cannot_be_read_is_said() -> None:
    it = model({A: "x = (\n"})

    assert it.python.module(A).is_broken
    assert [str(unread.place) for unread in it.unread] == ["a.py:1"]


def test_reached_follows_packages_and_names() -> None:
    files = {
        "app/main.py": "from core import config\nimport pkg.inner",
        "app/core/__init__.py": "",
        "app/core/config.py": "from . import other",
        "app/core/other.py": "",
        "app/pkg/inner.py": "",
        "app/unused.py": "",
    }

    reached = model(files).python.reached("app/main.py", ("app",), optional=False)

    assert sorted(reached) == [
        "app/core/__init__.py",
        "app/core/config.py",
        "app/core/other.py",
        "app/main.py",
        "app/pkg/inner.py",
    ]
    assert [str(step.place) for step in reached["app/core/other.py"]] == [
        "app/main.py:1",
        "app/core/config.py:1",
    ]


def test_importers_are_found_by_name() -> None:
    files = {"a/x.py": "", "b.py": "from a import x", "c.py": "import y", "d.py": "import a.x as z"}

    assert model(files).python.importers("a/x.py") == ["b.py", "d.py"]


def test_a_tree_of_great_depth_is_no_crash() -> None:
    source = "x = " + "(" * 5000 + ")" * 5000

    assert model({A: source}).python.module(A).is_broken


def test_a_long_chain_is_read() -> None:
    source = "x = " + " + ".join(["1"] * 3000)

    assert model({A: source}).python.module(A).imports == ()
