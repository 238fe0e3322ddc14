"""How much each channel of each value has to do with what the model gives, and what its rounding costs there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hlsgen.ir.constant import Constant, Floats
from hlsgen.ir.expected import Channels
from hlsgen.ir.graph import Graph, Node, Value
from hlsgen.ir.layer import Packing
from hlsgen.layers.linear import LinearLayer


def channels_of(value: Value) -> Channels | None:
    """What is expected of the channels of a value; None where that is not known."""
    channels = None if value.expected is None else value.expected.channels
    return channels if channels is not None and len(channels.rms) == value.shape[-1] else None


def channel_shares(graph: Graph) -> dict[Value, Floats]:
    """The part of what the model gives that comes through each channel: (channels,) for each value.

    Every output of the model counts one, and each of its channels that is not always zero the same. Of a sum, each part
    has a share by the power (mean square) that it adds; so a relative error ``e`` of a channel with the share ``s``
    makes one of ``e * sqrt(s)`` in the outputs, if errors are independent. A channel that nothing depends on has none.
    """
    shares = {value: np.zeros(value.shape[-1]) for value in graph.values}
    for value in graph.outputs:
        alive = _power(value) > 0
        shares[value] = shares[value] + alive / max(int(alive.sum()), 1)
    for node in reversed(graph.nodes):
        if not node.is_input:
            parts = _before(node, [shares[value] for value in node.outputs])
            for value, part in zip(node.inputs, parts, strict=True):
                shares[value] = shares[value] + part
    return shares


def _power(value: Value) -> Floats:
    channels = channels_of(value)
    return np.ones(value.shape[-1]) if channels is None else np.square(channels.rms)


def _before(node: Node, shares: Sequence[Floats]) -> list[Floats]:
    """The shares of the inputs' channels in those of the results."""
    powers = [_power(value) for value in node.inputs]
    layer = node.layer
    if isinstance(layer, LinearLayer):
        return [layer.shares_before(powers[0], shares[0])]
    ties = layer.ties(node.input_shapes)
    if ties is None:
        same = layer.packing in (Packing.ELEMENTS, Packing.CHANNELS, Packing.PAIRS)
        whole = sum(float(part.sum()) for part in shares)
        return [shares[0] if same else whole * power / max(float(power.sum()), _LEAST) for power in powers]
    found = [np.zeros_like(power) for power in powers]
    for output, share in enumerate(shares):
        mine = [tie for tie in ties if tie.output == output]
        total = np.zeros_like(share)
        for tie in mine:
            np.add.at(total, tie.behind, powers[tie.place][tie.before])
        part = np.divide(share, total, out=np.zeros_like(total), where=total > 0)
        for tie in mine:
            np.add.at(found[tie.place], tie.before, powers[tie.place][tie.before] * part[tie.behind])
    return found


_LEAST = 1e-300
"""Below this, a power is none."""


def even_noise(width: int) -> float:
    """What rounding to ``width`` bits costs where channels agree: their bits reach the largest value, with a margin,
    which is some 8 to 16 times the usual one."""
    return float(2.0 ** (3 - width))


def rounding_noise(step: Floats | float, channels: Channels, shares: Floats) -> Floats:
    """The error of the model's outputs, relative to them, that rounding of each channel to ``step`` makes (estimated).

    An error of uniform distribution has the variance ``step**2 / 12``.
    """
    relative = np.divide(step, channels.rms, out=np.zeros_like(channels.rms), where=channels.rms > 0)
    noise: Floats = np.sqrt(shares) * relative / np.sqrt(12.0)
    return noise


def weight_noise(layer: LinearLayer, weight: Constant, power: Floats, shares: Floats) -> Floats:
    """The error of the model's outputs, relative to them, that rounding of ``weight`` makes in each output channel.

    ``power`` (channels in,) are the mean squares of the inputs, ``shares`` (channels out,) those of the outputs.
    """
    off = replace(layer, weight=Constant.of(weight.effective - weight.values)).power_behind(power)
    whole = replace(layer, weight=Constant.of(weight.values)).power_behind(power)
    noise: Floats = np.sqrt(shares * np.divide(off, whole, out=np.zeros_like(off), where=whole > 0))
    return noise
