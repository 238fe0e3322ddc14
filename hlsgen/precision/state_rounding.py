"""Say which inferred types are too coarse for what is expected of a model."""

from __future__ import annotations

from dataclasses import dataclass

from hlsgen.ir.types import FixedType
from hlsgen.precision.draft import Draft, Step
from hlsgen.precision.rounding_errors import MOST_ERROR, Culprit, rounding_errors

_USUAL_WIDTH = 16
"""Narrower types were chosen by the user, and with them that rounding costs more: twice as much a bit."""


@dataclass(frozen=True)
class StateRounding(Step):
    """Note every inferred type that puts an output off by more than a hundredth; changes no type."""

    exact = True
    optional = False

    def run(self, draft: Draft) -> bool:
        errors = rounding_errors(draft.op(node) for node in draft.graph)
        worst: dict[Culprit, tuple[float, str]] = {}
        for value in draft.graph.outputs:
            error = errors[draft.tensors[value]]
            culprit = error.culprit
            if culprit is not None and error.relative > _most_error(culprit.type):
                worst[culprit] = max(worst.get(culprit, (0.0, "")), (error.relative, value.name))
        draft.notes += [_note(culprit, relative, output) for culprit, (relative, output) in worst.items()]
        return False


def _most_error(fixed: FixedType) -> float:
    return MOST_ERROR * 2.0 ** max(0, _USUAL_WIDTH - fixed.width)


def _note(culprit: Culprit, relative: float, output: str) -> str:
    return (
        f"warning: {culprit.name}: {culprit.type} is coarse: {culprit.what} to steps of {float(culprit.type.step):.3g} "
        f"puts '{output}' off by an estimated {100 * relative:.2g} % rms; more bits (default_width=, or a type for "
        "this layer) or calibration= may help"
    )
