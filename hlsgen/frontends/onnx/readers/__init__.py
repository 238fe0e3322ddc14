"""Readers of operators, a file for each family."""

from hlsgen.frontends.onnx.readers import (  # noqa: F401
    activations,
    arithmetic,
    convolutions,
    normalization,
    pooling,
    products,
    quantized_products,
    quantizers,
    recurrent,
    reductions,
    resizing,
    shapes,
    slices,
)
