"""Dense layers, convolutions and scales."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import gcd, prod

from hlsgen.adders import why_none
from hlsgen.backends.hls.adders import Adders
from hlsgen.backends.hls.kernel import (
    ConstantArray,
    Enumerator,
    Kernel,
    Member,
    Members,
    TypeOf,
    Word,
    call,
    kernel_of,
    summed,
)
from hlsgen.backends.hls.kernels.geometry import convolution
from hlsgen.backends.hls.lanes import Lanes
from hlsgen.backends.hls.ports import WIDEST_ROW, WIDEST_WORD
from hlsgen.backends.hls.schedule import pipeline_depth
from hlsgen.backends.hls.timing import Multiplying, Passing, Sliding, Timing
from hlsgen.errors import ConfigError, UnsupportedError
from hlsgen.ir.op import Op
from hlsgen.ir.types import Ints
from hlsgen.ir.wish import Strategy, WeightSource
from hlsgen.layers.conv2d import Conv2D
from hlsgen.layers.dense import Dense
from hlsgen.layers.depthwise_conv2d import DepthwiseConv2D
from hlsgen.layers.linear import LinearLayer
from hlsgen.layers.scale import Scale
from hlsgen.layers.window import Window

_MOST_POSITIONS = 16
"""Up to so many products of one matrix are unrolled side by side."""
_READ = {WeightSource.BRAM_PORT: "ported", WeightSource.AXI: "loaded"}
"""The strategies of kernels whose weights come from outside."""


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


@dataclass(frozen=True)
class Turns:
    """How a product of ``products`` multiplications is spread over time, by strategy and reuse factor."""

    strategy: Strategy
    turns: int
    """Steps of one product: what is multiplied in each follows from its number."""
    interval: int
    """Cycles from step to step, over which the tool may share multipliers."""
    multipliers: int
    """In one turn; of adders one, since no limit of the tool's is 0."""
    source: WeightSource
    """Where weights and biases come from."""

    @classmethod
    def of(cls, op: Op, products: int) -> Turns:
        reuse = op.reuse_factor
        turns, interval = (1, reuse) if op.strategy is Strategy.LATENCY else (reuse, 1)
        multipliers = 1 if op.strategy is Strategy.DISTRIBUTED_ARITHMETIC else -(-products // reuse)
        return cls(op.strategy, turns, interval, multipliers, op.weight_source)

    @property
    def members(self) -> Members:
        return {
            "strategy": Enumerator("strategy", _READ.get(self.source, self.strategy.value)),
            "turns": self.turns,
            "multipliers": self.multipliers,
            "interval": self.interval,
            **({"lanes": TypeOf("w")} if self.strategy is Strategy.UNROLLED else {}),
            **self.adders,
        }

    @property
    def adders(self) -> dict[str, Member]:
        return {"adders": TypeOf("w")} if self.strategy is Strategy.DISTRIBUTED_ARITHMETIC else {}

    def declared(self, weights: ConstantArray, matrix: Ints, groups: int = 1) -> ConstantArray:
        """Weights in the form in which they are read in turns; ``matrix`` (outputs, inputs of a group) holds them."""
        if self.strategy is Strategy.RESOURCE:
            return replace(weights, row=self.turns, source=self.source)
        if self.strategy is Strategy.UNROLLED:
            return replace(weights, lanes=Lanes.of(matrix, self.turns, groups))
        return weights

    def depth(self, n_in: int) -> int:
        """The estimated depth of a pipeline that adds up ``n_in`` products and what is there already."""
        return pipeline_depth(terms=-(-n_in // self.turns) + 1)

    def sliding(self, op: Op, window: Window, n_in: int) -> Sliding:
        """The loop of a window that is multiplied."""
        rows, columns = window.output_extent(op.input.shape)
        return Sliding(
            window=window,
            shape=op.input.shape,
            turns=self.turns,
            interval=self.interval,
            depth=self.depth(n_in),
            array_steps=rows * columns // op.parallelization * self.turns,
        )

    def call(
        self,
        op: Op,
        function: str,
        header: str,
        members: Members,
        constants: tuple[ConstantArray, ConstantArray],
        *,
        small: bool,
        timing: Timing,
    ) -> Kernel:
        """A kernel on ``matvec``."""
        return call(
            op,
            function,
            header,
            members,
            *constants,
            small=small,
            schedule=self.members,
            timing=timing,
            multipliers=_built(constants[0], op),
        )


def _built(weights: ConstantArray, op: Op) -> int | None:
    """Multipliers, where these are not the products over the reuse factor."""
    if weights.adders is not None:
        return 0
    return None if weights.lanes is None else weights.lanes.multiplied * op.parallelization


def _constants(
    layer: LinearLayer, output_major: Ints, turns: Turns | None = None, groups: int = 1
) -> tuple[ConstantArray, ConstantArray]:
    bias, _ = layer.bias.fixed
    weights = ConstantArray.of("w", output_major, layer.weight.known_type, "output, input")
    if turns is not None:
        weights = turns.declared(weights, output_major, groups)
    biases = ConstantArray.of("b", bias, layer.bias.known_type, "output")
    return weights, replace(biases, source=weights.source)


def _shared(
    constants: tuple[ConstantArray, ConstantArray], op: Op, matrix: Ints, frac: int
) -> tuple[ConstantArray, ConstantArray]:
    """The weights as shared adders, if these are asked for; ``matrix`` (inputs, outputs) in the order of the kernel's
    inputs. Raises UnsupportedError for one of which no graph is searched for."""
    if op.strategy is not Strategy.DISTRIBUTED_ARITHMETIC:
        return constants
    why = why_none(matrix, op.input.type)
    if why is not None:
        raise UnsupportedError(f"{op.source.where}: {why}; give it strategy 'latency' or 'resource'")
    weights, biases = constants
    return replace(weights, adders=Adders(matrix, op.input.type, frac)), biases


_WIDEST = {
    WeightSource.BRAM_PORT: (WIDEST_WORD, f"a word of a port holds {WIDEST_WORD} bits"),
    WeightSource.AXI: (WIDEST_ROW, f"a row of the memory that they are loaded into holds {WIDEST_ROW} bits"),
}
"""Bits of a turn's weights that come from outside, at most, and why."""


def _check_words(layer: Dense | Conv2D, op: Op) -> None:
    """Raise ConfigError where a turn's weights, or the biases, are no word of what they come through."""
    if not op.loads_weights:
        return
    width, products = layer.weight.known_type.width, layer.weight.values.size
    most, why = _WIDEST[op.weight_source]
    if width * (products // op.reuse_factor) > most:
        factors = [f for f in layer.valid_reuse_factors(op.strategy) if width * (products // f) <= most]
        found = f"weights '{op.weight_source}' have {products // op.reuse_factor} weights of {width} bits a turn"
        raise ConfigError(f"{op.source.where}: {found}, and {why}; give it a reuse_factor of {factors[0]} or more")
    biases, width = layer.bias.values.size, layer.bias.known_type.width
    if op.weight_source is WeightSource.AXI and biases * width > most:
        raise ConfigError(
            f"{op.source.where}: weights 'axi' have {biases} biases of {width} bits in a row, and {why}; give biases a "
            f"type of up to {most // biases} bits, or weights 'bram_port'"
        )


@kernel_of(Dense)
def dense(layer: Dense, op: Op) -> Kernel:
    _check_words(layer, op)
    positions = prod(op.output.shape[:-1])
    turns = Turns.of(op, layer.n_in * layer.n_out)
    members = {"n_in": layer.n_in, **_members(layer, op, layer.n_out), "positions": positions}
    constants = _constants(layer, layer.weight.fixed[0].T, turns)
    constants = _shared(constants, op, layer.matrix(), layer.weight.fixed[1])
    timing = Multiplying(
        positions=positions,
        turns=turns.turns,
        interval=turns.interval,
        depth=turns.depth(layer.n_in),
        array_steps=positions * turns.turns,
    )
    small = positions <= _MOST_POSITIONS
    return turns.call(op, "dense", "dense.h", members, constants, small=small, timing=timing)


def _parallel(layer: Conv2D, op: Op, turns: Turns) -> Members:
    """Pixels that are computed at once: some of a row, or some rows."""
    _, width = layer.window.output_extent(op.input.shape)
    columns = min(op.parallelization, width)
    multipliers = turns.multipliers * op.parallelization
    rows = op.parallelization // columns
    return {"parallel_rows": rows, "parallel_columns": columns, "all_multipliers": multipliers}


@kernel_of(Conv2D)
def conv2d(layer: Conv2D, op: Op) -> Kernel:
    _check_words(layer, op)
    window = convolution(layer.window, op.input.shape)
    turns = Turns.of(op, layer.n_in * layer.n_out)
    members = {"n_in": layer.n_in, **_members(layer, op, layer.n_out), **window.members}
    if layer.group_count > 1:
        members["groups"] = layer.group_count
    members |= _parallel(layer, op, turns)
    matrix = layer.weight.fixed[0].reshape(layer.n_in, layer.n_out).T
    constants = _constants(layer, matrix, turns, layer.group_count)
    by_group = layer.matrix().reshape(layer.window.taps, layer.group_count, -1, layer.n_out).swapaxes(0, 1)
    constants = _shared(constants, op, by_group.reshape(-1, layer.n_out), layer.weight.fixed[1])
    small, timing = window.positions == 1, turns.sliding(op, layer.window, layer.n_in)
    return turns.call(op, "conv2d", "conv2d.h", members, constants, small=small, timing=timing)


@kernel_of(DepthwiseConv2D)
def depthwise_conv2d(layer: DepthwiseConv2D, op: Op) -> Kernel:
    taps, n_out = layer.window.taps, layer.n_out
    window = convolution(layer.window, op.input.shape)
    turns = Turns.of(op, taps * n_out)
    tap_turns = gcd(turns.turns, taps)
    output_turns = turns.turns // tap_turns
    members = {**_members(layer, op, n_out), **window.members}
    members |= {"depth_multiplier": layer.multiplier, "n_taps": taps}
    lanes = layer.weight.fixed[0].reshape(taps, n_out).T.reshape(-1, output_turns, taps // tap_turns, tap_turns)
    by_turn = lanes.transpose(0, 2, 1, 3).reshape(n_out, taps)
    constants = _constants(layer, by_turn, turns if turns.turns > 1 else None)
    constants = _shared(constants, op, layer.matrix(), layer.weight.fixed[1])
    small, timing = window.positions == 1, turns.sliding(op, layer.window, taps)
    schedule: dict[str, Member] = {"turns": turns.turns, "tap_turns": tap_turns, "output_turns": output_turns}
    schedule |= {"multipliers": turns.multipliers, "interval": turns.interval, **turns.adders}
    return call(
        op,
        "depthwise_conv2d",
        "depthwise_conv2d.h",
        members,
        *constants,
        small=small,
        schedule=schedule,
        timing=timing,
        multipliers=_built(constants[0], op),
    )


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
