"""The graph of steps as Mermaid and SVG: everything is in it once, whatever it is called."""

from __future__ import annotations

import re
from collections.abc import Iterator
from graphlib import CycleError
from xml.etree import ElementTree as ET

import pytest

from pipelines.reporting import graph
from pipelines.step import Step

SVG = "{http://www.w3.org/2000/svg}"
ODD = [
    "end",
    'a "b" <c> & d',
    "]] --> x",
    "#quot;",
    "漢字",
    "half \udcff and bell \a",
    "lint:`x`",
    "a\nb",
]


def step(id_: str, *needs: str, services: tuple[str, ...] = ()) -> Step:
    name, _, component = id_.partition(":")
    return Step(name, component, ("true",), needs=needs, services=services)


STEPS = [
    step("lint:kit"),
    step("build:kit"),
    step("test:kit", "lint:kit", "build:kit"),
    step("test:fabric", "build:kit", services=("postgres",)),
    step("image:fabric", "test:fabric", "build:kit", "build:kit"),
]
EDGES = {
    "test:kit needs lint:kit",
    "test:kit needs build:kit",
    "test:fabric needs build:kit",
    "test:fabric needs postgres",
    "image:fabric needs test:fabric",
    "image:fabric needs build:kit",
}


def drawn(*steps: Step, **verdicts: str) -> ET.Element:
    return ET.fromstring(
        graph.svg(steps, {id_.replace("_", ":"): it for id_, it in verdicts.items()})
    )


def titles(root: ET.Element, kind: str) -> list[str]:
    """What is said of every element of a kind, to who cannot see it."""
    found = (element.find(f"{SVG}title") for element in root.iter(f"{SVG}{kind}"))
    return sorted(title.text or "" for title in found if title is not None)


def labels(mermaid: str) -> Iterator[str]:
    """The names in a flowchart as Mermaid shows them."""
    for label in re.findall(r'^  n\d+\[\(?"(.*)"\)?\](?:::.*)?$', mermaid, re.MULTILINE):
        yield re.sub(r"#(\d+);", lambda code: chr(int(code[1])), label)


def test_mermaid_has_every_step_and_edge_once() -> None:
    assert graph.mermaid(STEPS, {"lint:kit": "holds", "test:fabric": "stale"}) == (
        "flowchart LR\n"
        '  n0[("postgres")]:::service\n'
        '  n1["lint:kit"]:::holds\n'
        '  n2["build:kit"]\n'
        '  n3["test:kit"]\n'
        '  n4["test:fabric"]:::stale\n'
        '  n5["image:fabric"]\n'
        "  n1 --> n3\n"
        "  n2 --> n3\n"
        "  n0 -.-> n4\n"
        "  n2 --> n4\n"
        "  n4 --> n5\n"
        "  n2 --> n5\n"
        "  classDef holds stroke:#2da44e,stroke-width:2px\n"
        "  classDef stale stroke:#bf8700,stroke-width:2px,stroke-dasharray:5 3\n"
        "  classDef failed stroke:#cf222e,stroke-width:4px\n"
        "  classDef service stroke-dasharray:2 2"
    )


def test_svg_has_every_step_service_and_edge_once() -> None:
    root = drawn(*STEPS, lint_kit="holds")

    assert titles(root, "path") == sorted(EDGES)
    assert titles(root, "g") == [
        "service postgres",
        "step build:kit",
        "step image:fabric",
        "step lint:kit: holds",
        "step test:fabric",
        "step test:kit",
    ]


@pytest.mark.parametrize("verdict", graph.VERDICTS)
def test_a_verdict_is_a_class_and_a_word(verdict: str) -> None:
    (group,) = drawn(step("lint:kit"), lint_kit=verdict).iter(f"{SVG}g")

    assert group.get("class") == f"step {verdict}"
    assert [text.text for text in group.iter(f"{SVG}text")] == ["lint:kit", verdict]
    assert f'["lint:kit"]:::{verdict}\n' in graph.mermaid([step("lint:kit")], {"lint:kit": verdict})


@pytest.mark.parametrize("name", ODD)
def test_odd_names_survive_in_mermaid(name: str) -> None:
    made = graph.mermaid([step(f"lint:{name}"), step(f"test:{name}", f"lint:{name}")])

    assert list(labels(made)) == [f"lint:{name}", f"test:{name}"]
    assert "  n0 --> n1\n" in made


@pytest.mark.parametrize("name", ODD)
def test_odd_names_survive_in_svg(name: str) -> None:
    root = drawn(step(f"lint:{name}"), step(f"test:{name}", f"lint:{name}"))

    written = re.sub("[\udcff\a]", "\ufffd", name)  # XML has no way to write these
    assert titles(root, "g") == [f"step lint:{written}", f"step test:{written}"]
    assert titles(root, "path") == [f"test:{written} needs lint:{written}"]


def test_a_service_that_several_steps_need_is_drawn_once() -> None:
    root = drawn(step("a:x", services=("db",)), step("b:x", services=("db",)))

    assert titles(root, "g") == ["service db", "step a:x", "step b:x"]
    assert titles(root, "path") == ["a:x needs db", "b:x needs db"]


def test_needs_outside_the_selection_are_left_out() -> None:
    alone = step("test:kit", "lint:kit")

    assert "-->" not in graph.mermaid([alone])
    assert titles(drawn(alone), "path") == []


def test_the_drawing_has_a_title_and_asks_for_nothing_from_elsewhere() -> None:
    root = drawn(*STEPS)

    title = root.find(f"{SVG}title")
    assert title is not None
    assert root.get("aria-labelledby") == title.get("id")
    assert title.text == "5 steps and what each of them needs"
    assert not [name for it in root.iter() for name in it.attrib if "href" in name]
    assert "url(" not in "".join(style.text or "" for style in root.iter(f"{SVG}style"))


def test_everything_is_inside_the_drawing() -> None:
    root = drawn(*STEPS)
    left, top, width, height = map(float, (root.get("viewBox") or "").split())

    for rect in root.iter(f"{SVG}rect"):
        x, y, wide, high = (float(rect.get(name) or "") for name in ("x", "y", "width", "height"))
        assert left <= x
        assert x + wide <= left + width
        assert top <= y
        assert y + high <= top + height


def test_a_circle_is_refused_by_the_drawing() -> None:
    with pytest.raises(CycleError):
        drawn(step("a:x", "b:x"), step("b:x", "a:x"))


def test_no_steps_are_an_empty_drawing() -> None:
    assert titles(drawn(), "g") == []
    assert graph.mermaid([]).startswith("flowchart LR\n")
