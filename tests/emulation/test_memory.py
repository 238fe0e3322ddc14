"""predict needs the input, the output and a constant, whatever the dtype and the layout of the input."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.passes.builders import Net, project_of

STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
SAMPLES, ELEMENTS, OUTPUTS = 600_000, 32, 3
SLACK = 12 * 2**20
"""Threads with their pools; an array of the input's smallest dtype is larger than this by half."""


@pytest.fixture(scope="module")
def project():
    net = Net(1)
    flat = net.call("Flatten", "flat", net.input((4, 2, 4)))
    net.dense("fc", flat, ELEMENTS, OUTPUTS)
    made = project_of(net.source("fc"), input_precision="fixed<12,8,RND,SAT>")
    made.predict(np.zeros((1000, 4, 2, 4)))  # compiled, threads once started
    return made


def kilobytes(word: str) -> int:
    (line,) = (line for line in STATUS.read_text().splitlines() if line.startswith(word))
    return int(line.split()[1]) * 1024


def growth(action: Callable[[], Any]) -> tuple[Any, int]:
    """The result, and by how much the largest resident memory during the action exceeds that before it."""
    try:
        RESET.write_text("5")  # forget the largest so far
        before = kilobytes("VmRSS")
    except OSError:
        pytest.skip("this system does not tell the memory of a process")
    result = action()
    return result, kilobytes("VmHWM") - before


def samples(count: int, dtype: str = "float32", order: tuple[int, ...] = (0, 1, 2, 3)) -> Any:
    """Ones, as an array whose axes lie in memory in another order than it has."""
    shape = (count, 4, 2, 4)
    stored = np.ones([shape[axis] for axis in order], dtype)
    return stored.transpose(np.argsort(order))


LAYOUTS = {
    "as it is": lambda dtype: samples(SAMPLES, dtype),
    "channels first": lambda dtype: samples(SAMPLES, dtype, (0, 3, 1, 2)),
    "samples last": lambda dtype: samples(SAMPLES, dtype, (1, 2, 3, 0)),
    "every second sample": lambda dtype: samples(2 * SAMPLES, dtype)[::2],
    "cropped": lambda dtype: np.ones((SAMPLES, 4, 3, 4), dtype)[:, :, 1:, :],
}


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int8", "uint16", "int64", ">f4"])
def test_no_copy_of_any_dtype(project, dtype):
    x = samples(SAMPLES, dtype)
    result, more = growth(lambda: project.predict(x))
    assert more <= result.nbytes + SLACK < result.nbytes + x.nbytes


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["float32", "uint16"])
def test_no_copy_of_any_layout(project, layout, dtype):
    x = LAYOUTS[layout](dtype)
    result, more = growth(lambda: project.predict(x))
    assert more <= result.nbytes + SLACK < result.nbytes + SAMPLES * ELEMENTS * x.itemsize


@pytest.mark.parametrize("raw", [False, True])
def test_the_constant_does_not_grow_with_the_samples(project, raw):
    for count in (SAMPLES, 2 * SAMPLES, 4 * SAMPLES):
        x = samples(count)
        result, more = growth(lambda x=x: project.predict(x, raw=raw))
        assert more <= result.nbytes + SLACK < result.nbytes + x.nbytes


def test_the_results_are_right_in_every_layout(project):
    rng = np.random.default_rng(0)
    for name, make in LAYOUTS.items():
        x = make("float32")[:500]
        x = np.array(x, copy=True) if name == "as it is" else x
        x[...] = rng.normal(0, 3, x.shape)
        np.testing.assert_array_equal(project.predict(x, raw=True), project.evaluate(x, raw=True)["fc"], name)
