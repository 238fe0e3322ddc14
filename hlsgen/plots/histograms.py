"""Histograms of features side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

from hlsgen.plots.figures import BLUE, FRAME, save

_COLUMNS = 4


@dataclass(frozen=True)
class HistogramRow:
    """One feature: counts between edges, of which there is one more."""

    label: str
    edges: tuple[float, ...]
    counts: tuple[int, ...]


def draw_histograms(rows: Sequence[HistogramRow], path: str | Path, title: str) -> Path:
    """Draw them in rows of four; returns the path. Raises as :func:`hlsgen.plots.figures.save` does."""
    lines = max(1, ceil(len(rows) / _COLUMNS))
    return save(lambda figure: _draw(figure, rows, lines, title), (11.0, 0.8 + 1.9 * lines), path)


def _draw(figure: Any, rows: Sequence[HistogramRow], lines: int, title: str) -> None:
    figure.suptitle(title, parse_math=False)
    for place, row in enumerate(rows):
        axes = figure.add_subplot(lines, _COLUMNS, place + 1)
        low, high = row.edges[0], row.edges[-1]
        if low == high:
            axes.bar([low], row.counts, width=1.0, color=BLUE)
        else:
            axes.stairs(row.counts, row.edges, fill=True, color=BLUE)
        axes.set_title(row.label, fontsize=9, parse_math=False)  # a name may hold a $
        axes.tick_params(labelsize=7)
        axes.set_yticks([])
        axes.grid(axis="x", color=FRAME, alpha=0.25, linewidth=0.6)
