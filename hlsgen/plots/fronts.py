"""Trials of a search in the plane of two objectives, with the front of those two: a panel for each pair."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

from hlsgen.plots.figures import BLUE, FRAME, GREY, RED, save
from hlsgen.plots.trials import Objective, Trials, front_of_two

_SIZE = (5.4, 4.2)
"""Inches of a panel."""


def draw_fronts(trials: Trials, title: str, path: str | Path) -> Path:
    """Draw a panel for each pair of objectives, the first upwards; of one objective its progress, trial by trial.

    Of trials that were measured, one at least. Those in red are on the front of all objectives, the line is the front
    of the two. Returns the path; raises as :func:`hlsgen.plots.figures.save` does.
    """
    pairs = list(combinations(trials.objectives, 2))
    across = min(3, max(1, len(pairs)))
    down = -(-max(1, len(pairs)) // across)

    def draw(figure: Any) -> None:
        panels = figure.subplots(down, across, squeeze=False).flatten()
        figure.suptitle(title, parse_math=False, fontsize=10)
        if not pairs:
            _progress(panels[0], trials, trials.objectives[0])
        for axes, (y, x) in zip(panels, pairs, strict=False):
            _pair(axes, trials, x, y)
        panels[0].legend(frameon=False, fontsize=8, labelcolor=FRAME)
        for axes in panels[max(1, len(pairs)) :]:
            axes.set_axis_off()

    return save(draw, (_SIZE[0] * across, _SIZE[1] * down + 0.4), path)


def _pair(axes: Any, trials: Trials, x: Objective, y: Objective) -> None:
    _points(axes, trials, [_known(x, place) for place in trials.measured], y)
    line = front_of_two(x, y, trials.measured)
    where = "pre" if x.higher_is_better else "post"  # what is as good in both lies beyond the corners
    axes.step([x.values[k] for k in line], [y.values[k] for k in line], where=where, color=RED, linewidth=1.2, zorder=2)
    _named(axes.set_xlabel, x)
    if is_wide(x, trials):
        axes.set_xscale("log")


def _progress(axes: Any, trials: Trials, y: Objective) -> None:
    _points(axes, trials, [trials.numbers[place] for place in trials.measured], y)
    numbers: list[int] = []
    values: list[float] = []
    for place in trials.measured:
        value = _known(y, place)
        if not values or y.is_better(value, values[-1]):
            numbers.append(trials.numbers[place])
            values.append(value)
    axes.step([*numbers, max(trials.numbers)], [*values, values[-1]], where="post", color=RED, linewidth=1.2, zorder=2)
    axes.set_xlabel("trial")


def _points(axes: Any, trials: Trials, across: list[float] | list[int], y: Objective) -> None:
    """``across``: of each trial that was measured."""
    up = [_known(y, place) for place in trials.measured]
    best = [place in trials.best for place in trials.measured]
    for wanted, colour, size in ((False, BLUE, 12), (True, RED, 26)):
        some = [(a, b) for a, b, is_best in zip(across, up, best, strict=True) if is_best is wanted]
        if some:
            label = "on the front of all" if wanted else "other trials"
            axes.scatter(
                *zip(*some, strict=True), s=size, color=colour, linewidths=0, label=label, zorder=3 if wanted else 1
            )
    _named(axes.set_ylabel, y)
    if is_wide(y, trials):
        axes.set_yscale("log")
    axes.grid(color=GREY, linewidth=0.6)


def is_wide(objective: Objective, trials: Trials) -> bool:
    """Whether numbers lie so far apart that a logarithmic scale shows more of them."""
    values = [_known(objective, place) for place in trials.measured]
    return min(values) > 0 and max(values) >= 100 * min(values)


def _known(objective: Objective, place: int) -> float:
    value = objective.values[place]
    assert value is not None, "it was measured"
    return value


def _named(label: Any, objective: Objective) -> None:
    better = "higher" if objective.higher_is_better else "lower"
    label(f"{objective.label}, {better} is better", parse_math=False)
