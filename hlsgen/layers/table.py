"""Unary functions that no adder computes: sigmoid, tanh and others, by a table or by polynomials in pieces.

How is found when the types of argument and result are known (:func:`~hlsgen.layers.fit_pieces.fit`): as finely as
the function's slope and the result's step need, by half-lines where the function never gets flat.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hlsgen.ir.constant import Floats, Shape
from hlsgen.ir.demand import EVERYTHING, Demand
from hlsgen.ir.expected import Origin, magnitude_bits, mean_square_slope
from hlsgen.ir.interval import Interval
from hlsgen.ir.layer import Casts, Context, Exact, InnerStep, Layer, Packing
from hlsgen.ir.shape_pattern import Pattern
from hlsgen.ir.spelling import CONSTANT_MODES, Modes
from hlsgen.ir.types import MAX_WIDTH, FixedType, Ints, to_float
from hlsgen.layers.fit_pieces import FINEST, Argument, fit
from hlsgen.layers.functions import Unary
from hlsgen.layers.piecewise import Form

_STEEP = 8
"""Bits beyond the budget that a result gets at most where the function rises more steeply than a line."""


@dataclass(frozen=True, eq=False)
class Table(Layer):
    """``y = unary(x)``; ``table`` holds what ``form`` reads: results, or coefficients (degree + 1, pieces)."""

    kind = "Table"
    packing = Packing.ELEMENTS
    pure = False
    casts = frozenset({"result"})
    unary: Unary
    index_bits: int = 12
    """Up to so many bits of an index, the table holds the result for each of its values."""
    argument: Argument | None = None
    form: Form | None = None
    table: Ints | None = None

    def constant_shapes(self, shapes: Sequence[Shape]) -> Mapping[str, Pattern]:
        return {} if self.form is None else {"table": self.form.table_shape}

    def evaluate_float(self, inputs: Sequence[Floats]) -> Floats:
        return self.unary(inputs[0])

    def prepared(self, context: Context) -> Layer:
        x = context.input
        low, high = (float(np.ldexp(float(end), -x.interval.frac)) for end in x.interval.whole())
        return replace(self, argument=Argument(x.type, low, high))

    def default_modes(self, role: str) -> Modes:
        """The words of the table are of the result type."""
        return CONSTANT_MODES

    def natural_type(self, context: Context) -> FixedType | None:
        """The function's range if it has one; else what it reaches from the proved or from the expected argument.

        No finer than functions are computed.
        """
        signed = self.unary.low < 0
        if self.unary.bounded:
            integer, width = int(signed), context.width
        else:
            integer, width = self._placed_result(context, signed)
        return FixedType(min(width, integer + FINEST), integer, signed, *CONSTANT_MODES)

    def _placed_result(self, context: Context, signed: bool) -> tuple[int, int]:
        """Integer bits and width of a function without bounds.

        The margin is one of the argument. Where the function rises so steeply that the result reaches farther for it
        (``exp``), it gets more bits: the expected values keep theirs. Its step is one at most where nothing was
        measured: what an argument twice as large would reach is no reason to drop every usual value.
        """
        assert self.argument is not None
        expected, x = context.expected, context.input.expected
        measured = expected is not None and expected.origin is Origin.CALIBRATION
        integer = max(magnitude_bits(self._largest(self.argument.low, self.argument.high)), -8) + signed
        if self.unary.steep and not measured:
            integer = min(integer, context.width)
        usual = integer
        if expected is not None:
            usual = min(integer, expected.integer_bits(context.width, signed, context.width))
        if measured or expected is None or x is None:
            return usual, context.width
        wider = magnitude_bits(self._largest(-x.reach, x.reach)) - magnitude_bits(self._largest(-x.largest, x.largest))
        room = min(_STEEP, integer - usual, (context.widest or MAX_WIDTH) - context.width)
        more = max(min(wider - 1, room), 0)
        return usual + more, context.width + more

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
        return replace(self, form=form, table=table)

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
        return (inputs[0] * mean_square_slope(self.unary.function, sizes[0]),)

    def exact(self, inputs: Sequence[Exact]) -> Exact:
        form, table = self.filled
        return form.exact(table, inputs[0])

    def real_range(self, inputs: Sequence[Interval]) -> tuple[float, float]:
        values = self._values(*(float(to_float(end, inputs[0].frac)) for end in inputs[0].whole()))
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

    def describe(self) -> str:
        return f"{self.unary}" + (f" {self.form}" if self.form else "")
