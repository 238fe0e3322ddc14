"""One layer of a circuit as a picture: its operations from left to right, clock by clock, with the registers between.

What costs no logic, as shifts and bits that are picked, is not drawn: it is wires.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from hlsgen.backends.verilog.circuit import Chain, Circuit
from hlsgen.backends.verilog.core import Core
from hlsgen.backends.verilog.logic import Operation, Section, Signal
from hlsgen.backends.verilog.picture import STYLE
from hlsgen.errors import UnknownNameError, UnsupportedError, brief, nearest
from hlsgen.pictures.layout import Box, Edge, Layout, Spacing, layered, transposed
from hlsgen.pictures.svg import Drawing, text_width

MOST = 3000
"""Operations and registers that are drawn: more cannot be told apart."""
_MARGIN, _HEAD, _SIZE = 24.0, 92.0, 11.0
_SPACING = Spacing(across=7.0, down=30.0, lane=4.0)
_SIGNS = (
    ("*", "×", "product"),
    ("+", "+", "addition"),
    ("-", "−", "addition"),
    (">=", "≥", "choice"),
    ("?", "?:", "choice"),
)
"""Operators of Verilog, how they are drawn, and of which kind they are."""
_NAMES = {
    "product": ("multiplication", "multiplications"),
    "addition": ("addition", "additions"),
    "choice": ("comparison or choice", "comparisons and choices"),
    "other": ("other operation", "other operations"),
    "table": ("table", "tables"),
    "sum": ("sum over clocks", "sums over clocks"),
    "register": ("register", "registers"),
}
"""Of one, and of several."""
_STYLE = {
    **STYLE,
    "band": ("stroke:none;fill", "#f3f5f8", "#1b1f26"),
    "thin": ("fill:none;stroke-width:1;stroke", "#a5afbd", "#5d687a"),
    "product": ("stroke-width:1.2;stroke", "#b98a2c", "#c79a3f"),
    "productfill": ("fill", "#fdf0cf", "#3d3116"),
    "addition": ("stroke-width:1.2;stroke", "#4a7bd0", "#5c8be0"),
    "additionfill": ("fill", "#e3ecfc", "#1c2a44"),
    "choice": ("stroke-width:1.2;stroke", "#3f9a80", "#48a88c"),
    "choicefill": ("fill", "#def3ec", "#16332b"),
    "other": ("stroke-width:1.2;stroke", "#3f9a80", "#48a88c"),
    "otherfill": ("fill", "#def3ec", "#16332b"),
    "table": ("stroke-width:1.2;stroke", "#8a5fc0", "#a37fd6"),
    "tablefill": ("fill", "#f0e8fb", "#2d2140"),
    "sum": ("stroke-width:1.2;stroke", "#4a7bd0", "#5c8be0"),
    "sumfill": ("fill", "#c9dafa", "#274073"),
    "register": ("stroke:none;fill", "#566173", "#a3adbb"),
}


@dataclass(frozen=True)
class _Node:
    """Something that is drawn, in which clock, and how many others of that clock lie before it."""

    kind: str
    sign: str
    title: str
    bits: int
    clock: int
    depth: int

    @property
    def size(self) -> tuple[float, float]:
        if self.kind == "register":
            return 6.0, 15.0
        return max(20.0, text_width(self.sign, _SIZE) + 12.0), 20.0


@dataclass
class _Net:
    """Nodes in an order in which each stands behind those that lead to it."""

    nodes: list[_Node] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    clocks: int = 0
    begins: list[int] = field(default_factory=list)
    """In which clock each section begins."""

    def add(self, kind: str, sign: str, signal: Signal, title: str, clock: int, sources: Sequence[int]) -> int:
        """A node, and edges from its sources; returns its number."""
        depth = max((self.nodes[k].depth + 1 for k in sources if self.nodes[k].clock == clock), default=0)
        self.nodes.append(_Node(kind, sign, title, signal.width, clock, depth))
        number = len(self.nodes) - 1
        self.edges += [Edge(source, number) for source in dict.fromkeys(sources)]
        self.clocks = max(self.clocks, clock + 1)
        return number


def layer_picture(circuit: Circuit, layer: str) -> str:
    """The SVG of one layer, by the name of its module in the circuit.

    Raises UnknownNameError for another name, UnsupportedError for a layer of too many operations.
    """
    core = _core(circuit, layer)
    count = sum(operation.kind != "wire" or operation.cost > 0 for s in core.inside for operation in s.logic.operations)
    if not core.inside:
        raise UnsupportedError(f"plot_circuit(): '{layer}' is no pipeline of operations that could be drawn")
    if count > MOST:
        raise UnsupportedError(
            f"plot_circuit(): '{layer}' has {count} operations and registers, of which at most {MOST} are drawn; give "
            "it a larger reuse_factor, or leave layer= out"
        )
    net = _net(core)
    return _drawn(layer, core, net, _laid_out(net))


def _core(circuit: Circuit, layer: str) -> Core:
    found = {
        name: core
        for block in circuit.blocks
        if isinstance(block, Chain)
        for name, core in zip(block.names, block.cores, strict=True)
    }
    if layer not in found:
        raise UnknownNameError(
            f"plot_circuit(): no layer {brief(layer)} in circuit {circuit.name}{nearest(layer, found)}; there are: "
            f"{', '.join(found)}"
        )
    return found[layer]


# -- what is drawn -------------------------------------------------------------------------------


def _net(core: Core) -> _Net:
    net, known = _Net(), dict[str, int]()
    for section in core.inside:
        known = _section(net, section, known)
    for k, result in enumerate(core.inside[-1].results):
        if result.text in known:
            net.add("port", f"y{k}", result, f"y{k}: {result.text}", net.clocks - 1, [known[result.text]])
    return net


def _section(net: _Net, section: Section, before: dict[str, int]) -> dict[str, int]:
    """Add a section behind what there is; returns the nodes of its signals by their names."""
    first, known = net.clocks, dict[str, int]()
    net.begins.append(first)
    for total, part in section.sums:
        sources = [before[part.text]] if part.text in before else []
        known[total.text] = net.add("sum", "Σ", total, f"{total.text}, {total.width} bit", first, sources)
    for operation in section.logic.operations:
        sources = [known[x.text] for x in operation.operands if x.text in known]
        made = _added(net, operation, first, sources)
        if made is not None:
            known[operation.signal.text] = made
    return known


def _added(net: _Net, operation: Operation, first: int, sources: Sequence[int]) -> int | None:
    """The node of an operation; of one that is only wires, that of what it is made of."""
    signal = operation.signal
    title = f"{signal.text}, {signal.width} bit{', signed' if signal.is_signed else ''}: {operation.expression}"
    clock = first + signal.stage
    if operation.kind == "input":
        return net.add("port", signal.text, signal, title, clock, [])
    if operation.kind == "register":
        return net.add("register", "", signal, title, clock, sources)
    if operation.kind == "table":
        return net.add("table", "table", signal, title, clock, sources)
    if not operation.cost and len(set(sources)) < 2:
        return sources[0] if sources else None
    kind, sign = _sign(operation)
    return net.add(kind, sign, signal, title, clock, sources)


def _sign(operation: Operation) -> tuple[str, str]:
    """The kind of an operation, and its sign with the constant in it, if there is one."""
    constants = [x.low for x in operation.operands if x.is_constant]
    for operator, sign, kind in _SIGNS:
        if re.search(rf" {re.escape(operator)} ", operation.expression):
            number = str(constants[0]).replace("-", "−") if len(constants) == 1 and kind != "choice" else ""
            return kind, f"{sign}{number}"
    return "other", "f"


def _laid_out(net: _Net) -> Layout:
    """Columns: clock by clock, and in each clock by what lies before."""
    depths = [max((n.depth for n in net.nodes if n.clock == clock), default=-1) + 1 for clock in range(net.clocks)]
    begins = [sum(depths[:clock]) for clock in range(net.clocks)]
    boxes = [Box(node.size[1], node.size[0], begins[node.clock] + node.depth) for node in net.nodes]
    return transposed(layered(boxes, net.edges, _SPACING))


# -- how it is drawn -----------------------------------------------------------------------------


def _drawn(layer: str, core: Core, net: _Net, layout: Layout) -> str:
    drawing = Drawing(_STYLE)
    counts = _counts(net)
    takes = " and ".join(map(str, core.xs))
    about = f"latency {core.latency} clocks · interval {core.interval} · {takes} to {core.y}"
    parts = "; ".join(section.about for section in core.inside if section.about)
    legend = sum(text_width(what, _SIZE) + 34.0 for _, what in counts)
    width = max(layout.width, text_width(about, 13.0), legend) + 2 * _MARGIN
    height = layout.height + _HEAD + 2 * _MARGIN + 34.0
    drawing.rectangle("page", (0.0, 0.0), (width, height))
    drawing.text("name bold", (_MARGIN, _MARGIN + 14.0), layer, 20.0)
    drawing.text("small", (_MARGIN, _MARGIN + 34.0), about, 13.0)
    drawing.text("small", (_MARGIN, _MARGIN + 52.0), parts, _SIZE)
    origin = _MARGIN, _MARGIN + _HEAD
    for clock, (left, right) in enumerate(_bands(net, layout)):
        if clock % 2 == 0:
            drawing.rectangle("band", (left + origin[0], origin[1] - 26.0), (right - left, layout.height + 36.0), 4.0)
        number = str(clock - max(begin for begin in net.begins if begin <= clock))
        drawing.text("label", ((left + right) / 2 + origin[0], origin[1] - 12.0), number, 10.5, "middle")
    for route in layout.routes:
        drawing.path("thin", [(x + origin[0], y + origin[1]) for x, y in route], across=True, arrow=False)
    for node, (x, y), size in zip(net.nodes, layout.corners, layout.sizes, strict=True):
        _draw(drawing, node, (x + origin[0], y + origin[1]), size)
    x = _MARGIN
    for kind, what in counts:
        drawing.rectangle(f"{kind} {kind}fill", (x, height - _MARGIN - 9.0), (12.0, 10.0), 2.0)
        drawing.text("small", (x + 18.0, height - _MARGIN), what, _SIZE)
        x += 34.0 + text_width(what, _SIZE)
    return drawing.svg(width, height, f"layer {layer}")


def _counts(net: _Net) -> list[tuple[str, str]]:
    """How many there are of each kind that there is."""
    found = []
    for kind, names in _NAMES.items():
        nodes = [node for node in net.nodes if node.kind == kind]
        if nodes:
            bits = f" of {sum(node.bits for node in nodes)} bit" if kind == "register" else ""
            found.append((kind, f"{len(nodes)} {names[len(nodes) > 1]}{bits}"))
    return found


def _bands(net: _Net, layout: Layout) -> Iterator[tuple[float, float]]:
    """From where to where each clock goes."""
    edge = -8.0
    for clock in range(net.clocks):
        inside = [k for k, node in enumerate(net.nodes) if node.clock == clock]
        right = max((layout.corners[k][0] + layout.sizes[k][0] for k in inside), default=edge)
        right += 8.0 if clock == net.clocks - 1 else _SPACING.down / 2
        yield edge, right
        edge = right


def _draw(drawing: Drawing, node: _Node, corner: tuple[float, float], size: tuple[float, float]) -> None:
    (x, y), (width, height) = corner, size
    if node.kind == "port":
        drawing.rectangle("port", corner, size, 10.0, node.title)
        drawing.text("portname", (x + width / 2, y + 14.0), node.sign, _SIZE, "middle")
        return
    if node.kind == "register":
        drawing.rectangle("register", corner, size, 1.0, node.title)
        return
    radius = 3.0 if node.kind == "table" else height / 2
    drawing.rectangle(f"{node.kind} {node.kind}fill", corner, size, radius, node.title)
    drawing.text("name", (x + width / 2, y + 14.0), node.sign, _SIZE, "middle")
