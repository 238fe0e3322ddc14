"""The layered layout: no box on another, no edge upwards, few crossings, the same every time."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest

from hlsgen.pictures.layout import Box, Edge, Layout, layered, transposed


def graph(seed: int, count: int) -> tuple[list[Box], list[Edge]]:
    rng = np.random.default_rng(seed)
    boxes = [Box(float(rng.integers(20, 200)), float(rng.integers(10, 80))) for _ in range(count)]
    edges = [Edge(int(rng.integers(0, k)), k) for k in range(1, count) for _ in range(int(rng.integers(0, 3)))]
    return boxes, edges


def check(boxes: list[Box], edges: list[Edge], layout: Layout) -> None:
    placed = [(x, y, x + box.width, y + box.height) for (x, y), box in zip(layout.corners, boxes, strict=True)]
    for a, b in combinations(placed, 2):
        assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1], "two boxes lie on each other"
    for left, top, right, bottom in placed:
        assert left >= -1e-6 and right <= layout.width + 1e-6
        assert top >= -1e-6 and bottom <= layout.height + 1e-6
    for edge, route in zip(edges, layout.routes, strict=True):
        (x, y), (u, v) = route[0], route[-1]
        assert placed[edge.start][0] <= x <= placed[edge.start][2] and y == placed[edge.start][3]
        assert placed[edge.end][0] <= u <= placed[edge.end][2] and v == placed[edge.end][1]
        assert all(-1e-6 <= y <= layout.height + 1e-6 for _, y in route)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("ratio", [None, 0.5, 2.0])
def test_graphs_at_random(seed: int, ratio: float | None):
    boxes, edges = graph(seed, 3 + 9 * seed)
    layout = layered(boxes, edges, ratio=ratio)
    check(boxes, edges, layout)
    assert layered(boxes, edges, ratio=ratio) == layout
    if ratio is None:
        assert all(upper[1] <= lower[1] for route in layout.routes for upper, lower in pairwise(route))


def test_nothing():
    assert layered([], []) == Layout((), (), (), 0.0, 0.0)


def test_a_chain_is_straight_and_folded_into_columns():
    boxes, edges = [Box(100.0, 40.0)] * 60, [Edge(k, k + 1) for k in range(59)]
    one = layered(boxes, edges)
    assert len({x for x, _ in one.corners}) == 1
    folded = layered(boxes, edges, ratio=1.6)
    assert len({x for x, _ in folded.corners}) > 5
    assert 1.1 < folded.width / folded.height < 2.3
    check(boxes, edges, folded)


def test_pairs_that_cross_are_sorted():
    """Two rows of eight, each joined with the one that the other order of numbers would have."""
    boxes = [Box(20.0, 20.0, row=k // 8) for k in range(16)]
    edges = [Edge(k, 15 - k) for k in range(8)]
    layout = layered(boxes, edges)
    for edge in edges:
        assert layout.corners[edge.start][0] == layout.corners[edge.end][0], "every edge is straight"


def test_an_input_stands_above_what_reads_it():
    boxes = [Box(10.0, 10.0)] * 6
    edges = [Edge(0, 1), Edge(1, 2), Edge(2, 4), Edge(3, 4), Edge(4, 5)]
    layout = layered(boxes, edges)
    assert layout.corners[3][1] == layout.corners[2][1]


def test_edges_side_by_side_have_places_of_their_own():
    boxes = [Box(40.0, 10.0)] * 4
    layout = layered(boxes, [Edge(0, 3), Edge(1, 3), Edge(2, 3)])
    assert len({route[-1][0] for route in layout.routes}) == 3


def test_from_left_to_right():
    boxes, edges = graph(5, 12)
    layout = layered(boxes, edges)
    turned = transposed(layout)
    assert (turned.width, turned.height) == (layout.height, layout.width)
    assert turned.routes[0][0] == layout.routes[0][0][::-1]
