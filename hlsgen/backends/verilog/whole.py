"""One word of all words of a sample: the sum of each channel, or the largest."""

from __future__ import annotations

from hlsgen.backends.verilog.core import Words
from hlsgen.backends.verilog.pace import Pace, gathering
from hlsgen.backends.verilog.text import counter_bits, render, title
from hlsgen.ir.op import Op
from hlsgen.ir.types import FixedType
from hlsgen.layers.pooling2d import Largest


def whole_words(op: Op, x: Words) -> Words:
    """The word that stands for all: of the same type, or of one that holds their sum."""
    if isinstance(op.layer, Largest):
        return Words(x.type, x.elements, 1)
    low = -(1 << (x.type.width - 1)) if x.type.signed else 0
    total = FixedType.covering(low * x.beats, x.type.max_mantissa * x.beats, x.type.frac)
    return Words(total, x.elements, 1)


def whole_stage(op: Op, x: Words, y: Words, module: str) -> tuple[str, Pace]:
    """A register for each channel; it is given while the next sample may begin."""
    text = render(
        "whole.v.j2",
        about=title(op),
        module=module,
        x=x,
        y=y,
        is_largest=isinstance(op.layer, Largest),
        sign="signed " if x.type.signed else "",
        bits=counter_bits(x.beats),
    )
    return text, gathering(y.beats, x.beats // y.beats)
