"""Options of layers: every kind takes what it says and nothing else, and every reader takes its options as kinds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hlsgen
from hlsgen.errors import HlsgenError, ModelError, UnsupportedError
from hlsgen.frontends.keras.options import (
    AXIS,
    COUNT,
    EXTENT,
    FIELDS,
    LARGEST,
    LARGEST_EXTENT,
    LIMIT,
    MARGIN,
    NUMBER,
    NUMBERS,
    POSITIVE,
    SWITCH,
    TEXT,
    Kind,
    extents,
    listed,
    maybe,
    pair,
    several,
    sides,
    take,
)
from tests.frontends.legacy import called, functional, input_layer, layer, sequential, write

INF, NAN = float("inf"), float("nan")
NOTHING: list[Any] = [
    None, True, False, 0, -1, 1, 0.5, 2.0, INF, -INF, NAN, 10**30, -(10**30), 10**400, 1e39, "", "1", "x", b"1", [], {}, [None], [[1]],
    [1, 2, 3, 4], {"a": 1}, [True], [INF], [0.5], ["1"], (1,), LARGEST, LARGEST + 1, LARGEST_EXTENT, LARGEST_EXTENT + 1,
]  # fmt: skip
TAKEN: list[tuple[str, Kind[Any], list[Any]]] = [
    ("positive", POSITIVE, [1, LARGEST, LARGEST_EXTENT, LARGEST_EXTENT + 1]),
    ("count", COUNT, [0, 1, LARGEST, LARGEST_EXTENT, LARGEST_EXTENT + 1]),
    ("extent", EXTENT, [1, LARGEST_EXTENT]),
    ("margin", MARGIN, [0, 1, LARGEST_EXTENT]),
    ("axis", AXIS, [0, -1, 1]),
    ("number", NUMBER, [0, -1, 1, 0.5, 2.0, 10**30, -(10**30), LARGEST, LARGEST + 1, LARGEST_EXTENT, LARGEST_EXTENT + 1]),
    ("limit", LIMIT, [0, 1, 0.5, 2.0, 10**30, INF, LARGEST, LARGEST + 1, LARGEST_EXTENT, LARGEST_EXTENT + 1]),
    ("switch", SWITCH, [True, False, 0, 1]),
    ("text", TEXT, ["", "1", "x"]),
    ("fields", FIELDS, [{}, {"a": 1}]),
    ("maybe", maybe(EXTENT), [None, 1, LARGEST_EXTENT]),
    ("listed", listed(AXIS), [[], [1, 2, 3, 4], (1,)]),
    ("several", several(AXIS), [0, -1, 1, [1, 2, 3, 4], (1,)]),
    ("extents of a line", extents(True), [1, (1,), LARGEST_EXTENT]),
    ("extents of an image", extents(False), [1, LARGEST_EXTENT]),
    ("pair of maybes", pair(False, maybe(MARGIN), None), [None, 0, 1, LARGEST_EXTENT]),
    ("sides of a line", sides(True), [0, 1, LARGEST_EXTENT]),
    ("sides of an image", sides(False), [0, 1, LARGEST_EXTENT]),
]  # fmt: skip


def same(a: Any, b: Any) -> bool:
    return type(a) is type(b) and repr(a) == repr(b)


@pytest.mark.parametrize(("kind", "taken"), [case[1:] for case in TAKEN], ids=[case[0] for case in TAKEN])
def test_a_kind_takes_its_values_and_no_others(kind: Kind[Any], taken: list[Any]) -> None:
    for value in NOTHING:
        expected = any(same(value, other) for other in taken)
        try:
            take({"key": value}, "layer 'x' (X)", "key", kind)
        except ModelError as error:
            assert not expected, value
            assert str(error).startswith("layer 'x' (X): option key=") and f"expected {kind.expected}" in str(error)
            assert len(str(error)) < 400
        else:
            assert expected, value


@pytest.mark.parametrize(
    ("kind", "value", "read"),
    [
        (extents(False), 3, (3, 3)),
        (extents(False), [2, 3], (2, 3)),
        (extents(True), 3, (1, 3)),
        (extents(True), [3], (1, 3)),
        (pair(True, maybe(MARGIN), None), [0], (None, 0)),
        (sides(False), 2, (2, 2, 2, 2)),
        (sides(False), [1, 2], (1, 1, 2, 2)),
        (sides(False), [[1, 2], [3, 4]], (1, 2, 3, 4)),
        (sides(False), [1, [3, 4]], (1, 1, 3, 4)),
        (sides(True), 2, (0, 0, 2, 2)),
        (sides(True), [1, 2], (0, 0, 1, 2)),
        (several(AXIS), 3, (3,)),
        (SWITCH, 1, True),
        (NUMBER, 2, 2.0),
    ],
)
def test_what_becomes_of_a_value(kind: Kind[Any], value: Any, read: Any) -> None:
    found = take({"key": value}, "x", "key", kind)
    assert same(found, read)


def test_numbers_keep_their_shape() -> None:
    for value in (1.5, [1, 2], [[1, 2], [3, 4]], [[[0.5]]]):
        found = take({"key": value}, "x", "key", NUMBERS)
        assert found.tolist() == value and found.dtype == np.float64
    for value in ([], [[1], [2, 3]], [1, [2]], [NAN], ["x"], [[True]]):
        with pytest.raises(ModelError):
            take({"key": value}, "x", "key", NUMBERS)


def test_an_absent_option() -> None:
    assert take({}, "x", "key", POSITIVE, 7) == 7
    with pytest.raises(ModelError, match="layer 'x': its configuration has no 'key'"):
        take({}, "layer 'x'", "key", POSITIVE)


# -- readers ---------------------------------------------------------------------------------------


IMAGE, LINE, VECTOR = [6, 5, 4], [8, 3], [6]
WINDOW = {"kernel_size": [2, 2], "strides": [1, 1], "dilation_rate": [1, 1], "padding": "valid", "use_bias": True}
FLAT = {**WINDOW, "kernel_size": [2], "strides": [1], "dilation_rate": [1]}
POOL = {"pool_size": [2, 2], "strides": [2, 2], "padding": "valid"}
SHAPES: dict[str, tuple[list[int], dict[str, Any], dict[str, tuple[int, ...]]]] = {
    "Dense": (VECTOR, {"units": 3, "use_bias": True, "activation": "relu"}, {"kernel": (6, 3), "bias": (3,)}),
    "Conv2D": (IMAGE, {"filters": 3, **WINDOW, "activation": "linear"}, {"kernel": (2, 2, 4, 3), "bias": (3,)}),
    "Conv1D": (LINE, {"filters": 2, **FLAT}, {"kernel": (2, 3, 2), "bias": (2,)}),
    "DepthwiseConv2D": (IMAGE, {"depth_multiplier": 1, **WINDOW}, {"depthwise_kernel": (2, 2, 4, 1), "bias": (4,)}),
    "SeparableConv2D": (
        IMAGE,
        {"filters": 2, "depth_multiplier": 1, **WINDOW},
        {"depthwise_kernel": (2, 2, 4, 1), "pointwise_kernel": (1, 1, 4, 2), "bias": (2,)},
    ),
    "Conv2DTranspose": (
        IMAGE,
        {"filters": 2, **WINDOW, "output_padding": None},
        {"kernel": (2, 2, 2, 4), "bias": (2,)},
    ),
    "BatchNormalization": (
        VECTOR,
        {"axis": -1, "epsilon": 1e-3, "scale": True, "center": True},
        {"gamma": (6,), "beta": (6,), "moving_mean": (6,), "moving_variance": (6,)},
    ),
    "LayerNormalization": (
        IMAGE,
        {"axis": [1, -1], "epsilon": 1e-3, "scale": True, "center": True, "rms_scaling": False},
        {"gamma": (6, 4), "beta": (6, 4)},
    ),
    "RMSNormalization": (LINE, {"axis": -1, "epsilon": 1e-6}, {"scale": (3,)}),
    "UnitNormalization": (IMAGE, {"axis": [2]}, {}),
    "GroupNormalization": (
        IMAGE,
        {"groups": 2, "axis": -1, "epsilon": 1e-3, "scale": True, "center": True},
        {"gamma": (4,), "beta": (4,)},
    ),
    "MaxPooling2D": (IMAGE, POOL, {}),
    "AveragePooling2D": (IMAGE, POOL, {}),
    "GlobalAveragePooling2D": (IMAGE, {"keepdims": False, "data_format": "channels_last"}, {}),
    "ReLU": (VECTOR, {"max_value": 6.0, "negative_slope": 0.25, "threshold": 0.0}, {}),
    "LeakyReLU": (VECTOR, {"negative_slope": 0.25}, {}),
    "PReLU": (IMAGE, {"shared_axes": [1, 2]}, {"alpha": (1, 1, 4)}),
    "ELU": (VECTOR, {"alpha": 1.0}, {}),
    "Softmax": (IMAGE, {"axis": -1}, {}),
    "ZeroPadding2D": (IMAGE, {"padding": [[1, 1], [0, 2]]}, {}),
    "Cropping2D": (IMAGE, {"cropping": [[1, 1], [0, 2]]}, {}),
    "UpSampling2D": (IMAGE, {"size": [2, 2], "interpolation": "nearest"}, {}),
    "RepeatVector": (VECTOR, {"n": 3}, {}),
    "Reshape": (VECTOR, {"target_shape": [3, 2]}, {}),
    "Permute": (IMAGE, {"dims": [2, 1, 3]}, {}),
    "Flatten": (IMAGE, {"data_format": "channels_last"}, {}),
    "Rescaling": (VECTOR, {"scale": 0.5, "offset": 0.0}, {}),
    "Normalization": (VECTOR, {"axis": -1, "invert": False, "mean": [[0.0] * 6], "variance": [[1.0] * 6]}, {}),
    "TimeDistributed": (LINE, {"layer": layer("Activation", activation="relu")}, {}),
}


def written(folder: Path, class_name: str, config: dict[str, Any]) -> dict[str, Path]:
    """The files of a model of one layer."""
    shape, _, weights = SHAPES[class_name]
    arrays = {role: np.full(extents, 0.5, np.float32) for role, extents in weights.items()}
    model = sequential(input_layer(shape), layer(class_name, **config))
    return write(folder, model, {"the_layer": arrays} if arrays else {})


def cases() -> Iterator[Any]:
    for class_name, (_, config, _) in SHAPES.items():
        for key in config:
            yield pytest.param(class_name, key, id=f"{class_name}-{key}")


@pytest.mark.parametrize(("class_name", "key"), cases())
def test_odd_values_of_an_option(tmp_path: Path, class_name: str, key: str) -> None:
    """Each is read, or refused with the name of the layer; what is no value of the option at all is refused."""
    _, config, _ = SHAPES[class_name]
    hlsgen.convert(**written(tmp_path, class_name, config))
    for value in NOTHING:
        if isinstance(value, bytes):
            continue  # no JSON has them
        try:
            hlsgen.convert(**written(tmp_path, class_name, {**config, key: value}))
        except (ModelError, UnsupportedError) as error:
            assert "the_layer" in str(error), str(error)
            assert len(str(error)) < 600
        except HlsgenError as error:
            assert key in ("activation", "layer"), f"{type(error).__name__}: {error}"
        else:
            assert not isinstance(value, float) or value == value, f"{key}={value!r} was taken"


SIZES = ("units", "filters", "depth_multiplier", "kernel_size", "strides", "dilation_rate", "pool_size", "size", "n")


@pytest.mark.parametrize(("class_name", "key"), [case for case in cases() if case.values[1] in SIZES])
@pytest.mark.parametrize("value", [-1, 0, 0.5, INF, NAN, True, "2", [], [1, 2, 3], 10**30], ids=repr)
def test_sizes_are_sizes(tmp_path: Path, class_name: str, key: str, value: Any) -> None:
    files = written(tmp_path, class_name, {**SHAPES[class_name][1], key: value})
    with pytest.raises(ModelError, match="the_layer"):
        hlsgen.convert(**files)


@pytest.mark.parametrize(
    ("class_name", "key", "value"),
    [("Conv2D", "kernel_size", [3]), ("Conv2D", "strides", [1]), ("Conv2D", "dilation_rate", [2, 2, 2]),
     ("Conv2DTranspose", "output_padding", [0]), ("MaxPooling2D", "pool_size", [2]), ("AveragePooling2D", "strides", []),
     ("UpSampling2D", "size", [2])],
)  # fmt: skip
def test_images_have_two_axes(tmp_path: Path, class_name: str, key: str, value: Any) -> None:
    """Keras reads a number for both, or a list of two."""
    with pytest.raises(ModelError, match=f"'the_layer'.*{key}"):
        hlsgen.convert(**written(tmp_path, class_name, {**SHAPES[class_name][1], key: value}))


STRIDED = {"strides": [2, 1], "dilation_rate": [1, 2]}


@pytest.mark.parametrize("class_name", ["Conv2D", "DepthwiseConv2D", "SeparableConv2D", "Conv2DTranspose"])
@pytest.mark.parametrize("keras3", [False, True])
def test_strides_and_dilation_together_are_what_keras_takes(tmp_path: Path, class_name: str, keras3: bool) -> None:
    files = written(tmp_path, class_name, {**SHAPES[class_name][1], **STRIDED})
    if keras3:
        files["model"].write_text(files["model"].read_text().replace("batch_input_shape", "batch_shape"))
    if keras3 and class_name.startswith(("Depthwise", "Separable")):
        hlsgen.convert(**files)
        return
    with pytest.raises(UnsupportedError, match="'the_layer'.*one of them has to be 1"):
        hlsgen.convert(**files)


@pytest.mark.parametrize("data_format", ["channels_first", "x", 3])
def test_options_of_a_wrapped_layer_are_read(tmp_path: Path, data_format: Any) -> None:
    wrapped = layer("Flatten", data_format=data_format)
    with pytest.raises(UnsupportedError, match="option data_format="):
        hlsgen.convert(**write(tmp_path, sequential(input_layer(IMAGE), layer("TimeDistributed", layer=wrapped))))


@pytest.mark.parametrize(("variance", "inverted", "constant"), [([0.0, 1.0, 0.0], False, 2), (0.0, False, 1),
                                                                ([1e-3] * 3, False, 0), ([0.0] * 3, True, 0)])  # fmt: skip
def test_features_without_variance_are_named(tmp_path: Path, variance: Any, inverted: bool, constant: int) -> None:
    mean = 0.5 if isinstance(variance, float) else [0.5] * 3
    entry = layer("Normalization", axis=-1, mean=mean, variance=variance, invert=inverted)
    project = hlsgen.convert(**write(tmp_path, sequential(input_layer([3]), entry)))
    warned = [line for line in project.summary().splitlines() if "warning: the_layer" in line and "no variance" in line]
    assert [line.split()[2] for line in warned] == [str(constant)][:constant]


def test_a_layer_of_one_input_is_given_two(tmp_path: Path) -> None:
    """It is refused: the second tensor would be ignored."""
    inputs = [called(input_layer([6], name)) for name in "ab"]
    relu = called(layer("ReLU"), [["a", 0, 0, {}], ["b", 0, 0, {}]])
    model = functional("ab", [["the_layer", 0, 0]], *inputs, relu)
    with pytest.raises(ModelError, match=r"layer 'the_layer' \(ReLU\): reads 2 tensors, expected one"):
        hlsgen.convert(**write(tmp_path, model))


@pytest.mark.parametrize("class_name", ["ReLU", "Add", "Concatenate", "GlobalMaxPooling2D"])
def test_a_layer_that_reads_nothing(tmp_path: Path, class_name: str) -> None:
    model = functional("a", [["the_layer", 0, 0]], called(input_layer([6], "a")), called(layer(class_name), []))
    with pytest.raises(ModelError, match="layer 'the_layer' .*: it reads no tensor"):
        hlsgen.convert(**write(tmp_path, model))
