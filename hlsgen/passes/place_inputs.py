"""Choose the input types from calibration data where nobody fixed them."""

from __future__ import annotations

from dataclasses import dataclass

from hlsgen.ir.graph import Graph
from hlsgen.ir.reason import Reason
from hlsgen.ir.types import FixedType, Overflow, Rounding
from hlsgen.passes.base import Pass
from hlsgen.passes.expect_ranges import DEFAULT_INPUT

_FINEST = 1024
"""Inputs are real numbers: no grid of theirs ends the fraction."""


@dataclass(frozen=True)
class PlaceInputs(Pass):
    """With calibration data: integer bits for the largest magnitude seen, the rest of ``width`` for the fraction."""

    exact = False
    optional = False
    width: int = 16
    calibrated: bool = False

    def run(self, graph: Graph) -> bool:
        for value in graph.inputs:
            settings = value.producer.settings
            value.producer.reason = Reason.CONFIGURATION
            if settings.result is not None:
                continue
            settings.result = DEFAULT_INPUT
            value.producer.reason = Reason.BUDGET if self.calibrated else Reason.DEFAULT
            if self.calibrated and value.expected and value.expected.largest:
                integer = value.expected.integer_bits(self.width, True, _FINEST)
                settings.result = FixedType(self.width, integer, True, Rounding.RND, Overflow.SAT)
            elif not self.calibrated:
                graph.notes.append(
                    f"{value.name}: no input_precision and no calibration data; inputs are {DEFAULT_INPUT} "
                    f"({float(DEFAULT_INPUT.min):g} .. {float(DEFAULT_INPUT.max):g})"
                )
        return True
