"""Layers of HGQ2 that quantise what a layer of Keras computes with."""

from __future__ import annotations

from collections.abc import Callable
from math import log2, prod

import numpy as np

from hlsgen.errors import ModelError
from hlsgen.frontends.functions import add_line
from hlsgen.frontends.keras.axes import places_of
from hlsgen.frontends.keras.call import Call, Reader, reads
from hlsgen.frontends.keras.hgq import (
    behind_quantizers,
    quantize_data,
    read_types,
)
from hlsgen.frontends.keras.options import AXIS, FIELDS, SWITCH, TEXT, positive_number, several
from hlsgen.frontends.keras.readers import merging, pooling
from hlsgen.frontends.keras.readers.linear import read_conv, read_dense
from hlsgen.frontends.keras.readers.products import read_dot, read_einsum, read_einsum_dense
from hlsgen.frontends.keras.readers.volumes import read_conv_3d
from hlsgen.frontends.reductions import add_reduction
from hlsgen.ir.graph import Value

_EPSILON = np.float32(1e-7)
"""That of Keras's backend, which QEinsumDenseBatchnorm adds whatever its own is."""


@reads("hgq>Quantizer")
def read_quantizer(call: Call) -> Value:
    """A quantiser as a layer; its options are in ``config``."""
    return quantize_data(call, call.input, read_types(call, call.take("config", FIELDS), ""))


reads("hgq>QDense")(behind_quantizers(read_dense, "kernel", "bias"))
reads("hgq>QConv1D", "hgq>QConv2D")(behind_quantizers(read_conv, "kernel", "bias"))
reads("hgq>QConv3D")(behind_quantizers(read_conv_3d, "kernel", "bias"))
reads("hgq>QEinsumDense")(behind_quantizers(read_einsum_dense, "kernel", "bias"))


# -- pools and merges ----------------------------------------------------------------------------


def _average(reader: Reader) -> Callable[[Call], Value]:
    """The reader of a mean, which says where the mean of so many is no fixed point."""
    behind = behind_quantizers(reader)

    def read(call: Call) -> Value:
        sizes = call.inner_config.get("pool_size", call.input.shape[:-1])
        parts = sizes if isinstance(sizes, list | tuple) else [sizes]
        powers = all(isinstance(part, int) and part & (part - 1) == 0 for part in parts)
        if not powers or call.inner_config.get("padding") == "same":
            call.graph.notes.append(
                f"{call.name}: a mean of a number of cells that is no power of two is no fixed point: it is within a "
                "step of its type, and not equal to HGQ2's to the bit"
            )
        return behind(call)

    return read


for _rank in (1, 2, 3):
    reads(f"hgq>QGlobalMaxPooling{_rank}D")(behind_quantizers(pooling.read_global_max))
    reads(f"hgq>QGlobalAveragePooling{_rank}D")(_average(pooling.read_global_average))
reads("hgq>QMaxPooling1D", "hgq>QMaxPooling2D")(behind_quantizers(pooling.read_max_pooling))
reads("hgq>QAveragePooling1D", "hgq>QAveragePooling2D")(_average(pooling.read_average_pooling))
reads("hgq>QMaxPooling3D")(behind_quantizers(pooling.read_max_pooling_3d))
reads("hgq>QAveragePooling3D")(_average(pooling.read_average_pooling_3d))

_MERGES: dict[str, Reader] = {
    "Add": merging.read_add,
    "Multiply": merging.read_multiply,
    "Maximum": merging.read_maximum,
    "Minimum": merging.read_minimum,
    "Subtract": merging.read_subtract,
    "Dot": read_dot,
}
for _name, _reader in _MERGES.items():
    reads(f"hgq>Q{_name}")(behind_quantizers(_reader))


@reads("hgq>QAveragePow2")
def read_average_pow2(call: Call) -> Value:
    """The sum of all, times the power of two that is next to 1 / n."""

    def average(call: Call) -> Value:
        total = merging.read_add(call)
        return add_line(call, total, _power_next_to(1 / len(call.inputs)), 0.0, "mean")

    return behind_quantizers(average)(call)


def _power_next_to(value: float) -> float:
    return float(2.0 ** round(log2(value)))


@reads("hgq>QEinsum")
def read_q_einsum(call: Call) -> Value:
    call.options["subscripts"] = call.take("equation", TEXT)
    return behind_quantizers(read_einsum)(call)


@reads("hgq>QSum")
def read_sum(call: Call) -> Value:
    """The sum over axes, times a power of two."""

    def add_up(call: Call) -> Value:
        axes, scale = places_of(call, call.take("axes", several(AXIS))), call.take("scale", positive_number(), 1.0)
        if np.frexp(scale)[0] != 0.5:
            raise ModelError(f"{call.where}: option scale={scale:g} is no power of two; the file is damaged")
        return _scaled_sum(call, axes, scale)

    return behind_quantizers(add_up)(call)


@reads("hgq>QMeanPow2")
def read_mean_pow2(call: Call) -> Value:
    def average(call: Call) -> Value:
        axes = places_of(call, call.take("axes", several(AXIS)))
        return _scaled_sum(call, axes, _power_next_to(1.0 / prod(call.input.shape[axis] for axis in axes)))

    return behind_quantizers(average)(call)


def _scaled_sum(call: Call, axes: list[int], scale: float) -> Value:
    total = add_reduction(call, call.input, "sum", axes, call.take("keepdims", SWITCH, False))
    return total if scale == 1.0 else add_line(call, total, scale, 0.0, "scaled")
