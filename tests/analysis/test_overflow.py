"""Overflow counters: what did not fit is counted, what nobody wanted is not."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from hlsgen.analysis.overflow import _expose_casts
from hlsgen.backends.hls.parts import STEPS_OF_A_PART
from tests.passes.builders import Net, project_of


def count(project, x):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        project.predict(x, count_overflows=True)
    return project.overflows


def two_layers(activation: str, **settings):
    net = Net(4)
    x = net.input((16,))
    for name, n_in, n_out in (("a", 16, 8), ("b", 8, 4)):
        weights = {"kernel": net.rng.normal(size=(n_in, n_out)) / 3, "bias": np.zeros(n_out)}
        x = net.call("Dense", name, x, weights, units=n_out, activation=activation)
    return project_of(net.source("b"), **settings)


@pytest.mark.parametrize("activation", ["relu", "relu6", "tanh", "linear"])
def test_what_an_activation_cuts_off_is_no_overflow(activation):
    project = two_layers(activation)
    report = count(project, np.random.default_rng(0).normal(size=(200, 16)))
    assert report.total == 0, str(report)


@pytest.mark.parametrize("activation", ["relu", "linear"])
def test_values_beyond_the_placed_range_are_counted(activation):
    project = two_layers(activation)
    x = np.random.default_rng(0).normal(size=(200, 16)) * 8
    report = count(project, x)
    inner = next(node for node in project.design if node.layer.kind == "Dense")
    with_reals = np.clip(x, -32, 32 - 2.0**-10) @ inner.layer.weight.effective
    top, bottom = float(inner.output.type.max), float(inner.output.type.min)
    beyond = (with_reals > top + 0.01).sum() + (0 if activation == "relu" else (with_reals < bottom - 0.01).sum())
    assert beyond > 0 and abs(report["a"] - beyond) <= 3


def test_a_fixed_type_is_counted_against_the_exact_sum():
    net = Net()
    x = net.input((2,))
    net.call("Dense", "fc", x, {"kernel": [[1.0], [1.0]], "bias": [0.0]}, units=1)
    project = project_of(
        net.source("fc"), input_precision="fixed<8,4>", layers={"fc": {"precision": {"result": "fixed<6,3>"}}}
    )
    report = count(project, np.array([[1.0, 1.0], [3.0, 3.0], [-2.0, -2.0], [-2.0, -2.125]]))
    assert report["fc"] == 2 and report.entries[0].largest == 6.0


def test_designs_without_a_lossy_cast_say_so():
    net = Net()
    net.dense("fc", net.input((2,)), 2, 2)
    project = project_of(net.source("fc"), input_precision="fixed<6,3>")
    assert str(count(project, np.ones((3, 2)))) == "no cast in this design can overflow"


def test_what_is_behind_the_last_lossy_cast_is_not_computed():
    net = Net(1)
    x = net.dense("first", net.input((3,)), 3, 3)
    for i in range(2 * STEPS_OF_A_PART + 2):
        x = net.call("ReLU", f"relu{i}", x)
    project = project_of(net.source(x), layers={"first": {"precision": {"result": "fixed<6,2>"}}})
    report = count(project, np.ones((2, 3)))
    assert [entry.layer for entry in report.entries] == ["first"]
    assert [op.layer.kind for op in _expose_casts(project.design).design] == ["Input", "Dense"]


def test_what_is_reshaped_for_an_output_is_counted_where_something_else_reads_it():
    """The counting design has other outputs: there nobody reads the reshaped values."""
    net = Net(3)
    shared = net.dense("shared", net.input((4, 2)), 2, 3)
    net.call("Flatten", "flat", shared)
    net.dense("last", shared, 3, 2)
    project = project_of(net.source("flat", "last"), layers={"last": {"precision": {"result": "fixed<4,1>"}}})
    assert count(project, np.ones((3, 4, 2)))["last"] > 0
