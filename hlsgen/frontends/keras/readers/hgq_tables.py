"""Functions of HGQ2 between two quantisers, which are tables: by name, and those of a softmax."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hlsgen.errors import UnsupportedError, brief
from hlsgen.frontends.keras.axes import places_of
from hlsgen.frontends.keras.call import Call, reads
from hlsgen.frontends.keras.hgq import begin, finished, quantize_data, quantize_inputs, types_of
from hlsgen.frontends.keras.options import ANYTHING, AXIS, NUMBER, SWITCH, several
from hlsgen.frontends.merging import merge_chain
from hlsgen.frontends.reductions import add_reduction
from hlsgen.ir.graph import Value
from hlsgen.layers.functions import FUNCTIONS
from hlsgen.layers.quantized import QuantizedFunction
from hlsgen.quantizers.hgq import LookedUp, RealFunction

_EPSILON = 1e-7
"""Of Keras's backend, which a softmax adds to the sum of its exponentials."""
_BY_NAME: dict[str, RealFunction] = {
    **{name: FUNCTIONS[name] for name in FUNCTIONS if name not in ("gelu", "gelu_by_tanh")},
    "swish": FUNCTIONS["silu"],
    "linear": np.asarray,
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "square": np.square,
    "exp": np.exp,
    "hard_tanh": lambda x: np.clip(x, -1, 1),
}
_LUT_OPTIONS = "allow_heterogeneous_table allow_heterogeneous_input override_oq_k0_to_0".split()


def look_up(call: Call, value: Value, real: RealFunction, owner: str = "oq", key: str | None = None) -> Value:
    """Add a function and the quantiser behind it. Raises UnsupportedError for a quantiser of several types."""
    types = types_of(call, owner, key)
    if types is not None and types.is_zero:
        return quantize_data(call, value, types)
    fixed = None if types is None else types.single
    if fixed is None:
        raise UnsupportedError(
            f"{call.where}: its table has no quantiser of one type for all elements; build it with "
            "allow_heterogeneous_table=False"
        )
    return call.add_typed(QuantizedFunction(LookedUp.of(real, fixed)), value, fixed.plain(), "table")


def _named(call: Call) -> RealFunction:
    activation = call.take("activation", ANYTHING)
    if not isinstance(activation, str) or activation not in _BY_NAME:
        names = ", ".join(sorted(_BY_NAME))
        raise UnsupportedError(f"{call.where}: function {brief(activation)} is not supported; expected one of {names}")
    return _BY_NAME[activation]


@reads("hgq>QUnaryFunctionLUT")
def read_function(call: Call) -> Value:
    """Without a quantiser behind it, it is a function as any other."""
    begin(call)
    call.ignore(*_LUT_OPTIONS)
    quantize_inputs(call)
    if not call.options.get("enable_oq", True):
        return finished(call, call.activate(call.input))
    call.ignore("enable_oq")
    return look_up(call, call.input, _named(call))


@reads("hgq>QAffinedUnaryFunctionLUT")
def read_affine_function(call: Call) -> Value:
    """The same of ``x * scale + bias``, in float32."""
    begin(call)
    call.ignore(*_LUT_OPTIONS, "enable_oq")
    quantize_inputs(call)
    scale, bias = (np.float32(call.weight(role, (1,))[0]) for role in ("scale", "bias"))
    function = _named(call)

    def of_line(x: NDArray[np.float64]) -> NDArray[np.float64]:
        return function((x.astype(np.float32) * scale + bias).astype(np.float64))

    return look_up(call, call.input, of_line)


@reads("hgq>QSoftmax")
def read_softmax(call: Call) -> Value:
    """Two tables: of exponentials, and of the reciprocal of their sum; ``stable``: of what is below the largest."""
    begin(call)
    call.ignore(*_LUT_OPTIONS)
    quantize_inputs(call)
    value = call.input
    axes = places_of(call, call.take("axes", several(AXIS)))
    stable, factor = call.take("stable", SWITCH, True), call.take("input_scaler", NUMBER, 1.0)
    sign = -1.0 if stable else 1.0
    if stable:
        call.inputs = [add_reduction(call, value, "max", axes, True), value]
        value = merge_chain(call, "subtract")
        value = quantize_data(call, value, types_of(call, "exp_table/iq", "exp_iq_conf"))
    call.ignore("exp_iq_conf")
    powers = look_up(call, value, lambda x: np.exp(sign * factor * x), "exp_table/oq", "exp_oq_conf")
    total = add_reduction(call, powers, "sum", axes, True)
    total = quantize_data(call, total, types_of(call, "inv_table/iq", "inv_iq_conf"))
    share = look_up(call, total, lambda x: 1 / (x + _EPSILON), "inv_table/oq", "inv_oq_conf")
    call.inputs = [powers, share]
    return finished(call, merge_chain(call, "multiply"))
