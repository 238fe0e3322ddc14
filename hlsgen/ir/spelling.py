"""Types as somebody wrote them: what a mode is that was left out depends on what the type is for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from hlsgen.ir.types import FixedType, Overflow, Rounding


class Modes(NamedTuple):
    """How values become values of a type."""

    rounding: Rounding
    overflow: Overflow


INPUT_MODES = Modes(Rounding.RND, Overflow.SAT)
CONSTANT_MODES = Modes(Rounding.RND_CONV, Overflow.SAT)
"""Of weights, biases and tables, which are made once and cost no hardware."""
CAST_MODES = Modes(Rounding.TRN, Overflow.WRAP)
"""Of accumulators and results: those of a C++ type without modes."""


@dataclass(frozen=True)
class WrittenType:
    """A type and which of its modes were written: ``fixed<8,1>`` none, ``fixed<8,1,RND>`` the rounding alone."""

    type: FixedType
    """With the modes of C++ where none was written."""
    rounding: bool = True
    overflow: bool = True

    @classmethod
    def parse(cls, text: str | FixedType | WrittenType) -> WrittenType:
        """Read what :meth:`FixedType.parse` reads; a FixedType has all its modes. Raises TypeSpecError."""
        if isinstance(text, WrittenType):
            return text
        if isinstance(text, FixedType):
            return cls(text)
        fixed = FixedType.parse(text)
        modes = str(text).count(",") - 1  # behind width and integer bits; of int<4>, none
        return cls(fixed, modes >= 1, modes >= 2)

    def completed(self, modes: Modes) -> FixedType:
        """The type, with ``modes`` where none was written."""
        return replace(
            self.type,
            rounding=self.type.rounding if self.rounding else modes.rounding,
            overflow=self.type.overflow if self.overflow else modes.overflow,
        )

    def __str__(self) -> str:
        fixed = self.type
        parts = [str(fixed.width), str(fixed.integer)]
        if self.rounding:
            parts.append(fixed.rounding.value)
        if self.overflow:
            parts.append(fixed.overflow.value)
        if fixed.saturation_bits:
            parts.append(str(fixed.saturation_bits))
        return f"{'' if fixed.signed else 'u'}fixed<{','.join(parts)}>"
