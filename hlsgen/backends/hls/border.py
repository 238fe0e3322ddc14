"""What stands between the ports of the top function and its kernels: processes that turn words into packs, and back.

They move bits and belong to the hardware alone. The emulator takes and gives the packs themselves.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from hlsgen.backends.hls.batch import SAMPLES
from hlsgen.backends.hls.fifos import fifo_on_one_path
from hlsgen.backends.hls.kernel import Kernel
from hlsgen.backends.hls.ports import PortForm
from hlsgen.backends.hls.program import Plan, Port, Step, Wire
from hlsgen.backends.hls.timing import Regrouping


@dataclass(frozen=True)
class _Border:
    """The kernels of a form of port."""

    header: str
    read: str
    write: str
    with_bits: bool = False
    """Whether it has to be told how wide a word is."""
    of_batch: bool = False
    """Whether it moves all samples of a call: then it has to be told how many words one has."""

    def call(self, port: Port) -> Kernel:
        members = {"size": port.wire.size} | ({"bits": port.bits} if self.with_bits else {})
        members |= {"words": port.words} if self.of_batch else {}
        return Kernel(self.read if port.is_input else self.write, self.header, members)

    @property
    def scalars(self) -> tuple[str, ...]:
        """The scalar arguments of the top function that it takes."""
        return (SAMPLES,) if self.of_batch else ()


_KERNELS = {
    PortForm.WORD: _Border("array_port.h", "read_elements", "write_elements"),
    PortForm.ELEMENTS: _Border("array_port.h", "read_elements", "write_elements"),
    PortForm.ROWS: _Border("array_port.h", "read_rows", "write_rows"),
    PortForm.MEMORY: _Border("memory_port.h", "read_burst", "write_burst"),
    PortForm.STREAM: _Border("axis_port.h", "read_words", "write_words"),
    PortForm.PACKETS: _Border("axis_packet_port.h", "read_packets", "write_packets", with_bits=True),
}
_OF_A_BATCH = {PortForm.MEMORY: _Border("memory_port.h", "read_bursts", "write_bursts", of_batch=True)}
"""The same where a call has several samples."""
HEADERS = frozenset(kernel.header for kernel in _KERNELS.values())


def bordered(plan: Plan) -> Plan:
    """The plan of the hardware: the same steps between processes that read its ports and that write them.

    Inputs and outputs stay as they are, and now mean ports; what kernels read and write instead is called
    ``<port>_packs``. A design on arrays has ports of its wires' form.
    """
    if not plan.stream:
        return replace(plan, hardware=True)
    kernels = _OF_A_BATCH if plan.interface.batch else _KERNELS
    inner = {wire: _inner(wire) for wire in (*plan.inputs, *plan.outputs)}
    steps = [_between(step, inner) for step in plan.steps]
    wires = [*plan.wires, *inner.values()]
    first, last, outputs = [], [], []
    for port in plan.ports:
        if port.is_input:
            first.append(_reading(port, inner[port.wire], kernels[port.form]))
            continue
        source = inner[port.wire]
        if source.pack != port.pack:
            last.append(_narrowing(port, source))
            source = last[-1].outputs[0]
            wires.append(source)
            port = replace(port, wire=replace(port.wire, pack=port.pack))
        last.append(_writing(port, source, kernels[port.form]))
        outputs.append(port.wire)
    border = [wire for wire in wires if wire.name not in plan.fifos]
    fifos = plan.fifos | {wire.name: fifo_on_one_path(wire, plan.depths) for wire in border}
    return replace(plan, outputs=outputs, wires=wires, steps=[*first, *steps, *last], fifos=fifos, hardware=True)


def _inner(wire: Wire) -> Wire:
    return replace(wire, name=f"{wire.name}_packs", exponents=None)


def _between(step: Step, inner: dict[Wire, Wire]) -> Step:
    """A step on the wires that the border leaves to kernels."""

    def seen(wires: Iterable[Wire]) -> tuple[Wire, ...]:
        return tuple(inner.get(wire, wire) for wire in wires)

    body = None if step.body is None else step.body.between(inner)
    return replace(step, inputs=seen(step.inputs), outputs=seen(step.outputs), body=body)


def _reading(port: Port, packs: Wire, border: _Border) -> Step:
    note = f"the words of port {port.wire.name}"
    return Step(packs.name, note, border.call(port), (port.wire,), (packs,), scalars=border.scalars)


def _writing(port: Port, packs: Wire, border: _Border) -> Step:
    note = f"to the words of port {port.wire.name}"
    return Step(f"{port.wire.name}_port", note, border.call(port), (packs,), (port.wire,), scalars=border.scalars)


def _narrowing(port: Port, packs: Wire) -> Step:
    """Packs that are wider than a word of the port in parts that are not."""
    parts = replace(packs, name=f"{port.wire.name}_parts", pack=port.pack)
    kernel = Kernel("repack", "repack.h", {"size": packs.size}, timing=Regrouping(elements=packs.size))
    note = f"{port.wire.name} in packs of {port.pack}, which a word of the port holds"
    return Step(parts.name, note, kernel, (packs,), (parts,))
