"""SimpleRNN, LSTM, GRU and those of QKeras."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hlsgen.errors import ModelError, UnsupportedError
from hlsgen.frontends.functions import add_line
from hlsgen.frontends.keras.call import Call, reads
from hlsgen.frontends.keras.options import ANYTHING, FIELDS, POSITIVE, SWITCH, maybe
from hlsgen.frontends.recurrence import Cell, Recurrence, Results, add_recurrence, merged, parted
from hlsgen.ir.constant import Constant, Floats, no_bias
from hlsgen.ir.graph import Value
from hlsgen.layers.dense import Dense
from hlsgen.layers.shape_ops import Concatenate

_TRAINING = (
    "unroll implementation dropout recurrent_dropout unit_forget_bias recurrent_initializer recurrent_regularizer "
    "recurrent_constraint zero_output_for_mask use_cudnn"
).split()
"""What changes nothing of the result: how it is trained, and how the framework computes it."""


@dataclass(frozen=True)
class _Matrix:
    """A kernel with its columns for all gates; ``scale`` (columns,) if its quantiser has one."""

    call: Call
    weight: Constant
    scale: Floats | None

    @classmethod
    def of(cls, call: Call, role: str, prefix: str) -> _Matrix:
        weight, scale = call.constant(role, prefix)
        return cls(call, weight, None if scale is None else np.broadcast_to(scale, weight.shape[-1:]))

    def times(self, value: Value, step: str, bias: Constant | None = None, columns: slice = slice(None)) -> Value:
        """Add the product of a value with some of the columns, and their ``bias``."""
        weight = self.weight.part((slice(None), columns))
        scale = None if self.scale is None else self.scale[columns]
        given = no_bias(weight.shape[1]) if bias is None else bias.part(columns)
        return self.call.add_scaled(lambda b: Dense(weight, b), scale, given, [value], step)


def _simple_rnn(call: Call) -> Results:
    """``h' = act(x W + b + h U)``."""
    units, activation = call.take("units", POSITIVE), call.take("activation", ANYTHING, "tanh")
    inputs = _Matrix.of(call, "kernel", "kernel").times(call.inputs[0], "inputs", _bias(call, units))
    recurrent = _Matrix.of(call, "recurrent_kernel", "recurrent")

    def cell(x: Value, states: Sequence[Value]) -> Sequence[Value]:
        (h,) = states
        return [call.apply_activation(merged(call, "add", x, recurrent.times(h, "recurrent"), "sum"), activation)]

    return looped(call, inputs, Recurrence(["h"], (units,)), cell)


def _lstm(call: Call) -> Results:
    """Gates i, f, c, o in the order of the kernels' columns: ``c' = f c + i act(...)``, ``h' = o act(c')``."""
    units = call.take("units", POSITIVE)
    inputs = _Matrix.of(call, "kernel", "kernel").times(call.inputs[0], "inputs", _bias(call, 4 * units))
    recurrent = _Matrix.of(call, "recurrent_kernel", "recurrent")
    cell = lstm_cell(call, units, lambda h: recurrent.times(h, "recurrent"))
    return looped(call, inputs, Recurrence(["h", "c"], (units,)), cell)


def lstm_cell(call: Call, units: int, recurrent: Callable[[Value], Value]) -> Cell:
    """The cell of an LSTM with so many channels a gate; ``recurrent`` adds what the output contributes to all gates."""
    activation = call.take("activation", ANYTHING, "tanh")
    gate = call.take("recurrent_activation", ANYTHING, "hard_sigmoid" if call.is_qkeras else "sigmoid")

    def cell(x: Value, states: Sequence[Value]) -> Sequence[Value]:
        h, c = states
        sums = merged(call, "add", x, recurrent(h), "sum")
        first, candidate, last = parted(call, sums, 2 * units, units, units)
        write, keep = parted(call, call.apply_activation(first, gate), units, units)
        candidate, show = call.apply_activation(candidate, activation), call.apply_activation(last, gate)
        kept, written = merged(call, "multiply", keep, c, "kept"), merged(call, "multiply", write, candidate, "written")
        memory = merged(call, "add", kept, written, "memory")
        return [merged(call, "multiply", show, call.apply_activation(memory, activation), "shown"), memory]

    return cell


def _gru(call: Call) -> Results:
    """Gates z, r, h: ``h' = z h + (1 - z) act(...)``, which is ``act(...) + z (h - act(...))``."""
    units, activation = call.take("units", POSITIVE), call.take("activation", ANYTHING, "tanh")
    gate = call.take("recurrent_activation", ANYTHING, "hard_sigmoid" if call.is_qkeras else "sigmoid")
    after = call.take("reset_after", SWITCH, not call.is_qkeras)
    if call.is_qkeras and call.options.get("recurrent_quantizer") is None:
        raise UnsupportedError(
            f"{call.where}: without a recurrent_quantizer QKeras multiplies the state by the input's kernel; give the "
            "layer one"
        )
    bias, state_bias = _gru_biases(call, 3 * units, after)
    inputs = _Matrix.of(call, "kernel", "kernel").times(call.inputs[0], "inputs", bias)
    recurrent = _Matrix.of(call, "recurrent_kernel", "recurrent")
    gates, rest = slice(2 * units), slice(2 * units, None)

    def cell(x: Value, states: Sequence[Value]) -> Sequence[Value]:
        (h,) = states
        of_gates, of_candidate = parted(call, x, 2 * units, units)
        if after:
            whole = recurrent.times(h, "recurrent", state_bias)
            from_state, from_reset = parted(call, whole, 2 * units, units)
        else:
            from_state = recurrent.times(h, "recurrent", None, gates)
        sums = merged(call, "add", of_gates, from_state, "sum")
        update, reset = parted(call, call.apply_activation(sums, gate), units, units)
        if after:
            from_reset = merged(call, "multiply", reset, from_reset, "reset")
        else:
            from_reset = recurrent.times(merged(call, "multiply", reset, h, "reset"), "recurrent", None, rest)
        candidate = call.apply_activation(merged(call, "add", of_candidate, from_reset, "candidate"), activation)
        change = merged(call, "subtract", h, candidate, "change")
        return [merged(call, "add", candidate, merged(call, "multiply", update, change, "kept"), "next")]

    return looped(call, inputs, Recurrence(["h"], (units,)), cell)


def _bias(call: Call, columns: int) -> Constant:
    return call.bias(columns)


def _gru_biases(call: Call, columns: int, after: bool) -> tuple[Constant, Constant | None]:
    """Those of the inputs' sums and of the state's."""
    bias = call.bias(columns)
    return (bias.part(0), bias.part(1)) if after and len(bias.shape) == 2 else (bias, None)


def looped(call: Call, inputs: Value, recurrence: Recurrence, cell: Cell) -> Results:
    """Add the loop, as the options that all of these layers have say."""
    call.ignore(*_TRAINING)
    if call.take("stateful", SWITCH, False):
        raise UnsupportedError(
            f"{call.where}: stateful=True keeps the state between calls, and a design begins every sample anew; build "
            "the layer with stateful=False, and hand the states in and out (initial_state=, return_state=True)"
        )
    call.expect("time_major", False)
    recurrence = replace(recurrence, backwards=call.take("go_backwards", SWITCH, False), stored=_stored(call))
    starts = call.inputs[1:]
    if starts and [value.shape for value in starts] != [recurrence.shape] * len(recurrence.states):
        raise ModelError(
            f"{call.where}: initial states of shape {', '.join(str(value.shape) for value in starts)}, expected "
            f"{len(recurrence.states)} of {recurrence.shape}; the file is damaged"
        )
    return add_recurrence(call, inputs, recurrence, cell, starts)


def _stored(call: Call) -> Callable[[Value], Value] | None:
    """What a quantiser makes of states before they are read."""
    quantizer = call.quantizer("state_quantizer")
    return None if quantizer is None else lambda value: call.apply_quantizer(value, quantizer)


_BUILDERS = {"SimpleRNN": _simple_rnn, "LSTM": _lstm, "GRU": _gru}
_CELLS = {f"{prefix}{name}": build for prefix in ("", "Q") for name, build in _BUILDERS.items()}


@reads(*_CELLS)
def read_recurrent(call: Call) -> Sequence[Value]:
    """The output of all steps or of the last, and the states behind it."""
    every, states = wanted(call)
    made = _CELLS[call.inner_class](call)
    return [made.sequence() if every else made.last(), *(made.lasts() if states else ())]


def wanted(call: Call) -> tuple[bool, bool]:
    """Whether the output of all steps is, and whether the states."""
    return call.take("return_sequences", SWITCH, False), call.take("return_state", SWITCH, False)


@reads("Bidirectional", "QBidirectional")
def read_bidirectional(call: Call) -> Sequence[Value]:
    """One layer from each end of the sequence; the output of the one from behind is turned round again."""
    inner = call.take("layer", FIELDS)
    other = call.take("backward_layer", maybe(FIELDS), None)
    mode = call.expect("merge_mode", "concat", "sum", "mul", "ave", None)
    starts, ways = call.inputs[1:], (_way(call, inner, "forward_layer/"), _way(call, other or inner, "backward_layer/"))
    if other is None:
        ways[1].options["go_backwards"] = not ways[0].options.get("go_backwards", False)
    outputs, states = [], []
    for place, way in enumerate(ways):
        way.inputs = [call.inputs[0], *starts[place * len(starts) // 2 : (place + 1) * len(starts) // 2]]
        every, with_states = wanted(way)
        made = _CELLS[way.inner_class](way)
        outputs.append(made.sequence(backwards=place == 1) if every else made.last())
        states += made.lasts() if with_states else []
        way.check_options()
    return [*_joined(call, outputs, mode), *states]


def _way(call: Call, inner: Mapping[str, Any], prefix: str) -> Call:
    """The call of the layer that goes one way."""
    class_name = str(inner.get("class_name")).rpartition(">")[2]
    if class_name not in _CELLS or not isinstance(inner.get("config"), Mapping):
        raise UnsupportedError(
            f"{call.where} is not supported: it wraps {class_name}, expected one of {', '.join(_CELLS)}"
        )
    way = copy(call)
    way.options, way.weights = {}, dict(call.weights)
    way.unwrap(prefix, class_name, inner["config"])
    return way


def _joined(call: Call, outputs: Sequence[Value], mode: str | None) -> Sequence[Value]:
    """The outputs of both ways as the wrapper's ``merge_mode`` says."""
    forward, backward = outputs
    if mode is None:
        return outputs
    if mode == "concat":
        return [call.add(Concatenate(len(forward.shape) - 1), outputs, "concatenate")]
    if mode == "mul":
        return [merged(call, "multiply", forward, backward, "product")]
    total = merged(call, "add", forward, backward, "total")
    return [total if mode == "sum" else add_line(call, total, 0.5, 0.0, "average")]
