"""Networks of the size that people build, with seeded weights: converted without any tuning, compared with Keras.

    python example-models/networks.py                  # all
    python example-models/networks.py unet mobilenet   # some

The shapes of DS-CNN, MobileNet, the autoencoder and ResNet-8 are those of the MLPerf Tiny benchmark. Their weights are
random: what is compared is hlsgen with float Keras, not a network with the truth.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import layers

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Network:
    """``build`` makes the model. ``agreement``: how its outputs are compared with float Keras."""

    build: Callable[[], keras.Model]
    agreement: Callable[[Array, Array], float]
    samples: int = 300


def same_class(found: Array, expected: Array) -> float:
    """Share of places (of samples, or of pixels) whose largest output is the same."""
    return float(np.mean(found.argmax(-1) == expected.argmax(-1)))


def close(found: Array, expected: Array) -> float:
    """Share of values within 2^-8 of the largest one: for outputs that are no classes."""
    return float(np.mean(np.abs(found - expected) <= np.abs(expected).max() / 256))


# -- the networks ---------------------------------------------------------------------------------


def normalised(x: Any, name: str, activation: str | None = "relu") -> Any:
    """A BatchNormalization and an activation behind a convolution."""
    x = layers.BatchNormalization(momentum=0.5, name=f"{name}_bn")(x)
    return x if activation is None else layers.Activation(activation, name=f"{name}_{activation}")(x)


def separable(x: Any, filters: int, strides: int, name: str) -> Any:
    """A depthwise and a pointwise convolution, each normalised."""
    x = layers.DepthwiseConv2D(3, strides, padding="same", use_bias=False, name=f"{name}_depthwise")(x)
    x = normalised(x, f"{name}_depthwise")
    return normalised(layers.Conv2D(filters, 1, use_bias=False, name=f"{name}_point")(x), f"{name}_point")


def ds_cnn() -> keras.Model:
    """Keyword spotting: 49 frames of 10 coefficients to 12 words."""
    source = keras.Input((49, 10, 1), name="frames")
    x = normalised(layers.Conv2D(64, (10, 4), 2, padding="same", use_bias=False, name="stem")(source), "stem")
    for block in range(4):
        x = separable(layers.Dropout(0.2, name=f"drop{block}")(x), 64, 1, f"block{block}")
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    return keras.Model(source, layers.Dense(12, activation="softmax", name="words")(x), name="ds_cnn")


def mobilenet() -> keras.Model:
    """MobileNetV1 with a quarter of the channels: 96x96 images to two classes."""
    source = keras.Input((96, 96, 3), name="image")
    x = normalised(layers.Conv2D(8, 3, 2, padding="same", use_bias=False, name="stem")(source), "stem")
    plan = [(16, 1), (32, 2), (32, 1), (64, 2), (64, 1), (128, 2), *[(128, 1)] * 5, (256, 2), (256, 1)]
    for block, (filters, strides) in enumerate(plan):
        x = separable(x, filters, strides, f"block{block}")
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    return keras.Model(source, layers.Dense(2, activation="softmax", name="person")(x), name="mobilenet")


def autoencoder() -> keras.Model:
    """ToyADMOS: five frames of 128 mel bands, through eight numbers, and back."""
    source = keras.Input((640,), name="spectrum")
    x = source
    for place, units in enumerate([128] * 4 + [8] + [128] * 4):
        x = normalised(layers.Dense(units, name=f"fc{place}")(x), f"fc{place}")
    return keras.Model(source, layers.Dense(640, name="restored")(x), name="autoencoder")


def resnet8() -> keras.Model:
    """32x32 images to ten classes: three stages of one residual block."""
    source = keras.Input((32, 32, 3), name="image")

    def conv(x: Any, filters: int, size: int, strides: int, name: str) -> Any:
        return layers.Conv2D(filters, size, strides, padding="same", use_bias=False, name=name)(x)

    x = normalised(conv(source, 16, 3, 1, "stem"), "stem")
    for stage, filters in enumerate((16, 32, 64)):
        strides, name = 1 + (stage > 0), f"stage{stage}"
        y = normalised(conv(x, filters, 3, strides, f"{name}_a"), f"{name}_a")
        y = normalised(conv(y, filters, 3, 1, f"{name}_b"), f"{name}_b", None)
        x = x if strides == 1 else normalised(conv(x, filters, 1, strides, f"{name}_skip"), f"{name}_skip", None)
        x = layers.Activation("relu", name=f"{name}_relu")(layers.Add(name=f"{name}_add")([x, y]))
    x = layers.Flatten(name="flatten")(layers.AveragePooling2D(8, name="mean")(x))
    return keras.Model(source, layers.Dense(10, activation="softmax", name="classes")(x), name="resnet8")


def lstm() -> keras.Model:
    """Two LSTMs over 20 steps of 16 features to five classes."""
    return keras.Sequential(
        [
            keras.Input((20, 16), name="steps"),
            layers.LSTM(32, return_sequences=True, name="lstm0"),
            layers.LSTM(32, name="lstm1"),
            layers.Dense(5, activation="softmax", name="classes"),
        ],
        name="lstm",
    )


def gru() -> keras.Model:
    """A GRU from each end over 30 steps of 8 features to five classes."""
    return keras.Sequential(
        [
            keras.Input((30, 8), name="steps"),
            layers.Bidirectional(layers.GRU(24), name="gru"),
            layers.Dense(5, activation="softmax", name="classes"),
        ],
        name="gru",
    )


def transformer() -> keras.Model:
    """An encoder block over 16 places of 32 features, four heads, to six classes."""
    source = keras.Input((16, 32), name="tokens")
    attended = layers.MultiHeadAttention(4, 8, name="attention")(source, source)
    x = layers.LayerNormalization(name="norm1")(layers.Add(name="add1")([source, attended]))
    hidden = layers.Dense(64, activation="gelu", name="hidden")(x)
    x = layers.Add(name="add2")([x, layers.Dense(32, name="back")(hidden)])
    x = layers.GlobalAveragePooling1D(name="mean")(layers.LayerNormalization(name="norm2")(x))
    return keras.Model(source, layers.Dense(6, activation="softmax", name="classes")(x), name="transformer")


def unet() -> keras.Model:
    """32x32 images to four classes a pixel, with a skip connection at each size."""
    x = source = keras.Input((32, 32, 1), name="image")

    def twice(x: Any, filters: int, name: str) -> Any:
        for half in "ab":
            x = layers.Conv2D(filters, 3, padding="same", use_bias=False, name=f"{name}{half}")(x)
            x = normalised(x, f"{name}{half}")
        return x

    skips = []
    for level, filters in enumerate((8, 16)):
        x = twice(x, filters, f"down{level}")
        skips.append(x)
        x = layers.MaxPooling2D(name=f"pool{level}")(x)
    x = twice(x, 32, "bottom")
    for level, filters in ((1, 16), (0, 8)):
        x = layers.Conv2DTranspose(filters, 2, 2, name=f"up{level}")(x)
        x = layers.Concatenate(name=f"join{level}")([skips[level], x])
        x = twice(x, filters, f"merge{level}")
    return keras.Model(source, layers.Conv2D(4, 1, activation="softmax", name="pixels")(x), name="unet")


def wavenet() -> keras.Model:
    """64 samples of a signal through gated, dilated, causal convolutions, to eight levels a sample."""
    source = keras.Input((64, 1), name="signal")
    x = layers.Conv1D(16, 2, padding="causal", name="stem")(source)
    skips = []
    for block in range(5):
        options = {"padding": "causal", "dilation_rate": 2**block}
        value = layers.Conv1D(16, 2, activation="tanh", name=f"value{block}", **options)(x)
        gate = layers.Conv1D(16, 2, activation="sigmoid", name=f"gate{block}", **options)(x)
        y = layers.Multiply(name=f"gated{block}")([value, gate])
        skips.append(layers.Conv1D(16, 1, name=f"skip{block}")(y))
        x = layers.Add(name=f"add{block}")([x, layers.Conv1D(16, 1, name=f"point{block}")(y)])
    x = layers.ReLU(name="relu")(layers.Add(name="skips")(skips))
    return keras.Model(source, layers.Conv1D(8, 1, activation="softmax", name="levels")(x), name="wavenet")


NETWORKS = {
    "ds_cnn": Network(ds_cnn, same_class),
    "mobilenet": Network(mobilenet, same_class, 1000),
    "autoencoder": Network(autoencoder, close),
    "resnet8": Network(resnet8, same_class),
    "lstm": Network(lstm, same_class),
    "gru": Network(gru, same_class),
    "transformer": Network(transformer, same_class),
    "unet": Network(unet, same_class, 50),
    "wavenet": Network(wavenet, same_class, 100),
}


# -- weights, inputs, comparison ------------------------------------------------------------------


def seeded(name: str, seed: int = 1) -> tuple[keras.Model, Array]:
    """The network with seeded weights, and inputs (samples, *shape), normally distributed.

    Biases, scales and offsets are random, too, and the statistics of normalisations are those of the inputs.
    """
    keras.utils.set_random_seed(seed)
    network, rng = NETWORKS[name], np.random.default_rng(seed)
    model = network.build()
    x = rng.normal(size=(network.samples, *model.input_shape[1:])).astype(np.float32)
    for weight in model.weights:
        if weight.path.endswith(("bias", "beta", "gamma")):
            weight.assign(np.asarray(weight) + rng.normal(0, 0.1, weight.shape))
    for _ in range(20):
        model(x[:32], training=True)  # moves the statistics of normalisations, and nothing else
    return model, x


def main() -> None:
    """Print how well each network agrees, and how long it took."""
    import hlsgen

    for name in sys.argv[1:] or NETWORKS:
        model, x = seeded(name)
        expected = model.predict(x, verbose=0)
        start = time.perf_counter()
        project = hlsgen.convert(model)
        converted = time.perf_counter()
        project.compile()
        compiled = time.perf_counter()
        agreement = NETWORKS[name].agreement(project.predict(x), expected)
        took = f"converted in {converted - start:.1f} s, compiled in {compiled - converted:.1f} s"
        print(f"{name}: {model.count_params():,} parameters, agreement {agreement:.2%}, {took}")


if __name__ == "__main__":
    main()
