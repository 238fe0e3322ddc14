"""How many bits a design holds: in weights and biases, and in the results of its layers for one sample."""

from __future__ import annotations

from dataclasses import dataclass

from hlsgen.config import Config
from hlsgen.design.design import Design
from hlsgen.explore.goals import Goal
from hlsgen.explore.objectives.base import Seen


@dataclass(frozen=True)
class Bits:
    """A sum of widths over elements."""

    goal: Goal
    weights: bool
    results: bool
    of_outputs: bool = False

    def check(self, config: Config) -> None:
        pass

    def value(self, seen: Seen) -> float:
        design = seen.project.design
        return float(self.weights * weight_bits(design) + self.results * result_bits(design))


def weight_bits(design: Design) -> int:
    """Of all constants that are weights or biases."""
    return sum(
        constant.known_type.width * constant.values.size
        for op in design
        for name, constant in op.layer.constants().items()
        if op.layer.constant_roles.get(name) in ("weight", "bias")
    )


def result_bits(design: Design) -> int:
    """Of what each operation gives, without inputs, and without what only has another shape."""
    return sum(
        tensor.type.width * tensor.size
        for op in design
        if not op.is_input and not op.layer.renames
        for tensor in op.outputs
    )


BITS = Bits(Goal("bits", higher_is_better=False, unit="bits"), weights=True, results=True)
WEIGHT_BITS = Bits(Goal("weight_bits", higher_is_better=False, unit="bits"), weights=True, results=False)
RESULT_BITS = Bits(Goal("result_bits", higher_is_better=False, unit="bits"), weights=False, results=True)
