"""What becomes of quantised models: the rows of docs/qonnx.md, each with a model that shows it."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.onnx.inventory import CLOSE, Section, tables
from tests.onnx.nets import Net
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
_qonnx.refused("Trunc, any scale", VECTOR, _custom("Trunc", 0.3, 0, 8, 5, rounding_mode="FLOOR"), "power of two")
_qonnx.refused("FloatQuant", VECTOR, _custom("FloatQuant", 1.0, 4, 3, 7, 448.0), "FloatQuant")

SECTIONS = (_qonnx,)
ROWS = [row for section in SECTIONS for row in section]

HEADER = """# Quantised ONNX models

Models whose quantisers are operators are read as float ones are ([onnx.md](onnx.md)), with the types that they state:
nothing has to be configured, and weights and quantised values do not depend on `default_width`.

* **Weights** that a quantiser makes are whole numbers of its width. A scale that is a power of two is their binary
  point; scales that differ between channels widen the words by the difference.
* **What is computed** behind a quantiser has its type. With a scale that is a power of two and zero point 0 that is a
  cast, as of QKeras' `quantized_bits`. Otherwise it is a step function, of at most 1024 levels, which compares with the
  exact places of the steps: a level more or less costs a comparison.
* **Other scales** are float32 numbers of 24 bits, and stay what they are: they are multiplied behind sums of whole
  numbers, and quantisers step where the real numbers do. So every level is that of exact arithmetic. Runtimes divide
  in float32, and may take the neighbour where a quotient is within their error of a tie. Results that are not
  quantised are rounded to their type, as of float models.
* Constants are quantised with the arithmetic of float32, as runtimes do.
* A bias with a scale that is no power of two is a real number for that, and rounded as biases of float models are.

The outputs of a model are real numbers. `project.trace` tells what a quantiser gives under its name; with a scale that is
no power of two, its whole numbers are there as `name_quantizer`.

## Operators

Each line is a model in `tests/onnx/inventory_quantised.py`, compared with the published specification of QONNX, written
down in `tests/onnx/quant.py`. The words are those of [onnx.md](onnx.md#operators).
"""


def document() -> str:
    """The text of docs/qonnx.md."""
    return HEADER + tables(SECTIONS)
