"""How a tensor holds what the model means: less an offset, times a scale, channel by channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hlsgen.ir.constant import Floats


@dataclass(frozen=True)
class Held:
    """Channel c (of the last axis) of what the model means, ``v``, is held as ``(v - offset[c]) * scale[c]``.

    Scales are above zero. Where they are powers of two and offsets are zero, either is made of the other exactly.
    """

    scale: tuple[float, ...]
    offset: tuple[float, ...]

    @classmethod
    def of(cls, scale: Floats, offset: Floats) -> Held | None:
        """Numbers (channels,) of each; None where values are held as they are."""
        if (scale == 1).all() and not offset.any():
            return None
        return cls(tuple(map(float, scale)), tuple(float(o) + 0.0 for o in offset))

    @classmethod
    def octaves(cls, exponents: Sequence[int]) -> Held | None:
        """Channel c times ``2**exponents[c]``; None where all are zero."""
        return cls.of(np.exp2(np.array(exponents, dtype=np.float64)), np.zeros(len(exponents)))

    @classmethod
    def plainly(cls, channels: int) -> Held:
        """As they are."""
        return cls((1.0,) * channels, (0.0,) * channels)

    def __str__(self) -> str:
        """In words, with the least and the most of each number."""
        if self.exponents is not None:
            return f"times powers of two, from 2**{min(self.exponents)} to 2**{max(self.exponents)}"
        less = f"less {_span(self.offset)}" if self.shifts else ""
        times = f"times {_span(self.scale)}" if any(s != 1 for s in self.scale) else ""
        return ", ".join(part for part in (less, times) if part)

    @cached_property
    def exponents(self) -> tuple[int, ...] | None:
        """The powers of two that channels are held times; None where there is more to it."""
        parts, exponents = np.frexp(np.array(self.scale))
        return None if self.shifts or (parts != 0.5).any() else tuple(int(e) - 1 for e in exponents)

    @property
    def shifts(self) -> bool:
        """Whether any channel has an offset."""
        return any(self.offset)

    @cached_property
    def factors(self) -> Floats:
        """What each channel of what is held has to be multiplied by, before the offset is added (channels,)."""
        return np.asarray(1.0 / np.array(self.scale))

    @cached_property
    def offsets(self) -> Floats:
        """What the model means by a zero that is held (channels,)."""
        return np.array(self.offset)

    def as_held(self, values: Floats) -> Floats:
        """Real values (..., channels) as they are held."""
        return np.asarray((values - self.offsets) * np.array(self.scale))

    def in_model_units(self, values: Floats) -> Floats:
        """What is held (..., channels), as the model means it."""
        return np.asarray(values / np.array(self.scale) + self.offsets)

    def and_then(self, other: Held) -> Held | None:
        """What is held in this way, held once more: ``other`` says how."""
        scale = np.array(self.scale)
        return Held.of(scale * np.array(other.scale), self.offsets + other.offsets / scale)


def _span(numbers: Sequence[float]) -> str:
    least, most = min(numbers), max(numbers)
    return f"{least:.6g}" if least == most else f"{least:.6g} to {most:.6g}"
