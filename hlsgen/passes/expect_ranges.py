"""Estimate how large the values on every edge get in use, to place the bits of inferred result types.

With calibration data the graph is evaluated on it. Without, a seeded probe is sent through the network,
and at every BatchNormalization it is rescaled to the statistics the model carries, so that behind the
first one the probe looks like training data whatever the input was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from hlsgen.ir.graph import Graph, Node, Value
from hlsgen.layers.base import Floats
from hlsgen.layers.scale import Scale
from hlsgen.passes.base import Pass

_SEED = 20240229
_SAMPLES = 256
_FEWEST = 32
_BATCH_CELLS = 1 << 20
PROBE_MARGIN = 2.0
"""Factor above the largest probe value; saturation protects what lies beyond."""


@dataclass(frozen=True)
class ExpectRanges(Pass):
    """Set ``expected`` (largest magnitude) on every value. Options: calibration inputs by input name."""

    exact = True
    optional = False
    calibration: Mapping[str, Floats] | None = field(default=None, compare=False)

    def run(self, graph: Graph) -> bool:
        step = self._batch(graph)
        data = {v: self._data(v, step) for v in graph.inputs}
        count = min(len(x) for x in data.values())
        for start in range(0, count, step):
            self._observe(graph, {v: x[start : start + step] for v, x in data.items()})
        return True

    def _batch(self, graph: Graph) -> int:
        """Samples evaluated at once: few for large tensors, but enough for the statistics of a batch."""
        largest = max(node.output.size for node in graph)
        return min(max(_BATCH_CELLS // largest, _FEWEST), _SAMPLES)

    def _data(self, value: Value, samples: int) -> Floats:
        if self.calibration is not None:
            return np.asarray(self.calibration[value.name], dtype=np.float64)
        rng = np.random.default_rng(_SEED)
        probe = rng.standard_normal((samples, *value.shape))
        probe[1::2] = np.abs(probe[1::2])  # half like centred features, half like pixels or rates
        fixed = value.producer.settings.result
        return probe if fixed is None else np.clip(probe, float(fixed.min), float(fixed.max))

    def _observe(self, graph: Graph, data: Mapping[Value, Floats]) -> None:
        margin = 1.0 if self.calibration is not None else PROBE_MARGIN
        known: dict[Value, Floats] = dict(data)
        left = {node.output: graph.use_count(node.output) for node in graph}
        for node in graph:
            if node.inputs:
                known[node.output] = self._evaluate(node, [known[v] for v in node.inputs])
            largest = float(np.abs(known[node.output]).max(initial=0.0)) * margin
            node.output.expected = max(node.output.expected or 0.0, largest)
            for value in node.inputs:
                left[value] -= 1
                if not left[value]:
                    known.pop(value, None)

    def _evaluate(self, node: Node, inputs: list[Floats]) -> Floats:
        layer = node.layer
        if self.calibration is None and isinstance(layer, Scale) and layer.mean is not None:
            assert layer.deviation is not None
            x = inputs[0]
            axes = tuple(range(x.ndim - 1))
            spread = np.maximum(x.std(axis=axes), 1e-12)
            inputs = [(x - x.mean(axis=axes)) / spread * layer.deviation + layer.mean]
        return layer.evaluate_float(inputs)
