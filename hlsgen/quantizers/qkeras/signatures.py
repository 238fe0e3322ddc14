"""Names, order and defaults of the quantisers' options, for both libraries."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from hlsgen.errors import ConfigError, UnsupportedError, nearest

Library: TypeAlias = Literal["qkeras", "qkeras-v3"]


@dataclass(frozen=True)
class Signature:
    """One quantiser's options with their defaults, in positional order.

    ``saved_only`` are options the class does not take, but writes into its configuration.
    """

    name: str
    options: dict[str, Any]
    saved_only: dict[str, Any]


_NOISE = "qnoise_factor=1.0 var_name=None use_ste=True use_variables=False"
_BITS = f"use_stochastic_rounding=False scale_axis=None {_NOISE}"
_PO2 = f"use_stochastic_rounding=False quadratic_approximation=False log2_rounding='rnd' {_NOISE}"
_GROUPS = "elements_per_scale=None min_po2_exponent=None max_po2_exponent=None"
_HSWISH = "bits=8 integer=0 symmetric=0 alpha=None use_stochastic_rounding=False scale_axis=None"
_RANDOM = "temperature=6.0 use_real_sigmoid=True"

SIGNATURES: dict[str, str] = {
    "quantized_bits": f"bits=8 integer=0 symmetric=0 keep_negative=True alpha=None {_BITS}",
    "quantized_hswish": f"{_HSWISH} {_NOISE} relu_shift=3 relu_upper_bound=6",
    "quantized_relu": "bits=8 integer=0 use_sigmoid=0 negative_slope=0.0 use_stochastic_rounding=False "
    f"relu_upper_bound=None is_quantized_clip=True {_NOISE}",
    "quantized_sigmoid": "bits=8 symmetric=False use_real_sigmoid=False use_stochastic_rounding=False",
    "quantized_tanh": "bits=8 use_stochastic_rounding=False symmetric=False use_real_tanh=False",
    "quantized_ulaw": "bits=8 integer=0 symmetric=0 u=255.0",
    "quantized_po2": f"bits=8 max_value=None {_PO2}",
    "quantized_relu_po2": f"bits=8 max_value=None negative_slope=0 {_PO2}",
    "binary": "use_01=False alpha=None use_stochastic_rounding=False",
    "stochastic_binary": f"alpha=None {_RANDOM}",
    "ternary": "alpha=None threshold=None use_stochastic_rounding=False number_of_unrolls=5",
    "stochastic_ternary": "alpha=None threshold=None temperature=8.0 use_real_sigmoid=True number_of_unrolls=5",
    "bernoulli": f"alpha=None {_RANDOM}",
    "quantized_linear": "",
    "binary_sigmoid": "",
    "binary_tanh": "",
}

V3_SIGNATURES: dict[str, str] = {
    "quantized_bits": f"{SIGNATURES['quantized_bits']} {_GROUPS} post_training_scale=None",
    "quantized_hswish": f"{_HSWISH} qnoise_factor=1.0 var_name=None use_variables=False "
    "relu_shift=3 relu_upper_bound=6",
    "binary": f"use_01=False alpha=None training=False use_stochastic_rounding=False scale_axis=None {_GROUPS}",
    "quantized_linear": "bits=8 integer=0 symmetric=1 keep_negative=True alpha=None "
    "use_stochastic_rounding=False scale_axis=None qnoise_factor=1.0 var_name=None use_variables=False",
}

_SAVED_ONLY = {"quantized_hswish": "keep_negative=True post_training_scale=None"}


def signature(name: str, library: Library, where: str) -> Signature:
    """Look a quantiser up. Raises UnsupportedError for names neither library has."""
    if name not in SIGNATURES:
        raise UnsupportedError(f"{where}: '{name}' is no quantizer hlsgen knows{nearest(name, SIGNATURES)}")
    if library == "qkeras" and name == "quantized_linear":
        raise ConfigError(f"{where}: qkeras 0.9 has no quantized_linear; say library='qkeras-v3' or use quantized_bits")
    text = V3_SIGNATURES.get(name) if library == "qkeras-v3" else None
    return Signature(name, _read(text or SIGNATURES[name]), _read(_SAVED_ONLY.get(name, "")))


def _read(text: str) -> dict[str, Any]:
    pairs = (item.split("=") for item in text.split())
    return {key: ast.literal_eval(value) for key, value in pairs}
