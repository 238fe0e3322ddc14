"""Magnitudes of tensors beside the ranges of their types: a row a tensor, an octave a column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, log2
from pathlib import Path
from typing import Any

from hlsgen.plots.figures import BLACK, BLUE, FRAME, GREEN, GREY, ORANGE, PURPLE, RED, save

_COLOURS = {"input": GREEN, "weight": ORANGE, "bias": PURPLE, "constant": PURPLE, "result": BLUE}
_SEEN = 48
"""Octaves below the largest that are drawn: a float64 just above zero would make all others one line."""


@dataclass(frozen=True)
class RangeRow:
    """One tensor: how many of its values have which magnitude, and what its type holds."""

    label: str
    kind: str
    first_octave: int
    octaves: tuple[int, ...]
    """``octaves[i]`` values are from ``2**(first_octave + i)`` to below twice that."""
    zeros: int
    step: float
    end: float
    """What all magnitudes that the type holds are below, or at (of a signed type, the least value is there)."""
    outside: int = 0
    vanishing: int = 0
    """Values that are not zero and below half a step."""

    @property
    def count(self) -> int:
        return sum(self.octaves) + self.zeros


def draw_ranges(rows: Sequence[RangeRow], path: str | Path) -> Path:
    """Draw rows from top to bottom; returns the path. Raises as :func:`hlsgen.plots.figures.save` does.

    A bar from half a step to the largest value is what the type holds; the shape upon it is the histogram of
    magnitudes, red beyond the largest, grey below half a step.
    """
    return save(lambda figure: _draw(figure, rows), (10.0, 1.6 + 0.42 * len(rows)), path)


def _draw(figure: Any, rows: Sequence[RangeRow]) -> None:
    axes = figure.add_subplot()
    for number, row in enumerate(rows):
        low, high = log2(row.step) - 1, log2(row.end)
        axes.barh(number, high - low, left=low, height=0.84, color=GREY, edgecolor=FRAME, linewidth=0.6)
        _magnitudes(axes, number, row, low, high)
    axes.set_yticks(range(len(rows)), [row.label for row in rows], parse_math=False)  # a name may hold a $
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlim(*_limits(rows))
    axes.set_xlabel("magnitude (powers of two); zeros are not drawn")
    axes.xaxis.set_major_formatter(lambda x, _: f"$2^{{{floor(x)}}}$" if x == floor(x) else "")
    axes.grid(axis="x", color=FRAME, alpha=0.25, linewidth=0.6)
    axes.set_title("Real values of the model against what the types hold")
    _legend(figure, rows)


def _magnitudes(axes: Any, number: int, row: RangeRow, low: float, high: float) -> None:
    """The histogram as bars about the middle of the row, each as high as its share of the largest."""
    most = max(row.octaves, default=1)
    for place, count in enumerate(row.octaves):
        octave = row.first_octave + place
        colour = RED if octave >= high else FRAME if octave + 1 <= low else _COLOURS.get(row.kind, BLACK)
        if count:
            axes.barh(number, 1.0, left=octave, height=0.74 * count / most, color=colour, linewidth=0)
    right = max(high, row.first_octave + len(row.octaves))
    if row.outside:
        axes.annotate(
            f"{100 * row.outside / row.count:.2g} % outside",
            (right, number),
            (6, 0),
            "data",
            "offset points",
            va="center",
        ).set_color(RED)


def _limits(rows: Sequence[RangeRow]) -> tuple[float, float]:
    ends = [row.first_octave + len(row.octaves) for row in rows if row.octaves]
    high = max([*ends, *(log2(row.end) for row in rows)])
    low = min([*(row.first_octave for row in rows if row.octaves), *(log2(row.step) - 1 for row in rows)])
    return max(low, high - _SEEN) - 0.5, high + 5.0


def _legend(figure: Any, rows: Sequence[RangeRow]) -> None:
    from matplotlib.patches import Patch

    kinds = [kind for kind in dict.fromkeys(row.kind for row in rows) if kind in _COLOURS]
    patches = [Patch(facecolor=_COLOURS[kind], label=kind) for kind in kinds]
    patches.append(Patch(facecolor=GREY, edgecolor=FRAME, label="the type holds"))
    patches.append(Patch(facecolor=RED, label="outside of the type"))
    patches.append(Patch(facecolor=FRAME, label="below half a step"))
    figure.legend(handles=patches, loc="outside lower center", ncols=4, frameon=False)
