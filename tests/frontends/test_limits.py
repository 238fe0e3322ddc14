"""Models that are too large, and files that are built to take long: refused in time, with the limit."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import hlsgen
from hlsgen.errors import (
    ConfigError,
    HlsgenError,
    InputError,
    ModelError,
    ToolError,
    TypeSpecError,
    UnknownNameError,
    UnsupportedError,
)
from hlsgen.frontends import builder, read_model
from hlsgen.frontends.keras import files
from hlsgen.frontends.keras.config import parse_model
from hlsgen.frontends.keras.h5 import _natural, _OldNaming, path_weights
from hlsgen.frontends.keras.h5_file import open_h5
from hlsgen.frontends.limits import MAX_CALLS, MAX_PARTS, MAX_RANK, MAX_TENSOR, MAX_WINDOW
from tests.frontends.legacy import called, functional, input_layer, layer, sequential, write

IRIS = Path(__file__).resolve().parents[2] / "example-models" / "iris_mlp" / "model.keras"
SECONDS = 10.0


@contextmanager
def in_time() -> Iterator[None]:
    """Of this process: others may have the processors."""
    began = time.process_time()
    yield
    assert time.process_time() - began < SECONDS


def refused(folder: Path, model: Any, message: str, weights: Any = None, kind: Any = ModelError) -> None:
    written = write(folder, model, weights)
    with in_time(), pytest.raises(kind, match=message):
        hlsgen.convert(**written)


# -- sizes -----------------------------------------------------------------------------------------

TOO_LARGE: list[tuple[list[int], dict[str, Any], str]] = [
    ([8], layer("RepeatVector", n=10**9), "8000000000 elements"),
    ([8, 8, 2], layer("ZeroPadding2D", padding=50_000), "its result of shape"),
    ([8, 8, 2], layer("UpSampling2D", size=60_000), "its result of shape"),
    ([4, 4, 2], layer("MaxPooling2D", pool_size=65_535, strides=1, padding="same"), f"more than the {MAX_WINDOW}"),
    ([4, 4, 2], layer("AveragePooling2D", pool_size=257, strides=1, padding="same"), f"more than the {MAX_WINDOW}"),
]


@pytest.mark.parametrize(("shape", "entry", "message"), TOO_LARGE, ids=lambda value: str(value)[:40])
def test_what_is_too_large_is_never_made(tmp_path: Path, shape: list[int], entry: dict[str, Any], message: str) -> None:
    refused(tmp_path, sequential(input_layer(shape), entry), f"the_layer.*{message}")


@pytest.mark.parametrize(
    ("extent", "stride", "filters", "message"),
    [(1, 60_000, 1, "its result of 60000 x 60000 pixels"), (2, 2048, 8, "its result of 4096 x 4096 pixels"),
     (1, 2048, 4, "the kernel of the convolution it becomes")],
)  # fmt: skip
def test_a_transposed_convolution_that_blows_up(
    tmp_path: Path, extent: int, stride: int, filters: int, message: str
) -> None:
    channels = 16
    kernel = {"the_layer": {"kernel": np.ones((1, 1, filters, channels), np.float32)}}
    entry = layer("Conv2DTranspose", filters=filters, kernel_size=1, strides=stride, use_bias=False)
    refused(tmp_path, sequential(input_layer([extent, extent, channels]), entry), message, kernel)


def test_inputs_have_a_limit(tmp_path: Path) -> None:
    refused(tmp_path, sequential(input_layer([2**13, 2**13]), layer("ReLU")), f"more than {MAX_TENSOR} elements")


def test_large_images_take_no_longer(tmp_path: Path) -> None:
    kernel = {"the_layer": {"kernel": np.ones((3, 3, 2, 4), np.float32), "bias": np.zeros(4, np.float32)}}
    entry = layer("Conv2D", filters=4, kernel_size=3, padding="same")
    written = write(tmp_path, sequential(input_layer([2000, 2000, 2]), entry), kernel)
    with in_time():
        assert hlsgen.convert(**written).design.outputs[0].shape == (2000, 2000, 4)


def test_a_network_that_nothing_computes_is_refused(tmp_path: Path) -> None:
    """16 million places of 65,536 cells in front of a Flatten, which needs them all."""
    pool = layer("AveragePooling2D", pool_size=[1, 65_535], strides=1, padding="same")
    model = sequential(input_layer([16, 2**20, 1]), pool, layer("Flatten", "f"))
    refused(
        tmp_path, model, "the network is too large: inferring its types takes as long as 7.1e", kind=UnsupportedError
    )


# -- calls -----------------------------------------------------------------------------------------


def test_models_that_call_each_other_twice(tmp_path: Path) -> None:
    """2^30 calls in a file of 31 models."""
    model = sequential(layer("Dropout", "d", rate=0.1), name="m")
    for _ in range(30):
        inner = {**model, "config": {**model["config"], "name": "i"}}
        first = 1 if model["class_name"] == "Functional" else 0
        nodes = [[["x", 0, 0, {}]], [["i", first, 0, {}]]]
        model = functional("x", [["i", first + 1, 0]], called(input_layer([4])), called(inner, *nodes))
    refused(tmp_path, model, f"more than {MAX_CALLS} calls of layers")


def test_models_without_layers_that_hold_each_other_twice(tmp_path: Path) -> None:
    model = sequential(name="m")
    for _ in range(15):
        model = sequential(*({**model, "config": {**model["config"], "name": name}} for name in "ab"))
    model["config"]["layers"].insert(0, input_layer([4]))
    refused(tmp_path, model, f"more than {MAX_CALLS} calls of layers")


def test_more_layers_than_a_model_may_have(tmp_path: Path) -> None:
    model = sequential(input_layer([4]), *(layer("ReLU", f"r{i}") for i in range(MAX_CALLS)))
    refused(tmp_path, model, f"{MAX_CALLS + 1} layers, more than the {MAX_CALLS} supported")


def test_a_layer_called_often_gets_its_names_in_time(tmp_path: Path) -> None:
    nodes = [[["x", 0, 0, {}]], *([["d", i, 0, {}]] for i in range(3000))]
    model = functional("x", [["d", 3000, 0]], called(input_layer([4])), called(layer("Dropout", "d", rate=0.1), *nodes))
    with in_time():
        assert hlsgen.convert(**write(tmp_path, model)).design.outputs[0].shape == (4,)


def wrapped(class_name: str, depth: int) -> dict[str, Any]:
    inner = layer("LSTM", "inner", units=2)
    for i in range(depth):
        inner = layer(class_name, f"w{i}", layer=inner)
    return inner


@pytest.mark.parametrize("class_name", ["Bidirectional", "QBidirectional", "TimeDistributed"])
def test_wrappers_within_each_other(tmp_path: Path, class_name: str) -> None:
    """2^50 variables, if each level had those of both directions."""
    message = "it wraps .*expected a recurrent layer" if "Bi" in class_name else "expected 3: "
    kind = UnsupportedError if "Bi" in class_name else ModelError
    refused(tmp_path, sequential(input_layer([4, 4]), wrapped(class_name, 50)), message, kind=kind)


def split(sections: Any, extent: int) -> dict[str, Any]:
    """A model of Keras 3 that cuts its input; its first and last part are its outputs."""
    tensor = {"class_name": "__keras_tensor__", "config": {"keras_history": ["x", 0, 0]}}
    node = {"args": [tensor], "kwargs": {}}
    entry = layer("Split", "s", indices_or_sections=sections, axis=1)
    entry |= {"module": "keras.src.ops.numpy", "name": "s", "inbound_nodes": [node]}
    parts = sections if isinstance(sections, int) else len(sections) + 1
    return functional("x", [["s", 0, 0], ["s", 0, parts - 1]], called(input_layer([extent])), entry)


@pytest.mark.parametrize("sections", [lambda n: n, lambda n: list(range(1, n))], ids=["number", "places"])
def test_parts_of_a_tensor(tmp_path: Path, sections: Any) -> None:
    graph = read_model(**write(tmp_path, split(sections(MAX_PARTS), MAX_PARTS)))
    with in_time():
        assert len(graph) == MAX_PARTS and len({node.name for node in graph}) == MAX_PARTS
    refused(tmp_path, split(sections(MAX_PARTS + 1), MAX_PARTS + 1), f"more than the {MAX_PARTS} supported")
    refused(tmp_path, split(2**22, 2**22), f"{2**22} parts, more than the {MAX_PARTS} supported")


def read_and_given(reads: int, gives: int) -> dict[str, Any]:
    entry = called(layer("Add", "a"), [["x", 0, 0, {}]] * reads)
    return functional("x", [["a", 0, 0]] * gives, called(input_layer([4])), entry)


def test_tensors_that_a_layer_reads_and_a_model_gives(tmp_path: Path) -> None:
    written = write(tmp_path, read_and_given(MAX_PARTS, MAX_PARTS))
    with in_time():
        design = hlsgen.convert(**written).design
    assert len({value.name for value in design.outputs}) >= 1 and len(design.outputs) == MAX_PARTS
    for model in (read_and_given(MAX_PARTS + 1, 1), read_and_given(2, MAX_PARTS + 1)):
        refused(tmp_path, model, f"reads or yields {MAX_PARTS + 1} tensors, more than the {MAX_PARTS} supported")


def test_tensors_are_counted_with_calls(tmp_path: Path) -> None:
    node = [["x", 0, 0, {}]] * MAX_PARTS
    often = called(layer("Add", "a"), *[node] * (MAX_CALLS // MAX_PARTS + 1))
    model = functional("x", [["a", 0, 0]], called(input_layer([4])), often)
    refused(tmp_path, model, f"more than {MAX_CALLS} calls of layers.*each tensor that a layer reads")


def test_operations_that_calls_become(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builder, "MAX_NODES", 20)
    refused(tmp_path, split(30, 30), "layer 's' .*more than 20 operations")


@pytest.mark.parametrize(
    ("shape", "entry"),
    [
        ([1] * 69 + [4], layer("Flatten")),
        ([1] * MAX_RANK + [4], layer("ReLU")),
        ([4], layer("Reshape", target_shape=[1] * 69 + [4])),
        ([4], layer("Reshape", target_shape=[1] * MAX_RANK + [4])),
    ],
)
def test_axes_have_a_limit(tmp_path: Path, shape: list[int], entry: dict[str, Any]) -> None:
    refused(tmp_path, sequential(input_layer(shape), entry), f"axes, more than the {MAX_RANK} supported")


def test_as_many_axes_as_there_may_be(tmp_path: Path) -> None:
    model = sequential(input_layer([1] * (MAX_RANK - 1) + [4]), layer("ReLU"))
    project = hlsgen.convert(**write(tmp_path, model))
    assert len(project.design.outputs[0].shape) == MAX_RANK
    project.evaluate(np.ones((1,) * MAX_RANK + (4,)))


# -- names of saved layers -------------------------------------------------------------------------


def test_names_with_holes_in_the_counting() -> None:
    present = ["dense_3", "dense", "dense_1_2", "dense_1", "other", "dense_10", f"dense_{'9' * 5000}", "dense_²"]
    naming = _OldNaming("here", present)
    assert [naming.next("dense") for _ in range(4)] == ["dense", "dense_1", "dense_3", "dense_10"]
    assert [naming.next("dense_1") for _ in range(2)] == ["dense_1", "dense_1_2"]
    for base in ("dense", "none"):
        with pytest.raises(ModelError, match=f"saved layers '{base}', expected more"):
            naming.next(base)


def test_many_saved_layers_are_named_in_time() -> None:
    names = ["re_lu", *(f"re_lu_{i}" for i in range(1, MAX_CALLS))]
    with in_time():
        naming = _OldNaming("here", names[::-1])
        assert [naming.next("re_lu") for _ in names] == names


def test_numbers_of_datasets_of_any_kind() -> None:
    assert sorted(["10", "²", "9", "9" * 5000, "a/2", "a/10"], key=_natural)[-2:] == ["9", "10"]


def test_layers_that_are_shared_have_their_own_weights_alone(tmp_path: Path) -> None:
    """Not, for each of them, all of those that another layer of the same number holds."""
    inner = sequential(*(layer("Dropout", f"d{i}", rate=0.1) for i in range(300)), name="inner")
    single = [{**layer("Dropout", f"s{i}", rate=0.1), "shared_object_id": 7} for i in range(300)]
    model = parse_model(sequential(input_layer([4]), {**inner, "shared_object_id": 7}, *single))
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.create_group("layers/sequential/layers")
    with open_h5("here", tmp_path / "m.h5") as root:
        assert len(path_weights("here", root, model, "keras3", same_save=False)) <= 600


# -- texts -----------------------------------------------------------------------------------------


def nested(depth: int) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("depth", [300, 900])
def test_options_nested_deep(tmp_path: Path, depth: int) -> None:
    refused(tmp_path, sequential(input_layer([4]), layer("ReLU", x=nested(depth))), "nested")


def test_a_text_nested_deeper_than_json_reads(tmp_path: Path) -> None:
    written = write(tmp_path, {})
    for text in ("[" * 200_000, '{"a":' * 200_000):
        written["model"].write_text(text)
        with in_time(), pytest.raises(ModelError, match="nested absurdly deep"):
            hlsgen.convert(**written)


@pytest.mark.parametrize("text", ["3", "null", "[]", '"x"', "true", "{}", '{"config": 3}', '{"config": [1]}'])
def test_a_text_that_is_no_model(tmp_path: Path, text: str) -> None:
    written = write(tmp_path, {})
    written["model"].write_text(text)
    with pytest.raises(ModelError):
        hlsgen.convert(**written)
    with h5py.File(tmp_path / "whole.h5", "w") as file:
        file.attrs["model_config"] = text
        file.create_group("model_weights")
    with pytest.raises(ModelError):
        hlsgen.convert(tmp_path / "whole.h5")


def test_a_text_that_cannot_be_read(tmp_path: Path) -> None:
    written = write(tmp_path, {})
    written["model"].unlink()
    written["model"].symlink_to("/proc/self/mem")
    with pytest.raises(ModelError, match=r"m\.json: cannot be read \(Input/output error\); expected the text of model"):
        hlsgen.convert(**written)
    written["model"].unlink()
    written["model"].symlink_to("/proc/kallsyms")  # a file that tells no size
    with pytest.raises(ModelError, match=r"m\.json"):
        hlsgen.convert(**written)


@pytest.mark.parametrize("version", [3, "2026-11-21@17:38:06", "three", "", "9" * 5000, "².1", None, b"\xff"])
def test_versions_of_any_kind(tmp_path: Path, version: Any) -> None:
    """What names no version leaves it to the configuration, which is one of Keras 2 here."""
    with h5py.File(tmp_path / "whole.h5", "w") as file:
        file.attrs["model_config"] = json.dumps(sequential(input_layer([4]), layer("ReLU")))
        file.create_group("model_weights").attrs["layer_names"] = np.zeros(0, "S1")
        if version is not None:
            file.attrs["keras_version"] = version
    try:
        hlsgen.convert(tmp_path / "whole.h5")
    except ModelError as error:
        assert not isinstance(version, str) and "'keras_version'" in str(error)


@pytest.mark.parametrize("name", ["a" * 1001, "", 3, None, ["x"]], ids=ascii)
def test_names_that_are_none(tmp_path: Path, name: Any) -> None:
    refused(tmp_path, sequential(input_layer([4]), layer("ReLU", name)), "name")


HALF = "a\udfffb"
"""Half of a character, of which JSON can speak and which no text file holds."""


@pytest.mark.parametrize(
    "model",
    [
        sequential(input_layer([4]), layer("ReLU", HALF)),
        sequential(input_layer([4], HALF), layer("ReLU")),
        sequential(input_layer([4]), layer("ReLU", dtype=HALF)),
        sequential(input_layer([4]), layer(HALF)),
        sequential(input_layer([4]), layer("ReLU", **{HALF: 3})),
        sequential(input_layer([4]), layer("ReLU"), name=HALF),
        {**sequential(input_layer([4]), layer("ReLU")), "module": HALF},
        functional(
            "x", {HALF: ["the_layer", 0, 0]}, called(input_layer([4])), called(layer("ReLU"), [["x", 0, 0, {}]])
        ),
        functional("x", [["the_layer", 0, 0]], called(input_layer([4])), called(layer("ReLU"), HALF)),
    ],
)
def test_texts_that_are_none(tmp_path: Path, model: Any) -> None:
    refused(tmp_path, model, r"m\.json: the configuration holds a text with half of a character: '.*\\udfff.*'")


@pytest.mark.parametrize("kind", [ModelError, ConfigError, TypeSpecError, InputError, UnknownNameError, ToolError])
def test_messages_can_be_printed(kind: type[HlsgenError]) -> None:
    assert str(kind(f"{HALF}: é, {HALF}")).encode().decode() == r"a\udfffb: é, a\udfffb"
    assert kind("a", 3).args == ("a", 3) and kind().args == ()


# -- archives --------------------------------------------------------------------------------------


def archive(path: Path, changed: dict[str, bytes], packed: int = zipfile.ZIP_STORED) -> Path:
    """The iris model with some members replaced."""
    with zipfile.ZipFile(IRIS) as old, zipfile.ZipFile(path, "w", packed) as new:
        for name in old.namelist():
            new.writestr(name, changed.get(name, old.read(name)))
    return path


def test_packed_and_stored_weights_are_the_same(tmp_path: Path) -> None:
    whole = hlsgen.convert(IRIS)
    packed = hlsgen.convert(archive(tmp_path / "packed.keras", {}, zipfile.ZIP_DEFLATED))
    assert packed.design.digest == whole.design.digest


def test_a_packed_member_that_gets_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_PACKED", 1 << 20)
    bomb = archive(tmp_path / "b.keras", {"model.weights.h5": bytes(4 << 20)}, zipfile.ZIP_DEFLATED)
    with pytest.raises(ModelError, match="declares 4194304 bytes, more than the 1048576 allowed"):
        hlsgen.convert(bomb)
    large = archive(tmp_path / "c.keras", {"config.json": b" " * (17 << 20)}, zipfile.ZIP_DEFLATED)
    with in_time(), pytest.raises(ModelError, match="more than the 16777216 allowed"):
        hlsgen.convert(large)


def test_a_member_that_declares_less_than_it_holds(tmp_path: Path) -> None:
    data = bytearray(archive(tmp_path / "b.keras", {"config.json": b" " * 100_000}, zipfile.ZIP_DEFLATED).read_bytes())
    for at in (i for i in range(len(data) - 4) if data[i : i + 4] == (100_000).to_bytes(4, "little")):
        data[at : at + 4] = (100).to_bytes(4, "little")
    (tmp_path / "b.keras").write_bytes(data)
    with pytest.raises(ModelError):
        hlsgen.convert(tmp_path / "b.keras")


def test_weights_that_are_not_those_that_were_written(tmp_path: Path) -> None:
    """One bit of a number: nothing but the archive's check sum tells."""
    path = archive(tmp_path / "m.keras", {})
    with zipfile.ZipFile(path) as file:
        with h5py.File(io.BytesIO(file.read("model.weights.h5"))) as weights:
            offset = weights["layers/dense/vars/0"].id.get_offset()
        start = path.read_bytes().index(b"\x89HDF")
    data = bytearray(path.read_bytes())
    data[start + offset] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelError, match="Bad CRC-32"):
        hlsgen.convert(path)


def test_a_directory_entry_that_points_elsewhere(tmp_path: Path) -> None:
    path = archive(tmp_path / "m.keras", {})
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02")
    for shift in (1, 1000, 2**31):
        moved = bytearray(data)
        moved[at + 42 : at + 46] = shift.to_bytes(4, "little")
        path.write_bytes(moved)
        with pytest.raises(ModelError):
            hlsgen.convert(path)
