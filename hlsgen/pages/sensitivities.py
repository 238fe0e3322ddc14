"""Accuracy against the width of each tensor: a chart for each kind, and a table with all points."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hlsgen.analysis.sensitivity import Point, Sensitivity
from hlsgen.pages.content import Chart, Panel, Series, Table
from hlsgen.pages.findings import Layers

_MOST = 4
"""Curves of a chart, as many as there are colours; of more layers there are more charts."""
_LOSS = 0.01
_KINDS = {"weight": "weights", "result": "results", "input": "inputs"}


def sensitivity_panel(found: Sensitivity, layers: Layers) -> Panel:
    """All of it, and a configuration that saves what costs less than one percent."""
    suggested = found.suggest(_LOSS)
    now = _number(found, found.baseline)
    text = (
        f"{found.metric.capitalize()} against {found.against}, on {found.samples:,} samples: {now} as the design is. "
        f"One tensor at a time gets another width, all others stay ({found.designs} designs)."
    )
    code = suggested.yaml
    if code:
        text += (
            " Below: the least widths that cost less than one percent, each by itself; together they may cost more, so "
            "convert with them and look again."
        )
    return Panel("sensitivity", "Sensitivity", text, tuple(_charts(found)), (_table(found, layers),), code)


def _charts(found: Sensitivity) -> Iterator[Chart]:
    for kind, words in _KINDS.items():
        tensors = [layer for layer, its, _ in found.present if its == kind]
        for start in range(0, len(tensors), _MOST):
            some = tensors[start : start + _MOST]
            points = {layer: found.of(layer, kind) for layer in some}  # type: ignore[arg-type]
            widths = sorted({point.width for own in points.values() for point in own})
            if len(widths) < 2:
                continue
            which = "" if len(tensors) <= _MOST else f", {start + 1} to {start + len(some)}"
            yield Chart(
                f"{found.metric.capitalize()} against the width of {words}{which}",
                "lines",
                tuple(map(float, widths)),
                tuple(Series(layer, _values(own, widths)) for layer, own in points.items()),
                x_label="bits",
                y_label=found.metric,
                text=f"As the design is: {_number(found, found.baseline)}.",
            )


def _values(points: Sequence[Point], widths: Sequence[int]) -> tuple[float | None, ...]:
    known = {point.width: point.value for point in points}
    return tuple(known.get(width) for width in widths)


def _table(found: Sensitivity, layers: Layers) -> Table:
    """A row a tensor, a column a width; darker where more is lost."""
    widths = sorted({point.width for point in found.points})
    rows, shades, about = [], [], []
    for layer, kind, spelled in found.present:
        known = {point.width: point for point in found.of(layer, kind)}
        rows.append((layer, kind, spelled, *(_cell(found, known.get(width)) for width in widths)))
        shades.append((None, None, None, *(_shade(found, known.get(width)) for width in widths)))
        about.append(layers.of_layer(layer))
    numeric = (False,) * 3 + (True,) * len(widths)
    header = ("layer", "of its", "type now", *(f"{width} bits" for width in widths))
    return Table(header, tuple(rows), "All points", numeric, tuple(about), tuple(shades))


def _cell(found: Sensitivity, point: Point | None) -> str:
    if point is None:
        return ""
    return "refused" if point.value is None else _number(found, point.value)


def _shade(found: Sensitivity, point: Point | None) -> int | None:
    if point is None or point.value is None:
        return None
    lost = found.baseline - point.value if found.higher_is_better else point.value - found.baseline
    return 0 if lost <= 0 else min(10, 1 + int(20 * lost))


def _number(found: Sensitivity, value: float) -> str:
    return f"{100 * value:.1f} %" if found.higher_is_better else f"{value:.2g}"
