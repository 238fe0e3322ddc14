"""What a page shows, as plain data: it is made of this and of nothing else, and knows no project and no analysis.

Texts are what a reader sees, of any characters; whoever writes the page escapes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal

Row = tuple[str, str]
"""A label, and what there is to say."""


class Weight(Enum):
    """How much a remark counts; heavier ones stand first."""

    FAULT = "fault"
    WARNING = "warning"
    NOTE = "note"

    @property
    def order(self) -> int:
        return list(Weight).index(self)


@dataclass(frozen=True)
class Figure:
    """One of the numbers at the top."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class Remark:
    """Something that somebody has to know: of which layer, why, and what to do."""

    weight: Weight
    title: str
    text: str
    layer: int | None = None
    """The number of the operation that it is about, if it is about one."""
    numbers: tuple[Row, ...] = ()
    fix: str = ""
    """YAML, to be merged into the configuration; empty if no setting cures it."""
    effect: str = ""
    """What the fix was seen to do."""
    advice: str = ""
    """What else can be done."""


@dataclass(frozen=True)
class Series:
    """Values over the places of a chart; None where there is none."""

    name: str
    values: tuple[float | None, ...]


@dataclass(frozen=True)
class Chart:
    """Bars or lines over numbers."""

    title: str
    kind: Literal["bars", "lines"]
    x: tuple[float, ...]
    """Ascending; of bars their middles, as far from each other everywhere."""
    series: tuple[Series, ...]
    x_label: str = ""
    y_label: str = ""
    held: tuple[float, float] | None = None
    """From where to where values can be represented: shaded."""
    text: str = ""
    """What it shows, in a sentence: for those who do not see it, and below it."""


@dataclass(frozen=True)
class Table:
    """Cells of text; ``numeric``: which columns are numbers, and stand to the right."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    title: str = ""
    numeric: tuple[bool, ...] = ()
    layers: tuple[int | None, ...] = ()
    """For each row the operation that it is about: its first cell leads there."""
    shades: tuple[tuple[int | None, ...], ...] = ()
    """For each cell how strong its colour is, from 0 to 10."""


@dataclass(frozen=True)
class Section:
    """A part of what is shown of a layer."""

    title: str
    rows: tuple[Row, ...] = ()
    charts: tuple[Chart, ...] = ()
    code: str = ""


@dataclass(frozen=True)
class LayerView:
    """What is shown once a layer is chosen."""

    name: str
    kind: str
    sections: tuple[Section, ...]
    remarks: tuple[int, ...] = ()
    """The remarks about it, by their numbers."""


@dataclass(frozen=True)
class Panel:
    """A part of the page: ``key`` is where links lead."""

    key: str
    title: str
    text: str = ""
    charts: tuple[Chart, ...] = ()
    tables: tuple[Table, ...] = ()
    code: str = ""
    folded: bool = False
    """Whether it is closed at first."""


@dataclass(frozen=True)
class Drawn:
    """The graph: shapes of SVG, escaped already, with the rules for their colours."""

    shapes: str
    width: float
    height: float
    rules: tuple[str, ...]
    """Of CSS."""


@dataclass(frozen=True)
class Page:
    """All of it. ``checked`` says what was looked at, where nothing was found and where something was."""

    title: str
    about: str
    figures: tuple[Figure, ...]
    remarks: tuple[Remark, ...]
    checked: str
    graph: Drawn
    layers: tuple[LayerView, ...]
    table: Table
    """One row for each layer."""
    panels: tuple[Panel, ...]
    written_by: str
