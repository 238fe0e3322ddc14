"""Keras 2 (tf_keras): live models against every file format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hlsgen.errors import ModelError, UnsupportedError
from hlsgen.frontends.keras.model import read_keras
from hlsgen.frontends.keras.source import Tensor
from tests.frontends.compare import assert_formats_agree, assert_same, randomize, saved

keras = pytest.importorskip("tf_keras")
L: Any = keras.layers


def legacy_save_weights(model: Any, path: Path) -> Path:
    model.save_weights(path, save_format="h5")
    return path


def test_every_weighted_layer(tmp_path: Path) -> None:
    image = keras.Input((6, 6, 4), name="image")
    x = L.Conv2D(4, 3, padding="same", groups=2)(image)
    x = L.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False)(x)
    x = L.BatchNormalization(scale=False)(x)
    x = L.SeparableConv2D(3, 2, depth_multiplier=2)(x)
    x = L.Conv2DTranspose(2, 2)(x)
    x = L.BatchNormalization(center=False)(x)
    x = L.PReLU(shared_axes=[1, 2])(x)
    x = L.Reshape((-1, 8))(x)
    x = L.Conv1D(4, 2)(x)
    x = L.LayerNormalization()(x)
    x = L.Dropout(0.5, seed=1)(x)
    x = L.LSTM(3, return_sequences=True, dropout=0.1)(x)
    x = L.GRU(3, return_sequences=True)(x)
    x = L.GRU(3, return_sequences=True, reset_after=False)(x)
    x = L.SimpleRNN(3, return_sequences=True, use_bias=False)(x)
    x = L.Bidirectional(L.LSTM(2, return_sequences=True))(x)
    x = L.TimeDistributed(L.Dense(3))(x)
    x = L.EinsumDense("abc,cd->abd", output_shape=(None, 4), bias_axes="d")(x)
    x = L.Dense(2)(L.GlobalAveragePooling1D()(x))
    live = assert_formats_agree(randomize(keras.Model(image, x)), tmp_path)
    roles = {c.class_name: list(c.weights) for c in live.calls}
    assert roles["DepthwiseConv2D"] == ["depthwise_kernel"]
    assert roles["Bidirectional"][3] == "backward_layer/kernel"
    assert live.flavour == "keras2"


def tangled() -> Any:
    """Two inputs and outputs, a shared layer, a nested model used twice, a Sequential in it, odd names."""
    one, two = keras.Input((8,), name="int"), keras.Input((8,), name="i")
    shared = L.Dense(8, name="../x")
    inner_in = keras.Input((8,))
    block = keras.Sequential(
        [keras.Input((8,)), L.Dense(8, name="first"), L.BatchNormalization(name="bn")], name="nest"
    )
    inner = keras.Model(inner_in, [L.Dense(8, name="int")(block(inner_in)), L.ReLU(name="r")(inner_in)], name="in/ner")
    a, b = inner(shared(one)), inner(shared(two))
    total = L.Add(name="a.-b")([a[0], b[0], b[1]])
    joined = L.Concatenate(name="c")([total + one, two])
    return randomize(keras.Model([one, two], [L.Dense(2, name="bias_dense")(joined), total], name="tangled"))


def test_topology_and_names(tmp_path: Path) -> None:
    model = tangled()
    live = assert_formats_agree(model, tmp_path)
    assert [(c.name, c.layer_name, c.class_name) for c in live.calls] == [
        ("../x", "../x", "Dense"),
        ("../x_1", "../x", "Dense"),
        ("in/ner/nest/first", "in/ner/nest/first", "Dense"),
        ("in/ner/nest/bn", "in/ner/nest/bn", "BatchNormalization"),
        ("in/ner/int", "in/ner/int", "Dense"),
        ("in/ner/nest/first_1", "in/ner/nest/first", "Dense"),
        ("in/ner/nest/bn_1", "in/ner/nest/bn", "BatchNormalization"),
        ("in/ner/int_1", "in/ner/int", "Dense"),
        ("in/ner/r_1", "in/ner/r", "ReLU"),
        ("a.-b", "a.-b", "Add"),
        ("tf.__operators__.add", "tf.__operators__.add", "TFOpLambda"),
        ("c", "c", "Concatenate"),
        ("bias_dense", "bias_dense", "Dense"),
    ]
    calls = {c.name: c for c in live.calls}
    assert calls["a.-b"].inputs == (Tensor("in/ner/int"), Tensor("in/ner/int_1"), Tensor("in/ner/r_1"))
    assert calls["tf.__operators__.add"].inputs == (Tensor("a.-b"), Tensor("int"))
    assert live.outputs == (Tensor("bias_dense"), Tensor("a.-b"))
    weights = legacy_save_weights(model, tmp_path / "legacy.h5")
    assert_same(live, read_keras(tmp_path / "m.json", weights=weights))


def test_two_layers_of_one_flattened_name() -> None:
    x, inner_in = keras.Input((4,)), keras.Input((4,))
    inner = keras.Model(inner_in, L.Dense(4, name="d")(inner_in), name="n")
    live = read_keras(randomize(keras.Model(x, L.Dense(4, name="n/d")(inner(x)))))
    assert [(c.name, c.layer_name) for c in live.calls] == [("n/d", "n/d"), ("n/d_1", "n/d_1")]
    assert not np.array_equal(live.calls[0].weights["kernel"], live.calls[1].weights["kernel"])


def shared_between_models(first: bool) -> Any:
    x = keras.Input((8,))
    shared, inner_in = L.Dense(8, name="shared"), keras.Input((8,))
    inner = keras.Model(inner_in, L.Dense(8, name="own")(shared(inner_in)), name="inner")
    y = inner(shared(x)) if first else shared(inner(x))
    return randomize(keras.Model(x, L.Dense(8, name="last")(y)))


def test_layer_shared_between_models(tmp_path: Path) -> None:
    model = shared_between_models(first=True)
    live = read_keras(model)
    model.save(tmp_path / "m.keras")
    assert_same(live, read_keras(tmp_path / "m.keras"))
    # In the legacy format Keras writes the inner model's connection for both uses; it cannot load it either.
    model.save(tmp_path / "m.h5")
    with pytest.raises(ModelError, match="does not exist"):
        read_keras(tmp_path / "m.h5")


def test_layer_first_met_in_a_nested_model(tmp_path: Path) -> None:
    # Keras itself forgets the sharing in this file and would load the wrong weights; it must not be guessed.
    model = shared_between_models(first=False)
    assert len(read_keras(model).calls) == 4
    model.save(tmp_path / "m.keras")
    with pytest.raises(ModelError, match="no weights saved"):
        read_keras(tmp_path / "m.keras")


def test_frozen_layers_inside_nested_models(tmp_path: Path) -> None:
    block = [
        keras.Input((4,)),
        L.Dense(4, name="a", trainable=False),
        L.BatchNormalization(),
        L.Dense(4, name="b"),
    ]
    inner = keras.Sequential(block, name="inner")
    model = randomize(keras.Sequential([keras.Input((4,)), inner, L.Dense(4, name="c")], name="outer"))
    assert_formats_agree(model, tmp_path / "part")
    inner.trainable = False
    assert_formats_agree(model, tmp_path / "whole")


def test_nested_models_without_input_layer(tmp_path: Path) -> None:
    x = keras.Input((8,))
    late = keras.Sequential([L.Dense(4), L.ReLU()], name="late")
    model = keras.Model(x, [L.Dense(3, name="o")(late(x)), late(x)])
    assert [o.call for o in assert_formats_agree(randomize(model), tmp_path).outputs] == ["o", "late/re_lu_1"]


def test_sequential_built_by_a_call(tmp_path: Path) -> None:
    model = keras.Sequential([L.Dense(3), keras.Sequential([L.Dense(2)], name="s")])
    model(np.zeros((1, 4), np.float32))
    live = assert_formats_agree(randomize(model), tmp_path)
    assert live.inputs[0].shape == (4,)


def test_functional_inside_sequential(tmp_path: Path) -> None:
    x = keras.Input((4,))
    model = keras.Sequential([keras.Model(x, L.Dense(3)(x), name="f"), L.ReLU()], name="s")
    assert assert_formats_agree(randomize(model), tmp_path).inputs[0].shape == (4,)


def test_dict_inputs_and_outputs(tmp_path: Path) -> None:
    b, a = keras.Input((3,), name="b"), keras.Input((3,), name="a")
    model = keras.Model({"b": b, "a": a}, {"z": L.Dense(2, name="p")(a), "y": L.Dense(3, name="q")(b)})
    sources = saved(randomize(model), tmp_path)
    for source in (read_keras(model), *sources.values()):
        assert [i.name for i in source.inputs] == ["a", "b"]
        assert source.output_names == ("y", "z")
        assert source.outputs == (Tensor("q"), Tensor("p"))


def test_unbuilt_sequential() -> None:
    with pytest.raises(ModelError, match=r"never built.*keras\.Input"):
        read_keras(keras.Sequential([L.Dense(3)], name="fresh"))


def test_subclassed_model() -> None:
    class Mine(keras.Model):  # type: ignore[misc,name-defined]
        def call(self, x: Any) -> Any:
            return x

    with pytest.raises(ModelError, match=r"'Mine'.*Sequential or Functional"):
        read_keras(Mine())


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda x: L.Dense(2, name="half", dtype="mixed_float16")(x), "layer 'half'.*mixed_float16"),
        (lambda x: x * np.array([1.0, 2.0, 3.0], np.float32), "called with the constant"),
        (lambda x: L.BatchNormalization(name="b")(x, training=True), "layer 'b'.*training=True"),
    ],
)
def test_refusals(build: Any, words: str) -> None:
    x = keras.Input((3,))
    with pytest.raises(UnsupportedError, match=words):
        read_keras(keras.Model(x, build(x)))


@pytest.mark.parametrize(
    ("build", "numbers"),
    [
        (lambda x: x * 2.0, (None, 2.0)),
        (lambda x: 1 - x, (1.0, None)),
        (lambda x: x / 4, (None, 4.0)),
        (lambda x: x + x, ()),
    ],
)
def test_numbers_of_operations(build: Any, numbers: tuple[float | None, ...], tmp_path: Path) -> None:
    x = keras.Input((3,))
    source = assert_formats_agree(keras.Model(x, build(x)), tmp_path)
    assert source.calls[0].numbers == numbers


def test_other_arguments_of_operations(tmp_path: Path) -> None:
    """By keyword, or by their place where they are more than a number."""
    x = keras.Input((3, 2))
    first, second = assert_formats_agree(keras.Model(x, keras.backend.squeeze(x[:, 1:2], 1)), tmp_path).calls
    assert first.numbers == () and second.numbers == ()
    assert first.arguments["slice_spec"][1]["start"] == 1 and second.arguments == {"axis": [1]}


def test_layer_instead_of_model() -> None:
    with pytest.raises(ModelError, match="a single layer"):
        read_keras(L.Dense(3))
