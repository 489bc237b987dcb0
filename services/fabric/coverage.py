"""The area a network watches: the union of its nodes' discs, measured on an equal-area plane."""

from collections.abc import Sequence
from math import cos, pi, radians, sin, sqrt
from typing import TypeAlias

import numpy as np
import shapely
from numpy.typing import NDArray

from services.kit.geo import EARTH_RADIUS_M, Position

# The last axis holds x, y, z of points on the unit sphere, or x, y on the plane.
Points: TypeAlias = NDArray[np.float64]

CORNERS = 128
# A polygon drawn in a circle is a little too small; widened by this, it has the circle's area.
WIDENING = sqrt(2 * pi / CORNERS / sin(2 * pi / CORNERS))


def area_km2(discs: Sequence[tuple[Position, float]]) -> float:
    """Return the area in square kilometres that at least one of `discs` covers.

    A disc is its centre and its radius in metres along the ground.
    The edges are drawn on the sphere and mapped by the spherical Lambert azimuthal equal-area
    projection about the middle of the network (J. P. Snyder, "Map Projections: A Working Manual",
    USGS Professional Paper 1395, 1987, eq. 22-4 to 24-2): areas are true everywhere, and neither
    the antimeridian nor a pole is special. Only a network reaching right around the Earth is
    measured more coarsely, to a thousandth of the Earth's area.
    """
    if not discs:
        return 0.0
    centres = np.array([_on_sphere(centre) for centre, _ in discs])
    radii = np.array([radius_m for _, radius_m in discs]) / EARTH_RADIUS_M
    axis = _middle(centres)
    shapes = np.asarray(shapely.polygons(_project(_edges(centres, radii), axis)))
    # The point opposite the middle is the whole rim of the map, so the outline of a disc that
    # holds it surrounds everything which the disc does not cover.
    inside_out = np.arccos(np.clip(centres @ -axis, -1, 1)) < radii
    world = shapely.Point(0, 0).buffer(2 * WIDENING, quad_segs=CORNERS // 4)
    shapes[inside_out] = shapely.difference(world, shapes[inside_out])
    return float(shapely.union_all(shapes).area) * EARTH_RADIUS_M**2 / 1e6


def _on_sphere(position: Position) -> tuple[float, float, float]:
    lat, lon = radians(position.lat), radians(position.lon)
    return cos(lat) * cos(lon), cos(lat) * sin(lon), sin(lat)


def _middle(points: Points) -> Points:
    """Return the point nearest to all of `points`, or the first where they balance out."""
    middle: Points = points.sum(axis=0)
    if np.linalg.norm(middle) < 1e-6:
        middle = points[0].copy()
    middle /= np.linalg.norm(middle)
    return middle


def _tangents(points: Points) -> tuple[Points, Points]:
    """Return for each point two unit vectors at right angles to it and to one another."""
    least_aligned = np.eye(3)[np.abs(points).argmin(axis=-1)]
    first = np.cross(points, least_aligned)
    first /= np.linalg.norm(first, axis=-1, keepdims=True)
    return first, np.cross(points, first)


def _edges(centres: Points, radii: NDArray[np.float64]) -> Points:
    """Return the `CORNERS` corners on the sphere of each disc (radii are angles in radians)."""
    widened = 2 * np.arcsin(np.sin(radii / 2) * WIDENING)[:, None, None]
    turn = np.linspace(0, 2 * pi, CORNERS, endpoint=False)[None, :, None]
    first, second = (tangent[:, None, :] for tangent in _tangents(centres))
    outward = np.cos(turn) * first + np.sin(turn) * second
    edges: Points = np.cos(widened) * centres[:, None, :] + np.sin(widened) * outward
    return edges


def _project(points: Points, axis: Points) -> Points:
    first, second = _tangents(axis)
    scale = np.sqrt(2 / np.maximum(1 + points @ axis, 1e-12))
    return np.stack([scale * (points @ first), scale * (points @ second)], axis=-1)
