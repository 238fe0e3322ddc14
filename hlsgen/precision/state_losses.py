"""Say where a type that the user fixed can overflow, or loses bits, with numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from hlsgen.ir.constant import Constant
from hlsgen.ir.expected import Expected, Origin
from hlsgen.ir.interval import Interval
from hlsgen.ir.op import Op
from hlsgen.ir.spelling import WrittenType
from hlsgen.ir.types import FixedType
from hlsgen.ir.typing import Tensor
from hlsgen.precision.draft import Draft, Step

_FEWEST_STEPS = 16.0
"""With fewer steps between zero and the largest expected value, a type is too coarse to go unmentioned."""


@dataclass(frozen=True)
class Loss:
    """What a fixed type does to the values it is given."""

    layer: str
    role: str
    """input, accum, result, or the role of a constant."""
    type: FixedType
    lowest: float
    highest: float
    """The range of the values: proved (of inputs: met in the calibration data)."""
    overflows: bool
    """Whether some of them lie outside of the type."""
    lost_bits: int | None
    """How many of their bits lie below its step; None of real numbers, which have no last bit."""
    expected: Expected | None = None
    """How large they get in use."""
    needed: FixedType | None = None
    """The type that would hold all of them exactly."""

    @property
    def wraps(self) -> bool:
        """Whether values beyond an end become far others."""
        return not self.type.saturates

    @property
    def expected_beyond(self) -> bool:
        """Whether values beyond the type are not only possible but expected."""
        end = float(max(self.type.max, -self.type.min))
        return self.overflows and self.expected is not None and self.expected.largest > end + float(self.type.step)

    @property
    def of_constants(self) -> bool:
        """Whether the values are constants, which are known."""
        return self.role not in ("input", "accum", "result")

    @property
    def spelled(self) -> str:
        """The type as it is used: of constants with every mode, for without they would have other ones than results."""
        return str(WrittenType(self.type)) if self.of_constants else str(self.type)

    @property
    def too_coarse(self) -> bool:
        largest = self.expected.largest if self.expected is not None else max(-self.lowest, self.highest)
        return self.lost_bits != 0 and 0 < largest < _FEWEST_STEPS * float(self.type.step)

    @property
    def effect(self) -> str:
        """What happens, in words."""
        parts = []
        if self.overflows:
            effect = self.type.overflow.effect
            certain = self.of_constants or (self.expected_beyond and not self.wraps)
            parts.append(effect.present if certain else f"can {effect.infinitive}")
        if self.lost_bits != 0:
            what = "what lies" if self.lost_bits is None else f"{self.lost_bits} bits"
            parts.append(f"drops {what} below its step of {float(self.type.step):.3g}")
        return "; ".join(parts)

    def warning(self) -> str | None:
        """A line for what is likely a mistake; None if it is a loss like any other."""
        where = f"warning: {self.layer}: {self.role} {self.spelled}"
        effect = self.type.overflow.effect
        reach = f"values reach {self.lowest:g} .. {self.highest:g}"
        hold = "" if self.needed is None else f"; {self.needed} would hold them"
        if self.overflows and self.of_constants:
            return f"{where} cannot hold all constants: {reach}, what lies beyond {effect.present}"
        if self.overflows and self.wraps:
            return f"{where} can {effect.infinitive}: {reach}{hold}{', or' if hold else ';'} add ,RND,SAT"
        if self.expected_beyond and self.expected is not None:
            origin = self.expected.origin.value
            return (
                f"{where} saturates: values up to +-{self.expected.largest:.4g} are expected ({origin}), it holds "
                f"{float(self.type.min):g} .. {float(self.type.max):g}"
            )
        if self.too_coarse and self.role in ("accum", "result"):
            largest = self.expected.largest if self.expected is not None else max(-self.lowest, self.highest)
            return (
                f"{where} is coarse: its step is {float(self.type.step):g}, values up to +-{largest:.4g} are expected"
            )
        return None


@dataclass(frozen=True)
class StateLosses(Step):
    """Note what types of the configuration are likely to spoil; changes no type."""

    exact = True
    optional = False

    def run(self, draft: Draft) -> bool:
        every = [loss for node in draft.graph for loss in losses(draft.op(node))]
        for alike in _by_type(every):
            worst = max(alike, key=lambda loss: 0.0 if loss.expected is None else loss.expected.largest)
            text, others = worst.warning(), [loss.layer for loss in alike if loss is not worst]
            if text is not None:
                draft.notes.append(f"{text}; less so {', '.join(others)}" if others else text)
        return False


def _by_type(every: Sequence[Loss]) -> list[list[Loss]]:
    """Losses one by one, but those together that saturate as is expected in the one type that was given to many."""
    found: dict[object, list[Loss]] = {}
    for number, loss in enumerate(every):
        together = loss.expected_beyond and not loss.of_constants and not loss.wraps
        found.setdefault((loss.role, loss.spelled) if together else number, []).append(loss)
    return list(found.values())


def losses(op: Op) -> list[Loss]:
    """What the types that the configuration fixed for an operation can lose; those that lose nothing are left out."""
    every = _of_input(op) if op.is_input else (*_of_constants(op), *_of_casts(op))
    return [loss for loss in every if loss.overflows or loss.lost_bits != 0]


def _of_input(op: Op) -> Iterator[Loss]:
    expected, fixed = op.output.expected, op.output.type
    if expected is None or expected.origin is not Origin.CALIBRATION:
        return
    beyond = expected.largest > float(max(fixed.max, -fixed.min)) + float(fixed.step)
    yield Loss(op.name, "input", fixed, -expected.largest, expected.largest, beyond, 0, expected)


def _of_constants(op: Op) -> Iterator[Loss]:
    wished = op.wish.configured()
    for name, constant in op.layer.constants().items():
        role = op.layer.constant_roles.get(name)
        if role in wished and not constant.given and constant.values.size:
            yield _constant_loss(op, role, wished[role], constant)


def _constant_loss(op: Op, role: str, fixed: FixedType, constant: Constant) -> Loss:
    low, high = float(constant.values.min()), float(constant.values.max())
    return Loss(op.name, role, fixed, low, high, any(_overflows(fixed, end) for end in (low, high)), 0)


def _overflows(fixed: FixedType, number: float) -> bool:
    """Whether a number lies outside of a type once it is rounded: what rounds to an end is held as well as any."""
    numerator, denominator = number.as_integer_ratio()
    mantissa = int(fixed.rounded(np.array([numerator], dtype=object), denominator.bit_length() - 1)[0])
    return not fixed.min_mantissa <= mantissa <= fixed.max_mantissa


def _of_casts(op: Op) -> Iterator[Loss]:
    """Accumulator and result, each by what it is given."""
    wished = op.wish.configured()
    reals = op.layer.real_range([tensor.interval for tensor in op.inputs])
    if reals is not None:
        if "result" in wished:
            yield _table_loss(op, wished["result"], *reals)
        return
    for tensor in op.outputs:
        for role, given in (("accum", tensor.typing.exact), ("result", tensor.typing.summed)):
            if role in wished:
                yield _cast_loss(op, tensor, role, wished[role], given)


def _table_loss(op: Op, fixed: FixedType, low: float, high: float) -> Loss:
    """Words of a table are made of real numbers: what they reach shows what the type does to them."""
    most = float(np.finfo(np.float64).max)
    overflows = any(_overflows(fixed, min(max(end, -most), most)) for end in (low, high))
    return Loss(op.name, "result", fixed, low, high, overflows, None if op.layer.is_rounded else 0, op.output.expected)


def _cast_loss(op: Op, tensor: Tensor, role: str, fixed: FixedType, given: Interval) -> Loss:
    low, high = (float(np.ldexp(float(end), -given.frac)) for end in given.whole())
    lost, limits = max(0, given.frac - fixed.frac), op.layer.limits(fixed)
    overflows = not given.clipped(limits.low, limits.high).fits(fixed)
    needed = given.type() if op.layer.pure else None  # what is approximated has bits of no meaning
    return Loss(op.name, role, fixed, low, high, overflows, lost, tensor.expected, needed)
