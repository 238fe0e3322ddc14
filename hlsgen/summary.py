"""What a user has to know about a conversion, as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hlsgen.analysis.precision import precision_report
from hlsgen.backends.hls.border import bordered
from hlsgen.backends.hls.design_schedule import DesignSchedule
from hlsgen.backends.hls.loading import loading_of
from hlsgen.backends.hls.ports import PortForm
from hlsgen.backends.hls.program import Plan
from hlsgen.backends.verilog.circuit import Circuit
from hlsgen.config import WIDTH_ROLES, Config
from hlsgen.design.design import Design
from hlsgen.ir.constant import Constant
from hlsgen.ir.op import Op
from hlsgen.ir.placing import ALL, Method
from hlsgen.ir.spelling import WrittenType
from hlsgen.ir.text import table
from hlsgen.ir.wish import Level


@dataclass(frozen=True)
class Built:
    """What a design becomes: in a few words, in tables with their titles, and what is to be said of it."""

    kind: str
    tables: Sequence[str]
    notes: Sequence[str] = ()


def summary(name: str, design: Design, config: Config, built: Built) -> str:
    """Everything a user has to know about a conversion, as text."""
    parts = [
        f"{name}: {built.kind}, {_device(config)}, {config.clock_period:g} ns",
        str(design),
        *precision_report(design).tables(),
    ]
    roundings = [row for op in design for row in _rounding_rows(op)]
    if roundings:
        parts.append("Constants rounded\n" + table(["name", "constant", "type", "largest error"], roundings))
    inner = [row for op in design for row in _inner_rows(op)]
    if inner:
        parts.append(
            "Inner steps of layers that round inside\n" + table(["name", "step", "type", "off by at most"], inner)
        )
    wishes = [row for op in design for row in _wish_rows(op)]
    if wishes:
        parts.append("Wished for types that were inferred\n" + table(["name", *_WISHES], wishes))
    parts += built.tables
    notes = [*design.notes, *built.notes]
    if notes:
        parts.append("Notes\n" + "\n".join(f"  {note}" for note in notes))
    return "\n\n".join(parts) + "\n"


def as_program(design: Design, plan: Plan, schedule: DesignSchedule) -> Built:
    """A design as a program for HLS."""
    tables = ["Ports of the top function\n" + _ports(plan)]
    tables += _scaled({port.wire.name: port.wire.exponents for port in plan.ports})
    tables.append(f"Schedule\n{schedule}")
    if plan.fifos:
        tables.append("Streams between processes\n" + _streams(plan))
    aliases = _aliases(design, plan)
    if aliases:
        tables.append("Names\n" + aliases)
    return Built(f"{'io_stream' if plan.stream else 'io_parallel'}, {plan.interface}", tables, _shallow(plan))


def as_circuit(design: Design, circuit: Circuit) -> Built:
    """A design as modules of Verilog."""
    streams, tensors = (*circuit.inputs, *circuit.outputs), (*design.inputs, *design.outputs)
    ports = {stream.name: tensor.exponents for stream, tensor in zip(streams, tensors, strict=True)}
    return Built("Verilog, ports with valid and ready", [*_scaled(ports), f"Modules and their clocks\n{circuit}"])


def _scaled(ports: Mapping[str, tuple[int, ...] | None]) -> list[str]:
    """Ports with a binary point for each channel, if there are some."""
    rows = [[name, " ".join(map(str, exponents))] for name, exponents in ports.items() if exponents is not None]
    title = "Ports whose channels c hold the model's values times 2**k[c]\n"
    return [title + table(["port", "k, channel by channel"], rows)] if rows else []


def _device(config: Config) -> str:
    return config.part if config.board is None else f"{config.board} ({config.part})"


def _rounding_rows(op: Op) -> list[list[str]]:
    rows = []
    for name, constant in op.layer.constants().items():
        error = _largest_error(op, name, constant)
        if error > 0:
            rows.append([op.name, name, _rounded_to(op, name, constant), f"{error:.3g}"])
    return rows


_WISHES = (*(f"{role} bits" for role in WIDTH_ROLES), "weights hold")


def _wish_rows(op: Op) -> list[list[str]]:
    """The bits that are wished for an operation or its kind (those of all are in its types), and how weights lie."""
    budgets = [op.wish.budgets.get(role) if role in op.layer.budgeted else None for role in WIDTH_ROLES]
    placing = op.wish.placing if "weight" in op.layer.budgeted else ALL
    if placing == ALL and all(budget is None or budget.level is Level.MODEL for budget in budgets):
        return []
    held = {Method.MAX: "", Method.MSE: "least error", Method.PERCENTILE: f"{placing.percentile:g} %"}[placing.method]
    return [[op.name, *("" if budget is None else str(budget.bits) for budget in budgets), held]]


def _rounded_to(op: Op, name: str, constant: Constant) -> str:
    """The type that a constant was rounded to: the wished one, with its modes, where there is one."""
    wished = op.wish.configured().get(op.layer.constant_roles.get(name, ""))
    return str(constant.type if wished is None or constant.given else WrittenType(wished))


def _inner_rows(op: Op) -> list[list[str]]:
    rows = [[op.name, step, str(fixed), ""] for step, fixed in op.layer.inner_types().items()]
    deviation = op.layer.deviation
    if deviation is not None:
        rows.append([op.name, "result", str(op.output.type), f"{deviation:.2g} steps"])
    return rows


def _largest_error(op: Op, name: str, constant: Constant) -> float:
    """In the model's own terms, also where channels are held times powers of two."""
    held = np.abs(constant.effective - constant.values)
    meant = op.layer.as_meant(name, held, op.inputs[0].factors, op.outputs[0].factors)
    return float(np.max(meant, initial=0.0))


_WEIGHTS = "a memory of weights, a word a turn, multiplier 0 in the lowest bits"
_LOADED = "words of weights and biases in memory, read by an AXI4 master by samples that load"
_LOADS = "a register: whether this sample loads weights and biases"


def _ports(plan: Plan) -> str:
    rows = []
    for port in plan.ports:
        direction = "in" if port.is_input else "out"
        count = port.wire.size if port.form is PortForm.ELEMENTS else 1
        numbers = [str(number) for number in (count, port.bits, port.words)]
        rows.append([port.wire.name, direction, str(port.wire.type), *numbers, port.form.value])
    for constant in plan.bram_ports:
        array = constant.array
        numbers = [str(array.words.size), str(array.width)] if constant.is_apart else ["1", str(constant.word_bits)]
        form = PortForm.ELEMENTS if constant.is_apart else PortForm.WORD
        kind = f"{'' if array.signed else 'u'}int<{array.width}>"
        described = _WEIGHTS if constant.is_memory else form.value
        rows.append([constant.name, "in", kind, *numbers, str(constant.words), described])
    loading = loading_of(plan)
    if loading is not None:
        rows.append(["weights", "in", "word", "1", str(loading.bits), str(loading.words), _LOADED])
        rows.append(["load_weights", "in", "bool", "1", "1", "1", _LOADS])
    return table(["port", "", "element", "ports", "bits", "words a sample", "form"], rows)


def _streams(plan: Plan) -> str:
    rows = []
    hardware = bordered(plan)
    for wire in hardware.wires:
        fifo = hardware.fifos[wire.name]
        needed = "any" if fifo.needed is None else str(fifo.needed)
        by = "configuration" if fifo.wished else ""
        rows.append([wire.name, str(wire.pack * wire.type.width), str(wire.words), needed, str(fifo.depth), by])
    loading = loading_of(hardware)
    for layer in () if loading is None else loading.layers:
        rows.append([f"{layer.step.name}_loads", "1", "1", "any", str(layer.depth), ""])
        rows.append([f"{layer.step.name}_words", str(layer.weights.bits), str(layer.words), "any", "2", ""])
    return table(["stream", "bits", "words a sample", "has to hold", "depth", "by"], rows)


def _shallow(plan: Plan) -> list[str]:
    """Depths of the configuration that processes may wait for."""
    return [
        f"warning: stream {fifo.name}: {fifo.depth} words of depth are less than the {fifo.needed} that wait in it for "
        "another path; the design is slower, or stops: project.check_streams() tells"
        for fifo in plan.fifos.values()
        if fifo.too_small
    ]


def _aliases(design: Design, plan: Plan) -> str:
    """Where a layer of the model is found under another name: in traces, and in the C++."""
    rows = [[repr(key), repr(tensor.name)] for key, tensor in design.aliases.items() if key != tensor.name]
    rows += [[repr(step.layer), step.name] for step in plan.steps if step.layer not in (None, step.name)]
    return table(["layer of the model", "found as"], rows) if rows else ""
