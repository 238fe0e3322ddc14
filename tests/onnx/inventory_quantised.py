"""What becomes of quantised models: the rows of docs/qonnx.md, each with a model that shows it."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.onnx.inventory import CLOSE, Build, Section, tables
from tests.onnx.nets import Net, TensorProto
from tests.onnx.quant import DOMAIN

VECTOR, IMAGE = (6,), (3, 6, 5)


def quant(
    net: Net, x: str, scale: Any = 0.25, bits: Any = 4, zero: Any = 0.0, op: str = "Quant", **options: Any
) -> str:
    """One of QONNX's quantisers behind ``x``, or of constants."""
    real = np.asarray(scale, dtype=np.float32), np.asarray(zero, dtype=np.float32), np.asarray(bits, dtype=np.float32)
    options = {"signed": 1, "narrow": 0, "rounding_mode": "ROUND"} | options
    made: str = net(op, x, *(net.weight(values=array) for array in real), domain=DOMAIN, **options)
    return made


def _weights(net: Net, *shape: int, **options: Any) -> str:
    return quant(net, net.weight(values=net.rng.normal(0, 0.5, shape)), **options)


def _custom(op: str, *numbers: Any, **attributes: Any) -> Any:
    def build(net: Net, x: str) -> Any:
        return net(
            op, x, *(net.weight(values=np.asarray(n, dtype=np.float32)) for n in numbers), domain=DOMAIN, **attributes
        )

    return build


_qonnx = Section("QONNX")
_qonnx.right("Quant", VECTOR, quant, note="also by its newer name, IntQuant; domains qonnx, finn and onnx.brevitas")
_qonnx.right("IntQuant", VECTOR, lambda n, x: quant(n, x, op="IntQuant"))
_qonnx.right("Quant(signed=0)", VECTOR, lambda n, x: quant(n, x, signed=0))
_qonnx.right("Quant(narrow=1)", VECTOR, lambda n, x: quant(n, x, narrow=1))
_qonnx.right(
    "Quant(rounding_mode)",
    VECTOR,
    lambda n, x: [quant(n, x, rounding_mode=mode) for mode in ("CEIL", "FLOOR", "UP", "DOWN", "HALF_UP", "HALF_DOWN")],
    note="all of the specification",
)
_qonnx.right("Quant of one bit", VECTOR, lambda n, x: quant(n, x, bits=1), note="a sign, as QONNX executes it")
_qonnx.right("Quant, zero point", VECTOR, lambda n, x: quant(n, x, zero=3.0), note="up to 1024 levels")
_qonnx.right(
    "Quant, any scale",
    VECTOR,
    lambda n, x: quant(n, x, 0.3),
    CLOSE,
    "which level is exact, up to 1024; a level has 24 bits",
)
_qonnx.right(
    "Quant, a scale for each channel",
    IMAGE,
    lambda n, x: quant(n, x, [[[[0.25]], [[0.5]], [[1.0]]]]),
    note="powers of two",
)
_qonnx.refused(
    "Quant, any scale for each channel", VECTOR, lambda n, x: quant(n, x, [[0.3] * 5 + [0.4]]), "power of two"
)
_qonnx.refused("Quant, more levels", VECTOR, lambda n, x: quant(n, x, 0.3, 12), "levels")
_qonnx.refused("Quant, a fraction as zero point", VECTOR, lambda n, x: quant(n, x, zero=0.5), "whole number")
_qonnx.refused(
    "Quant, zero points of channels", VECTOR, lambda n, x: quant(n, x, zero=[[0.0] * 5 + [1]]), "whole number"
)
_qonnx.refused("Quant of 40 bits", VECTOR, lambda n, x: quant(n, x, bits=40), "bits")
_qonnx.refused(
    "Quant(rounding_mode='STOCHASTIC')", VECTOR, lambda n, x: quant(n, x, rounding_mode="STOCHASTIC"), "STOCHASTIC"
)
_qonnx.right(
    "Quant of weights",
    VECTOR,
    lambda n, x: n("Gemm", x, _weights(n, 4, 6, scale=2.0 ** -np.arange(4)[:, None]), _weights(n, 4, bits=8), transB=1),
    note="a scale for each channel or for all; then Transpose, Reshape and the like",
)
_qonnx.right(
    "Quant of weights, any scale",
    IMAGE,
    lambda n, x: n("Conv", x, _weights(n, 4, 3, 2, 2, scale=0.1 + 0.01 * np.arange(4).reshape(4, 1, 1, 1))),
    CLOSE,
    "the scales are multiplied behind the sums of whole numbers, exactly",
)
_qonnx.right("BipolarQuant", VECTOR, _custom("BipolarQuant", 0.5))
_qonnx.right(
    "Trunc", VECTOR, _custom("Trunc", 0.125, 0, 8, 5, rounding_mode="FLOOR"), note="version 1; an input of so many bits"
)
_qonnx.right(
    "Trunc, version 2", VECTOR, _custom("Trunc", 0.125, 0, 8, 0.5, 5, rounding_mode="ROUND", signed=1, narrow=0)
)
_qonnx.right(
    "Trunc, any scale",
    VECTOR,
    _custom("Trunc", 0.3, 0, 8, 5, rounding_mode="FLOOR"),
    CLOSE,
    "which level is exact, up to 1024; a level has 24 bits",
)
_qonnx.refused("FloatQuant", VECTOR, _custom("FloatQuant", 1.0, 4, 3, 7, 448.0), "FloatQuant")


# -- ONNX's own --------------------------------------------------------------------------------------


def _words(net: Net, *numbers: int, kind: Any = np.int8) -> str:
    return net.weight(values=np.array(numbers if len(numbers) > 1 else numbers[0], dtype=kind))


def _coded(net: Net, *shape: int) -> str:
    return net.weight(values=net.rng.integers(-128, 128, shape).astype(np.int8))


def _pair(net: Net, x: str, scale: Any = 0.25, zero: int = 0, kind: Any = np.int8, clip: bool = False) -> str:
    """QuantizeLinear, perhaps a Clip, DequantizeLinear."""
    factor, point = net.weight(values=np.asarray(scale, dtype=np.float32)), _words(net, zero, kind=kind)
    made = net("QuantizeLinear", x, factor, point)
    if clip:
        made = net("Clip", made, _words(net, -7, kind=kind), _words(net, 7, kind=kind))
    out: str = net("DequantizeLinear", made, factor, point)
    return out


def _product(op: str, *shape: int, **attributes: Any) -> Build:
    """ConvInteger or MatMulInteger behind a QuantizeLinear."""

    def build(net: Net, x: str) -> Any:
        made = net("QuantizeLinear", x, net.scalar(0.25), _words(net, 3))
        sums = net(op, made, _coded(net, *shape), _words(net, 3), _words(net, -5), **attributes)
        return net("Cast", sums, to=TensorProto.FLOAT)

    return build


def _requantised(op: str, scale: Any, *shape: int) -> Build:
    """QLinearConv or QLinearMatMul, from words to words."""

    def build(net: Net, x: str) -> Any:
        made = net("QuantizeLinear", x, net.scalar(0.25), _words(net, 3))
        factor = net.weight(values=np.asarray(scale, dtype=np.float32))
        zeros = _words(net, *[0] * np.size(scale))
        weights = [_coded(net, *shape), factor, zeros]
        return net(op, made, net.scalar(0.25), _words(net, 3), *weights, net.scalar(0.5), _words(net, -4))

    return build


def _dynamic(net: Net, x: str) -> Any:
    return net("DequantizeLinear", *net("DynamicQuantizeLinear", x, outputs=3))


_own = Section("ONNX's own")
_own.right("QuantizeLinear, DequantizeLinear", VECTOR, _pair, note="as one quantiser: their zero points cancel")
_own.right("with a zero point", VECTOR, lambda n, x: _pair(n, x, zero=100, kind=np.uint8))
_own.right(
    "with a Clip between them", VECTOR, lambda n, x: _pair(n, x, clip=True), note="fewer bits, as of Brevitas (QCDQ)"
)
_own.right("of any scale", VECTOR, lambda n, x: _pair(n, x, 0.3), CLOSE, "which level is exact; a level has 24 bits")
_own.right(
    "of 16 bits",
    VECTOR,
    lambda n, x: _pair(n, x, 2.0**-6, kind=np.int16),
    note="a power of two; up to 1024 levels of others",
)
_own.refused("of 16 bits and any scale", VECTOR, lambda n, x: _pair(n, x, 0.01, kind=np.int16), "levels")
_own.right(
    "QuantizeLinear",
    VECTOR,
    lambda n, x: n("QuantizeLinear", x, n.scalar(0.3), _words(n, 3)),
    note="words that others read",
)
_own.right(
    "DequantizeLinear of weights",
    VECTOR,
    lambda n, x: n(
        "MatMul",
        x,
        n("DequantizeLinear", _coded(n, 6, 2), n.weight(values=np.float32([0.5, 0.125])), _words(n, 3, 0), axis=1),
    ),
    note="words of 4 to 32 bits, a scale and a zero point for all or along an axis",
)
_own.right("ConvInteger", IMAGE, _product("ConvInteger", 2, 3, 3, 3, pads=[1] * 4), note="exact sums")
_own.right("MatMulInteger", VECTOR, _product("MatMulInteger", 6, 3))
_own.right("QLinearConv", IMAGE, _requantised("QLinearConv", 0.0123, 2, 3, 3, 3), note="words, also of any scale")
_own.right(
    "QLinearConv, scales of channels",
    IMAGE,
    _requantised("QLinearConv", [0.01, 0.023], 2, 3, 3, 3),
    note="a factor of float32 for each",
)
_own.right("QLinearMatMul", VECTOR, _requantised("QLinearMatMul", 0.0123, 6, 3))
_own.refused("DynamicQuantizeLinear", VECTOR, _dynamic, "statically")

SECTIONS = (_qonnx, _own)
ROWS = [row for section in SECTIONS for row in section]

HEADER = """# Quantised ONNX models

Models whose quantisers are operators are read as float ones are ([onnx.md](onnx.md)), with the types that they state:
nothing has to be configured, and weights and quantised values do not depend on `default_width`.

* **Weights** that a quantiser makes are whole numbers of its width. A scale that is a power of two is their binary
  point; scales that differ between channels widen the words by the difference.
* **What is computed** behind a quantiser has its type. With a scale that is a power of two and zero point 0 that is a
  cast, as of QKeras' `quantized_bits`. Otherwise it is a step function, of at most 1024 levels, which compares with the
  exact places of the steps: a level more or less costs a comparison.
  256 levels are 255 comparisons of every number that is computed at once: powers of two and zero points of 0 (for words
  without a sign, 128) are much smaller.
* **Other scales** are float32 numbers of 24 bits, and stay what they are: they are multiplied behind sums of whole
  numbers, exactly, and a quantiser takes the level that a runtime's division in float32 gives for the exact number (with
  a zero point of QONNX's other than 0: that of exact arithmetic). A runtime that has rounded the number itself before,
  as sums of float32 are, may take the neighbour beside a tie. Results that are not quantised are rounded to their type,
  as of float models.
* Constants are quantised with the arithmetic of float32, as runtimes do. A bias is what float32 holds, exactly.
* **QuantizeLinear and DequantizeLinear** with the same constants, one behind the other, are one quantiser. Where other
  operators read its words, they are there as whole numbers, and an input of the model may be words, too: its type is
  theirs. QLinearConv and QLinearMatMul quantise exact sums by one factor of float32, `x_scale * w_scale / y_scale`.
* Dense layers and convolutions keep the types of quantised weights. In other operators (Einsum, a constant in front of a
  tensor, recurrent layers, Add, Mul) these are real numbers as of float models, exact if they fit `default_width`.

A file may say in functions of its own what its quantisers are, for runtimes, as those do that
`project.export("onnx", folder)` writes ([exports_onnx.md](exports_onnx.md)): they are read as QONNX means them.

The outputs of a model are real numbers. `project.trace` tells what a quantiser gives under its name; with a scale that is
no power of two, its whole numbers are there as `name_quantizer`.

## Operators

Each line is a model in `tests/onnx/inventory_quantised.py`, compared with ONNX Runtime, those of QONNX with its published
specification, written down in `tests/onnx/quant.py`. The words are those of [onnx.md](onnx.md#operators).
"""


def document() -> str:
    """The text of docs/qonnx.md."""
    return HEADER + tables(SECTIONS)
