"""A model on a board: real values or integers in, what the chip computed out."""

from __future__ import annotations

from types import TracebackType

from hlsgen.backends.verilog.circuit import Circuit
from hlsgen.board.about import about, ends
from hlsgen.board.chip import Chip
from hlsgen.board.line import Line
from hlsgen.board.words import as_bytes, from_bytes
from hlsgen.design import arrays
from hlsgen.design.arrays import Array
from hlsgen.design.design import Design
from hlsgen.errors import InputError

_BITS = 10
"""On the line, of a byte."""
_SLOWEST = 1e7
"""Clocks a second that a board has at least: the host does not know more of it."""


class OnBoard:
    """A design that runs on a board; what ``project.connect`` returns. Use it as a context manager, or close it."""

    def __init__(self, design: Design, circuit: Circuit, line: Line, *, baud: int, timeout: float) -> None:
        """Ask the board what it is; ``timeout``: beyond what frames take on the line, and a sample in the circuit.

        Raises LinkError if nobody answers, or another design; UnsupportedError for a circuit that boards do not hold.
        """
        self._design, self._circuit = design, circuit
        known = about(circuit)
        busy = 2 * known.room * _BITS / baud + (circuit.latency + circuit.interval) / _SLOWEST
        self.chip = Chip(line, known, timeout=timeout + busy)
        """The line's other end, in bytes."""

    def __enter__(self) -> OnBoard:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the line back."""
        self.chip.close()

    def predict(self, x: object, raw: bool = False) -> Array:
        """As ``project.predict``, computed by the chip: (samples, *shape), integers if ``raw``.

        Raises InputError as that does, LinkError if the line fails; damaged frames are sent again.
        """
        if not isinstance(raw, bool):
            raise InputError(f"predict(): raw is {raw!r}, expected True or False")
        inputs = arrays.checked_inputs(self._design.inputs, x)
        arrays.refuse_nan(inputs)
        (values,) = arrays.mantissas(self._design.inputs, inputs).values()
        x, y = ends(self._circuit)
        given = self.chip.run(as_bytes(values, x.words))
        (output,) = self._design.outputs
        found = arrays.shaped(from_bytes(given, y.words), output.shape)
        return found if raw else arrays.in_model_units(arrays.real(found, output.type), output)
