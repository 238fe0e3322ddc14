"""A number against the width of tensors: a panel for each kind of tensor, a curve for each tensor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hlsgen.plots.figures import FRAME, LINES, MARKERS, save

_LISTED = 14
"""Curves of a panel that have a line in its legend beside the plot; of more, the text would be taller than it."""


@dataclass(frozen=True)
class Curve:
    """The values of one tensor by its width, widths ascending."""

    label: str
    kind: str
    widths: tuple[int, ...]
    values: tuple[float, ...]
    present: int
    """The width it has now."""


@dataclass(frozen=True)
class Level:
    """What the design has as it is."""

    value: float
    label: str


def draw_curves(curves: Sequence[Curve], level: Level, what: str, higher_is_better: bool, path: str | Path) -> Path:
    """Draw curves, a panel a kind; returns the path. Raises as :func:`hlsgen.plots.figures.save` does.

    The dashed line is the design as it is, a ring the width that a tensor has now.
    """
    kinds = list(dict.fromkeys(curve.kind for curve in curves))

    def draw(figure: Any) -> None:
        panels = figure.subplots(len(kinds), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
        for axes, kind in zip(panels, kinds, strict=True):
            _panel(axes, [curve for curve in curves if curve.kind == kind], level, higher_is_better)
            axes.set_ylabel(f"{kind}s")
        panels[-1].set_xlabel("bits")
        panels[0].set_title(what, parse_math=False)

    return save(draw, (9.5, 0.6 + 3.2 * len(kinds)), path)


def _panel(axes: Any, curves: Sequence[Curve], level: Level, higher_is_better: bool) -> None:
    axes.axhline(level.value, color=FRAME, linestyle="--", linewidth=1.0)
    axes.annotate(level.label, (1.0, level.value), (-4, 3), ("axes fraction", "data"), "offset points", ha="right")
    for number, curve in enumerate(curves):
        style = {"color": LINES[number % len(LINES)], "linestyle": ("-", "--", ":")[number // len(LINES) % 3]}
        label = curve.label if number < _LISTED else None
        marker = MARKERS[number % len(MARKERS)]
        axes.plot(curve.widths, curve.values, marker=marker, markersize=4, linewidth=1.4, label=label, **style)
        now = [(w, v) for w, v in zip(curve.widths, curve.values, strict=True) if w == curve.present]
        for width, value in now:
            axes.plot([width], [value], marker="o", markersize=10, fillstyle="none", color=style["color"])
    widths = sorted({width for curve in curves for width in curve.widths})
    axes.set_xticks(widths if len(widths) <= 24 else widths[:: len(widths) // 12])
    if not higher_is_better and all(v > 0 for curve in curves for v in curve.values) and level.value > 0:
        axes.set_yscale("log")
    axes.grid(color=FRAME, alpha=0.25, linewidth=0.6)
    more = f"and {len(curves) - _LISTED} more" if len(curves) > _LISTED else None
    legend = axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, title=more)
    for text in legend.get_texts():
        text.set_parse_math(False)  # a name may hold a $
