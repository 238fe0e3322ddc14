"""What every layer can do, and the parameters layers hold.

A layer states its meaning once, exactly: :meth:`Layer.exact` computes the real result as integers,
:meth:`Layer.interval` bounds it, and the node's types say how it is cast (to ``accum``, then to the
result type). Everything else, in particular the C++ kernels, has to agree with that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hlsgen.ir.demand import EVERYTHING, Demand
from hlsgen.ir.expected import magnitude_bits
from hlsgen.ir.graph import Node, Shape
from hlsgen.ir.interval import Interval
from hlsgen.ir.types import MAX_WIDTH, FixedType, Ints, Overflow, Rounding, integers, to_float

if TYPE_CHECKING:
    from hlsgen.layers.kernel import Kernel

Floats = NDArray[np.float64]
_MOST_SPREAD = 8
"""Weights of a channel may be this many octaves smaller than those of another before they lose bits: 16 + 8 bits
still fit the wide port of a multiplier."""


class Exact(NamedTuple):
    """Exact values: ``mantissas * 2**-frac``; mantissas of shape (samples, *shape)."""

    mantissas: Ints
    frac: int


@dataclass(frozen=True, eq=False)
class Parameter:
    """A constant of a layer: the real numbers it came from and, once its type is fixed, its mantissas.

    ``given`` tells that the model's own quantiser fixed the mantissas; such a parameter is never
    quantised again, and it is changed only where the result stays identical.
    """

    values: Floats
    type: FixedType | None = None
    mantissas: Ints | None = None
    given: bool = False

    @classmethod
    def of(cls, values: Any) -> Parameter:
        return cls(np.asarray(values, dtype=np.float64))

    @classmethod
    def exactly(cls, mantissas: Ints, fixed: FixedType, *, given: bool = True) -> Parameter:
        return cls(fixed.to_float(mantissas), fixed, mantissas, given)

    @property
    def shape(self) -> Shape:
        return self.values.shape

    @property
    def fixed(self) -> tuple[Ints, int]:
        """Mantissas and fraction, once they are known."""
        assert self.mantissas is not None and self.type is not None, "parameter not quantised yet"
        return self.mantissas, self.type.frac

    @property
    def effective(self) -> Floats:
        """The real numbers the chip will use (the float ones before quantisation)."""
        return self.values if self.mantissas is None or self.type is None else self.type.to_float(self.mantissas)

    def quantized(self, fixed: FixedType) -> Parameter:
        """Fix the type: round to nearest even, saturate (numerics.md, rule 3)."""
        mode = fixed.with_modes(Rounding.RND_CONV, Overflow.SAT)
        return replace(self, type=fixed.plain(), mantissas=mode.quantize(self.values))

    def placed(self, width: int) -> Parameter:
        """Fix the narrowest placement: the integer bits the values need, the rest of ``width`` for the fraction."""
        return self.quantized(placed_type(self.values, width))

    def placed_in_groups(self, groups: Ints, width: int, widest: int) -> Parameter:
        """Give each group ``width`` bits of its own, on one common grid: a power of two a group, shifted in exactly.

        The type is wider by the difference between the groups (low bits of a group with large values are zero),
        by at most ``_MOST_SPREAD`` bits and to ``widest`` bits; groups that are smaller still share the finest grid.
        """
        order = np.argsort(groups, axis=None, kind="stable")
        flat = self.values.reshape(-1)
        ends = np.flatnonzero(np.diff(groups.reshape(-1)[order])) + 1
        members = [member for member in np.split(order, ends) if flat[member].any()]
        if not members:
            return self.placed(width)
        signed = bool((flat < 0).any())
        fracs = [_frac_within(flat[member], width, signed) for member in members]
        finest = min(max(fracs), min(fracs) + min(_MOST_SPREAD, widest - width))
        mantissas = integers(np.zeros(self.values.size), width + _MOST_SPREAD)
        for member, frac in zip(members, fracs, strict=True):
            kept = min(frac, finest)
            fixed = FixedType(width, width - kept, signed, Rounding.RND_CONV, Overflow.SAT)
            mantissas[member] = integers(fixed.quantize(flat[member]), width + _MOST_SPREAD) << (finest - kept)
        mantissas = mantissas.reshape(self.values.shape)
        low, high = min(int(mantissas.min()), 0), max(int(mantissas.max()), 0)
        fixed = _without_trailing_zeros(FixedType.covering(low, high, finest), mantissas)
        return replace(self, type=fixed, mantissas=mantissas >> (finest - fixed.frac))


def placed_type(values: Floats, width: int) -> FixedType:
    """The type of ``width`` bits (fewer if exact) whose range just holds ``values`` after rounding."""
    largest = float(np.max(np.abs(values), initial=0.0))
    if largest == 0.0:
        return FixedType(1, 1, False)
    signed = bool((values < 0).any())
    integer = int(np.frexp(largest)[1]) + signed
    for candidate in (integer - 1, integer, integer + 1):
        fixed = FixedType(width, candidate, signed, Rounding.RND_CONV, Overflow.SAT)
        wide = FixedType(width + 2, candidate + 2, signed, Rounding.RND_CONV, Overflow.SAT)
        mantissas = wide.quantize(values)
        if fixed.min_mantissa <= mantissas.min() and mantissas.max() <= fixed.max_mantissa:
            return _without_trailing_zeros(fixed.plain(), mantissas)
    raise AssertionError("a placement always exists")


def _frac_within(values: Floats, width: int, signed: bool) -> int:
    """The most fraction bits with which ``width`` bits hold the values after rounding."""
    frac = width - signed - magnitude_bits(float(np.abs(values).max()))
    ends = FixedType(width, width - frac, signed)
    rounded = FixedType(width + 2, width + 2 - frac, signed, Rounding.RND_CONV, Overflow.SAT).quantize(values)
    return frac if rounded.max() <= ends.max_mantissa else frac - 1


def _without_trailing_zeros(fixed: FixedType, mantissas: Ints) -> FixedType:
    """Drop low bits that are zero in every mantissa (0.5 needs one bit, not sixteen)."""
    bits = int(np.bitwise_or.reduce(np.abs(mantissas), axis=None))
    zeros = (bits & -bits).bit_length() - 1 if bits else 0
    zeros = min(zeros, fixed.width - 1 - fixed.signed)
    return FixedType(fixed.width - zeros, fixed.integer, fixed.signed) if zeros > 0 else fixed


@dataclass(frozen=True, eq=False)
class Layer:
    """Base of all layers: frozen dataclasses whose fields are options and Parameters."""

    kind: ClassVar[str]
    structural: ClassVar[bool] = False
    """The result's values are (a subset of) the inputs' values: no arithmetic, so no type of its own."""
    constant_width: ClassVar[int] = 0
    """The least width for inferred constants. 24 where there is one factor a channel: that keeps all of a float32
    factor, and a DSP48E2 multiplies 27 by 18 bits anyway."""
    has_multiplier: ClassVar[bool] = False
    """Strategy and reuse factor mean something."""

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        return shapes[0]

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        """Bounds of the exact result, per channel (last axis)."""
        raise NotImplementedError

    def evaluate_float(self, inputs: Sequence[Floats]) -> Floats:
        """The real-number meaning, float64; inputs (samples, *shape)."""
        raise NotImplementedError

    def exact(self, inputs: Sequence[Exact]) -> Exact:
        """The exact result of integer inputs, before any cast."""
        raise NotImplementedError

    def kernel(self, node: Node) -> Kernel:
        """What the C++ template needs."""
        raise NotImplementedError

    # -- what the precision pass asks ---------------------------------------------------------

    def step_frac(self, node: Node) -> int | None:
        """Fraction bits of the grid that holds every place where a rounding result steps up (or half a step of it).

        None where the result depends on all of the input, or steps at real numbers.
        """
        return node.settings.result.frac if self.structural and node.settings.result else None

    def wanted(self, node: Node, behind: Demand) -> Demand:
        """What the node can tell apart of its inputs, if ``behind`` is what its readers can of its result."""
        return before_result(node, behind) if self.structural else EVERYTHING

    def with_constants(self, node: Node, width: int) -> Layer:
        """Return the layer with every Parameter fixed: the user's type, else placed in ``width`` bits."""
        changes: dict[str, Parameter] = {}
        for name, parameter in self.parameters().items():
            wish = node.settings.bias if name == "bias" else node.settings.weight
            if parameter.mantissas is not None and (wish is None or not parameter.values.any()):
                continue
            changes[name] = (
                parameter.quantized(wish) if wish is not None else self._placed(name, parameter, node, width)
            )
        return replace(self, **changes) if changes else self

    def _placed(self, name: str, parameter: Parameter, node: Node, width: int) -> Parameter:
        """A constant whose type nobody fixed."""
        widest = node.settings.widest or MAX_WIDTH
        width = min(max(width, self.constant_width), widest)
        grouped = node.settings.weight_granularity == "channel" and not self.constant_width  # else wide enough
        groups = self.groups(name) if grouped else None
        return parameter.placed(width) if groups is None else parameter.placed_in_groups(groups, width, widest)

    def groups(self, name: str) -> Ints | None:
        """The output channel that each element of a parameter belongs to, in its shape; None if it belongs to all."""
        return None

    def accumulator(self, exact: FixedType) -> FixedType | None:
        """The accumulator by which the layer itself rounds its exact result; None: that result is taken as it is."""
        return None

    def finish(self, node: Node, result: FixedType) -> Layer:
        """Last step of type inference, once the result type is known (tables are filled here)."""
        return self

    def natural_type(self, node: Node, width: int) -> FixedType | None:
        """A result type the layer's own nature suggests (bounded functions), else None."""
        return None

    def parameters(self) -> dict[str, Parameter]:
        found = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: value for name, value in found.items() if isinstance(value, Parameter)}

    def valid_reuse_factors(self, node: Node) -> list[int]:
        return [1]

    def describe(self) -> str:
        """The options a reader wants to see in the table of layers."""
        parts = []
        for f in fields(self):
            value = getattr(self, f.name)
            if not isinstance(value, Parameter | np.ndarray) and value is not None:
                parts.append(f"{f.name}={value}")
        return " ".join(parts)


def before_result(node: Node, behind: Demand) -> Demand:
    """What is wanted of the exact values that a node with rising arithmetic casts to its result."""
    fixed = node.output.type or node.settings.result
    if node.settings.accum is not None:
        return EVERYTHING
    if fixed is None:
        return behind
    saturates = fixed.overflow in (Overflow.SAT, Overflow.SAT_SYM)
    if not saturates and (node.exact is None or not node.exact.fits(fixed)):
        return EVERYTHING
    return behind.before_cast(fixed, rounds=node.exact is None or node.exact.frac > fixed.frac)


def align(values: Sequence[Exact]) -> tuple[list[Ints], int]:
    """Bring exact values to the finest of their grids."""
    frac = max(v.frac for v in values)
    result = []
    for v in values:
        shift = frac - v.frac
        fixed = FixedType(512, 512 - frac)
        result.append(fixed.cast(v.mantissas, v.frac) if shift else v.mantissas)
    return result, frac


def reals(value: Exact) -> Floats:
    return to_float(value.mantissas, value.frac)
