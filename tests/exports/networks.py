"""Designs to export: small, with constants of many widths, and with names that need care."""

from __future__ import annotations

import numpy as np

from hlsgen.project import Project
from tests.passes.builders import Net, project_of


def mixed(**settings: object) -> Project:
    """A grouped, a depthwise and a dense layer, a PReLU, an average pooling; a name that is no file's."""
    net = Net(5)
    x = net.input((6, 5, 4))
    kernel = net.dyadic(3, 2, 2, 6)
    conv = net.call(
        "Conv2D",
        "conv/1: ünsafe\n../../x",
        x,
        {"kernel": kernel, "bias": net.dyadic(6, frac=4)},
        filters=6,
        kernel_size=[3, 2],
        strides=[2, 1],
        padding="same",
        groups=2,
    )
    prelu = net.call("PReLU", "prelu", conv, {"alpha": net.dyadic(3, 5, 6, frac=6, bound=60)})
    depthwise = net.call(
        "DepthwiseConv2D",
        "depthwise",
        prelu,
        {"depthwise_kernel": net.dyadic(2, 2, 6, 2), "bias": net.dyadic(12)},
        kernel_size=[2, 2],
        depth_multiplier=2,
        dilation_rate=[1, 2],
    )
    pool = net.call("GlobalAveragePooling2D", "pool", depthwise)
    net.dense("fc", pool, 12, 3)
    return project_of(net.source("fc"), input_precision="fixed<7,3>", **settings)


def dense(n_in: int, n_out: int, weights: np.ndarray, bias: np.ndarray, precision: str) -> Project:
    """One dense layer with given real numbers and one type for all of them."""
    net = Net()
    net.call("Dense", "fc", net.input((n_in,)), {"kernel": weights, "bias": bias}, units=n_out)
    return project_of(net.source("fc"), layers={"fc": {"precision": {"weight": precision, "bias": precision}}})
