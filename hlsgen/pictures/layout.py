"""Where the boxes of a graph without circles go: in rows, from top to bottom, each below those that lead to it.

The method is that of Sugiyama, Tagawa and Toda (1981), in four steps: rows by longest path, a place in every row that
a long edge crosses, an order in each row with few crossings (means of neighbours, to and fro), and places across that
lie as near to the neighbours as the boxes beside allow. That last step is exact for a row: with the boxes' widths taken
off, it is a regression of which the result may not fall, which pooling neighbours solves (Ayer and others, 1955).

Rows that are more than a page is high are folded into columns. Nothing depends on chance or on the order of hashes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

_SWEEPS = 12
_STRAIGHT = 8.0
"""How much more a place of a long edge weighs than a box: such edges should be straight."""


@dataclass(frozen=True)
class Box:
    """Something of this size; ``row``: where it has to stand, if that is known, counted from 0."""

    width: float
    height: float
    row: int | None = None


@dataclass(frozen=True)
class Edge:
    """From one box to another, by their numbers."""

    start: int
    end: int


Point = tuple[float, float]


@dataclass(frozen=True)
class Layout:
    """The upper left corner of each box and its size, the points of each edge, and the size of all.

    Edges come out below a box and end above one. Between two points of which both coordinates differ, an edge is meant
    to be a curve that is vertical at its ends.
    """

    corners: tuple[Point, ...]
    sizes: tuple[Point, ...]
    routes: tuple[tuple[Point, ...], ...]
    width: float
    height: float


@dataclass(frozen=True)
class Spacing:
    """Between boxes of a row (``across``), rows (``down``), edges beside each other (``lanes``), and columns."""

    across: float = 24.0
    down: float = 44.0
    lane: float = 10.0
    column: float = 36.0


def layered(
    boxes: Sequence[Box], edges: Sequence[Edge], spacing: Spacing | None = None, *, ratio: float | None = None
) -> Layout:
    """Places for boxes and ways for edges; edges lead from earlier boxes to later ones.

    ``ratio``: of width to height, that columns are to come near; None for one column.
    """
    spacing = Spacing() if spacing is None else spacing
    if not boxes:
        return Layout((), (), (), 0.0, 0.0)
    rows = _rows(boxes, edges)
    counts = [1] if ratio is None else range(1, max(rows) + 2)
    best: Layout | None = None
    for count in counts:
        found = _in_columns(boxes, edges, rows, count, spacing)
        if best is None or _away(found, ratio) < _away(best, ratio):
            best = found
        if ratio is not None and found.width > 3 * ratio * found.height:
            break
    assert best is not None
    return best


def _away(layout: Layout, ratio: float | None) -> float:
    """How far from the wished form, whichever way."""
    if ratio is None:
        return 0.0
    form = layout.width / max(layout.height, 1.0) / ratio
    return max(form, 1.0 / form)


# -- rows ----------------------------------------------------------------------------------------


def _rows(boxes: Sequence[Box], edges: Sequence[Edge]) -> list[int]:
    """One below the lowest that leads to it; what nothing leads to stands just above what it leads to."""
    rows = [0 if box.row is None else box.row for box in boxes]
    before: list[list[int]] = [[] for _ in boxes]
    behind: list[list[int]] = [[] for _ in boxes]
    for edge in edges:
        assert edge.start < edge.end, "edges lead from earlier boxes to later ones"
        before[edge.end].append(edge.start)
        behind[edge.start].append(edge.end)
    for k, box in enumerate(boxes):
        if box.row is None:
            rows[k] = max((rows[other] + 1 for other in before[k]), default=0)
    for k, box in enumerate(boxes):
        if box.row is None and not before[k] and behind[k]:
            rows[k] = max(0, min(rows[other] for other in behind[k]) - 1)
    return rows


def _cuts(boxes: Sequence[Box], edges: Sequence[Edge], rows: Sequence[int], count: int, down: float) -> list[int]:
    """The first row of each column: columns of about the same height, cut where few edges cross."""
    heights = [0.0] * (max(rows) + 1)
    for box, row in zip(boxes, rows, strict=True):
        heights[row] = max(heights[row], box.height)
    tops = [sum(heights[:row]) + row * down for row in range(len(heights) + 1)]
    crossing = [sum(rows[e.start] < row <= rows[e.end] for e in edges) for row in range(len(heights))]
    found = [0]
    for k in range(1, count):
        wished = tops[-1] * k / count
        rest = [row for row in range(found[-1] + 1, len(heights)) if len(heights) - row >= count - k]
        if not rest:
            break
        slack = tops[-1] / count
        found.append(min(rest, key=lambda row: (abs(tops[row] - wished) / slack + 0.15 * crossing[row], row)))
    return found


# -- one column ----------------------------------------------------------------------------------


@dataclass
class _Place:
    """A box in its row, or the place where an edge crosses it."""

    width: float
    height: float
    box: int | None
    above: list[_Place] = field(default_factory=list)
    below: list[_Place] = field(default_factory=list)
    order: float = 0.0
    x: float = 0.0
    """Of its middle."""

    @property
    def weight(self) -> float:
        return 1.0 if self.box is not None else _STRAIGHT


@dataclass
class _Column:
    """Rows of places; the way of each edge as far as it lies in this column."""

    rows: list[list[_Place]]
    ways: dict[int, list[_Place]]
    tops: list[float] = field(default_factory=list)
    width: float = 0.0
    height: float = 0.0


def _column(
    boxes: Sequence[Box],
    edges: Sequence[Edge],
    rows: Sequence[int],
    first: int,
    last: int,
    spacing: Spacing,
    before: _Column | None,
) -> _Column:
    """The rows from ``first`` to below ``last``; above and below them one of edges that come from or go to others, at
    first in the order in which they leave the column ``before``."""
    places: list[list[_Place]] = [[] for _ in range(last - first + 2)]
    of_box: dict[int, _Place] = {}
    for k, box in enumerate(boxes):
        if first <= rows[k] < last:
            of_box[k] = _Place(box.width, box.height, k)
            places[rows[k] - first + 1].append(of_box[k])
    ways = {}
    for number, edge in enumerate(edges):
        begin, end = max(rows[edge.start], first - 1), min(rows[edge.end], last)
        if begin >= last or end < first:
            continue
        way = []
        for row in range(begin, end + 1):
            inside = of_box.get(edge.start) if row == rows[edge.start] else of_box.get(edge.end)
            if inside is None or row not in (rows[edge.start], rows[edge.end]):
                inside = _Place(0.0, 0.0, None)
                places[row - first + 1].append(inside)
            way.append(inside)
        for upper, lower in pairwise(way):
            upper.below.append(lower)
            lower.above.append(upper)
        ways[number] = way
    column = _Column(places, ways)
    if before is not None:
        left = {id(way[0]): before.ways[number][-1].order for number, way in ways.items() if number in before.ways}
        places[0].sort(key=lambda place: left[id(place)])
    _order(column)
    _across(column, spacing)
    _down(column, spacing)
    return column


def _order(column: _Column) -> None:
    """Few crossings: rows by the means of their neighbours' places, down and up; the best that was seen stays."""
    for row in column.rows:
        _number(row)
    best, least = [list(row) for row in column.rows], float("inf")
    for sweep in range(_SWEEPS):
        downwards = sweep % 2 == 0
        for row in column.rows if downwards else reversed(column.rows):
            means = {id(place): _mean(place.above if downwards else place.below, place.order) for place in row}
            row.sort(key=lambda place: (means[id(place)], place.order))
            _number(row)
        crossings = _crossings(column.rows)
        if crossings < least:
            best, least = [list(row) for row in column.rows], crossings
        if not least:
            break
    column.rows = best
    for row in best:
        _number(row)


def _number(row: Sequence[_Place]) -> None:
    for order, place in enumerate(row):
        place.order = float(order)


def _mean(others: Sequence[_Place], without: float) -> float:
    return sum(other.order for other in others) / len(others) if others else without


def _crossings(rows: Sequence[Sequence[_Place]]) -> int:
    """Counted by inversions, with a tree of partial sums (Barth, Jünger, Mutzel, 2002)."""
    total = 0
    for row in rows:
        ends = [int(lower.order) for place in row for lower in sorted(place.below, key=lambda p: p.order)]
        size = max(ends, default=0) + 1
        sums = [0] * (size + 1)
        for count, end in enumerate(ends):
            total += count
            at = end + 1
            while at:
                total -= sums[at]
                at &= at - 1
            at = end + 1
            while at <= size:
                sums[at] += 1
                at += at & -at
    return total


def _across(column: _Column, spacing: Spacing) -> None:
    """As near to the means of neighbours as the boxes beside allow, row by row, down and up."""
    for row in column.rows:
        _pooled(row, [0.0] * len(row), spacing)
    for sweep in range(_SWEEPS):
        downwards = sweep % 2 == 0
        for row in column.rows if downwards else reversed(column.rows):
            wished = []
            for place in row:
                near = place.above if downwards else place.below
                near = near or place.below or place.above
                wished.append(sum(other.x for other in near) / len(near) if near else place.x)
            _pooled(row, wished, spacing)
    left = min(place.x - place.width / 2 for row in column.rows for place in row)
    for row in column.rows:
        for place in row:
            place.x -= left
    column.width = max(place.x + place.width / 2 for row in column.rows for place in row)


def _pooled(row: Sequence[_Place], wished: Sequence[float], spacing: Spacing) -> None:
    """Least squares of the distances to what is wished, with the gaps that the row needs."""
    offset, offsets = 0.0, []
    for k, place in enumerate(row):
        if k:
            before = row[k - 1]
            gap = spacing.across if before.box is not None or place.box is not None else spacing.lane
            offset += before.width / 2 + gap + place.width / 2
        offsets.append(offset)
    pools: list[tuple[float, float, int]] = []  # sum of weighted wishes, of weights, places
    for place, wish, away in zip(row, wished, offsets, strict=True):
        total, weight, count = (wish - away) * place.weight, place.weight, 1
        while pools and pools[-1][0] / pools[-1][1] > total / weight:
            more, heavier, others = pools.pop()
            total, weight, count = total + more, weight + heavier, count + others
        pools.append((total, weight, count))
    means = [total / weight for total, weight, count in pools for _ in range(count)]
    for place, mean, away in zip(row, means, offsets, strict=True):
        place.x = mean + away


def _down(column: _Column, spacing: Spacing) -> None:
    top = 0.0
    for row in column.rows:
        column.tops.append(top)
        height = max((place.height for place in row), default=0.0)
        top += height + (spacing.down if row else 0.0)
    column.height = top - spacing.down if column.rows[-1] else max(top - spacing.down, 0.0)


# -- all columns ---------------------------------------------------------------------------------


def _in_columns(
    boxes: Sequence[Box], edges: Sequence[Edge], rows: Sequence[int], count: int, spacing: Spacing
) -> Layout:
    cuts = [*_cuts(boxes, edges, rows, count, spacing.down), max(rows) + 1]
    columns: list[_Column] = []
    for first, last in pairwise(cuts):
        columns.append(_column(boxes, edges, rows, first, last, spacing, columns[-1] if columns else None))
    most = max((len(column.rows[0]) for column in columns[1:]), default=0)
    top = spacing.lane * (most + 1) if most else 0.0  # room for what comes from the foot of the column before
    bottom = top + max(column.height for column in columns)
    corners: list[Point] = [(0.0, 0.0)] * len(boxes)
    routes: list[list[Point]] = [[] for _ in edges]
    left = 0.0
    for k, column in enumerate(columns):
        if k:
            left += spacing.column + spacing.lane * max(0, len(column.rows[0]) - 1)
        column.tops = [top + y for y in column.tops]
        for row, y in zip(column.rows, column.tops, strict=True):
            for place in row:
                if place.box is not None:
                    corners[place.box] = (left + place.x - place.width / 2, y)
        _lead(routes, column, k, left, (top, bottom), spacing)
        left += column.width
    sizes = tuple((box.width, box.height) for box in boxes)
    return Layout(tuple(corners), sizes, tuple(map(tuple, routes)), left, bottom + top)


def _lead(routes: list[list[Point]], column: _Column, number: int, left: float, ends: Point, spacing: Spacing) -> None:
    """The part of every edge that lies in a column. From the foot of the one before it comes below all boxes, which
    stand between ``ends``, then up beside the column and above all."""
    entering = sorted(column.rows[0], key=lambda place: place.x)
    heights = [max((place.height for place in row), default=0.0) for row in column.rows]
    row_of = {id(place): k for k, row in enumerate(column.rows) for place in row}
    for edge, way in sorted(column.ways.items()):
        points: list[Point] = []
        for k, place in enumerate(way):
            top = column.tops[row_of[id(place)]]
            if place.box is not None:
                x = left + _port(place, way[k + 1] if not k else way[k - 1], not k)
                points.append((x, top + (0.0 if k else place.height)))
            else:
                points.append((left + place.x, top))
                if heights[row_of[id(place)]]:
                    points.append((left + place.x, top + heights[row_of[id(place)]]))
        if number and row_of[id(way[0])] == 0:
            lane = next(k for k, place in enumerate(entering) if place is way[0]) + 1
            x, above, below = left - spacing.column / 2 - spacing.lane * (lane - 1), ends[0], ends[1]
            above, below = above - spacing.lane * lane, below + spacing.lane * (len(entering) + 1 - lane)
            routes[edge] += [(routes[edge][-1][0], below), (x, below), (x, above), (points[0][0], above)]
        routes[edge] += points


def _port(place: _Place, other: _Place, is_start: bool) -> float:
    """Where an edge meets the lower or the upper side of a box: side by side, in the order of the other ends."""
    others = sorted(place.below if is_start else place.above, key=lambda p: (p.x, p.order))
    share = place.width / (len(others) + 1)
    step = min(share, place.width / 4)
    at = next(k for k, p in enumerate(others) if p is other)
    return place.x + step * (at - (len(others) - 1) / 2)


def transposed(layout: Layout) -> Layout:
    """The same from left to right, of boxes that were given with width and height exchanged."""
    return replace(
        layout,
        corners=tuple((y, x) for x, y in layout.corners),
        sizes=tuple((y, x) for x, y in layout.sizes),
        routes=tuple(tuple((y, x) for x, y in route) for route in layout.routes),
        width=layout.height,
        height=layout.width,
    )
