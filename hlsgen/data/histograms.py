"""How features are distributed, as a table with small pictures, and as a figure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hlsgen.analysis.distribution import Distribution, distribution
from hlsgen.design.arrays import Array
from hlsgen.ir.text import table
from hlsgen.plots.histograms import HistogramRow, draw_histograms
from hlsgen.tables import html_table, rich_table

_BARS = " ▁▂▃▄▅▆▇█"
_COLUMNS = 24
_MOST = 1 << 18
"""Samples of a feature that are looked at, evenly taken from all."""
_LONGEST = 60
"""Characters of a name."""
_SHOWN = 64
"""Features that are printed; plots have as many."""


@dataclass(frozen=True)
class FeatureHistogram:
    """One feature. Plain numbers."""

    name: str
    distribution: Distribution | None
    """Of the finite numbers; None where there are none."""
    not_finite: int
    """How many are NaN or infinite."""

    def row(self) -> list[str]:
        """As it stands in the table."""
        name = _in_table(self.name)
        if self.distribution is None:
            return [name, "", "", "", "", "", "", str(self.not_finite), ""]
        found = self.distribution
        deviation = max(found.rms**2 - found.mean**2, 0.0) ** 0.5
        numbers = (found.low, found.quantiles[4], found.high, found.mean, deviation)
        shown = "constant" if found.low == found.high else bars(found.counts)
        missing = str(self.not_finite) if self.not_finite else ""
        return [name, *(f"{n:.4g}" for n in numbers), f"{100 * found.sparsity:.3g} %", missing, shown]


def _in_table(name: str) -> str:
    """A name from a file: what moves the cursor of a terminal is spelt, what is long is cut."""
    text = name if name.isprintable() else repr(name)[1:-1]
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


_HEADER = ["feature", "least", "median", "largest", "mean", "deviation", "zeros", "not finite", "histogram"]


@dataclass(frozen=True)
class Histogram:
    """Every feature of some samples, and their classes. Print it or plot it; ``to_dict()`` gives plain numbers."""

    title: str
    features: tuple[FeatureHistogram, ...]
    classes: Mapping[str, int]
    """Samples of each class."""

    def plot(self, path: str | Path) -> Path:
        """Draw it as .png, .svg or .pdf; returns the path.

        Raises ConfigError without matplotlib, InputError for another ending, OutputDirError if it cannot be written.
        """
        rows = [
            HistogramRow(f.name, f.distribution.edges, f.distribution.counts)
            for f in self.features[:_SHOWN]
            if f.distribution
        ]
        return draw_histograms(rows, path, self.title)

    def to_dict(self) -> dict[str, Any]:
        """All numbers, as JSON takes them."""
        return asdict(self)

    def __str__(self) -> str:
        more = len(self.features) - _SHOWN
        lines = [self.title, table(_HEADER, [f.row() for f in self.features[:_SHOWN]])]
        lines += [f"... and {more} more features"] if more > 0 else []
        total = sum(self.classes.values())
        if self.classes:
            rows = [[name, str(count), f"{100 * count / total:.1f} %"] for name, count in self.classes.items()]
            lines.append(table(["class", "samples", "share"], rows))
        return "\n".join(lines)

    def __rich__(self) -> Any:
        return rich_table(self.title, _HEADER, [f.row() for f in self.features[:_SHOWN]])

    def _repr_html_(self) -> str:
        return html_table(self.title, _HEADER, [f.row() for f in self.features[:_SHOWN]])


def histogram_of(x: Array, names: tuple[str, ...], classes: Mapping[str, int], title: str) -> Histogram:
    """Of samples (samples, ..., features). Of very many, some 2**18 of each feature are looked at, evenly."""
    rows = x.reshape(-1, x.shape[-1])
    rows = rows[:: max(1, len(rows) // _MOST)]
    return Histogram(title, tuple(_feature(name, rows[:, place]) for place, name in enumerate(names)), dict(classes))


def _feature(name: str, column: Array) -> FeatureHistogram:
    numbers = np.asarray(column, dtype=np.float64)
    finite = numbers[np.isfinite(numbers)]
    return FeatureHistogram(name, distribution(finite) if finite.size else None, int(numbers.size - finite.size))


def bars(counts: tuple[int, ...]) -> str:
    """Counts as a line of bars; what is not empty is seen."""
    groups = np.array_split(np.array(counts), min(_COLUMNS, len(counts)))
    heights = [int(group.sum()) for group in groups]
    most = max(heights)
    return "".join(_BARS[0 if not h else max(1, round(8 * h / most))] for h in heights).rstrip()
