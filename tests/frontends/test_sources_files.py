"""Model files that are missing, damaged, hostile or from older libraries."""

from __future__ import annotations

import contextlib
import io
import json
import random
import shutil
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from hlsgen.errors import ModelError, UnsupportedError
from hlsgen.frontends.keras.model import read_keras
from hlsgen.frontends.keras.source import SourceModel
from tests.frontends.compare import assert_same, randomize

keras = pytest.importorskip("keras", minversion="3")
L = keras.layers


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One model in every format: m.keras, m.h5, m.json, m.weights.h5."""
    folder = tmp_path_factory.mktemp("model")
    x = keras.Input((4,), name="x")
    inner = keras.Sequential([keras.Input((4,)), L.Dense(4, name="a"), L.Dense(4, name="b")], name="inner")
    y = L.Dense(4, name="first")(x)
    model = randomize(keras.Model(x, L.Dense(4, name="last")(L.BatchNormalization(name="bn")(inner(y)))))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.save(folder / "m.keras")
        model.save(folder / "m.h5")
        model.save_weights(folder / "m.weights.h5")
    (folder / "m.json").write_text(model.to_json())
    return folder


def rewrite(source: Path, target: Path, **changes: bytes | Callable[[bytes], bytes] | None) -> Path:
    """Copy a .keras archive, replacing members ('config', 'metadata', 'weights'; None leaves one out)."""
    members = {"config.json": "config", "metadata.json": "metadata", "model.weights.h5": "weights"}
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            change = changes.get(members[name], b"")
            if change is not None:
                data = old.read(name)
                new.writestr(name, change(data) if callable(change) else change or data)
    return target


def edit_config(edit: Callable[[Any], None]) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        config = json.loads(data)
        edit(config)
        return json.dumps(config).encode()

    return change


def edit_h5(edit: Callable[[h5py.File], None]) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        buffer = io.BytesIO(data)
        with h5py.File(buffer, "r+") as file:
            edit(file)
        return buffer.getvalue()

    return change


def layer(config: Any, name: str) -> Any:
    return next(entry for entry in config["config"]["layers"] if entry["config"]["name"] == name)


def test_files_need_no_framework(files: Path) -> None:
    script = (
        "import sys; from hlsgen.frontends.keras.model import read_keras; read_keras(sys.argv[1]); "
        "print([m for m in ('keras', 'tf_keras', 'tensorflow', 'qkeras') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(files / "m.keras")], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


# -- what is no model file ------------------------------------------------------------------


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"none\.keras: .*does not exist"):
        read_keras(tmp_path / "none.keras")


def test_directory(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"is a directory.*model\.save\('model\.keras'\)"):
        read_keras(tmp_path)


def test_unknown_suffix(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(b"")
    with pytest.raises(ModelError, match=r"unknown kind of model file '\.onnx'; expected \.keras"):
        read_keras(tmp_path / "m.onnx")


@pytest.mark.parametrize("suffix", [".keras", ".h5", ".json"])
@pytest.mark.parametrize("keep", [0, 0.3, 0.7, 0.99])
def test_truncated_files(files: Path, tmp_path: Path, suffix: str, keep: float) -> None:
    data = (files / f"m{suffix}").read_bytes()
    path = tmp_path / f"cut{suffix}"
    path.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(ModelError, match="cut"):
        read_keras(path, weights=files / "m.weights.h5" if suffix == ".json" else None)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_noise_never_escapes_as_another_error(files: Path, tmp_path: Path, suffix: str) -> None:
    data = (files / f"m{suffix}").read_bytes()
    rng = np.random.default_rng(1)
    path = tmp_path / f"noisy{suffix}"
    for _ in range(60):
        noisy = np.frombuffer(data, np.uint8).copy()
        noisy[rng.integers(0, len(noisy), 20)] = rng.integers(0, 256, 20, dtype=np.uint8)
        path.write_bytes(noisy.tobytes())
        with contextlib.suppress(ModelError, UnsupportedError):
            read_keras(path)


def test_weights_only_file(files: Path) -> None:
    with pytest.raises(ModelError, match=r"only weights.*\.json.*weights="):
        read_keras(files / "m.weights.h5")


def test_architecture_without_weights(files: Path) -> None:
    with pytest.raises(ModelError, match=r"architecture only.*weights="):
        read_keras(files / "m.json")


def test_weights_with_a_file_that_has_its_own(files: Path) -> None:
    with pytest.raises(ModelError, match=r"weights= goes with a \.json"):
        read_keras(files / "m.keras", weights=files / "m.weights.h5")


def test_weights_with_a_live_model(files: Path) -> None:
    with pytest.raises(ModelError, match="already holds its weights"):
        read_keras(keras.Sequential([keras.Input((2,))]), weights=files / "m.weights.h5")


@pytest.mark.parametrize("other", [3, {"a": 1}, None, keras.layers.Dense])
def test_unknown_objects(other: Any) -> None:
    with pytest.raises(ModelError, match=r"expected a Keras 3 or tf_keras model.*found "):
        read_keras(other)


def test_absurdly_deep_configuration(files: Path, tmp_path: Path) -> None:
    def edit(config: Any) -> None:
        deep: list[Any] = []
        config["config"]["deep"] = deep
        for _ in range(600):
            deep.append(deep := [])

    with pytest.raises(ModelError, match=r"deep|JSON"):
        read_keras(rewrite(files / "m.keras", tmp_path / "m.keras", config=edit_config(edit)))


@pytest.mark.parametrize(
    "text", ["[]", "3", '{"nodes": []}', "[" * 100_000, '{"class_name": "Functional", "config": {}}']
)
def test_json_that_is_no_architecture(tmp_path: Path, files: Path, text: str) -> None:
    (tmp_path / "m.json").write_text(text)
    with pytest.raises(ModelError, match=r"m\.json|of class 'Functional'"):
        read_keras(tmp_path / "m.json", weights=files / "m.weights.h5")


# -- damaged archives -----------------------------------------------------------------------


@pytest.mark.parametrize("member", ["config", "metadata", "weights"])
def test_archive_without_a_member(files: Path, tmp_path: Path, member: str) -> None:
    with pytest.raises(ModelError, match=rf"no '[a-z.]*{member}[a-z0-9.]*' in the archive"):
        read_keras(rewrite(files / "m.keras", tmp_path / "m.keras", **{member: None}))


def test_member_that_declares_too_much(files: Path, tmp_path: Path) -> None:
    path = shutil.copy(files / "m.keras", tmp_path / "m.keras")
    data = bytearray(Path(path).read_bytes())
    entry = data.rindex(b"PK\x01\x02")  # the directory entry of the last member, the weights
    data[entry + 24 : entry + 28] = (0xFFFFFFF0).to_bytes(4, "little")
    data[entry + 20 : entry + 24] = (0xFFFFFFF0).to_bytes(4, "little")
    Path(path).write_bytes(data)
    with pytest.raises(ModelError, match=r"m\.keras"):
        read_keras(path)


@pytest.mark.parametrize(
    ("edit", "error", "words"),
    [
        (lambda c: layer(c, "last")["config"].update(units=5), ModelError, r"'kernel' has shape \(4, 4\)"),
        (
            lambda c: layer(c, "last")["config"].update(use_bias=False),
            ModelError,
            "layer 'last'.*saved variables",
        ),
        (lambda c: layer(c, "last")["config"].pop("units"), ModelError, "layer 'last'.*incomplete"),
        (
            lambda c: layer(c, "last")["config"].update(name="other"),
            ModelError,
            "holds layer 'last', expected 'other'",
        ),
        (lambda c: layer(c, "last").update(class_name="Conv2D"), ModelError, "layer 'last'.*incomplete"),
        (lambda c: layer(c, "last").update(inbound_nodes=[3]), ModelError, "inbound node is damaged"),
        (lambda c: c["config"]["layers"].pop(1), ModelError, "holds layer 'first', expected 'last'"),
        (
            lambda c: c["config"].update(output_layers=[["gone", 0, 0]]),
            ModelError,
            "'gone', which does not exist",
        ),
        (lambda c: c["config"].update(output_layers=[["bn", 7, 0]]), ModelError, "call 7 of 'bn'"),
        (lambda c: c["config"].update(output_layers=[]), ModelError, "no outputs"),
        (lambda c: c["config"].update(layers="x"), ModelError, "Sequential or Functional"),
        (lambda c: c.update(class_name="MyModel", module="mine"), ModelError, "Sequential or Functional"),
        (lambda c: layer(c, "x")["config"].update(batch_shape=[None, None]), ModelError, "axis 1"),
        (lambda c: layer(c, "x")["config"].update(sparse=True), UnsupportedError, "sparse"),
        (
            lambda c: layer(c, "bn")["config"].update(dtype="bfloat16"),
            UnsupportedError,
            "layer 'bn'.*bfloat16",
        ),
    ],
)
def test_damaged_configurations(files: Path, tmp_path: Path, edit: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        read_keras(rewrite(files / "m.keras", tmp_path / "m.keras", config=edit_config(edit)))


OTHER_VALUES: list[Any] = [
    None,
    True,
    -1,
    3,
    1e300,
    "x",
    [],
    {},
    [[1]],
    ["x", 0, 0],
    {"class_name": "__keras_tensor__"},
]


def parents(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container in a JSON value with each of its keys."""
    for key, inner in list(value.items() if isinstance(value, dict) else enumerate(value)):
        yield value, key
        if isinstance(inner, dict | list):
            yield from parents(inner)


def test_arbitrary_configurations_raise_nothing_else(files: Path, tmp_path: Path) -> None:
    rng = random.Random(0)

    def edit(config: Any) -> None:
        container, key = rng.choice(list(parents(config)))
        container[key] = rng.choice(OTHER_VALUES)

    for _ in range(300):
        with contextlib.suppress(ModelError, UnsupportedError):
            read_keras(rewrite(files / "m.keras", tmp_path / "m.keras", config=edit_config(edit)))


def test_loop(files: Path, tmp_path: Path) -> None:
    def edit(config: Any) -> None:
        history = layer(config, "first")["inbound_nodes"][0]["args"][0]["config"]["keras_history"]
        history[:] = ["last", 0, 0]

    with pytest.raises(ModelError, match="loop through 'bn', 'first', 'inner', 'last'"):
        read_keras(rewrite(files / "m.keras", tmp_path / "m.keras", config=edit_config(edit)))


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (
            lambda f: f.__delitem__("layers/dense/vars/1"),
            "layer 'first'.*saved variables are vars/0, expected",
        ),
        (lambda f: f.__delitem__("layers/dense_1"), "layer 'last'.*no group 'dense_1'"),
        (lambda f: f.__delitem__("layers"), "no weights for the layers"),
        (lambda f: f.move("layers/dense_1", "layers/dense_9"), "no group 'dense_1'"),
        (lambda f: f.copy("layers/dense_1", "layers/dense_9"), "weights for 'dense_9'"),
    ],
)
def test_damaged_weights(files: Path, tmp_path: Path, edit: Any, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        read_keras(rewrite(files / "m.keras", tmp_path / "m.keras", weights=edit_h5(edit)))


def replace_dataset(file: h5py.File, make: Callable[[h5py.Group], None]) -> None:
    group = file["layers/dense/vars"]
    del group["0"]
    make(group)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda g: g.__setitem__("0", h5py.ExternalLink("/etc/passwd", "/x")), "link to elsewhere"),
        (lambda g: g.__setitem__("0", h5py.SoftLink("/layers/dense_1/vars/0")), "link to elsewhere"),
        (lambda g: g.create_dataset("0", (1 << 20, 1 << 20), "f4", chunks=(1, 64)), "too big"),
        (lambda g: g.create_dataset("0", (4, 4), "f4", external=[("/etc/hostname", 0, 64)]), "external"),
        (lambda g: g.create_dataset("0", data=[[b"text"] * 4] * 4), "expected numbers"),
        (
            lambda g: g.create_dataset("0", data=np.full((4, 4), np.inf, "f4")),
            "16 NaN or infinite values of 16",
        ),
    ],
)
def test_hostile_datasets(files: Path, tmp_path: Path, make: Any, words: str) -> None:
    change = edit_h5(lambda file: replace_dataset(file, make))
    with pytest.raises(ModelError, match=words):
        read_keras(rewrite(files / "m.keras", tmp_path / "m.keras", weights=change))


# -- architecture and weights that do not belong together -----------------------------------


def test_foreign_weights(files: Path, tmp_path: Path) -> None:
    other = keras.Sequential([keras.Input((4,)), L.Dense(4, name="first"), L.Dense(4), L.Dense(4), L.Dense(4)])
    other.save_weights(tmp_path / "o.weights.h5")
    with pytest.raises(ModelError, match=r"no weights saved|does not have"):
        read_keras(files / "m.json", weights=tmp_path / "o.weights.h5")


def test_weights_of_another_instance_of_the_same_model(files: Path, tmp_path: Path) -> None:
    again = keras.models.model_from_json((files / "m.json").read_text().replace('"name": "a"', '"name": "renamed"'))
    again.save_weights(tmp_path / "o.weights.h5")
    read = read_keras(files / "m.json", weights=tmp_path / "o.weights.h5")
    np.testing.assert_array_equal(read.calls[1].weights["kernel"], again.layers[2].layers[0].get_weights()[0])


def test_legacy_file_with_a_renamed_weight(files: Path, tmp_path: Path) -> None:
    path = shutil.copy(files / "m.h5", tmp_path / "m.h5")
    with h5py.File(path, "r+") as file:
        names = file["model_weights/inner"].attrs["weight_names"]
        file["model_weights/inner"].attrs["weight_names"] = [names[1], names[0], *names[2:]]
    with pytest.raises(ModelError, match=r"found weight '.*bias' where 'kernel' was expected"):
        read_keras(path)


# -- older layouts --------------------------------------------------------------------------


def renamed_groups(file: h5py.File, holes: bool) -> None:
    """Turn the layout into TensorFlow 2.12's: another container name, and holes in the numbering."""
    for parent in ("layers/sequential", ""):
        where = f"{parent}/layers".lstrip("/")
        if holes:
            file.move(f"{where}/dense_1", f"{where}/dense_2")
        file.move(where, f"{parent}/_layer_checkpoint_dependencies".lstrip("/"))


@pytest.mark.parametrize("holes", [False, True])
def test_checkpoint_dependencies_layout(files: Path, tmp_path: Path, holes: bool) -> None:
    change = edit_h5(lambda file: renamed_groups(file, holes))
    old = rewrite(files / "m.keras", tmp_path / "m.keras", weights=change)
    assert_same(read_keras(files / "m.keras"), read_keras(old))


def test_long_name_lists_are_split(files: Path, tmp_path: Path) -> None:
    path = shutil.copy(files / "m.h5", tmp_path / "m.h5")
    with h5py.File(path, "r+") as file:
        group = file["model_weights"]
        names = list(group.attrs["layer_names"])
        del group.attrs["layer_names"]
        group.attrs["layer_names0"], group.attrs["layer_names1"] = names[:2], names[2:]
    assert_same(read_keras(files / "m.h5"), read_keras(path))


def old_sequential(folder: Path, config: Any) -> SourceModel:
    """A Sequential as the earliest Keras 2 wrote it: no module, input shape in the first layer."""
    path = folder / "old.h5"
    rng = np.random.default_rng(0)
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": config})
        file.attrs["keras_version"] = b"2.1.6"
        weights = file.create_group("model_weights")
        weights.attrs["layer_names"] = [b"dense_1"]
        group = weights.create_group("dense_1")
        group.attrs["weight_names"] = [b"dense_1/kernel:0", b"dense_1/bias:0"]
        group["dense_1/kernel:0"] = rng.random((3, 2), np.float32)
        group["dense_1/bias:0"] = rng.random(2, np.float32)
    return read_keras(path)


def test_early_keras_2(tmp_path: Path) -> None:
    dense = {
        "name": "dense_1",
        "batch_input_shape": [None, 3],
        "dtype": "float32",
        "units": 2,
        "use_bias": True,
    }
    layers = [{"class_name": "Dense", "config": dense}]
    for config in (layers, {"name": "s", "layers": layers}):
        read = old_sequential(tmp_path, config)
        assert read.flavour == "keras2"
        assert read.inputs[0].shape == (3,)
        assert read.calls[0].weights["kernel"].shape == (3, 2)


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize(("told", "flavour"), [({}, "keras3"), ({"batch_input_shape": [None, 3]}, "keras2")])
def test_without_a_version_the_configuration_tells(tmp_path: Path, nested: bool, told: Any, flavour: str) -> None:
    """hard_sigmoid, for one, is another function in Keras 3."""
    dense = {"class_name": "Dense", "config": {"name": "dense_1", **told, "units": 2, "use_bias": True}}
    model = {"class_name": "Sequential", "config": {"name": "s", "layers": [dense], "build_input_shape": [None, 3]}}
    if nested:
        outer = {"name": "o", "layers": [model], "build_input_shape": [None, 3]}
        model = {"class_name": "Sequential", "config": outer}
    (tmp_path / "m.json").write_text(json.dumps(model))
    with h5py.File(tmp_path / "m.h5", "w") as file:
        name = "s" if nested else "dense_1"
        file.attrs["layer_names"] = [name]
        group = file.create_group(name)
        group.attrs["weight_names"] = ["dense_1/kernel:0", "dense_1/bias:0"]
        group["dense_1/kernel:0"], group["dense_1/bias:0"] = np.ones((3, 2), np.float32), np.ones(2, np.float32)
    assert read_keras(tmp_path / "m.json", tmp_path / "m.h5").flavour == flavour


def write_version(folder: Path, kind: str, version: str | None, spelling: str, nested: bool) -> tuple[Path, ...]:
    """A model without weights that says which Keras wrote it, and spells its input's shape as one of them does."""
    image = {"class_name": "InputLayer", "config": {"name": "x", spelling: [None, 3]}}
    layers = [image, {"class_name": "Activation", "config": {"name": "a", "activation": "hard_sigmoid"}}]
    model: dict[str, Any] = {"class_name": "Sequential", "config": {"name": "s", "layers": layers}}
    if nested:
        model = {"class_name": "Sequential", "config": {"name": "o", "layers": [model], "build_input_shape": [None, 3]}}
    said = {} if version is None else {"keras_version": version}
    with h5py.File(folder / "m.h5", "w") as file:
        file.attrs["layer_names"] = np.array([], "S1")
        for place in ("model_weights", "layers/sequential/layers"):
            file.create_group(place)
        file.attrs.update(said if kind == "h5" else {})
        file.attrs["model_config"] = json.dumps(model)
    if kind == "h5":
        return (folder / "m.h5",)
    (folder / "m.json").write_text(json.dumps({**model, **said}))
    if kind == "json":
        return folder / "m.json", folder / "m.h5"
    with zipfile.ZipFile(folder / "m.keras", "w") as archive:
        archive.writestr("metadata.json", json.dumps(said))
        archive.writestr("config.json", json.dumps(model))
        archive.write(folder / "m.h5", "model.weights.h5")
    return (folder / "m.keras",)


@pytest.mark.parametrize("kind", ["json", "h5", "keras"])
@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("version", [None, "2.15.0", "3.5.0"])
@pytest.mark.parametrize(("spelling", "flavour"), [("batch_shape", "keras3"), ("batch_input_shape", "keras2")])
def test_a_version_has_to_agree_with_the_configuration(
    tmp_path: Path, kind: str, nested: bool, version: str | None, spelling: str, flavour: str
) -> None:
    """They say which function hard_sigmoid is."""
    files = write_version(tmp_path, kind, version, spelling, nested)
    if version is None or version[0] == flavour[-1]:
        assert read_keras(*files).flavour == flavour
        return
    with pytest.raises(ModelError, match=rf"Keras {version} wrote it, but .*written as by {flavour}"):
        read_keras(*files)


def test_inputs_spelt_by_two_flavours(tmp_path: Path) -> None:
    model, weights = write_version(tmp_path, "json", None, "batch_shape", False)
    model.write_text(model.read_text().replace('"name": "a"', '"name": "a", "batch_input_shape": [null, 3]'))
    with pytest.raises(ModelError, match="written as by keras2 and keras3"):
        read_keras(model, weights)


def test_nested_sequential_without_input_layer_of_early_keras_2(tmp_path: Path) -> None:
    dense = {"name": "d", "batch_input_shape": [None, 3], "units": 2, "use_bias": False}
    nest = {"name": "nest", "layers": [{"class_name": "Dense", "config": dense}]}
    image = {"name": "x", "batch_input_shape": [None, 3], "dtype": "float32"}
    layers = [
        {"class_name": "InputLayer", "config": image, "name": "x", "inbound_nodes": []},
        {"class_name": "Sequential", "config": nest, "name": "nest", "inbound_nodes": [[["x", 0, 0, {}]]]},
    ]
    config = {"name": "m", "layers": layers, "input_layers": [["x", 0, 0]], "output_layers": [["nest", 1, 0]]}
    with h5py.File(tmp_path / "old.h5", "w") as file:
        file.attrs["model_config"] = json.dumps({"class_name": "Model", "config": config})
        weights = file.create_group("model_weights")
        weights.attrs["layer_names"] = [b"x", b"nest"]
        weights.create_group("x").attrs["weight_names"] = np.array([])
        group = weights.create_group("nest")
        group.attrs["weight_names"] = [b"d/kernel:0"]
        group["d/kernel:0"] = np.ones((3, 2), np.float32)
    read = read_keras(tmp_path / "old.h5")
    assert [(c.name, c.inputs[0].call) for c in read.calls] == [("nest/d", "x")]
    assert read.calls[0].weights["kernel"].shape == (3, 2)


def test_registered_quantizers_in_legacy_files(tmp_path: Path) -> None:
    dense = {"name": "dense_1", "batch_input_shape": [None, 3], "units": 2, "use_bias": True}
    quantizer = {
        "class_name": "qkeras>quantized_bits",
        "config": {"bits": 4},
        "__passive_serialization__": True,
    }
    for class_name, expected in (("Custom>QDense", "qkeras"), ("qkeras>QDense", "qkeras")):
        config = [{"class_name": class_name, "config": dense | {"kernel_quantizer": quantizer}}]
        call = old_sequential(tmp_path, config).calls[0]
        assert (call.class_name, call.module) == ("QDense", expected)
        assert call.config["kernel_quantizer"] == {"class_name": "quantized_bits", "config": {"bits": 4}}
    call = old_sequential(tmp_path, [{"class_name": "Custom>Dense", "config": dense}]).calls[0]
    assert call.class_name == "Custom>Dense"
