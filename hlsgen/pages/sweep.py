"""The page of a sweep: fronts, parallel coordinates and the table of its trials, as one file of HTML.

What it shows is plain data (:class:`SweepPage`); :mod:`hlsgen.pages.document` keeps the page whole and safe.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import NamedTuple

from hlsgen.pages.alike import alike
from hlsgen.pages.content import Figure, Panel, Table
from hlsgen.pages.document import document, joined
from hlsgen.pictures.svg import printable
from hlsgen.plots.trials import DONE, Trials, spelled

MARK = "page of a sweep by hlsgen"
"""Stands at the beginning of every such page: what may be replaced by another one."""
_SCRIPTS = ("shared.js", "canvas.js", "trials.js", "plane.js", "parallel.js", "sweep.js")
_REASONS = 100
"""Different reasons that are listed by themselves."""
_ROWS = 100
"""Rows of the table for readers without scripts."""


@dataclass(frozen=True)
class SweepPage:
    """What there is to be seen of a sweep."""

    title: str
    about: str
    trials: Trials
    yaml: Sequence[str] = field(repr=False)
    """For each trial the configuration that it is; empty where there is none."""
    study: str
    """The file of the sweep, as commands name it."""
    figures: tuple[Figure, ...]
    panels: tuple[Panel, ...]
    written_by: str


class Reasons(NamedTuple):
    """Why trials were not measured in full: state, how many trials, reason, and the place and number of the first."""

    rows: list[tuple[str, str, str, int, int]]
    more: int
    """Reasons that are not among them."""


def sweep_html(page: SweepPage) -> str:
    """The text of the page; the same for the same content."""
    trials = page.trials
    return document(
        "sweep.html.j2",
        joined("page.css", "sweep.css"),
        [joined(*_SCRIPTS)],
        _data(page),
        page=page,
        mark=MARK,
        drawn=bool(trials.measured),
        states=sorted(set(trials.states)),
        reasons=reasons(trials),
        best=front_table(trials, _ROWS),
    )


def reasons(trials: Trials) -> Reasons:
    """The different ones, those that ended most trials first."""
    found: dict[tuple[str, str], list[int]] = {}
    for place, (state, reason) in enumerate(zip(trials.states, trials.reasons, strict=True)):
        if state != DONE:
            found.setdefault((state, reason), []).append(place)
    order = sorted(found.items(), key=lambda item: -len(item[1]))
    rows = [
        (state, f"{len(places):,}", reason, places[0], trials.numbers[places[0]])
        for (state, reason), places in order[:_REASONS]
    ]
    return Reasons(rows, max(0, len(order) - _REASONS))


def front_table(trials: Trials, most: int) -> Table:
    """The trials of the front as a table, the best of the first objective first."""
    header = ("trial", *(one.label for one in trials.objectives), *(axis.name for axis in trials.axes))
    numeric = (True,) * (1 + len(trials.objectives)) + (False,) * len(trials.axes)
    rows = tuple(
        (
            str(trials.numbers[place]),
            *(spelled(one.values[place]) for one in trials.objectives),
            *("" if (label := axis.places[place]) is None else axis.labels[label] for axis in trials.axes),
        )
        for place in trials.front[:most]
    )
    return Table(header, rows, numeric=numeric)


def _data(page: SweepPage) -> object:
    """What the script shows; what most trials have in common stands there once."""
    trials = page.trials
    reasons, reason = _numbered([printable(text) for text in trials.reasons])
    workers, worker = _numbered([printable(text) for text in trials.workers])
    return {
        "study": printable(page.study),
        "numbers": trials.numbers,
        "states": trials.states,
        "reasons": reasons,
        "reason": reason,
        "seconds": [_number(value) or 0.0 for value in trials.seconds],
        "workers": workers,
        "worker": worker,
        "measured": trials.measured,
        "front": trials.front,
        "objectives": [
            {
                "name": printable(one.name),
                "unit": printable(one.unit),
                "higher": one.higher_is_better,
                "values": [_number(value) for value in one.values],
            }
            for one in trials.objectives
        ],
        "axes": [
            {
                "name": printable(axis.name),
                "labels": [printable(label) for label in axis.labels],
                "base": printable(axis.base),
                "places": axis.places,
            }
            for axis in trials.axes
        ],
        "yaml": alike([printable(text) for text in page.yaml]),
    }


def _number(value: float | None) -> float | None:
    """As JSON has it, whole numbers without a point."""
    if value is None or not isfinite(value):
        return None
    return int(value) if float(value).is_integer() and abs(value) < 1e15 else float(value)


def _numbered(texts: Sequence[str]) -> tuple[list[str], list[int]]:
    """The different texts, and for each which of them it is."""
    known: dict[str, int] = {}
    which = [known.setdefault(text, len(known)) for text in texts]
    return list(known), which
