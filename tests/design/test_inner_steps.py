"""Layers that round inside name every step: typed, in the summary, evaluated, and the result follows from them."""

from __future__ import annotations

import numpy as np

from tests.passes.builders import Net, grid, project_of


def test_softmax_and_table_by_their_steps():
    net = Net(1)
    x = net.dense("fc", net.input((4,)), 4, 3)
    net.call("Softmax", "p", net.call("Activation", "squashed", x, activation="tanh"))
    project = project_of(net.source("p"), input_precision="fixed<8,4>")
    data = grid((4,))
    found = project.evaluate(data, raw=True, inner=True)
    ops = {op.name: op for op in project.design}
    for name in ("p", "squashed"):
        for step, fixed in ops[name].layer.inner_types().items():
            values = found[f"{name}.{step}"]
            assert fixed.min_mantissa <= values.min() and values.max() <= fixed.max_mantissa
            (row,) = [r for r in project.summary().splitlines() if r.split()[:2] == [name, step]]
            assert str(fixed) in row
    result, types = ops["p"].output.type, ops["p"].layer.inner_types()
    product = found["p.exponential"] * found["p.inverse"]
    frac = types["exponential"].frac + types["inverse"].frac
    np.testing.assert_array_equal(result.cast(product, frac), found["p"])
    np.testing.assert_array_equal(found["p.exponential"].sum(axis=-1, keepdims=True), found["p.sum"])
    real = project.evaluate(data, inner=True)
    np.testing.assert_array_equal(real["p.index"], types["index"].to_float(found["p.index"]))
    assert "p.index" not in project.evaluate(data), "only where it is asked for"


def test_every_layer_that_is_not_pure_names_its_steps():
    net = Net(2)
    net.call("Softmax", "p", net.call("Activation", "t", net.input((3,)), activation="sigmoid"))
    for op in project_of(net.source("p")).design:
        assert op.layer.pure != bool(op.layer.inner_types())
