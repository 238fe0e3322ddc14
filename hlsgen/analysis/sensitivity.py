"""What accuracy costs in bits: ``project.sensitivity(x, y)`` varies the width of one tensor after the other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import asdict, dataclass, field
from numbers import Integral
from pathlib import Path
from typing import Any, Literal, get_args

import yaml

from hlsgen.analysis.frames import data_frame, write_csv
from hlsgen.analysis.labels import Judged, Task, judged, labels_by_output, rows_of
from hlsgen.analysis.meaning import meant_outputs
from hlsgen.analysis.metrics import decided, errors_of, share_equal
from hlsgen.analysis.narrowing import Kind, Knob, knobs, narrowed, settings_with
from hlsgen.analysis.running import Engine, Runner
from hlsgen.analysis.subject import Subject
from hlsgen.config import Config
from hlsgen.design import arrays
from hlsgen.design.arrays import Array
from hlsgen.design.design import Design
from hlsgen.errors import HlsgenError, InputError, UnknownNameError, brief, nearest
from hlsgen.ir.text import table
from hlsgen.ir.types import FixedType
from hlsgen.plots.curves import Curve, Level, draw_curves

Metric = Literal["accuracy", "agreement", "error"]
Progress = Callable[[int, int], None]
"""Called with how many designs are done, and of how many."""
WIDTHS = range(2, 17)
_WIDEST = 64
_TRIES = 4
"""Conversions until the type of weights fits what is fused into them: usually one or two."""


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
        return yaml.safe_dump(found, sort_keys=False, allow_unicode=True) if found else ""

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
        """A row a tensor, a column a width."""
        widths = sorted({point.width for point in self.points})
        rows = []
        for layer, kind, spelled in self.present:
            known = {point.width: point for point in self.of(layer, kind)}
            rows.append([layer, kind, spelled, *(self._cell(known.get(width)) for width in widths)])
        head = (
            f"{self.metric} against {self.against}, {self.samples} samples: {self._number(self.baseline)} as it is; "
            f"by bits of one tensor at a time ({self.designs} designs)"
        )
        return f"{head}\n{table(['layer', 'kind', 'now', *map(str, widths)], rows)}"

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


def sensitivity(
    subject: Subject,
    x: Any,
    y: Any = None,
    *,
    widths: Iterable[int] = WIDTHS,
    layers: Collection[str] | None = None,
    kinds: Collection[Kind] | None = None,
    output: str | None = None,
    task: Task | None = None,
    threshold: float | None = None,
    engine: Engine = "auto",
    progress: Progress | None = None,
) -> Sensitivity:
    """Measure a project with one tensor after the other in other widths; see ``Project.sensitivity``."""
    design = subject.design
    bits, wanted = _checked_widths(widths), _chosen(knobs(design), layers, kinds)
    if engine not in get_args(Engine):
        raise InputError(f"sensitivity(): engine is {brief(engine)}{nearest(str(engine), get_args(Engine))}")
    inputs = arrays.checked_inputs(design.inputs, x)
    arrays.refuse_nan(inputs)
    number = _output(design, output)
    with Runner(design, subject.name, inputs, engine) as runner:
        if not runner.samples:
            raise InputError("sensitivity(): x has no samples; give some that are like those in use")
        measure = _Measure.of(design, inputs, number, y, task, threshold)
        plans = [(knob, width) for knob in wanted for width in bits]
        first = runner.outputs(design)
        waiting = [_submitted(subject, runner, knob, width, inputs, first) for knob, width in plans]
        points: list[Point] = []
        for knob, width, fixed, future, refused in waiting:
            value = None if future is None else measure(future.result()[number])
            points.append(Point(knob.layer, knob.kind, width, str(fixed), value, refused))
            if progress is not None:
                progress(len(points), len(plans))
        return Sensitivity(
            metric=measure.metric,
            against=measure.against,
            baseline=measure(first.result()[number]),
            samples=runner.samples,
            points=tuple(points),
            present=tuple((knob.layer, knob.kind, str(knob.type)) for knob in wanted),
            designs=runner.runs,
            engine=runner.engine,
            inputs=_input_names(design),
            config=subject.config,
        )


Submitted = tuple[Knob, int, FixedType, Future[list[Array]] | None, str]


def _submitted(
    subject: Subject, runner: Runner, knob: Knob, width: int, inputs: Mapping[str, Array], first: Future[list[Array]]
) -> Submitted:
    """Convert with a tensor in a width and hand the design to the runner; ``first`` where nothing would change."""
    if width == knob.type.width or (width > knob.type.width and not knob.grows):
        return knob, width, knob.type, first, ""
    fixed = narrowed(knob, width, subject.design, subject.config, inputs)
    names = _input_names(subject.design)
    for _ in range(_TRIES):
        settings = settings_with(subject.config, {(knob.layer, knob.kind): str(fixed)}, names)
        try:
            design = subject.with_settings(**settings).design
        except HlsgenError as error:
            return knob, width, fixed, None, str(error)
        again = narrowed(knob, width, design, subject.config, inputs)
        if again == fixed:
            break
        fixed = again  # with a type of its own, a layer may be fused otherwise, and hold other numbers
    return knob, width, fixed, runner.outputs(design), ""


def _input_names(design: Design) -> tuple[str, ...]:
    return tuple(op.source.name for op in design if op.is_input)


class _Measure:
    """The metric of outputs."""

    def __init__(self, how: Judged, right: Array, labelled: bool) -> None:
        self._how, self._right = how, right
        self.metric: Metric = "error" if how.task == "regression" else "accuracy" if labelled else "agreement"
        self.against = "labels" if labelled else "the source model"

    @classmethod
    def of(
        cls,
        design: Design,
        inputs: Mapping[str, Array],
        number: int,
        y: Any,
        task: Task | None,
        threshold: float | None,
    ) -> _Measure:
        """Labels are what is right, or what the model itself computes in real numbers."""
        port = design.outputs[number]
        samples = min(len(data) for data in inputs.values())
        labels = labels_by_output("sensitivity()", design.outputs, design.output_names, y)[number]
        meant = meant_outputs(design, inputs)[number]
        how = judged("sensitivity()", port, labels, meant, task, threshold, samples)
        if how.labels is not None:
            return cls(how, how.labels, labelled=True)
        if how.targets is not None:
            return cls(how, how.targets, labelled=True)
        rows = rows_of(meant, port.shape)
        return cls(how, decided(rows, how.threshold) if how.task == "classification" else rows, labelled=False)

    def __call__(self, outputs: Array) -> float:
        rows = rows_of(outputs, outputs.shape[1:])
        if self._how.task == "classification":
            return share_equal(decided(rows, self._how.threshold), self._right)
        errors = errors_of(rows, self._right)
        return errors.rms if errors.relative is None else errors.relative


def _checked_widths(widths: Iterable[int]) -> list[int]:
    found = list(widths) if isinstance(widths, Iterable) and not isinstance(widths, str) else [widths]
    for width in found:
        if isinstance(width, bool) or not isinstance(width, Integral) or not 1 <= width <= _WIDEST:
            raise InputError(f"sensitivity(): a width is {brief(width)}, expected whole numbers from 1 to {_WIDEST}")
    if not found:
        raise InputError("sensitivity(): no widths given; expected some, as range(2, 17)")
    return sorted({int(width) for width in found})


def _chosen(every: list[Knob], layers: Collection[str] | None, kinds: Collection[Kind] | None) -> list[Knob]:
    """The tensors of the layers and kinds that were asked for. Raises InputError for those that there are not."""
    names = list(dict.fromkeys(knob.layer for knob in every))
    for what, given, known in (("layers", layers, names), ("kinds", kinds, list(get_args(Kind)))):
        if isinstance(given, str):
            raise InputError(f"sensitivity(): {what} is {brief(given)}, expected a list of names")
        for name in given or ():
            if name not in known:
                raise InputError(f"sensitivity(): {what}: nothing of '{name}' can be varied{nearest(str(name), known)}")
    found = [k for k in every if (layers is None or k.layer in layers) and (kinds is None or k.kind in kinds)]
    if not found:
        raise InputError("sensitivity(): these layers have no tensor of these kinds whose width can be chosen")
    return found


def _output(design: Design, name: str | None) -> int:
    """The number of the output that is measured."""
    names = design.output_names
    if name is None and len(names) == 1:
        return 0
    if name not in names:
        found = "" if name is None else f", found {brief(name)}"
        raise InputError(f"sensitivity(): output= says which one is measured: {', '.join(names)}{found}")
    return names.index(name)
