"""One layer of a circuit as a picture: its operations from left to right, clock by clock, with the registers between.

What costs no logic, as shifts and bits that are picked, is not drawn: it is wires.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from hlsgen.backends.verilog.circuit import Chain, Circuit
from hlsgen.backends.verilog.core import Core
from hlsgen.backends.verilog.logic import Operation, Section
from hlsgen.backends.verilog.picture import STYLE
from hlsgen.backends.verilog.text import layer_of
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

    def add(self, kind: str, sign: str, bits: int, title: str, clock: int, sources: Sequence[int]) -> int:
        """A node, and edges from its sources; returns its number."""
        depth = max((self.nodes[k].depth + 1 for k in sources if self.nodes[k].clock == clock), default=0)
        self.nodes.append(_Node(kind, sign, title, bits, clock, depth))
        number = len(self.nodes) - 1
        self.edges += [Edge(source, number) for source in dict.fromkeys(sources)]
        self.clocks = max(self.clocks, clock + 1)
        return number


def layer_picture(circuit: Circuit, layer: str) -> str:
    """The SVG of one layer, by its name in the model, or of one module of it, by its name in the circuit.

    Raises UnknownNameError for another name, UnsupportedError for a layer of too many operations.
    """
    cores = _cores(circuit, layer)
    if not all(core.inside for core in cores):
        raise UnsupportedError(f"plot_circuit(): '{layer}' is no pipeline of operations that could be drawn")
    parts = [_Part(section, section.alike if len(cores) > 1 else 1) for core in cores for section in core.inside]
    count = sum(part.size for part in parts)
    if count > MOST:
        raise UnsupportedError(
            f"plot_circuit(): '{layer}' has {count} operations and registers, of which at most {MOST} are drawn; give "
            "it a larger reuse_factor, or leave layer= out"
        )
    net = _net(parts)
    return _drawn(layer, cores, net, _laid_out(net))


def _cores(circuit: Circuit, layer: str) -> list[Core]:
    """The core of that name, or those that were made of the layer: with an activation there are two."""
    chains = [block for block in circuit.blocks if isinstance(block, Chain)]
    named = [(name, core) for chain in chains for name, core in zip(chain.names, chain.cores, strict=True)]
    layers = [layer_of(core.texts[core.module]) for _, core in named]
    found = [core for (_, core), its in zip(named, layers, strict=True) if its == layer]
    found = found or [core for name, core in named if name == layer]
    if found:
        return found
    known = list(dict.fromkeys([*layers, *(name for name, _ in named)]))
    raise UnknownNameError(
        f"plot_circuit(): no layer {brief(layer)} in circuit {circuit.name}{nearest(layer, known)}; there are: "
        f"{', '.join(known)}"
    )


# -- what is drawn -------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Part:
    """A section, so many of which stand side by side."""

    section: Section
    copies: int

    @property
    def size(self) -> int:
        """Operations and registers."""
        return self.copies * sum(o.kind != "wire" or o.cost > 0 for o in self.section.logic.operations)


def _net(parts: Sequence[_Part]) -> _Net:
    net, results = _Net(), list[int | None]()
    known: list[dict[str, int]] = []
    for part in parts:
        inputs = [o for o in part.section.logic.operations if o.kind == "input"]
        is_next = bool(results) and not part.section.sums
        follows = is_next and len(inputs) * part.copies == len(results)
        if is_next and not follows:
            _give(net, results)
        first = net.clocks - 1 if follows else net.clocks
        if not follows:
            net.begins.append(first)
        taken = [results[k:][: len(inputs)] for k in range(0, len(results), len(inputs))] if follows else []
        known = [
            _section(net, part.section, first, known[0] if known else {}, taken[copy] if follows else ())
            for copy in range(part.copies)
        ]
        results = [of.get(result.text) for of in known for result in part.section.results]
    _give(net, results)
    return net


def _give(net: _Net, results: Sequence[int | None]) -> None:
    """Ports for results."""
    clock = net.clocks - 1
    for k, number in enumerate(results):
        if number is not None:
            net.add("port", f"y{k}", net.nodes[number].bits, f"y{k}", clock, [number])


def _section(
    net: _Net, section: Section, first: int, before: Mapping[str, int], taken: Sequence[int | None]
) -> dict[str, int]:
    """Add a section from clock ``first`` on; returns the nodes of its signals by their names. ``before``: those of the
    section in front, which adds up; ``taken``: the nodes that are its inputs, if these are no ports."""
    known = dict[str, int]()
    inputs = iter(taken)
    for total, part in section.sums:
        sources = [before[part.text]] if part.text in before else []
        known[total.text] = net.add("sum", "Σ", total.width, f"{total.text}, {total.width} bit", first, sources)
    for operation in section.logic.operations:
        sources = [known[x.text] for x in operation.operands if x.text in known]
        is_taken = operation.kind == "input" and bool(taken)
        made = next(inputs) if is_taken else _added(net, operation, first, sources)
        if made is not None:
            known[operation.signal.text] = made
    return known


def _added(net: _Net, operation: Operation, first: int, sources: Sequence[int]) -> int | None:
    """The node of an operation; of one that is only wires, that of what it is made of."""
    signal = operation.signal
    title = f"{signal.text}, {signal.width} bit{', signed' if signal.is_signed else ''}: {operation.expression}"
    clock = first + signal.stage
    if operation.kind == "input":
        return net.add("port", signal.text, signal.width, title, clock, [])
    if operation.kind == "register":
        return net.add("register", "", signal.width, title, clock, sources)
    if operation.kind == "table":
        return net.add("table", "table", signal.width, title, clock, sources)
    if not operation.cost and len(set(sources)) < 2:
        return sources[0] if sources else None
    kind, sign = _sign(operation)
    return net.add(kind, sign, signal.width, title, clock, sources)


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


def _drawn(layer: str, cores: Sequence[Core], net: _Net, layout: Layout) -> str:
    drawing = Drawing(_STYLE)
    counts = _counts(net)
    takes = " and ".join(map(str, cores[0].xs))
    latency, interval = sum(core.latency for core in cores), max(core.interval for core in cores)
    about = f"latency {latency} clocks · interval {interval} · {takes} to {cores[-1].y}"
    sections = [section for core in cores for section in core.inside]
    notes = [f"one of {s.alike} elements, all alike" for s in sections if s.alike > 1 and len(cores) == 1]
    parts = "; ".join([*(section.about for section in sections if section.about), *notes])
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
