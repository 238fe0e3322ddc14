"""How far the types of inputs reach: one type, or one for each feature, whose powers of two the first layers take in.

The words of a port have one width, so features differ in their integer bits alone (docs/precision.md, "Types by
feature"). What readers do not commute with factors keeps one type with the largest of its features.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hlsgen.design import arrays
from hlsgen.design.arrays import Array
from hlsgen.explore.quantization.placement import typed
from hlsgen.explore.quantization.plan import known_inputs, spelled
from hlsgen.explore.quantization.tensors import held_in
from hlsgen.ir.constant import Floats
from hlsgen.ir.expected import magnitude_bits
from hlsgen.ir.text import percent
from hlsgen.ir.types import FixedType
from hlsgen.layers.linear import LinearLayer
from hlsgen.passes.hold_channels import ChannelScales
from hlsgen.pipeline import rewrite
from hlsgen.progress import say
from hlsgen.project import Project

InputRanges = Literal["auto", "max", "zscore", "robust"]
DEVIATIONS = 4.0
"""So many standard deviations from the middle are inside, by ``zscore`` and ``robust``."""
_WAYS: tuple[InputRanges, ...] = ("max", "zscore", "robust")
_QUARTILES = 1.349
"""The distance of the quartiles of normal values, in standard deviations."""
_DIFFERENT = 2
"""Features whose types differ by fewer octaves are as well in one."""
_OUTLYING = 4
"""By so many octaves samples are outside of what is usual, for clipping them to be tried where features agree."""
_WORTH = 0.5
"""What is to be left of a loss, for types by feature or clipping to be worth it."""
_MOST = 60
"""Features smaller than the largest by more octaves are as good as zero."""
_WIDTH = 16
"""Of types that are stated before their bits are searched: as good as real numbers, but for what they clip, which is
the same whatever the width."""

_ROWS = 1 << 18
"""Samples, or positions of those, by which means and quartiles are found."""

Scaling = Mapping[str, Mapping[str, Any]]
"""``input_scaling`` by the inputs' names."""


@dataclass(frozen=True)
class Ranged:
    """The type of an input, but for its width: chosen by what its features reach."""

    how: InputRanges
    farthest: FixedType
    """The type of the feature that reaches farthest."""
    octaves: tuple[int, ...]
    """By how much that of each feature reaches less far."""

    @property
    def spelled(self) -> str | list[str]:
        """As ``input_precision`` has it."""
        return spelled(self.farthest, self.octaves)


@dataclass(frozen=True)
class Inputs:
    """A project with the types of its inputs, of which only the width is left to be searched."""

    project: Project
    ranged: Mapping[str, Ranged]
    """By name; other inputs are placed as results are, or fixed."""

    obstacles: Mapping[str, str] = field(default_factory=dict)
    """Why features of an input that differ have no types of their own, by the input's name."""

    @property
    def notes(self) -> list[str]:
        """What users have to know."""
        return [f"{name}: features that differ have one type: {why}" for name, why in self.obstacles.items() if why]

    def done(self, name: str, placed: str, clipped: float) -> list[str]:
        """What was done to an input, in words; ``placed``: where nothing was chosen; ``clipped``: what part of its
        values."""
        one = self.ranged.get(name)
        words = [placed if one is None else one.how]
        if one is not None and any(one.octaves):
            words.append("each feature")
        return [*words, f"{percent(clipped)} % clipped"] if clipped else words

    def shown(self, name: str, fixed: FixedType) -> str:
        """The type of an input, or the first and the last of those of its features."""
        octaves = self.ranged[name].octaves if name in self.ranged else (0,)
        least, most = (replace(fixed, integer=fixed.integer - k).plain() for k in (max(octaves), min(octaves)))
        return str(most) if least == most else f"{least} .. {most}"


def placed_inputs(
    base: Project,
    data: Mapping[str, Array],
    scaling: Scaling,
    how: InputRanges | None,
    deviations: float,
    loss: Callable[[Inputs], float],
    leaves_room: Callable[[Inputs], bool],
) -> Inputs:
    """Choose how far the types of inputs reach.

    Args:
        base: a float model, without data and without ``scaling``.
        data: what to choose by, as users give it, by name.
        scaling: how raw data become what the model reads, by the names of inputs.
        how: ``auto``: what loses least, with a type for each feature only where that halves the loss; None: one type,
            placed as results are.
        deviations: of ``zscore`` and ``robust``.
        loss: what a design loses, with few bits everywhere.
        leaves_room: whether what such types clip, by itself, is little beside what may be missed.
    """
    free = [held.name for held in held_in(base.design) if held.role == "input"]
    every = arrays.as_held(base.design.inputs, data)
    features = {name: _Features(every[name]) for name in free}
    plain = _stated(base, scaling, {name: features[name].ranged("max", 0.0) for name in free if name in scaling})
    if not free or how is None:
        return plain
    if not _by_feature(base):
        whole = {name: one.ranged(how, deviations) for name, one in features.items()} if how != "auto" else plain.ranged
        return _stated(base, scaling, whole)
    ties = _Ties(plain.project, features)
    found = _least_loss(plain, ties, deviations, loss, leaves_room) if how == "auto" else plain
    if how != "auto":
        found = _stated(base, scaling, ties.apart(how, deviations))
    return replace(found, obstacles=ties.obstacles())


def _least_loss(
    plain: Inputs,
    ties: _Ties,
    deviations: float,
    loss: Callable[[Inputs], float],
    leaves_room: Callable[[Inputs], bool],
) -> Inputs:
    """Types by feature for inputs whose features differ, if they are worth it; clipping, if that is worth more, and
    costs little that no bit brings back: what a few samples far outside of all others do not need features to differ
    for."""
    best, least = plain, None
    whole = ties.apart("max", deviations)
    for way in _WAYS:
        differing = {
            name: one
            for name, one in ties.apart(way, deviations).items()
            if max(one.octaves) >= _DIFFERENT or whole[name].farthest.integer - one.farthest.integer >= _OUTLYING
        }
        if not differing:
            continue
        say(f"types for each feature, by {way}")
        least = loss(plain) if least is None else least
        tried = _stated(plain.project, {}, {**plain.ranged, **differing})
        lost = loss(tried)
        if lost <= _WORTH * least and (way == "max" or leaves_room(tried)):
            best, least = tried, lost
    return best


def _by_feature(project: Project) -> bool:
    return project.config.input_granularity == "channel"


def _stated(base: Project, scaling: Scaling, ranged: Mapping[str, Ranged]) -> Inputs:
    changes: dict[str, Any] = {}
    if scaling:
        changes["input_scaling"] = dict(scaling)
    if ranged:
        changes["input_precision"] = known_inputs(base.config) | {name: one.spelled for name, one in ranged.items()}
    return Inputs(base.with_settings(**changes) if changes else base, ranged)


class _Features:
    """What data show of the features of an input."""

    def __init__(self, values: Array) -> None:
        """``values``: (samples, ..., features)."""
        rows = values.reshape(-1, values.shape[-1])
        self._low, self._high = (np.asarray(end, dtype=np.float64) for end in (rows.min(axis=0), rows.max(axis=0)))
        step = -(-len(rows) // _ROWS) | 1  # odd: no common factor with extents of images
        self._rows = np.asarray(rows[::step], dtype=np.float64)
        self._signed = bool(self._low.min() < 0)

    def ranged(self, how: InputRanges, deviations: float) -> Ranged:
        """One type for all."""
        low, high = self._low.min(keepdims=True), self._high.max(keepdims=True)
        integer = self._integer(reach(self._rows.reshape(-1, 1), low, high, how, deviations))
        return Ranged(how, self.typed(int(integer[0])), (0,) * len(self._low))

    def integers(self, how: InputRanges, deviations: float) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """The integer bits of each feature, and whether it was ever other than zero."""
        reached = reach(self._rows, self._low, self._high, how, deviations)
        return self._integer(reached), reached > 0

    def typed(self, integer: int) -> FixedType:
        """A type for the feature that reaches farthest."""
        return typed(_WIDTH, integer, self._signed)

    def _integer(self, reached: Floats) -> NDArray[np.int64]:
        return np.array([magnitude_bits(one) + self._signed if one > 0 else 0 for one in reached.tolist()])


def reach(rows: Floats, low: Floats, high: Floats, how: InputRanges, deviations: float) -> Floats:
    """The largest magnitude that is to be held of each column of ``rows`` (samples, features), which were met from
    ``low`` to ``high`` (features,).

    ``max``: all; ``zscore``: within so many standard deviations of the mean; ``robust``: the same of the median, with
    deviations by the distance of the quartiles. A column without such a deviation is held whole.
    """
    largest: Floats = np.maximum(np.abs(low), np.abs(high))
    if how == "max":
        return largest
    unit = np.where(largest > 0, largest, 1.0)
    scaled = rows / unit  # no square leaves the range of floats
    if how == "zscore":
        middle, size = scaled.mean(axis=0), scaled.std(axis=0)
    else:
        lower, middle, upper = np.quantile(scaled, (0.25, 0.5, 0.75), axis=0)
        size = (upper - lower) / _QUARTILES
    least = np.maximum(middle - deviations * size, low / unit)
    most = np.minimum(middle + deviations * size, high / unit)
    within: Floats = np.maximum(-least, most) * unit
    return np.where((size > 0) & (within > 0), within, largest)


class _Ties:
    """Which features of inputs can be held times powers of two of their own, and which only together."""

    def __init__(self, project: Project, features: Mapping[str, _Features]) -> None:
        graph = rewrite(project.graph, project.config)
        self._graph, self._features = graph, features
        self._values = {value.name: value for value in graph.inputs if value.name in features}
        self._scales = ChannelScales(graph, frozenset(self._values.values()))

    def apart(self, how: InputRanges, deviations: float) -> dict[str, Ranged]:
        """Types for each feature: those that are tied have the same, and those that cannot move the farthest."""
        classes = self._scales.classes
        octaves, known = np.full(classes.count, _MOST), np.zeros(classes.count, dtype=bool)
        farthest: dict[str, int] = {}
        for name, value in self._values.items():
            integer, met = self._features[name].integers(how, deviations)
            met |= not met.any()
            farthest[name] = int(integer[met].max())
            np.minimum.at(octaves, classes.of(value)[met], farthest[name] - integer[met])
            known[classes.of(value)[met]] = True
        octaves[classes.fixed | ~known] = 0
        self._quieten(octaves, ~known & ~classes.fixed)
        return {
            name: Ranged(how, self._features[name].typed(farthest[name]), tuple(octaves[classes.of(value)].tolist()))
            for name, value in self._values.items()
        }

    def obstacles(self) -> dict[str, str]:
        """Why features that reach much less far than others have no type of their own, by input."""
        fixed, found = self._scales.classes.fixed, dict[str, str]()
        for name, value in self._values.items():
            integer, met = self._features[name].integers("max", 0.0)
            of = self._scales.classes.of(value)
            stopped = of[fixed[of] & met & (integer.max(where=met, initial=integer.min()) - integer >= _DIFFERENT)]
            if stopped.size:
                found[name] = self._scales.obstacle(int(stopped[0]))
        return found

    def _quieten(self, octaves: NDArray[np.int64], dead: NDArray[np.bool_]) -> None:
        """Let features that were never met other than zero reach less far, until the weights that read them are no
        larger than others, from which they would take bits."""
        for node in self._graph:
            if not isinstance(node.layer, LinearLayer) or not dead[self._scales.classes.of(node.input)].any():
                continue
            classes = self._scales.classes.of(node.input)
            size = node.layer.row_sizes() * np.exp2(-octaves[classes].astype(np.float64))
            others = size[~dead[classes]].max(initial=0.0)
            if others > 0:
                more = np.ceil(np.log2(np.maximum(size, others) / others)).astype(np.int64)
                np.maximum.at(octaves, classes[dead[classes]], np.minimum(more, _MOST)[dead[classes]])
