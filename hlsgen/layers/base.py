"""What every layer can do, and the constants layers hold.

A layer states its meaning once, exactly: :meth:`Layer.exact` computes the real result as integers,
:meth:`Layer.interval` bounds it, and the node's types say how it is cast (to ``accum``, then to the
result type). Everything else, in particular the C++ kernels, has to agree with that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hlsgen.ir.constant import Constant
from hlsgen.ir.demand import EVERYTHING, Demand
from hlsgen.ir.graph import Node, Shape
from hlsgen.ir.interval import Interval
from hlsgen.ir.types import MAX_WIDTH, FixedType, Ints, Overflow, to_float

if TYPE_CHECKING:
    from hlsgen.layers.kernel import Kernel

Floats = NDArray[np.float64]


class Exact(NamedTuple):
    """Exact values: ``mantissas * 2**-frac``; mantissas of shape (samples, *shape)."""

    mantissas: Ints
    frac: int


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
        """Return the layer with every Constant fixed: the user's type, else placed in ``width`` bits."""
        changes: dict[str, Constant] = {}
        for name, constant in self.constants().items():
            wish = node.settings.bias if name == "bias" else node.settings.weight
            if constant.mantissas is not None and (wish is None or not constant.values.any()):
                continue
            changes[name] = constant.quantized(wish) if wish is not None else self._placed(name, constant, node, width)
        return replace(self, **changes) if changes else self

    def _placed(self, name: str, constant: Constant, node: Node, width: int) -> Constant:
        """A constant whose type nobody fixed."""
        widest = node.settings.widest or MAX_WIDTH
        width = min(max(width, self.constant_width), widest)
        grouped = node.settings.weight_granularity == "channel" and not self.constant_width  # else wide enough
        groups = self.groups(name) if grouped else None
        return constant.placed(width) if groups is None else constant.placed_in_groups(groups, width, widest)

    def groups(self, name: str) -> Ints | None:
        """The output channel that each element of a constant belongs to, in its shape; None if it belongs to all."""
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

    def constants(self) -> dict[str, Constant]:
        found = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: value for name, value in found.items() if isinstance(value, Constant)}

    def valid_reuse_factors(self, node: Node) -> list[int]:
        return [1]

    def describe(self) -> str:
        """The options a reader wants to see in the table of layers."""
        parts = []
        for f in fields(self):
            value = getattr(self, f.name)
            if not isinstance(value, Constant | np.ndarray) and value is not None:
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
    """The real values, float64."""
    return to_float(value.mantissas, value.frac)
