"""A design in real numbers, with some of its values cast and some of its weights rounded: to find what that costs.

Only what lies behind a change is computed again. Differs from the design itself in what accumulators, biases and inner
tables round, which is far less than what is looked for here; what is reported is measured on real designs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property

import numpy as np

from hlsgen.analysis.inaccuracy import with_real_constants
from hlsgen.design import arrays
from hlsgen.design.arrays import Array
from hlsgen.design.design import Design
from hlsgen.explore.quantization.placement import Sample, cast
from hlsgen.ir.constant import Floats
from hlsgen.ir.layer import Layer
from hlsgen.ir.loop import compute_unit, units
from hlsgen.ir.op import Op
from hlsgen.ir.types import FixedType
from hlsgen.ir.typing import Reason, Tensor

Types = Mapping[str, FixedType]
"""By the names of tensors."""
Layers = Mapping[str, Layer]
"""In the place of those of operations, by their names."""
Known = dict[Tensor, Floats]
Adjust = Callable[[Op, Sequence[Floats], list[Floats]], list[Floats]]
_FIXED = (Reason.CONFIGURATION, Reason.MODEL)
_SAMPLED = 1 << 15
"""Values that a sample keeps of a tensor."""


class Simulation:
    """A design on some data; ``inputs`` as users give them, by name.

    What configuration and model fixed is always cast; all else is as real numbers, but for what is asked for.
    """

    def __init__(self, design: Design, inputs: Mapping[str, Array]) -> None:
        self.design = design
        self._inputs = arrays.as_held(design.inputs, inputs)
        self.samples = min(len(data) for data in inputs.values())
        self._layers = {op.name: with_real_constants(op) for op in design}
        self._units = [(unit, {tensor for op in unit for tensor in op.inputs}) for unit in units(design)]
        self._means: dict[Tensor, Floats] = {}
        self._fixed = {t.name: t.type for t in design.tensors if t.typing.reason in _FIXED}

    def known(self, types: Types, layers: Layers, adjust: Adjust | None = None) -> Known:
        """Every value, with these casts and layers. ``adjust`` may change what an operation yields before its cast."""
        known: Known = {}
        for unit, _ in self._units:
            self._compute(unit, known, types, layers, adjust)
        return known

    @cached_property
    def right(self) -> Known:
        """Every value in real numbers."""
        return self.known({}, {})

    def right_means(self, tensor: Tensor) -> Floats:
        """The mean of each channel of a value in real numbers: found once, as many designs are held against it."""
        if tensor not in self._means:
            self._means[tensor] = channel_means(self.right[tensor])
        return self._means[tensor]

    def changed(
        self,
        base: Known,
        types: Types,
        layers: Layers,
        former_types: Types,
        former_layers: Layers,
        adjust: Adjust | None = None,
        again: Collection[str] = (),
    ) -> Known:
        """The same from ``base``, computed with the former casts and layers: only what differs is computed, and the
        operations ``again``, for which ``adjust`` is another one."""
        casts = {name for name in {*types, *former_types} if types.get(name) != former_types.get(name)}
        others = {name for name in {*layers, *former_layers} if layers.get(name) is not former_layers.get(name)}
        others.update(again)
        known, dirty = dict(base), set[Tensor]()
        for unit, read in self._units:
            own = any(op.name in others or any(t.name in casts for t in op.outputs) for op in unit)
            if own or not dirty.isdisjoint(read):
                self._compute(unit, known, types, layers, adjust)
                dirty.update(tensor for op in unit for tensor in op.outputs)
        return known

    def outputs(self, known: Known) -> list[Floats]:
        """The outputs as the model means them."""
        return [arrays.in_model_units(known[tensor], tensor) for tensor in self.design.outputs]

    def _compute(self, unit: list[Op], known: Known, types: Types, layers: Layers, adjust: Adjust | None) -> None:
        def computed(op: Op, given: Sequence[Floats]) -> list[Floats]:
            if op.is_input:
                results = [np.asarray(self._inputs[op.output.name], dtype=np.float64)]
            else:
                results = list(layers.get(op.name, self._layers[op.name]).evaluate_floats(given))
            if adjust is not None:
                results = adjust(op, given, results)
            return [self._cast(x, tensor, types) for x, tensor in zip(results, op.outputs, strict=True)]

        with np.errstate(all="ignore"):
            compute_unit(unit, known, computed)

    def _cast(self, values: Floats, tensor: Tensor, types: Types) -> Floats:
        fixed = types.get(tensor.name) or self._fixed.get(tensor.name)
        return values if fixed is None else cast(values, fixed)


def channel_means(values: Floats) -> Floats:
    """Of each channel (the last axis)."""
    found: Floats = values.reshape(-1, values.shape[-1]).mean(axis=0)
    return found


def sampled(values: Floats) -> Sample:
    """What to remember of all values of a tensor."""
    flat = values.reshape(-1)
    step = max(1, len(flat) // _SAMPLED)
    if step > 1 and step % 2 == 0:
        step += 1  # no common factor with extents that are powers of two: all channels are met
    return Sample(flat[::step], float(flat.min(initial=0.0)), float(flat.max(initial=0.0)))
