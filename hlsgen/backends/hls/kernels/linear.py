"""Dense layers, convolutions and scales."""

from __future__ import annotations

from math import prod

from hlsgen.backends.hls.kernel import ConstantArray, Enumerator, Kernel, Members, Word, call, kernel_of, summed
from hlsgen.backends.hls.kernels.geometry import convolution
from hlsgen.backends.hls.schedule import pipeline_depth
from hlsgen.backends.hls.timing import Multiplying, Passing, Sliding
from hlsgen.ir.op import Op
from hlsgen.ir.types import Ints
from hlsgen.ir.wish import Strategy
from hlsgen.layers.conv2d import Conv2D
from hlsgen.layers.dense import Dense
from hlsgen.layers.depthwise_conv2d import DepthwiseConv2D
from hlsgen.layers.linear import LinearLayer
from hlsgen.layers.scale import Scale
from hlsgen.layers.window import Window

_MOST_POSITIONS = 16
"""Up to so many products of one matrix are unrolled side by side."""


def _members(layer: LinearLayer, op: Op, n_out: int) -> Members:
    weight, bias = layer.weight.known_type, layer.bias.known_type
    return {
        **summed(op),
        "n_out": n_out,
        "weight_t": weight,
        "bias_t": bias,
        "weight_word": Word(weight),
        "bias_word": Word(bias),
    }


def _matrix(layer: LinearLayer, op: Op, n_in: int, n_out: int) -> Members:
    """Of a product with a matrix, which has strategies."""
    strategy = Enumerator("strategy", op.strategy.value)
    return {"n_in": n_in, **_members(layer, op, n_out), "strategy": strategy}


def _constants(layer: LinearLayer, output_major: Ints) -> tuple[ConstantArray, ConstantArray]:
    bias, _ = layer.bias.fixed
    return (
        ConstantArray.of("w", output_major, layer.weight.known_type, "output, input"),
        ConstantArray.of("b", bias, layer.bias.known_type, "output"),
    )


def _turns(op: Op) -> tuple[int, int]:
    """Steps of a product, and cycles from step to step: a reuse factor is one or the other."""
    return (op.reuse_factor, 1) if op.strategy is Strategy.RESOURCE else (1, op.reuse_factor)


def _adders(n_in: int, turns: int) -> int:
    """The estimated depth of a pipeline that adds up ``n_in`` products and what is there already in ``turns`` steps."""
    return pipeline_depth(terms=-(-n_in // turns) + 1)


def _sliding(op: Op, window: Window, n_in: int, positions: int) -> Sliding:
    """A window that is multiplied."""
    turns, interval = _turns(op)
    return Sliding(
        window=window,
        shape=op.input.shape,
        turns=turns,
        interval=interval,
        depth=_adders(n_in, turns),
        array_steps=positions * turns,
    )


@kernel_of(Dense)
def dense(layer: Dense, op: Op) -> Kernel:
    positions = prod(op.output.shape[:-1])
    members = {**_matrix(layer, op, layer.n_in, layer.n_out), "positions": positions}
    w, _ = layer.weight.fixed
    turns, interval = _turns(op)
    timing = Multiplying(
        positions=positions,
        turns=turns,
        interval=interval,
        depth=_adders(layer.n_in, turns),
        array_steps=positions * turns,
    )
    small = positions <= _MOST_POSITIONS
    return call(op, "dense", "dense.h", members, *_constants(layer, w.T), small=small, timing=timing)


@kernel_of(Conv2D)
def conv2d(layer: Conv2D, op: Op) -> Kernel:
    window = convolution(layer.window, op.input.shape)
    members = {**_matrix(layer, op, layer.n_in, layer.n_out), **window.members}
    w = layer.weight.fixed[0].reshape(layer.n_in, layer.n_out)
    timing = _sliding(op, layer.window, layer.n_in, window.positions)
    small = window.positions == 1
    return call(op, "conv2d", "conv2d.h", members, *_constants(layer, w.T), small=small, timing=timing)


@kernel_of(DepthwiseConv2D)
def depthwise_conv2d(layer: DepthwiseConv2D, op: Op) -> Kernel:
    taps = layer.window.taps
    window = convolution(layer.window, op.input.shape)
    members = {**_members(layer, op, layer.n_out), **window.members}
    members |= {"depth_multiplier": layer.multiplier, "n_taps": taps}
    w = layer.weight.fixed[0].reshape(taps, layer.n_out)
    small, timing = window.positions == 1, _sliding(op, layer.window, taps, window.positions)
    constants = _constants(layer, w.T)
    return call(op, "depthwise_conv2d", "depthwise_conv2d.h", members, *constants, small=small, timing=timing)


@kernel_of(Scale)
def scale(layer: Scale, op: Op) -> Kernel:
    factor, bias = layer.weight.known_type, layer.bias.known_type
    members = {
        **summed(op),
        "size": op.output.size,
        "channels": op.output.shape[-1],
        "scale_t": factor,
        "bias_t": bias,
        "scale_word": Word(factor),
        "bias_word": Word(bias),
    }
    constants = (
        ConstantArray.of("s", layer.weight.fixed[0], factor, "channel"),
        ConstantArray.of("b", layer.bias.fixed[0], bias, "channel"),
    )
    timing = Passing(interval=op.reuse_factor, depth=pipeline_depth(terms=2))
    return call(op, "scale", "scale.h", members, *constants, timing=timing)
