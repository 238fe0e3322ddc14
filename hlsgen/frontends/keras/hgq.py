"""Layers of HGQ2: those of Keras behind quantisers of what they read, in front of one of what they give."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hlsgen.errors import HlsgenError, ModelError, UnsupportedError
from hlsgen.frontends.keras.call import Call, Reader
from hlsgen.frontends.keras.options import FIELDS, SWITCH, listed, maybe
from hlsgen.ir.graph import Value
from hlsgen.ir.types import FixedType, Overflow, Rounding
from hlsgen.layers.cast_each import CastEach
from hlsgen.layers.convert import Convert
from hlsgen.quantizers.hgq import ElementTypes, parse_element_types

_EXACT_ACTIVATIONS = (None, "linear", "relu", "relu6", "abs", "hard_tanh")
"""Those that are exact on fixed point."""
_OF_TRAINING = "enable_ebops ebops_factor beta0 parallelization_factor".split()


def behind_quantizers(reader: Reader, *weights: str) -> Callable[[Call], Value]:
    """The reader of a layer of HGQ2, by that of the layer of Keras which computes it on quantised inputs and weights.

    ``weights``: the roles of those that have quantisers, 'kernel' by ``kq`` and 'bias' by ``bq``.
    """

    def read(call: Call) -> Value:
        begin(call)
        for role in weights:
            quantize_weight(call, role)
        quantize_inputs(call)
        result = reader(call)
        assert isinstance(result, Value)
        return finished(call, result)

    return read


def begin(call: Call) -> None:
    """Take the options that are HGQ2's own. Raises UnsupportedError for axes in another order."""
    if call.source.config.get("data_format") == "channels_first":
        raise UnsupportedError(
            f"{call.where}: option data_format='channels_first' is not supported; rebuild the layer with "
            "data_format='channels_last'"
        )
    call.ignore(*_OF_TRAINING)
    activation = call.inner_config.get("activation")
    if not isinstance(activation, str | None) or activation not in _EXACT_ACTIVATIONS:
        call.graph.notes.append(
            f"{call.name}: its activation has no quantiser, so that HGQ2 computes with float32 numbers behind it; here "
            "it is a function of fixed point, within a step of its type and not equal to the bit; QUnaryFunctionLUT is"
        )


def finished(call: Call, value: Value) -> Value:
    """The result behind the layer's output quantiser, if it has one."""
    enabled = call.take("enable_oq", SWITCH, False)
    return quantize_data(call, value, types_of(call, "oq")) if enabled else _without(call, "oq", value)


def _without(call: Call, owner: str, value: Value) -> Value:
    call.ignore(f"{owner}_conf")
    return value


def quantize_inputs(call: Call) -> None:
    """Put what the layer reads behind its input quantisers."""
    if not call.take("enable_iq", SWITCH, True):
        call.ignore("iq_conf", "iq_confs")
    elif "iq_confs" in call.options:
        confs = call.take("iq_confs", listed(FIELDS))
        if len(confs) != len(call.inputs):
            raise ModelError(f"{call.where}: {len(confs)} quantisers of {len(call.inputs)} inputs; the file is damaged")
        owners = [f"iq/quantizers/quantizer{f'_{place}' * (place > 0)}" for place in range(len(confs))]
        triples = zip(call.inputs, confs, owners, strict=True)
        call.inputs = [quantize_data(call, x, read_types(call, conf, owner)) for x, conf, owner in triples]
    else:
        call.inputs = [quantize_data(call, call.input, types_of(call, "iq"))]


def quantize_weight(call: Call, role: str, values: NDArray[Any] | None = None) -> None:
    """Put quantised numbers in the place of a weight; ``values``: what is quantised, by default the weight itself."""
    types = types_of(call, "kq" if role == "kernel" else "bq")
    if role not in call.weights:
        return  # a layer without a bias has none; what is missing else, its reader says
    floats = np.asarray(call.weight(role) if values is None else values, dtype=np.float32)
    call.weights[role] = floats if types is None else types.quantize(floats)
    if types is not None:
        call.exact_weights.add(role)


def types_of(call: Call, owner: str, key: str | None = None) -> ElementTypes | None:
    """The types of the quantiser ``owner`` of a layer, which option ``key`` configures; None for none, or a dummy."""
    conf = call.take(key or f"{owner}_conf", maybe(FIELDS), None)
    return None if conf is None else read_types(call, conf, owner)


def read_types(call: Call, conf: dict[str, Any], owner: str) -> ElementTypes | None:
    """The types of a quantiser by its serialized configuration and the bits that the part ``owner`` of a layer has."""
    config = conf.get("config")
    if not isinstance(config, Mapping):
        raise ModelError(f"{call.where}: its quantiser '{owner}' has no configuration; the file is damaged")
    part = f"{owner}/quantizer/".lstrip("/")
    bits = {role.removeprefix(part): array for role, array in call.weights.items() if role.startswith(part)}
    try:
        return parse_element_types(config, bits)
    except HlsgenError as error:
        raise type(error)(f"{call.where}: {owner or 'config'}: {error}") from error


def quantize_data(call: Call, value: Value, types: ElementTypes | None) -> Value:
    """Add the cast of every element to its type."""
    if types is None:
        return value
    if types.widths.ndim != len(value.shape) + 1 or types.widths.shape[0] != 1:
        raise UnsupportedError(
            f"{call.where}: its quantiser has types for tensors of shape {types.widths.shape}, the batch first, and "
            f"reads one of shape {value.shape}; types for each sample are not supported (homogeneous_axis=(0,))"
        )
    try:
        each = types.spread((1, *value.shape))
    except ValueError as error:
        raise ModelError(
            f"{call.where}: its quantiser has types for a tensor of shape {types.widths.shape[1:]}, and reads one of "
            f"shape {value.shape}; the file is damaged"
        ) from error
    single = types.single
    if single is not None:
        return call.add_typed(Convert(), value, single, "quantizer")
    widths, fracs, signs = (np.array(table[0]) for table in (each.widths, each.fracs, each.signs))
    if all((table == table.reshape(-1, table.shape[-1])[0]).all() for table in (widths, fracs, signs)):
        widths, fracs, signs = (table.reshape(-1, table.shape[-1])[0] for table in (widths, fracs, signs))
    layer = CastEach(widths, fracs, signs, types.rounding, types.overflow)
    port = _port(layer)
    if value.producer.is_input and port is not None:
        value = call.add_typed(Convert(), value, port, "port")
    return call.add_typed(layer, value, layer.common, "quantizer")


def _port(layer: CastEach) -> FixedType | None:
    """The type of an input of the model that loses nothing of what the elements' types look at; None if no type does.

    Both modes look at the bits down to theirs, or one below: so those below can be cut off before.
    """
    below = {Rounding.TRN: 0, Rounding.RND: 1}.get(layer.rounding)
    if below is None or not layer.types:
        return None
    common = layer.common
    overflow = Overflow.WRAP if layer.overflow is Overflow.WRAP else Overflow.SAT
    return FixedType(common.width + below, common.integer, common.signed, Rounding.TRN, overflow)
