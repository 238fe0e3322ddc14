"""Source model and emulator side by side: figures, confusion matrices, classes, how the outputs differ."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from hlsgen.analysis.comparison import Comparison, Counts, OutputComparison, Quality
from hlsgen.analysis.metrics import Errors
from hlsgen.pages.content import Chart, Figure, Panel, Series, Table

_MOST_CLASSES = 40
"""Of which a matrix is shown: of more, the table of classes says what there is to say."""


def comparison_figures(found: Comparison) -> Iterator[Figure]:
    """What is looked at first: accuracy of both, and how often they agree."""
    for output in found:
        name = f" of {output.name}" if len(found) > 1 else ""
        if isinstance(output.source, Quality) and isinstance(output.emulator, Quality):
            yield Figure(
                f"Accuracy{name}", f"{output.emulator.accuracy:.2%}", f"source model: {output.source.accuracy:.2%}"
            )
        elif isinstance(output.source, Errors) and isinstance(output.emulator, Errors):
            yield Figure(f"Error{name} (rms)", f"{output.emulator.rms:.4g}", f"source model: {output.source.rms:.4g}")
        if output.agreement is not None:
            yield Figure(f"Agreement{name}", f"{output.agreement:.2%}", "decide as the source model does")
        relative = output.errors.relative
        if relative is not None:
            yield Figure(f"Output off by{name}", f"{relative:.2%}", "rms, of the source model's output")


def comparison_panel(found: Comparison) -> Panel:
    """Everything, output by output."""
    tables = [table for output in found for table in _tables(output, len(found) > 1)]
    charts = [_differences(output) for output in found if len(output.errors.differences.counts) > 1]
    text = f"Source model ({found.reference}) and emulator on {found.samples:,} samples."
    return Panel("results", "Results", text, tuple(charts), tuple(tables))


def _tables(output: OutputComparison, several: bool) -> Iterator[Table]:
    name = f"{output.name}: " if several else ""
    rows = tuple(tuple(line) for line in output.lines())
    yield Table(
        ("measure", "source model", "emulator"), rows, _capital(f"{name}{output.task}"), numeric=(False, True, True)
    )
    if isinstance(output.source, Quality) and isinstance(output.emulator, Quality):
        if output.classes <= _MOST_CLASSES:
            yield _matrix(output.emulator.confusion, f"{name}confusion matrix of the emulator", "right", "decided")
            yield _matrix(output.source.confusion, f"{name}confusion matrix of the source model", "right", "decided")
        yield _classes(output.source, output.emulator, f"{name}classes")
    elif output.crossed is not None and output.classes <= _MOST_CLASSES:
        yield _matrix(output.crossed, f"{name}classes of the source model and of the emulator", "source", "emulator")


def _matrix(counts: Counts, title: str, down: str, across: str) -> Table:
    """Shaded by the share of the row: by the root of it off the diagonal, where little is much."""
    header = (f"{down} \\ {across}", *map(str, range(len(counts))))
    rows, shades = [], []
    for label, row in enumerate(counts):
        whole = sum(row)
        rows.append((str(label), *(str(count) if count else "·" for count in row)))
        shades.append((None, *(_shade(count, whole) for count in row)))
    numeric = (False, *(True for _ in counts))
    return Table(header, tuple(rows), _capital(title), numeric=numeric, shades=tuple(shades))


def _shade(count: int, whole: int) -> int:
    return 0 if not count else max(1, round(10 * (count / whole) ** 0.5))


def _classes(source: Quality, emulator: Quality, title: str) -> Table:
    of_both = (f"{what}, {side}" for what in ("recall", "precision", "AUC") for side in ("source", "emulator"))
    header = ("class", "rows", *of_both)
    rows = tuple(
        (
            str(one.label),
            f"{one.count:,}",
            *(_percent(value) for value in (one.recall, other.recall, one.precision, other.precision)),
            *("" if area is None else f"{area:.4f}" for area in (one.auc, other.auc)),
        )
        for one, other in zip(source.classes, emulator.classes, strict=True)
    )
    return Table(header, rows, _capital(title), numeric=(True,) * len(header))


def _differences(output: OutputComparison) -> Chart:
    found = output.errors.differences
    return Chart(
        f"{output.name}: emulator less source model",
        "bars",
        tuple((a + b) / 2 for a, b in pairwise(found.edges)),
        (Series("values", tuple(map(float, found.counts))),),
        x_label="difference",
        text=f"From {found.low:.4g} to {found.high:.4g}, rms {found.rms:.4g}, mean {found.mean:.4g}.",
    )


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.2%}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
