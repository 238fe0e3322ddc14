"""The exact NumPy meaning of a design: what every other executor must agree with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hlsgen.design.design import Design
from hlsgen.ir.constant import Floats
from hlsgen.ir.expected import limited
from hlsgen.ir.interval import Interval
from hlsgen.ir.layer import Exact, InnerStep
from hlsgen.ir.loop import compute_unit, units
from hlsgen.ir.op import Op
from hlsgen.ir.types import Ints
from hlsgen.ir.typing import Reason, Tensor


def evaluate(design: Design, inputs: Mapping[str, Ints]) -> dict[Tensor, Ints]:
    """Return the mantissas of every tensor for input mantissas (samples, *shape) by input name."""
    known: dict[Tensor, Ints] = {op.output: inputs[op.output.name] for op in design if op.is_input}
    for unit in units(op for op in design if not op.is_input):
        compute_unit(unit, known, _computed)
    return known


def _computed(op: Op, inputs: Sequence[Ints]) -> list[Ints]:
    """An operation on mantissas."""
    results = op.layer.exacts([Exact(x, tensor.type.frac) for x, tensor in zip(inputs, op.inputs, strict=True)])
    return [_cast(op, tensor, result) for tensor, result in zip(op.outputs, results, strict=True)]


def evaluate_real(design: Design, inputs: Mapping[str, Floats]) -> dict[Tensor, Floats]:
    """What every tensor would be without the rounding that nobody asked for: float64, the constants of the chip.

    ``inputs`` are real numbers (samples, *shape) by input name. Types that the model or the configuration fixed are
    kept to; those that were inferred are not, but what reaches infinity counts as very large.
    """
    known: dict[Tensor, Floats] = {op.output: inputs[op.output.name] for op in design if op.is_input}
    for unit in units(op for op in design if not op.is_input):
        compute_unit(unit, known, _computed_real)
    return known


def _computed_real(op: Op, inputs: Sequence[Floats]) -> list[Floats]:
    """An operation on real numbers, cast to the types that somebody fixed."""
    found = []
    for tensor, result in zip(op.outputs, op.layer.evaluate_floats(inputs), strict=True):
        fixed = tensor.typing.reason in (Reason.CONFIGURATION, Reason.MODEL)
        found.append(tensor.type.to_float(tensor.type.quantize(result)) if fixed else limited(result))
    return found


def inner_steps(design: Design, known: Mapping[Tensor, Ints]) -> dict[str, InnerStep]:
    """What layers that round inside hold on the way, as ``operation.step``, for what :func:`evaluate` returned."""
    found: dict[str, InnerStep] = {}
    for op in design:
        inputs = [Exact(known[tensor], tensor.type.frac) for tensor in op.inputs]
        if not op.is_input and op.loop is None:
            found |= {f"{op.name}.{name}": step for name, step in op.layer.inner_steps(inputs).items()}
    return found


def _cast(op: Op, tensor: Tensor, result: Exact) -> Ints:
    """An exact result, cast to the accumulator, then to the result type."""
    mantissas, frac = result
    typing = tensor.typing
    assert _as_proved(typing.exact, result), f"{op!r}: a value lies outside of the range that was proved for it"
    if typing.accum is not None:
        mantissas, frac = typing.accum.cast(mantissas, frac), typing.accum.frac
    return typing.result.cast(mantissas, frac)


def _as_proved(exact: Interval, result: Exact) -> bool:
    """Whether exact results keep to the range on which types, and the modes they do without, rely."""
    mantissas, frac = result
    if not mantissas.size:
        return True
    axes = tuple(range(mantissas.ndim - 1))
    common = max(frac, exact.frac)
    found, proved = Interval(mantissas.min(axis=axes), mantissas.max(axis=axes), frac).at(common), exact.at(common)
    return bool((proved.low <= found.low).all() and (found.high <= proved.high).all())
