"""Keras 3: live models against every file format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hlsgen.errors import ModelError, UnsupportedError
from hlsgen.frontends.keras.model import read_keras
from hlsgen.frontends.keras.source import Tensor
from tests.frontends.compare import assert_formats_agree, assert_same, randomize

keras = pytest.importorskip("keras", minversion="3")
L: Any = keras.layers


def test_a_nested_model_is_given_a_list() -> None:
    """Keras then notes a mask for each of its tensors, which is none."""
    x, y = keras.Input((4,)), keras.Input((4,))
    inner = keras.Model(x, L.Dense(2)(x))
    (call,) = read_keras(keras.Model(y, inner([y]))).calls
    assert call.class_name == "Dense"


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
    x = L.GroupNormalization(2)(x)
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
    assert roles["SeparableConv2D"] == ["depthwise_kernel", "pointwise_kernel", "bias"]
    assert roles["Bidirectional"][0] == "forward_layer/kernel"
    assert roles["TimeDistributed"] == ["layer/kernel", "layer/bias"]
    assert [list(c.weights) for c in live.calls if c.class_name == "BatchNormalization"] == [
        ["beta", "moving_mean", "moving_variance"],
        ["gamma", "moving_mean", "moving_variance"],
    ]
    assert live.inputs[0].shape == (6, 6, 4)
    assert live.flavour == "keras3"


def test_embedding(tmp_path: Path) -> None:
    words = keras.Input((5,), dtype="int32", name="words")
    live = assert_formats_agree(keras.Model(words, L.Flatten()(L.Embedding(7, 3)(words))), tmp_path)
    assert live.inputs[0].dtype == "int32"
    assert live.calls[0].weights["embeddings"].shape == (7, 3)


def tangled() -> Any:
    """Two inputs and outputs, a shared layer, a nested model used twice, a Sequential in it, odd names."""
    one, two = keras.Input((8,), name="int"), keras.Input((8,), name="i")
    shared = L.Dense(8, name="..x")
    inner_in = keras.Input((8,))
    block = keras.Sequential([keras.Input((8,)), L.Dense(8, name="int"), L.BatchNormalization(name="bn")], name="nest")
    inner = keras.Model(inner_in, [L.Dense(8, name="int")(block(inner_in)), L.ReLU(name="r")(inner_in)], name="inner")
    a, b = inner(shared(one)), inner(shared(two))
    total = L.Add(name='a"; system("x')([a[0], b[0], b[1]])
    joined = L.Concatenate(name="层")([total + one, two])
    return randomize(keras.Model([one, two], [L.Dense(2, name="bias_dense")(joined), total], name="tangled"))


def test_topology_and_names(tmp_path: Path) -> None:
    live = assert_formats_agree(tangled(), tmp_path)
    assert [(c.name, c.layer_name, c.class_name) for c in live.calls] == [
        ("..x", "..x", "Dense"),
        ("..x_1", "..x", "Dense"),
        ("inner/nest/int", "inner/nest/int", "Dense"),
        ("inner/nest/bn", "inner/nest/bn", "BatchNormalization"),
        ("inner/int", "inner/int", "Dense"),
        ("inner/nest/int_1", "inner/nest/int", "Dense"),
        ("inner/nest/bn_1", "inner/nest/bn", "BatchNormalization"),
        ("inner/int_1", "inner/int", "Dense"),
        ("inner/r_1", "inner/r", "ReLU"),
        ('a"; system("x', 'a"; system("x', "Add"),
        ("add", "add", "Add"),
        ("层", "层", "Concatenate"),
        ("bias_dense", "bias_dense", "Dense"),
    ]
    calls = {c.name: c for c in live.calls}
    assert calls['a"; system("x'].inputs == (Tensor("inner/int"), Tensor("inner/int_1"), Tensor("inner/r_1"))
    assert calls["inner/nest/int_1"].inputs == (Tensor("..x_1"),)
    assert calls["inner/nest/int_1"].weights is calls["inner/nest/int"].weights
    assert calls["add"].module.startswith("keras.src.ops")
    assert [i.name for i in live.inputs] == ["int", "i"]
    assert live.outputs == (Tensor("bias_dense"), Tensor('a"; system("x'))
    assert not calls["bias_dense"].weights["kernel"].flags.writeable


def test_second_call_avoids_a_name_in_use(tmp_path: Path) -> None:
    x = keras.Input((4,), name="x")
    shared = L.Dense(4, name="d")
    y = L.Dense(4, name="d_1")(shared(shared(x)))
    live = assert_formats_agree(keras.Model(x, y), tmp_path)
    assert [(c.name, c.layer_name) for c in live.calls] == [("d", "d"), ("d_2", "d"), ("d_1", "d_1")]


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
    model.save(tmp_path / "m.h5")
    assert_same(live, read_keras(tmp_path / "m.keras"))
    assert_same(live, read_keras(tmp_path / "m.h5"))
    calls = {c.name: c for c in live.calls}
    np.testing.assert_array_equal(calls["shared"].weights["kernel"], calls["inner/shared"].weights["kernel"])


def test_layer_first_met_in_a_nested_model(tmp_path: Path) -> None:
    # Keras itself forgets the sharing in this file (and cannot load it); it must not be guessed.
    model = shared_between_models(first=False)
    assert len(read_keras(model).calls) == 4
    model.save(tmp_path / "m.keras")
    with pytest.raises(ModelError, match=r"layer 'shared'.*no weights saved"):
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


def test_functional_inside_sequential(tmp_path: Path) -> None:
    x = keras.Input((4,))
    model = keras.Sequential([keras.Model(x, L.Dense(3)(x), name="f"), L.ReLU()], name="s")
    model(np.zeros((2, 4), np.float32))
    assert assert_formats_agree(randomize(model), tmp_path).inputs[0].shape == (4,)


def test_dict_inputs_and_outputs(tmp_path: Path) -> None:
    b, a = keras.Input((3,), name="b"), keras.Input((3,), name="a")
    model = keras.Model({"b": b, "a": a}, {"z": L.Dense(2, name="p")(a), "y": L.Dense(3, name="q")(b)})
    live = assert_formats_agree(randomize(model), tmp_path)
    assert [i.name for i in live.inputs] == ["a", "b"]
    assert live.output_names == ("y", "z")
    assert live.outputs == (Tensor("q"), Tensor("p"))


def test_input_is_output() -> None:
    x = keras.Input((3,), name="x")
    live = read_keras(keras.Model(x, [x, L.ReLU(name="r")(x), L.ReLU(name="s")(x)]))
    assert live.outputs == (Tensor("x"), Tensor("r"), Tensor("s"))


def test_nested_model_as_output(tmp_path: Path) -> None:
    x = keras.Input((4,))
    inner_in = keras.Input((4,))
    inner = keras.Model(inner_in, L.Dense(4, name="d")(inner_in), name="inner")
    live = assert_formats_agree(keras.Model(x, [inner(x), inner(inner(x))]), tmp_path)
    assert [o.call for o in live.outputs] == ["inner/d", "inner/d_2"]


def test_strangers_class_keeps_its_package(tmp_path: Path) -> None:
    @keras.saving.register_keras_serializable("mine")
    class Dense(L.Dense):  # type: ignore[misc]  # a different layer under a well-known name
        pass

    x = keras.Input((3,))
    live = assert_formats_agree(keras.Model(x, Dense(2)(x)), tmp_path)
    assert live.calls[0].class_name == "mine>Dense"
    assert list(live.calls[0].weights) == ["weight_0", "weight_1"]


def test_lambda_is_kept_and_not_decoded(tmp_path: Path) -> None:
    x = keras.Input((3,))
    model = keras.Model(x, L.Lambda(lambda t: t * 2, output_shape=(3,))(x))
    model.save(tmp_path / "m.keras")
    assert read_keras(tmp_path / "m.keras").calls[0].class_name == "Lambda"


def test_unbuilt_sequential() -> None:
    with pytest.raises(ModelError, match=r"never built.*keras\.Input"):
        read_keras(keras.Sequential([L.Dense(3)], name="fresh"))


def test_open_input_axis() -> None:
    x = keras.Input((None, 3), name="signal")
    with pytest.raises(ModelError, match=r"'signal'.*axis 1.*None"):
        read_keras(keras.Model(x, L.Dense(2)(x)))


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
        (lambda x: L.Dense(2, name="double", dtype="float64")(x), "layer 'double'.*float64"),
        (lambda x: L.BatchNormalization(name="b")(x, training=True), "layer 'b'.*training=True"),
        (lambda x: L.Attention(name="a")([L.Reshape((1, 3))(x)] * 2, mask=[x, x]), "layer 'a'.*mask=a tensor"),
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
    first, second = assert_formats_agree(
        keras.Model(x, keras.ops.pad(x[:, ::2], [[0, 0], [1, 2], [0, 0]], constant_values=0)), tmp_path
    ).calls
    assert first.numbers == () and second.numbers == ()
    assert "__slice__" in str(first.arguments["1"]) and second.arguments == {"constant_values": 0}


def test_nan_and_infinite_weights(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((2,)), L.Dense(2, name="bad")])
    model.set_weights([np.array([[1, np.nan], [np.inf, 1]], np.float32), np.zeros(2, np.float32)])
    model.save(tmp_path / "m.keras")
    for source in (model, tmp_path / "m.keras"):
        with pytest.raises(ModelError, match=r"layer 'bad'.*'kernel' holds 2 NaN or infinite values of 4"):
            read_keras(source)
