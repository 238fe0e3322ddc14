"""Trials of a search in parallel coordinates: a line upwards for each setting and objective, a way across for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log10
from pathlib import Path
from typing import Any

from hlsgen.plots.figures import BLUE, FRAME, RED, save
from hlsgen.plots.fronts import is_wide
from hlsgen.plots.trials import Axis, Objective, Trials, spelled

_LABELS = 12
"""Values of a setting that are written beside its line."""


@dataclass(frozen=True)
class _Line:
    """A column: where each trial that was measured lies, from 0 to 1, and what is written where."""

    name: str
    places: Sequence[float]
    ticks: Sequence[tuple[float, str]]


def draw_parallel(trials: Trials, title: str, path: str | Path) -> Path:
    """Draw the trials that were measured, one at least; the better end of an objective is at the top.

    Those of the front are red. Returns the path; raises as :func:`hlsgen.plots.figures.save` does.
    """
    lines = [_of_axis(axis, trials) for axis in trials.axes if len(axis.labels) > 1]
    lines += [_of_objective(objective, trials) for objective in trials.objectives]

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        axes.set_title(title, parse_math=False, fontsize=10)
        alpha = max(0.05, min(0.7, 12 / len(trials.measured) ** 0.5))
        for wanted, colour, strength in ((False, BLUE, alpha), (True, RED, 0.8)):
            for number, place in enumerate(trials.measured):
                if (place in trials.best) is wanted:
                    axes.plot([line.places[number] for line in lines], color=colour, alpha=strength, linewidth=0.9)
        _written(axes, lines)

    return save(draw, (max(6.0, 1.55 * len(lines)), 5.4), path)


def _written(axes: Any, lines: Sequence[_Line]) -> None:
    for k, line in enumerate(lines):
        axes.axvline(k, color=FRAME, linewidth=0.9)
        for at, text in line.ticks:
            box = {"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 0.8}
            axes.text(k + 0.03, at, text, fontsize=7, va="center", bbox=box, parse_math=False)
    axes.set_xticks(range(len(lines)))
    axes.set_xticklabels([_folded(line.name) for line in lines], fontsize=8, parse_math=False)
    axes.set_yticks([])
    axes.set_xlim(-0.15, len(lines) - 1 + 0.55)
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)


def _of_axis(axis: Axis, trials: Trials) -> _Line:
    last = len(axis.labels) - 1
    every = -(-len(axis.labels) // _LABELS)
    ticks = [(k / last, label) for k, label in enumerate(axis.labels) if k % every == 0]
    return _Line(axis.name, [(axis.places[place] or 0) / last for place in trials.measured], ticks)


def _of_objective(objective: Objective, trials: Trials) -> _Line:
    values = [value for place in trials.measured if (value := objective.values[place]) is not None]
    wide = is_wide(objective, trials)
    sizes = [log10(value) if wide else value for value in values]
    low, high = min(sizes), max(sizes)

    def at(size: float) -> float:
        share = (size - low) / (high - low) if high > low else 0.5
        return share if objective.higher_is_better else 1 - share

    ends = {min(values), max(values)} | ({(min(values) + max(values)) / 2} if not wide else set())
    ticks = [(at(log10(value) if wide else value), spelled(float(f"{value:.4g}"))) for value in sorted(ends)]
    arrow = "higher" if objective.higher_is_better else "lower"
    return _Line(f"{objective.label}, {arrow} is better", [at(size) for size in sizes], ticks)


def _folded(name: str, most: int = 18) -> str:
    """A name in lines, broken behind dots, underscores and blanks."""
    found = [""]
    for part in name.replace(".", ".\0").replace("_", "_\0").replace(" ", " \0").split("\0"):
        if found[-1] and len(found[-1]) + len(part) > most:
            found.append("")
        found[-1] += part
    return "\n".join(found)
