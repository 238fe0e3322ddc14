"""weight_calibration: what the types of inferred weights hold, tensor by tensor or channel by channel."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hlsgen.config import make_config
from hlsgen.errors import ConfigError
from hlsgen.frontends.keras.source import SourceModel
from hlsgen.ir.constant import Constant, placed_type
from hlsgen.ir.placing import Method, Placing
from hlsgen.ir.spelling import CONSTANT_MODES
from hlsgen.ir.types import FixedType
from hlsgen.project import Project
from tests.ladder.harness import ladder
from tests.passes.builders import Net, graph_of, grid, project_of

MSE = Placing(Method.MSE)


def error(values: Any, fixed: FixedType) -> float:
    return float(np.square(values - fixed.to_float(fixed.with_modes(*CONSTANT_MODES).quantize(values))).sum())


def heavy(seed: int, *shape: int) -> Any:
    """Weights with a few that are far larger than the others."""
    return np.random.default_rng(seed).standard_t(2, size=shape)


@given(seed=st.integers(0, 10_000), width=st.integers(1, 12), signed=st.booleans(), size=st.integers(1, 60))
def test_no_other_binary_point_has_a_smaller_error(seed: int, width: int, signed: bool, size: int) -> None:
    values = heavy(seed, size)
    values = values if signed else np.abs(values)
    signed = bool((values < 0).any())
    assume(width > signed)
    found = placed_type(values, width, MSE)
    every = [error(values, FixedType(width, integer, signed)) for integer in range(-24, 24)]
    assert error(values, found) == min(every)
    assert found.width <= width


@given(seed=st.integers(0, 10_000), width=st.integers(2, 12), percent=st.floats(1, 100), size=st.integers(1, 200))
def test_so_many_are_held(seed: int, width: int, percent: float, size: int) -> None:
    """As many as are said, in a type that is no larger than they need; zeros of sparse weights do not count."""
    values = np.concatenate([heavy(seed, size), np.zeros(seed % 50)])
    found = placed_type(values, width, Placing(Method.PERCENTILE, percent))
    sizes = np.sort(np.abs(values[values != 0]))
    held = sizes <= float(max(found.max, -found.min)) + float(found.step) / 2
    assert held.sum() >= np.floor(percent / 100 * size)
    end = np.percentile(sizes, percent, method="higher")
    assert placed_type(np.clip(values, -end, end), width).integer == found.integer


@pytest.mark.parametrize("placing", [MSE, Placing(Method.PERCENTILE, 90.0)])
def test_every_channel_is_placed_as_if_it_were_alone(placing: Placing) -> None:
    values = heavy(1, 40, 3) * [1.0, 0.25, 0.5]
    groups = np.broadcast_to(np.arange(3), values.shape)
    together = Constant.of(values).placed_in_groups(groups, 5, 64, placing)
    for channel in range(3):
        alone = Constant.of(values[:, channel]).placed(5, placing)
        np.testing.assert_array_equal(together.effective[:, channel], alone.effective)


@pytest.mark.parametrize("placing", [MSE, Placing(Method.PERCENTILE, 50.0)])
def test_what_is_all_alike_or_zero(placing: Placing) -> None:
    for values in (np.zeros(4), np.full(4, 0.75), np.full(4, -0.5)):
        found = Constant.of(values).placed(6, placing)
        np.testing.assert_array_equal(found.effective, values)


# -- the setting -----------------------------------------------------------------------------------


def tailed() -> SourceModel:
    net = Net(3)
    net.call("Conv2D", "conv", net.input((5, 5, 2)), _weights(1, 3, 3, 2, 4), filters=4, kernel_size=[3, 3])
    ones = dict.fromkeys(("gamma", "beta", "moving_mean", "moving_variance"), np.ones(4))
    net.call("Flatten", "flat", net.call("BatchNormalization", "bn", "conv", ones, axis=-1, epsilon=1e-3))
    net.call("Dense", "hidden", "flat", _weights(2, 36, 6), units=6, activation="relu")
    net.call("Dense", "out", "hidden", _weights(3, 6, 4), units=4)
    return net.source("out")


def _weights(seed: int, *shape: int) -> dict[str, Any]:
    """Evenly up to almost a half, but for one that is just beyond."""
    kernel = np.random.default_rng(seed).uniform(-0.45, 0.45, shape)
    kernel.flat[0] = 0.54
    return {"kernel": kernel, "bias": np.arange(shape[-1]) / 8}


def weight(project: Project, name: str) -> Constant:
    return next(op.layer.constants()["weight"] for op in project.design if op.name == name)


def test_levels_of_the_setting() -> None:
    plain = project_of(tailed(), width={"weight": 4})
    for settings, moved in (
        ({"weight_calibration": "mse"}, {"conv", "hidden_dense", "out"}),
        ({"layer_types": {"Dense": {"weight_calibration": "mse"}}}, {"hidden_dense", "out"}),
        ({"layers": {"hidden": {"weight_calibration": "mse"}}}, {"hidden_dense"}),
        ({"weight_calibration": "mse", "layers": {"conv": {"weight_calibration": "max"}}}, {"hidden_dense", "out"}),
        ({"weight_calibration": "percentile", "percentile": 90}, {"conv", "hidden_dense", "out"}),
    ):
        project = project_of(tailed(), width={"weight": 4}, **settings)
        both = {name: [weight(p, name) for p in (plain, project)] for name in ("conv", "hidden_dense", "out")}
        assert {name for name, (a, b) in both.items() if a.known_type != b.known_type} == moved
        rows = project.summary().partition("Wished for types")[2].partition("\n\n")[0].splitlines()[3:]
        assert {row.split()[0] for row in rows} == moved


def test_the_least_error_is_that_of_the_fused_weights() -> None:
    project = project_of(tailed(), width={"weight": 4}, weight_calibration="mse")
    assert "bn" not in [op.name for op in project.design]
    for name in ("conv", "hidden_dense", "out"):
        found = weight(project, name)
        assert error(found.values, found.known_type) <= error(found.values, placed_type(found.values, 4))
        np.testing.assert_array_equal(found.effective, Constant.of(found.values).placed(4, MSE).effective)


def test_factors_of_channels_always_fit() -> None:
    net = Net(1)
    net.call("ReLU", "out", net.batchnorm("bn", net.call("Softmax", "soft", net.input((200,))), 200))
    source = net.source("out")
    plain = project_of(source)
    assert "bn" in [op.name for op in plain.design]
    for method in ("mse", "percentile"):
        assert str(project_of(source, weight_calibration=method, percentile=50.0).design) == str(plain.design)


def test_fixed_weights_are_left_alone() -> None:
    layers = {"out": {"precision": {"weight": "fixed<8,3>"}, "weight_calibration": "mse"}}
    assert str(weight(project_of(tailed(), layers=layers), "out").known_type) == "fixed<8,3>"


@pytest.mark.parametrize("method", ["mean", "entropy", 3, True, ""])
def test_other_words_are_refused(method: Any) -> None:
    with pytest.raises(ConfigError, match="weight_calibration"):
        make_config({"defaults": {"weight_calibration": method}})


@pytest.mark.parametrize("granularity", ["tensor", "channel"])
@pytest.mark.parametrize("method", ["mse", "percentile"])
def test_every_executor_computes_the_same(method: str, granularity: str) -> None:
    ladder(
        tailed(),
        grid((5, 5, 2), 10),
        weight_calibration=method,
        percentile=95.0,
        width={"weight": 4},
        weight_granularity=granularity,
    )


def test_other_weights_keep_the_types(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hlsgen.project.read_model", lambda model, *_: graph_of(model))
    project = project_of(tailed(), width={"weight": 4}, weight_calibration="mse")
    assert str(project.with_weights(tailed()).design) == str(project.design)
