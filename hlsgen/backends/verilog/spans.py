"""Windows along one axis, each with a place and a size of its own: cells in, those of every window as one word out."""

from __future__ import annotations

from itertools import groupby
from math import prod

from hlsgen.backends.verilog.core import Words
from hlsgen.backends.verilog.pace import NOTHING, Pace
from hlsgen.backends.verilog.text import counter_bits, render, title
from hlsgen.ir.op import Op
from hlsgen.layers.axis_windows import AlongAxis, Spans


def span_words(layer: AlongAxis, op: Op, x: Words) -> Words:
    """As many cells as the largest window has, the last one in the highest bits: in front of those of a smaller window
    lie others."""
    return Words(x.type, layer.spans.taps * x.elements, prod(op.output.shape[:-1]))


def span_stage(op: Op, x: Words, y: Words, module: str) -> tuple[str, Pace]:
    """The last cells of each place are held. A window is given with its last cell; others that end with the same one
    are given after it, while no cell is taken."""
    layer = op.layer
    assert isinstance(layer, AlongAxis)
    inner = prod(op.input.shape[layer.axis + 1 : -1])
    steps = _steps(layer.spans, op.input.shape[layer.axis])
    runs = [(step, len(list(equal))) for step, equal in groupby(steps)]
    text = render(
        "spans.v.j2",
        about=title(op),
        module=module,
        x=x,
        y=y,
        inner=inner,
        runs=runs,
        run_bits=counter_bits(len(runs)),
        left_bits=counter_bits(max(length for _, length in runs)),
        place_bits=counter_bits(inner),
    )
    turns = prod(op.input.shape[: layer.axis])
    pace = Pace.of(
        (0 if takes else NOTHING, gives) for _ in range(turns) for takes, gives in steps for _ in range(inner)
    )
    return text, pace


def _steps(spans: Spans, extent: int) -> list[tuple[bool, bool]]:
    """Along the axis: whether a cell is taken, whether a window is given."""
    found = []
    for cell in range(extent):
        windows = spans.end.count(cell + 1)
        found += [(True, windows > 0), *[(False, True)] * (windows - 1)]
    return found
