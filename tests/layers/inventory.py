"""What becomes of every layer and function of Keras: the rows of docs/layers.md, each with a model that shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Build = Callable[[Any, Any], Any]
VOLUME, IMAGE, LINE, VECTOR = (4, 5, 6, 2), (6, 5, 4), (8, 3), (6,)
EXACT, CLOSE, REFUSED, ABSENT = "exact", "close", "refused", "-"


@dataclass(frozen=True, eq=False)
class Row:
    """One line of the table: a model ``build(keras, inputs)`` and what is expected of it in Keras 3 and in Keras 2.

    ``words`` have to be in the message of a refusal.
    """

    text: str
    shapes: tuple[tuple[int, ...], ...]
    build: Build
    keras3: str
    keras2: str
    note: str = ""
    words: tuple[str, ...] = ()

    def status(self, library: str) -> str:
        return self.keras3 if library == "keras" else self.keras2


def _layer(name: str, *arguments: Any, **options: Any) -> Build:
    return lambda keras, x: getattr(keras.layers, name)(*arguments, **options)(x)


def _activation(name: str) -> Build:
    return lambda keras, x: keras.layers.Activation(name)(x)


class _Section(list[Row]):
    """A heading and its rows; ``right`` and ``refused`` add one."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.title = title

    def right(
        self,
        text: str,
        shapes: Any,
        build: Build,
        status: str = EXACT,
        keras3: str | None = None,
        keras2: str | None = None,
        note: str = "",
    ) -> None:
        given = shapes if isinstance(shapes, list) else [shapes]
        self.append(Row(text, tuple(given), build, keras3 or status, keras2 or status, note))

    def refused(
        self, text: str, shapes: Any, build: Build, *words: str, keras3: str = REFUSED, keras2: str = REFUSED
    ) -> None:
        given = shapes if isinstance(shapes, list) else [shapes]
        self.append(Row(text, tuple(given), build, keras3, keras2, words[0], words))


_DIVIDED = "one exact sum, divided by what is no power of two with 24 bits"

# -- sections --------------------------------------------------------------------------------------


def _linear() -> _Section:
    section = _Section("Dense and convolutions")
    section.right("Dense", VECTOR, _layer("Dense", 4), note="at every position of up to three leading axes")
    section.right("Dense, two axes", LINE, _layer("Dense", 4, activation="relu"))
    section.right(
        "Conv1D (valid, same, causal; dilated)", LINE, _layer("Conv1D", 4, 3, padding="causal", dilation_rate=2)
    )
    section.right("Conv2D (strides, dilation)", IMAGE, _layer("Conv2D", 3, 3, padding="same", strides=2))
    section.right("Conv1D(groups)", LINE, _layer("Conv1D", 6, 3, groups=3), note="as many as channels: depthwise")
    section.right("Conv2D(groups)", IMAGE, _layer("Conv2D", 6, 3, groups=2, padding="same"))
    section.right("DepthwiseConv1D", LINE, _layer("DepthwiseConv1D", 3, depth_multiplier=2))
    section.right("DepthwiseConv2D", IMAGE, _layer("DepthwiseConv2D", 3, depth_multiplier=2))
    section.right("SeparableConv1D", LINE, _layer("SeparableConv1D", 4, 3))
    section.right("SeparableConv2D", IMAGE, _layer("SeparableConv2D", 3, 3))
    section.right("Conv1DTranspose", LINE, _layer("Conv1DTranspose", 2, 3, strides=2))
    section.right("Conv2DTranspose", IMAGE, _layer("Conv2DTranspose", 2, 3, strides=2, padding="same"))
    section.right(
        "Conv3D (strides, dilation, groups)", VOLUME, _layer("Conv3D", 4, (2, 3, 2), strides=2, padding="same")
    )
    section.right("Conv3D(groups)", VOLUME, _layer("Conv3D", 2, (2, 3, 2), groups=2, dilation_rate=(2, 1, 1)))
    section.refused("Conv3DTranspose", VOLUME, _layer("Conv3DTranspose", 2, 2), "volumes is not implemented")
    section.right(
        "LocallyConnected1D", LINE, _layer("LocallyConnected1D", 2, 3, strides=2, activation="relu"), keras3=ABSENT
    )
    unshared = _layer("LocallyConnected2D", 2, 2, strides=(2, 1), implementation=2, padding="same")
    section.right(
        "LocallyConnected2D", IMAGE, unshared, keras3=ABSENT, note="any implementation; all windows are one word"
    )
    listed = _layer("LocallyConnected2D", 2, (3, 2), implementation=3, padding="same", use_bias=False)
    section.right("LocallyConnected2D(implementation=3)", IMAGE, listed, keras3=ABSENT)
    first = _layer("LocallyConnected1D", 2, 3, data_format="channels_first")
    section.refused("LocallyConnected1D(channels_first)", LINE, first, "data_format='channels_first'", keras3=ABSENT)
    section.right("EinsumDense", LINE, _layer("EinsumDense", "abc,cd->abd", output_shape=(None, 4), bias_axes="d"))
    section.right(
        "EinsumDense, any contraction",
        (4, 5, 3),
        _layer("EinsumDense", "abcd,bde->aec", output_shape=(6, 5), bias_axes="ec", activation="relu"),
        note="every label once; the first axis is the samples'",
    )
    section.right(
        "any layer, channels_first",
        IMAGE,
        _layer("MaxPooling2D", 2, data_format="channels_first"),
        note="transposed once at the border of the model; traces inside of it have the channels last",
    )
    section.refused("any layer, not float32", VECTOR, _layer("Dense", 3, dtype="mixed_float16"), "only 'float32'")
    return section


def _normalisation() -> _Section:
    section = _Section("Normalisation and scaling")
    bn = "BatchNormalization"
    section.right(bn, IMAGE, _layer(bn), CLOSE, note="any axis; scale and bias have 24 bits, or are fused")
    section.right(f"{bn}(renorm)", IMAGE, _layer(bn, renorm=True), CLOSE)
    section.right(f"{bn}, another axis", IMAGE, _layer(bn, axis=1), CLOSE)
    section.right("Rescaling", IMAGE, _layer("Rescaling", 0.5, offset=-1.0))
    section.right("Rescaling by 1/255", IMAGE, _layer("Rescaling", 1 / 255), CLOSE, note="the factor has 24 bits")
    statistics: dict[str, Any] = {"mean": [1.0, 2.0, 3.0, 0.0], "variance": [4.0, 1.0, 0.25, 1.0]}
    section.right("Normalization", IMAGE, _layer("Normalization", **statistics), note="the last axis, or one for all")
    section.right("Normalization, invert", IMAGE, _layer("Normalization", invert=True, **statistics))
    layer, group = "LayerNormalization", "GroupNormalization"
    section.right(layer, LINE, _layer(layer), CLOSE, note="within a step of the result, like all below; any epsilon")
    section.right(f"{layer}, several axes", IMAGE, _layer(layer, axis=[1, 3], center=False), CLOSE, note="any")
    section.refused(
        f"{layer}(rms_scaling)", LINE, _layer(layer, rms_scaling=True), "use RMSNormalization", keras2=ABSENT
    )
    section.right("RMSNormalization", LINE, _layer("RMSNormalization"), CLOSE, keras2=ABSENT, note="the last axes")
    section.right("UnitNormalization", LINE, _layer("UnitNormalization"), CLOSE, note="any axes")
    section.right(group, IMAGE, _layer(group, groups=2), CLOSE, note="any number of groups, any axis")
    section.right(f"{group} of each channel", IMAGE, _layer(group, groups=-1, axis=2), CLOSE)
    section.refused(
        "SpectralNormalization",
        VECTOR,
        lambda keras, x: keras.layers.SpectralNormalization(keras.layers.Dense(3))(x),
        "remove the wrapper after training",
    )
    return section


def _pooling() -> _Section:
    section = _Section("Pooling")
    section.right("MaxPooling1D", LINE, _layer("MaxPooling1D", 3, strides=2, padding="same"))
    section.right("MaxPooling2D", IMAGE, _layer("MaxPooling2D", (2, 3), padding="same"))
    section.right("AveragePooling1D", LINE, _layer("AveragePooling1D", 2))
    section.right("AveragePooling2D", IMAGE, _layer("AveragePooling2D", 2))
    section.right(
        "AveragePooling2D, 3 x 3", IMAGE, _layer("AveragePooling2D", 3), CLOSE, note="1/count has 24 bits where inexact"
    )
    for kind in ("Max", "Average"):
        status = EXACT if kind == "Max" else CLOSE
        section.right(f"Global{kind}Pooling1D", LINE, _layer(f"Global{kind}Pooling1D"))
        section.right(
            f"Global{kind}Pooling2D, keepdims", IMAGE, _layer(f"Global{kind}Pooling2D", keepdims=True), status
        )
    section.right("MaxPooling3D", VOLUME, _layer("MaxPooling3D", (2, 3, 2), padding="same"))
    section.right("AveragePooling3D", VOLUME, _layer("AveragePooling3D", (2, 3, 2), strides=1, padding="same"), CLOSE)
    section.right("GlobalMaxPooling3D", VOLUME, _layer("GlobalMaxPooling3D"))
    section.right("GlobalAveragePooling3D", VOLUME, _layer("GlobalAveragePooling3D", keepdims=True), CLOSE)
    section.right("AdaptiveMaxPooling1D", LINE, _layer("AdaptiveMaxPooling1D", 3), keras2=ABSENT)
    section.right("AdaptiveMaxPooling2D", IMAGE, _layer("AdaptiveMaxPooling2D", (4, 2)), keras2=ABSENT)
    section.right("AdaptiveMaxPooling3D", VOLUME, _layer("AdaptiveMaxPooling3D", 2), keras2=ABSENT)
    section.right("AdaptiveAveragePooling1D", LINE, _layer("AdaptiveAveragePooling1D", 3), CLOSE, keras2=ABSENT)
    section.right("AdaptiveAveragePooling2D", IMAGE, _layer("AdaptiveAveragePooling2D", (4, 2)), CLOSE, keras2=ABSENT)
    section.right("AdaptiveAveragePooling3D", VOLUME, _layer("AdaptiveAveragePooling3D", 2), CLOSE, keras2=ABSENT)
    return section


def _activations() -> _Section:
    section = _Section("Activations (as a layer, by name, as an argument)")
    for name in ("linear", "relu", "relu6"):
        section.right(name, VECTOR, _activation(name))
    section.right("ReLU(max_value, negative_slope)", VECTOR, _layer("ReLU", max_value=2.0, negative_slope=0.25))
    section.right("ReLU(threshold)", VECTOR, _layer("ReLU", threshold=0.5), note="x > threshold, compared exactly")
    section.right(
        "ReLU(threshold, max_value, negative_slope)",
        VECTOR,
        _layer("ReLU", threshold=0.5, max_value=3.0, negative_slope=0.25),
    )
    section.right("ThresholdedReLU", VECTOR, _layer("ThresholdedReLU", 0.5), keras3=ABSENT)
    section.right("LeakyReLU(0.25)", VECTOR, lambda keras, x: keras.layers.LeakyReLU(0.25)(x))
    section.right("leaky_relu", VECTOR, _activation("leaky_relu"), CLOSE, note="slope 0.2, in 16 bits")
    section.right("PReLU", IMAGE, _layer("PReLU"), note="any shared_axes")
    section.right("PReLU(shared_axes)", IMAGE, _layer("PReLU", shared_axes=[1, 2]))
    section.right("ELU", VECTOR, _layer("ELU", 0.5), CLOSE, note="within a step of the result, like all below")
    for name in ("elu", "selu", "sigmoid", "tanh", "softplus", "softsign", "gelu", "silu", "swish", "mish"):
        section.right(name, VECTOR, _activation(name), CLOSE)
    section.right(
        "exponential",
        VECTOR,
        lambda keras, x: keras.layers.Activation("exponential")(keras.layers.Rescaling(0.25)(x)),
        CLOSE,
        note="its range can be huge: give calibration data, or the result's type",
    )
    for name in ("celu", "log_sigmoid", "squareplus", "tanh_shrink", "sparse_sigmoid", "sparse_plus"):
        section.right(name, VECTOR, _activation(name), CLOSE, keras2=ABSENT)
    section.right("soft_shrink", VECTOR, _activation("soft_shrink"), keras2=ABSENT)
    section.right(
        "hard_sigmoid",
        VECTOR,
        _activation("hard_sigmoid"),
        CLOSE,
        note="slope 1/6 in Keras 3, 0.2 in Keras 2, 1/2 in QKeras",
    )
    section.right("hard_silu, hard_swish", VECTOR, _activation("hard_silu"), CLOSE, keras2=ABSENT)
    section.right("hard_tanh", VECTOR, _activation("hard_tanh"), keras2=ABSENT)
    section.right(
        "softmax",
        LINE,
        _activation("softmax"),
        CLOSE,
        note="the order never turns round; near values may come out equal",
    )
    section.right("Softmax(axis)", LINE, _layer("Softmax", axis=1), CLOSE, note="any axes")
    section.right("hard_shrink", VECTOR, _activation("hard_shrink"), keras2=ABSENT)
    section.right("threshold", VECTOR, lambda keras, x: keras.activations.threshold(x, 0.25, -0.5), keras2=ABSENT)
    section.right("Softmax(axis), four axes", (2, 3, 2, 4), _layer("Softmax", axis=[1, 3]), CLOSE)
    section.right("log_softmax", LINE, _activation("log_softmax"), CLOSE, note="far from the largest input as well")
    section.right(
        "sparsemax",
        LINE,
        _activation("sparsemax"),
        CLOSE,
        keras2=ABSENT,
        note="that of Keras up to 3.15, which does not sum to 1",
    )
    section.right("glu", VECTOR, _activation("glu"), CLOSE, keras2=ABSENT)
    section.refused(
        "a function of your own", VECTOR, lambda keras, x: keras.layers.Activation(lambda t: t * 2)(x), "of your own"
    )
    return section


def _merging() -> _Section:
    section = _Section("Merging")
    for name in ("Add", "Multiply", "Maximum", "Minimum", "Average"):
        section.right(name, [LINE, LINE], _layer(name), note="any number of inputs" if name == "Add" else "")
    section.right("Subtract", [LINE, LINE], _layer("Subtract"))
    section.right("... one value a channel", [IMAGE, (1, 1, 4)], _layer("Multiply"))
    section.right("... one channel for all", [IMAGE, (6, 5, 1)], _layer("Multiply"))
    section.right("... one row for all", [(1, 5, 4), IMAGE], _layer("Subtract"))
    section.right("... both spread", [(8, 1), (1, 3)], _layer("Add"))
    section.right("... of fewer axes", [IMAGE, (4,)], _layer("Add"))
    section.right("Concatenate", [LINE, (8, 5), LINE], _layer("Concatenate"), note="any number of inputs, any axis")
    section.refused("Concatenate, the batch", [LINE, LINE], _layer("Concatenate", axis=0), "is the batch")
    section.right("Dot of vectors", [VECTOR, VECTOR], _layer("Dot", 1))
    section.right("Dot of matrices", [LINE, (5, 3)], _layer("Dot", (2, 2)), note="any axes")
    section.right("Dot of tensors", [(2, 4, 3), (3, 5)], _layer("Dot", (3, 1)))
    section.refused("Dot(normalize)", [LINE, LINE], _layer("Dot", 1, normalize=True), "normalize=True")
    return section


def _attention() -> _Section:
    section = _Section("Attention")
    heads, places, pair = "MultiHeadAttention", (5, 6), [(8, 6), (5, 6)]
    scores: dict[str, Any] = {"return_attention_scores": True}

    def small(keras: Any, x: Any) -> Any:
        """So that scores are some tens at most: a softmax makes relative errors of absolute ones."""
        return [keras.layers.Rescaling(0.25)(t) for t in x] if isinstance(x, list) else keras.layers.Rescaling(0.25)(x)

    def of_itself(name: str, *arguments: Any, call: dict[str, Any] | None = None, **options: Any) -> Build:
        def build(keras: Any, x: Any) -> Any:
            x = small(keras, x)
            return getattr(keras.layers, name)(*arguments, **options)(x, x, **call or {})

        return build

    def masked(rows: Any) -> Build:
        mask = [[[bool(place) for place in row] for row in rows]]
        return of_itself("MultiHeadAttention", 2, 3, call={"attention_mask": np.array(mask)})

    def of_three(keras: Any, x: Any) -> Any:
        query, value, key = small(keras, x)
        return keras.layers.MultiHeadAttention(2, 3, value_dim=4, output_shape=7)(query, value=value, key=key)

    section.right("Attention", pair, _layer("Attention", dropout=0.5), CLOSE, note="dropout does nothing at inference")
    section.right("Attention(use_scale)", pair, _layer("Attention", use_scale=True), CLOSE)
    section.right(
        "Attention(use_causal_mask, return_attention_scores)",
        [(8, 6), (5, 4), (5, 6)],
        lambda keras, x: keras.layers.Attention()(x, use_causal_mask=True, **scores),
        CLOSE,
    )
    section.right("Attention(concat)", [(4, 3), (5, 3)], _layer("Attention", score_mode="concat"), CLOSE)
    section.right("AdditiveAttention", [(4, 3), (5, 3)], _layer("AdditiveAttention"), CLOSE)
    section.right(
        heads, places, of_itself(heads, 2, 3), CLOSE, note="for scores of some tens; far larger ones need bits"
    )
    section.right(
        f"{heads}(value_dim, output_shape), of three tensors",
        [(8, 6), (5, 4), (5, 6)],
        of_three,
        CLOSE,
    )
    section.right(f"{heads}(attention_axes)", (2, 3, 6), of_itself(heads, 2, 3, attention_axes=2), CLOSE, note="any")
    section.right(
        f"{heads}(use_causal_mask)",
        places,
        of_itself(heads, 2, 3, call={"use_causal_mask": True, **scores}),
        CLOSE,
        note="places that do not count are exactly zero",
    )
    section.right(
        f"{heads}(attention_mask), a constant",
        (3, 6),
        masked([[1, 0, 1], [0, 1, 0], [1, 1, 1]]),
        CLOSE,
        note="one for all samples and heads",
    )
    section.refused(
        f"{heads}(attention_mask), a tensor",
        [(3, 6), (3, 3)],
        lambda keras, x: keras.layers.MultiHeadAttention(2, 3)(x[0], x[0], attention_mask=x[1]),
        "attention_mask=a tensor",
    )
    section.refused(
        f"{heads}, a query without a key",
        (3, 6),
        masked([[1, 0, 1], [0, 0, 0], [1, 1, 1]]),
        "leaves a query no key",
    )
    section.right(f"{heads}(use_gate)", places, of_itself(heads, 2, 3, use_gate=True), CLOSE, keras2=ABSENT)
    section.right(f"{heads}(sliding_window)", places, of_itself(heads, 2, 3, sliding_window=2), CLOSE, keras2=ABSENT)
    section.right("GroupQueryAttention", places, of_itself("GroupQueryAttention", 3, 4, 2), CLOSE, keras2=ABSENT)
    return section


def _shapes() -> _Section:
    section = _Section("Shapes")
    section.right("Flatten", IMAGE, _layer("Flatten"))
    section.right("Reshape", LINE, _layer("Reshape", (-1, 4)), note="-1 too")
    section.right("Permute", IMAGE, _layer("Permute", (3, 1, 2)), note="any number of axes")
    section.right("Permute, four axes", (2, 3, 4, 2), _layer("Permute", (4, 3, 2, 1)))
    section.right("RepeatVector", VECTOR, _layer("RepeatVector", 3))
    section.right("ZeroPadding1D, ZeroPadding2D", IMAGE, _layer("ZeroPadding2D", ((1, 0), (2, 1))))
    section.right("Cropping1D, Cropping2D", IMAGE, _layer("Cropping2D", ((1, 0), (2, 1))))
    section.right("UpSampling1D, UpSampling2D", IMAGE, _layer("UpSampling2D", (2, 3)), note="nearest neighbour")
    section.right("UpSampling2D, bilinear", IMAGE, _layer("UpSampling2D", (2, 4), interpolation="bilinear"))
    section.right(
        "UpSampling2D, bilinear, 3", IMAGE, _layer("UpSampling2D", 3, interpolation="bilinear"), CLOSE, note=_DIVIDED
    )
    section.refused(
        "UpSampling2D, bicubic",
        IMAGE,
        _layer("UpSampling2D", 2, interpolation="bicubic"),
        "only 'nearest' or 'bilinear'",
    )
    section.right("ZeroPadding3D", VOLUME, _layer("ZeroPadding3D", ((1, 0), (0, 2), (1, 1))))
    section.right("Cropping3D", VOLUME, _layer("Cropping3D", ((1, 0), (0, 2), (1, 1))))
    section.right("UpSampling3D", VOLUME, _layer("UpSampling3D", (2, 1, 3)), note="nearest neighbour")
    section.right("Resizing, nearest", IMAGE, _layer("Resizing", 9, 3, interpolation="nearest"), note="to any size")
    section.right("Resizing, bilinear", IMAGE, _layer("Resizing", 7, 8), CLOSE, note=_DIVIDED)
    section.refused(
        "Resizing(crop_to_aspect_ratio)", IMAGE, _layer("Resizing", 4, 4, crop_to_aspect_ratio=True), "only False"
    )
    return section


def _training() -> _Section:
    section = _Section("Training only (nothing at inference)")
    names = ["Dropout", "GaussianDropout", "AlphaDropout", "GaussianNoise"]
    for name in names:
        section.right(name, VECTOR, _layer(name, 0.5))
    section.right("SpatialDropout1D, 2D, 3D", IMAGE, _layer("SpatialDropout2D", 0.5))
    section.right("ActivityRegularization", VECTOR, _layer("ActivityRegularization", 0.1))
    section.right("RandomFlip", IMAGE, _layer("RandomFlip"))
    section.right("RandomRotation, RandomZoom, ...", IMAGE, _layer("RandomRotation", 0.1))
    section.refused("RandomCrop", IMAGE, _layer("RandomCrop", 4, 4), "before the model")
    return section


def _structure() -> _Section:
    section = _Section("Structure")

    def nested(keras: Any, x: Any) -> Any:
        inner = keras.Sequential([keras.layers.Dense(4, activation="relu"), keras.layers.Dense(3)])
        return keras.layers.Dense(2)(inner(x))

    def shared(keras: Any, x: Any) -> Any:
        dense = keras.layers.Dense(6)
        return keras.layers.Add()([dense(x), dense(dense(x))])

    def distributed(*layer: Any, **options: Any) -> Build:
        name, *arguments = layer
        return lambda keras, x: keras.layers.TimeDistributed(getattr(keras.layers, name)(*arguments, **options))(x)

    def modelled(*last: Any) -> Build:
        """Of a model of several layers, with a branch; ``last`` gets the rows of what it finds."""
        name, *arguments = last

        def build(keras: Any, x: Any) -> Any:
            image = keras.Input(IMAGE)
            y = keras.layers.Conv2D(2, 3, padding="same", activation="relu")(image)
            y = keras.layers.Reshape((IMAGE[0], -1))(keras.layers.Concatenate()([y, image]))
            return keras.layers.TimeDistributed(keras.Model(image, getattr(keras.layers, name)(*arguments)(y)))(x)

        return build

    section.right("nested models", VECTOR, nested)
    section.right("shared layers", VECTOR, shared)
    section.right("several inputs and outputs", [VECTOR, LINE], lambda keras, x: [keras.layers.Dense(2)(x[1]), x[0]])
    section.right("TimeDistributed(Dense)", LINE, distributed("Dense", 4, activation="relu"))
    section.right("TimeDistributed(Activation, Dropout, ...)", LINE, distributed("Activation", "relu"))
    section.right("TimeDistributed(Flatten)", IMAGE, distributed("Flatten"))
    section.right(
        "TimeDistributed(Conv2D)", (3, *IMAGE), distributed("Conv2D", 2, 3), note="any layer, but one with steps"
    )
    section.right(
        "TimeDistributed(BatchNormalization), another axis", (4, 4, 3), distributed("BatchNormalization", axis=1), CLOSE
    )
    section.right("TimeDistributed(GlobalMaxPooling2D)", (3, *IMAGE), distributed("GlobalMaxPooling2D"))
    section.right(
        "TimeDistributed(model)", (3, *IMAGE), modelled("Dense", 2), note="of one input and output, without loops"
    )
    section.refused("TimeDistributed(model with LSTM)", (3, *IMAGE), modelled("LSTM", 3), "a loop in a loop")
    section.right("Embedding", (4,), _looked_up(5, 3), note="numbers beyond its rows take the first or the last")
    section.right("Embedding(mask_zero)", (4,), _looked_up(5, 3, mask_zero=True), note="where no layer uses the mask")
    section.refused("Embedding(mask_zero), LSTM", (4,), _masked(_looked_up(5, 3, mask_zero=True)), "without a mask")
    section.right("Masking", LINE, lambda keras, x: keras.layers.Dense(2)(keras.layers.Masking()(x)), note="the same")
    section.refused("Masking, LSTM", LINE, _masked(_layer("Masking")), "without a mask")
    section.refused("Masking(mask_value)", LINE, _layer("Masking", 1.0), "mask_value other than 0")
    section.refused("Lambda", VECTOR, lambda keras, x: keras.layers.Lambda(lambda t: t * 2)(x), "never run")
    section.refused("CenterCrop", IMAGE, _layer("CenterCrop", 4, 4), "before the model")
    return section


def _looked_up(rows: int, outputs: int, **options: Any) -> Build:
    """Rows of numbers that there are: of others Keras makes what its backend does."""

    def build(keras: Any, x: Any) -> Any:
        numbers = keras.layers.ReLU(max_value=rows - 1.0)(x)
        return keras.layers.Dense(2)(keras.layers.Embedding(rows, outputs, **options)(numbers))

    return build


def _masked(before: Build) -> Build:
    return lambda keras, x: keras.layers.LSTM(3)(before(keras, x))


def _recurrent() -> _Section:
    section = _Section("Recurrent layers")

    def both_ways(name: str, **options: Any) -> Build:
        def build(keras: Any, x: Any) -> Any:
            layer = getattr(keras.layers, name)(3, return_sequences=True)
            return keras.layers.Bidirectional(layer, **options)(x)

        return build

    def stacked(keras: Any, x: Any) -> Any:
        return keras.layers.GRU(3)(keras.layers.LSTM(4, return_sequences=True)(x))

    def started(keras: Any, x: Any) -> Any:
        return keras.layers.LSTM(3)(x[0], initial_state=x[1:])

    section.right("SimpleRNN", LINE, _layer("SimpleRNN", 3), CLOSE, note="any activation that there is")
    section.right("SimpleRNN(hard_sigmoid)", LINE, _layer("SimpleRNN", 2, activation="hard_sigmoid"), CLOSE)
    section.right("LSTM", LINE, _layer("LSTM", 3), CLOSE, note="bias or none")
    section.right("LSTM(return_sequences)", LINE, _layer("LSTM", 3, return_sequences=True, use_bias=False), CLOSE)
    section.right("LSTM(return_state)", LINE, _layer("LSTM", 3, return_state=True), CLOSE)
    section.right("LSTM(initial_state)", [LINE, (3,), (3,)], started, CLOSE)
    section.right("LSTM(go_backwards)", LINE, _layer("LSTM", 3, go_backwards=True, return_sequences=True), CLOSE)
    section.right("GRU", LINE, _layer("GRU", 3), CLOSE)
    section.right("GRU(reset_after=False)", LINE, _layer("GRU", 3, reset_after=False), CLOSE)
    section.right("several, one behind the other", LINE, stacked, CLOSE)
    section.right("Bidirectional", LINE, both_ways("LSTM"), CLOSE, note="of SimpleRNN, LSTM, GRU")
    section.right("Bidirectional(merge_mode)", LINE, both_ways("GRU", merge_mode="ave"), CLOSE, note="any")
    section.refused("LSTM(stateful)", LINE, _stateful, "begins every sample anew")
    section.right("ConvLSTM1D", (4, 6, 2), _layer("ConvLSTM1D", 2, 3, strides=2, return_state=True), CLOSE)
    options: dict[str, Any] = {"padding": "same", "return_sequences": True, "dilation_rate": 2, "use_bias": False}
    section.right("ConvLSTM2D", (3, 4, 5, 2), _layer("ConvLSTM2D", 2, (2, 3), go_backwards=True, **options), CLOSE)
    first = _layer("ConvLSTM1D", 2, 3, data_format="channels_first")
    section.refused("ConvLSTM1D(channels_first)", (3, 3, 6), first, "data_format='channels_first'")
    return section


def _stateful(keras: Any, x: Any) -> Any:
    """Keras wants to know the size of a batch, and says it when the layer is called."""
    layer = keras.layers.LSTM(3)
    y = layer(x)
    layer.stateful = True
    return y


def _powers(keras: Any, x: Any) -> Any:
    ops = keras.ops
    return [ops.square(x), ops.power(x, 3), ops.absolute(x), keras.layers.Activation(ops.absolute)(x)]


def _no_function(keras: Any, x: Any) -> Any:
    return keras.ops.sqrt(x)


def _slices(keras: Any, x: Any) -> Any:
    return [x[:, 1:3], x[:, -1], x[:, ::-2, :, 3:0:-1], x[:, None], x[:, 2:, 0, None]]


def _numpy_like(keras: Any) -> Build:
    """An ellipsis, where files of the library can hold one."""
    return lambda x: x[..., 0] if keras.__name__ == "keras" else x[:, :, :, 0]


def _chosen(keras: Any, x: Any) -> Any:
    ops = keras.ops
    taken = [ops.take(x, [0, 2, 2], axis=1), ops.take(x, np.array([[0, -1], [1, 1]]), axis=-1), ops.take(x, 3, axis=2)]
    turned = [ops.flip(x, axis=1), ops.flip(x, axis=(2, -1)), ops.roll(x, (1, -2), axis=(1, 3))]
    return [*taken, *turned, ops.slice(x, (0, 1, 0, 2), (-1, 2, 5, 1)), ops.unstack(x, axis=2)[3]]


def _turned(keras: Any, x: Any) -> Any:
    ops = keras.ops
    moved = [ops.swapaxes(x, 1, 2), ops.moveaxis(x, 1, -1), ops.moveaxis(x, (-1, 1), (1, 2))]
    moved.append(ops.swapaxes(ops.reshape(x, (-1, 3, 2, 5, 4)), 2, 3))  # as images are cut into patches
    return [ops.squeeze(x[:, :1], 1), ops.squeeze(x[:, :1, :1]), ops.stack([x, -x], axis=-1), *moved]


def _enlarged(keras: Any, x: Any) -> Any:
    ops = keras.ops
    longer = [ops.tile(x, (1, 2, 1, 3)), ops.repeat(x, 2, axis=1), ops.repeat(x, (1, 0, 2, 1), axis=-1)]
    sides = ((0, 0), (1, 2), (0, 0), (0, 3))
    return [*longer, ops.pad(x, sides), ops.pad(x, sides, mode="reflect"), ops.pad(x, sides, mode="symmetric")]


def _of_the_batch(keras: Any, x: Any) -> Any:
    return keras.ops.take(x, [0, 1])


def _reduction(keras: Any, library: str, name: str) -> Any:
    """``keras.ops.sum`` or ``tf.reduce_sum``. Raises TypeError where this Keras has other ones."""
    if library == "tensorflow":
        return getattr(_tensorflow(keras), f"reduce_{name}")
    return getattr(keras.ops, name)


def _reduced(library: str) -> Build:
    def build(keras: Any, x: Any) -> Any:
        total, least = _reduction(keras, library, "sum"), _reduction(keras, library, "min")
        largest = _reduction(keras, library, "max")
        sums = [total(x, axis=1), total(x, axis=(1, 3), keepdims=True), total(x, axis=2), total(x, axis=(2, -1))]
        return [*sums, largest(x, axis=(1, 2)), largest(x, axis=-1), least(x, axis=(1, 3)), least(x, axis=2)]

    return build


def _rounded(library: str) -> Build:
    def build(keras: Any, x: Any) -> Any:
        mean, product = _reduction(keras, library, "mean"), _reduction(keras, library, "prod")
        means = [mean(x, axis=1), mean(x, axis=(1, 2, 3), keepdims=True), mean(x, axis=-1), mean(x, axis=2)]
        return [*means, product(x, axis=-1), product(x, axis=2, keepdims=True)]

    return build


def _places(keras: Any, x: Any) -> Any:
    ops = keras.ops
    places = [ops.argmax(x, axis=-1), ops.argmin(x, axis=1), ops.argmax(x, axis=2, keepdims=True)]
    return [*places, *ops.top_k(x, 3), ops.top_k(x[:, 0], 1)[0]]


def _places_by_tensorflow(keras: Any, x: Any) -> Any:
    tf = _tensorflow(keras)
    return [tf.argmax(x, -1), tf.argmin(x, axis=1), *tf.math.top_k(x, k=3)]


def _place_alone(keras: Any, x: Any) -> Any:
    return keras.ops.argmax(x, axis=-1)


def _sum_of_all(keras: Any, x: Any) -> Any:
    return keras.ops.sum(x)


def _chosen_by_tensorflow(keras: Any, x: Any) -> Any:
    tf = _tensorflow(keras)
    taken = [tf.gather(x, [0, 2, 2], axis=1), tf.gather(x, 1, axis=-1), tf.slice(x, (0, 1, 0, 2), (-1, 2, -1, 1))]
    return [*taken, tf.reverse(x, [1, 3]), tf.roll(x, 1, 2), tf.unstack(x, axis=1)[4]]


def _turned_by_tensorflow(keras: Any, x: Any) -> Any:
    tf = _tensorflow(keras)
    halves = tf.split(x, 2, axis=-1)
    moved = [tf.transpose(x, (0, 2, 1, 3)), tf.concat(halves[::-1], axis=3), tf.stack([x, x], axis=1)]
    return [*moved, tf.squeeze(x[:, :1], 1), tf.split(x, [1, -1, 2], axis=1)[1]]


def _enlarged_by_tensorflow(keras: Any, x: Any) -> Any:
    tf = _tensorflow(keras)
    longer = [tf.tile(x, (1, 2, 1, 3)), tf.repeat(x, 2, axis=1), tf.pad(x, ((0, 0), (1, 2), (0, 0), (0, 3)))]
    mirrored = tf.pad(x, ((0, 0), (1, 2), (0, 0), (0, 3)), "REFLECT")
    return [*longer, mirrored, tf.reshape(x, (-1, 20, 6)), tf.expand_dims(x, 2)]


def _tensorflow(keras: Any) -> Any:
    """TensorFlow, whose functions Keras 2 wraps in layers. Raises TypeError for Keras 3, which does not."""
    if keras.__name__ == "keras":
        raise TypeError("functions of TensorFlow take no tensors of Keras 3")
    import tensorflow

    return tensorflow


def _operations() -> _Section:
    section = _Section("Operators and functions on tensors")
    section.right("x + y, x - y, x * y", [VECTOR, VECTOR], lambda keras, x: x[0] * x[1] - (x[0] + x[1]))
    section.right("x + 1, 1 - x, 2 * x, x / 4, -x", VECTOR, lambda keras, x: -(2 * (1 - (x + 1)) / 4))
    section.right("keras.activations.relu(x), ...", VECTOR, lambda keras, x: keras.activations.relu(x))
    section.right("keras.ops.relu(x), ...", VECTOR, lambda keras, x: keras.ops.relu(x), keras2=ABSENT)
    section.right(
        "keras.ops.image.resize", IMAGE, lambda keras, x: keras.ops.image.resize(x, (3, 10)), CLOSE, keras2=ABSENT
    )
    section.right("keras.ops.clip(x, a, b)", VECTOR, lambda keras, x: keras.ops.clip(x, -1, 1.5), keras2=ABSENT)
    section.right("keras.ops.maximum(x, a)", VECTOR, lambda keras, x: keras.ops.maximum(x, 0.5), keras2=ABSENT)
    section.right("keras.ops.minimum(x, a)", VECTOR, lambda keras, x: keras.ops.minimum(x, -0.5), keras2=ABSENT)
    section.right("keras.ops.reshape", VECTOR, lambda keras, x: keras.ops.reshape(x, (-1, 2, 3)), keras2=ABSENT)
    section.right("keras.ops.expand_dims", VECTOR, lambda keras, x: keras.ops.expand_dims(x, (1, -1)), keras2=ABSENT)
    section.right("keras.ops.transpose", LINE, lambda keras, x: keras.ops.transpose(x, (0, 2, 1)), keras2=ABSENT)
    section.right(
        "keras.ops.concatenate", [LINE, LINE], lambda keras, x: keras.ops.concatenate(x, axis=1), keras2=ABSENT
    )
    section.right(
        "keras.ops.split",
        IMAGE,
        lambda keras, x: [*keras.ops.split(x, 2, axis=-1), keras.ops.split(x, [1, 3], axis=1)[1]],
        keras2=ABSENT,
        note="in arrays and streams; parts may go unread",
    )
    section.right(
        "keras.ops.slice, take, flip, roll, unstack", IMAGE, _chosen, keras2=ABSENT, note="indices are constants"
    )
    section.right(
        "keras.ops.squeeze, stack, swapaxes, moveaxis", IMAGE, _turned, keras2=ABSENT, note="not of the batch"
    )
    section.right("keras.ops.tile, repeat, pad", IMAGE, _enlarged, keras2=ABSENT, note="with zeros, reflect, symmetric")
    section.right("keras.ops.sum, max, amax, min, amin", IMAGE, _reduced("keras.ops"), keras2=ABSENT, note="any axes")
    section.right("keras.ops.mean, prod", IMAGE, _rounded("keras.ops"), CLOSE, keras2=ABSENT)
    section.right("tf.reduce_sum, reduce_max, reduce_min", IMAGE, _reduced("tensorflow"), keras3=ABSENT)
    section.right("tf.reduce_mean, reduce_prod", IMAGE, _rounded("tensorflow"), CLOSE, keras3=ABSENT)
    section.right("keras.ops.argmax, argmin, top_k", IMAGE, _places, keras2=ABSENT, note="of equal ones the first")
    section.right("tf.argmax, argmin, math.top_k", IMAGE, _places_by_tensorflow, keras3=ABSENT)
    section.refused("keras.ops.argmax of a vector", VECTOR, _place_alone, "keep an axis of 1", keras2=ABSENT)
    section.refused("keras.ops.sum of everything", VECTOR, _sum_of_all, "runs through the batch", keras2=ABSENT)
    section.refused("keras.ops.take of the batch", VECTOR, _of_the_batch, "runs through the batch", keras2=ABSENT)
    section.right("tf.slice, gather, reverse, roll, unstack", IMAGE, _chosen_by_tensorflow, keras3=ABSENT)
    section.right("tf.squeeze, stack, transpose, concat, split", IMAGE, _turned_by_tensorflow, keras3=ABSENT)
    section.right("tf.reshape, expand_dims, tile, repeat, pad", IMAGE, _enlarged_by_tensorflow, keras3=ABSENT)
    section.refused("x * [1, 2, ...]", VECTOR, lambda keras, x: x * np.arange(6.0), "called with the constant")
    section.refused("x / y", [VECTOR, VECTOR], lambda keras, x: x[0] / x[1], "divide by a number")
    section.right("x @ y", [LINE, (3, 4)], lambda keras, x: x[0] @ x[1])
    section.right(
        "keras.ops.matmul",
        [(2, 4, 3), (1, 3, 5)],
        lambda keras, x: keras.ops.matmul(*x),
        keras2=ABSENT,
        note="two computed tensors; matrices are repeated where there is one",
    )
    section.right(
        "keras.ops.einsum",
        [(8, 2, 3), (5, 2, 3)],
        lambda keras, x: keras.ops.einsum("ibnd,ijnd->inbj", *x),
        keras2=ABSENT,
        note="two computed tensors, every label once",
    )
    section.refused(
        "keras.ops.einsum, a diagonal",
        [(3, 3), (3, 4)],
        lambda keras, x: keras.ops.einsum("abb,abc->abc", *x),
        "takes a diagonal",
        keras2=ABSENT,
    )
    section.refused(
        "keras.ops.einsum, a sum over one tensor",
        [LINE, (8, 4)],
        lambda keras, x: keras.ops.einsum("abc,abd->ad", *x),
        "of one tensor alone",
        keras2=ABSENT,
    )
    section.right("x ** 2, x ** 3, ...", VECTOR, lambda keras, x: [x**2, x**3], CLOSE, note="up to the 8th power")
    section.refused("x ** 0.5, 2 ** x", VECTOR, lambda keras, x: x**0.5, "by a whole number")
    section.right("abs(x)", VECTOR, lambda keras, x: abs(x))
    section.right("keras.ops.square, power, absolute", VECTOR, _powers, CLOSE, keras2=ABSENT)
    section.refused("keras.ops.sqrt, sign, where, ...", VECTOR, _no_function, "is not supported", keras2=ABSENT)
    section.right("x[:, 1:3], x[:, -1], x[:, ::-2], x[:, None]", IMAGE, _slices, note="any slices; not of the batch")
    section.right("x[..., 0]", IMAGE, lambda keras, x: _numpy_like(keras)(x), note="an axis has to be left")
    section.refused("x[1:]", IMAGE, lambda keras, x: x[(slice(1, None), 0)], "the batch, and has to take all of it")
    return section


SECTIONS = [
    _linear(),
    _normalisation(),
    _pooling(),
    _activations(),
    _merging(),
    _attention(),
    _shapes(),
    _training(),
    _recurrent(),
    _structure(),
    _operations(),
]
ROWS = [row for section in SECTIONS for row in section]

HEADER = """# Layers of Keras

What hlsgen makes of every layer and function of Keras 3 and of Keras 2 (tf_keras). Each line is a model in
`tests/layers/inventory.py`, which the tests convert, from the live model and from its files, and compare with Keras;
this page is written from the same list. QKeras has a page of its own, [qkeras_layers.md](qkeras_layers.md).

*exact*: equal numbers, as long as weights and results fit their types. *close*: some constant, table or result is
rounded; within 2^-10 of the largest value with 16 bits. *refused*: an error that names the layer, with the words given.
*-*: not in this version of Keras. Options that a line does not mention are supported, or refused by name.
"""


def document() -> str:
    """The text of docs/layers.md."""
    parts = [HEADER]
    for section in SECTIONS:
        parts.append(f"\n## {section.title}\n\n| | Keras 3 | Keras 2 | |\n|---|---|---|---|\n")
        parts += [f"| {row.text} | {row.keras3} | {row.keras2} | {row.note} |\n" for row in section]
    return "".join(parts)
