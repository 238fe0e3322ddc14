"""Say where a type that the user fixed can overflow, or loses bits, with numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hlsgen.ir.constant import Constant
from hlsgen.ir.expected import Expected, Origin
from hlsgen.ir.graph import Graph, Node
from hlsgen.ir.interval import Interval
from hlsgen.ir.types import FixedType, Overflow
from hlsgen.layers.input import Input
from hlsgen.passes.base import Pass

_FEWEST_STEPS = 16.0
"""With fewer steps between zero and the largest expected value, a type is too coarse to go unmentioned."""


@dataclass(frozen=True)
class Loss:
    """What a fixed type does to the values it is given."""

    layer: str
    role: str
    """input, weight, bias, accum or result."""
    type: FixedType
    lowest: float
    highest: float
    """The range of the values: proved (of inputs: met in the calibration data)."""
    overflows: bool
    """Whether some of them lie outside of the type."""
    lost_bits: int
    """How many of their bits lie below its step."""
    expected: Expected | None = None
    """How large they get in use."""
    needed: FixedType | None = None
    """The type that would hold all of them exactly."""

    @property
    def wraps(self) -> bool:
        return self.type.overflow not in (Overflow.SAT, Overflow.SAT_SYM)

    @property
    def expected_beyond(self) -> bool:
        """Whether values beyond the type are not only possible but expected."""
        end = float(max(self.type.max, -self.type.min))
        return self.overflows and self.expected is not None and self.expected.largest > end + float(self.type.step)

    @property
    def too_coarse(self) -> bool:
        largest = self.expected.largest if self.expected is not None else max(-self.lowest, self.highest)
        return self.lost_bits > 0 and 0 < largest < _FEWEST_STEPS * float(self.type.step)

    @property
    def effect(self) -> str:
        """What happens, in words."""
        parts = []
        if self.overflows:
            parts.append("can wrap" if self.wraps else "saturates" if self.expected_beyond else "can saturate")
        if self.lost_bits:
            parts.append(f"drops {self.lost_bits} bits below its step of {float(self.type.step):.3g}")
        return "; ".join(parts)

    def warning(self) -> str | None:
        """A line for what is likely a mistake; None if it is a loss like any other."""
        where = f"warning: {self.layer}: {self.role} {self.type}"
        reach = f"values reach {self.lowest:g} .. {self.highest:g}"
        hold = "" if self.needed is None else f"; {self.needed} would hold them"
        if self.overflows and self.wraps:
            return f"{where} can wrap: {reach}{hold}{', or add ,RND,SAT' if hold else '; add ,RND,SAT'}"
        if self.role in ("weight", "bias") and self.overflows:
            return f"{where} cannot hold all constants: {reach}, what lies beyond is saturated"
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
class StateLosses(Pass):
    """Note what types of the configuration are likely to spoil; leaves the graph as it is."""

    exact = True
    optional = False

    def run(self, graph: Graph) -> bool:
        for node in graph:
            for loss in losses(node):
                text = loss.warning()
                if text is not None:
                    graph.notes.append(text)
        return False


def losses(node: Node) -> list[Loss]:
    """What the types that the configuration fixed for a node can lose; those that lose nothing are left out."""
    every = _of_input(node) if isinstance(node.layer, Input) else (*_of_constants(node), *_of_casts(node))
    return [loss for loss in every if loss.overflows or loss.lost_bits]


def _of_input(node: Node) -> Iterator[Loss]:
    expected, fixed = node.output.expected, node.wishes.get("result")
    if fixed is None or expected is None or expected.origin is not Origin.CALIBRATION:
        return
    beyond = expected.largest > float(max(fixed.max, -fixed.min)) + float(fixed.step)
    yield Loss(node.name, "input", fixed, -expected.largest, expected.largest, beyond, 0, expected)


def _of_constants(node: Node) -> Iterator[Loss]:
    for name, constant in node.layer.constants().items():
        role = "bias" if name == "bias" else "weight"
        fixed = node.wishes.get(role)
        if fixed is not None and not constant.given and constant.values.size:
            yield _constant_loss(node, role, fixed, constant)


def _constant_loss(node: Node, role: str, fixed: FixedType, constant: Constant) -> Loss:
    low, high = float(constant.values.min()), float(constant.values.max())
    slack = float(fixed.step) / 2  # what rounds to an end of the range is held as well as anything
    overflows = low < float(fixed.min) - slack or high > float(fixed.max) + slack
    return Loss(node.name, role, fixed.with_modes(fixed.rounding, Overflow.SAT), low, high, overflows, 0)


def _of_casts(node: Node) -> Iterator[Loss]:
    """Accumulator and result, each by what it is given."""
    assert node.exact is not None
    given = node.exact
    for role in ("accum", "result"):
        fixed = node.wishes.get(role)
        if fixed is not None:
            yield _cast_loss(node, role, fixed, given)
        if role == "accum" and node.settings.accum is not None:
            given = given.cast(node.settings.accum)


def _cast_loss(node: Node, role: str, fixed: FixedType, given: Interval) -> Loss:
    low, high = (float(np.ldexp(float(end), -given.frac)) for end in given.whole())
    lost = max(0, given.frac - fixed.frac)
    return Loss(node.name, role, fixed, low, high, not given.fits(fixed), lost, node.output.expected, given.type())
