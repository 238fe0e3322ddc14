"""Random networks against QKeras itself: equal to the bit, but for what float32 rounds in QKeras, and that is proved.

Every difference has to be explained by :mod:`tests.qkeras_layers.explain`: hlsgen's value of each layer lies in the
interval that QKeras's float32 arithmetic leaves, which is a single point wherever that arithmetic is exact.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hlsgen import convert
from hlsgen.errors import UnsupportedError
from hlsgen.project import Project
from tests.qkeras_layers.explain import explain
from tests.qkeras_layers.random_models import LIBRARY, Network, random_network

pytestmark = pytest.mark.skipif(LIBRARY is None, reason="needs a qkeras")
LIBRARY_FAILS = (ValueError, AssertionError, TypeError, AttributeError)
"""Keras refuses a shape, or QKeras one of its own options."""


def converted(network: Network) -> Project:
    with network.internal_sigmoid():
        return convert(network.model, input_precision=network.input_precision)


def check(network: Network, *, emulate: bool) -> None:
    project = converted(network)
    found = explain(network, project)
    assert not found.wrong + found.doubtful, "\n".join(
        [*found.wrong, *found.doubtful, *network.text, f"weights: {network.weights}", str(project)]
    )
    if emulate:
        assert_emulated(project, network.x)


def assert_emulated(project: Project, x: Any) -> None:
    expected = project.evaluate(x)
    for name, values in project.trace(x).items():
        np.testing.assert_array_equal(values, expected[name], err_msg=name)


def drawn(seed: int, *, exact_only: bool = False) -> Network:
    try:
        return random_network(seed, exact_only=exact_only)
    except LIBRARY_FAILS as error:
        pytest.skip(f"QKeras fails on it: {error}"[:120])


@pytest.mark.parametrize("seed", range(12))
def test_networks(seed: int) -> None:
    """All quantisers and layers; the emulator equals the reference."""
    network = drawn(seed)
    try:
        check(network, emulate=True)
    except UnsupportedError as error:
        pytest.skip(f"refused: {error}")


@pytest.mark.parametrize("seed", range(6))
def test_exact_networks(seed: int) -> None:
    """Without what float32 rounds there is no difference at all, and nothing to explain."""
    network = drawn(seed, exact_only=True)
    try:
        project = converted(network)
    except UnsupportedError as error:
        pytest.skip(f"refused: {error}")
    found = explain(network, project)
    assert (found.wrong, found.doubtful, found.different) == ([], [], 0), "\n".join([*network.text, str(project)])


@pytest.mark.parametrize("seed", range(6))
def test_files(seed: int, tmp_path: Path) -> None:
    """A saved model converts to the same integers as the live one, but for what QKeras forgets on saving."""
    network = drawn(seed)
    if network.forgets or network.sigmoid != "hard":
        pytest.skip("QKeras's file does not say all that the live model does")
    path = tmp_path / ("model.keras" if LIBRARY == "qkeras-v3" or seed % 2 else "model.h5")
    network.model.save(path)
    try:
        live = converted(network).evaluate(network.x)
    except UnsupportedError as error:
        pytest.skip(f"refused: {error}")
    for name, values in convert(path, input_precision=network.input_precision).evaluate(network.x).items():
        np.testing.assert_array_equal(values, live[name], err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("block", range(100))
def test_thousands(block: int) -> None:
    """20 networks a block by exact NumPy arithmetic, the first of them in the emulator too."""
    for seed in range(1000 + 20 * block, 1020 + 20 * block):
        try:
            network = random_network(seed, exact_only=seed % 4 == 1)
        except LIBRARY_FAILS:
            continue
        try:
            check(network, emulate=seed % 20 == 0)
        except UnsupportedError:
            continue


def test_the_explanation_can_fail() -> None:
    """A value moved by one step is noticed, whatever layer it comes from."""
    noticed = 0
    for seed in range(4):
        network = drawn(seed, exact_only=True)
        project = converted(network)
        original = project.evaluate

        def shifted(x: Any, original: Any = original, project: Project = project) -> dict[str, Any]:
            keys = project.trace_keys()
            return {name: values + float(keys[name].type.step) for name, values in original(x).items()}  # type: ignore[union-attr]

        project.evaluate = shifted  # type: ignore[method-assign,assignment]
        noticed += bool(explain(network, project).wrong)
    assert noticed == 4
