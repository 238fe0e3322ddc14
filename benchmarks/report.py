"""The benchmark's tables: on the terminal, and as Markdown."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from machine import Machine
from rich.console import Console
from rich.table import Table as RichTable

HEADS = (
    "network", "engine", "convert s", "cold compile s", "cached compile s", "one sample µs", "samples/s, one core",
    "samples/s, all cores", "peak MB", "compiler MB", "GMAC/s, all cores",
    "share of roofline", "× hls4ml, all cores", "× ONNX Runtime, one core", "× ONNX Runtime, all cores",
)  # fmt: skip
_DEFAULT = "hlsgen, default types"
GROWTH_HEADS = ("what doubles", "work", "convert", "cold compile", "predict, one core")
SETUP = """\
One process for each contender, network and number of cores; all read the same files of weights and the same
inputs.

- **hlsgen**: types as the peer's, `fixed<16,6>` everywhere (QKeras networks: their own quantisers);
  io_parallel for the MLPs, io_stream for the rest. **hlsgen, default types**: the 16-bit types it chooses
  itself (more fraction bits in weights and results). Before timing, outputs are compared with the exact
  NumPy reference; a difference fails the run.
- **hls4ml 1.3.0**: Vitis backend, its default `fixed<16,6>`, the same io types; strategy Resource where
  Latency is beyond its limits. It uses one core. **Keras float32**: `model.predict` of TensorFlow 2.14, the
  better of batches of 256 and 4,096. **ONNX Runtime float32**: the best of batches of 64, 512, 4,096 and
  32,768.
- **cold compile**: hlsgen's shared bindings are built, this design never was; **cached**: another process
  compiled it before. Importing is not counted. hls4ml has no cache.
- **one sample µs**: a call of one sample, wall clock, the median of 2,000.
- **samples/s**: median of 5 calls after warming up, arrays of float32 in and out, conversion included. One
  core: pinned, by processor time (so other work disturbs it little); all cores: wall clock.
- **peak MB**: largest resident memory of the process, Python, libraries, inputs and outputs included; the
  sizes of calls differ. **compiler MB**: of one g++.
- **roofline** = cores × multiply-accumulates per second of one core with operands in registers, measured as
  given above: float32 for float; for fixed point int8 for the layers whose inputs and weights have at most 8
  bits, int16 for all others. Multiply-accumulates are those of dense and
  convolution layers."""


@dataclass(frozen=True)
class Result:
    """One contender on one network: seconds, samples per second, megabytes; None where it has no meaning."""

    name: str
    convert: float | None = None
    cold: float | None = None
    cached: float | None = None
    one_core: float | None = None
    all_cores: float | None = None
    memory: float | None = None
    compiler_memory: float | None = None
    one_sample: float | None = None
    """Seconds of a call of one sample, on one core."""
    byte_share: float = 0.0
    """Of its multiply-accumulates: those whose inputs and weights have at most 8 bits."""
    problem: str = ""

    @property
    def is_float(self) -> bool:
        return "float32" in self.name


@dataclass(frozen=True)
class Table:
    """All contenders on one network. ``macs``: multiply-accumulates of one sample."""

    title: str
    macs: int
    results: list[Result]

    def find(self, start: str) -> Result | None:
        return next((r for r in self.results if r.name.startswith(start) and not r.problem), None)

    def ratio(self, result: Result, other: str, speed: Callable[[Result], float | None]) -> float | None:
        """Speed of ``result`` over that of the contender ``other``."""
        reference = self.find(other)
        mine, theirs = speed(result), speed(reference) if reference else None
        return mine / theirs if mine and theirs else None


@dataclass(frozen=True)
class Growth:
    """Ratios of times after doubling something; ``work`` is the ratio of multiply-accumulates."""

    title: str
    work: float
    convert: float | None = None
    cold: float | None = None
    predict: float | None = None

    @staticmethod
    def of(title: str, before: Result, after: Result, work: float) -> Growth:
        def ratio(a: float | None, b: float | None) -> float | None:
            return b / a if a and b else None

        return Growth(
            title,
            work,
            ratio(before.convert, after.convert),
            ratio(before.cold, after.cold),
            ratio(after.one_core, before.one_core),
        )


@dataclass(frozen=True)
class Report:
    """Everything one run found. ``first_build``: seconds of compiling the bindings."""

    machine: Machine
    first_build: float
    tables: list[Table]
    growth: list[Growth]


def show(found: Report) -> None:
    """Print on the terminal."""
    console = Console(width=None)
    if not console.is_terminal:
        console = Console(width=200)
    console.print(found.machine.text(), highlight=False, markup=False)
    _print(console, HEADS, [row for table in found.tables for row in _rows(found, table)])
    for line in _summary(found):
        console.print(line, highlight=False, markup=False)
    if found.growth:
        _print(console, GROWTH_HEADS, _growth_rows(found))


def markdown(found: Report) -> str:
    """Return the text of RESULTS.md."""
    parts = [
        "# Benchmark",
        "Written by `make bench`; the numbers are of this machine and this run:",
        found.machine.text(),
        _grid(HEADS, [row for table in found.tables for row in _rows(found, table)]),
        "\n".join(f"- {line}" for line in _summary(found)),
        "## How it is measured",
        SETUP,
    ]
    if found.growth:
        parts += [
            "## Growth of hlsgen",
            "Ratios of times, one core. Doubling the width of a network quadruples its multiply-accumulates, so the "
            "work is given beside.",
            _grid(GROWTH_HEADS, _growth_rows(found)),
        ]
    return "\n\n".join(parts) + "\n"


def _print(console: Console, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    table = RichTable(*heads)
    for i, column in enumerate(table.columns):
        column.justify = "left" if i < 2 else "right"
    for i, row in enumerate(rows):
        table.add_row(*row, end_section=i + 1 < len(rows) and bool(rows[i + 1][0]) and not row[0])
    console.print(table)


def _grid(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---", "---", *["---:"] * (len(heads) - 2)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _rows(found: Report, table: Table) -> list[list[str]]:
    rows = []
    for i, r in enumerate(table.results):
        title = f"{table.title} ({_count(table.macs)} MAC)" if i == 0 else ""
        if r.problem and r.one_core is None:
            rows.append([title, f"{r.name}: FAILED, {_one_line(r.problem)}", *[""] * (len(HEADS) - 2)])
            continue
        peak = found.machine.cores * (found.machine.float_macs if r.is_float else found.machine.peak(r.byte_share))
        macs = r.all_cores * table.macs if r.all_cores else None
        rows.append(
            [
                title,
                r.name + (f" ({r.problem})" if r.problem else ""),
                _seconds(r.convert),
                _seconds(r.cold),
                _seconds(r.cached),
                f"{1e6 * r.one_sample:.0f}" if r.one_sample else "",
                _count(r.one_core),
                _count(r.all_cores),
                _count(r.memory),
                _count(r.compiler_memory),
                f"{macs / 1e9:.3g}" if macs else "",
                f"{macs / peak:.1%}" if macs else "",
                _ratio(table.ratio(r, "hls4ml", lambda x: x.all_cores)),
                _ratio(table.ratio(r, "ONNX", lambda x: x.one_core)),
                _ratio(table.ratio(r, "ONNX", lambda x: x.all_cores)),
            ]
        )
    return rows


def _growth_rows(found: Report) -> list[list[str]]:
    return [
        [g.title, f"× {g.work:.2f}", *(f"× {v:.2f}" if v else "" for v in (g.convert, g.cold, g.predict))]
        for g in found.growth
    ]


def _summary(found: Report) -> list[str]:
    """Geometric means and extremes of hlsgen over the others."""
    lines = [f"First build on a machine (the bindings all designs share): {found.first_build:.1f} s."]
    for title, other in (("hls4ml", "hls4ml"), ("ONNX Runtime float32", "ONNX"), ("Keras float32", "Keras")):
        for cores, speed in (("one core", lambda r: r.one_core), ("all cores", lambda r: r.all_cores)):
            ratios = _ratios(found, other, speed)
            if ratios:
                lines.append(
                    f"hlsgen over {title}, samples/s, {cores}: geometric mean {_ratio(_mean(ratios))}, "
                    f"least {_ratio(min(ratios))}, most {_ratio(max(ratios))}."
                )
    given = [
        table.ratio(mine, "hlsgen", lambda r: r.one_core) for table in found.tables if (mine := table.find(_DEFAULT))
    ]
    inferred = [value for value in given if value]
    if inferred:
        lines.append(
            f"{_DEFAULT}, over the peer's, samples/s, one core: geometric mean {_mean(inferred):.2f}, "
            f"least {min(inferred):.2f}."
        )
    compiles = _ratios(found, "hls4ml", lambda r: r.cold)
    if compiles:
        lines.append(
            f"Cold compile, hlsgen over hls4ml: geometric mean {_mean(compiles):.2f}, most {max(compiles):.2f}."
        )
    return lines


def _ratios(found: Report, other: str, speed: Callable[[Result], float | None]) -> list[float]:
    ratios = []
    for table in found.tables:
        mine = table.find("hlsgen")
        value = table.ratio(mine, other, speed) if mine else None
        if value:
            ratios.append(value)
    return ratios


def _mean(values: Sequence[float]) -> float:
    return math.exp(sum(map(math.log, values)) / len(values))


def _one_line(text: str) -> str:
    return " ".join(text.replace("|", "/").split())[-160:]


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}" if value >= 10 else f"{value:.2f}"


def _count(value: float | None) -> str:
    """Three significant digits, with separators: 12,300,000."""
    if value is None:
        return ""
    digits = max(0, int(math.log10(max(value, 1))) - 2)
    return f"{round(value, -digits):,.0f}" if value >= 10 else f"{value:.2g}"
