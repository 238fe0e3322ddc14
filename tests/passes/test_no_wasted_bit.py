"""Accumulators of every linear layer are exact and minimal: the inputs that need their first and last bit exist.

And constants are stored in the narrowest type that holds them, unless the user fixed it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hlsgen.ir.graph import Node
from hlsgen.ir.layer import Exact
from hlsgen.ir.types import FixedType
from hlsgen.layers.linear import LinearLayer
from tests.passes.builders import Net, project_of

KINDS = ["dense", "rank2", "conv", "padded", "larger than the image", "strided", "conv1d", "depthwise", "separable",
         "transposed", "transposed1d", "scale"]  # fmt: skip
INPUTS = ["fixed<5,2>", "ufixed<4,4>", "fixed<3,6>", "ufixed<6,-1>", "fixed<1,1>"]


def network(kind: str, seed: int, unit: float) -> Net:
    """One layer whose quantiser is far finer and wider than its weights: small multiples of ``unit``."""
    net = Net(seed)
    bits = net.quantized_bits(14, 6)

    def constants(*shape: int) -> Any:
        values = net.rng.integers(-5, 6, shape)
        values.flat[0] = 3
        return values * unit

    def quantised(class_name: str, shape: tuple[int, ...], roles: dict[str, Any], **options: Any) -> None:
        x = net.input(shape)
        options |= {f"{role.removesuffix('_kernel')}_quantizer": bits for role in roles}
        net.call(f"Q{class_name}", "y", x, roles, **options)

    def convolution(shape: tuple[int, ...], size: list[int], **options: Any) -> None:
        filters = 3
        class_name = f"Conv{len(size)}D"
        roles = {"kernel": constants(*size, shape[-1], filters), "bias": constants(filters)}
        quantised(class_name, shape, roles, filters=filters, kernel_size=size, **options)

    match kind:
        case "dense":
            quantised("Dense", (6,), {"kernel": constants(6, 3), "bias": constants(3)}, units=3)
        case "rank2":
            quantised("Dense", (2, 4), {"kernel": constants(4, 3), "bias": constants(3)}, units=3)
        case "conv":
            convolution((3, 4, 2), [2, 2])
        case "padded":
            convolution((3, 4, 2), [3, 3], padding="same")
        case "larger than the image":
            convolution((1, 2, 2), [3, 5], padding="same")
        case "strided":
            convolution((5, 4, 1), [2, 3], strides=3, padding="same")
        case "conv1d":
            convolution((6, 2), [3], padding="causal", dilation_rate=2)
        case "depthwise":
            roles = {"depthwise_kernel": constants(2, 3, 2, 2), "bias": constants(4)}
            quantised("DepthwiseConv2D", (3, 4, 2), roles, kernel_size=[2, 3], depth_multiplier=2, padding="same")
        case "separable":
            roles = {
                "depthwise_kernel": constants(2, 2, 2, 1),
                "pointwise_kernel": constants(1, 1, 2, 3),
                "bias": constants(3),
            }
            quantised("SeparableConv2D", (3, 3, 2), roles, filters=3, kernel_size=[2, 2])
        case "transposed":
            roles = {"kernel": constants(3, 2, 2, 2), "bias": constants(2)}
            quantised("Conv2DTranspose", (3, 2, 2), roles, filters=2, kernel_size=[3, 2], strides=2, padding="same")
        case "transposed1d":
            weights = {"kernel": constants(4, 2, 2), "bias": constants(2)}
            net.call("Conv1DTranspose", "y", net.input((5, 2)), weights, filters=2, kernel_size=[4], strides=3)
        case "scale":
            weights = {
                "gamma": constants(4),
                "beta": constants(4),
                "moving_mean": np.zeros(4),
                "moving_variance": np.ones(4),
            }
            quantizers = {"scale_quantizer": bits, "bias_quantizer": bits}
            net.call("QBatchNormalization", "y", net.input((2, 4)), weights, axis=-1, epsilon=0.0, **quantizers)
    return net


def reachable(node: Node) -> tuple[int, int, FixedType]:
    """The least and largest sum over all inputs of the input's type, and the narrowest type for all sums."""
    x_type, layer = node.input.type, node.layer
    assert x_type is not None
    size = node.input.size
    units = np.concatenate([np.zeros((1, size), dtype=np.int64), np.eye(size, dtype=np.int64)])
    signs = -1 if x_type.max_mantissa == 0 else 1

    def sums(x: np.ndarray) -> tuple[np.ndarray, int]:
        found = layer.exact([Exact(x.reshape(-1, *node.input.shape), x_type.frac)])
        return found.mantissas.reshape(len(x), -1).astype(object), found.frac

    single, frac = sums(units * signs)
    slopes = (single[1:] - single[0]) * signs  # (inputs, outputs)
    tops, bottoms = (np.where((slopes > 0) == up, x_type.max_mantissa, x_type.min_mantissa).T for up in (True, False))
    high, low = (sums(ends.astype(np.int64))[0] for ends in (tops, bottoms))
    highest, lowest = int(max(high.diagonal())), int(min(low.diagonal()))
    bits = int(np.bitwise_or.reduce(single, axis=None))
    zeros = (bits & -bits).bit_length() - 1
    return lowest, highest, FixedType.covering(lowest >> zeros, highest >> zeros, frac - zeros)


@pytest.mark.parametrize("fixed", INPUTS)
@pytest.mark.parametrize("kind", KINDS)
def test_accumulators_are_exact_and_minimal(kind: str, fixed: str):
    for seed, unit in enumerate((1.0, 0.25, 4.0)):
        project = project_of(network(kind, seed, unit).source("y"), input_precision=fixed)
        nodes = [node for node in project.design if isinstance(node.layer, LinearLayer)]
        for node in nodes[:1] if kind == "separable" else nodes:
            lowest, highest, narrowest = reachable(node)
            assert node.output.typing.sum_type == node.output.typing.accum_type == narrowest, (
                f"{kind}, {unit}: {lowest} .. {highest}"
            )


@pytest.mark.parametrize("kind", KINDS)
def test_constants_are_stored_in_the_narrowest_types(kind: str):
    project = project_of(network(kind, 0, 4.0).source("y"), input_precision="fixed<5,2>")
    for node in project.design:
        for parameter in node.layer.constants().values():
            mantissas, _ = parameter.fixed
            assert parameter.type is not None
            if mantissas.any():
                assert (mantissas & 1).any(), "a low bit that all have zero"
                low, high = min(int(mantissas.min()), 0), max(int(mantissas.max()), 0)
                assert parameter.type == FixedType.covering(low, high, parameter.type.frac)
                assert parameter.type.width <= 4
            np.testing.assert_array_equal(parameter.effective, parameter.values)


def test_types_that_the_user_fixed_stay():
    settings = {"y": {"precision": {"weight": "fixed<14,7>", "bias": "fixed<10,8>"}}}
    project = project_of(network("dense", 0, 4.0).source("y"), input_precision="fixed<5,2>", layers=settings)
    found = project.design.ops[-1].layer.constants()
    assert [str(found[name].type) for name in ("weight", "bias")] == ["fixed<14,7>", "fixed<10,8>"]


def test_coarse_weights_reach_the_emulator():
    """Types with all bits left of the binary point, and beyond."""
    x = np.random.default_rng(0).integers(-16, 16, (50, 3, 4, 2)) / 4.0
    project = project_of(network("padded", 0, 8.0).source("y"), input_precision="fixed<7,5>")
    weight = project.design.ops[-1].layer.constants()["weight"].type
    assert weight is not None and weight.frac < 0
    np.testing.assert_array_equal(project.predict(x), project.evaluate(x)["y"])
