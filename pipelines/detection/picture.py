"""The measurement as a picture: a bar for each fault, and a mark where it has to end.

SVG 1.1, by the standard library: https://www.w3.org/TR/SVG11/
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as Xml

from pipelines.detection.measure import Noticed

WIDTH, LEFT, ROW = 720, 230, 34  # pixels
GOOD, BAD, MARK = "#2e7d32", "#b3261e", "#555555"


def drawn(found: Sequence[Noticed]) -> str:
    """The SVG document."""
    longest = max(max(it.bar, it.detected or 0.0) for it in found)
    scale = (WIDTH - LEFT - 70) / longest
    height = ROW * len(found) + 10
    svg = Xml.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {WIDTH} {height}",
            "font-family": "sans-serif",
            "font-size": "14",
        },
    )
    Xml.SubElement(svg, "title").text = "Seconds from a fault to the delivered alert"
    for row, it in enumerate(found):
        _bar(svg, it, 5 + row * ROW, scale)
    return Xml.tostring(svg, encoding="unicode")


def _bar(svg: Xml.Element, it: Noticed, top: int, scale: float) -> None:
    seconds = it.detected
    length = (it.bar if seconds is None else seconds) * scale
    _text(svg, LEFT - 10, top + 20, it.fault, "end")
    box = {"x": f"{LEFT}", "y": f"{top + 6}", "width": f"{length:.1f}", "height": "20"}
    Xml.SubElement(svg, "rect", {**box, "fill": GOOD if it.is_met else BAD})
    said = "unnoticed" if seconds is None else f"{seconds:.1f} s"
    _text(svg, LEFT + length + 6, top + 20, said, "start")
    at = f"{LEFT + it.bar * scale:.1f}"
    ends = {"x1": at, "x2": at, "y1": f"{top + 2}", "y2": f"{top + 30}"}
    Xml.SubElement(svg, "line", {**ends, "stroke": MARK, "stroke-width": "2"})


def _text(svg: Xml.Element, x: float, y: float, words: str, anchor: str) -> None:
    place = {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor, "fill": MARK}
    Xml.SubElement(svg, "text", place).text = words
