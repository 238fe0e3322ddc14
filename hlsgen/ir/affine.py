"""A scale and a shift for each channel, on their way through a graph."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hlsgen.ir.constant import Constant, exact_constant
from hlsgen.ir.types import FixedType

Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Affine:
    """``y = x * scale + shift``, both (channels,): real numbers, or exact constants."""

    scale: Constant
    shift: Constant

    @classmethod
    def identity(cls, channels: int) -> Affine:
        bit = FixedType(1, 1, False)
        ones, zeros = (np.full(channels, v, dtype=np.int64) for v in (1, 0))
        return cls(Constant.exactly(ones, bit, given=False), Constant.exactly(zeros, bit, given=False))

    def take(self, channels: Any) -> Affine:
        """Some channels, in another order, or repeated."""
        return Affine(self.scale.part(channels), self.shift.part(channels))

    def joined(self, other: Affine) -> Affine:
        """Our channels, then those of ``other``."""
        return Affine(_joined(self.scale, other.scale), _joined(self.shift, other.shift))

    @property
    def channels(self) -> int:
        return self.scale.shape[0]

    @property
    def rises(self) -> bool:
        """Whether no channel turns the order of values around."""
        return bool((self.scale.effective >= 0).all())

    @property
    def shifts(self) -> bool:
        return bool(self.shift.effective.any())

    def agrees(self, at: Indices, where: Indices) -> bool:
        """Whether the channels ``at`` have the scale and shift of the channels ``where``."""
        pairs = (self.scale.effective, self.shift.effective)
        return all(bool((v[at] == v[where]).all()) for v in pairs)


def _joined(a: Constant, b: Constant) -> Constant:
    """Both behind each other: exact if both are."""
    values = np.concatenate([a.effective, b.effective])
    if a.mantissas is None or b.mantissas is None:
        corrected = a.added is not None or b.added is not None
        added = [np.zeros(c.shape) if c.added is None else c.added for c in (a, b)]
        return Constant.of(values, np.concatenate(added) if corrected else None)
    frac = max(a.fixed[1], b.fixed[1])
    parts = [p.fixed[0].astype(object) << (frac - p.fixed[1]) for p in (a, b)]
    exact = exact_constant(np.concatenate(parts), frac)
    return replace(exact, given=a.given or b.given)
