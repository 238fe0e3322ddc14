"""Confusion matrices and histograms side by side: a row of panels for each output of a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hlsgen.plots.figures import BLUE, FRAME, save

_WRITTEN = 24
"""Classes up to which the numbers are written into the cells."""


@dataclass(frozen=True)
class Matrix:
    """How often classes met: ``counts[row][column]``."""

    title: str
    rows: str
    columns: str
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Bars:
    """A histogram."""

    title: str
    edges: tuple[float, ...]
    counts: tuple[int, ...]


def draw_panels(rows: Sequence[Sequence[Matrix | Bars]], path: str | Path) -> Path:
    """Draw panels, a row of them for each of ``rows``; returns the path. Raises as
    :func:`hlsgen.plots.figures.save` does."""
    columns = max(len(row) for row in rows)
    classes = max((len(p.counts) for row in rows for p in row if isinstance(p, Matrix)), default=0)
    side = min(max(4.4, 0.42 * classes + 1.2), 14.0)

    def draw(figure: Any) -> None:
        for at, row in enumerate(rows):
            for place, panel in enumerate(row):
                axes = figure.add_subplot(len(rows), columns, at * columns + place + 1)
                _matrix(axes, panel) if isinstance(panel, Matrix) else _bars(axes, panel)
                axes.set_title(panel.title, parse_math=False)

    return save(draw, (side * columns + 0.4, side * len(rows)), path)


def _matrix(axes: Any, panel: Matrix) -> None:
    """Shades are shares of a row, so that rare classes are seen as well as frequent ones."""
    totals = [max(sum(row), 1) for row in panel.counts]
    shares = [[count / total for count in row] for row, total in zip(panel.counts, totals, strict=True)]
    axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
    classes = range(len(panel.counts))
    if len(panel.counts) <= _WRITTEN:
        axes.set_xticks(classes)
        axes.set_yticks(classes)
        for i in classes:
            for j in classes:
                if panel.counts[i][j]:
                    colour = "white" if shares[i][j] > 0.5 else "black"
                    axes.text(j, i, str(panel.counts[i][j]), ha="center", va="center", color=colour, fontsize=9)
    axes.set_xlabel(panel.columns)
    axes.set_ylabel(panel.rows)


def _bars(axes: Any, panel: Bars) -> None:
    if len(panel.counts) == 1:  # all the same
        axes.bar([panel.edges[0]], panel.counts, color=BLUE)
    else:
        axes.stairs(panel.counts, panel.edges, fill=True, color=BLUE)
    axes.set_yscale("log")  # the few that differ most are what one looks for
    axes.set_ylabel("values")
    axes.locator_params(axis="x", nbins=6)
    axes.grid(axis="y", color=FRAME, alpha=0.25, linewidth=0.6)
