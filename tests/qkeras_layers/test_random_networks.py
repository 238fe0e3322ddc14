"""Random networks against QKeras itself: equal to the bit, but for what QKeras rounds in float32."""

from __future__ import annotations

import numpy as np
import pytest

from hlsgen import convert
from hlsgen.errors import UnsupportedError
from tests.qkeras_layers.random_models import LIBRARY, Network, random_network

pytestmark = pytest.mark.skipif(LIBRARY is None, reason="needs a qkeras")
FLOAT32_SHARE = 0.15
"""The share of outputs that may move in networks holding what float32, or the rounding of a float bias in front of a
power-of-two or ternary quantiser, decides: one value inside may reach many outputs. Most networks have none."""
_LIBRARY_FAILS = (ValueError, AssertionError, TypeError)
"""Keras refuses a shape, or QKeras one of its own options."""


def check(network: Network, *, emulate: bool) -> None:
    theirs = np.asarray(network.model(network.x, training=False), dtype=np.float64)
    project = convert(network.model, input_precision=network.input_precision)
    name = network.model.layers[-1].name
    ours = project.evaluate(network.x)[name]
    if emulate:
        np.testing.assert_array_equal(project.trace(network.x)[name], ours)
    different = int((ours != theirs).sum())
    allowed = int(FLOAT32_SHARE * theirs.size) + 2 if network.inexact else 0
    assert different <= allowed, "\n".join([f"{different} of {theirs.size} differ", *network.text, str(project)])


@pytest.mark.parametrize("seed", range(6))
def test_exact_networks(seed: int) -> None:
    """Quantisers whose arithmetic float32 holds: not one bit of difference, in the emulator either."""
    _check_or_skip(seed, exact_only=True)


@pytest.mark.parametrize("seed", range(6))
def test_all_networks(seed: int) -> None:
    _check_or_skip(seed, exact_only=False)


@pytest.mark.slow
@pytest.mark.parametrize("block", range(100))
def test_thousands(block: int) -> None:
    """20 networks a block by exact NumPy arithmetic, the first of them in the emulator too."""
    for seed in range(1000 + 20 * block, 1020 + 20 * block):
        try:
            network = random_network(seed, exact_only=bool(seed % 2))
        except _LIBRARY_FAILS:
            continue
        try:
            check(network, emulate=seed % 20 == 0)
        except UnsupportedError:
            continue


def _check_or_skip(seed: int, *, exact_only: bool) -> None:
    try:
        network = random_network(seed, exact_only=exact_only)
    except _LIBRARY_FAILS as error:
        pytest.skip(f"QKeras fails on it: {error}"[:120])
    try:
        check(network, emulate=True)
    except UnsupportedError as error:
        pytest.skip(f"refused: {error}")
