"""What is done with each number by itself: casts, rectifiers, gates, merges, steps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hlsgen.exports.onnx.kinds import Kind, Wire
from hlsgen.exports.onnx.network import Network
from hlsgen.exports.onnx.operations.linear import summed
from hlsgen.exports.onnx.writing import Result, writes
from hlsgen.ir.constant import Constant
from hlsgen.ir.interval import Interval
from hlsgen.ir.layer import Layer
from hlsgen.ir.op import Op
from hlsgen.ir.types import Ints
from hlsgen.layers.cast_each import CastEach
from hlsgen.layers.convert import Convert
from hlsgen.layers.gate import Gate
from hlsgen.layers.loops import Carry
from hlsgen.layers.merge import Merge
from hlsgen.layers.prelu import PRelu
from hlsgen.layers.quantized import Saturate
from hlsgen.layers.relu import Relu
from hlsgen.layers.thresholds import Thresholds

_MERGES = {"add": "Add", "subtract": "Sub", "multiply": "Mul", "maximum": "Max", "minimum": "Min"}


@writes(Convert, Saturate, Carry)
def convert(layer: Layer, op: Op, network: Network) -> Result:
    """The cast behind it is all."""
    return network.read(op.input)


@writes(CastEach)
def cast_each(layer: CastEach, op: Op, network: Network) -> Result:
    """One computation of whole numbers for all elements, with numbers of their own."""
    wholes, steps, nodes = network.wholes(op), layer.steps(op.input.type), network.nodes
    grid, reach = steps.type.frac, (steps.type.min_mantissa, steps.type.max_mantissa)
    x = wholes.finer(network.whole(op, op.input), grid)
    added, zero = wholes.number(steps.add, grid), wholes.number(0, grid)
    if steps.other is not None:
        if steps.odd is None:
            truth = wholes.is_true("Less", x, zero)
        else:
            bit = nodes.one("BitwiseAnd", x.name, wholes.number(steps.odd).name)
            truth = nodes.one("Greater", bit, zero.name)
        added = wholes.chosen(truth, wholes.number(steps.other, grid), added)
    masked = nodes.one("BitwiseAnd", wholes.plus(x, added).name, wholes.number(steps.mask).name)
    kept, low = wholes.known(masked, grid, *reach), wholes.number(steps.low, grid)
    if steps.high is None:
        return wholes.minus(kept, low)
    high = wholes.number(steps.high, grid)
    name = nodes.one("Min", nodes.one("Max", kept.name, low.name), high.name, hint=op.name)
    return wholes.known(name, grid, low.low, high.high)


@writes(Merge)
def merge(layer: Merge, op: Op, network: Network) -> Result:
    """Of two tensors, or of a tensor and one value a channel."""
    exact = op.output.typing.exact
    if not any(kind.holds(exact) for kind in (Kind.FLOAT, Kind.DOUBLE)):
        wholes = network.wholes(op)
        pair = [network.whole(op, tensor) for tensor in op.inputs]
        if layer.op == "multiply":
            return wholes.times(*pair)
        left, right = wholes.aligned(*pair)
        name = network.nodes.one(_MERGES[layer.op], left.name, right.name, hint=op.name)
        return summed(op, name, left.frac)
    kind = network.kind(op, exact)
    first = all(network.read(tensor).first for tensor in op.inputs)
    a, b = (network.read(tensor, kind, first) for tensor in op.inputs)
    return replace(a, name=network.nodes.one(_MERGES[layer.op], a.name, b.name, hint=op.name))


@writes(Relu)
def relu(layer: Relu, op: Op, network: Network) -> Result:
    """A slope below zero, a ceiling above."""
    uncut = replace(layer, ceiling=None)
    held = [_span(c) for c in (layer.slope, layer.ceiling) if c is not None]
    reach = uncut.interval([tensor.interval for tensor in op.inputs], [op.input.shape])
    kind = network.kind(op, reach, op.output.typing.exact, *held)
    x = network.read(op.input, kind)
    if layer.slope is None:
        name = network.nodes.one("Relu", x.name, hint=op.name)
    else:
        name = _sloped(op, network, x, layer.slope, layer.slope.fixed[0])
    if layer.ceiling is not None:
        ceiling = network.number(layer.ceiling.effective, kind)
        name = network.nodes.one("Min", name, ceiling, hint=op.name)
    return replace(x, name=name)


@writes(PRelu)
def prelu(layer: PRelu, op: Op, network: Network) -> Result:
    """A slope for each channel, or for each element."""
    kind = network.kind(op, op.output.typing.exact, _span(layer.slopes))
    slopes = layer.slopes.fixed[0]
    x = network.read(op.input, kind, first=None if slopes.ndim == 1 else False)
    return replace(x, name=_sloped(op, network, x, layer.slopes, _by_channel(slopes, x)))


def _sloped(op: Op, network: Network, x: Wire, slopes: Constant, mantissas: Ints) -> str:
    """Numbers below zero times a slope."""
    slope = network.weights(slopes, mantissas, x.kind, f"{op.name}.slope")
    if x.kind is Kind.FLOAT and mantissas.ndim <= len(x.shape):
        return network.nodes.one("PRelu", x.name, slope, hint=op.name)
    below = network.nodes.one("Less", x.name, network.number(0.0, x.kind))
    return network.nodes.one("Where", below, network.nodes.one("Mul", x.name, slope), x.name, hint=op.name)


@writes(Gate)
def gate(layer: Gate, op: Op, network: Network) -> Result:
    """As it is outside of an interval, a level inside."""
    levels = [] if layer.level is None else [_span(layer.level)]
    kind = network.kind(op, op.output.typing.exact, *levels)
    x, frac = network.read(op.input, kind), op.input.type.frac
    first, last = (network.number(np.ldexp(float(end), -frac), kind) for end in layer.ends(op.input.type))
    inside = network.nodes.one("LessOrEqual", x.name, last)
    if layer.low is not None:
        inside = network.nodes.one("And", inside, network.nodes.one("GreaterOrEqual", x.name, first))
    level = network.number(0.0 if layer.level is None else layer.level.effective, kind)
    return replace(x, name=network.nodes.one("Where", inside, level, x.name, hint=op.name))


@writes(Thresholds)
def thresholds(layer: Thresholds, op: Op, network: Network) -> Result:
    """A level by the number of thresholds that are reached."""
    levels, cuts = layer.levels, layer.thresholds
    kind = network.kind(op, _span(cuts), _span(levels), op.output.typing.exact)
    x, nodes = network.read(op.input, kind, first=False), network.nodes
    apart = nodes.one("Unsqueeze", x.name, network.places([-1]))
    reached = nodes.one("GreaterOrEqual", apart, network.number(cuts.effective, kind, f"{op.name}.thresholds"))
    counted = nodes.one("Cast", reached, to=Kind.WHOLE.onnx)
    place = nodes.one("ReduceSum", counted, network.places([-1]), keepdims=0)
    if len(levels.effective) > 1:  # rows of channels, one behind the other
        place = nodes.one("Add", place, network.places(np.arange(levels.shape[0]) * levels.shape[1]))
    table = network.number(levels.effective.reshape(-1), kind, f"{op.name}.levels")
    return replace(x, name=nodes.one("Gather", table, place, hint=op.name))


def _by_channel(values: Ints, x: Wire) -> Ints:
    """One number a channel, in the shape that broadcasts."""
    return values.reshape(-1, *(1 for _ in x.shape[1:])) if x.first and values.ndim == 1 else values


def _span(constant: Constant) -> Interval:
    flat = constant.fixed[0].reshape(-1)
    return Interval(flat, flat, constant.fixed[1])
