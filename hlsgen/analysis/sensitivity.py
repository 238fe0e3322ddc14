"""What accuracy costs in bits: ``project.sensitivity(x, y)`` varies the width of one tensor after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hlsgen.analysis.frames import data_frame, write_csv
from hlsgen.analysis.measure import Metric
from hlsgen.analysis.narrowing import Kind, settings_with
from hlsgen.analysis.running import Engine
from hlsgen.config import Config
from hlsgen.errors import InputError, UnknownNameError, brief, nearest
from hlsgen.ir.text import table
from hlsgen.ir.types import FixedType
from hlsgen.plots.curves import Curve, Level, draw_curves
from hlsgen.strict_yaml import written
from hlsgen.tables import html_table, rich_table

_NOTICED = 0.01
"""Of accuracy or agreement."""


@dataclass(frozen=True)
class Point:
    """One design: one tensor in one width, all else as convert() makes it with that setting."""

    layer: str
    kind: Kind
    width: int
    type: str
    value: float | None
    """The metric; None where such a design is refused."""
    refused: str = ""
    """Why it is refused."""


@dataclass(frozen=True)
class Suggestion:
    """The least width of a tensor within a loss."""

    layer: str
    kind: Kind
    width: int
    type: str
    value: float
    present: int
    """Its width now."""

    @property
    def is_narrower(self) -> bool:
        """Whether it saves bits."""
        return self.width < self.present


@dataclass(frozen=True)
class Suggestions:
    """The least width of every tensor within a loss, each found with all others as they are now: together they may lose
    more. ``project.with_settings(**suggestions.settings)`` is that design."""

    entries: tuple[Suggestion, ...]
    loss: float
    settings: Mapping[str, Any] = field(repr=False)
    """What ``with_settings`` takes: the types that save bits beside all that is configured already."""

    def __iter__(self) -> Iterator[Suggestion]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def yaml(self) -> str:
        """The types that save bits as a YAML configuration, to be merged into the present one."""
        layers: dict[str, Any] = {}
        narrower = [s for s in self.entries if s.is_narrower]
        inputs = {s.layer: s.type for s in narrower if s.kind == "input"}
        for s in narrower:
            if s.kind != "input":
                layers.setdefault(s.layer, {"precision": {}})["precision"][s.kind] = s.type
        found = ({"input_precision": inputs} if inputs else {}) | ({"layers": layers} if layers else {})
        return written(found)

    def __str__(self) -> str:
        header = ["layer", "kind", "now", "least", "type", "there"]
        rows = [[s.layer, s.kind, str(s.present), str(s.width), s.type, f"{s.value:.4g}"] for s in self.entries]
        return f"Least widths within a loss of {self.loss:g}, one tensor at a time\n{table(header, rows)}"


@dataclass(frozen=True)
class Sensitivity:
    """A metric against the width of every tensor, one at a time. Print it, plot it, or read its points."""

    metric: Metric
    """``accuracy`` against labels, ``agreement`` with the model's own decisions, or the relative ``error`` (rms)."""
    against: str
    """What it is measured against, in words."""
    baseline: float
    """The metric of the project as it is."""
    samples: int
    points: tuple[Point, ...]
    """Tensor by tensor in the order of the design, widths ascending."""
    present: tuple[tuple[str, Kind, str], ...]
    """Every tensor that was varied (layer, kind), and the type that it has now."""
    designs: int
    """How many different designs were run."""
    engine: Engine
    """Whether the compiled emulator ran them, or the reference, which gives the same integers."""
    inputs: tuple[str, ...]
    """The names of all inputs."""
    config: Config = field(repr=False, compare=False)

    @property
    def higher_is_better(self) -> bool:
        return self.metric != "error"

    def __iter__(self) -> Iterator[Point]:
        return iter(self.points)

    def __len__(self) -> int:
        return len(self.points)

    def of(self, layer: str, kind: Kind) -> tuple[Point, ...]:
        """The points of a tensor, widths ascending. Raises UnknownNameError for one that was not varied."""
        found = tuple(point for point in self.points if (point.layer, point.kind) == (layer, kind))
        if not found:
            known = [f"{name} {its}" for name, its, _ in self.present]
            raise UnknownNameError(f"sensitivity: '{layer} {kind}' was not varied{nearest(f'{layer} {kind}', known)}")
        return found

    def suggest(self, loss: float = 0.01) -> Suggestions:
        """The least width of each tensor from which on no wider one costs more than ``loss``: of accuracy or agreement
        that much less than the project has now, of error that much more. A tensor that costs more in every width that
        was tried is left out. Raises InputError for a loss that is no number from 0 on."""
        if isinstance(loss, bool) or not isinstance(loss, int | float) or not 0 <= loss < float("inf"):
            raise InputError(f"suggest(): loss is {brief(loss)}, expected a number from 0 on")
        found = [self._least(layer, kind, spelled, float(loss)) for layer, kind, spelled in self.present]
        entries = tuple(s for s in found if s is not None)
        types: dict[tuple[str, str], str] = {(s.layer, s.kind): s.type for s in entries if s.is_narrower}
        return Suggestions(entries, float(loss), settings_with(self.config, types, self.inputs))

    def _least(self, layer: str, kind: Kind, spelled: str, loss: float) -> Suggestion | None:
        least = None
        for point in reversed(self.of(layer, kind)):
            if point.value is None or not self._within(point.value, loss):
                break
            least = Suggestion(layer, kind, point.width, point.type, point.value, FixedType.parse(spelled).width)
        return least

    def _within(self, value: float, loss: float) -> bool:
        lost = self.baseline - value if self.higher_is_better else value - self.baseline
        return lost <= loss + 1e-12  # what is decimal in words is not in floats

    def __str__(self) -> str:
        """A row a tensor, a column a width; and what a type of its own costs, whatever its width."""
        return "\n".join([self._title, table(*self._table()), *self._remarks()])

    def _repr_html_(self) -> str:
        return html_table(" ".join([self._title, *self._remarks()]), *self._table())

    def __rich__(self) -> Any:
        return rich_table(" ".join([self._title, *self._remarks()]), *self._table())

    @property
    def pinned(self) -> tuple[Point, ...]:
        """Of each tensor that loses by a type of its own although that has all the bits it has now: that point.

        With a type for it by name, a BatchNormalization is not fused into weights any more, or channels are not held
        times powers of two. Known of tensors that were tried in a width from the present one on; a loss counts that is
        more than 1 % of accuracy or agreement, or twice the error.
        """
        found = []
        for layer, kind, spelled in self.present:
            present = FixedType.parse(spelled).width
            wide = [point for point in self.of(layer, kind) if point.width >= present]
            if wide and wide[0].value is not None and self._is_worse(wide[0].value):
                found.append(wide[0])
        return tuple(found)

    def _is_worse(self, value: float) -> bool:
        """By more than rounding once more may cost."""
        return value < self.baseline - _NOTICED if self.higher_is_better else value > 2 * self.baseline

    def _remarks(self) -> list[str]:
        if not self.pinned:
            return []
        each = ", ".join(f"{p.layer} {p.kind} ({self._number(p.value)})" for p in self.pinned if p.value is not None)
        return [
            f"A type of its own costs, whatever its width, as then scales are not fused, or channels not held times "
            f"powers of two: {each}"
        ]

    @property
    def _title(self) -> str:
        return (
            f"{self.metric} against {self.against}, {self.samples} samples: {self._number(self.baseline)} as it is; "
            f"by bits of one tensor at a time ({self.designs} designs)"
        )

    def _table(self) -> tuple[list[str], list[list[str]]]:
        """Its head and its rows."""
        widths = sorted({point.width for point in self.points})
        rows = []
        for layer, kind, spelled in self.present:
            known = {point.width: point for point in self.of(layer, kind)}
            rows.append([layer, kind, spelled, *(self._cell(known.get(width)) for width in widths)])
        return ["layer", "kind", "now", *map(str, widths)], rows

    def _cell(self, point: Point | None) -> str:
        return "" if point is None else "refused" if point.value is None else self._number(point.value)

    def _number(self, value: float) -> str:
        return f"{100 * value:.1f} %" if self.higher_is_better else f"{value:.2g}"

    def records(self) -> list[dict[str, Any]]:
        """A row for each point, a number a column: layer, kind, width, type, the metric, and the widths' baseline."""
        return [
            {
                "layer": point.layer,
                "kind": point.kind,
                "width": point.width,
                "type": point.type,
                self.metric: point.value,
                "baseline": self.baseline,
            }
            for point in self.points
        ]

    def to_dict(self) -> dict[str, Any]:
        """All that there is, as JSON takes it."""
        return {
            "metric": self.metric,
            "against": self.against,
            "baseline": self.baseline,
            "samples": self.samples,
            "designs": self.designs,
            "present": [{"layer": layer, "kind": kind, "type": spelled} for layer, kind, spelled in self.present],
            "points": [asdict(point) for point in self.points],
        }

    def to_pandas(self) -> Any:
        """A ``pandas.DataFrame`` with a row for each point. Raises ConfigError without pandas."""
        return data_frame(self.records())

    def to_csv(self, path: str | Path) -> Path:
        """Write a row for each point; returns the path. Raises OutputDirError if it cannot be written."""
        return write_csv(self.records(), path)

    def plot(self, path: str | Path) -> Path:
        """Draw the metric against the width, a curve a tensor; a file of ``.png``, ``.svg`` or ``.pdf``.

        Raises ConfigError without matplotlib, InputError for another ending, OutputDirError if it cannot be written.
        """
        curves = [self._curve(layer, kind, spelled) for layer, kind, spelled in self.present]
        level = Level(self.baseline, f"as it is: {self._number(self.baseline)}")
        return draw_curves(curves, level, f"{self.metric} against {self.against}", self.higher_is_better, path)

    def _curve(self, layer: str, kind: Kind, spelled: str) -> Curve:
        points = [point for point in self.of(layer, kind) if point.value is not None]
        return Curve(
            layer,
            kind,
            tuple(point.width for point in points),
            tuple(point.value for point in points if point.value is not None),
            FixedType.parse(spelled).width,
        )
