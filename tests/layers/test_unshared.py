"""Convolutions with unshared weights: written out, in every executor, with no product by a zero."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hlsgen.errors import ModelError, UnsupportedError
from hlsgen.layers.conv2d import Conv2D
from tests.ladder.harness import executors_agree
from tests.passes.builders import Net, grid, project_of

SHAPE = (4, 3, 2)


def unshared(weights: dict[str, Any], **options: Any) -> Net:
    net = Net(6)
    net.input(SHAPE)
    net.call("LocallyConnected2D", "local", "x", weights, filters=2, kernel_size=[2, 3], strides=[2, 1], **options)
    return net


@pytest.mark.parametrize(("strategy", "io_type"), [("latency", "io_parallel"), ("resource", "io_stream")])
def test_written_out(strategy: str, io_type: str) -> None:
    rng = np.random.default_rng(8)
    kernel, bias = rng.integers(-4, 5, (2, 12, 2)) / 4, rng.integers(-4, 5, (2, 1, 2)) / 4
    net = unshared({"kernel": kernel, "bias": bias})
    settings = {"strategy": strategy, "reuse_factor": 1 if strategy == "latency" else 6}
    project = project_of(net.source("local"), input_precision="fixed<7,3>", io_type=io_type, **settings)
    data = grid(SHAPE, 9)
    windows = data.reshape(9, 2, 12)
    expected = np.einsum("nwi,wif->nwf", windows, kernel).reshape(9, 2, 1, 2) + bias
    np.testing.assert_array_equal(project.evaluate(data)["local"], expected)
    executors_agree(project, data)
    (layer,) = [op.layer for op in project.design.ops if isinstance(op.layer, Conv2D)]
    assert layer.products == kernel.size


def test_windows_of_the_second_implementation_are_centred() -> None:
    """Keras puts half a window in front of the image at any stride: only what lies inside has weights."""
    rng = np.random.default_rng(9)
    kernel = rng.integers(-4, 5, (*SHAPE, 2, 3, 2)) / 4
    net = unshared({"kernel": kernel}, padding="same", implementation=2, use_bias=False)
    data = grid(SHAPE, 9)
    expected = np.zeros((9, 2, 3, 2))
    for row, column in np.ndindex(2, 3):
        rows, columns = slice(max(2 * row - 1, 0), 2 * row + 1), slice(max(column - 1, 0), column + 2)
        expected[:, row, column] = np.einsum(
            "nijc,ijcf->nf", data[:, rows, columns], kernel[rows, columns, :, row, column]
        )
    np.testing.assert_array_equal(project_of(net.source("local")).evaluate(data)["local"], expected)


def test_what_is_no_implementation_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="implementation=4; expected 1, 2 or 3"):
        project_of(unshared({"kernel": np.zeros((2, 12, 2))}, implementation=4, use_bias=False).source("local"))


@pytest.mark.parametrize("implementation", [1, 2, 3])
def test_kernels_of_another_size_are_refused(implementation: int) -> None:
    net = unshared({"kernel": np.zeros((2, 11, 2))}, implementation=implementation, use_bias=False)
    with pytest.raises(ModelError, match=r"weight 'kernel' has shape \(2, 11, 2\)"):
        project_of(net.source("local"))
