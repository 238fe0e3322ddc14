"""Say which inferred types are too coarse for what is expected of a model."""

from __future__ import annotations

from dataclasses import dataclass

from hlsgen.ir.text import percent
from hlsgen.precision.draft import Draft, Estimate, Step
from hlsgen.precision.rounding_errors import (
    USUAL_WIDTH,
    Culprit,
    expected_sizes,
    least_budget,
    most_error,
    rounding_errors,
    standardised_sizes,
)


@dataclass(frozen=True)
class StateRounding(Step):
    """Estimate which inferred types put an output off by more than a hundredth; changes no type.

    Option: the budget in bits of what has none of its own, from which the user may have taken some, and knows that
    rounding costs more then. That a type has fewer bits than the budget is no excuse. Where inputs are stated to
    hold far more than standardised data, both data that fill their types and standardised ones must be off: the
    former saturate, which no estimate knows.
    """

    exact = True
    optional = False
    width: int = USUAL_WIDTH

    def run(self, draft: Draft) -> bool:
        ops = [draft.op(node) for node in draft.graph]
        most = most_error(least_budget(ops, self.width))
        unsure = any(x.expected is not None and x.expected.standardised for op in ops for x in op.outputs)
        every = [rounding_errors(ops, sizes) for sizes in (expected_sizes, standardised_sizes)[: 1 + unsure]]
        worst: dict[Culprit, tuple[float, str]] = {}
        for value in draft.graph.outputs:
            error = min((errors[draft.tensors[value]] for errors in every), key=lambda error: error.relative)
            culprit = error.culprit
            if culprit is not None and error.relative > most:
                worst[culprit] = max(worst.get(culprit, (0.0, "")), (error.relative, value.name))
        draft.estimates += [_estimate(culprit, relative, output) for culprit, (relative, output) in worst.items()]
        return False


def _estimate(culprit: Culprit, relative: float, output: str) -> Estimate:
    text = (
        f"{culprit.type} is coarse: {culprit.what} to steps of {float(culprit.type.step):.3g} puts '{output}' off by "
        f"an estimated {percent(relative)} % rms; more bits (default_width=, or a type for this layer) or calibration= "
        "may help"
    )
    return Estimate(culprit.name, text, relative)
