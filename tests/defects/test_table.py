"""One test for each case in which hls4ml was seen to be wrong: here it is right, or refused with a message that helps.

Weights and inputs are chosen so that Keras's own float32 is exact wherever equality is asked for.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hlsgen
from hlsgen.layers.relu import Relu
from tests.defects.support import (
    BOTH,
    NEW_QKERAS,
    OLD_QKERAS,
    answers,
    check,
    data_for,
    exact,
    framework,
    qkeras,
    random_weights,
    stack,
)
from tests.ladder.harness import ALL
from tests.qkeras_layers.test_batchnorm import float32_bound


@pytest.mark.parametrize("library", BOTH)
@pytest.mark.parametrize("multiplier", [1, 2])
def test_01_batchnorm_behind_depthwise(library: str, multiplier: int) -> None:
    """One factor a channel has to meet weights of shape (h, w, channels, multiplier): a naive product mixes axes."""
    keras = framework(library)
    kl = keras.layers
    depthwise = kl.DepthwiseConv2D(3, depth_multiplier=multiplier)
    check(exact(stack(keras, (6, 5, 3), depthwise, kl.BatchNormalization(epsilon=0.0))), variants=ALL)


@pytest.mark.parametrize("shape", [(4, 6), (3, 2, 6)])
@pytest.mark.parametrize("alpha", ["1", "'auto_po2'"])
def test_02_quantized_dense_at_every_position(shape: tuple[int, ...], alpha: str) -> None:
    """A QDense on more than one axis keeps its quantisers whatever it is computed as."""
    library, keras = qkeras()
    quantizer = f"quantized_bits(4,0,1,alpha={alpha})"
    dense = library.QDense(5, kernel_quantizer=quantizer, bias_quantizer="quantized_bits(4,1,1,alpha=1)")
    check(random_weights(stack(keras, shape, dense)), variants=ALL)


@pytest.mark.parametrize("shape", [(4, 6), (3, 2, 6)])
def test_03_fitted_scale_at_every_position(shape: tuple[int, ...]) -> None:
    """The scale that alpha='auto' fits is no power of two: it stays, to the precision of float32."""
    library, keras = qkeras()
    dense = library.QDense(5, kernel_quantizer="quantized_bits(4,0,1,alpha='auto')", bias_quantizer=None)
    check(random_weights(stack(keras, shape, dense)), bound=2.0**-10)
    check(random_weights(stack(keras, shape, dense)), bound=2.0**-18, default_width=32)


@pytest.mark.parametrize("library", BOTH)
@pytest.mark.parametrize("kind", ["Conv1D", "Conv2D"])
def test_04_grouped_convolution(library: str, kind: str) -> None:
    """Each group sees its own channels only."""
    keras = framework(library)
    conv = getattr(keras.layers, kind)(6, 3, groups=2, name="grouped")
    shape = (7, 4) if kind == "Conv1D" else (6, 5, 4)
    check(exact(stack(keras, shape, conv)), variants=ALL)


@pytest.mark.parametrize("library", BOTH)
@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("padding", ["valid", "same", "causal"])
def test_05_dilated_convolution(library: str, size: int, padding: str) -> None:
    """Dilation widens the window: it changes the output's length and which cells are read."""
    keras = framework(library)
    conv = keras.layers.Conv1D(3, size, dilation_rate=2, padding=padding)
    check(exact(stack(keras, (9, 2), conv)))


@pytest.mark.parametrize("bits", ["quantized_bits(4,0,keep_negative=0,alpha=1)", "quantized_bits(3,1,0,0,alpha=1)"])
def test_06_unsigned_kernel(bits: str) -> None:
    """Without keep_negative there is no sign bit, and the largest weight uses every bit."""
    library, keras = qkeras()
    model = stack(keras, (6,), library.QDense(4, kernel_quantizer=bits, bias_quantizer="quantized_bits(4,1,1,alpha=1)"))
    kernel, bias = model.layers[-1].get_weights()
    model.layers[-1].set_weights([np.linspace(-1, 4, kernel.size).reshape(kernel.shape), bias])
    check(model, variants=ALL)


@pytest.mark.parametrize("use_bias", [True, False])
def test_07_folded_bias_without_quantizer(use_bias: bool) -> None:
    """The folded layer has a bias (from mean and beta) even where nothing quantises it and the layer asks for none.

    Bound: two units in the last place of QKeras's reciprocal root, which differs between processors, half a unit of
    each product and sum behind it: together less than 2**-21 of the largest result (zero inputs give the bias alone).
    """
    library, keras = qkeras()
    conv = library.QConv2DBatchnorm(
        4, 3, use_bias=use_bias, kernel_quantizer="quantized_bits(4,1,1,alpha=1)", bias_quantizer=None
    )
    model = random_weights(stack(keras, (6, 5, 2), conv))
    float32 = 2.0**-21 * float(np.abs(answers(model, data_for(model))[0]).max())
    check(model, bound=2.0**-10 + float32)
    check(model, bound=2.0**-20 + float32, default_width=32)


def test_08_quantized_batchnorm_with_default_quantizers() -> None:
    """QBatchNormalization quantises gamma and variance to powers of two unless told otherwise."""
    library, keras = qkeras()
    model = random_weights(stack(keras, (4, 3, 5), library.QBatchNormalization()))
    bound = float32_bound(model, data_for(model))
    check(model, bound=bound + 2.0**-11)
    check(model, bound=bound, default_width=32)


NAMES = ["bias_dense", "kernel", "kernel_bias", "gamma", "dense_kernel_moving_mean"]


@pytest.mark.parametrize("library", BOTH)
@pytest.mark.parametrize("form", ["live", ".keras", ".h5"])
def test_09_layers_named_like_weights(library: str, form: str, tmp_path: Path) -> None:
    """A weight is found by what it is, never by a part of a name."""
    keras = framework(library)
    kl = keras.layers
    layers = [kl.Dense(4, name=NAMES[0]), kl.BatchNormalization(epsilon=0.0, name=NAMES[1])]
    layers += [kl.Dense(4, name=name) for name in NAMES[2:]]
    model = exact(stack(keras, (5,), *layers))
    source = None
    if form != "live":
        source = tmp_path / f"model{form}"
        model.save(source)
    check(model, source=source, default_width=40)


@pytest.mark.parametrize("library", BOTH)
@pytest.mark.parametrize(
    "options",
    [{"max_value": 1.0}, {"max_value": 6.0}, {"negative_slope": 0.25}, {"max_value": 2, "negative_slope": 0.5}],
)
def test_10_relu_with_options(library: str, options: dict[str, float]) -> None:
    """A ceiling and a slope are part of a ReLU."""
    keras = framework(library)
    check(stack(keras, (9,), keras.layers.ReLU(**options)))


@pytest.mark.parametrize("library", BOTH)
def test_11_layer_used_twice(library: str) -> None:
    """Two calls of one layer are two results, with the same weights."""
    keras = framework(library)
    a, b = keras.Input((5,), name="a"), keras.Input((5,), name="b")
    shared = keras.layers.Dense(4, name="shared")
    model = exact(keras.Model([a, b], [shared(a), keras.layers.Subtract()([shared(b), shared(a)])]))
    check(model, variants=ALL)


@pytest.mark.parametrize("library", BOTH)
@pytest.mark.parametrize("kind", ["LSTM", "GRU", "SimpleRNN"])
@pytest.mark.parametrize("options", [{}, {"use_bias": False}, {"return_sequences": True}])
def test_12_recurrent_layers(library: str, kind: str, options: dict[str, Any]) -> None:
    """Without a bias an AttributeError, with one a wrong state, and of some no kernel at all."""
    keras = framework(library)
    layer = getattr(keras.layers, kind)(3, name="rnn", **options)
    model = exact(stack(keras, (6, 2), layer))
    x = np.random.default_rng(0).normal(0, 1, (40, 6, 2)).astype(np.float32)
    got = hlsgen.convert(model).evaluate(x)["rnn"]
    np.testing.assert_allclose(got, model.predict(x, verbose=0), atol=2**-9)  # 16 bits, and six steps of rounding


@pytest.mark.parametrize("quantizer", ["binary(alpha=1)", "ternary(alpha=1)"])
def test_13_negative_gamma_in_front_of_signs(quantizer: str) -> None:
    """A negative scale turns the comparison round, and a tie falls on the other side."""
    library, keras = qkeras()
    batchnorm = keras.layers.BatchNormalization(epsilon=0.0)
    model = exact(stack(keras, (6,), library.QDense(8, kernel_quantizer="ternary(alpha=1)"), batchnorm))
    gamma = np.array([-2, -1, 0.5, 1, -0.5, -4, 1, -1], dtype=np.float32)
    _, beta, mean, _ = batchnorm.get_weights()
    batchnorm.set_weights([gamma, np.round(beta), np.round(mean), np.ones_like(mean)])
    x = model.inputs[0]
    y = library.QActivation(quantizer)(model.outputs[0])
    check(keras.Model(x, y), x=data_for(model, 200), variants=ALL)


def test_14_threshold_at_every_value_of_an_input() -> None:
    """All 256 values of an 8-bit input, with the threshold on, above and below a grid point."""
    library, keras = qkeras()
    batchnorm = keras.layers.BatchNormalization(epsilon=0.0)
    model = stack(keras, (6,), batchnorm, library.QActivation("binary(alpha=1)"))
    gamma = np.array([1, -1, 2, 0.5, -0.25, 4], dtype=np.float32)
    beta = np.array([0, 0, 0.5, -0.53125, 0.25, 1 / 64], dtype=np.float32)
    batchnorm.set_weights([gamma, beta, np.zeros(6), np.ones(6)])
    every = np.repeat(np.arange(-128, 128)[:, None] / 16, 6, axis=1).astype(np.float32)
    check(model, x=every, variants=ALL)


@pytest.mark.parametrize("library", BOTH)
@pytest.mark.parametrize("name", ["gelu", "swish"])
def test_15_smooth_activations_compile(library: str, name: str) -> None:
    """What converts also compiles. Bound: half a step of a 14-bit index over ±8 or so, slope 1.13, and the result's."""
    keras = framework(library)
    check(exact(stack(keras, (6,), keras.layers.Dense(5, activation=name))), bound=2.0**-9)


@pytest.mark.parametrize("library", BOTH)
def test_16_dot_with_a_setting_for_every_layer(library: str) -> None:
    """A configuration with an entry for every layer converts as the model alone does."""
    keras = framework(library)
    a, b = keras.Input((6,), name="a"), keras.Input((6,), name="b")
    model = keras.Model([a, b], keras.layers.Dot(axes=1, name="dot")([a, b]))
    check(model, variants=ALL)
    check(model, config=hlsgen.default_config(model, "name"))


@pytest.mark.parametrize("library", BOTH)
@pytest.mark.parametrize("axis", [-1, 1, 2])
def test_17_concatenation_of_three(library: str, axis: int) -> None:
    """Any number of inputs, along any axis."""
    keras = framework(library)
    parts = [keras.Input((3, 2), name=f"part{i}") for i in range(4)]
    check(keras.Model(parts, keras.layers.Concatenate(axis=axis)(parts)))


@pytest.mark.parametrize("library", BOTH)
def test_18_separable_convolution(library: str) -> None:
    """Both of its kernels are found in both Keras versions."""
    keras = framework(library)
    check(exact(stack(keras, (6, 5, 3), keras.layers.SeparableConv2D(4, 3, depth_multiplier=2))), variants=ALL)


@pytest.mark.parametrize("library", BOTH)
@pytest.mark.parametrize("options", [{}, {"axis": -1}, {"axis": 1}, {"center": False, "scale": False}])
def test_18_layer_normalization(library: str, options: dict[str, Any]) -> None:
    """Within a step of its result, whatever the size of its inputs."""
    keras = framework(library)
    model = stack(keras, (4, 6), keras.layers.LayerNormalization(name="norm", **options))
    check(model, bound=2.0**-10)


@pytest.mark.parametrize("library", BOTH)
@pytest.mark.parametrize("names", [("input", "i"), ("i", "input"), ("n", "p"), ("x", "output")])
def test_18_names_of_one_letter_and_of_keywords(library: str, names: tuple[str, str]) -> None:
    """No name of a layer is taken for anything else, and the trace has it unchanged."""
    keras = framework(library)
    first = keras.Input((4,), name=names[0])
    model = exact(keras.Model(first, keras.layers.Dense(3, name=names[1])(first)))
    project = check(model)
    np.testing.assert_array_equal(project.trace(data_for(model))[names[1]], project.predict(data_for(model)))


@pytest.mark.parametrize("library", BOTH)
def test_19_plain_relu_is_a_relu(library: str) -> None:
    """Nothing but a comparison with zero: no threshold, no multiplier."""
    keras = framework(library)
    project = check(stack(keras, (9,), keras.layers.ReLU()), variants=ALL)
    (layer,) = [node.layer for node in project.design if isinstance(node.layer, Relu)]
    assert layer.slope is None and layer.ceiling is None


@NEW_QKERAS
def test_20_quantized_activations_of_keras_3() -> None:
    """Quantisers as activations, as layers of their own and as an argument, in QKeras for Keras 3."""
    library, keras = qkeras()
    kernel = "quantized_bits(4,0,1,alpha=1)"
    dense = library.QDense(5, kernel_quantizer=kernel, bias_quantizer=kernel, activation=library.quantized_relu(4, 2))
    behind = library.QDense(4, kernel_quantizer=kernel, bias_quantizer=kernel)
    bits = library.QActivation(library.quantized_bits(6, 2, 1, alpha=1))
    model = random_weights(stack(keras, (6,), library.QActivation("quantized_bits(5,2,alpha=1)"), dense, behind, bits))
    check(model, variants=ALL)


@OLD_QKERAS
def test_20_quantized_activations_of_keras_2() -> None:
    """The same in QKeras 0.9."""
    test_20_quantized_activations_of_keras_3()


@pytest.mark.parametrize("quantizer", ["quantized_po2(4)", "quantized_po2(4,2)", "quantized_relu_po2(4,2)"])
def test_21_powers_of_two_as_weights(quantizer: str) -> None:
    """Their exponents reach below and above zero."""
    library, keras = qkeras()
    dense = library.QDense(5, kernel_quantizer=quantizer, bias_quantizer=quantizer)
    model = stack(keras, (6,), dense)
    kernel, bias = dense.get_weights()
    rng = np.random.default_rng(0)
    dense.set_weights([2.0 ** rng.uniform(-6, 3, w.shape) * rng.choice([-1, 1], w.shape) for w in (kernel, bias)])
    check(model, variants=ALL, default_width=40)


def residual_network(keras: Any, blocks: int) -> Any:
    kl = keras.layers
    x = first = keras.Input((8, 8, 4))
    for _ in range(blocks):
        y = kl.ReLU()(kl.BatchNormalization()(kl.Conv2D(4, 3, padding="same", use_bias=False)(x)))
        y = kl.BatchNormalization()(kl.Conv2D(4, 3, padding="same", use_bias=False)(y))
        x = kl.ReLU()(kl.Add()([x, y]))
    return keras.Model(first, kl.Dense(4)(kl.GlobalAveragePooling2D()(x)))


def test_22_residual_networks_take_linear_time() -> None:
    """Each branch is visited once: 13 blocks in seconds, where visiting both inputs of each Add anew takes 2^13 visits."""
    model = residual_network(framework("keras"), 13)
    started = time.perf_counter()
    hlsgen.convert(model)
    assert time.perf_counter() - started < 10  # about 1 s alone on one core


@pytest.mark.parametrize("library", BOTH)
def test_23_concatenation_of_vectors_with_exact_types(library: str) -> None:
    """Axis 1 of vectors is their only axis; the batch has none of its own. Types of the parts differ."""
    keras = framework(library)
    a, b, c = (keras.Input((n,), name=f"in{n}") for n in (3, 4, 5))
    wide = keras.layers.Dense(4)(b)
    model = exact(keras.Model([a, b, c], keras.layers.Concatenate(axis=1)([a, wide, keras.layers.ReLU()(c)])))
    check(model, input_precision={"in3": "fixed<8,4>", "in4": "fixed<8,4>", "in5": "fixed<8,4>"}, variants=ALL)
