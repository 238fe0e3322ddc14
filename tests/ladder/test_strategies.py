"""Every strategy at every reuse factor: the same integers, by the reference, the emulator and the vendor's headers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hlsgen.backends.hls.lanes import Lanes
from hlsgen.ir.types import integers
from hlsgen.project import Project
from tests.ladder.harness import executors_agree
from tests.passes.builders import Net, project_of

SHAPE = (4, 5, 2)


def convolution_and_dense() -> Any:
    """Products of 8 x 6 (a window of 2 x 2 x 2, stride 2 in one direction) and of 36 x 4 behind a Flatten."""
    net = Net(3)
    net.input(SHAPE)
    net.conv("conv", "x", 2, 6, size=2, strides=[1, 2], padding="valid")
    net.call("Flatten", "flat", "conv")
    return net.source(net.dense("fc", "flat", 36, 4))


SOURCE = convolution_and_dense()
VALID = {"resource": ((1, 2, 4, 8, 16, 24, 48), (1, 2, 4, 36, 72, 144)), "unrolled": ((1, 2, 3, 7, 8), (1, 5, 36))}


def cases() -> list[Any]:
    """Each factor of each matrix, both in one design; those of slow runs are the ones between."""
    found = []
    for strategy, (windows, rows) in VALID.items():
        for index in range(max(len(windows), len(rows))):
            conv, fc = windows[min(index, len(windows) - 1)], rows[min(index, len(rows) - 1)]
            for io_type in ("io_parallel", "io_stream"):
                quick = (index + (io_type == "io_stream")) % 3 == 0
                marks = () if quick else pytest.mark.slow
                found.append(pytest.param(strategy, conv, fc, io_type, marks=marks))
    return found


def converted(strategy: str, conv: int, fc: int, io_type: str) -> Project:
    factors = {"conv": {"reuse_factor": conv}, "fc": {"reuse_factor": fc}}
    settings = {"input_precision": "fixed<7,3>", "io_type": io_type, "strategy": strategy}
    return project_of(SOURCE, **settings, layers=factors)


@pytest.mark.parametrize(("strategy", "conv", "fc", "io_type"), cases())
def test_same_integers(strategy: str, conv: int, fc: int, io_type: str) -> None:
    rng = np.random.default_rng(5)
    x = rng.integers(-64, 64, (9, *SHAPE)) / 16
    x[0], x[1] = -4, 63 / 16
    executors_agree(converted(strategy, conv, fc, io_type), x)


@pytest.mark.parametrize("turns", [1, 2, 3, 5, 40])
def test_lanes_hold_each_product_once(turns: int) -> None:
    rng = np.random.default_rng(turns)
    matrix = integers(rng.integers(-9, 10, (7, 23)), 8)
    matrix[3] = 0
    lanes = Lanes.of(matrix, turns)
    assert lanes.inputs.shape == lanes.words.shape == (len(lanes.outputs), turns)
    rebuilt = np.zeros_like(matrix)
    np.add.at(rebuilt, (np.repeat(lanes.outputs, turns), lanes.inputs.ravel()), lanes.words.ravel())
    np.testing.assert_array_equal(rebuilt, matrix)
    powers = np.isin(np.abs(lanes.words), (0, 1, 2, 4, 8))
    assert powers[lanes.multiplied :].all(), "no lane without a multiplier multiplies"
    assert not powers[: lanes.multiplied, 0].any(), "and none has one for nothing"
    needed = (~np.isin(np.abs(matrix), (0, 1, 2, 4, 8))).sum(axis=1)
    assert lanes.multiplied == sum(-(-int(n) // turns) for n in needed), "as few as their outputs allow"


def test_a_matrix_of_zeros_is_one_idle_lane() -> None:
    lanes = Lanes.of(integers(np.zeros((3, 4), int), 8), 2)
    assert (lanes.words == 0).all() and lanes.multiplied == 0 and lanes.words.shape == (1, 2)


@pytest.mark.parametrize("strategy", ["latency", "resource"])
@pytest.mark.parametrize("factor", [2, pytest.param(4, marks=pytest.mark.slow), 8])
def test_pixels_at_once(strategy: str, factor: int) -> None:
    """Of an output of 4 x 4: half a row, a row, two rows."""
    net = Net(4)
    net.input((5, 5, 2))
    source = net.source(net.conv("conv", "x", 2, 3, size=2, padding="valid"))
    settings = {"input_precision": "fixed<7,3>", "strategy": strategy, "reuse_factor": 4}
    project = project_of(source, **settings, layers={"conv": {"parallelization_factor": factor}})
    (step,) = project.plan.steps
    one = 24 // 4  # multipliers of a pixel: a window of 8, 3 channels, shared by 4
    assert step.kernel.multipliers == factor * one
    x = np.random.default_rng(6).integers(-64, 64, (5, 5, 5, 2)) / 16
    executors_agree(project, x)
