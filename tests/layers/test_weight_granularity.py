"""weight_granularity: one binary point for a tensor of inferred weights, or one for each output channel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hlsgen.errors import ConfigError
from hlsgen.ir.constant import Constant
from tests.passes.builders import Net, project_of


@given(
    seed=st.integers(0, 10_000),
    width=st.sampled_from([2, 5, 8, 16, 24, 58]),
    octaves=st.integers(0, 8),
    signed=st.booleans(),
)
def test_every_channel_is_rounded_as_if_it_were_alone(seed, width, octaves, signed):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(7, 5)) * 2.0 ** rng.integers(-octaves, 1, 5)
    values = values if signed else np.abs(values)
    values[:, rng.integers(5)] = 0
    peaks = np.abs(values).max(axis=0)
    assume(np.ptp(np.log2(peaks[peaks > 0])) < 7)  # of channels that differ by more, the small share the finest grid
    groups = np.broadcast_to(np.arange(5), values.shape)
    together = Constant.of(values).placed_in_groups(groups, width, 1024)
    exponents = []
    for channel in range(5):
        alone = values[:, channel]
        if not alone.any():
            assert not together.mantissas[:, channel].any()
            continue
        largest = np.abs(alone).max()
        exponents.append(np.ceil(np.log2(largest)))
        step = 2.0 ** (exponents[-1] - width + signed)
        assert np.abs(together.effective[:, channel] - alone).max() <= 1.01 * step, "at most one step of its own grid"
    assert together.type.width <= width + np.ptp(exponents) + 1


def test_what_is_smaller_than_the_spread_allows_shares_the_finest_grid():
    values = np.array([[1.0, 2.0**-20]]) * 0.9
    groups = np.array([[0, 1]])
    assert Constant.of(values).placed_in_groups(groups, 8, 1024).type.width <= 16
    assert Constant.of(values).placed_in_groups(groups, 8, 12).type.width <= 12
    assert Constant.of(values * 0).placed_in_groups(groups, 8, 12).type.width == 1


def unequal() -> Net:
    net = Net(0)
    x = net.input((12,))
    gains = 2.0 ** -np.arange(6)
    net.call("Dense", "fc", x, {"kernel": net.rng.normal(size=(12, 6)) * gains, "bias": np.zeros(6)}, units=6)
    net.call("Dense", "out", "fc", {"kernel": net.rng.normal(size=(6, 3)), "bias": np.zeros(3)}, units=3)
    return net


def weights(project, name: str):
    return next(node.layer.weight for node in project.design if node.name == name)


def test_levels_of_the_setting():
    source = unequal().source("out")
    plain = project_of(source, default_width=8)
    for settings in (
        {"defaults": {"weight_granularity": "channel"}},
        {"weight_granularity": "channel"},
        {"layers": {"fc": {"weight_granularity": "channel"}}},
    ):
        project = project_of(source, default_width=8, **settings)
        assert weights(project, "fc").type.width > 8 == weights(plain, "fc").type.width
        errors = [np.abs(weights(p, "fc").effective - weights(p, "fc").values).max(axis=0) for p in (project, plain)]
        assert errors[0][-1] < errors[1][-1] / 8, "the smallest channel gains"
        assert errors[0][0] <= errors[1][0], "and the largest loses nothing"
    with pytest.raises(ConfigError, match="weight_granularity"):
        project_of(source, weight_granularity="row")


def test_fixed_weights_are_left_alone():
    source = unequal().source("out")
    layers = {"fc": {"precision": {"weight": "fixed<8,3>"}, "weight_granularity": "channel"}}
    assert str(weights(project_of(source, layers=layers), "fc").type) == "fixed<8,3>"
