"""hlsgen.training.QBatchNormalization: it trains, it is saved, it converts to the bit."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hlsgen import convert
from hlsgen.errors import ConfigError
from hlsgen.layers.linear import LinearLayer

KERAS = {"keras3": "keras", "tf_keras": "tf_keras"}
QUANTIZERS = [
    ("quantized_bits(8,2,1)", "quantized_bits(10,3,1)"),
    ("quantized_bits(4,1,alpha=0.5)", None),
    ("quantized_bits(1,0,alpha=1)", "quantized_bits(6,2,0,0)"),
]


@pytest.fixture(params=KERAS)
def flavour(request: pytest.FixtureRequest) -> tuple[Any, Any]:
    """A Keras and the layer for it."""
    keras = pytest.importorskip(KERAS[request.param])
    if not keras.__version__.startswith("3" if request.param == "keras3" else "2"):
        pytest.skip(f"keras is {keras.__version__}")
    return keras, importlib.import_module(f"hlsgen.training.{request.param}").QBatchNormalization


def dyadic(shape: tuple[int, ...]) -> NDArray[np.float32]:
    return (np.random.default_rng(1).integers(-128, 128, shape) / 32).astype(np.float32)


def trained(flavour: tuple[Any, Any], scale: Any, bias: Any) -> tuple[Any, list[float]]:
    keras, layer = flavour
    keras.utils.set_random_seed(3)
    x = dyadic((128, 6)) + np.float32(1)
    y = (x[:, :1] > x[:, 1:2]).astype(np.float32)
    steps = [layer(scale, bias, name="norm"), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input((6,)), *steps])
    model.compile(keras.optimizers.Adam(0.02), "mse")
    return model, model.fit(x, y, epochs=6, batch_size=32, verbose=0).history["loss"]


@pytest.mark.parametrize(("scale", "bias"), QUANTIZERS)
def test_trains_and_converts_exactly(flavour: tuple[Any, Any], scale: Any, bias: Any, tmp_path: Path) -> None:
    keras, layer = flavour
    model, losses = trained(flavour, scale, bias)
    assert losses[-1] < losses[0]
    norm = model.get_layer("norm")
    weights = norm.get_weights()
    assert all(np.abs(w - start).max() > 0 for w, start in zip(weights, (1, 0, 0, 1), strict=True))

    inputs = keras.Input((3, 4, 6))
    copy = layer(scale, bias, name="norm")
    alone = keras.Model(inputs, copy(inputs))
    copy.set_weights(weights)
    x = dyadic((16, 3, 4, 6))
    theirs = alone.predict(x, verbose=0)
    path = tmp_path / "model.keras"
    alone.save(path)
    np.testing.assert_array_equal(keras.models.load_model(path).predict(x, verbose=0), theirs)
    for source in (alone, path):
        project = convert(source, input_precision="fixed<8,3>")
        if bias is not None:
            np.testing.assert_array_equal(project.predict(x), theirs)
        else:  # the float bias is added in float32
            np.testing.assert_allclose(project.predict(x), theirs, rtol=0, atol=2.0**-20 * np.abs(theirs).max())
    (node,) = [n for n in project.design if isinstance(n.layer, LinearLayer)]
    assert node.layer.weight.given


def test_gradients_go_straight_through(flavour: tuple[Any, Any]) -> None:
    """gamma's gradient is that of an unquantised BatchNormalization where the quantiser changes nothing."""
    tf = pytest.importorskip("tensorflow")
    _, layer = flavour
    norm = layer("quantized_bits(8,2,1)", "quantized_bits(8,2,1)", epsilon=0.0)
    x = tf.constant(dyadic((8, 4)))
    norm(x)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(norm(x, training=False))
    gamma, beta = norm.gamma, norm.beta
    plain = [v.value if hasattr(v, "value") and not callable(v.value) else v for v in (gamma, beta)]
    by_gamma, by_beta = tape.gradient(total, plain)
    np.testing.assert_allclose(by_gamma, tf.reduce_sum(x, axis=0), rtol=1e-6)
    np.testing.assert_allclose(by_beta, 8.0)


def test_moving_statistics_are_those_of_batch_normalization(flavour: tuple[Any, Any]) -> None:
    keras, layer = flavour
    x = dyadic((32, 5))
    mine, plain = layer("quantized_bits(8,2,1)", momentum=0.9), keras.layers.BatchNormalization(momentum=0.9)
    for norm in (mine, plain):
        norm(x, training=True)
    for ours, theirs in zip(mine.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_mistakes(flavour: tuple[Any, Any]) -> None:
    _, layer = flavour
    with pytest.raises(ConfigError, match="scale_quantizer"):
        layer("quantized_bits(8,two)")
    with pytest.raises(ConfigError, match="expected None, a string or a QKeras quantizer"):
        layer(3)
    with pytest.raises(ConfigError, match="last axis"):
        layer("quantized_bits(8)", axis=1)(dyadic((2, 3, 4)))
    with pytest.raises(ConfigError, match="renorm"):
        layer("quantized_bits(8)", renorm=True)


def test_qkeras_objects_and_fusion() -> None:
    """QKeras quantisers as objects; behind a QDense the scale goes into the weights, exactly."""
    qkeras = pytest.importorskip("qkeras")
    from hlsgen.training import QBatchNormalization

    root = next(c.__module__.partition(".")[0] for c in QBatchNormalization.__mro__[1:])
    keras = importlib.import_module(root)
    scale, bias = qkeras.quantized_bits(5, 1, 1, alpha=1), qkeras.quantized_bits(8, 2, 1, alpha=1)
    dense = qkeras.QDense(4, kernel_quantizer="quantized_bits(4,0,1,alpha=1)", bias_quantizer="quantized_bits(6,1,1)")
    inputs = keras.Input((6,))
    norm = QBatchNormalization(scale, bias, name="norm")
    model = keras.Model(inputs, norm(dense(inputs)))
    rng = np.random.default_rng(0)
    norm.set_weights([rng.uniform(0.5, 1.5, 4).astype(np.float32) for _ in range(4)])
    x = dyadic((16, 6))
    project = convert(model, input_precision="fixed<8,3>")
    np.testing.assert_array_equal(project.predict(x), model.predict(x, verbose=0))
    assert "fused" in "".join(project.design.notes)


@pytest.mark.parametrize("alpha", ["1", "'auto_po2'", "'auto'"])
def test_a_trained_network_converts(alpha: str) -> None:
    """QDense, normalisation and quantised activation, trained together; weights with a fitted scale as well."""
    qkeras = pytest.importorskip("qkeras")
    from hlsgen.training import QBatchNormalization

    keras = importlib.import_module(next(c.__module__.partition(".")[0] for c in QBatchNormalization.__mro__[1:]))
    keras.utils.set_random_seed(5)
    x = dyadic((128, 6))
    y = (x[:, :1] > x[:, 1:2]).astype(np.float32)
    options = {"kernel_quantizer": f"quantized_bits(4,0,1,alpha={alpha})", "bias_quantizer": "quantized_bits(6,1,1)"}
    model = keras.Sequential([
        keras.Input((6,)),
        qkeras.QDense(8, **options),
        QBatchNormalization("quantized_bits(6,2,1)", "quantized_bits(8,3,1)", name="norm"),
        qkeras.QActivation("quantized_relu(5,2)", name="act"),
        qkeras.QDense(1, **options | {"kernel_quantizer": "quantized_bits(4,0,1,alpha=1)"}),
    ])  # fmt: skip
    model.compile(keras.optimizers.Adam(0.02), "mse")
    losses = model.fit(x, y, epochs=4, batch_size=32, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    project = convert(model, input_precision="fixed<8,3>")
    theirs, ours = np.asarray(model(x, training=False)), project.predict(x)
    if alpha == "'auto'":  # QKeras multiplies its scale of 24 bits in float32: a tie may go the other way
        assert (ours != theirs).mean() < 0.02
    else:
        np.testing.assert_array_equal(ours, theirs)
        assert any("fused" in note for note in project.design.notes)


def test_import_takes_no_framework() -> None:
    import subprocess
    import sys

    code = "import sys, hlsgen.training; print(int(bool({'keras', 'tf_keras', 'tensorflow'} & set(sys.modules))))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "0"
