"""What a QKeras quantiser means, from its configuration alone.

No framework is imported and no string evaluated. :func:`parse_quantizer` reads the spellings of
qkeras 0.9 and qkeras-v3; the result quantises constants bit for bit and describes activations
on integers.
"""

from __future__ import annotations

from hlsgen.quantizers.qkeras.functions import QuantizedRelu, QuantizedSigmoid, QuantizedTanh
from hlsgen.quantizers.qkeras.linear import QuantizedBits, QuantizedHswish, QuantizedLinear
from hlsgen.quantizers.qkeras.parse import live_configuration, parse_quantizer
from hlsgen.quantizers.qkeras.po2 import PowerOfTwo
from hlsgen.quantizers.qkeras.quantizer import QKerasQuantizer
from hlsgen.quantizers.qkeras.signatures import Library
from hlsgen.quantizers.qkeras.signs import Binary, Ternary

__all__ = [
    "Binary",
    "Library",
    "PowerOfTwo",
    "QKerasQuantizer",
    "QuantizedBits",
    "QuantizedHswish",
    "QuantizedLinear",
    "QuantizedRelu",
    "QuantizedSigmoid",
    "QuantizedTanh",
    "Ternary",
    "live_configuration",
    "parse_quantizer",
]
