"""Run a design with streams of their depths: does it stop, and how many words do they hold?"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hlsgen.backends.hls.program import Plan
from hlsgen.backends.hls.texts import process_files
from hlsgen.emulation.build import build_extension
from hlsgen.emulation.emulator import Array, Emulator
from hlsgen.errors import DeadlockError
from hlsgen.ir.text import table

_CHECKING = threading.Lock()
"""An extension has one set of streams."""


@dataclass(frozen=True)
class CheckedStream:
    """What a stream held, in words."""

    name: str
    depth: int
    held: int
    """At once, at most, where every word was made when it was asked for: no order of processes takes less."""


@dataclass(frozen=True)
class StreamCheck:
    """A run that came to its end."""

    streams: tuple[CheckedStream, ...]

    def __str__(self) -> str:
        rows = [[stream.name, str(stream.depth), str(stream.held)] for stream in self.streams]
        return table(["stream", "depth", "held"], rows)


def check_streams(plan: Plan, inputs: Sequence[Array]) -> tuple[StreamCheck, list[Array]]:
    """Run a batch of at most a few samples through processes on the streams of a plan.

    ``inputs`` as for :meth:`Emulator.run`. Returns what the streams held, and the raw outputs. Raises DeadlockError
    where processes wait for each other, ToolError if the design does not compile.
    """
    module: Any = build_extension(process_files(plan))
    emulator = Emulator.of(plan, module)
    with _CHECKING:
        module.set_depths([plan.fifos[wire.name].depth for wire in plan.wires])
        outputs = emulator.run(inputs, raw=True, threads=1)
        found = module.fifos()
    short = [(name, needed) for name, _, _, needed in found if needed]
    if short:
        raise DeadlockError(_stops(plan, short))
    return StreamCheck(tuple(CheckedStream(name, depth, most) for name, depth, most, _ in found)), outputs


def _stops(plan: Plan, short: Sequence[tuple[str, int]]) -> str:
    """Which streams are too short, where they begin and end, and what to do."""
    texts = []
    for name, needed in short:
        fifo = plan.fifos[name]
        writer, reader = (_call(plan, name, side) for side in ("outputs", "inputs"))
        texts.append(f"stream '{name}' from {writer} to {reader} is full with {fifo.depth} words and needs {needed}")
    return f"the design stops, its processes wait for each other: {'; '.join(texts)}; {_advice(plan, short)}"


def _advice(plan: Plan, short: Sequence[tuple[str, int]]) -> str:
    """What to write into the configuration: the depth that each layer needs.

    Wished depths that are too short make others too short that were computed beside them: they grow together, and
    what is wished for such a layer is no less than any of its streams has.
    """
    if not any(plan.fifos[name].wished for name, _ in short):
        return "give the layer that yields it that fifo_depth, and report it: computed depths are enough"
    tensors = {wire.name: wire.tensor for wire in plan.wires}
    depths: dict[str, int] = {}
    for name, needed in short:
        wish = plan.depths.by_tensor.get(tensors[name])
        layer = tensors[name] if wish is None or wish.layer is None else wish.layer
        beside = [plan.fifos[other].depth for other, tensor in tensors.items() if tensor == tensors[name]]
        depths[layer] = max(depths.get(layer, 0), needed, *beside)
    said = ", ".join(f"{depth} to '{layer}'" for layer, depth in depths.items())
    return f"give a fifo_depth of {said}; or leave it out where it is said"


def _call(plan: Plan, stream: str, side: str) -> str:
    """The call that writes or reads a stream."""
    steps: Any = (s for s in plan.steps if any(wire.name == stream for wire in getattr(s, side)))
    step = next(steps)
    return f"{step.name} ({step.kernel.function})"
