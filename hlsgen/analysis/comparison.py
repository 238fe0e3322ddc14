"""Source model and emulator side by side on data: ``project.compare(model, x, y)``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hlsgen.analysis.frames import data_frame
from hlsgen.analysis.labels import Judged, Task, judged, labels_by_output, rows_of
from hlsgen.analysis.meaning import meant_outputs
from hlsgen.analysis.metrics import Errors, class_areas, confusion, decided, errors_of, share_equal
from hlsgen.analysis.subject import Subject
from hlsgen.design import arrays
from hlsgen.design.arrays import Array
from hlsgen.errors import InputError, UnknownNameError, nearest
from hlsgen.exports.source_outputs import source_outputs
from hlsgen.frontends.values import NotRunError
from hlsgen.ir.text import percent, table
from hlsgen.ir.types import Ints
from hlsgen.ir.typing import Tensor
from hlsgen.plots.matrices import Bars, Matrix, draw_panels
from hlsgen.tables import html_table, rich_table

Counts = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class ClassQuality:
    """How well one class is told from all others."""

    label: int
    count: int
    """How many rows are of it, by the labels."""
    recall: float | None
    """The share of them that is decided for it; None where there are none."""
    precision: float | None
    """The share of what is decided for it that is of it; None where nothing is."""
    auc: float | None
    """The area under its curve, by the value of its output; None where the labels hold it alone, or never."""


@dataclass(frozen=True)
class Quality:
    """Decisions against labels."""

    accuracy: float
    auc: float | None
    """Of a single value its area; of several the mean over the classes that have one; None where none has."""
    classes: tuple[ClassQuality, ...]
    confusion: Counts
    """``confusion[right][decided]``."""


@dataclass(frozen=True)
class OutputComparison:
    """One output, of the source model and of the emulator."""

    name: str
    task: Task
    rows: int
    """How many decisions (or vectors) there are: samples times places of an image or a series."""
    classes: int
    """0 for a regression."""
    threshold: float | None
    """Above which a single value is class 1; None for several, or a regression."""
    labelled: bool
    """Whether there were labels."""
    errors: Errors
    """Of the emulator against the source."""
    agreement: float | None
    """The share of rows in which both decide for the same class; None for a regression."""
    crossed: Counts | None
    """``crossed[source's class][emulator's class]``; None for a regression."""
    source: Quality | Errors | None
    """Against the labels: decisions, or errors of a regression; None without labels."""
    emulator: Quality | Errors | None

    def lines(self) -> Iterator[list[str]]:
        """A row for each number: what it is, of the source, of the emulator."""
        if self.agreement is not None:
            yield ["agreement", "", f"{self.agreement:.2%} of {self.rows} decide for the same class"]
        of_both = self.source, self.emulator
        for title, read in (("accuracy", _accuracy), ("AUC", _auc), ("rms error", _rms), ("largest error", _largest)):
            values = [read(quality) for quality in of_both]
            if any(values):
                yield [title, *values]
        for name, value in _differences(self.errors):
            yield [name, "", value]


@dataclass(frozen=True)
class Comparison:
    """Every output of a source model beside that of its emulator. Print it, plot it, or read its fields."""

    outputs: tuple[OutputComparison, ...]
    samples: int
    reference: str
    """What the source's outputs were computed by, in words."""

    def __iter__(self) -> Iterator[OutputComparison]:
        return iter(self.outputs)

    def __len__(self) -> int:
        return len(self.outputs)

    def __contains__(self, name: object) -> bool:
        """Whether there is an output of that name (or that very comparison)."""
        return name in self._names or name in self.outputs

    def __getitem__(self, name: str) -> OutputComparison:
        """The comparison of an output. Raises UnknownNameError (a KeyError)."""
        for output in self.outputs:
            if output.name == name:
                return output
        raise UnknownNameError(f"compare: there is no output {name!r}{nearest(str(name), self._names)}")

    @property
    def _names(self) -> list[str]:
        return [output.name for output in self.outputs]

    @property
    def only(self) -> OutputComparison:
        """That of a model with one output. Raises UnknownNameError for several."""
        if len(self.outputs) > 1:
            raise UnknownNameError(f"compare: the model has several outputs; name one of {', '.join(self._names)}")
        return self.outputs[0]

    def __str__(self) -> str:
        tables = [table(header, rows) for header, rows in self._tables()]
        return "\n\n".join([self._title, *tables])

    def _repr_html_(self) -> str:
        return "".join(html_table(self._title, header, rows) for header, rows in self._tables())

    def __rich__(self) -> Any:
        from rich.console import Group

        return Group(*(rich_table(self._title, header, rows) for header, rows in self._tables()))

    @property
    def _title(self) -> str:
        return f"Source model ({self.reference}) and emulator on {self.samples} samples"

    def _tables(self) -> Iterator[tuple[list[str], list[list[str]]]]:
        """Head and rows: for each output what there is of it, and its classes."""
        for output in self.outputs:
            yield [f"{output.name} ({output.task})", "source", "emulator"], list(output.lines())
            if isinstance(output.source, Quality) and isinstance(output.emulator, Quality):
                yield _class_table(output.source, output.emulator)

    def to_dict(self) -> dict[str, Any]:
        """All that there is, as JSON takes it."""
        return asdict(self)

    def to_pandas(self) -> Any:
        """A ``pandas.DataFrame`` with a row for each output, class and side. Raises ConfigError without pandas."""
        return data_frame([record for output in self.outputs for record in _records(output)])

    def plot(self, path: str | Path) -> Path:
        """Draw confusion matrices of both sides, or how the emulator differs; a file of ``.png``, ``.svg`` or ``.pdf``.

        Raises ConfigError without matplotlib, InputError for another ending, OutputDirError if it cannot be written.
        """
        return draw_panels([_panels(output) for output in self.outputs], path)


def compare(
    subject: Subject,
    source: Any,
    x: Any,
    y: Any = None,
    *,
    task: Task | None = None,
    threshold: float | None = None,
) -> Comparison:
    """Compare a project with its source model on data; see ``Project.compare``."""
    design = subject.design
    inputs = arrays.checked_inputs(design.inputs, x)
    arrays.refuse_nan(inputs)
    samples = min(len(data) for data in inputs.values())
    if not samples:
        raise InputError("compare(): x has no samples; give some that are like those in use")
    right, reference = _source_outputs(subject, source, inputs, samples)
    found = subject.predict(inputs)
    labels = labels_by_output("compare()", design.outputs, design.output_names, y)
    each = zip(design.output_names, design.outputs, right, found if isinstance(found, list) else [found], strict=True)
    outputs = []
    for (name, port, expected, got), own in zip(each, labels, strict=True):
        how = judged("compare()", port, own, expected, task, threshold, samples)
        outputs.append(_compared(name, port, how, rows_of(expected, port.shape), rows_of(got, port.shape)))
    return Comparison(tuple(outputs), samples, reference)


def _source_outputs(
    subject: Subject, source: Any, inputs: Mapping[str, Array], samples: int
) -> tuple[list[Array], str]:
    """The outputs of the source, and what computed them: its framework, or hlsgen in real numbers, if not given."""
    design = subject.design
    if _are_outputs(source):
        return _given_outputs(subject, source, samples), "outputs as they were given"
    own = source is None or source is subject.source
    model, weights = (subject.source, subject.config.weights) if own else (source, None)
    try:
        found = source_outputs(design, model, inputs, weights)
    except NotRunError as error:
        if not own:
            raise InputError(f"compare(): {error}, or its outputs as an array") from error
        return meant_outputs(design, inputs), f"in real numbers, computed by hlsgen, as {error.reason}"
    return [_finite(name, x) for name, x in zip(design.output_names, found.outputs, strict=True)], found.library


def _are_outputs(source: Any) -> bool:
    """Whether it is what a model computed: an array of any library, or several."""
    return isinstance(source, Mapping | list | tuple) or hasattr(source, "__array__")


def _given_outputs(subject: Subject, source: Any, samples: int) -> list[Array]:
    """Arrays for all outputs, in their order. Raises InputError."""
    names, ports = subject.design.output_names, subject.design.outputs
    if isinstance(source, Mapping):
        missing = [name for name in names if name not in source]
        unknown = [name for name in source if name not in names]
        if missing or unknown:
            raise InputError(f"compare(): outputs are given for {list(source)}, expected {list(names)}")
        source = [source[name] for name in names]
    elif hasattr(source, "__array__") or len(names) == 1:
        single = isinstance(source, list | tuple) and len(source) == 1 and np.ndim(source[0]) == len(ports[0].shape) + 1
        source = list(source) if single else [source]
    if len(source) != len(names):
        raise InputError(f"compare(): {len(source)} outputs are given, the model has {len(names)}: {', '.join(names)}")
    found = []
    for name, port, data in zip(names, ports, source, strict=True):
        array = arrays.real_array(f"compare(): output '{name}'", data)
        if array.shape == (samples,) and port.size == 1:
            array = array.reshape(samples, *port.shape)
        if array.shape != (samples, *port.shape):
            raise InputError(
                f"compare(): output '{name}' of the source has shape {array.shape}, expected {(samples, *port.shape)}"
            )
        found.append(_finite(name, array))
    return found


def _finite(name: str, outputs: Array) -> Array:
    if not np.isfinite(outputs).all():
        where = np.argwhere(~np.isfinite(outputs))[0].tolist()
        raise InputError(
            f"compare(): output '{name}' of the source is {outputs[tuple(where)]} at index {where}; fixed point has no "
            "such number, leave these samples out"
        )
    return outputs


def _compared(name: str, port: Tensor, how: Judged, right: Array, found: Array) -> OutputComparison:
    errors = errors_of(found, right)
    if how.task == "regression":
        against = None if how.targets is None else (errors_of(right, how.targets), errors_of(found, how.targets))
        source, emulator = against or (None, None)
        labelled = how.targets is not None
        return OutputComparison(name, "regression", len(right), 0, None, labelled, errors, None, None, source, emulator)
    theirs, ours = decided(right, how.threshold), decided(found, how.threshold)
    return OutputComparison(
        name=name,
        task="classification",
        rows=len(right),
        classes=how.classes,
        threshold=how.threshold if port.shape[-1] == 1 else None,
        labelled=how.labels is not None,
        errors=errors,
        agreement=share_equal(ours, theirs),
        crossed=confusion(theirs, ours, how.classes),
        source=None if how.labels is None else _quality(right, theirs, how.labels, how.classes),
        emulator=None if how.labels is None else _quality(found, ours, how.labels, how.classes),
    )


def _quality(rows: Array, decisions: Ints, labels: Ints, classes: int) -> Quality:
    counts = np.array(confusion(labels, decisions, classes))
    single = rows.shape[1] == 1
    areas = class_areas(rows, labels, classes)
    known = [area for area in areas if area is not None]
    each = tuple(
        ClassQuality(
            label,
            int(counts[label].sum()),
            _part(counts[label, label], counts[label].sum()),
            _part(counts[label, label], counts[:, label].sum()),
            areas[label],
        )
        for label in range(classes)
    )
    mean = sum(known) / len(known) if known else None
    matrix = tuple(tuple(row) for row in counts.tolist())
    return Quality(share_equal(decisions, labels), areas[1] if single else mean, each, matrix)


def _part(count: Any, total: Any) -> float | None:
    return int(count) / int(total) if total else None


# -- text and figures ------------------------------------------------------------------------------


def _accuracy(quality: Quality | Errors | None) -> str:
    return f"{quality.accuracy:.2%}" if isinstance(quality, Quality) else ""


def _auc(quality: Quality | Errors | None) -> str:
    return f"{quality.auc:.5f}" if isinstance(quality, Quality) and quality.auc is not None else ""


def _rms(quality: Quality | Errors | None) -> str:
    return f"{quality.rms:.4g}" if isinstance(quality, Errors) else ""


def _largest(quality: Quality | Errors | None) -> str:
    return f"{quality.largest:.4g}" if isinstance(quality, Errors) else ""


def _differences(errors: Errors) -> list[tuple[str, str]]:
    relative = "" if errors.relative is None else f", {percent(errors.relative)} % of the output's"
    found = [
        ("difference, rms", f"{errors.rms:.3g}{relative}"),
        ("difference, largest", f"{errors.largest:.3g}"),
        ("difference, mean", f"{errors.bias:.3g}"),
    ]
    return found if errors.correlation is None else [*found, ("correlation", f"{errors.correlation:.7f}")]


def _class_table(source: Quality, emulator: Quality) -> tuple[list[str], list[list[str]]]:
    def cells(value: float | None, form: str) -> str:
        return "" if value is None else format(value, form)

    rows = [
        [
            str(one.label),
            str(one.count),
            *(cells(v, ".2%") for v in (one.recall, other.recall, one.precision, other.precision)),
            *(cells(v, ".5f") for v in (one.auc, other.auc)),
        ]
        for one, other in zip(source.classes, emulator.classes, strict=True)
    ]
    header = ["class", "rows", "recall", "emulator", "precision", "emulator", "AUC", "emulator"]
    return header, rows


def _records(output: OutputComparison) -> Iterator[dict[str, Any]]:
    base = {"output": output.name, "task": output.task, "agreement": output.agreement, "rms": output.errors.rms}
    for side, quality in (("source", output.source), ("emulator", output.emulator)):
        every = Quality(0.0, None, (), ()) if not isinstance(quality, Quality) else quality
        whole = {"class": None, "count": output.rows, "recall": None, "precision": None}
        accuracy = every.accuracy if isinstance(quality, Quality) else None
        yield {**base, "side": side, "accuracy": accuracy, **whole, "auc": every.auc}
        for one in every.classes:
            own = {"class": one.label, "count": one.count, "recall": one.recall, "precision": one.precision}
            yield {**base, "side": side, "accuracy": None, **own, "auc": one.auc}


def _panels(output: OutputComparison) -> Sequence[Matrix | Bars]:
    if output.crossed is None:
        differences = output.errors.differences
        return [Bars(f"{output.name}: emulator less source", differences.edges, differences.counts)]
    if isinstance(output.source, Quality) and isinstance(output.emulator, Quality):
        sides = (("source", output.source), ("emulator", output.emulator))
        return [Matrix(f"{output.name}: {s}, {q.accuracy:.2%}", "right", "decided", q.confusion) for s, q in sides]
    return [Matrix(f"{output.name}: {output.agreement:.2%} agree", "source", "emulator", output.crossed)]
