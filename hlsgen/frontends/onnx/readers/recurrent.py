"""LSTM, GRU and RNN: one way, the other, or both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from hlsgen.errors import ModelError, UnsupportedError
from hlsgen.frontends.functions import add_line, add_relu, add_table
from hlsgen.frontends.onnx.call import Call, reads
from hlsgen.frontends.onnx.layout import Tensor
from hlsgen.frontends.permuting import add_reshape
from hlsgen.frontends.recurrence import Cell, Recurrence, Results, add_recurrence, merged, parted
from hlsgen.ir.constant import Constant, Floats, no_bias
from hlsgen.ir.graph import Value
from hlsgen.layers.dense import Dense
from hlsgen.layers.functions import FUNCTIONS
from hlsgen.layers.shape_ops import Concatenate

_DIRECTIONS = {"forward": [False], "reverse": [True], "bidirectional": [False, True]}
_TABLES = {"sigmoid": "sigmoid", "tanh": "tanh", "softsign": "softsign", "softplus": "softplus"}


class Way(NamedTuple):
    """The weights of one direction: rows for all gates, as ONNX orders them."""

    inputs: Floats
    recurrent: Floats
    input_bias: Floats
    state_bias: Floats
    functions: Sequence[str]
    backwards: bool


@dataclass(frozen=True)
class _Gates:
    """How many parts the rows of weights have, the usual functions, and how many states there are."""

    count: int
    functions: tuple[str, ...]
    states: tuple[str, ...]


_LSTM = _Gates(4, ("sigmoid", "tanh", "tanh"), ("h", "c"))
_GRU = _Gates(3, ("sigmoid", "tanh"), ("h",))
_RNN = _Gates(1, ("tanh",), ("h",))


def _product(call: Call, value: Value, rows: Floats, bias: Floats | None, step: str) -> Value:
    """A value times weights (outputs, inputs)."""
    offset = no_bias(len(rows)) if bias is None else Constant.of(bias)
    return call.add(Dense(Constant.of(np.ascontiguousarray(rows.T)), offset), [value], step)


def _function(call: Call, value: Value, name: str) -> Value:
    if name == "relu":
        return add_relu(call, value)
    if name == "hardsigmoid":
        return add_relu(call, add_line(call, value, 0.2, 0.5, "line"), ceiling=1.0)
    if name not in _TABLES:
        raise UnsupportedError(
            f"{call.where}: activation '{name}' is not supported (only {', '.join([*_TABLES, 'relu', 'hardsigmoid'])})"
        )
    return add_table(call, value, FUNCTIONS[_TABLES[name]])


# -- cells ---------------------------------------------------------------------------------------


@reads("LSTM")
def read_lstm(call: Call) -> list[Tensor | None]:
    """Gates i, o, f, c: ``c' = f c + i g(...)``, ``h' = o h(c')``."""
    call.expect("input_forget", 0)
    if call.has(7) and call.weight(7).any():
        raise UnsupportedError(f"{call.where}: peepholes are not supported; export it without")

    def cell_of(way: Way, units: int) -> Cell:
        gate, candidate_function, shown_function = way.functions

        def cell(x: Value, states: Sequence[Value]) -> Sequence[Value]:
            h, c = states
            sums = merged(call, "add", x, _product(call, h, way.recurrent, None, "recurrent"), "sum")
            first, candidate = parted(call, sums, 3 * units, units)
            write, show, keep = parted(call, _function(call, first, gate), units, units, units)
            candidate = _function(call, candidate, candidate_function)
            kept = merged(call, "multiply", keep, c, "kept")
            memory = merged(call, "add", kept, merged(call, "multiply", write, candidate, "written"), "memory")
            return [merged(call, "multiply", show, _function(call, memory, shown_function), "shown"), memory]

        return cell

    return _recurrent(call, _LSTM, cell_of, states_in_sum=True)


@reads("GRU")
def read_gru(call: Call) -> list[Tensor | None]:
    """Gates z, r, h: ``h' = z h + (1 - z) g(...)``, which is ``g(...) + z (h - g(...))``."""
    after = bool(call.integer("linear_before_reset", 0))

    def cell_of(way: Way, units: int) -> Cell:
        gate, candidate_function = way.functions
        rest = 2 * units

        def cell(x: Value, states: Sequence[Value]) -> Sequence[Value]:
            (h,) = states
            of_gates, of_candidate = parted(call, x, rest, units)
            if after:
                whole = _product(call, h, way.recurrent, way.state_bias, "recurrent")
                from_state, from_reset = parted(call, whole, rest, units)
            else:
                from_state = _product(call, h, way.recurrent[:rest], None, "recurrent")
            sums = merged(call, "add", of_gates, from_state, "sum")
            update, reset = parted(call, _function(call, sums, gate), units, units)
            if after:
                from_reset = merged(call, "multiply", reset, from_reset, "reset")
            else:
                reset_state = merged(call, "multiply", reset, h, "reset")
                from_reset = _product(call, reset_state, way.recurrent[rest:], None, "recurrent")
            candidate = _function(call, merged(call, "add", of_candidate, from_reset, "candidate"), candidate_function)
            change = merged(call, "subtract", h, candidate, "change")
            return [merged(call, "add", candidate, merged(call, "multiply", update, change, "kept"), "next")]

        return cell

    return _recurrent(call, _GRU, cell_of, states_in_sum=not after)


@reads("RNN")
def read_rnn(call: Call) -> list[Tensor | None]:
    """``h' = f(x W + h R + b)``."""

    def cell_of(way: Way, units: int) -> Cell:
        def cell(x: Value, states: Sequence[Value]) -> Sequence[Value]:
            (h,) = states
            sums = merged(call, "add", x, _product(call, h, way.recurrent, None, "recurrent"), "sum")
            return [_function(call, sums, way.functions[0])]

        return cell

    return _recurrent(call, _RNN, cell_of, states_in_sum=True)


# -- loops ---------------------------------------------------------------------------------------


def _recurrent(
    call: Call, gates: _Gates, cell_of: Callable[[Way, int], Cell], states_in_sum: bool
) -> list[Tensor | None]:
    """The loops of all directions, and what ONNX makes of them: all steps, and the states behind the last."""
    x = call.tensor(0)
    in_front = bool(call.integer("layout", 0))
    time, samples = (1, 0) if in_front else (0, 1)
    if len(x.axes) != 3 or x.samples != samples:
        raise UnsupportedError(
            f"{call.where}: its input has shape {x.shape_text}, expected three axes with the samples as axis {samples}"
        )
    call.expect("clip", 0.0)
    if call.has(4):
        lengths = call.whole_numbers(4)
        if any(length != x.shape[time] for length in lengths):
            raise UnsupportedError(
                f"{call.where}: sequences of lengths {lengths[:8]} are not supported; leave them out"
            )
    ways = _ways(call, gates, x.shape[2])
    units = ways[0].recurrent.shape[1]
    sequence = x.in_order(call, [time, 2])
    starts = [_starts(call, place, len(ways), units) for place in range(5, 5 + len(gates.states))]
    wanted = [bool(output.name) and bool(output.uses() or output.is_graph_output()) for output in call.node.outputs]
    wanted += [False] * (3 - len(wanted))
    made = []
    for number, way in enumerate(ways):
        bias = way.input_bias + way.state_bias if states_in_sum else way.input_bias
        inputs = _product(call, sequence, way.inputs, bias, "inputs")
        given = [start[number] for start in starts if start is not None]
        if given and len(given) != len(gates.states):
            raise UnsupportedError(f"{call.where}: of its initial states only some are given; give all, or none")
        recurrence = Recurrence(list(gates.states), (units,), way.backwards)
        loop = add_recurrence(call, inputs, recurrence, cell_of(way, units), given)
        made.append(_leaving(loop, way, wanted, len(gates.states)))
    return _results(call, made, in_front)


def _leaving(loop: Results, way: Way, wanted: Sequence[bool], states: int) -> list[Value | None]:
    """What leaves a loop: all steps, and the states behind the last; None for what nobody reads."""
    found = [loop.sequence(way.backwards) if wanted[0] else None]
    return [*found, *(loop.last(place) if wanted[1 + place] else None for place in range(states))]


def _ways(call: Call, gates: _Gates, n_in: int) -> list[Way]:
    directions = _DIRECTIONS[call.text("direction", *_DIRECTIONS)]
    inputs, recurrent = call.weight(1, rank=3), call.weight(2, rank=3)
    units = call.integer("hidden_size", recurrent.shape[2])
    rows = gates.count * units
    for name in ("activation_alpha", "activation_beta"):
        if call.take(name, None):
            raise UnsupportedError(f"{call.where}: {name} is not supported; use activations without parameters")
    given = call.take("activations", None)
    names = [n.decode() if isinstance(n, bytes) else str(n) for n in given or gates.functions * len(directions)]
    count = len(gates.functions)
    if (
        inputs.shape != (len(directions), rows, n_in)
        or recurrent.shape != (len(directions), rows, units)
        or len(names) != count * len(directions)
    ):
        raise ModelError(
            f"{call.where}: weights of shapes {inputs.shape} and {recurrent.shape} and {len(names)} activations for "
            f"{units} units; the model is damaged"
        )
    bias = call.weight(3, rank=2) if call.has(3) else np.zeros((len(directions), 2 * rows))
    if bias.shape != (len(directions), 2 * rows):
        raise ModelError(f"{call.where}: biases of shape {bias.shape}, expected {(len(directions), 2 * rows)}")
    return [
        Way(
            inputs[number],
            recurrent[number],
            bias[number, :rows],
            bias[number, rows:],
            [name.lower() for name in names[number * count : (number + 1) * count]],
            backwards,
        )
        for number, backwards in enumerate(directions)
    ]


def _starts(call: Call, place: int, ways: int, units: int) -> list[Value] | None:
    """The initial state of each direction; None for zeros."""
    if not call.has(place):
        return None
    given = call.operand(place)
    if not isinstance(given, Tensor):
        if np.asarray(given).any():
            raise UnsupportedError(
                f"{call.where}: an initial state that is a constant other than zero is not supported"
            )
        return None
    if given.value.size != ways * units:
        raise ModelError(f"{call.where}: an initial state of shape {given.shape_text}, expected {ways} of {units}")
    order = [axis for axis in range(len(given.axes)) if axis != given.samples]
    line = add_reshape(call, given.in_order(call, order), (given.value.size,))
    return parted(call, line, *[units] * ways, step="states")


def _results(call: Call, made: Sequence[Sequence[Value | None]], in_front: bool) -> list[Tensor | None]:
    """``Y`` (steps, directions, samples, units), and the states (directions, samples, units)."""
    results: list[Tensor | None] = []
    for place, parts in enumerate(zip(*made, strict=True)):
        values = [part for part in parts if part is not None]
        if not values:
            results.append(None)
        elif place == 0:
            value = _joined(call, values, 1)
            steps, units = value.shape[0], value.shape[1] // len(made)
            apart = add_reshape(call, value, (steps, len(made), units))
            results.append(Tensor.of(apart, [1, 2, 3] if in_front else [0, 1, 3], 0 if in_front else 2))
        else:
            value = _joined(call, values, 0)
            rows = add_reshape(call, value, (len(made), value.size // len(made)))
            results.append(Tensor.of(rows, [1, 2] if in_front else [0, 2], 0 if in_front else 1))
    return results[: len(call.node.outputs)]


def _joined(call: Call, values: Sequence[Value], axis: int) -> Value:
    first, *others = values
    for other in others:
        first = call.add(Concatenate(axis), [first, other], "joined")
    return first
