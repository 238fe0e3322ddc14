"""Dtypes of inputs: what Keras would cut off, wrap or round before float32 is refused, everything else is equal."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hlsgen
from hlsgen.errors import HlsgenError, ModelError, UnsupportedError
from hlsgen.frontends import read_model
from hlsgen.frontends.keras.build import build_graph
from hlsgen.frontends.keras.dtypes import REAL, WHOLE
from hlsgen.frontends.keras.source import Border, InputSpec, LayerCall, SourceModel, Tensor
from tests.frontends.legacy import input_layer, layer, sequential, write

LAYERS: dict[str, dict[str, Any]] = {
    "Flatten": {}, "Permute": {"dims": (2, 1, 3)}, "ZeroPadding2D": {}, "Cropping2D": {}, "UpSampling2D": {},
    "MaxPooling2D": {}, "GlobalMaxPooling2D": {}, "Dropout": {"rate": 0.5}, "Dense": {"units": 2},
    "Rescaling": {"scale": 0.25}, "Normalization": {"mean": 0.5, "variance": 4.0}, "BatchNormalization": {},
    "LeakyReLU": {}, "GlobalAveragePooling2D": {}, "ReLU": {"max_value": 2.5}, "AveragePooling2D": {},
    "Activation": {"activation": "relu"},
}  # fmt: skip


@pytest.mark.parametrize("library", ["keras", "tf_keras"])
@pytest.mark.parametrize("name", LAYERS)
def test_whole_numbers_give_what_keras_gives_or_nothing(library: str, name: str) -> None:
    keras = pytest.importorskip(library)
    x = np.random.default_rng(0).integers(0, 7, (5, 4, 4, 2))
    for dtype in ("uint8", "int32"):
        entry = keras.Input((4, 4, 2), dtype=dtype)
        try:
            model = keras.Model(entry, getattr(keras.layers, name)(name="the_layer", **LAYERS[name])(entry))
            expected = np.asarray(model(x.astype(dtype), training=False)).astype(np.float64)
        except Exception:  # Keras itself has no such layer for whole numbers
            continue
        try:
            project = hlsgen.convert(model, default_width=32)
        except UnsupportedError as error:
            assert name in ("ReLU", "GlobalAveragePooling2D", "Activation"), error
            assert "the_layer" in str(error) and dtype in str(error)
            continue
        found = project.evaluate(x)[project.design.outputs[0].name]
        np.testing.assert_allclose(found, expected, atol=1e-4)


def source_of(dtype: str, *class_names: str, flavour: str = "keras3", **more: Any) -> SourceModel:
    """Layers one behind the other."""
    names = ["x", *(f"l{i}" for i, _ in enumerate(class_names))]
    calls = tuple(
        LayerCall(name, name, class_name, "keras", {}, {}, (Tensor(before),))
        for before, name, class_name in zip(names, names[1:], class_names, strict=False)
    )
    inputs = (InputSpec("x", (4, 4, 2), dtype),)
    return SourceModel("m", flavour, inputs, calls, (Tensor(names[-1]),), ("y",), **more)


@pytest.mark.parametrize("dtype", WHOLE)
def test_the_layer_behind_what_only_moves_is_refused(dtype: str) -> None:
    with pytest.raises(UnsupportedError, match=rf"layer 'l2' \(ReLU\): it computes in {dtype}"):
        build_graph(_pooled(dtype, "ReLU"))
    build_graph(_pooled(dtype, "LeakyReLU"))


def _pooled(dtype: str, last: str) -> SourceModel:
    source = source_of(dtype, "MaxPooling2D", "Flatten", last)
    pool = replace(source.calls[0], config={"pool_size": [2, 2], "padding": "valid"})
    return replace(source, calls=(pool, *source.calls[1:]))


def test_averages_are_cut_off_in_keras_2_alone() -> None:
    build_graph(source_of("uint8", "GlobalAveragePooling2D"))
    with pytest.raises(UnsupportedError, match="computes in uint8"):
        build_graph(source_of("uint8", "GlobalAveragePooling2D", flavour="keras2"))


def test_places_are_whole_numbers_in_keras_2() -> None:
    """TensorFlow cuts off a mean of them; looking rows up by them is what they are for, and a table has any."""
    keras, tf = pytest.importorskip("tf_keras"), pytest.importorskip("tensorflow")
    x = keras.Input((6, 4), name="x")
    place = tf.argmax(x, axis=-1)
    with pytest.raises(UnsupportedError, match="math.reduce_mean.*computes in int64"):
        hlsgen.convert(keras.Model(x, tf.reduce_mean(place, axis=1, keepdims=True)))
    with pytest.raises(UnsupportedError, match="math.reduce_mean.*computes in int32"):
        hlsgen.convert(keras.Model(x, tf.reduce_mean(tf.math.top_k(x, 2)[1], axis=1)))
    values = tf.reduce_mean(tf.math.top_k(x, 2)[0], axis=1)
    hlsgen.convert(keras.Model(x, [keras.layers.Embedding(4, 3)(place), values]))


@pytest.mark.parametrize("inner", [*REAL, "uint8", "int32"])
def test_a_nested_model_casts_to_its_own_dtype(inner: str) -> None:
    for outer in ("float32", "uint8"):
        source = source_of(outer, "Flatten", borders=(Border("inner", Tensor("x"), (4, 4, 2), inner),))
        if inner in REAL or inner == outer:
            build_graph(source)
        else:
            with pytest.raises(UnsupportedError, match=f"model 'inner' .* dtype {inner}"):
                build_graph(source)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "FLOAT32", "causal", "", 3, ["float32"], {"name": "float32"}])
def test_other_dtypes_of_inputs(tmp_path: Path, dtype: Any) -> None:
    entry = input_layer([4])
    entry["config"]["dtype"] = dtype
    with pytest.raises(HlsgenError, match="input 'x'.*dtype"):
        read_model(**write(tmp_path, sequential(entry, layer("Flatten"))))


POLICY = {"class_name": "DTypePolicy", "config": {"name": "float32"}}


@pytest.mark.parametrize(
    ("dtype", "taken"),
    [(None, True), ("float32", True), (POLICY, True), ({**POLICY, "class_name": "Policy"}, True),
     ({**POLICY, "class_name": "DTypePolicyMap"}, False), ({"name": "float32"}, False), ({}, False),
     ({"class_name": "float32", "config": {}}, False), ({"class_name": "DTypePolicy", "config": {}}, False),
     ({"class_name": "DTypePolicy", "config": {"name": "mixed_float16"}}, False), (["float32"], False)],
)  # fmt: skip
def test_policies_of_layers(tmp_path: Path, dtype: Any, taken: bool) -> None:
    written = write(tmp_path, sequential(input_layer([4]), layer("Flatten", dtype=dtype)))
    if taken:
        read_model(**written)
        return
    with pytest.raises(UnsupportedError, match="'the_layer'.*dtype policy"):
        read_model(**written)


def test_a_model_error_for_what_is_no_dtype(tmp_path: Path) -> None:
    entry = input_layer([4])
    entry["config"]["dtype"] = "x" * 10_000
    with pytest.raises(ModelError) as caught:
        read_model(**write(tmp_path, sequential(entry, layer("Flatten"))))
    assert len(str(caught.value)) < 300
