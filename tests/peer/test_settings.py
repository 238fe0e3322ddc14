"""Cases about settings and files: weights at ports and in files, strategies, traces, stored models, fixed types."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers as kl

import hlsgen
from hlsgen.ir.types import FixedType
from tests.peer.scenario import KERAS2, KERAS3, kit
from tests.peer.table import TABLE


def stack(shape: tuple[int, ...], *layers: Any) -> Any:
    return kit(KERAS3).stack(shape, *layers)


def test_weights_in_any_type() -> None:
    """The smallest weight of a type comes back as it is, with and without a sign, with steps of 4 and of 2^-14."""
    dense = kl.Dense(1, use_bias=False, name="dense")
    model = stack((1,), dense)
    for sign, integer, frac in product((0, 1), (4, 8, 10), (-2, 0, 2, 7, 14)):
        dense.set_weights([np.full((1, 1), 2.0**-frac, np.float32)])
        held = f"{'' if sign else 'u'}fixed<{sign + integer + frac},{sign + integer}>"
        settings = {"layers": {"dense": {"precision": {"weight": held}}}}
        project = hlsgen.convert(model, input_precision="uint<1>", **settings)
        assert project.evaluate(np.ones((1, 1)))["dense"].item() == 2.0**-frac, held


def test_weights_at_ports() -> None:
    """Weights and biases of the layer are two ports."""
    dense = kl.Dense(2, kernel_initializer=keras.initializers.RandomUniform(1, 10, seed=1), name="dense")
    model = stack((1,), dense, kl.Activation("elu", name="elu"))
    plain, ports = hlsgen.convert(model), hlsgen.convert(model, {"defaults": {"weights": "bram_port"}})
    assert [constant.name for constant in ports.plan.bram_ports] == ["dense_w", "dense_b"]
    assert not plain.plan.bram_ports
    x = np.random.default_rng(0).random((100, 1))
    assert np.abs(ports.evaluate(x)["elu"] - np.asarray(model(x))).max() < 0.01


@pytest.mark.parametrize("recurrent", [False, True], ids=["dense", "LSTM"])
def test_unrolled_with_any_factor(recurrent: bool) -> None:
    """For the model as a whole any factor is taken: each layer has the nearest one that divides its work."""
    model = stack((12, 8), kl.LSTM(8)) if recurrent else stack((16,), kl.Dense(12))
    project, strategy = hlsgen.convert(model), "resource" if recurrent else "unrolled"
    for index, factor in enumerate((1, 4, 32, 128) if recurrent else (1, 2, 4, 8, 16, 32, 48, 64, 96, 192)):
        io_type = ("io_parallel", "io_stream")[index % 2]
        shared = project.with_settings(strategy=strategy, reuse_factor=factor, io_type=io_type)
        assert [t.type for t in shared.design.outputs] == [t.type for t in project.design.outputs]
        assert shared.plan.steps


def test_strategies_by_name() -> None:
    project = hlsgen.convert(stack((8, 8, 3), kl.Conv2D(8, 1, use_bias=False, name="conv")))
    for strategy in ("latency", "resource"):
        chosen = project.with_settings(layers={"conv": {"strategy": strategy}})
        (conv,) = (op for op in chosen.design if op.source.name == "conv")
        assert conv.strategy == strategy


def test_trace() -> None:
    """Every layer by its name."""
    dense = kl.Dense(2, kernel_initializer=keras.initializers.RandomUniform(1, 10, seed=1), name="first")
    model = stack((1,), dense, kl.Activation("elu", name="second"))
    x = np.random.default_rng(0).random((100, 1)).astype(np.float32)
    traced = hlsgen.convert(model).evaluate(x)
    for name, right in (("first", dense(x)), ("second", model(x))):
        np.testing.assert_allclose(traced[name], np.asarray(right), rtol=0.01, atol=0.01)


def test_a_type_for_a_reshape() -> None:
    """What nothing computes has the type of what it is moved from."""
    held = "fixed<20,10>"
    model = stack((3, 3), kl.Reshape((3, 3), name="reshape"), kl.Conv1D(2, 2, name="conv"))
    project = hlsgen.convert(model, io_type="io_stream", precision="fixed<2,1>", input_precision=held,
                             layers={"conv": {"precision": held}})  # fmt: skip
    types = {key: value.type for key, value in project.trace_keys().items()}
    assert (types["reshape"].width, types["reshape"].integer, types["reshape"].signed) == (20, 10, True)
    assert types["conv"] == FixedType.parse(held)


@pytest.mark.parametrize("library", [KERAS2, KERAS3])
@pytest.mark.parametrize(
    "name", ["keras_h5_loader: relu", "time_distributed: convolution, pool", "time_distributed: LSTM, dense"]
)
def test_from_h5(name: str, library: str, tmp_path: Path) -> None:
    """A stored model is the live one, integer for integer."""
    (scenario,) = (s for s in TABLE if str(s) == name)
    model = scenario.model(library)
    x = [part[:3] for part in scenario.inputs(model)]
    path = tmp_path / "model.h5"
    model.save(path)
    live, stored = (hlsgen.convert(source).evaluate(x[0], raw=True) for source in (model, path))
    last = model.layers[-1].name
    np.testing.assert_array_equal(stored[last], live[last])
