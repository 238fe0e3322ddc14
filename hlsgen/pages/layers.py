"""What there is to know of each layer: where it comes from, its types and ranges, how it is built."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

import numpy as np

from hlsgen.analysis.precision import PrecisionReport, TypeChoice
from hlsgen.backends.hls.border import bordered
from hlsgen.backends.hls.design_schedule import CallSchedule, DesignSchedule
from hlsgen.backends.hls.loading import loading_of
from hlsgen.backends.hls.program import Plan, Step
from hlsgen.backends.hls.render import call
from hlsgen.design.bits import Bits
from hlsgen.design.design import Design
from hlsgen.ir.constant import Constant
from hlsgen.ir.op import Op
from hlsgen.ir.typing import Tensor
from hlsgen.pages.content import LayerView, Row, Section, Table
from hlsgen.pages.graph import how_built

Sections = Mapping[int, Sequence[Section]]
"""What an analysis adds to layers, by the number of the operation."""


@dataclass(frozen=True)
class Program:
    """The kernel calls of a design and their clocks; None of a circuit, which has neither."""

    plan: Plan
    schedule: DesignSchedule
    _steps: dict[str, list[Step]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        for step in bordered(self.plan).steps:
            for one in (step, *(step.body.plan.calls if step.body else ())):
                if one.op is not None:
                    self._steps.setdefault(one.op, []).append(one)

    def steps(self, op: Op) -> list[Step]:
        """The calls that compute an operation, those of a loop too."""
        return self._steps.get(op.name, [])

    def clocks(self, op: Op) -> list[CallSchedule]:
        """The clocks of those that are calls of the top function."""
        names = {step.name for step in self.steps(op)}
        return [entry for entry in self.schedule.calls if entry.name in names]

    def text(self, op: Op) -> str:
        """The calls as they stand in the generated C++, with what is said above them."""
        loading = loading_of(bordered(self.plan))
        parts = []
        for step in self.steps(op):
            said = [f"// {step.note}", *(f"//   {fact}" for fact in step.facts)]
            parts.append("\n".join([*said, f"{call(step, loading)};"]))
        return "\n\n".join(parts)


def products_of(op: Op) -> int:
    """The multiplications that one sample takes of an operation, each step of a loop counted once."""
    return sum(op.layer.products * prod(tensor.shape[:-1]) for tensor in op.outputs)


def layer_views(
    design: Design,
    precision: PrecisionReport,
    program: Program | None,
    found: Sequence[Sections],
    remarks: Mapping[int, Sequence[int]],
) -> tuple[LayerView, ...]:
    """A view for each operation; ``found``: what analyses add, in the order in which it is shown."""
    views = []
    for number, op in enumerate(design):
        measured = [section for sections in found for section in sections.get(number, ())]
        parts = [*measured, *_types(op, precision), *_constants(op), *_built(op, program), _origin(op)]
        kind = f"{op.layer.kind}, {' and '.join(shape_text(tensor) for tensor in op.outputs)}"
        views.append(LayerView(op.name, kind, tuple(parts), tuple(remarks.get(number, ()))))
    return tuple(views)


def layer_table(design: Design, columns: Sequence[tuple[str, Mapping[int, str]]]) -> Table:
    """One row for each operation; ``columns``: what analyses add, by the number of the operation."""
    header = ["layer", "operation", "shape", "result", "constants", "multiplications", "built"]
    rows = []
    for number, op in enumerate(design):
        constants = ", ".join(f"{name} {c.type}" for name, c in op.layer.constants().items())
        cells = [
            op.name,
            op.layer.kind,
            " ".join(map(shape_text, op.outputs)),
            " ".join(str(tensor.type) for tensor in op.outputs),
            constants,
            f"{products_of(op):,}" if products_of(op) else "",
            how_built(op),
        ]
        rows.append((*cells, *(column.get(number, "") for _, column in columns)))
    numeric = (False,) * 5 + (True, False) + (True,) * len(columns)
    names = (*header, *(name for name, _ in columns))
    return Table(names, tuple(rows), numeric=numeric, layers=tuple(range(len(rows))))


def shape_text(tensor: Tensor) -> str:
    """The extents of a tensor."""
    return "×".join(map(str, tensor.shape))


def number_text(value: float) -> str:
    """A number as people read it."""
    return f"{value:.5g}"


def _types(op: Op, precision: PrecisionReport) -> Iterator[Section]:
    for tensor in op.outputs:
        title = "Result" if len(op.outputs) == 1 else f"Result {tensor.name}"
        yield Section(f"{title}: type and range", tuple(_type_rows(op, tensor, precision[tensor.name])))


def _type_rows(op: Op, tensor: Tensor, choice: TypeChoice) -> Iterator[Row]:
    yield "type", str(tensor.type)
    yield "chosen by", choice.reason.value
    low, high = choice.holds
    yield "holds", f"{number_text(low)} to {number_text(high)}, step {number_text(float(tensor.type.step))}"
    yield "proved range", f"{number_text(choice.proved[0])} to {number_text(choice.proved[1])}"
    if choice.expected is not None:
        yield "expected", f"±{number_text(choice.expected)} ({choice.origin})"
    if choice.margin is not None and choice.placed:
        yield "margin", f"{choice.margin:.3g} times, {choice.margin_bits:+.1f} bits"
    if not op.is_input and op.layer.accumulates:
        fixed = "" if tensor.typing.accum is None else " (narrower than the exact sum, or fixed)"
        yield "accumulator", f"{tensor.typing.accum_type}{fixed}"
    if not op.is_input:
        yield "exact result", str(tensor.typing.sum_type)
    for name, step in op.layer.inner_types().items():
        yield f"step {name}", str(step)


def _constants(op: Op) -> Iterator[Section]:
    for name, constant in op.layer.constants().items():
        yield Section(name.capitalize(), tuple(_constant_rows(constant)))


def _constant_rows(constant: Constant) -> Iterator[Row]:
    yield "type", str(constant.type) + (" (the model's own)" if constant.given else "")
    yield "shape", "×".join(map(str, constant.shape)) or "a number"
    effective = constant.effective
    if not effective.size:
        return
    yield "values", f"{number_text(float(effective.min()))} to {number_text(float(effective.max()))}"
    mantissas = np.abs(constant.fixed[0])
    zeros = int((mantissas == 0).sum())
    yield "zeros", share_text(zeros, mantissas.size)
    powers = int(((mantissas & (mantissas - 1)) == 0).sum()) - zeros if mantissas.dtype != object else None
    if powers is not None:
        yield "powers of two", share_text(powers, mantissas.size)
    error = float(np.abs(effective - constant.values).max())
    yield "rounded by at most", number_text(error) if error else "nothing: exact"


def _built(op: Op, program: Program | None) -> Iterator[Section]:
    rows: list[Row] = []
    if products_of(op):
        rows.append(("multiplications", f"{products_of(op):,} a sample"))
    if op.layer.has_multiplier:
        rows += [("strategy", str(op.strategy)), ("reuse factor", str(op.reuse_factor))]
        rows.append(("weights from", str(op.weight_source)))
    constants = Bits.of([op]).constants
    if constants.bits:
        rows.append(("bits of constants", f"{constants.bits:,}"))
    if program is None:
        if rows:
            yield Section("Built as", tuple(rows))
        return
    for entry in program.clocks(op):
        before = f"{entry.name}: " if len(program.clocks(op)) > 1 else ""
        rows.append((f"{before}kernel", entry.kernel))
        rows.append((f"{before}cycles a sample", f"{entry.cycles:,} ({entry.steps:,} steps every {entry.interval})"))
        rows.append((f"{before}depth", f"about {entry.depth} cycles"))
        if entry.multipliers:
            rows.append((f"{before}multipliers", f"{entry.multipliers:,}"))
    code = program.text(op)
    if rows or code:
        yield Section("Built as", tuple(rows), code=code)


def _origin(op: Op) -> Section:
    rows: list[Row] = [("layer of the model", op.source.where)]
    rows += [("computed with it", source.where) for source in op.fused]
    if op.inputs:
        rows.append(("reads", ", ".join(tensor.name for tensor in op.inputs)))
    described = op.layer.describe()
    if described:
        rows.append(("options", described))
    if op.loop is not None:
        rows.append(("in a loop", f"{op.loop.name}, {op.loop.steps} steps"))
    return Section("Where it comes from", tuple(rows))


def share_text(part: int, whole: int) -> str:
    """So many of so many, with the share."""
    return f"{part:,} of {whole:,} ({part / whole:.1%})" if part else f"none of {whole:,}"
