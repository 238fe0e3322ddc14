"""Per-channel scale and shift, and how they pass through layers that commute with them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hlsgen.ir.constant import Constant
from hlsgen.ir.graph import Node
from hlsgen.ir.types import FixedType
from hlsgen.layers.pooling2d import AveragePooling2D, GlobalAveragePooling, GlobalMaxPooling, MaxPooling2D
from hlsgen.layers.relu import Relu
from hlsgen.layers.scale import Scale
from hlsgen.layers.shape_ops import Concatenate, Mover

Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Affine:
    """``y = x * scale + shift``, both (channels,): real numbers, or exact constants."""

    scale: Constant
    shift: Constant

    @classmethod
    def of(cls, scale: Scale) -> Affine:
        return cls(scale.weight, scale.bias)

    @classmethod
    def identity(cls, channels: int) -> Affine:
        bit = FixedType(1, 1, False)
        ones, zeros = (np.full(channels, v, dtype=np.int64) for v in (1, 0))
        return cls(Constant.exactly(ones, bit, given=False), Constant.exactly(zeros, bit, given=False))

    def take(self, channels: Any) -> Affine:
        """Some channels, in another order, or repeated."""
        return Affine(_taken(self.scale, channels), _taken(self.shift, channels))

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


def _taken(constant: Constant, channels: Any) -> Constant:
    mantissas = None if constant.mantissas is None else constant.mantissas[channels]
    return replace(constant, values=constant.values[channels], mantissas=mantissas)


def _joined(a: Constant, b: Constant) -> Constant:
    """Both behind each other: exact if both are."""
    values = np.concatenate([a.effective, b.effective])
    if a.mantissas is None or b.mantissas is None:
        return Constant.of(values)
    from hlsgen.ir.constant import exact_constant

    frac = max(a.fixed[1], b.fixed[1])
    parts = [p.fixed[0].astype(object) << (frac - p.fixed[1]) for p in (a, b)]
    exact = exact_constant(np.concatenate(parts), frac)
    return replace(exact, given=a.given or b.given)


# -- through one layer ------------------------------------------------------------------------


def pulled_back(node: Node, affine: Affine) -> list[Affine] | None:
    """What the node's inputs must be scaled by, so that its output need not be; None where that is impossible."""
    layer = node.layer
    match layer:
        case Mover():
            return _back_through_mover(node, affine)
        case Concatenate(axis=axis):
            if axis != len(node.output.shape) - 1:
                return [affine, affine]
            first = node.inputs[0].shape[-1]
            return [affine.take(slice(first)), affine.take(slice(first, None))]
    return [affine] if _commutes(node, affine) else None


def pushed_ahead(node: Node, place: int, affine: Affine) -> Affine | None:
    """What the node's output must be scaled by, so that its input number ``place`` need not be."""
    layer = node.layer
    match layer:
        case Mover():
            return _ahead_through_mover(node, affine)
        case Concatenate(axis=axis):
            if axis != len(node.output.shape) - 1:
                return None
            other = Affine.identity(node.inputs[1 - place].shape[-1])
            return other.joined(affine) if place else affine.joined(other)
    return affine if _commutes(node, affine) else None


def _commutes(node: Node, affine: Affine) -> bool:
    """Whether a layer that keeps channels apart gives the same, scaled before or behind."""
    match node.layer:
        case MaxPooling2D() | GlobalMaxPooling():
            return affine.rises
        case Relu(ceiling=None):
            return affine.rises and not affine.shifts
        case AveragePooling2D() | GlobalAveragePooling():
            return not affine.shifts or _is_a_mean(node)
    return False


def _is_a_mean(node: Node) -> bool:
    """Whether the weights of an average add up to one (reciprocals that a quantiser rounded do not)."""
    match node.layer:
        case AveragePooling2D(window=window, reciprocal=reciprocal):
            counts = np.unique(window.counts(node.input.shape))
            return reciprocal.mantissas is None or bool((counts * reciprocal.effective[counts] == 1.0).all())
        case GlobalAveragePooling(reciprocal=reciprocal):
            cells = node.input.size // node.input.shape[-1]
            return reciprocal.mantissas is None or float(reciprocal.effective[0]) * cells == 1.0
    return False


def _channels_moved(node: Node) -> tuple[Indices, Indices, Indices]:
    """All (channel before, channel behind) that share an element; and the channels behind that hold padding."""
    assert isinstance(node.layer, Mover)
    before, behind = node.input.shape, node.output.shape
    marks = np.broadcast_to(np.arange(1, before[-1] + 1), (1, *before))
    moved = np.asarray(node.layer.move(marks), dtype=np.int64)  # type: ignore[arg-type]
    keys = np.unique(moved * behind[-1] + np.arange(behind[-1]))
    source, target = keys // behind[-1], keys % behind[-1]
    real = source > 0
    return source[real] - 1, target[real], target[~real]


def _back_through_mover(node: Node, affine: Affine) -> list[Affine] | None:
    source, target, padded = _channels_moved(node)
    picked = np.zeros(node.input.shape[-1], dtype=np.int64)
    picked[source] = target
    if not affine.agrees(picked[source], target) or affine.shift.effective[padded].any():
        return None
    return [affine.take(picked)]


def _ahead_through_mover(node: Node, affine: Affine) -> Affine | None:
    source, target, padded = _channels_moved(node)
    picked = np.zeros(node.output.shape[-1], dtype=np.int64)
    picked[target] = source
    if not affine.agrees(picked[target], source):
        return None
    behind = affine.take(picked)
    return None if behind.shift.effective[padded].any() else behind
