"""Windows on streams: pixels in raster order in, every window as one word out."""

from __future__ import annotations

from hlsgen.backends.verilog.core import Words
from hlsgen.backends.verilog.pace import NOTHING, Pace
from hlsgen.backends.verilog.text import counter_bits, render, title
from hlsgen.ir.op import Op
from hlsgen.layers.pooling2d import Largest
from hlsgen.layers.window import Window, as_image


def window_of(op: Op) -> Window | None:
    """The window whose cells the core of an operation takes as one word; None if it takes the words as they come."""
    window = getattr(op.layer, "window", None)
    return window if isinstance(window, Window) else None


def window_stage(op: Op, x: Words, y: Words, module: str) -> tuple[str, Pace]:
    """The stage in front of the core. Padding never counts in a pooling, and is zero elsewhere."""
    window = window_of(op)
    assert window is not None
    height, width, _ = as_image(op.input.shape)
    top, bottom, left, right = window.padding
    rows, columns = height + top + bottom, width + left + right
    fill = x.type.min_mantissa if isinstance(op.layer, Largest) else 0
    word = sum((fill & ((1 << x.type.width) - 1)) << (x.type.width * k) for k in range(x.elements))
    waits = [max(reach, stride) for reach, stride in zip(window.reach, window.stride, strict=True)]
    text = render(
        "windows.v.j2",
        about=title(op),
        module=module,
        w=window,
        x=x,
        y=y,
        inside=" && ".join(_within("row", top, height, rows) + _within("place", left, width, columns)) or "1'b1",
        rows=rows,
        columns=columns,
        fill=f"{x.width}'h{word:x}",
        row_bits=counter_bits(rows),
        column_bits=counter_bits(columns),
        row_wait_bits=counter_bits(waits[0]),
        column_wait_bits=counter_bits(waits[1]),
    )
    return text, _pace(window, (height, width), (rows, columns))


def _pace(window: Window, image: tuple[int, int], padded: tuple[int, int]) -> Pace:
    """A pixel a step, those of the padding too; a window is there with its last pixel."""
    top, _, left, _ = window.padding
    inside = [
        [start <= place < start + extent for place in range(whole)]
        for start, extent, whole in zip((top, left), image, padded, strict=True)
    ]
    ends = [
        [place >= reach - 1 and (place - reach + 1) % stride == 0 for place in range(whole)]
        for reach, stride, whole in zip(window.reach, window.stride, padded, strict=True)
    ]
    return Pace.of(
        (0 if inside[0][row] and inside[1][place] else NOTHING, ends[0][row] and ends[1][place])
        for row in range(padded[0])
        for place in range(padded[1])
    )


def _within(counter: str, first: int, count: int, of: int) -> list[str]:
    """What has to hold where a counter below ``of`` is at one of ``count`` places from ``first`` on."""
    bits = counter_bits(of)
    lower = [f"{counter} >= {bits}'d{first}"] if first else []
    return lower + ([f"{counter} < {bits}'d{first + count}"] if first + count < of else [])
