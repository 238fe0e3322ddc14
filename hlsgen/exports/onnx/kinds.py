"""What numbers are held in: float32 where its 24 bits hold every sum exactly, else float64, else whole numbers.

float32 is the form that tools for QONNX read. A value is a real number there; among whole numbers it is its mantissa.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from hlsgen.errors import UnsupportedError
from hlsgen.ir.constant import Shape
from hlsgen.ir.interval import Interval
from hlsgen.ir.types import FixedType

_ORDER = ("FLOAT", "DOUBLE", "WHOLE")


class Kind(Enum):
    """How numbers are held: bits of a mantissa, and powers of two that steps and values keep within (a half of a step,
    and twice a value, are numbers as well)."""

    FLOAT = "float32", 24, 120
    DOUBLE = "float64", 53, 1000
    WHOLE = "int64", 62, 4096

    def __init__(self, dtype: str, bits: int, reach: int) -> None:
        self.dtype = np.dtype(dtype)
        self.bits = bits
        self.reach = reach

    @property
    def onnx(self) -> int:
        """The number that ONNX has for it."""
        from onnx import helper

        return int(helper.np_dtype_to_tensor_dtype(self.dtype))

    def holds(self, span: Interval) -> bool:
        """Whether every number of a range, on its grid, is one of these."""
        largest = max(abs(span.lowest), abs(span.highest))
        whole = largest.bit_length() - span.frac
        return largest <= 1 << self.bits and abs(span.frac) <= self.reach and whole <= self.reach

    def wider(self, other: Kind) -> Kind:
        """The one of two that holds more."""
        return max(self, other, key=lambda kind: _ORDER.index(kind.name))


REAL = (Kind.FLOAT, Kind.DOUBLE)
EVERY = (Kind.FLOAT, Kind.DOUBLE, Kind.WHOLE)


def kind_for(where: str, *spans: Interval, among: tuple[Kind, ...] = REAL) -> Kind:
    """The first kind that holds all ranges. Raises UnsupportedError, naming the layer, where none does."""
    found = next((kind for kind in among if all(kind.holds(span) for span in spans)), None)
    if found is None:
        bits = max(max(abs(span.lowest), abs(span.highest)).bit_length() for span in spans)
        raise UnsupportedError(
            f"{where}: export onnx: it computes with numbers of {bits} bits, and runtimes hold {among[-1].bits} "
            "exactly; give its inputs, weights or result fewer bits"
        )
    return found


def kind_of_type(where: str, fixed: FixedType) -> Kind:
    """The kind in which values of a type are held."""
    return kind_for(where, Interval.of_type(fixed, 1))


@dataclass(frozen=True)
class Wire:
    """Real numbers under a name; ``shape`` is that of the design, without the batch."""

    name: str
    kind: Kind
    shape: Shape
    first: bool = False
    """Whether channels stand in front of rows and columns, as ONNX's convolutions have them."""
