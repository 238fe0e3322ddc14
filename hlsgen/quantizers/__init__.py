"""What a QKeras quantiser means, from its configuration alone.

No framework is imported and no string evaluated. :func:`parse_quantizer` reads the spellings of
qkeras 0.9 and qkeras-v3; the result quantises constants bit for bit and describes activations
on integers.
"""

from __future__ import annotations

from hlsgen.quantizers.base import Activation, Library, PowersOfTwo, Quantized, Quantizer
from hlsgen.quantizers.functions import QuantizedRelu, QuantizedSigmoid, QuantizedTanh
from hlsgen.quantizers.linear import QuantizedBits, QuantizedHswish, QuantizedLinear
from hlsgen.quantizers.parse import live_configuration, parse_quantizer
from hlsgen.quantizers.po2 import PowerOfTwo
from hlsgen.quantizers.signs import Binary, Ternary

__all__ = [
    "Activation",
    "Binary",
    "Library",
    "PowerOfTwo",
    "PowersOfTwo",
    "Quantized",
    "QuantizedBits",
    "QuantizedHswish",
    "QuantizedLinear",
    "QuantizedRelu",
    "QuantizedSigmoid",
    "QuantizedTanh",
    "Quantizer",
    "Ternary",
    "live_configuration",
    "parse_quantizer",
]
