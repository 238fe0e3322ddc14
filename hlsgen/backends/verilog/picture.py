"""A circuit as a picture: modules, the streams between them, FIFOs and their depths, clocks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from hlsgen.backends.verilog.circuit import Block, Chain, Circuit, Fifo, Fork, Stage, Stream, Wires
from hlsgen.backends.verilog.core import Words
from hlsgen.pictures.layout import Box, Edge, Layout, Spacing, layered
from hlsgen.pictures.svg import Drawing, text_width

_NAME, _SMALL, _LABEL = 13.0, 11.0, 10.5
"""Sizes of letters."""
_ROW, _PAD, _MARGIN = 38.0, 12.0, 24.0
_SLOT = 7.0
_MOST_SLOTS = 12
"""Slots that are drawn of a FIFO; a deeper one gets a gap between them."""
_HEAD = 64.0
_RATIO = 1.6
_SPACING = Spacing(across=28.0, down=46.0, lane=10.0, column=52.0)

STYLE = {
    "page": ("fill", "#ffffff", "#14171c"),
    "name": ("fill", "#1b2430", "#eef1f5"),
    "small": ("fill", "#566173", "#a3adbb"),
    "label": ("fill", "#566173", "#a3adbb"),
    "way": ("fill:none;stroke-width:1.5;stroke", "#7b8798", "#79859a"),
    "head": ("fill", "#7b8798", "#79859a"),
    "port": ("stroke:none;fill", "#1b2430", "#dfe5ee"),
    "portname": ("font-weight:600;fill", "#ffffff", "#14171c"),
    "core": ("stroke-width:1.2;stroke", "#4a7bd0", "#5c8be0"),
    "corefill": ("fill", "#eaf1fd", "#1c2a44"),
    "stage": ("stroke-width:1.2;stroke", "#3f9a80", "#48a88c"),
    "stagefill": ("fill", "#e6f5f0", "#16332b"),
    "fifo": ("stroke-width:1.2;stroke", "#b98a2c", "#c79a3f"),
    "fifofill": ("fill", "#fdf5e3", "#382d15"),
    "slot": ("stroke:none;fill", "#d9ad55", "#a9843a"),
    "rule": ("stroke-width:1;stroke", "#c5d6f3", "#33476b"),
    "slowest": ("stroke:none;fill", "#cf4a3c", "#ec6a5a"),
    "bold": ("font-weight:600;stroke", "none", "none"),
}


@dataclass(frozen=True)
class _Row:
    """Two lines of a box: a name, and what is to be known of it."""

    name: str
    about: str

    @property
    def width(self) -> float:
        return max(text_width(self.name, _NAME, bold=True), text_width(self.about, _SMALL)) + 2 * _PAD


@dataclass(frozen=True)
class _Shape:
    """A block or a port as it is drawn; ``clocks``: those that it takes a sample."""

    kind: str
    rows: tuple[_Row, ...]
    depth: int = 0
    clocks: int = 0
    title: str = ""

    @property
    def size(self) -> tuple[float, float]:
        if self.kind == "fork":
            return 8.0, 8.0
        if self.kind == "port":
            return max(row.width for row in self.rows) + 8.0, 30.0
        width = max([120.0, *(row.width for row in self.rows)])
        fifo = 26.0 if self.kind == "chain" else 16.0 if self.depth else 0.0
        return width, _ROW * len(self.rows) + fifo


def circuit_picture(circuit: Circuit) -> str:
    """The SVG of a circuit. What takes as many clocks a sample as the slowest is marked."""
    writer, reader = _ends(circuit)
    shapes = [_port(stream) for stream in circuit.inputs]
    shapes += [_shape(block) for block in circuit.blocks]
    shapes += [_port(stream) for stream in circuit.outputs]
    streams = [stream for stream in writer if stream in reader]
    edges = [Edge(writer[stream], reader[stream]) for stream in streams]
    labels = {k: _label(stream.words) for k, stream in enumerate(streams) if shapes[edges[k].start].kind != "fork"}
    boxes = [
        _boxed(shape, [labels.get(k, "") for k, e in enumerate(edges) if e.start == n])
        for n, shape in enumerate(shapes)
    ]
    layout = layered(boxes, edges, _SPACING, ratio=_RATIO)
    return _drawn(circuit, shapes, layout, labels)


def _ends(circuit: Circuit) -> tuple[dict[Stream, int], dict[Stream, int]]:
    """Which box writes each stream, and which reads it."""
    first = len(circuit.inputs)
    writer = {stream: k for k, stream in enumerate(circuit.inputs)}
    writer |= {stream: first + k for k, block in enumerate(circuit.blocks) for stream in block.writes}
    reader = {stream: first + k for k, block in enumerate(circuit.blocks) for stream in block.reads}
    reader |= {stream: first + len(circuit.blocks) + k for k, stream in enumerate(circuit.outputs)}
    return writer, reader


def _boxed(shape: _Shape, labels: Sequence[str]) -> Box:
    """As wide as leaves room for the label beside the stream below."""
    width, height = shape.size
    wanted = max((2 * text_width(label, _LABEL) + 16.0 for label in labels), default=0.0)
    return Box(max(width, min(wanted, 220.0)), height)


# -- what is written -----------------------------------------------------------------------------


def _label(words: Words) -> str:
    bits = f"{words.width} bit"
    return bits if words.beats == 1 else f"{words.beats} × {bits}"


def _port(stream: Stream) -> _Shape:
    return _Shape("port", (_Row(stream.name, ""),), title=str(stream.words))


def _shape(block: Block) -> _Shape:
    if isinstance(block, Chain):
        rows = tuple(
            _Row(name, f"{_kind(core.texts[core.module])}latency {core.latency} · interval {core.interval}")
            for name, core in zip(block.names, block.cores, strict=True)
        )
        return _Shape("chain", rows, block.depth, block.interval * block.x.beats, f"{block.x} to {block.y}")
    if isinstance(block, Stage):
        layer, _, what = block.name.partition("__")
        row = _Row(f"{what.rstrip('0123456789')} · {layer}", f"{block.pace.clocks} clocks a sample")
        return _Shape("stage", (row,), clocks=block.pace.clocks, title=f"{block.x} to {block.y}")
    if isinstance(block, Fifo):
        return _Shape("fifo", (_Row("FIFO", f"{block.depth} × {block.x.width} bit"),), block.depth, title=block.name)
    if isinstance(block, Wires):
        layer = block.name.partition("__")[0]
        return _Shape("stage", (_Row(f"wires · {layer}", "elements in other places"),), title=f"{block.x} to {block.y}")
    assert isinstance(block, Fork)
    return _Shape("fork", (), title=f"{block.name}: each word to {len(block.writes)} readers")


def _kind(text: str) -> str:
    """What a core computes, from the first line of its text: ``// <name> (<class>): <what> ...``."""
    found = re.match(r"// .*\): (\w+)", text)
    return f"{found[1]} · " if found else ""


# -- how it is drawn -----------------------------------------------------------------------------


def _drawn(circuit: Circuit, shapes: Sequence[_Shape], layout: Layout, labels: dict[int, str]) -> str:
    drawing = Drawing(STYLE)
    about = f"latency {circuit.latency} clocks · a sample every {circuit.interval}"
    width = max(layout.width, text_width(circuit.name, 20.0, bold=True), text_width(about, _NAME), 430.0) + 2 * _MARGIN
    height = layout.height + _HEAD + 2 * _MARGIN + 30.0
    drawing.rectangle("page", (0.0, 0.0), (width, height))
    drawing.text("name bold", (_MARGIN, _MARGIN + 14.0), circuit.name, 20.0)
    drawing.text("small", (_MARGIN, _MARGIN + 34.0), about, _NAME)
    left, top = (width - layout.width) / 2, _MARGIN + _HEAD
    for route in layout.routes:
        drawing.path("way", [(x + left, y + top) for x, y in route])
    for number, label in labels.items():
        (x, y), (following, _) = layout.routes[number][:2]
        side, anchor = (-6.0, "end") if following > x + 4.0 else (6.0, "start")  # where the way does not go
        drawing.text("label", (x + left + side, y + top + 15.0), label, _LABEL, anchor)
    for shape, (x, y), box in zip(shapes, layout.corners, layout.sizes, strict=True):
        _draw(drawing, shape, (x + left, y + top), box, slowest=shape.clocks == circuit.bound)
    _legend(drawing, (_MARGIN, height - _MARGIN), circuit)
    return drawing.svg(width, height, f"circuit {circuit.name}")


def _draw(
    drawing: Drawing, shape: _Shape, corner: tuple[float, float], size: tuple[float, float], slowest: bool
) -> None:
    (x, y), (width, height) = corner, size
    if shape.kind == "fork":
        drawing.circle("port", (x + width / 2, y + height / 2), 4.0, shape.title)
        return
    if shape.kind == "port":
        drawing.rectangle("port", corner, size, 15.0, shape.title)
        drawing.text("portname", (x + width / 2, y + 19.5), shape.rows[0].name, _NAME, "middle")
        return
    kind = "core" if shape.kind == "chain" else shape.kind
    drawing.rectangle(f"{kind} {kind}fill", corner, size, 6.0, shape.title)
    for k, row in enumerate(shape.rows):
        top = y + k * _ROW
        if k:
            drawing.path("rule", [(x + 1, top), (x + width - 1, top)], arrow=False)
        drawing.text("name bold", (x + _PAD, top + 17.0), row.name, _NAME)
        drawing.text("small", (x + _PAD, top + 31.0), row.about, _SMALL)
    if shape.depth:
        _slots(drawing, shape, (x + _PAD, y + height - (19.0 if shape.kind == "chain" else 15.0)), width)
    if slowest:
        drawing.rectangle("slowest", (x - 3.0, y), (5.0, height), 2.0, "the slowest: as many clocks a sample")


def _slots(drawing: Drawing, shape: _Shape, corner: tuple[float, float], width: float) -> None:
    """The places of a FIFO, and how many there are."""
    x, y = corner
    count = min(shape.depth, _MOST_SLOTS if shape.kind == "fifo" else 8)
    for k in range(count):
        gap = 6.0 if shape.depth > count and k >= count - 2 else 0.0
        drawing.rectangle("slot", (x + k * (_SLOT + 1.5) + gap, y), (_SLOT, 10.0), 1.0)
    if shape.kind == "chain":
        words = "word" if shape.depth == 1 else "words"
        after = x + count * (_SLOT + 1.5) + (12.0 if shape.depth > count else 6.0)
        drawing.text("small", (after, y + 9.5), f"FIFO of {shape.depth} {words}", _SMALL)


def _legend(drawing: Drawing, at: tuple[float, float], circuit: Circuit) -> None:
    x, y = at
    entries = [("core corefill", "layers, with their FIFO"), ("stage stagefill", "stages"), ("fifo fifofill", "FIFO")]
    entries.append(("slowest", f"slowest: {circuit.bound} clocks a sample"))
    for kind, what in entries:
        drawing.rectangle(kind, (x, y - 9.0), (12.0, 10.0), 2.0)
        drawing.text("small", (x + 18.0, y), what, _SMALL)
        x += 34.0 + text_width(what, _SMALL)
