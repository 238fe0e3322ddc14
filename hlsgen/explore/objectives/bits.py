"""How many bits a design holds: in weights and biases, and in the results of its layers for one sample."""

from __future__ import annotations

from dataclasses import dataclass

from hlsgen.config import Config
from hlsgen.design import bits
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
        found = bits.Bits.of(seen.project.design)
        results = found.results.bits - found.renamed.bits
        return float(self.weights * found.parameters.bits + self.results * results)


BITS = Bits(Goal("bits", higher_is_better=False, unit="bits"), weights=True, results=True)
WEIGHT_BITS = Bits(Goal("weight_bits", higher_is_better=False, unit="bits"), weights=True, results=False)
RESULT_BITS = Bits(Goal("result_bits", higher_is_better=False, unit="bits"), weights=False, results=True)
