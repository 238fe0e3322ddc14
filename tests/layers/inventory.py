"""What becomes of every layer and function of Keras: the rows of docs/layers.md, each with a model that shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Build = Callable[[Any, Any], Any]
IMAGE, LINE, VECTOR = (6, 5, 4), (8, 3), (6,)
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


# -- sections --------------------------------------------------------------------------------------


def _linear() -> _Section:
    section = _Section("Dense and convolutions")
    section.right("Dense", VECTOR, _layer("Dense", 4), note="at every position of up to three leading axes")
    section.right("Dense, two axes", LINE, _layer("Dense", 4, activation="relu"))
    section.right(
        "Conv1D (valid, same, causal; dilated)", LINE, _layer("Conv1D", 4, 3, padding="causal", dilation_rate=2)
    )
    section.right("Conv2D (strides, dilation)", IMAGE, _layer("Conv2D", 3, 3, padding="same", strides=2))
    section.right("DepthwiseConv1D", LINE, _layer("DepthwiseConv1D", 3, depth_multiplier=2))
    section.right("DepthwiseConv2D", IMAGE, _layer("DepthwiseConv2D", 3, depth_multiplier=2))
    section.right("SeparableConv1D", LINE, _layer("SeparableConv1D", 4, 3))
    section.right("SeparableConv2D", IMAGE, _layer("SeparableConv2D", 3, 3))
    section.right("Conv1DTranspose", LINE, _layer("Conv1DTranspose", 2, 3, strides=2))
    section.right("Conv2DTranspose", IMAGE, _layer("Conv2DTranspose", 2, 3, strides=2, padding="same"))
    section.refused("Conv3D", (4, 4, 4, 2), _layer("Conv3D", 2, 2), "volumes are not implemented")
    section.refused("LocallyConnected1D", LINE, _layer("LocallyConnected1D", 2, 3), "unshared weights", keras3=ABSENT)
    section.refused(
        "EinsumDense", LINE, _layer("EinsumDense", "abc,cd->abd", output_shape=(None, 4)), "write it with Reshape"
    )
    section.refused(
        "any layer, channels_first", IMAGE, _layer("Conv2D", 2, 3, data_format="channels_first"), "channels_last"
    )
    section.refused("any layer, not float32", VECTOR, _layer("Dense", 3, dtype="mixed_float16"), "only 'float32'")
    return section


def _normalisation() -> _Section:
    section = _Section("Normalisation and scaling")
    bn = "BatchNormalization"
    section.right(bn, IMAGE, _layer(bn), CLOSE, note="the last axis; scale and bias have 24 bits, or are fused")
    section.right(f"{bn}(renorm)", IMAGE, _layer(bn, renorm=True), CLOSE)
    section.refused(f"{bn}, another axis", IMAGE, _layer(bn, axis=1), "only the last axis")
    section.right("Rescaling", IMAGE, _layer("Rescaling", 0.5, offset=-1.0))
    section.right("Rescaling by 1/255", IMAGE, _layer("Rescaling", 1 / 255), CLOSE, note="the factor has 24 bits")
    statistics: dict[str, Any] = {"mean": [1.0, 2.0, 3.0, 0.0], "variance": [4.0, 1.0, 0.25, 1.0]}
    section.right("Normalization", IMAGE, _layer("Normalization", **statistics), note="the last axis, or one for all")
    section.right("Normalization, invert", IMAGE, _layer("Normalization", invert=True, **statistics))
    for name in ("LayerNormalization", "UnitNormalization"):
        section.refused(name, LINE, _layer(name), "divides by statistics of each sample")
    section.refused(
        "GroupNormalization", IMAGE, _layer("GroupNormalization", groups=2), "divides by statistics of each sample"
    )
    section.refused(
        "RMSNormalization", LINE, _layer("RMSNormalization"), "divides by statistics of each sample", keras2=ABSENT
    )
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
    section.refused("MaxPooling3D and the like", (4, 4, 4, 2), _layer("MaxPooling3D", 2), "volumes are not implemented")
    section.refused(
        "AdaptiveAveragePooling2D",
        IMAGE,
        _layer("AdaptiveAveragePooling2D", 2),
        "windows of unequal size",
        keras2=ABSENT,
    )
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
    section.refused("Dot of matrices", [LINE, LINE], _layer("Dot", 1), "two vectors")
    section.refused(
        "Attention, MultiHeadAttention", [LINE, LINE], _layer("Attention"), "multiplies two computed matrices"
    )
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
    section.refused(
        "UpSampling2D, bilinear", IMAGE, _layer("UpSampling2D", 2, interpolation="bilinear"), "only 'nearest'"
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

    section.right("nested models", VECTOR, nested)
    section.right("shared layers", VECTOR, shared)
    section.right("several inputs and outputs", [VECTOR, LINE], lambda keras, x: [keras.layers.Dense(2)(x[1]), x[0]])
    section.right("TimeDistributed(Dense)", LINE, distributed("Dense", 4, activation="relu"))
    section.right("TimeDistributed(Activation, Dropout, ...)", LINE, distributed("Activation", "relu"))
    section.right("TimeDistributed(Flatten)", IMAGE, distributed("Flatten"))
    section.right(
        "TimeDistributed(Conv2D)", (3, *IMAGE), distributed("Conv2D", 2, 3), note="any layer, but one with steps"
    )
    section.right("TimeDistributed(GlobalMaxPooling2D)", (3, *IMAGE), distributed("GlobalMaxPooling2D"))
    section.refused("Masking", LINE, _layer("Masking"), "masks are not implemented")
    section.refused("Embedding", (4,), _layer("Embedding", 5, 3), "look words up outside")
    section.refused("Lambda", VECTOR, lambda keras, x: keras.layers.Lambda(lambda t: t * 2)(x), "never run")
    section.refused("Resizing", IMAGE, _layer("Resizing", 4, 4), "before the model")
    return section


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
    section.refused("ConvLSTM1D", (4, 6, 2), _layer("ConvLSTM1D", 2, 3), "SimpleRNN, LSTM and GRU are")
    return section


def _stateful(keras: Any, x: Any) -> Any:
    """Keras wants to know the size of a batch, and says it when the layer is called."""
    layer = keras.layers.LSTM(3)
    y = layer(x)
    layer.stateful = True
    return y


def _operations() -> _Section:
    section = _Section("Operators and functions on tensors")
    section.right("x + y, x - y, x * y", [VECTOR, VECTOR], lambda keras, x: x[0] * x[1] - (x[0] + x[1]))
    section.right("x + 1, 1 - x, 2 * x, x / 4, -x", VECTOR, lambda keras, x: -(2 * (1 - (x + 1)) / 4))
    section.right("keras.activations.relu(x), ...", VECTOR, lambda keras, x: keras.activations.relu(x))
    section.right("keras.ops.relu(x), ...", VECTOR, lambda keras, x: keras.ops.relu(x), keras2=ABSENT)
    section.right("keras.ops.clip(x, a, b)", VECTOR, lambda keras, x: keras.ops.clip(x, -1, 1.5), keras2=ABSENT)
    section.right("keras.ops.maximum(x, a)", VECTOR, lambda keras, x: keras.ops.maximum(x, 0.5), keras2=ABSENT)
    section.right("keras.ops.minimum(x, a)", VECTOR, lambda keras, x: keras.ops.minimum(x, -0.5), keras2=ABSENT)
    section.right("keras.ops.reshape", VECTOR, lambda keras, x: keras.ops.reshape(x, (-1, 2, 3)), keras2=ABSENT)
    section.right("keras.ops.expand_dims", VECTOR, lambda keras, x: keras.ops.expand_dims(x, -1), keras2=ABSENT)
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
    section.refused("x / y", [VECTOR, VECTOR], lambda keras, x: x[0] / x[1], "divide by a number")
    section.refused("x @ y", [LINE, (3, 4)], lambda keras, x: x[0] @ x[1], "is not supported")
    section.refused("x ** 2", VECTOR, lambda keras, x: x**2, "is not supported")
    section.refused("x[:, 1:3]", VECTOR, lambda keras, x: x[:, 1:3], "use Cropping1D or Cropping2D")
    section.refused(
        "keras.ops.mean, sum", LINE, lambda keras, x: keras.ops.mean(x, axis=1), "have a layer", keras2=ABSENT
    )
    return section


SECTIONS = [
    _linear(),
    _normalisation(),
    _pooling(),
    _activations(),
    _merging(),
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
