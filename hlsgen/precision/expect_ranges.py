"""Estimate how large the values on every edge get in use, to place the bits of inferred result types.

With calibration data the graph is evaluated on it. Without, seeded probes are sent through the network; one
of them is rescaled at every BatchNormalization to the statistics the model carries, so that behind the first
one it looks like training data whatever the input was.

What no reader tells apart does not count: of a sum that only a ReLU reads, nothing below zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from hlsgen.ir.constant import Floats, Shape
from hlsgen.ir.demand import EVERYTHING, Demand
from hlsgen.ir.expected import Channels, Expected, Histogram, Origin, limited
from hlsgen.ir.graph import Graph, Node, Value
from hlsgen.ir.layer import Statistics
from hlsgen.ir.loop import Role, compute_unit, units
from hlsgen.ir.types import FixedType
from hlsgen.passes.base import Pass
from hlsgen.precision.draft import demands, wished_casts
from hlsgen.precision.inputs import fills
from hlsgen.precision.part import Part, whole_of
from hlsgen.precision.probe_size import ProbeSize, batch_size, probe_size
from hlsgen.precision.readers import Readers

_SEED = 20240229
_LEAST = 1e-12
"""A channel that deviates less is constant."""
_NARROW = 10
"""Types of at most so many bits are taken as filled evenly."""
_STANDARDISED = 8
"""What holds no more than this in magnitude is stated for data of about that size."""
_COARSE = 1 / 16
"""With a larger step than this, a type is not stated for standardised data: they would be off by 2 % and more."""
_PLAUSIBLE_OCTAVES, _PLAUSIBLE_SHIFT = 0.5, 0.4
"""How far off the deviation (in octaves) and the mean (in deviations) of a channel typically are, at most, where
statistics come from training: 0.3 and 0.3 in trained networks, 0.45 and 0.65 and more with random statistics."""
PROBE_MARGIN = 2.0
"""Factor above the largest probe value; saturation protects what lies beyond."""


def calibration_margin(method: str, width: int) -> float:
    """What results of ``width`` bits may exceed those on calibration data by: in use, a few are a little larger.

    A bit that is unused costs less than a value that saturates, unless there are few.
    """
    return 1.25 if method == "max" and width >= 12 else 1.0


class _Seen:
    """What was met on an edge so far, in each channel: as much of it as the readers can tell apart."""

    def __init__(self, channels: int, histogram: Histogram | None, wanted: Demand) -> None:
        self.low = -np.inf if wanted.low is None else float(wanted.low)
        self.high = np.inf if wanted.high is None else float(wanted.high)
        self.magnitudes, self.squares, self.sums = np.zeros(channels), np.zeros(channels), np.zeros(channels)
        self.count = 0
        """Values of each channel."""
        self.whole = 0.0
        """The largest magnitude, wanted or not."""
        self.histogram = histogram

    def add(self, values: Floats) -> None:
        self.whole = max(self.whole, float(np.abs(values).max(initial=0.0)))
        x = values if -self.low == self.high == np.inf else np.clip(values, self.low, self.high)
        flat = x.reshape(-1, x.shape[-1])
        self.magnitudes = np.maximum(self.magnitudes, np.abs(flat).max(axis=0, initial=0.0))
        self.squares += np.square(flat).sum(axis=0)
        self.sums += flat.sum(axis=0)
        self.count += len(flat)
        if self.histogram is not None:
            self.histogram.add(x)

    @property
    def largest(self) -> float:
        return float(self.magnitudes.max(initial=0.0))

    @property
    def rms(self) -> float:
        return float(np.sqrt(self.squares.sum() / max(self.count * len(self.squares), 1)))

    @property
    def channels(self) -> Channels:
        count = max(self.count, 1)
        return Channels(self.magnitudes, np.sqrt(self.squares / count), self.sums / count)


@dataclass(frozen=True, eq=False)
class _Flow:
    """Data that runs through the network once; ``follows`` the statistics of BatchNormalization or not."""

    data: Mapping[Value, Floats]
    part: Part[Value]
    """Which part of the values the data are."""
    origin: Origin
    follows: bool = False


@dataclass(frozen=True)
class ExpectRanges(Pass):
    """Set ``expected`` on every value: calibration data, else statistics and probes.

    Options: calibration inputs by input name; ``method``: hold the largest value seen (max), all but a few
    (percentile), or what gives the least squared error (mse); ``width``: the budget in bits of results of which nothing
    else is said, by which the factor goes that is taken above what was seen (of inputs, predict warns).
    """

    exact = True
    optional = False
    calibration: Mapping[str, Floats] | None = field(default=None, compare=False)
    method: str = "max"
    percentile: float = 99.99
    width: int = 0

    def run(self, graph: Graph) -> bool:
        if self.calibration is not None:
            found = self.calibrated(graph, self.calibration)
        else:
            size = probe_size(graph)
            readers = Readers(graph)
            data = {v: probe(v, size.samples, size.part.shapes[v], readers.number(v)) for v in graph.inputs}
            found = self._estimate(graph, data, size)
            small = {v: standardised(v, size.samples, size.part.shapes[v]) for v in graph.inputs}
            if any(x is not None for x in small.values()):
                data = {v: data[v] if x is None else x for v, x in small.items()}
                least = self._estimate(graph, data, size)
                found = {value: replace(expected, standardised=least[value]) for value, expected in found.items()}
        for value in graph.values:
            value.expected = found[value]
        return True

    def calibrated(self, graph: Graph, calibration: Mapping[str, Floats]) -> dict[Value, Expected]:
        """What is met with calibration data, as the values of the graph hold it."""
        data = {v: np.asarray(calibration[v.name], dtype=np.float64) for v in graph.inputs}
        held = {v: x if v.held is None else v.held.as_held(x) for v, x in data.items()}
        whole = whole_of(graph)
        return self._send(graph, _Flow(held, whole, Origin.CALIBRATION), batch_size(graph, whole))[0]

    def _estimate(self, graph: Graph, data: Mapping[Value, Floats], size: ProbeSize) -> dict[Value, Expected]:
        """What is expected without calibration data, from made-up inputs and the statistics that the model holds."""
        origin = Origin.INPUT_TYPE if any(fills(v) for v in graph.inputs) else Origin.PROBE
        plain = _Flow(data, size.part, origin)
        if not any(node.layer.statistics for node in graph):
            return self._send(graph, plain, size.samples)[0]
        following = _Flow(data, size.part, Origin.STATISTICS, follows=True)
        found, plausible = self._send(graph, following, size.samples)
        if plausible:
            return found
        other, _ = self._send(graph, plain, size.samples)  # then either may be right: the larger counts
        return {value: max(found[value], other[value], key=lambda expected: expected.reach) for value in found}

    def _expected(self, value: Value, seen: _Seen, flow: _Flow) -> Expected:
        margin = self._margin(value.producer) if flow.origin is Origin.CALIBRATION else PROBE_MARGIN
        if not seen.largest:  # nothing that is wanted was met: what is placed by the rest at least takes no more bits
            return Expected(0.0, seen.whole * margin, flow.origin, 0.0, None, seen.channels)
        reach, histogram = seen.largest * margin, None
        if seen.histogram is not None and self.method == "percentile":
            reach = min(reach, seen.histogram.percentile(self.percentile))
        elif seen.histogram is not None:
            histogram = seen.histogram
        return Expected(seen.largest, reach, flow.origin, seen.rms, histogram, seen.channels)

    def _margin(self, node: Node) -> float:
        """The factor above what was seen of a node with calibration data."""
        return 1.0 if node.is_input else calibration_margin(self.method, node.wish.bits("result", self.width))

    def _send(self, graph: Graph, flow: _Flow, step: int) -> tuple[dict[Value, Expected], bool]:
        """Send a flow through the graph, batch by batch.

        Returns what is expected of each value, and whether the statistics it followed are plausible.
        """
        counted = self.calibration is not None and self.method != "max"
        wanted = _wanted(graph)
        seen = {v: _Seen(v.shape[-1], Histogram() if counted else None, wanted[v]) for v in graph.values}
        comparison = _Comparison(graph)
        count = min(len(x) for x in flow.data.values())
        for start in range(0, count, step):
            batch = {v: x[start : start + step] for v, x in flow.data.items()}
            self._observe(graph, replace(flow, data=batch), comparison, seen)
        return {value: self._expected(value, met, flow) for value, met in seen.items()}, comparison.plausible

    def _observe(self, graph: Graph, flow: _Flow, comparison: _Comparison, seen: dict[Value, _Seen]) -> None:
        known: dict[Value, Floats] = dict(flow.data)
        left = {value: graph.use_count(value) for value in graph.values}

        def observed(node: Node, results: Sequence[Floats]) -> list[Floats]:
            met = [limited(result) for result in results]
            for value, values in zip(node.outputs, met, strict=True):
                seen[value].add(values)
            return [_saturated(node, values) for values in met]

        def computed(node: Node, given: Sequence[Floats]) -> list[Floats]:
            inputs, statistics = list(given), node.layer.statistics
            if flow.follows and statistics is not None:
                inputs = [comparison.normalised(node, statistics, inputs[0])]
            return observed(node, node.layer.evaluate_floats(inputs))

        for unit in units(graph):
            if unit[0].is_input:
                known[unit[0].output] = observed(unit[0], [known[unit[0].output]])[0]
                continue
            compute_unit(unit, known, computed, flow.part.taken)
            for state in (node for node in unit if node.layer.border and node.layer.border.role is Role.STATE):
                observed(state, [known[state.output]])
            for value in (value for node in unit for value in node.inputs):
                left[value] -= 1
                if not left[value]:
                    known.pop(value, None)


def _wanted(graph: Graph) -> dict[Value, Demand]:
    """What is wanted of every value; of inputs, all is of interest."""
    layers, casts = {node: node.layer for node in graph}, {node: wished_casts(node) for node in graph}
    return {v: EVERYTHING if v.producer.is_input else d for v, d in demands(graph, layers, casts).items()}


def _saturated(node: Node, x: Floats) -> Floats:
    """What a type that is fixed already leaves of the values; beside its range, no rounding matters here."""
    fixed = node.wish.result
    if fixed is None or not fixed.saturates:
        return x
    return np.clip(x, float(fixed.min), float(fixed.max))


class _Comparison:
    """Rescales a probe to the statistics of each BatchNormalization, and remembers how far off it was."""

    def __init__(self, graph: Graph) -> None:
        self._behind = _behind_statistics(graph)
        self._adapted = all(node.source.class_name == "Normalization" for node in graph if node.layer.statistics)
        self._octaves: list[Floats] = []
        self._shifts: list[Floats] = []

    def normalised(self, node: Node, statistics: Statistics, x: Floats) -> Floats:
        """``x`` (samples, ..., channels) with the mean and deviation that it had in training."""
        mean, deviation = statistics
        axes = tuple(range(x.ndim - 1))
        found, spread = x.mean(axis=axes), np.maximum(x.std(axis=axes), _LEAST)
        if node.input in self._behind:
            alive = np.maximum(deviation, _LEAST)
            self._octaves.append(np.abs(np.log2(spread) - np.log2(alive)))
            self._shifts.append(np.abs(found - mean) / alive)
        result: Floats = (x - found) / spread * deviation + mean
        return result

    @property
    def plausible(self) -> bool:
        """Whether the statistics agree with each other: rescaled to the first, the probe resembles the later.

        Those of a Normalization, which are never trained but measured, need no confirmation.
        """
        if not self._octaves:
            return self._adapted
        return _median(self._octaves) <= _PLAUSIBLE_OCTAVES and _median(self._shifts) <= _PLAUSIBLE_SHIFT


def _median(parts: list[Floats]) -> float:
    return float(np.median(np.concatenate(parts))) if parts else np.inf


def _behind_statistics(graph: Graph) -> set[Value]:
    """The values that depend on a trained BatchNormalization: there a probe should resemble training data."""
    found: set[Value] = set()
    for node in graph:
        if node.layer.statistics or not found.isdisjoint(node.inputs):
            found.update(node.outputs)
    return found


def probe(value: Value, samples: int, shape: Shape, number: FixedType | None = None) -> Floats:
    """Made-up inputs (samples, *shape): standard normal, or filling the type that the user stated.

    ``number``: the type of whole numbers as which all readers take it, if they do. Any of these is as likely, for each
    picks a row of a table, and rows have no order.
    """
    fixed, octaves = value.producer.wish.result, value.producer.wish.octaves
    if octaves is not None:
        return _filling(fixed, samples, shape) * np.exp2(-np.array(octaves, dtype=np.float64))
    if number is not None:
        numbers = np.random.default_rng(_SEED).integers(int(number.min), int(number.max) + 1, (samples, *shape))
        held: Floats = np.asarray(numbers, dtype=np.float64)
        return held if fixed is None else np.clip(held, float(fixed.min), float(fixed.max))
    return _filling(fixed if fills(value) else None, samples, shape)


def _filling(fixed: FixedType | None, samples: int, shape: Shape) -> Floats:
    """Data that fill a type; standard normal ones for none."""
    if fixed is None:
        return _standard_normal(samples, shape)
    low, high = float(fixed.min), float(fixed.max)
    if fixed.width <= _NARROW:
        rng = np.random.default_rng(_SEED)
        return _half_positive(rng.uniform(low, high, (samples, *shape)))
    # bits to spare: rather a bell, that reaches the ends now and then
    return np.clip(_standard_normal(samples, shape) * max(-low, high) / 4.0, low, high)


def standardised(value: Value, samples: int, shape: Shape) -> Floats | None:
    """Inputs of the usual size, where the type that the user stated would hold much larger ones; None elsewhere."""
    fixed = value.producer.wish.result
    if fixed is None or not fills(value) or fixed.width <= _NARROW or value.producer.wish.octaves is not None:
        return None
    if fixed.max <= _STANDARDISED or fixed.step > _COARSE:
        return None
    return np.clip(_standard_normal(samples, shape), float(fixed.min), float(fixed.max))


def _standard_normal(samples: int, shape: Shape) -> Floats:
    return _half_positive(np.random.default_rng(_SEED).standard_normal((samples, *shape)))


def _half_positive(data: Floats) -> Floats:
    """Half like centred features, half like pixels or rates."""
    data[1::2] = np.abs(data[1::2])
    return data
