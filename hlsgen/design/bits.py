"""How many bits a design takes: of weights, of other constants, of results and inputs; sums and means.

What is counted as what, and who asks: docs/precision.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hlsgen.ir.constant import Constant
from hlsgen.ir.op import Op
from hlsgen.ir.typing import Tensor


@dataclass(frozen=True)
class Words:
    """The words of some tensors or constants, as numbers that add up. Printed, their mean width."""

    tensors: int = 0
    elements: int = 0
    """Of all tensors together: one word each."""
    widths: int = 0
    """The width of a word of each tensor, added up over tensors."""
    bits: int = 0
    """Of all words."""

    @classmethod
    def of(cls, tensors: Iterable[Tensor]) -> Words:
        return cls._of((tensor.type.width, tensor.size) for tensor in tensors)

    @classmethod
    def of_constants(cls, constants: Iterable[Constant]) -> Words:
        """As they are stored: where channels have binary points of their own, with the bits that these differ by."""
        return cls._of((constant.known_type.width, constant.values.size) for constant in constants)

    @classmethod
    def _of(cls, found: Iterable[tuple[int, int]]) -> Words:
        every = list(found)
        elements, bits = sum(size for _, size in every), sum(width * size for width, size in every)
        return cls(len(every), elements, sum(width for width, _ in every), bits)

    def __add__(self, other: Words) -> Words:
        return Words(
            self.tensors + other.tensors,
            self.elements + other.elements,
            self.widths + other.widths,
            self.bits + other.bits,
        )

    @property
    def by_tensor(self) -> float:
        """The mean width, each tensor counting as one; 0 of none."""
        return self.widths / self.tensors if self.tensors else 0.0

    @property
    def by_element(self) -> float:
        """The mean width, each tensor counting as many times as it has elements; 0 of none."""
        return self.bits / self.elements if self.elements else 0.0

    @property
    def larger(self) -> float:
        """The larger of both."""
        return max(self.by_tensor, self.by_element)

    def __str__(self) -> str:
        return f"{self.by_tensor:.2f} ({self.by_element:.2f} by elements)"


@dataclass(frozen=True)
class Bits:
    """What a design, or some of its operations, take."""

    weights: Words
    """Of dense, convolutional and recurrent layers, and rows of embeddings."""
    factors: Words
    """Weights of which there is one a channel, as of a BatchNormalization that is not fused."""
    biases: Words
    others: Words
    """All other constants: slopes and limits, thresholds, what averages multiply by. Tables of functions are none."""
    results: Words
    """Of all values but inputs, also those inside of layers, and those that only move or clip others. Accumulators are
    none."""
    renamed: Words
    """Those of the results that are the same wire under another name, as behind a Flatten: in ``results``, too."""
    inputs: Words

    @classmethod
    def of(cls, operations: Iterable[Op]) -> Bits:
        ops = list(operations)
        constants: dict[str, list[Constant]] = {kind: [] for kind in _CONSTANTS}
        for op in ops:
            for name, constant in op.layer.constants().items():
                constants[_kind(op, name)].append(constant)
        results = [op for op in ops if not op.is_input]
        return cls(
            **{kind: Words.of_constants(found) for kind, found in constants.items()},
            results=_of_outputs(results),
            renamed=_of_outputs(op for op in results if op.layer.renames),
            inputs=_of_outputs(op for op in ops if op.is_input),
        )

    @property
    def parameters(self) -> Words:
        """Weights, factors and biases: what the model's training found."""
        return self.weights + self.factors + self.biases

    @property
    def constants(self) -> Words:
        """All constants."""
        return self.parameters + self.others


_CONSTANTS = ("weights", "factors", "biases", "others")


def _kind(op: Op, name: str) -> str:
    role = op.layer.constant_roles.get(name)
    if role == "weight":
        return "factors" if op.layer.constant_width else "weights"
    return "biases" if role == "bias" else "others"


def _of_outputs(ops: Iterable[Op]) -> Words:
    return Words.of(tensor for op in ops for tensor in op.outputs)
