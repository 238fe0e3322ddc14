"""Live models of HGQ2: what its own forward pass computes, integer for integer, and the same out of files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import hlsgen
from hlsgen.errors import UnsupportedError
from tests.hgq.nets import INSTALLED, NETS, Kit, filled, inputs, made, of_modes
from tests.hgq.test_stored import result_of

pytestmark = pytest.mark.skipif(not INSTALLED, reason="HGQ2 is not installed (extra hgq; make test-hgq)")


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("name", NETS)
def test_it_computes_what_hgq_does(name: str, seed: int, tmp_path: Path) -> None:
    model = made(name, seed)
    x = inputs(model, seed=seed)
    right = np.asarray(model(x))
    project = hlsgen.convert(model)
    np.testing.assert_array_equal(result_of(project, x), right)
    model.save(tmp_path / "net.keras")
    assert hlsgen.convert(tmp_path / "net.keras").design.digest == project.design.digest


ROUNDING = "TRN RND RND_CONV TRN_ZERO RND_ZERO RND_MIN_INF RND_INF S_RND S_RND_CONV".split()


@pytest.mark.parametrize("overflow", ["WRAP", "SAT", "SAT_SYM"])
@pytest.mark.parametrize("rounding", ROUNDING)
@pytest.mark.parametrize("kind", ["kif", "kbi"])
def test_modes(kind: str, rounding: str, overflow: str) -> None:
    model = filled(of_modes(Kit(), kind, rounding, overflow), 7)
    x = inputs(model)
    x[10:20] = 0  # where the bias is all there is
    right = np.asarray(model(x))
    assert len(np.unique(right)) > 5, "a test that could not fail"
    np.testing.assert_array_equal(result_of(hlsgen.convert(model), x), right)


def test_layers_that_are_used_twice() -> None:
    """Shared layers, and a model in a model, which have their bits once; with layers of Keras between them."""
    kit = Kit()
    layers = kit.keras.layers
    inside = kit.keras.Sequential([kit.keras.Input((4,)), kit.q.QDense(5), layers.ReLU(), kit.q.QDense(4)])
    x, shared = kit.keras.Input((4,)), kit.q.QDense(4, name="shared")
    y = shared(layers.Reshape((4,))(inside(inside(shared(x)))))
    model = filled(kit.keras.Model(x, y), 5)
    data = inputs(model)
    np.testing.assert_array_equal(result_of(hlsgen.convert(model), data), np.asarray(model(data)))


def test_a_layer_in_a_wrapper_is_refused() -> None:
    kit = Kit()
    x = kit.keras.Input((3, 4))
    model = kit.keras.Model(x, kit.keras.layers.TimeDistributed(kit.q.QDense(2), name="steps")(x))
    with pytest.raises(UnsupportedError, match=r"layer 'steps' \(TimeDistributed\): it wraps a layer of HGQ2"):
        hlsgen.convert(model)


def test_layers_that_are_not_read_are_named() -> None:
    kit = Kit()
    x = kit.keras.Input((3, 4))
    with pytest.raises(UnsupportedError, match=r"layer 'rnn' \(hgq>QSimpleRNN\) is not supported: this layer of HGQ2"):
        hlsgen.convert(kit.keras.Model(x, kit.q.QSimpleRNN(2, name="rnn")(x)))


def test_a_model_that_was_trained(tmp_path: Path) -> None:
    """With HGQ2's own losses for bits, and ranges that it traced."""
    from hgq.utils import trace_minmax

    kit = Kit()
    kit.keras.utils.set_random_seed(3)
    x = kit.keras.Input((8, 8, 1))
    y = kit.q.QConv2D(4, 3, activation="relu", beta0=1e-5, name="conv")(x)
    y = kit.q.QMaxPooling2D(2, name="pool")(y)
    y = kit.q.QDense(5, beta0=1e-5, name="fc")(kit.keras.layers.Flatten(name="flat")(y))
    model = kit.keras.Model(x, y)
    rng = np.random.default_rng(3)
    data = rng.normal(0, 1, (256, 8, 8, 1)).astype(np.float32)
    model.compile("adam", kit.keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(data, rng.integers(0, 5, 256), epochs=2, batch_size=32, verbose=0)
    trace_minmax(model, data, verbose=False)
    test = np.concatenate([data[:50], 4 * data[50:80]])
    model.save(tmp_path / "net.keras")
    np.testing.assert_array_equal(result_of(hlsgen.convert(tmp_path / "net.keras"), test), np.asarray(model(test)))
