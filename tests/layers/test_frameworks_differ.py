"""Where two versions of Keras, or two spellings, look alike and mean different things."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hlsgen
from hlsgen.errors import ModelError, UnsupportedError
from hlsgen.frontends.keras.call import ACTIVATIONS
from hlsgen.frontends.keras.readers.preprocessing import AUGMENTATION
from tests.defects.support import qkeras


def converted(model: Any, x: Any) -> Any:
    (name,) = hlsgen.convert(model, input_precision="fixed<10,5>").design.output_names
    return hlsgen.convert(model, input_precision="fixed<10,5>").evaluate(x)[name]


@pytest.mark.parametrize(("library", "slope"), [("keras", 1 / 6), ("tf_keras", 0.2)])
def test_hard_sigmoid_has_two_slopes(library: str, slope: float) -> None:
    keras = pytest.importorskip(library)
    x = keras.Input((1,))
    model = keras.Model(x, keras.layers.Activation("hard_sigmoid", name="y")(x))
    data = (np.arange(-512, 512)[:, None] / 32).astype(np.float32)
    right = np.clip(slope * data + 0.5, 0, 1)
    np.testing.assert_allclose(np.asarray(model(data)), right, atol=1e-6)
    np.testing.assert_allclose(converted(model, data), right, atol=2.0**-10)


@pytest.mark.parametrize("name", sorted({*ACTIVATIONS, "binary_tanh"} - {"exponential"}))
@pytest.mark.parametrize("kind", ["QActivation", "QDense", "TimeDistributed"])
def test_functions_by_name_in_layers_of_qkeras(kind: str, name: str) -> None:
    """QKeras has functions of its own under names of Keras (``hard_sigmoid`` rises by a half)."""
    library, keras = qkeras()
    x = keras.Input((4, 1))
    try:
        layer = library.QActivation(name) if kind == "QActivation" else library.QDense(1, activation=name)
        layer = keras.layers.TimeDistributed(layer) if kind == "TimeDistributed" else layer
        model = keras.Model(x, layer(x))
    except (TypeError, ValueError, NameError, AttributeError, SyntaxError):
        pytest.skip("QKeras does not know it")
    if kind != "QActivation":
        model.set_weights([np.ones((1, 1), np.float32), np.zeros(1, np.float32)])
    data = (np.arange(-256, 256).reshape(-1, 4, 1) / 32).astype(np.float32)
    try:
        project = hlsgen.convert(model, input_precision="fixed<10,5>")
    except UnsupportedError as error:
        assert f"'{name}' is not supported" in str(error)
        return
    wanted = np.asarray(model(data))
    np.testing.assert_allclose(project.evaluate(data)[model.layers[-1].name], wanted, atol=2.0**-9)


@pytest.mark.parametrize("name", AUGMENTATION)
def test_augmentation_does_nothing_at_inference(name: str) -> None:
    keras = pytest.importorskip("keras")
    arguments = {"RandomTranslation": (0.1, 0.1), "RandomPosterization": (2,)}.get(name, (0.1,))
    try:
        layer = getattr(keras.layers, name)(*arguments, name="y")
    except (TypeError, ValueError):
        layer = getattr(keras.layers, name)(name="y")
    x = keras.Input((6, 5, 3))
    model = keras.Model(x, keras.layers.ReLU(name="r")(layer(x)))
    data = np.random.default_rng(0).integers(-64, 65, (3, 6, 5, 3)).astype(np.float32) / 8
    wanted = np.asarray(model(data, training=False))
    np.testing.assert_array_equal(wanted, np.maximum(data, 0))
    np.testing.assert_array_equal(hlsgen.convert(model, input_precision="fixed<10,5>").evaluate(data)["r"], wanted)


@pytest.mark.parametrize("library", ["keras", "tf_keras"])
@pytest.mark.parametrize("axis", [-1, None])
@pytest.mark.parametrize("invert", [False, True])
def test_normalization_learned_from_data(library: str, axis: int | None, invert: bool, tmp_path: Any) -> None:
    keras = pytest.importorskip(library)
    data = np.random.default_rng(0).integers(-64, 65, (40, 5, 3)).astype(np.float32) / 8
    layer = keras.layers.Normalization(axis=axis, invert=invert, name="y")
    layer.adapt(data)
    x = keras.Input((5, 3))
    model = keras.Model(x, layer(x))
    model.save(tmp_path / "m.keras")
    model.save(tmp_path / "m.h5")
    wanted = np.asarray(model(data))
    for source in (model, tmp_path / "m.keras", tmp_path / "m.h5"):
        project = hlsgen.convert(source, input_precision="fixed<10,5>")
        np.testing.assert_allclose(project.evaluate(data)["y"], wanted, atol=2.0**-9 * np.abs(wanted).max())


def test_normalization_over_another_axis_is_refused() -> None:
    keras = pytest.importorskip("keras")
    x = keras.Input((5, 3))
    layer = keras.layers.Normalization(axis=1, mean=np.zeros(5), variance=np.ones(5), name="y")
    with pytest.raises(UnsupportedError, match=r"layer 'y'.*by axis \[1\].*last axis"):
        hlsgen.convert(keras.Model(x, layer(x)))


def test_low_rank_weights_are_refused() -> None:
    keras = pytest.importorskip("keras")
    x = keras.Input((8,))
    layer = keras.layers.Dense(8, name="y")
    model = keras.Model(x, layer(x))
    layer.enable_lora(2)
    with pytest.raises(UnsupportedError, match=r"layer 'y'.*LoRA.*layer\.kernel"):
        hlsgen.convert(model)


@pytest.mark.parametrize("library", ["keras", "tf_keras"])
def test_scalar_inputs_are_refused(library: str) -> None:
    keras = pytest.importorskip(library)
    x = keras.Input((), name="number")
    with pytest.raises(ModelError, match=r"input 'number' is a scalar.*\(1,\)"):
        hlsgen.convert(keras.Model(x, keras.layers.Flatten()(x)))


def test_operations_are_not_taken_for_layers(tmp_path: Any) -> None:
    """keras.ops.dot and the layer Dot share a name; an HDF5 file does not say which it is."""
    keras = pytest.importorskip("keras")
    x, y = keras.Input((6,)), keras.Input((6, 3))
    model = keras.Model([x, y], keras.ops.dot(x, y))
    model.save(tmp_path / "m.h5")
    for source in (model, tmp_path / "m.h5"):
        with pytest.raises(UnsupportedError, match=r"operation 'dot.*' \(Dot\) is not supported"):
            hlsgen.convert(source)


def test_operators_align_the_last_axes_and_layers_the_first() -> None:
    """(4, 3) with (3,): the layer Add puts the missing axis in front; the operator would meet the batch."""
    keras = pytest.importorskip("keras")
    a, b = keras.Input((4, 3)), keras.Input((3,))
    model = keras.Model([a, b], keras.layers.Add(name="y")([a, b]))
    data = [np.ones((2, 4, 3), np.float32), np.array([[1, 2, 3], [4, 5, 6]], np.float32)]
    got = hlsgen.convert(model, input_precision="fixed<10,5>").evaluate(data)["y"]
    np.testing.assert_array_equal(got, np.asarray(model(data)))
    with pytest.raises(UnsupportedError, match="different numbers of axes"):
        hlsgen.convert(keras.Model([a, b], a + b))
