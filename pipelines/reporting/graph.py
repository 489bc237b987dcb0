"""Draws the graph of steps: as Mermaid for a page of Markdown, as SVG for everything else."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from rich.cells import cell_len

from pipelines.reporting import layers
from pipelines.reporting.layers import Box, Edge, Point, Size
from pipelines.step import Step

VERDICTS = ("holds", "stale", "failed")  # what a step's evidence may be; others stay unmarked
NONE: Mapping[str, str] = {}

_MERMAID_CLASSES = (
    "classDef holds stroke:#2da44e,stroke-width:2px",
    "classDef stale stroke:#bf8700,stroke-width:2px,stroke-dasharray:5 3",
    "classDef failed stroke:#cf222e,stroke-width:4px",
    "classDef service stroke-dasharray:2 2",
)

_CELL, _ROW = 7.3, 17  # a character of the 12 px font, a line of text; all lengths are in px
_PADDING, _COLUMN_GAP, _MARGIN = 12, 56, 16
_FOREIGN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_STYLE = """
  text { font: 12px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; fill: #1f2328 }
  rect { fill: #f6f8fa; stroke: #818b98 }
  path { fill: none; stroke: #818b98; stroke-width: 1.2 }
  marker path { fill: #818b98; stroke: none }
  .service rect, .wait { stroke-dasharray: 2 2 }
  .holds rect { stroke: #2da44e; stroke-width: 2 }
  .stale rect { stroke: #bf8700; stroke-width: 2; stroke-dasharray: 5 3 }
  .failed rect { stroke: #cf222e; stroke-width: 4 }
  .verdict { font-size: 10px; opacity: .75 }
  @media (prefers-color-scheme: dark) { text { fill: #f0f6fc } rect { fill: #151b23 } }
"""


@dataclass(frozen=True)
class _Node:
    key: str
    label: str
    shape: str  # step or service
    verdict: str

    @property
    def size(self) -> Size:
        lines = 2 if self.verdict else 1
        return Size(cell_len(self.label) * _CELL + 2 * _PADDING, lines * _ROW + _PADDING)


def mermaid(steps: Sequence[Step], verdicts: Mapping[str, str] = NONE) -> str:
    """A Mermaid flowchart of the steps, from what is needed to what needs it.

    `verdicts` says of a step's id whether its evidence `holds`, is `stale` or `failed`. Only
    needs among the steps given are drawn. Format: https://mermaid.js.org/syntax/flowchart.html
    """
    nodes, edges = _graph(steps, verdicts)
    # Names are free and Mermaid's ids are not (`end` breaks it), so that names are labels only.
    ids = {key: f"n{number}" for number, key in enumerate(nodes)}
    lines = [f"{ids[key]}{_shape(node)}{_class(node)}" for key, node in nodes.items()]
    arrows = [
        f"{ids[edge.start]} {'-.->' if nodes[edge.start].shape == 'service' else '-->'} "
        f"{ids[edge.end]}"
        for edge in edges
    ]
    body = (f"  {line}" for line in (*lines, *arrows, *_MERMAID_CLASSES))
    return "\n".join(["flowchart LR", *body])


def svg(steps: Sequence[Step], verdicts: Mapping[str, str] = NONE) -> str:
    """The same as a drawing that needs nothing else, readable on light and dark pages.

    Raises `graphlib.CycleError` for steps that need one another.
    """
    nodes, edges = _graph(steps, verdicts)
    sizes = {key: node.size for key, node in nodes.items()}
    drawing = layers.arrange(sizes, edges, gap=_COLUMN_GAP)
    width, height = (length + 2 * _MARGIN for length in drawing.size)
    root = ET.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"{-_MARGIN} {-_MARGIN} {width:g} {height:g}",
            "width": f"{width:g}",
            "height": f"{height:g}",
            "role": "img",
            "aria-labelledby": "title",
        },
    )
    count = f"{len(steps)} steps and what each of them needs"
    ET.SubElement(root, "title", {"id": "title"}).text = count
    ET.SubElement(root, "style").text = _STYLE
    _add_arrow_head(root)
    for edge, stretches in drawing.routes.items():
        _add_edge(root, edge, stretches, nodes[edge.start])
    for key, node in nodes.items():
        _add_node(root, node, drawing.boxes[key])
    ET.indent(root)
    return ET.tostring(root, encoding="unicode") + "\n"


def _graph(
    steps: Sequence[Step], verdicts: Mapping[str, str]
) -> tuple[dict[str, _Node], list[Edge]]:
    """Every step and every service that one needs; the edges between them, each once."""
    nodes = {}
    for name in dict.fromkeys(name for step in steps for name in step.services):
        # As in `needs` of pipelines.yaml, where no step can be called `service`.
        nodes[f"service:{name}"] = _Node(f"service:{name}", name, "service", "")
    for step in steps:
        verdict = verdicts.get(step.id, "")
        nodes[step.id] = _Node(step.id, step.id, "step", verdict if verdict in VERDICTS else "")
    needs = {
        step.id: (*(f"service:{name}" for name in step.services), *step.needs) for step in steps
    }
    edges = dict.fromkeys(
        Edge(need, key) for key, those in needs.items() for need in those if need in nodes
    )
    return nodes, list(edges)


def _shape(node: _Node) -> str:
    label = "".join(char if _is_plain(char) else f"#{ord(char)};" for char in node.label)
    return f'[("{label}")]' if node.shape == "service" else f'["{label}"]'


def _is_plain(char: str) -> bool:
    """Whether the character means itself in a label; Mermaid reads others as `#35;`."""
    return char.isalnum() or char in " :-_./"


def _class(node: _Node) -> str:
    name = "service" if node.shape == "service" else node.verdict
    return f":::{name}" if name else ""


def _add_arrow_head(root: ET.Element) -> None:
    marker = ET.SubElement(
        ET.SubElement(root, "defs"),
        "marker",
        {
            "id": "arrow",
            "viewBox": "0 0 8 8",
            "refX": "8",
            "refY": "4",
            "markerWidth": "7",
            "markerHeight": "7",
            "orient": "auto",
        },
    )
    ET.SubElement(marker, "path", {"d": "M0 0 L8 4 L0 8 z"})


def _add_edge(
    root: ET.Element, edge: Edge, stretches: Sequence[tuple[Point, Point]], start: _Node
) -> None:
    """A curve that leaves and arrives level, and runs level where it passes a column."""
    words = [f"M{stretches[0][0].x:g} {stretches[0][0].y:g}"]
    for one, other in stretches:
        middle = (one.x + other.x) / 2
        words.append(
            f"H{one.x:g} C{middle:g} {one.y:g} {middle:g} {other.y:g} {other.x:g} {other.y:g}"
        )
    path = ET.SubElement(root, "path", {"d": " ".join(words), "marker-end": "url(#arrow)"})
    if start.shape == "service":
        path.set("class", "wait")
    ET.SubElement(path, "title").text = _text(f"{edge.end} needs {start.label}")


def _add_node(root: ET.Element, node: _Node, box: Box) -> None:
    group = ET.SubElement(root, "g", {"class": f"{node.shape} {node.verdict}".strip()})
    spoken = f"{node.shape} {node.label}"
    title = f"{spoken}: {node.verdict}" if node.verdict else spoken
    ET.SubElement(group, "title").text = _text(title)
    corner = {"x": f"{box.left:g}", "y": f"{box.middle - box.height / 2:g}", "rx": "5"}
    lengths = {"width": f"{box.width:g}", "height": f"{box.height:g}"}
    ET.SubElement(group, "rect", corner | lengths)
    left = f"{box.left + _PADDING:g}"
    baseline = box.middle + (-3 if node.verdict else 4)
    label = ET.SubElement(group, "text", {"x": left, "y": f"{baseline:g}"})
    label.text = _text(node.label)
    # With its length given, no reader's font makes a label longer than its box.
    label.set("textLength", f"{node.size.width - 2 * _PADDING:g}")
    label.set("lengthAdjust", "spacingAndGlyphs")
    if node.verdict:
        below = {"x": left, "y": f"{box.middle + 12:g}", "class": "verdict"}
        ET.SubElement(group, "text", below).text = node.verdict


def _text(name: str) -> str:
    """The name without the characters that XML 1.0 has no way to write."""
    return _FOREIGN.sub("\ufffd", name)
