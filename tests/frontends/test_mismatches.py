"""Architecture and weights that do not belong together, systematically: refused, and by an error of our own.

A model with every layer that has weights is stored in every form. Each array in turn, and all arrays of a layer at
once, get another shape or hold no numbers; options that decide on a shape are changed one by one.
"""

from __future__ import annotations

import functools
import importlib
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hlsgen.errors import HlsgenError, ModelError
from hlsgen.frontends import read_model
from hlsgen.frontends.keras.model import read_keras
from tests.frontends.stored import FORMS, Array, Stored, options, with_option
from tests.layers.inventory import ABSENT, REFUSED, ROWS, Row
from tests.layers.test_inventory import LIBRARIES, model_of
from tests.mismatches import other_shapes, other_values, reshaped

IMAGE, LINE = (6, 5, 4), (8, 3)
SEVERAL = 15
"""How many mismatches of each kind are tried in every run, of a model in a form."""


def keras_layers(library: str) -> Any:
    """Every layer of Keras that has weights, side by side."""
    keras = pytest.importorskip(library)
    kl = keras.layers
    image, line = keras.Input(IMAGE, name="image"), keras.Input(LINE, name="line")
    normalize = kl.Normalization(name="normalize")
    normalize.build((None, *IMAGE))
    of_image = [
        kl.Dense(3, name="dense"),
        kl.Conv2D(3, (2, 3), name="conv"),
        kl.DepthwiseConv2D(2, depth_multiplier=2, name="depthwise"),
        kl.SeparableConv2D(3, 2, depth_multiplier=2, name="separable"),
        kl.Conv2DTranspose(3, 2, strides=2, name="transposed"),
        kl.BatchNormalization(name="batchnorm"),
        kl.PReLU(name="slopes"),
        kl.PReLU(shared_axes=[1, 2], name="slopes_by_channel"),
        normalize,
    ]
    of_line = [
        kl.Conv1D(4, 2, name="conv_line"),
        kl.SeparableConv1D(4, 2, name="separable_line"),
        kl.TimeDistributed(kl.Dense(5), name="wrapped"),
    ]
    return keras.Model([image, line], [layer(image) for layer in of_image] + [layer(line) for layer in of_line])


def qkeras_layers() -> Any:
    """The layers of QKeras whose weights are read another way than those of Keras."""
    keras, qkeras = pytest.importorskip("tf_keras"), pytest.importorskip("qkeras")
    bits = qkeras.quantized_bits(4, 0, 1, alpha=1)
    image = keras.Input(IMAGE, name="image")
    layers = [
        qkeras.QDense(3, kernel_quantizer=bits, bias_quantizer=bits, name="dense"),
        qkeras.QConv2D(3, 2, kernel_quantizer="quantized_bits(4,0,alpha='auto')", name="conv"),
        qkeras.QConv2DBatchnorm(3, 2, kernel_quantizer=bits, name="conv_batchnorm"),
        qkeras.QDepthwiseConv2DBatchnorm(2, depthwise_quantizer=bits, name="depthwise_batchnorm"),
        qkeras.QSeparableConv2D(3, 2, depthwise_quantizer=bits, pointwise_quantizer=bits, name="separable"),
        qkeras.QBatchNormalization(name="batchnorm"),
        qkeras.QAdaptiveActivation("quantized_relu", 8, name="adaptive"),
        qkeras.QAdaptiveActivation("quantized_bits", 8, per_channel=True, name="adaptive_by_channel"),
    ]
    return keras.Model(image, [layer(image) for layer in layers])


MODELS = {
    "Keras 3": functools.partial(keras_layers, "keras"),
    "Keras 2": functools.partial(keras_layers, "tf_keras"),
    "QKeras": qkeras_layers,
}


@pytest.fixture(scope="module", params=[(m, form) for m in MODELS for form in FORMS], ids=lambda p: f"{p[0]}{p[1]}")
def stored(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Stored:
    name, form = request.param
    return Stored(MODELS[name](), form, tmp_path_factory.mktemp("stored"))


# -- what is changed ---------------------------------------------------------------------------------


def other_arrays(arrays: dict[str, Array]) -> Iterator[tuple[str, dict[str, Array]]]:
    """What was done, and the arrays that are other than before: one, or all of a layer that have more than one axis
    or as many as it (a count of training steps stays)."""
    for name, array in arrays.items():
        for what, shape in other_shapes(array.shape).items():
            yield f"{name}: {what}", {name: reshaped(array, shape)}
        for what, changed in other_values(array).items():
            yield f"{name}: {what}", {name: changed}
    layers: dict[str, list[str]] = {}
    for name, array in arrays.items():
        if array.shape:
            layers.setdefault(name.rpartition("/")[0], []).append(name)
    for layer, names in layers.items():
        kinds = {what for name in names for what in other_shapes(arrays[name].shape)} - {"transposed"}
        for what in sorted(kinds):
            changed = {n: other_shapes(arrays[n].shape).get(what, arrays[n].shape) for n in names}
            yield f"all of {layer}: {what}", {n: reshaped(arrays[n], shape) for n, shape in changed.items()}


def other_configurations(config: Any) -> Iterator[tuple[str, Any]]:
    """What was done, and a configuration for which some weight has the wrong shape."""
    for way, value in options(config):
        key, values = way[-1], []
        if key in ("units", "filters", "depth_multiplier") and isinstance(value, int):
            values = [value + 1, value + 2]
        elif key == "kernel_size" and isinstance(value, list):
            values = [[*value[:-1], value[-1] + 1], [value[0] + 1, *value[1:]]]
        elif key in ("use_bias", "scale", "center") and isinstance(value, bool):
            values = [not value]
        elif key == "shared_axes":
            values = [[1], [2, 3], [1, 2, 3]]
        elif key in ("batch_shape", "batch_input_shape"):
            values = [[*value[:-1], value[-1] + 1], [*value[:-1], 1], [*value[:1], 2, *value[1:]], value[:-1]]
        for other in values:
            yield f"{'.'.join(map(str, way))} = {other}", with_option(config, way, other)


def test_shapes_and_values_of_weights(stored: Stored) -> None:
    """A selection; the slow form below tries every one."""
    cases = list(other_arrays(stored.arrays))
    assert len(cases) > 400
    read_model(**stored.write())
    for what, arrays in random.Random(stored.form).sample(cases, SEVERAL):
        refused(what, stored.write(arrays))


def test_options_that_decide_on_a_shape(stored: Stored) -> None:
    cases = list(other_configurations(stored.config))
    assert len(cases) > 2 * SEVERAL
    for what, config in random.Random(stored.form).sample(cases, SEVERAL):
        refused(what, stored.write(config=config))


@pytest.mark.slow
def test_every_mismatch(stored: Stored) -> None:
    for what, arrays in other_arrays(stored.arrays):
        refused(what, stored.write(arrays))
    for what, config in other_configurations(stored.config):
        refused(what, stored.write(config=config))


def refused(what: str, files: dict[str, Path]) -> None:
    """Assert an error of our own that is no bug report."""
    try:
        read_model(**files)
    except HlsgenError as error:
        assert str(error) and "bug of hlsgen" not in str(error), what
        return
    pytest.fail(f"accepted: {what}")


# -- what is said ------------------------------------------------------------------------------------

ALL_OF_ONE = r"layer 'batchnorm' \(BatchNormalization\): weight 'gamma' has shape \(1,\), but its input of shape "
MESSAGES = [
    ("batchnorm", (1,), ALL_OF_ONE + r"\(6, 5, 4\) gives \(4,\); architecture and weights do not belong together"),
    ("batchnorm", (5,), r"weight 'gamma' has shape \(5,\), but its input of shape \(6, 5, 4\) gives \(4,\)"),
    ("normalize", (1,), r"weight 'mean' has shape \(1,\), but its input of shape \(6, 5, 4\) gives \(4,\)"),
]


@pytest.mark.parametrize(("layer", "shape", "message"), MESSAGES)
def test_message(tmp_path: Path, layer: str, shape: tuple[int, ...], message: str) -> None:
    """All arrays of a layer agree with each other, and not with what it reads."""
    kept = Stored(keras_layers("keras"), ".h5", tmp_path)
    own = {name: array for name, array in kept.arrays.items() if name.split("/")[1] == layer and array.shape}
    with pytest.raises(ModelError, match=message):
        read_model(**kept.write({name: reshaped(array, shape) for name, array in own.items()}))


def test_live_model() -> None:
    """A live layer whose variable was exchanged behind its back."""
    keras = pytest.importorskip("keras")
    model = keras_layers("keras")
    layer = model.get_layer("batchnorm")
    layer._tracker.unlock()
    for name in ("gamma", "beta", "moving_mean", "moving_variance"):
        layer._untrack_variable(getattr(layer, name))
        setattr(layer, name, layer.add_weight(shape=(1,), name=name, trainable=name in ("gamma", "beta")))
    assert isinstance(layer.gamma, keras.Variable)
    with pytest.raises(ModelError, match=ALL_OF_ONE):
        read_model(model)


def test_float64_weights_are_rounded_as_keras_does(tmp_path: Path) -> None:
    kept = Stored(keras_layers("keras"), ".h5", tmp_path)
    fine = {
        name: array.astype(np.float64) + 2.0**-40
        for name, array in kept.arrays.items()
        if name.split("/")[1] == "dense"
    }
    assert len(fine) == 2
    calls = read_keras(kept.write(fine)["model"]).calls
    held = next(call.weights for call in calls if call.name == "dense")
    for array, role in zip(sorted(fine.values(), key=np.ndim), ("bias", "kernel"), strict=True):
        np.testing.assert_array_equal(held[role], array.astype(np.float32))


# -- by Keras's own judgement ------------------------------------------------------------------------

WEIGHTED = [
    row
    for row in ROWS
    if row.status("keras") not in (ABSENT, REFUSED) and row.status("tf_keras") not in (ABSENT, REFUSED)
]


@pytest.mark.slow
@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("row", WEIGHTED, ids=lambda r: r.text)
def test_what_keras_refuses(row: Row, form: str, library: str, tmp_path: Path) -> None:
    model = model_of(row, library)
    kept = Stored(model, form, tmp_path)
    if not loads(library, kept.write()):
        pytest.skip("Keras does not load what it wrote: operators in HDF5")
    changes: list[tuple[str, dict[str, Any]]] = [(what, {"arrays": a}) for what, a in other_arrays(kept.arrays)]
    changes += [(what, {"config": config}) for what, config in other_configurations(kept.config)]
    for what, change in changes:
        files = kept.write(**change)
        try:
            read_model(**files)
        except HlsgenError as error:
            assert "bug of hlsgen" not in str(error), what
        else:
            assert loads(library, files), f"Keras refuses it: {what}"


def loads(library: str, files: dict[str, Path]) -> bool:
    """Whether Keras takes a model and its weights."""
    keras = importlib.import_module(library)
    try:
        if "weights" in files:
            keras.models.model_from_json(files["model"].read_text()).load_weights(files["weights"])
        else:
            keras.models.load_model(files["model"], compile=False)
    except Exception:  # whatever it raises
        return False
    return True
