"""What the source model itself computes, by a design's own layers: real numbers, rounded where the model rounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from hlsgen.design import arrays
from hlsgen.design.arrays import Array
from hlsgen.design.design import Design
from hlsgen.ir.constant import Constant, Floats
from hlsgen.ir.expected import limited
from hlsgen.ir.layer import Layer
from hlsgen.ir.loop import compute_unit, units
from hlsgen.ir.op import Op
from hlsgen.ir.typing import Reason, Tensor

_CELLS = 1 << 22
"""Values of a design that are held at once."""


def evaluate_meaning(design: Design, inputs: Mapping[str, Array]) -> dict[Tensor, Floats]:
    """What every tensor would be if only the model's own quantisers rounded: float64 (samples, *shape), as held.

    ``inputs`` are as users give them, by input name. Constants are the real numbers they came from, and neither what
    inference found nor what the configuration fixed is cast to; what reaches infinity counts as very large. So it is
    what the source model computes, but for the order in which a framework adds up in float32.
    """
    held = arrays.as_held(design.inputs, inputs)
    known: dict[Tensor, Floats] = {}
    for tensor in design.inputs:
        real = limited(np.asarray(held[tensor.name], dtype=np.float64))
        known[tensor] = _as_the_model_rounds(real, tensor)
    layers = {op: _with_real_constants(op) for op in design if not op.is_input}

    def computed(op: Op, given: Sequence[Floats]) -> list[Floats]:
        results = map(_without_nan, layers[op].evaluate_floats(given))
        return [_as_the_model_rounds(limited(x), tensor) for x, tensor in zip(results, op.outputs, strict=True)]

    with np.errstate(all="ignore"):  # of infinite data
        for unit in units(op for op in design if not op.is_input):
            compute_unit(unit, known, computed)
    return known


def _with_real_constants(op: Op) -> Layer:
    """A layer without the rounding of its constants, but for that of the model's own quantisers."""
    free = {name: Constant.of(constant.meant) for name, constant in op.layer.constants().items() if not constant.given}
    return replace(op.layer, **free) if free else op.layer


def _without_nan(values: Floats) -> Floats:
    """What infinite data make of it, as a quotient of two infinities, is no number: it counts as zero."""
    return np.nan_to_num(values, nan=0.0, posinf=np.inf, neginf=-np.inf)


def _as_the_model_rounds(values: Floats, tensor: Tensor) -> Floats:
    if tensor.typing.reason is not Reason.MODEL:
        return values
    return np.asarray(tensor.type.to_float(tensor.type.quantize(values)), dtype=np.float64)


def meant_outputs(design: Design, inputs: Mapping[str, Array]) -> list[Array]:
    """What the source model computes for each output: float64 (samples, *shape), as the model means it.

    ``inputs`` are as users give them, one sample at least. In batches, so that memory stays bounded.
    """
    samples = min(len(data) for data in inputs.values())
    step = design.samples_within(samples, _CELLS)
    parts: list[list[Floats]] = []
    for start in range(0, samples, step):
        known = evaluate_meaning(design, {name: data[start : start + step] for name, data in inputs.items()})
        parts.append([arrays.in_model_units(known[tensor], tensor) for tensor in design.outputs])
    return [np.concatenate(every) for every in zip(*parts, strict=True)]
