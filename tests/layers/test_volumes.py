"""Convolutions of volumes: equal to a convolution written out, in every executor, and counted where the model has values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.ladder.harness import executors_agree
from tests.passes.builders import Net, grid, project_of

SHAPE = (4, 5, 3, 4)


def convolution(**options: Any) -> tuple[Net, dict[str, Any]]:
    """A kernel of 2 x 3 x 2."""
    net = Net(5)
    net.input(SHAPE)
    channels = 4 // options.get("groups", 1)
    weights = {"kernel": net.dyadic(2, 3, 2, channels, 2), "bias": net.dyadic(2)}
    net.call("Conv3D", "conv", "x", weights, filters=2, kernel_size=[2, 3, 2], **options)
    return net, weights


def written_out(x: np.ndarray, weights: dict[str, Any], strides: tuple[int, ...], groups: int) -> np.ndarray:
    """Without padding."""
    windows = np.lib.stride_tricks.sliding_window_view(x, (2, 3, 2), axis=(1, 2, 3))
    windows = windows[:, :: strides[0], :: strides[1], :: strides[2]]
    parts = zip(np.split(windows, groups, axis=4), np.split(weights["kernel"], groups, axis=4), strict=True)
    return np.concatenate([np.einsum("ndhwcijk,ijkcf->ndhwf", *pair) for pair in parts], axis=-1) + weights["bias"]


@pytest.mark.parametrize(
    ("strides", "groups", "io_type"),
    [((1, 1, 1), 1, "io_stream"), ((2, 2, 1), 2, "io_parallel"), ((1, 4, 2), 1, "io_stream")],
)
def test_written_out(strides: tuple[int, ...], groups: int, io_type: str) -> None:
    """A stride of four goes beyond the window: then no row is for nothing."""
    net, weights = convolution(strides=list(strides), groups=groups)
    project = project_of(net.source("conv"), input_precision="fixed<7,3>", io_type=io_type)
    data = grid(SHAPE, 9)
    np.testing.assert_array_equal(project.evaluate(data)["conv"], written_out(data, weights, strides, groups))
    executors_agree(project, data)


def test_rows_between_slices_do_not_count() -> None:
    """They overflow far more often than the windows of the model."""
    net, weights = convolution()
    project = project_of(net.source("conv"), input_precision="fixed<7,3>", precision={"result": "fixed<6,3>"})
    data = grid(SHAPE, 9)
    exact = np.floor(written_out(data, weights, (1, 1, 1), 1) * 8)
    project.predict(data, count_overflows=True)
    (entry,) = project.overflows.entries
    assert (entry.layer, entry.total, entry.count) == ("conv", exact.size, ((exact < -32) | (exact > 31)).sum())
    assert entry.count > 0
