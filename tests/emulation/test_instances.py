"""Designs that differ in their weights alone share one compiled module; each keeps to its own weights."""

from __future__ import annotations

import gc
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers as kl

import hlsgen
from tests.ladder.harness import grid_input


def network(turn: int) -> Any:
    """The same filters in another order: other weights, but the same types."""
    keras.utils.set_random_seed(1)
    conv = kl.Conv2D(5, 3, bias_initializer="normal", name="conv")
    model = keras.Sequential([keras.Input((6, 6, 3), name="image"), conv], name="filters")
    model.set_weights([np.roll(w, turn, axis=-1) for w in model.get_weights()])
    return model


def right(project: hlsgen.Project, x: Any, threads: int) -> bool:
    expected = project.evaluate(x, raw=True)[project.design.outputs[0].name]
    return bool(np.array_equal(project.predict(x, raw=True, threads=threads), expected))


def convert(turn: int, precision: str) -> hlsgen.Project:
    return hlsgen.convert(network(turn), precision=precision, io_type="io_stream", input_precision="fixed<8,5>")


@pytest.mark.parametrize("precision", ["fixed<16,6>", "fixed<8,3>", "fixed<16,2>"])
def test_instances_alternate(precision: str) -> None:
    x = np.tile(grid_input((6, 6, 3)), (8, 1, 1, 1))
    first, second = convert(0, precision), convert(1, precision)
    assert first.emulator._module is second.emulator._module
    for project in (first, second, first, second):
        assert right(project, x, threads=1)
        assert right(project, x, threads=2)


def test_instances_that_ended_leave_nothing() -> None:
    """The memory of the constants is used again by the next instance."""
    x = grid_input((6, 6, 3))
    for turn in range(5):
        project = convert(turn, "fixed<16,6>")
        assert right(project, x, threads=1)
        del project
        gc.collect()
