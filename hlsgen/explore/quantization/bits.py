"""How many bits a design has: of weights, of results, of inputs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hlsgen.design.design import Design
from hlsgen.explore.quantization.tensors import weight_names
from hlsgen.ir.typing import Tensor


@dataclass(frozen=True)
class Mean:
    """A mean width: each tensor counting as one, or as many times as it has elements."""

    by_tensor: float
    by_element: float

    @property
    def larger(self) -> float:
        """The larger of both."""
        return max(self.by_tensor, self.by_element)

    def __str__(self) -> str:
        return f"{self.by_tensor:.2f} ({self.by_element:.2f} by elements)"


@dataclass(frozen=True)
class Bits:
    """The mean widths of a design."""

    weights: Mean
    """Of constants that are weights, as they are stored."""
    results: Mean
    """Of all values but inputs: every tensor of the design, also those inside of layers. Accumulators are none."""
    inputs: Mean

    @classmethod
    def of(cls, design: Design) -> Bits:
        weights = [
            (constant.known_type.width, constant.values.size)
            for op in design
            for name in weight_names(op)
            if not op.layer.constant_width
            for constant in [op.layer.constants()[name]]
        ]
        tensors = [tensor for op in design if not op.is_input for tensor in op.outputs]
        return cls(_mean(weights), _mean_of(tensors), _mean_of(design.inputs))


def _mean_of(tensors: Iterable[Tensor]) -> Mean:
    return _mean([(tensor.type.width, tensor.size) for tensor in tensors])


def _mean(found: list[tuple[int, int]]) -> Mean:
    if not found:
        return Mean(0.0, 0.0)
    elements = sum(size for _, size in found)
    return Mean(sum(width for width, _ in found) / len(found), sum(w * size for w, size in found) / elements)
