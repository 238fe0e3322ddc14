"""Bad input: an error of our own that says where, what was found, what was expected and what to do; nothing half-written."""

from __future__ import annotations

import copy
import io
import json
import random
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import hlsgen
from hlsgen.errors import ConfigError, HlsgenError, ModelError, OutputDirError, UnsupportedError

EXAMPLES = Path(__file__).parents[1] / "example-models"
IRIS, DIGITS = EXAMPLES / "iris_mlp" / "model.keras", EXAMPLES / "digits_mlp" / "model.h5"


def refused(model: Any, kind: type[HlsgenError], *words: str, **settings: Any) -> str:
    """Assert that conversion fails with this class and that the message holds all words; return the message."""
    with pytest.raises(HlsgenError) as caught:
        hlsgen.convert(model, **settings)
    message = str(caught.value)
    assert type(caught.value) is kind, f"{type(caught.value).__name__}: {message}"
    for word in words:
        assert word in message, f"{word!r} is not in: {message}"
    return message


# -- layers and their options (live models) --------------------------------------------------------


@pytest.fixture(scope="module")
def keras():
    return pytest.importorskip("keras")


def stack(keras: Any, shape: tuple[int, ...], *layers: Any) -> Any:
    return keras.Sequential([keras.Input(shape), *layers])


IMAGE, VECTOR, SERIES = (8, 8, 4), (6,), (8, 4)
OPTIONS: list[tuple[str, tuple[int, ...], str, dict[str, Any], tuple[str, ...]]] = [
    ("UpSampling2D", IMAGE, "interpolation", {"interpolation": "bicubic"}, ("interpolation", "bicubic", "nearest")),
    ("Resizing", IMAGE, "crop", {"height": 4, "width": 4, "crop_to_aspect_ratio": True}, ("crop_to_aspect_ratio",)),
    ("Masking", SERIES, "mask_value", {"mask_value": 1.0}, ("mask_value",)),
]  # fmt: skip


@pytest.mark.parametrize("case", OPTIONS, ids=lambda c: f"{c[0]}-{c[2]}")
def test_unsupported_option(keras, case):
    name, shape, _, options, words = case
    layer = getattr(keras.layers, name)(name="the_layer", **options)
    refused(stack(keras, shape, layer), UnsupportedError, "the_layer", *words)


LAYERS: list[tuple[str, tuple[int, ...], dict[str, Any]]] = [
    ("LSTM", SERIES, {"units": 3}),
    ("GRU", SERIES, {"units": 3}),
    ("SimpleRNN", SERIES, {"units": 3}),
    ("Conv2DTranspose", IMAGE, {"filters": 2, "kernel_size": 2}),
    ("Conv3D", (4, 4, 4, 1), {"filters": 2, "kernel_size": 2}),
    ("LayerNormalization", VECTOR, {}),
    ("GroupNormalization", IMAGE, {"groups": 2}),
    ("UnitNormalization", VECTOR, {}),
    ("RepeatVector", VECTOR, {"n": 3}),
    ("Masking", SERIES, {}),
    ("Rescaling", IMAGE, {"scale": 0.5}),
    ("RandomFlip", IMAGE, {}),
]


@pytest.mark.parametrize("case", LAYERS, ids=lambda c: c[0])
def test_unsupported_layer_or_a_right_one(keras, case):
    """Refused by name; should one of these be supported some day, then with Keras's own result."""
    name, shape, options = case
    model = stack(keras, shape, getattr(keras.layers, name)(name="the_layer", **options))
    try:
        project = hlsgen.convert(model)
    except HlsgenError as error:
        assert type(error) is UnsupportedError
        assert "the_layer" in str(error) and name in str(error) and "not supported" in str(error)
        return
    x = (np.random.default_rng(0).integers(-16, 17, (20, *shape)) / 8).astype(np.float32)
    np.testing.assert_allclose(project.evaluate(x)["the_layer"], model.predict(x, verbose=0), atol=2**-6)


def test_lambda(keras):
    model = stack(keras, VECTOR, keras.layers.Lambda(lambda x: x + 1, name="the_layer"))
    refused(model, UnsupportedError, "the_layer", "Lambda", "never run", "supported layers")


def test_stranger_with_a_known_name(keras):
    class Dense(keras.layers.Dense):
        def call(self, inputs, *args, **kwargs):
            return super().call(inputs) * 2

    Dense.__module__ = "stranger.layers"
    refused(stack(keras, VECTOR, Dense(3, name="the_layer")), UnsupportedError, "the_layer", "Dense")


def test_registered_stranger_in_a_file(keras, tmp_path):
    @keras.saving.register_keras_serializable(package="Stranger")
    class Conv2D(keras.layers.Conv2D):
        pass

    model = stack(keras, IMAGE, Conv2D(2, 3, name="the_layer"))
    for suffix in (".keras", ".h5"):
        model.save(tmp_path / f"m{suffix}")
        refused(tmp_path / f"m{suffix}", UnsupportedError, "the_layer", "Stranger>Conv2D")


def test_subclassed_model(keras):
    class Mine(keras.Model):
        def call(self, x):
            return x

    model = Mine()
    model(np.zeros((1, 3)))
    refused(model, ModelError, "Mine", "Sequential", "Functional")


@pytest.mark.parametrize("activation", ["hard_sigmoid", "mish", "log_softmax", "relu6"])
def test_activation(keras, activation):
    model = stack(keras, VECTOR, keras.layers.Dense(3, activation=activation, name="the_layer"))
    try:
        project = hlsgen.convert(model)
    except HlsgenError as error:
        assert type(error) is UnsupportedError and "the_layer" in str(error) and activation in str(error)
        return
    x = (np.random.default_rng(0).integers(-16, 17, (50, 6)) / 8).astype(np.float32)
    np.testing.assert_allclose(project.evaluate(x)["the_layer"], model.predict(x, verbose=0), atol=2**-7)


def test_own_activation_function(keras):
    def secret(x):
        return x * 3

    refused(
        stack(keras, VECTOR, keras.layers.Dense(3, activation=secret, name="the_layer")),
        UnsupportedError,
        "the_layer",
        "secret",
    )


def test_dilation_with_strides_and_same_padding_is_right_or_refused(keras):
    """Keras allows dilation alone; the result has to be Keras's."""
    layer = keras.layers.Conv2D(2, 3, dilation_rate=2, padding="same", name="the_layer")
    model = stack(keras, IMAGE, layer)
    layer.set_weights(
        [np.random.default_rng(i).integers(-4, 5, w.shape) / 4 for i, w in enumerate(layer.get_weights())]
    )
    x = (np.random.default_rng(0).integers(-16, 17, (5, *IMAGE)) / 8).astype(np.float32)
    try:
        project = hlsgen.convert(model, default_width=32)
    except UnsupportedError as error:
        assert "dilation" in str(error)
        return
    np.testing.assert_array_equal(project.evaluate(x)["the_layer"], model.predict(x, verbose=0))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, 1])
def test_weights_that_are_no_numbers(keras, value, place):
    layer = keras.layers.Dense(3, name="the_layer")
    model = stack(keras, VECTOR, layer)
    weights = layer.get_weights()
    weights[place].flat[1] = value
    layer.set_weights(weights)
    refused(model, ModelError, "the_layer", ("kernel", "bias")[place])


@pytest.mark.parametrize("role", range(4))
def test_batchnorm_weights_that_are_no_numbers(keras, role):
    layer = keras.layers.BatchNormalization(name="the_layer")
    model = stack(keras, VECTOR, layer)
    weights = layer.get_weights()
    weights[role][2] = np.nan
    layer.set_weights(weights)
    refused(model, ModelError, "the_layer")


def test_dtypes(keras):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, dtype="float16", name="the_layer")])
    refused(model, UnsupportedError, "the_layer", "float16", "float32")


@pytest.mark.parametrize("shape", [(None, 4), (8, None, 3)])
def test_unknown_input_extents(keras, shape):
    model = keras.Sequential([keras.Input(shape), keras.layers.Dense(2)])
    with pytest.raises((ModelError, UnsupportedError), match="None"):
        hlsgen.convert(model)


def test_unbuilt_model(keras):
    refused(keras.Sequential([keras.layers.Dense(2)]), ModelError, "never built", "keras.Input")


def test_single_layer_and_other_objects(keras):
    refused(keras.layers.Dense(2), ModelError, "single layer", "Sequential")
    for thing in (42, np.zeros(3), object(), {"a": 1}, lambda x: x):
        refused(thing, ModelError, "expected", "found")


@pytest.mark.parametrize("name", ["int", "a b", "系统", 'a"; system("x', "x_t", "a" * 200, "1", "fc.1", "fc-1"])
def test_hostile_layer_names_work(keras, name):
    try:
        model = stack(keras, VECTOR, keras.layers.Dense(3, name=name))
    except ValueError:
        pytest.skip("Keras itself refuses this name")
    project = hlsgen.convert(model)
    x = np.zeros((2, 6), np.float32)
    assert project.trace(x)[name].shape == (2, 3)
    np.testing.assert_array_equal(project.trace(x, raw=True)[name], project.evaluate(x, raw=True)[name])


def test_broadcast_that_is_not_supported(keras):
    a, b = keras.Input((2, 2, 2, 3)), keras.Input((2, 2, 2, 1))
    model = keras.Model([a, b], keras.layers.Add(name="the_layer")([a, b]))
    refused(model, UnsupportedError, "the_layer", "(2, 2, 2, 3)", "(2, 2, 2, 1)")


# -- files (no framework) --------------------------------------------------------------------------


def test_missing_file_folder_and_unknown_kind(tmp_path):
    refused(tmp_path / "none.keras", ModelError, "none.keras", "does not exist")
    refused(str(tmp_path / "none.keras"), ModelError, "does not exist")
    (tmp_path / "saved").mkdir()
    refused(tmp_path / "saved", ModelError, "directory", "SavedModel", "model.save('model.keras')")
    for name in ("model.pb", "model.tflite", "model"):
        (tmp_path / name).write_bytes(b"x")
        refused(tmp_path / name, ModelError, "unknown kind of model file", ".keras, .h5")


@pytest.mark.parametrize("source", [IRIS, DIGITS], ids=["keras", "h5"])
@pytest.mark.parametrize("part", [0.0, 0.001, 0.1, 0.5, 0.9, 0.999])
def test_truncated_file(tmp_path, source, part):
    data = source.read_bytes()
    path = tmp_path / f"cut{source.suffix}"
    path.write_bytes(data[: int(len(data) * part)])
    refused(path, ModelError, path.name)


@pytest.mark.parametrize("source", [IRIS, DIGITS], ids=["keras", "h5"])
def test_damaged_bytes_never_crash(tmp_path, source):
    """Any error is ours; a file that still reads has to give a project."""
    data = bytearray(source.read_bytes())
    rng = np.random.default_rng(0)
    path = tmp_path / f"bad{source.suffix}"
    for _ in range(40):
        bad = bytearray(data)
        for at in rng.integers(0, len(bad), 8):
            bad[at] = rng.integers(0, 256)
        path.write_bytes(bad)
        try:
            hlsgen.convert(path)
        except HlsgenError as error:
            assert str(error)


def rewritten(tmp_path: Path, change: Any, source: Path = IRIS) -> Path:
    """A model (the iris model) with its configuration changed by a function of the parsed JSON."""
    path = tmp_path / "changed.keras"
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w") as new:
        for item in old.namelist():
            data = old.read(item)
            if item == "config.json":
                config = json.loads(data)
                change(config)
                data = json.dumps(config).encode()
            new.writestr(item, data)
    return path


def layers_of(config: dict[str, Any]) -> list[dict[str, Any]]:
    return [layer for layer in config["config"]["layers"] if layer["class_name"] == "Dense"]


def set_option(key: str, value: Any) -> Any:
    return lambda config: layers_of(config)[0]["config"].__setitem__(key, value)


CHANGES: dict[str, tuple[Any, type[HlsgenError], tuple[str, ...]]] = {
    "unknown option": (set_option("sparsity", 0.5), UnsupportedError, ("sparsity=0.5", "unknown option")),
    "lora": (set_option("lora_rank", 4), UnsupportedError, ("lora_rank=4",)),
    "missing option": (lambda c: layers_of(c)[0]["config"].pop("units"), ModelError, ("'fc1'", "'units'", "damaged")),
    "code": (
        set_option("activation", {"class_name": "__lambda__", "config": {"value": "4wEAAA=="}}),
        UnsupportedError,
        ("activation",),
    ),
    "class": (lambda c: layers_of(c)[0].update(class_name="Denze"), HlsgenError, ("'fc1'",)),
    "layer name": (lambda c: layers_of(c)[0]["config"].pop("name"), HlsgenError, ("name",)),
}


@pytest.mark.parametrize("name", CHANGES)
def test_changed_configuration(tmp_path, name):
    change, kind, words = CHANGES[name]
    with pytest.raises(kind) as caught:
        hlsgen.convert(rewritten(tmp_path, change))
    for word in words:
        assert word in str(caught.value)


HOSTILE = [None, [], {}, "x", True, 0, -1, 2.5, 10**30, [1, None], [2, -1], [[1]], 3]


def places_of(tree: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to everything in a tree of dicts and lists."""
    for key, branch in tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ():
        yield (*before, key)
        yield from places_of(branch, (*before, key))


@pytest.mark.parametrize("model", ["iris_mlp", "residual_cnn", "mnist_qcnn"])
def test_anything_at_any_place_of_a_configuration_is_read_or_refused(tmp_path, model):
    source, path = EXAMPLES / model / "model.keras", tmp_path / "changed.keras"
    with zipfile.ZipFile(source) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    config = json.loads(parts["config.json"])
    choice = random.Random(model)
    cases = choice.sample([(place, i) for place in places_of(config["config"]) for i in range(len(HOSTILE))], 150)
    refusals = 0
    for (*way, last), i in cases:
        changed = copy.deepcopy(config)
        spot = changed["config"]
        for key in way:
            spot = spot[key]
        spot[last] = HOSTILE[i]
        with zipfile.ZipFile(path, "w") as file:
            for name, data in parts.items():
                file.writestr(name, json.dumps(changed) if name == "config.json" else data)
        try:
            hlsgen.convert(path)
        except HlsgenError as error:
            assert str(error)
            refusals += 1
    assert 0 < refusals < len(cases)


WINDOWS = [
    ("strides", [], "strides=[] cannot be; expected a whole number from 1 to 65535, or a list of two"),
    ("strides", [1, None], "strides=[1, None] cannot be"),
    ("dilation_rate", [-1, 1], "dilation_rate=[-1, 1] cannot be"),
    ("strides", 10**30, "from 1 to 65535"),
]


@pytest.mark.parametrize("option,value,words", WINDOWS)
def test_windows_that_are_none(tmp_path, option, value, words):
    def change(config: dict[str, Any]) -> None:
        layers = [layer for layer in config["config"]["layers"] if layer["class_name"] == "Conv2D"]
        layers[0]["config"][option] = value

    with pytest.raises(ModelError) as caught:
        hlsgen.convert(rewritten(tmp_path, change, EXAMPLES / "residual_cnn" / "model.keras"))
    assert all(part in str(caught.value) for part in ("(Conv2D)", words, "damaged"))


def test_weights_for_other_channels_than_arrive(tmp_path):
    """Nothing in the file is impossible by itself: here the images have one channel more than the kernel."""

    def change(config: dict[str, Any]) -> None:
        config["config"]["layers"][0]["config"]["batch_shape"][-1] += 1

    words = r"\(Dense\): weight 'kernel' has shape \(4, 16\), but its input of shape \(5,\) gives \(5, 16\)"
    with pytest.raises(ModelError, match=words):
        hlsgen.convert(rewritten(tmp_path, change))


def test_an_input_of_more_elements_than_anything_counts(tmp_path):
    def change(config: dict[str, Any]) -> None:
        config["config"]["layers"][0]["config"]["batch_shape"] = [None, 2**20, 2**20, 4]

    with pytest.raises(ModelError, match=r"has more than 16777216 elements"):
        hlsgen.convert(rewritten(tmp_path, change))


def with_weights(tmp_path: Path, change: Any) -> Path:
    """The iris model with its weights changed by a function of the open HDF5 file."""
    path = tmp_path / "weights.keras"
    with zipfile.ZipFile(IRIS) as old, zipfile.ZipFile(path, "w") as new:
        for item in old.namelist():
            data = old.read(item)
            if item == "model.weights.h5":
                buffer = io.BytesIO(data)
                with h5py.File(buffer, "r+") as file:
                    change(file)
                data = buffer.getvalue()
            new.writestr(item, data)
    return path


def datasets(file: h5py.File) -> list[str]:
    found: list[str] = []
    file.visititems(lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None)
    return found


def test_weights_in_a_file(tmp_path):
    def nan(file: h5py.File) -> None:
        file[datasets(file)[0]][...] = np.nan

    refused(with_weights(tmp_path, nan), ModelError, "layer '")

    def gone(file: h5py.File) -> None:
        del file[datasets(file)[0]]

    refused(with_weights(tmp_path, gone), ModelError, "layer '")

    def misshapen(file: h5py.File) -> None:
        name = datasets(file)[0]
        shape = file[name].shape
        del file[name]
        file[name] = np.zeros([n + 1 for n in shape], np.float32)

    refused(with_weights(tmp_path, misshapen), ModelError, "layer '", "shape")

    def text(file: h5py.File) -> None:
        name = datasets(file)[0]
        del file[name]
        file[name] = "no numbers"

    refused(with_weights(tmp_path, text), ModelError, "layer '")


def test_weights_only_h5(tmp_path):
    path = tmp_path / "only.weights.h5"
    with zipfile.ZipFile(IRIS) as archive:
        path.write_bytes(archive.read("model.weights.h5"))
    refused(path, ModelError, "only weights", "model.to_json()", "weights=")


def test_weights_argument(tmp_path):
    refused(IRIS, ModelError, "weights=", ".json", weights=DIGITS)
    with zipfile.ZipFile(IRIS) as archive:
        (tmp_path / "m.json").write_bytes(archive.read("config.json"))
        (tmp_path / "m.weights.h5").write_bytes(archive.read("model.weights.h5"))
    refused(tmp_path / "m.json", ModelError, "architecture only", "weights=")
    refused(tmp_path / "m.json", ModelError, "does not exist", weights=tmp_path / "none.h5")
    refused(tmp_path / "m.json", ModelError, weights=DIGITS)
    whole = hlsgen.convert(IRIS)
    parts = hlsgen.convert(tmp_path / "m.json", weights=tmp_path / "m.weights.h5")
    assert str(parts.design) == str(whole.design)


def test_nothing_is_written_when_conversion_fails(tmp_path):
    path = rewritten(tmp_path, set_option("sparsity", 1))
    refused(path, UnsupportedError, output_dir=tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["changed.keras"]


# -- settings --------------------------------------------------------------------------------------

SETTINGS: list[tuple[dict[str, Any], type[HlsgenError], tuple[str, ...]]] = [
    ({"io_type": "io_serial"}, ConfigError, ("io_type", "io_serial", "io_parallel")),
    ({"reuse_facter": 2}, ConfigError, ("reuse_facter", "did you mean 'reuse_factor'")),
    ({"reuse_factor": 0}, ConfigError, ("reuse_factor", "0")),
    ({"storage": "flash"}, ConfigError, ("storage", "flash", "bram")),
    ({"strategy": "fast"}, ConfigError, ("strategy", "fast", "latency")),
    ({"precision": "fixed<16>"}, ConfigError, ("precision", "fixed<16>", "2 to 5 arguments")),
    ({"precision": "double"}, ConfigError, ("double", "fixed<16,6>")),
    ({"precision": {"weights": "fixed<8,1>"}}, ConfigError, ("weights", "did you mean 'weight'")),
    ({"input_precision": {"inputs": "fixed<8,1>"}}, ConfigError, ("input_precision", "no input 'inputs'")),
    ({"clock_period": -1}, ConfigError, ("clock_period", "-1")),
    ({"layers": {"fc": {"strategy": "latency"}}}, ConfigError, ("no layer 'fc'", "did you mean")),
    ({"layer_types": {"Dens": {}}}, ConfigError, ("no layer of type 'Dens'", "did you mean 'Dense'")),
    ({"skip_passes": ["fuse"]}, ConfigError, ("skip_passes", "'fuse'")),
    ({"default_width": 1}, ConfigError, ("default_width",)),
    ({"backend": "intel"}, ConfigError, ("backend", "vitis")),
    ({"config": {"model": {}}}, ConfigError, ("model",)),
    ({"config": {"defaults": {"reuse_factor": "many"}}}, ConfigError, ("defaults.reuse_factor", "many")),
    ({"config": "missing.yml"}, ConfigError, ("missing.yml", "YAML")),
]  # fmt: skip


@pytest.mark.parametrize("case", SETTINGS, ids=lambda c: str(next(iter(c[0].items()))))
def test_settings(case):
    settings, kind, words = case
    refused(IRIS, kind, *words, **settings)


@pytest.mark.parametrize("text", ["a: [", "- a", "", "model: {x: 1}\n", "\x00", "a: !!python/object:os.system {}"])
def test_yaml(tmp_path, text):
    (tmp_path / "c.yml").write_text(text)
    refused(None, ConfigError, config=tmp_path / "c.yml")


def test_no_model_at_all():
    refused(None, ConfigError, "no model given")


def test_output_directory_with_something_else(tmp_path):
    out = tmp_path / "out"
    shutil.copytree(EXAMPLES / "iris_mlp", out)
    before = sorted(p.name for p in out.iterdir())
    with pytest.raises(OutputDirError, match="not an hlsgen project"):
        hlsgen.convert(IRIS, output_dir=out).write()
    assert sorted(p.name for p in out.iterdir()) == before
    hlsgen.convert(IRIS, output_dir=out, overwrite=True).write()
    assert (out / "hlsgen.json").is_file() and (out / "train.py").is_file()
