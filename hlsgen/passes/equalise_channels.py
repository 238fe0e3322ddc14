"""Give channels the bits that they need, by powers of two that move between weights (or into a port)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hlsgen.ir.constant import Floats
from hlsgen.ir.graph import Graph, Value
from hlsgen.ir.held import Held
from hlsgen.ir.ties import Indices
from hlsgen.layers.linear import LinearLayer
from hlsgen.passes.base import Pass
from hlsgen.passes.channel_classes import ChannelClasses
from hlsgen.passes.channel_shares import channel_shares, channels_of, even_noise, rounding_noise
from hlsgen.passes.move_channels import move_channels
from hlsgen.passes.purity import pure_values
from hlsgen.passes.scale_routes import may_move

Mask = NDArray[np.bool_]

_MOST_OCTAVES = 40
"""Channels smaller than the largest by more than this are as good as zero."""
_BEYOND = 2
"""The weights of a moved channel may outgrow those of others by this many octaves: others lose so many bits."""


@dataclass(frozen=True)
class EqualiseChannels(Pass):
    """Multiply the channels of a hidden layer by powers of two, and divide what reads them by the same.

    before: ``x -> Dense (columns W[:, c]) -> Relu -> Dense (rows V[c, :])``, some channels far smaller than others
    after:  ``x -> Dense (W[:, c] * 2**k[c]) -> Relu -> Dense (V[c, :] / 2**k[c])``

    The real function is the same, exactly; rounding of the value in between, and of the weights around it, no longer
    drowns the small channels. The larger of two channels with equal shares in the result has the smaller weights behind
    it, so even channels are what the reader's weights want, too. What lies between must commute with factors
    (:meth:`~hlsgen.ir.layer.Layer.ties`), and channels that meet in a sum move together.

    Nothing changes where channels agree: rounding a value must cost ``2**least_octaves`` times more in what the model
    gives (estimated, :mod:`~hlsgen.passes.channel_shares`) than if each channel had a binary point of its own. Nothing
    is moved across a type, or into constants, that anybody fixed, nor at ports. A value remembers how it is held, by
    which traces and reports show what the model means.

    Options: the budget in bits of values of which nothing else is said; whether inputs whose types nobody fixed take
    part, so that each feature of a port has a binary point of its own (only calibration data tell how large those
    are); the layers whose results are held as somebody said; octaves that a moved channel keeps below the largest,
    since a single channel is estimated less surely than all together; how much must be lost.
    """

    exact = False
    width: int = 16
    inputs: bool = False
    held: frozenset[str] = frozenset()
    headroom: int = 1
    least_octaves: int = 2

    def run(self, graph: Graph) -> bool:
        work = _Equalisation(graph, self)
        exponents = work.exponents()
        if not exponents.any():
            return False
        work.apply(exponents)
        return True


class _Equalisation:
    """What is known of a graph, and the exponents that follow: one for each class of channels."""

    def __init__(self, graph: Graph, options: EqualiseChannels) -> None:
        self.graph, self.options = graph, options
        self.held = {graph.aliases[name] for name in options.held if name in graph.aliases}
        self.exact = {v for v in pure_values(graph) if not v.producer.is_input and not v.producer.layer.structural}
        self.classes = ChannelClasses(graph, may_move, self._is_fixed)
        self.shares = channel_shares(graph)
        self.known = {value: channels for value in graph.values if (channels := channels_of(value)) is not None}
        self.rounded = [value for value in self.known if not value.producer.layer.structural]
        self.largest = self._largest()

    def _is_fixed(self, value: Value) -> bool:
        """Whether a value must keep its size: an end of the model, a type that somebody fixed, or unknown channels.

        Values that are exact without any rounding of ours lose nothing.
        """
        port = value in self.graph.outputs or (value.producer.is_input and not self.options.inputs)
        said = value.producer.wish.casts or value in self.held
        return port or said or value in self.exact or channels_of(value) is None

    def _largest(self) -> Floats:
        """The largest magnitude in each class."""
        found = np.zeros(self.classes.count)
        for value, channels in self.known.items():
            np.maximum.at(found, self.classes.of(value), channels.largest)
        return found

    def exponents(self) -> Indices:
        """The exponent of each class: zero where it is fixed, or does not need to move."""
        found = np.zeros(self.classes.count, dtype=np.int64)
        losing = [value for value in self.rounded if self._loses(value)]
        if not losing:
            return found
        component = self.classes.components(self.graph.values)
        acting = np.unique(np.concatenate([component[self._free(value)] for value in losing]))
        for fit in (False, True):  # how large weights get follows from both sides of a layer: first without limits
            for number in acting:
                self._equalise(found, component == number, fit)
        return found

    def _free(self, value: Value) -> Indices:
        classes = self.classes.of(value)
        return np.asarray(classes[~self.classes.fixed[classes]])

    def _noise(self, value: Value, reach: Floats | float) -> Floats:
        """The noise that each channel adds, if the type of the value, or of the channel, ends at ``reach``."""
        step = np.exp2(np.frexp(reach)[1] - self._width(value))
        return rounding_noise(step, self.known[value], self.shares[value])

    def _loses(self, value: Value) -> bool:
        """Whether much is lost for the channels having one binary point, and some of them can move."""
        if not self._free(value).size:
            return False
        largest, least = self.known[value].largest, 2.0**self.options.least_octaves
        together, apart = (
            float(np.linalg.norm(self._noise(value, reach))) for reach in (float(largest.max()), largest)
        )
        return together > least * max(apart, even_noise(self._width(value)))

    def _width(self, value: Value) -> int:
        """The bits that a value gets."""
        return value.producer.wish.bits("result", self.options.width)

    def _equalise(self, found: Indices, chosen: Mask, fit: bool) -> None:
        """Set the exponents of the classes of one component (a mask of all classes)."""
        values = [value for value in self.graph.values if chosen[self.classes.of(value)].any()]
        beside = [self.classes.of(value)[self.classes.fixed[self.classes.of(value)]] for value in values]
        held = np.concatenate([np.zeros(0, dtype=np.int64), *beside])
        alive = chosen & ~self.classes.fixed & (self.largest > 0)
        if not alive.any():
            return
        reference = float((self.largest[held] if self.largest[held].any() else self.largest[alive]).max())
        octaves = np.zeros(self.classes.count, dtype=np.int64)
        octaves[alive] = np.floor(np.log2(reference / self.largest[alive])).astype(np.int64)
        up = np.maximum(octaves - self.options.headroom, 0)
        if fit:
            up = np.minimum(up, self._fitting(found, alive))
        found[alive] = np.where(octaves < 0, np.maximum(octaves, -_MOST_OCTAVES), np.minimum(up, _MOST_OCTAVES))[alive]
        self._quieten(found, chosen & ~self.classes.fixed & (self.largest == 0))

    def _quieten(self, found: Indices, dead: Mask) -> None:
        """Move channels that were never met other than zero, until the weights that read them are like the others.

        Those that make them stay with the others, too: a rectifier that is always off has some.
        """
        most = self._fitting(found, dead)
        for node in self.graph:
            if not isinstance(node.layer, LinearLayer) or not dead[self.classes.of(node.input)].any():
                continue
            classes = self.classes.of(node.input)
            size = node.layer.row_sizes() * np.exp2(-found[classes].astype(np.float64))
            others = size[~dead[classes]].max(initial=0.0)
            if others > 0:
                octaves = np.ceil(np.log2(np.maximum(size, others) / others)).astype(np.int64)
                more = np.where(dead[classes], octaves, 0)
                np.maximum.at(found, classes, np.minimum(found[classes] + more, most[classes]))

    def _fitting(self, found: Indices, alive: Mask) -> Indices:
        """By how many octaves each class may grow without its weights outgrowing those of others in the same layer.

        That could be where an input with large weights is always small, or where large products cancel: then the
        weights of all other channels would pay.
        """
        most = np.full(self.classes.count, _MOST_OCTAVES)
        for node in self.graph:
            if not isinstance(node.layer, LinearLayer) or not alive[self.classes.of(node.output)].any():
                continue
            classes = self.classes.of(node.output)
            size = _column_sizes(node.layer, np.exp2(-found[self.classes.of(node.input)].astype(np.float64)))
            weighty = size > 0
            room = np.floor(np.log2(size.max() / size[weighty])) + _BEYOND
            np.minimum.at(most, classes[weighty], np.minimum(room, _MOST_OCTAVES).astype(np.int64))
        return most

    def apply(self, exponents: Indices) -> None:
        """Move the channels of each class."""
        known = {value: exponents[self.classes.of(value)] for value in self.graph.values}
        held = {value: Held.octaves(mine.tolist()) for value, mine in known.items()}
        move_channels(self.graph, {value: found for value, found in held.items() if found is not None})


def _column_sizes(layer: LinearLayer, factors: Floats) -> Floats:
    """How large the weights of each output channel are (root of their squares' sum), rows times ``factors``."""
    weights = layer.weight.effective * np.broadcast_to(layer.per_input(factors), layer.weight.shape)
    return np.sqrt(np.asarray(layer.summed(np.square(weights)), dtype=np.float64))
