"""TimeDistributed of a whole model: what it computes is Keras's, from the live model and from every file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hlsgen
from hlsgen.errors import ModelError, UnsupportedError
from hlsgen.frontends.keras.model import read_keras
from tests.frontends.compare import assert_formats_agree, assert_same

FRAME = (6, 6, 2)
Build = Callable[[Any], Any]


def frames(keras: Any) -> Any:
    """Every layer that another one is fused into, or that vanishes, and parts that are not trained."""
    kl = keras.layers
    held = [kl.Conv2D(3, 3, activation="relu", name="conv"), kl.BatchNormalization(), kl.MaxPooling2D(2)]
    held += [kl.Dropout(0.5), kl.Flatten(), kl.Dense(4, trainable=False, name="fc")]
    return keras.Sequential([keras.Input(FRAME), *held], name="frames")


def branches(keras: Any) -> Any:
    kl, x = keras.layers, keras.Input(FRAME)
    y = kl.Add()([kl.Conv2D(3, 3, padding="same")(x), kl.Conv2D(3, 1)(x)])
    y = kl.GlobalAveragePooling2D()(kl.Concatenate()([y, x]))
    return keras.Model(x, kl.Softmax()(kl.Dense(3)(y)))


def nested(keras: Any) -> Any:
    x = keras.Input(FRAME)
    return keras.Model(x, keras.layers.Dense(3)(frames(keras)(x)))


def lines(keras: Any) -> Any:
    """A wrapper in it that needs no loop of its own."""
    kl = keras.layers
    return keras.Sequential([keras.Input(FRAME), kl.TimeDistributed(kl.Dense(4)), kl.Flatten(), kl.Dense(2)])


def nothing(keras: Any) -> Any:
    x = keras.Input(FRAME)
    return keras.Model(x, x)


def recurrent(keras: Any) -> Any:
    kl = keras.layers
    return keras.Sequential([keras.Input(FRAME), kl.Reshape((6, 12)), kl.LSTM(4, name="lstm")])


def twice(keras: Any) -> Any:
    kl, pair = keras.layers, keras.Sequential([keras.Input((6, 2)), keras.layers.Flatten()])
    return keras.Sequential([keras.Input(FRAME), kl.TimeDistributed(pair, name="twice")])


def around(inner: Build) -> Build:
    def build(keras: Any) -> Any:
        video = keras.Input((3, *FRAME))
        return keras.Model(video, keras.layers.TimeDistributed(inner(keras), name="steps")(video))

    return build


def shared(keras: Any) -> Any:
    """A model by itself, which Keras saves first, for it is further from the end; and in a wrapper that is called twice."""
    kl, frame, video, inner = keras.layers, keras.Input(FRAME), keras.Input((3, *FRAME)), frames(keras)
    alone, steps = kl.Dense(4)(kl.Dense(4)(inner(frame))), kl.TimeDistributed(inner, name="steps")
    return keras.Model([frame, video], [alone, kl.Add()([steps(video), steps(kl.Rescaling(0.5)(video))])])


def wrapped_twice(keras: Any) -> Any:
    """In two wrappers, the second of which Keras saves without its weights, not saying whose they are."""
    kl, video, inner = keras.layers, keras.Input((3, *FRAME)), frames(keras)
    return keras.Model(video, kl.Add()([kl.TimeDistributed(inner, name=name)(video) for name in ("a", "b")]))


def looked_up(keras: Any) -> Any:
    """Whole numbers reach the model in it as such."""
    kl, words = keras.layers, keras.Input((3, 4), dtype="int32")
    inner = keras.Sequential([keras.Input((4,), dtype="int32"), kl.Embedding(7, 3), kl.Flatten(), kl.Dense(2)])
    return keras.Model(words, kl.TimeDistributed(inner, name="steps")(words))


def then_lstm(keras: Any) -> Any:
    kl, layer = keras.layers, keras.layers.TimeDistributed(frames(keras), trainable=False)
    return keras.Sequential([keras.Input((3, *FRAME)), layer, kl.LSTM(3), kl.Dense(2)])


def randomized(model: Any) -> Any:
    rng = np.random.default_rng(0)
    model.set_weights([rng.uniform(-0.5, 0.5, w.shape) + (w.ndim == 1) for w in model.get_weights()])
    return model


def agrees_with_keras(model: Any) -> None:
    """What the arithmetic of the design gives is within 2^-10 of the largest value that Keras finds."""
    rng = np.random.default_rng(1)
    whole = [np.dtype(x.dtype if isinstance(x.dtype, str) else x.dtype.name).kind == "i" for x in model.inputs]
    data = [
        rng.integers(0, 7, (8, *x.shape[1:])) if is_whole else rng.integers(-16, 17, (8, *x.shape[1:])) / 16.0
        for x, is_whole in zip(model.inputs, whole, strict=True)
    ]
    given = [x.astype(np.int32 if is_whole else np.float32) for x, is_whole in zip(data, whole, strict=True)]
    wanted = model(given if len(given) > 1 else given[0], training=False)
    found = hlsgen.convert(model, input_precision="fixed<16,4>")
    values = found.evaluate([x.astype(np.float32) for x in given])
    outputs = [values[tensor.call] for tensor in read_keras(model).outputs]
    for right, value in zip(wanted if isinstance(wanted, list) else [wanted], outputs, strict=True):
        right = np.asarray(right, dtype=np.float64)
        assert value.shape == right.shape
        assert np.abs(value - right).max() <= 2.0**-10 * np.abs(right).max()


ALL = [*map(around, (frames, branches, nested, lines, nothing)), looked_up, then_lstm]
NAMES = ["frames", "branches", "nested", "lines", "nothing", "looked_up", "then_lstm"]


@pytest.mark.parametrize("library", ["keras", "tf_keras"])
@pytest.mark.parametrize("build", ALL, ids=NAMES)
def test_computes_what_keras_does(build: Build, library: str, tmp_path: Path) -> None:
    model = randomized(build(pytest.importorskip(library)))
    agrees_with_keras(model)
    assert_formats_agree(model, tmp_path)


@pytest.mark.parametrize("library", ["keras", "tf_keras"])
def test_by_itself_and_in_a_wrapper(library: str, tmp_path: Path) -> None:
    model = randomized(shared(pytest.importorskip(library)))
    agrees_with_keras(model)
    for name in ("m.h5", "m.keras"):
        model.save(tmp_path / name)
        assert_same(read_keras(model), read_keras(tmp_path / name))


@pytest.mark.parametrize("library", ["keras", "tf_keras"])
def test_in_two_wrappers(library: str, tmp_path: Path) -> None:
    model = randomized(wrapped_twice(pytest.importorskip(library)))
    agrees_with_keras(model)
    for name in ("m.h5", "m.keras"):
        model.save(tmp_path / name)
    assert_same(read_keras(model), read_keras(tmp_path / "m.h5"))
    with pytest.raises(ModelError, match=r"layer 'b'.*no weights saved"):
        read_keras(tmp_path / "m.keras")


@pytest.mark.parametrize("library", ["keras", "tf_keras"])
@pytest.mark.parametrize(("inner", "name"), [(recurrent, "steps/lstm"), (twice, "steps/twice")])
def test_no_loop_in_a_loop(inner: Build, name: str, library: str) -> None:
    with pytest.raises(UnsupportedError, match=rf"layer '{name}'.*'steps' computes for each of 3 positions"):
        hlsgen.convert(around(inner)(pytest.importorskip(library)))


def test_one_tensor_in_and_one_out() -> None:
    """Keras 3 wraps no others, Keras 2 none of several outputs."""
    keras = pytest.importorskip("tf_keras")
    frame, videos = [keras.Input(FRAME) for _ in range(2)], [keras.Input((3, *FRAME)) for _ in range(2)]
    inner = keras.Model(frame, keras.layers.Add()(frame))
    model = keras.Model(videos, keras.layers.TimeDistributed(inner, name="steps")(videos))
    with pytest.raises(UnsupportedError, match=r"layer 'steps'.* 2 inputs"):
        hlsgen.convert(model)


@pytest.mark.parametrize("library", ["keras", "tf_keras"])
def test_a_model_in_a_wrapper_in_a_wrapper(library: str) -> None:
    keras = pytest.importorskip(library)
    videos, distributed = keras.Input((2, 3, *FRAME)), keras.layers.TimeDistributed
    model = keras.Model(videos, distributed(distributed(nothing(keras)), name="outer")(videos))
    with pytest.raises(UnsupportedError, match=r"layer 'outer'.*whole model"):
        hlsgen.convert(model)
