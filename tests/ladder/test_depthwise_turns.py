"""A depthwise convolution in every number of turns: taps first, then outputs share multipliers."""

from __future__ import annotations

import pytest

from hlsgen.layers.linear import divisors
from tests.ladder.harness import executors_agree, grid_input
from tests.passes.builders import Net, project_of

TAPS, CHANNELS, MULTIPLIER = 6, 2, 2
PRODUCTS = TAPS * CHANNELS * MULTIPLIER


@pytest.mark.parametrize("io_type", ["io_parallel", "io_stream"])
def test_every_reuse_factor(io_type: str):
    net = Net(5, "turns")
    x = net.input((4, 5, CHANNELS))
    for factor in divisors(PRODUCTS):
        weights = {
            "depthwise_kernel": net.dyadic(2, 3, CHANNELS, MULTIPLIER),
            "bias": net.dyadic(CHANNELS * MULTIPLIER),
        }
        config = {"kernel_size": [2, 3], "depth_multiplier": MULTIPLIER, "padding": "same"}
        net.call("DepthwiseConv2D", f"by_{factor}", x, weights, **config)
    names = {factor: f"by_{factor}" for factor in divisors(PRODUCTS)}
    layers = {name: {"strategy": "resource", "reuse_factor": factor} for factor, name in names.items()}
    project = project_of(net.source(*names.values()), input_precision="fixed<6,3>", io_type=io_type, layers=layers)
    for step in project.plan.steps:
        if step.kernel.function == "depthwise_conv2d":
            factor = step.kernel.reuse_factor
            weights = step.constants[0].array
            assert step.kernel.members["multipliers"] == PRODUCTS // factor
            assert weights.extents == ((PRODUCTS // factor, factor) if factor > 1 else (PRODUCTS,))
    executors_agree(project, grid_input((4, 5, CHANNELS), bound=31, samples=20))
