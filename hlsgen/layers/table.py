"""Unary functions that no adder computes: sigmoid, tanh and others, by a table or by polynomials in pieces.

How is found when the types of argument and result are known (:func:`~hlsgen.layers.fit_pieces.fit`): as finely as
the function's slope and the result's step need, by half-lines where the function never gets flat.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, log2

import numpy as np

from hlsgen.ir.constant import Floats, Shape
from hlsgen.ir.demand import EVERYTHING, Demand
from hlsgen.ir.expected import USEFUL_BITS, Origin, magnitude_bits, mean_square_slope
from hlsgen.ir.interval import Interval
from hlsgen.ir.layer import Casts, Context, Exact, InnerStep, Layer, Packing
from hlsgen.ir.shape_pattern import Pattern
from hlsgen.ir.spelling import CONSTANT_MODES, Modes
from hlsgen.ir.types import MAX_WIDTH, FixedType, Ints, to_float
from hlsgen.layers.fit_pieces import FINEST, Argument, fit
from hlsgen.layers.functions import Unary
from hlsgen.layers.piecewise import Direct, Form, Piecewise

_STEEP = 8
"""Bits beyond the budget that a result gets at most where the function rises more steeply than a line."""
_SPARE = 2
"""Of fewer bits than make a value useful, so many at most go to a range that was not met."""
_FEWEST = 16
"""Bits of a result that are kept where all of its values are below the finest step of functions."""


@dataclass(frozen=True, eq=False)
class Table(Layer):
    """``y = unary(x)``; ``table`` holds what ``form`` reads: results, or coefficients (degree + 1, pieces)."""

    kind = "Table"
    packing = Packing.ELEMENTS
    pure = False
    casts = frozenset({"result"})
    flattens = True
    unary: Unary
    index_bits: int = 12
    """Up to so many bits of an index, the table holds the result for each of its values."""
    argument: Argument | None = None
    means: tuple[float, ...] | None = None
    """What is expected of the argument's channels on average, where that is known."""
    result: FixedType | None = None
    """Its type, once it is known."""
    form: Form | None = None
    table: Ints | None = None

    def constant_shapes(self, shapes: Sequence[Shape]) -> Mapping[str, Pattern]:
        return {} if self.form is None else {"table": self.form.table_shape}

    def evaluate_float(self, inputs: Sequence[Floats]) -> Floats:
        return self.unary(inputs[0])

    def held(self, scale: float, offset: float) -> Table:
        """The same, of which ``(y - offset) * scale`` is held: the table is made of that."""
        return replace(self, unary=self.unary.held(scale, offset))

    def prepared(self, context: Context) -> Layer:
        x = context.input
        low, high = (float(np.ldexp(float(end), -x.interval.frac)) for end in x.interval.whole())
        channels = None if x.expected is None else x.expected.channels
        means = None if channels is None or channels.mean is None else tuple(channels.mean.tolist())
        return replace(self, argument=Argument(x.type, low, high), means=means)

    def default_modes(self, role: str) -> Modes:
        """The words of the table are of the result type."""
        return CONSTANT_MODES

    def natural_type(self, context: Context) -> FixedType | None:
        """What it reaches from the proved argument, or from the expected one; no finer than functions are computed.

        A range of the function's own is kept as long as it leaves enough bits to what is expected.
        """
        signed = self.unary.low < 0
        reached = magnitude_bits(self._largest(*self._proved)) + signed
        if self.unary.bounded:
            bound = ceil(log2(max(-self.unary.low, self.unary.high))) + signed
            integer, width = self._placed_within(min(reached, bound), context), context.width
        else:
            integer, width = self._placed_result(reached, context)
        integer = max(integer, min(width, _FEWEST) - FINEST)
        return FixedType(min(width, integer + FINEST), integer, signed, *CONSTANT_MODES)

    def _placed_within(self, whole: int, context: Context) -> int:
        """Integer bits of a function with bounds, which has to be measured to get less than the ``whole`` range.

        Not a sigmoid: that its results were small so far is no reason to expect no others.
        """
        expected, width = context.expected, context.width
        if self.unary.low >= 0 or expected is None or expected.origin is not Origin.CALIBRATION:
            return whole
        usual = expected.integer_bits(width, self.unary.low < 0, width)
        return whole if whole - usual <= max(width - USEFUL_BITS, _SPARE) else usual

    def _placed_result(self, integer: int, context: Context) -> tuple[int, int]:
        """Integer bits (``integer`` hold what is proved) and width of a function without bounds.

        The margin is one of the argument. Where the function rises so steeply that the result reaches farther for it
        (``exp``), it gets more bits: the expected values keep theirs. Its step is one at most where nothing was
        measured: what an argument twice as large would reach is no reason to drop every usual value.
        """
        expected, x = context.expected, context.input.expected
        measured = expected is not None and expected.origin is Origin.CALIBRATION
        if self.unary.steep and not measured:
            integer = min(integer, context.width)
        usual = integer
        if expected is not None:
            usual = min(integer, expected.integer_bits(context.width, self.unary.low < 0, context.width))
        if measured or expected is None or x is None:
            return usual, context.width
        wider = magnitude_bits(self._largest(-x.reach, x.reach)) - magnitude_bits(self._largest(-x.largest, x.largest))
        room = min(_STEEP, integer - usual, (context.widest or MAX_WIDTH) - context.width)
        more = max(min(wider - 1, room), 0)
        return usual + more, context.width + more

    @property
    def _proved(self) -> tuple[float, float]:
        assert self.argument is not None
        return self.argument.low, self.argument.high

    def _largest(self, low: float, high: float) -> float:
        """The largest magnitude of the result for arguments from ``low`` to ``high``."""
        return float(np.abs(self._values(low, high)).max())

    def _values(self, low: float, high: float) -> Floats:
        """Results for arguments of all sizes from ``low`` to ``high``: not every function is largest at an end."""
        assert self.argument is not None
        return self.unary(np.clip(replace(self.argument, low=low, high=high).points(), low, high))

    def finished(self, result: FixedType) -> Layer:
        assert self.argument is not None
        form, table = fit(self.unary, self.argument, result, self.index_bits)
        return replace(self, result=result, form=form, table=table)

    def in_place_of(self, typed: Layer, context: Context, result: FixedType | None) -> Layer:
        """The very table, unless the argument reaches farther: it is right for all that was proved to occur."""
        assert isinstance(typed, Table) and typed.result is not None
        layer = self.prepared(context)
        assert isinstance(layer, Table)
        return typed if layer.argument == typed.argument else layer.finished(typed.result)

    @property
    def bounded(self) -> bool:
        return self.unary.bounded

    @property
    def filled(self) -> tuple[Form, Ints]:
        """The form and its table, once types are known."""
        assert self.form is not None and self.table is not None
        return self.form, self.table

    @property
    def deviation(self) -> float | None:
        return None if self.form is None else self.form.deviation

    def error_variances(self, inputs: Sequence[Floats], sizes: Sequence[Floats]) -> tuple[Floats, ...]:
        means = 0.0 if self.means is None else np.array(self.means)
        return (inputs[0] * mean_square_slope(self.unary, sizes[0], means),)

    def exact(self, inputs: Sequence[Exact]) -> Exact:
        form, table = self.filled
        return form.exact(table, inputs[0])

    def accumulator(self, exact: FixedType) -> FixedType | None:
        """None but where the result wraps, and the sum could do so where the function does not."""
        held = self.form.held if isinstance(self.form, Piecewise) else None
        return None if held is None or Interval.of_type(exact, 1).fits(held) else held

    def limits(self, result: FixedType) -> Demand:
        """The bounds of a function, which it need not reach: a type may end a step before."""
        low, high = self.unary.low, self.unary.high
        return Demand(
            result.min if result.saturates and low >= result.min - result.step else None,
            result.max if result.saturates and high <= result.max + result.step else None,
        )

    @property
    def is_rounded(self) -> bool:
        """Of a table of results: whether its words are not the function's values themselves."""
        return isinstance(self.form, Direct) and self.form.rounds

    def real_range(self, inputs: Sequence[Interval]) -> tuple[float, float] | None:
        return None if isinstance(self.form, Piecewise) else self.reached(inputs[0])

    def reached(self, x: Interval) -> tuple[float, float]:
        """What the function itself reaches for arguments of a proved range."""
        values = self._values(*(float(to_float(end, x.frac)) for end in x.whole()))
        return float(values.min()), float(values.max())

    def inner_types(self) -> dict[str, FixedType]:
        return self.filled[0].types()

    def inner_steps(self, inputs: Sequence[Exact]) -> dict[str, InnerStep]:
        form, _ = self.filled
        return form.steps(inputs[0])

    def interval(self, inputs: Sequence[Interval], shapes: Sequence[Shape]) -> Interval:
        form, table = self.filled
        return form.interval(table, inputs[0])

    def wanted(self, casts: Casts, behind: Demand) -> Demand:
        if self.form is None or casts.input is None:
            return EVERYTHING
        return self.form.wanted(casts.input)

    def told_apart(self, casts: Casts, behind: Demand) -> Demand:
        if self.result is None:
            return EVERYTHING
        step = float(self.result.step)
        low, high = (self.unary.flat_from(sign, step) for sign in (-1, 1))
        return Demand(None if low is None else -low, high)

    def describe(self) -> str:
        return f"{self.unary}" + (f" {self.form}" if self.form else "")
