"""Networks whose values leave what floats hold: a project that evaluates, or a refusal that names the layer."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from hlsgen.errors import UnsupportedError
from hlsgen.project import Project
from tests.passes.builders import Net, project_of

BEYOND = r"layer 'y': its result is u?fixed<.*supported from 2\^500 down to 2\^-500"


def evaluated(net: Net, output: str, **settings: Any) -> Project:
    """A project that says what it is and computes something."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        project = project_of(net.source(output), **settings)
        assert project.summary() and project.files
    assert str(project.precision)
    project.evaluate(np.random.default_rng(0).normal(size=(2, 4)))
    return project


def factors(count: int, scale: float) -> Net:
    """Sums of the inputs, multiplied with each other."""
    net = Net(0)
    x = net.input((4,))
    for i in range(count):
        net.dense(f"d{i}", x, 4, 1)
        net.calls[-1].weights["kernel"][:] *= scale
    net.call("Multiply", "y", [f"d{i}" for i in range(count)])
    return net


@pytest.mark.parametrize(("count", "scale"), [(100, 1.0), (200, 1.0), (30, 1e30), (400, 1e-3)])
def test_a_product_of_many_factors_is_refused(count: int, scale: float) -> None:
    with pytest.raises(UnsupportedError, match=BEYOND):
        evaluated(factors(count, scale), "y")


def test_a_product_of_factors_within_reach() -> None:
    evaluated(factors(30, 1.0), "y")


@pytest.mark.parametrize("types", [{}, {"input_precision": "fixed<60,30>"}, {"input_precision": "fixed<16,256>"},
                                   {"input_precision": "fixed<16,-240>"}])  # fmt: skip
@pytest.mark.parametrize("count", [2, 3, 6])
def test_exponentials_of_exponentials(types: dict[str, str], count: int) -> None:
    net = Net(0)
    x = net.input((4,))
    for i in range(count):
        x = net.call("Activation", f"a{i}", x, activation="exponential")
    evaluated(net, x, **types)


@pytest.mark.parametrize("settings", [{}, {"default_width": 40, "max_width": 60}], ids=str)
def test_what_grows_from_layer_to_layer(settings: dict[str, int]) -> None:
    """Each result fits its type; what is expected of the last is more than a float holds."""
    net = Net(0)
    x = net.input((4,))
    for i in range(40):
        x = net.dense(f"d{i}", x, 4, 4)
        net.calls[-1].weights["kernel"][:] *= 1e10
    evaluated(net, x, **settings)
