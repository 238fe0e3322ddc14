"""What a notebook shows of a search: its front as a picture, and as a table.

The picture is an image of its own, so that its styles and the notebook's do not meet.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from html import escape
from itertools import pairwise

from hlsgen.pictures.svg import Drawing, Style, printable
from hlsgen.plots.trials import Objective, Trials, front_of_two, spelled
from hlsgen.tables import html_table

_WIDTH, _HEIGHT = 460.0, 290.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 78.0, 16.0, 14.0, 40.0
_MOST = 1500
"""Points besides the front: of more trials, every second, third ... is drawn."""
_LONGEST = 40
STYLE: Style = {
    "ground": ("fill", "#ffffff", "#14181d"),
    "frame": ("fill:none;stroke", "#b9c1cc", "#3a4450"),
    "other": ("fill", "#8fb4ee", "#3f6db3"),
    "best": ("fill", "#b4540a", "#ffab5e"),
    "line": ("fill:none;stroke-width:1.6;stroke", "#b4540a", "#ffab5e"),
    "word": ("fill", "#3d4856", "#c3ccd8"),
}


def front_html(trials: Trials, title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A fragment of HTML: the table, and the picture where there is something to draw."""
    shown = html_table(printable(title), [*map(printable, header)], [[*map(printable, row)] for row in rows])
    if not trials.measured:
        return shown
    picture = b64encode(front_picture(trials).encode()).decode()
    return (
        f'<img alt="{escape(_said(trials))}" style="max-width:100%" src="data:image/svg+xml;base64,{picture}">{shown}'
    )


def front_picture(trials: Trials) -> str:
    """The plane of the first two objectives as SVG, or of one and the numbers of trials; one was measured at least."""
    y = trials.objectives[0]
    x = trials.objectives[1] if len(trials.objectives) > 1 else _by_number(trials)
    drawing = Drawing(STYLE)
    drawing.rectangle("ground", (0, 0), (_WIDTH, _HEIGHT))
    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    drawing.path("frame", [(_LEFT, _TOP), (_LEFT, bottom), (right, bottom)], arrow=False)

    ends = [(one, *_ends(one, trials)) for one in (x, y)]

    def place(number: int) -> tuple[float, float]:
        across, up = (_share(one.values[number], low, high) for one, low, high in ends)
        return _LEFT + 8 + across * (right - _LEFT - 16), bottom - 8 - up * (bottom - _TOP - 16)

    others = [number for number in trials.measured if number not in trials.best]
    for number in others[:: -(-len(others) // _MOST) or 1]:
        drawing.circle("other", place(number), 2.2)
    if len(trials.objectives) > 1:
        line = [place(number) for number in front_of_two(x, y, trials.measured)]
        _steps(drawing, line[::-1] if x.higher_is_better else line)
    for number in trials.front:
        drawing.circle("best", place(number), 3.4, f"trial {trials.numbers[number]}")
    _words(drawing, trials, x, y)
    return drawing.svg(_WIDTH, _HEIGHT, _said(trials))


def _steps(drawing: Drawing, points: Sequence[tuple[float, float]]) -> None:
    """From each to the next at right angles, the best across first; what is as good in both lies beyond the corners."""
    corners = [points[0]]
    for (_, before), (across, up) in pairwise(points):
        corners += [(across, before), (across, up)]
    for begin, end in pairwise(corners):
        drawing.path("line", [begin, end], arrow=False)


def _words(drawing: Drawing, trials: Trials, x: Objective, y: Objective) -> None:
    """The ends of both axes, and what they are."""
    bottom = _HEIGHT - _BOTTOM
    (left, right), (low, high) = (_ends(one, trials) for one in (x, y))
    drawing.text("word", (_LEFT, bottom + 16), spelled(left), 11)
    drawing.text("word", (_WIDTH - _RIGHT, bottom + 16), spelled(right), 11, "end")
    drawing.text("word", ((_LEFT + _WIDTH - _RIGHT) / 2, bottom + 32), _cut(x.label), 12, "middle")
    drawing.text("word", (_LEFT - 6, bottom), spelled(low), 11, "end")
    drawing.text("word", (_LEFT - 6, _TOP + 10), spelled(high), 11, "end")
    drawing.text("word", (_LEFT + 6, _TOP + 8), _cut(y.label), 12)


def _by_number(trials: Trials) -> Objective:
    """The numbers of trials as a column."""
    return Objective("trial", tuple(map(float, trials.numbers)))


def _ends(column: Objective, trials: Trials) -> tuple[float, float]:
    values = [value for place in trials.measured if (value := column.values[place]) is not None]
    return min(values), max(values)


def _share(value: float | None, low: float, high: float) -> float:
    return 0.5 if value is None or low == high else (value - low) / (high - low)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _said(trials: Trials) -> str:
    names = " and ".join(one.label for one in trials.objectives[:2])
    return printable(f"{len(trials.measured):,} trials by {names}, {len(trials.front):,} on the front")
