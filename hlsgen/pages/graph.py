"""The graph of a design as a picture: layers with shapes, types and strategies, from its inputs to its outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from hlsgen.design.design import Design
from hlsgen.ir.op import Op
from hlsgen.ir.typing import Tensor
from hlsgen.ir.wish import Strategy
from hlsgen.pages.content import Weight
from hlsgen.pictures.layout import Box, Edge, Layout, Spacing, layered
from hlsgen.pictures.svg import Drawing, text_width

_NAME, _SMALL = 13.5, 11.0
"""Sizes of letters."""
_FIRST, _LINE, _PAD, _MARGIN, _HEAD = 19.0, 15.5, 14.0, 20.0, 52.0
_LONGEST = 34
"""Characters of a line of a box; longer ones lose their middle, and are whole in its title."""
_RATIO = 1.7
_RATIO_OF_PAGE = 1.25
"""Of width to height: of a file, and of a page, where the chosen layer stands beside."""
_SPACING = Spacing(across=26.0, down=34.0, lane=10.0, column=44.0)

STYLE = {
    "page": ("fill", "#ffffff", "#14171c"),
    "name": ("font-weight:600;fill", "#1b2430", "#eef1f5"),
    "kind": ("fill", "#3d4a5c", "#c2cad6"),
    "type": ("fill", "#566173", "#a3adbb"),
    "way": ("fill:none;stroke-width:1.4;stroke", "#7b8798", "#79859a"),
    "head": ("fill", "#7b8798", "#79859a"),
    "box": ("stroke-width:1.2;stroke", "#8894a6", "#66738a"),
    "products": ("fill", "#e3edfd", "#1b2c4c"),
    "function": ("fill", "#e2f4ee", "#15352c"),
    "moves": ("fill", "#f1f3f6", "#232933"),
    "port": ("fill", "#fbf1dc", "#3a2f17"),
    "fault": ("stroke-width:3;stroke", "#c62f22", "#ff7466"),
    "warning": ("stroke-width:2.4;stroke", "#a66a00", "#f0b64c"),
    "fault_fill": ("fill", "#fde4e1", "#4a211d"),
    "badge_fault": ("stroke:none;fill", "#c62f22", "#ff7466"),
    "badge_warning": ("stroke:none;fill", "#a66a00", "#f0b64c"),
    "sign": ("font-weight:700;fill", "#ffffff", "#14171c"),
}
_MARKED = {Weight.FAULT: "fault", Weight.WARNING: "warning"}
_FILLED = {Weight.FAULT: "fault_fill"}


@dataclass(frozen=True)
class _Shape:
    """A layer, or an output, as it is drawn: lines with their classes; ``number``: of its operation."""

    kind: str
    lines: tuple[tuple[str, str], ...]
    title: str
    number: int | None

    @property
    def size(self) -> tuple[float, float]:
        widths = (text_width(_cut(t), _size(kind), bold=kind == "name") for kind, t in self.lines)
        return max(96.0, *widths) * 1.04 + 2 * _PAD, _FIRST + _LINE * (len(self.lines) - 1) + 9.0

    @property
    def said(self) -> str:
        """For those who do not see it."""
        return ", ".join(text for _, text in self.lines)


@dataclass(frozen=True)
class Picture:
    """Shapes as SVG, without what is around them, and how large they are."""

    shapes: str
    width: float
    height: float
    drawing: Drawing


def layer_graph(design: Design, marks: Mapping[int, Weight] | None = None) -> str:
    """The graph as a file of SVG; ``marks``: operations, by their number, that have a fault or a warning."""
    found = layer_picture(design, marks or {}, head=design.name or "model")
    return found.drawing.svg(found.width, found.height, f"layers of {design.name}")


def layer_picture(design: Design, marks: Mapping[int, Weight], *, head: str = "", buttons: bool = False) -> Picture:
    """The graph as shapes. ``head``: a title and a legend around it; ``buttons``: layers are groups that can be
    clicked, with the number of the operation in ``data-layer``."""
    shapes = [_operation(k, op) for k, op in enumerate(design)]
    shapes += [_output(name) for name in design.output_names]
    place = {tensor: k for k, op in enumerate(design) for tensor in op.outputs}
    edges = [Edge(place[tensor], k) for k, op in enumerate(design) for tensor in op.inputs]
    edges += [Edge(place[tensor], len(design) + k) for k, tensor in enumerate(design.outputs)]
    ratio = _RATIO_OF_PAGE if buttons else _RATIO
    layout = layered([Box(*shape.size) for shape in shapes], edges, _SPACING, ratio=ratio)
    return _drawn(design, shapes, layout, marks, head, buttons)


def page_rules() -> tuple[str, ...]:
    """Its colours as CSS for a page whose root says whether it is light or dark (``color-scheme``)."""
    return tuple(
        f".graph .{kind} {{ {name}: light-dark({light}, {dark}) }}" for kind, (name, light, dark) in STYLE.items()
    )


# -- what is written -----------------------------------------------------------------------------


def _operation(number: int, op: Op) -> _Shape:
    lines = [("name", op.name), ("kind", f"{op.layer.kind} · {' | '.join(map(_shape_of, op.outputs))}")]
    lines += [("type", str(t)) for t in dict.fromkeys(str(tensor.type) for tensor in op.outputs)]
    constants = op.layer.constants()
    lines += [("type", f"{name} {constant.type}") for name, constant in constants.items() if _is_told(op, name)]
    built = how_built(op)
    if built:
        lines.append(("kind", built))
    if op.fused:
        lines.append(("kind", "with " + ", ".join(source.name for source in op.fused)))
    title = "\n".join([*(text for _, text in lines), *(str(origin.where) for origin in op.origins)])
    return _Shape(_kind(op), tuple(lines), title, number)


def _is_told(op: Op, name: str) -> bool:
    """Whether a constant's type is worth a line: that of weights is, of a table or a bias it stands behind the box."""
    return op.layer.constant_roles.get(name) == "weight" or (op.layer.has_multiplier and name == "weights")


def how_built(op: Op) -> str:
    """Strategy, reuse factor and copies, where they are not the usual ones."""
    words = []
    if op.layer.has_multiplier and (op.strategy is not Strategy.LATENCY or op.reuse_factor > 1):
        words.append(f"{op.strategy}, reuse {op.reuse_factor}")
    if op.parallelization > 1:
        words.append(f"{op.parallelization} at once")
    if op.loop is not None:
        words.append("each step its own" if op.has_copies else "in a loop")
    return " · ".join(words)


def _output(name: str) -> _Shape:
    return _Shape("port", (("name", name), ("kind", "output")), f"output {name}", None)


def _kind(op: Op) -> str:
    if op.is_input:
        return "port"
    if op.layer.has_multiplier or op.layer.products:
        return "products"
    return "moves" if op.layer.structural else "function"


def _shape_of(tensor: Tensor) -> str:
    return "×".join(map(str, tensor.shape))


def _cut(text: str) -> str:
    if len(text) <= _LONGEST:
        return text
    half = (_LONGEST - 1) // 2
    return f"{text[:half]}…{text[-half:]}"


def _size(kind: str) -> float:
    return _NAME if kind == "name" else _SMALL


# -- how it is drawn -----------------------------------------------------------------------------


def _drawn(
    design: Design, shapes: Sequence[_Shape], layout: Layout, marks: Mapping[int, Weight], head: str, buttons: bool
) -> Picture:
    drawing = Drawing(STYLE)
    about = f"{len(design)} operations · {design.products:,} multiplications a sample"
    legend = 30.0 if head else 0.0
    top = _MARGIN + (_HEAD if head else 0.0)
    width, height = layout.width + 2 * _MARGIN, layout.height + top + _MARGIN + legend
    if head:
        title = max(text_width(_cut(head), 20.0, bold=True), text_width(about, _NAME))
        width = max(width, title + 2 * _MARGIN, 520.0)
        drawing.rectangle("page", (0.0, 0.0), (width, height))
        drawing.text("name", (_MARGIN, _MARGIN + 14.0), _cut(head), 20.0)
        drawing.text("type", (_MARGIN, _MARGIN + 33.0), about, _NAME)
        _legend(drawing, (_MARGIN, height - _MARGIN + 4.0))
    left = (width - layout.width) / 2
    for route in layout.routes:
        drawing.path("way", [(x + left, y + top) for x, y in route])
    for shape, (x, y), size in zip(shapes, layout.corners, layout.sizes, strict=True):
        mark = marks.get(shape.number) if shape.number is not None else None
        with _group(drawing, shape, mark) if buttons and shape.number is not None else nullcontext():
            _draw(drawing, shape, (x + left, y + top), size, mark)
    return Picture(drawing.shapes, width, height, drawing)


def _group(drawing: Drawing, shape: _Shape, mark: Weight | None) -> AbstractContextManager[None]:
    said = shape.said if mark is None else f"{shape.said}: {mark.value}"
    return drawing.group(class_="layer", data_layer=str(shape.number), tabindex="0", role="button", aria_label=said)


def _draw(
    drawing: Drawing, shape: _Shape, corner: tuple[float, float], size: tuple[float, float], mark: Weight | None
) -> None:
    (x, y), (width, _) = corner, size
    marked = _MARKED.get(mark) if mark is not None else None
    filled = _FILLED.get(mark) if mark is not None else None
    classes = " ".join(filter(None, ("box", shape.kind, marked, filled)))
    drawing.rectangle(classes, corner, size, 14.0 if shape.kind == "port" else 6.0, shape.title)
    for k, (kind, text) in enumerate(shape.lines):
        drawing.text(kind, (x + width / 2, y + _FIRST + k * _LINE), _cut(text), _size(kind), "middle")
    if marked:
        drawing.circle(f"badge_{marked}", (x + width - 4.0, y + 4.0), 9.0)
        drawing.text("sign", (x + width - 4.0, y + 8.5), "!", 13.0, "middle")


def _legend(drawing: Drawing, at: tuple[float, float]) -> None:
    x, y = at
    entries = {
        "products": "multiplies",
        "function": "functions and sums",
        "moves": "moves or picks values",
        "port": "ports",
    }
    for kind, what in entries.items():
        drawing.rectangle(f"box {kind}", (x, y - 9.0), (13.0, 10.0), 2.0)
        drawing.text("type", (x + 19.0, y), what, _SMALL)
        x += 38.0 + text_width(what, _SMALL)
