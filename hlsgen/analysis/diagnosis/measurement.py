"""A design on data, op by op: as the chip has it, as real numbers have it, and any mixture of both.

What a unit (an operation, or all of a loop) costs is measured on the outputs: everything in front of it is as on the
chip, everything behind it in real numbers, and it itself once so and once so. What came before is then not its fault,
and what comes behind hides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from hlsgen.analysis.diagnosis.variation import variation
from hlsgen.analysis.sizes import LEAST
from hlsgen.design import arrays
from hlsgen.design.arrays import Array
from hlsgen.design.design import Design
from hlsgen.design.reference import evaluate
from hlsgen.ir.constant import Constant, Floats
from hlsgen.ir.expected import limited
from hlsgen.ir.graph import Graph
from hlsgen.ir.layer import Exact, Layer
from hlsgen.ir.loop import compute_unit, units
from hlsgen.ir.op import Op
from hlsgen.ir.types import FixedType, Ints, Overflow, Rounding
from hlsgen.ir.typing import Reason, Tensor

RANGE, STEP = "range", "step"
"""The two things a type does: it ends somewhere, and it has steps."""
INPUT, ACCUM, RESULT, TABLE, CONSTANT = "input", "accum", "result", "table", "constant"
"""Roles beside those of constants that have one; the last: of constants that have none."""


@dataclass(frozen=True)
class Lift:
    """What of a unit is left as real numbers have it: effects of the types of roles."""

    effects: frozenset[tuple[str, str]]

    @classmethod
    def of(cls, roles: Collection[str]) -> Lift:
        return cls(frozenset((role, effect) for role in roles for effect in (RANGE, STEP)))

    def and_effect(self, role: str, effect: str) -> Lift:
        return Lift(self.effects | {(role, effect)})

    def lifts(self, role: str, effect: str) -> bool:
        return (role, effect) in self.effects

    def lifts_all(self, role: str) -> bool:
        return self.lifts(role, RANGE) and self.lifts(role, STEP)


class Measurement:
    """A design on some data. ``inputs``: what users give, by name; each sample counts as often as ``counts`` says."""

    def __init__(self, design: Design, graph: Graph, inputs: Mapping[str, Array], counts: Floats) -> None:
        self.design, self._parts = design, np.sqrt(counts / counts.mean())
        self.units = list(units(design))
        held = arrays.as_held(design.inputs, inputs)
        self._inputs = {name: limited(np.asarray(data, dtype=np.float64)) for name, data in held.items()}
        self._by_model = _types_of_the_model(design, graph)
        self._real = {op: _with_real_constants(op.layer) for op in design}
        self.chip: dict[Tensor, Ints] = evaluate(design, arrays.mantissas(design.inputs, inputs))
        """Mantissas of every tensor, to the bit those of the emulator."""
        self.known: dict[Tensor, Floats] = {t: t.type.to_float(values) for t, values in self.chip.items()}
        """The same as real numbers."""
        self._right: dict[int, dict[Tensor, Floats]] = {}

    # -- values -----------------------------------------------------------------------------

    @cached_property
    def ideal(self) -> dict[Tensor, Floats]:
        """Every tensor in real numbers: no rounding but that of the model's own quantisers."""
        return self._from(0, {})

    def real_unit(self, number: int) -> dict[Tensor, Floats]:
        """What a unit yields in real numbers, on what the chip gives it."""
        if self.units[number][0].is_input:
            tensor = self.units[number][0].output
            return {tensor: self._inputs[tensor.name]}
        return self._unit(number, self._computed_real)

    def lifted_unit(self, number: int, lift: Lift, only: Collection[Op] | None = None) -> dict[Tensor, Floats]:
        """What a unit yields as on the chip, on what the chip gives it, but for what is lifted (``only``: of some of
        its operations)."""
        if self.units[number][0].is_input:
            tensor = self.units[number][0].output
            return {tensor: cast(self._inputs[tensor.name], tensor.type, lift, INPUT)}

        def computed(op: Op, given: Sequence[Floats]) -> list[Floats]:
            own = lift if only is None or op in only else Lift.of(())
            results = zip(op.outputs, self._before_casts(op, given, own), strict=True)
            return [self._lifted_casts(tensor, value, own) for tensor, value in results]

        return self._unit(number, computed)

    def before_casts(self, number: int) -> dict[Tensor, Floats]:
        """The exact results of a unit, on what the chip gives it; of what is in a loop, of the exact loop."""
        if self.units[number][0].is_input:
            return self.real_unit(number)
        if self.units[number][0].loop is None:
            (op,) = self.units[number]
            given = [self.known[tensor] for tensor in op.inputs]
            return dict(zip(op.outputs, self._before_casts(op, given, Lift.of(())), strict=True))
        return self.lifted_unit(number, Lift.of((ACCUM, RESULT)))

    def _unit(self, number: int, compute: Callable[[Op, Sequence[Floats]], list[Floats]]) -> dict[Tensor, Floats]:
        known = dict(self.known)
        with np.errstate(all="ignore"):
            compute_unit(self.units[number], known, compute)
        return {tensor: known[tensor] for op in self.units[number] for tensor in op.outputs}

    def behind(self, number: int, values: Mapping[Tensor, Floats]) -> dict[Tensor, Floats]:
        """All values if a unit yields these instead of the chip's, and all behind it is real numbers."""
        return self._from(number + 1, values)

    def _from(self, number: int, changed: Mapping[Tensor, Floats]) -> dict[Tensor, Floats]:
        """All values: units before ``number`` as on the chip but for ``changed``, the others in real numbers."""
        before = (tensor for unit in self.units[:number] for op in unit for tensor in op.outputs)
        known: dict[Tensor, Floats] = {tensor: self.known[tensor] for tensor in before}
        known.update(changed)
        with np.errstate(all="ignore"):
            for unit in self.units[number:]:
                if unit[0].is_input:
                    known[unit[0].output] = self._inputs[unit[0].output.name]
                else:
                    compute_unit(unit, known, self._computed_real)
        return known

    def _computed_real(self, op: Op, given: Sequence[Floats]) -> list[Floats]:
        results = self._real[op].evaluate_floats(given)
        return [self._as_modelled(tensor, limited(_number(x))) for x, tensor in zip(results, op.outputs, strict=True)]

    def _as_modelled(self, tensor: Tensor, values: Floats) -> Floats:
        fixed = self._by_model.get(tensor)
        return values if fixed is None else fixed.to_float(fixed.quantize(values))

    def _lifted_casts(self, tensor: Tensor, value: Floats, lift: Lift) -> Floats:
        typing = tensor.typing
        if typing.accum is not None:
            value = cast(value, typing.accum, lift, ACCUM)
        if lift.lifts_all(RESULT) and tensor in self._by_model:
            return self._as_modelled(tensor, value)
        return cast(value, typing.result, lift, RESULT)

    def _before_casts(self, op: Op, given: Sequence[Floats], lift: Lift) -> tuple[Floats, ...]:
        """The result of an operation before it is cast: of its kernel, or of real numbers where that is lifted."""
        free = [name for name in op.layer.constants() if lift.lifts_all(role_of(op, name))]
        in_table = lift.lifts_all(TABLE) and not op.layer.pure
        if in_table or free or not all(_on_grid(x, tensor) for x, tensor in zip(given, op.inputs, strict=True)):
            return tuple(limited(_number(x)) for x in _with_real_constants(op.layer, free).evaluate_floats(given))
        inputs = [Exact(tensor.type.quantize(x), tensor.type.frac) for x, tensor in zip(given, op.inputs, strict=True)]
        return tuple(np.ldexp(x.mantissas.astype(np.float64), -x.frac) for x in op.layer.exacts(inputs))

    # -- errors -----------------------------------------------------------------------------

    def error(self, found: Mapping[Tensor, Floats], right: Mapping[Tensor, Floats] | None = None) -> float:
        """Of the output that is farthest off: root mean square of the difference, relative to how far the real output
        varies from sample to sample."""
        right = self.ideal if right is None else right
        outputs = self.design.outputs
        return max(self.size(found[tensor] - right[tensor]) / self._varies[tensor] for tensor in outputs)

    @cached_property
    def _varies(self) -> dict[Tensor, float]:
        return {tensor: variation(self.ideal[tensor], np.square(self._parts)) for tensor in self.design.outputs}

    def cost(self, number: int, values: Mapping[Tensor, Floats] | None = None) -> float:
        """What a unit puts the outputs off by if it yields these values; None: those of the chip."""
        if number not in self._right:
            self._right = {number: self._from(number, {})}  # the next question is about the same unit
        return self.error(self._from(number + 1, values or {}), self._right[number])

    def size(self, values: Floats) -> float:
        """The root mean square of all that the samples stand for."""
        with np.errstate(over="ignore"):
            weighted = values * self._parts.reshape(-1, *(1,) * (values.ndim - 1))
            return float(np.sqrt(np.mean(np.square(weighted)))) if values.size else 0.0

    def share(self, where: Array) -> float:
        """What part of all that the samples stand for something holds of."""
        per_sample = where.reshape(len(where), -1).mean(axis=1)
        weights = np.square(self._parts)
        return float((per_sample * weights).sum() / weights.sum())

    def off(self, found: Floats, right: Floats) -> float:
        """What values are off by, relative to how large they should be."""
        size = self.size(right)
        return self.size(found - right) / size if size > LEAST else 0.0


def role_of(op: Op, constant: str) -> str:
    """The role of a constant."""
    return op.layer.constant_roles.get(constant, CONSTANT)


def cast(values: Floats, fixed: FixedType, lift: Lift, role: str) -> Floats:
    """A cast without its ends, without its steps, or without either."""
    step, ends = not lift.lifts(role, STEP), not lift.lifts(role, RANGE)
    values = limited(values)
    if step and ends:
        return fixed.to_float(fixed.quantize(values))
    rounded = rounded_to(values, fixed) if step else values
    if not ends:
        return rounded
    low, high = float(fixed.min), float(fixed.max)
    if fixed.saturates:
        return np.clip(rounded, low, high)
    if fixed.overflow is Overflow.SAT_ZERO:
        return np.where((rounded < low) | (rounded > high), 0.0, rounded)
    return np.asarray(np.mod(rounded - low, high + float(fixed.step) - low) + low)


def rounded_to(values: Floats, fixed: FixedType) -> Floats:
    """Values on the steps of a type, as it rounds, but for ties; without its ends."""
    steps = np.ldexp(values, fixed.frac)
    match fixed.rounding:
        case Rounding.TRN:
            steps = np.floor(steps)
        case Rounding.TRN_ZERO:
            steps = np.trunc(steps)
        case _:
            steps = np.rint(steps)
    return np.asarray(np.ldexp(steps, -fixed.frac))


def _number(values: Floats) -> Floats:
    return np.nan_to_num(np.asarray(values, dtype=np.float64), nan=0.0, posinf=np.inf, neginf=-np.inf)


def _on_grid(values: Floats, tensor: Tensor) -> bool:
    """Whether values are ones that a tensor may have: what the kernel that reads it can be given."""
    mantissas = np.ldexp(values, tensor.type.frac)
    if not mantissas.size or not bool((mantissas == np.rint(mantissas)).all()):
        return not mantissas.size
    shift = tensor.type.frac - tensor.interval.frac
    low, high = (np.ldexp(end.astype(np.float64), shift) for end in (tensor.interval.low, tensor.interval.high))
    return bool((low <= mantissas).all() and (mantissas <= high).all())


def _with_real_constants(layer: Layer, names: Collection[str] | None = None) -> Layer:
    """A layer without the rounding of its constants (None: of all of them)."""
    rounded = {name: c for name, c in layer.constants().items() if (c.effective != c.meant).any()}
    free = {name: Constant.of(c.meant) for name, c in rounded.items() if names is None or name in names}
    return replace(layer, **free) if free else layer


def _types_of_the_model(design: Design, graph: Graph) -> dict[Tensor, FixedType]:
    """The types that the model's own quantisers give results: as the model has them.

    Not as the design has them, which leaves out what no value of it reaches: where the configuration narrows what a
    quantiser reads, it need not saturate any more, and where it gives another type, the quantiser is overridden.
    """
    own: dict[str, FixedType] = {}
    for node in graph:
        if node.source.final and node.wish.result_by_model and node.wish.result is not None:
            own[node.source.name] = node.wish.result
    found = {}
    for op in design:
        for tensor in op.outputs if not op.is_input else ():
            names = [source.name for source in reversed(op.origins) if source.name in own]
            if tensor.typing.reason is Reason.MODEL:
                found[tensor] = op.wish.result if op.wish.result_by_model and op.wish.result else tensor.type
            elif tensor.typing.reason is Reason.CONFIGURATION and names:
                found[tensor] = own[names[0]]
    return found
