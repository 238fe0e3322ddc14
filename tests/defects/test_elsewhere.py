"""Further ways in which tools of this kind were seen to be silently wrong, one test each.

The first part is about models, the second about numbers, the third about using the result.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hlsgen
from hlsgen.errors import ConfigError, InputError
from hlsgen.ir.types import FixedType
from hlsgen.project import ClippedInputWarning
from tests.defects.support import BOTH, INPUT, check, data_for, exact, framework, qkeras, random_weights, refused, stack
from tests.ladder.harness import ALL

IMAGE, LINE = (7, 6, 3), (9, 3)

# -- models ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("library", BOTH)
@pytest.mark.parametrize("kind", ["Conv1D", "Conv2D", "DepthwiseConv2D", "SeparableConv2D"])
def test_every_option_of_a_window_counts(library: str, kind: str) -> None:
    """Strides, 'same' with its odd cell behind, and depth multipliers, all at once."""
    keras = framework(library)
    sizes: dict[str, Any] = {"strides": 2, "padding": "same"}
    if "Depthwise" not in kind:
        sizes["filters"] = 4
    if kind in ("DepthwiseConv2D", "SeparableConv2D"):
        sizes["depth_multiplier"] = 3
    layer = getattr(keras.layers, kind)(kernel_size=4, **sizes)
    check(exact(stack(keras, LINE if kind == "Conv1D" else IMAGE, layer)))


@pytest.mark.parametrize("library", BOTH)
@pytest.mark.parametrize("kind", ["Max", "Average"])
@pytest.mark.parametrize(
    ("size", "stride", "padding"), [(1, 2, "valid"), (3, 2, "same"), (4, 1, "same"), (2, 3, "valid")]
)
def test_odd_pooling(library: str, kind: str, size: int, stride: int, padding: str) -> None:
    """Windows of one cell with a stride, and padding that must neither win a maximum nor count in a mean."""
    keras = framework(library)
    layer = getattr(keras.layers, f"{kind}Pooling2D")(size, strides=stride, padding=padding)
    rounded = kind == "Average"  # 1/3, 1/6, 1/9 in 24 bits; the result in 16
    check(stack(keras, IMAGE, keras.layers.ReLU(), layer), bound=2.0**-12 if rounded else 0.0)


@pytest.mark.parametrize("library", BOTH)
@pytest.mark.parametrize("kind", ["Max", "Average"])
@pytest.mark.parametrize("keepdims", [False, True])
def test_global_pooling_keeps_its_shape(library: str, kind: str, keepdims: bool) -> None:
    """keepdims changes the shape of the result, and what follows sees it."""
    keras = framework(library)
    kl = keras.layers
    pool = getattr(kl, f"Global{kind}Pooling2D")(keepdims=keepdims)
    check(exact(stack(keras, (4, 4, 3), pool, kl.Conv2D(2, 1) if keepdims else kl.Dense(2))))


@pytest.mark.parametrize("library", BOTH)
@pytest.mark.parametrize("options", [{"scale": False}, {"center": False}, {"scale": False, "center": False}])
def test_batchnorm_without_gamma_or_beta(library: str, options: dict[str, bool]) -> None:
    """What is absent is one or zero, not the next weight of the list."""
    keras = framework(library)
    kl = keras.layers
    check(exact(stack(keras, IMAGE, kl.Conv2D(3, 2), kl.BatchNormalization(epsilon=0.0, **options))))


@pytest.mark.parametrize("library", BOTH)
def test_pointwise_convolution_and_batchnorm(library: str) -> None:
    """A convolution of width 1 is a matrix too, and must not be written before it is fused."""
    keras = framework(library)
    kl = keras.layers
    check(exact(stack(keras, LINE, kl.Conv1D(4, 1), kl.BatchNormalization(epsilon=0.0), kl.ReLU())), variants=ALL)


@pytest.mark.parametrize("library", BOTH)
def test_consecutive_batchnorms(library: str) -> None:
    """Their product has both scales and both biases, zeros and ones among them."""
    keras = framework(library)
    kl = keras.layers
    first, second = kl.BatchNormalization(epsilon=0.0), kl.BatchNormalization(epsilon=0.0)
    model = exact(stack(keras, (4,), first, second))
    first.set_weights([np.ones(4), np.zeros(4), np.zeros(4), np.ones(4)])
    check(model)


@pytest.mark.parametrize("library", BOTH)
def test_many_readers_of_one_tensor(library: str) -> None:
    """A skip connection, a Flatten and an output all read the tensor that was made for them, in any number."""
    keras = framework(library)
    kl = keras.layers
    x = keras.Input((3, 2))
    y = kl.ReLU()(kl.Dense(2)(x))
    branches = [kl.Dense(2)(y) for _ in range(9)]
    flat = kl.Dense(3)(kl.Flatten()(y))
    model = exact(keras.Model(x, [kl.Add()([y, *branches]), flat, kl.Add()([flat, flat]), y]))
    check(model, default_width=24)


@pytest.mark.parametrize("library", BOTH)
def test_order_of_inputs_and_outputs(library: str) -> None:
    """As the model has them, whatever their names and the order of the layers are."""
    keras = framework(library)
    kl = keras.layers
    z, a = keras.Input((3,), name="z"), keras.Input((5,), name="a")
    first, second = kl.Dense(2, name="late")(a), kl.Dense(4, name="early")(z)
    model = exact(keras.Model([z, a], [first, second, a]))
    project = check(model)
    z_data, a_data = data_for(model)
    named = project.predict({"a": a_data, "z": z_data})
    for mine, theirs in zip(named, project.predict([z_data, a_data]), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    with pytest.raises(InputError, match="no input 'b'"):
        project.predict({"a": a_data, "b": z_data})


@pytest.mark.parametrize("library", BOTH)
def test_merge_of_different_precisions(library: str) -> None:
    """Operands of other widths, points and signs meet on a common grid; a difference of unsigned ones is signed."""
    keras = framework(library)
    kl = keras.layers
    a, b = keras.Input((6,), name="a"), keras.Input((6,), name="b")
    u, v = kl.ReLU()(a), kl.ReLU(max_value=1.5)(b)
    merges = [
        kl.Add()([a, v]),
        kl.Subtract()([u, v]),
        kl.Multiply()([u, b]),
        kl.Maximum()([a, v]),
        kl.Minimum()([u, b]),
    ]
    model = keras.Model([a, b], [*merges, kl.Concatenate()([u, b])])
    x = data_for(model)
    precisions = {"a": "fixed<8,4>", "b": "fixed<6,2>"}
    check(model, x=[x[0], np.clip(x[1] * 8, -32, 31) / 16], input_precision=precisions, variants=ALL)


@pytest.mark.parametrize("library", BOTH)
@pytest.mark.parametrize("axes", [None, [1], [1, 2]])
def test_parametric_relu_with_shared_axes(library: str, axes: list[int] | None) -> None:
    """The slopes have the shape that sharing leaves, and go to the right elements."""
    keras = framework(library)
    check(exact(stack(keras, (4, 3, 2), keras.layers.PReLU(shared_axes=axes))), variants=ALL)


@pytest.mark.parametrize("library", BOTH)
def test_upsampling_by_interpolation(library: str) -> None:
    """Not nearest neighbour in disguise."""
    keras = framework(library)
    check(stack(keras, (4, 3, 2), keras.layers.UpSampling2D(2, interpolation="bilinear")), variants=ALL)
    refused(stack(keras, (4, 3, 2), keras.layers.UpSampling2D(2, interpolation="bicubic")), "bicubic", "nearest")


@pytest.mark.parametrize("library", BOTH)
def test_wrappers_of_what_is_not_there(library: str) -> None:
    """The message names what is wrapped."""
    keras = framework(library)
    layer = keras.layers.TimeDistributed(keras.layers.LSTM(3), name="wrapped")
    refused(stack(keras, (4, 6, 2), layer), "wrapped", "TimeDistributed", "LSTM")


@pytest.mark.parametrize("library", BOTH)
def test_masks_are_not_ignored(library: str) -> None:
    """A mask changes what later layers compute."""
    keras = framework(library)
    used = keras.layers.LSTM(2, name="used")
    refused(stack(keras, (4, 2), keras.layers.Masking(), keras.layers.Dense(2), used), "used", "LSTM", "mask")
    used = keras.layers.LSTM(2, name="used")
    refused(stack(keras, (4,), keras.layers.Embedding(5, 3, mask_zero=True), used), "used", "LSTM", "mask")


@pytest.mark.parametrize("library", BOTH)
def test_python_code_is_never_run(library: str) -> None:
    """A Lambda is refused without being called, from a file too."""
    keras = framework(library)
    called: list[Any] = []

    def spy(x: Any) -> Any:
        called.append(x)
        return x * 2

    model = stack(keras, (4,), keras.layers.Lambda(spy, name="mine"))
    called.clear()
    refused(model, "mine", "Lambda", "never run")
    assert not called


@pytest.mark.parametrize("library", BOTH)
@pytest.mark.parametrize("name", ["relu", "sigmoid", "softmax", "linear"])
def test_own_function_under_a_known_name(library: str, name: str) -> None:
    """Keras writes a function by its name alone: a stranger's 'relu' must not become Keras's."""
    keras = framework(library)

    def function(x: Any) -> Any:
        return x * 3.0

    function.__name__ = function.__qualname__ = name
    refused(stack(keras, (4,), keras.layers.Dense(3, activation=function, name="dense")), "dense", name, "your own")
    refused(stack(keras, (4,), keras.layers.Activation(function, name="act")), "act", name, "your own")


@pytest.mark.parametrize("library", BOTH)
@pytest.mark.parametrize("policy", ["float16", "mixed_float16", "bfloat16", "mixed_bfloat16", "float64"])
def test_other_floating_point_numbers(library: str, policy: str) -> None:
    """A model computed in another precision is another model."""
    keras = framework(library)
    refused(stack(keras, (4,), keras.layers.Dense(3, dtype=policy, name="fc")), "fc", policy, "float32")


@pytest.mark.parametrize("library", BOTH)
@pytest.mark.parametrize("kind", ["Conv2D", "MaxPooling2D", "GlobalAveragePooling2D", "UpSampling2D", "Cropping2D"])
def test_channels_first(library: str, kind: str) -> None:
    """The same numbers in another order: what the layer makes of channels_last, which every processor computes."""
    keras = framework(library)
    options: dict[str, Any] = {"filters": 2, "kernel_size": 1} if kind == "Conv2D" else {}
    first, last = (
        stack(keras, shape, getattr(keras.layers, kind)(data_format=form, name="layer", **options))
        for form, shape in (("channels_first", (4, 6, 5)), ("channels_last", (6, 5, 4)))
    )
    first.set_weights(exact(last).get_weights())
    x = data_for(last)
    found = hlsgen.convert(first, input_precision=INPUT).evaluate(x.transpose(0, 3, 1, 2))["layer"]
    right = np.asarray(last(x))
    np.testing.assert_allclose(found, right.transpose(0, 3, 1, 2) if right.ndim == 4 else right, atol=2.0**-12)


# -- quantisers ------------------------------------------------------------------------------------

BITS = "quantized_bits(4,1,1,alpha=1)"


def dense_of(kernel: str, bias: str | None = BITS, activation: str | None = None) -> Any:
    library, keras = qkeras()
    layer = library.QDense(5, kernel_quantizer=kernel, bias_quantizer=bias, activation=activation)
    return random_weights(stack(keras, (6,), layer))


@pytest.mark.parametrize("alpha", ["0.5", "2", "0.25"])
def test_alpha_scales_the_kernel_and_not_the_bias(alpha: str) -> None:
    """The scale belongs to the quantiser that has it."""
    check(dense_of(f"quantized_bits(4,0,1,alpha={alpha})"), variants=ALL)
    check(dense_of(BITS, f"quantized_bits(4,0,1,alpha={alpha})"))


@pytest.mark.parametrize(
    "text",
    [
        "quantized_relu(6)",
        "quantized_relu(6,2)",
        "quantized_relu(4,2,relu_upper_bound=1.5)",
        "quantized_relu(4,1,negative_slope=0.25)",
        "quantized_relu(5,2,negative_slope=0.5)",
        "quantized_relu(3,1,negative_slope=0.0625)",
        "quantized_bits(4,3,alpha=1)",
        "quantized_bits(4,0,keep_negative=0,alpha=1)",
        "quantized_tanh(5)",
        "quantized_sigmoid(5)",
        "quantized_tanh(5,symmetric=1)",
        "ternary(alpha=1,threshold=0.5)",
        "ternary(alpha=1)",
        "binary(alpha=1)",
        "quantized_po2(4)",
        "quantized_relu_po2(4,2)",
        "quantized_hswish(6,2,alpha=1)",
        "stochastic_binary(alpha=1)",
        "stochastic_ternary(alpha=1)",
    ],
)
def test_quantized_activations(text: str) -> None:
    """Every option of a quantiser counts, at every value of the input."""
    library, keras = qkeras()
    every = (np.arange(-128, 128)[:, None] / 16).astype(np.float32)
    check(stack(keras, (1,), library.QActivation(text)), x=every)


@pytest.mark.parametrize(
    "text", ["binary(alpha=1)", "ternary(alpha=1)", "stochastic_ternary(alpha=1)", "quantized_bits(1,0,alpha=1)"]
)
def test_weights_of_few_levels(text: str) -> None:
    check(dense_of(text))


@pytest.mark.parametrize("kind", ["QConv2DBatchnorm", "QDepthwiseConv2DBatchnorm"])
def test_folded_layers_with_both_strategies(kind: str) -> None:
    """Weights are brought into the order of the kernel once."""
    library, keras = qkeras()
    options: dict[str, Any] = (
        {"filters": 4, "kernel_quantizer": BITS} if kind[1] == "C" else {"depthwise_quantizer": BITS}
    )
    layer = getattr(library, kind)(kernel_size=2, bias_quantizer="quantized_bits(8,3,1,alpha=1)", **options)
    check(random_weights(stack(keras, (5, 5, 3), layer)), variants=ALL)


# -- numbers ---------------------------------------------------------------------------------------


def one_weight(value: float, **settings: Any) -> float:
    """What the weight ``value`` of a one-by-one Dense becomes."""
    keras = framework("keras")
    layer = keras.layers.Dense(1, use_bias=False, name="fc")
    model = stack(keras, (1,), layer)
    layer.set_weights([np.array([[value]])])
    project = hlsgen.convert(model, input_precision="fixed<4,3>", layers={"fc": {"precision": settings}})
    return float(np.asarray(project.predict(np.array([[1.0]])))[0, 0])


def test_weights_keep_every_digit() -> None:
    """Constants are written as integers: 41/128 has more decimal digits than a short text would keep."""
    assert one_weight(0.3203125, weight="fixed<8,1>") == 0.3203125


def test_weights_round_and_saturate() -> None:
    """1.0 does not fit fixed<8,1>: its neighbour is 127/128, not -1. Halves round, and do not truncate."""
    assert one_weight(1.0, weight="fixed<8,1>") == 127 / 128
    assert one_weight(-3.0, weight="fixed<8,1>") == -1.0
    assert one_weight(0.7 / 128, weight="fixed<8,1>") == 1 / 128


def test_results_saturate_unless_told_otherwise() -> None:
    """Without a type of their own, results never wrap, even where the range expected in use is exceeded."""
    keras = framework("keras")
    layer = keras.layers.Dense(4, name="fc")
    model = exact(stack(keras, (16,), layer))
    small, large = np.full((8, 16), 0.25, np.float32), np.full((4, 16), 7.5, np.float32)
    project = hlsgen.convert(model, input_precision=INPUT, calibration=small, default_width=8)
    wanted = np.asarray(model(large))
    got = project.predict(large)
    assert (np.sign(got) == np.sign(wanted)).all() and (np.abs(got) <= np.abs(wanted)).all()


def test_a_type_that_wraps_wraps_and_is_reported() -> None:
    """What the user fixes is done to the letter, and the summary says that it can overflow."""
    keras = framework("keras")
    model = exact(stack(keras, (6,), keras.layers.Dense(4, name="fc")))
    project = hlsgen.convert(model, input_precision=INPUT, layers={"fc": {"precision": {"result": "fixed<6,2>"}}})
    x = data_for(model)
    wanted = np.asarray(model(x), dtype=np.float64)
    wrapped = (np.floor(wanted * 16) + 32) % 64 - 32
    np.testing.assert_array_equal(project.predict(x), wrapped / 16)
    assert "fc: result fixed<6,2> can wrap" in project.summary()


def test_an_accumulator_is_exact_whatever_the_order() -> None:
    """Sums that would leave a narrow accumulator and come back are right with both strategies."""
    keras = framework("keras")
    layer = keras.layers.Dense(2)
    model = stack(keras, (64,), layer)
    kernel = np.ones((64, 2)) * 3.75
    kernel[32:] *= -1
    layer.set_weights([kernel, np.array([0.25, -0.5])])
    check(model, x=np.full((4, 64), 3.5, np.float32), variants=ALL)


@pytest.mark.parametrize("kind", ["Maximum", "Minimum", "Add"])
def test_merges_round_and_saturate_as_told(kind: str) -> None:
    """The result type's rounding and overflow hold for every kind of merge."""
    keras = framework("keras")
    a, b = keras.Input((5,), name="a"), keras.Input((5,), name="b")
    model = keras.Model([a, b], getattr(keras.layers, kind)(name="merge")([a, b]))
    spelled = "fixed<5,3,RND,SAT>"
    project = hlsgen.convert(model, input_precision=INPUT, layers={"merge": {"precision": {"result": spelled}}})
    x = data_for(model)
    fixed = FixedType.parse(spelled)
    np.testing.assert_array_equal(project.predict(x), fixed.to_float(fixed.quantize(np.asarray(model(x), np.float64))))


def test_mean_in_a_narrow_type() -> None:
    """A global mean is the exact sum times 1/count, cast once: neither the sum nor the cells are cut to the type."""
    keras = framework("keras")
    model = stack(keras, (8, 8, 3), keras.layers.GlobalAveragePooling2D(name="mean"))
    spelled = "fixed<10,7,RND,SAT>"
    project = hlsgen.convert(model, input_precision=INPUT, layers={"mean": {"precision": {"result": spelled}}})
    x = data_for(model)
    fixed = FixedType.parse(spelled)
    wanted = fixed.to_float(fixed.quantize(np.asarray(x, np.float64).mean(axis=(1, 2))))
    np.testing.assert_array_equal(project.predict(x), wanted)


def softmax_of(x: Any) -> Any:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize(
    "precision", ["fixed<16,6>", "fixed<8,4>", "fixed<4,2>", "fixed<2,2>", "ufixed<8,2>", "fixed<18,10>"]
)
@pytest.mark.parametrize("classes", [2, 5, 10])
def test_softmax(precision: str, classes: int) -> None:
    """Close for every input type, up to the largest distance that the type allows; the winner is never another."""
    keras = framework("keras")
    model = stack(keras, (classes,), keras.layers.Softmax())
    fixed = FixedType.parse(precision)
    rng = np.random.default_rng(0)
    x = fixed.to_float(rng.integers(fixed.min_mantissa, fixed.max_mantissa + 1, (400, classes)))
    x[:200] /= 8
    x = fixed.to_float(fixed.quantize(x))
    x[0], x[1], x[1, 0] = float(fixed.max), float(fixed.min), float(fixed.max)
    got = np.asarray(hlsgen.convert(model, input_precision=precision).predict(x), dtype=np.float64)
    np.testing.assert_allclose(got, softmax_of(x), rtol=0, atol=2.0**-9)
    winners = x == x.max(axis=-1, keepdims=True)
    assert (got[winners] == np.broadcast_to(got.max(axis=-1, keepdims=True), got.shape)[winners]).all()
    if fixed.width <= 16:
        clear = np.partition(x, -2, axis=-1)[:, -1] - np.partition(x, -2, axis=-1)[:, -2] >= 2.0**-6
        assert (got.argmax(axis=-1) == x.argmax(axis=-1))[clear].all()


@pytest.mark.parametrize("precision", ["fixed<4,1>", "ufixed<3,3>", "fixed<8,8>", "fixed<24,8>"])
@pytest.mark.parametrize("name", ["sigmoid", "tanh"])
def test_tables_of_any_input_type(precision: str, name: str) -> None:
    """Inputs narrower and wider than a table: no element of the table is addressed for another."""
    keras = framework("keras")
    model = stack(keras, (1,), keras.layers.Activation(name))
    fixed = FixedType.parse(precision)
    mantissas = np.unique(np.linspace(fixed.min_mantissa, fixed.max_mantissa, 1000).astype(np.int64))
    x = fixed.to_float(mantissas)[:, None]
    got = np.asarray(hlsgen.convert(model, input_precision=precision).predict(x), dtype=np.float64)
    function = np.tanh if name == "tanh" else lambda v: 1 / (1 + np.exp(-v))
    np.testing.assert_allclose(got, function(x), rtol=0, atol=2.0**-9)


# -- use -------------------------------------------------------------------------------------------


def small_project() -> tuple[Any, hlsgen.Project]:
    keras = framework("keras")
    model = exact(stack(keras, (6,), keras.layers.Dense(4, name="fc")))
    return model, hlsgen.convert(model, input_precision=INPUT)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "int64", "uint8", "bool"])
def test_inputs_of_any_number_type(dtype: str) -> None:
    """The dtype and the memory order of the data do not change the answer."""
    _, project = small_project()
    x = np.random.default_rng(0).integers(0, 2, (10, 6))
    wanted = project.predict(x.astype(np.float32))
    for order in ("C", "F"):
        np.testing.assert_array_equal(project.predict(np.asarray(x, dtype, order=order)), wanted)
    np.testing.assert_array_equal(project.predict(np.repeat(x, 2, axis=1)[:, ::2].astype(dtype)), wanted)


def test_one_sample_keeps_its_axis() -> None:
    model, project = small_project()
    for count in (1, 2, 0):
        assert project.predict(data_for(model)[:count]).shape == (count, 4)


def test_what_is_no_number_is_an_error() -> None:
    model, project = small_project()
    x = data_for(model)
    x[3, 2] = np.nan
    with pytest.raises(InputError, match="NaN"):
        project.predict(x)
    with pytest.raises(InputError, match=r"shape \(\d+, 5\), expected"):
        project.predict(x[:, :5])


def test_inputs_outside_of_their_type_are_reported() -> None:
    model, project = small_project()
    with pytest.warns(ClippedInputWarning, match="saturated"):
        found = project.predict(data_for(model) * 100)
    assert np.isfinite(found).all()


def test_two_designs_in_one_process() -> None:
    """Equal names and shapes, other weights: each keeps its own."""
    keras = framework("keras")
    projects, models = [], []
    for seed in range(2):
        model = stack(keras, (6,), keras.layers.Dense(4, name="fc"))
        rng = np.random.default_rng(seed)
        model.layers[-1].set_weights([rng.integers(-4, 5, w.shape) / 4 for w in model.get_weights()])
        models.append(model)
        projects.append(hlsgen.convert(model, input_precision=INPUT, project_name="same"))
    x = data_for(models[0])
    for _ in range(2):
        for model, project in zip(models, projects, strict=True):
            np.testing.assert_array_equal(project.predict(x), np.asarray(model(x)))


def test_calls_do_not_remember() -> None:
    """Line buffers start afresh: a batch, its halves and single samples give the same."""
    keras = framework("keras")
    kl = keras.layers
    model = exact(stack(keras, (6, 5, 2), kl.Conv2D(3, 3, padding="same"), kl.MaxPooling2D(2), kl.Conv2D(2, 2)))
    project = hlsgen.convert(model, input_precision=INPUT, io_type="io_stream")
    x = data_for(model, 37)
    whole = project.predict(x)
    parts = [project.predict(x[:1]), project.predict(x[1:20]), project.predict(x[20:])]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    np.testing.assert_array_equal(project.predict(x, threads=1), whole)
    project.trace(x)
    np.testing.assert_array_equal(project.predict(x), whole)


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"reuse_faktor": 2}, "reuse_factor"),
        ({"config": {"layers": {"fc": {"presicion": "fixed<8,4>"}}}}, "precision"),
        ({"config": {"layers": {"fd": {}}}}, "fc"),
        ({"strategy": "fastest"}, "latency"),
        ({"precision": "ap_fixd<8,4>"}, "fixed"),
    ],
)
def test_no_setting_is_swallowed(settings: dict[str, Any], word: str) -> None:
    """A misspelt setting is an error that shows the right spelling."""
    model, _ = small_project()
    with pytest.raises(ConfigError, match=word):
        hlsgen.convert(model, **settings)


def test_one_layers_setting_is_its_own() -> None:
    """A reuse factor or a strategy for one layer changes nothing in another."""
    keras = framework("keras")
    kl = keras.layers
    model = exact(stack(keras, (6,), kl.Dense(4, name="a"), kl.Dense(4, name="b")))
    plain = hlsgen.convert(model, input_precision=INPUT)
    one = hlsgen.convert(model, input_precision=INPUT, layers={"b": {"strategy": "resource", "reuse_factor": 2}})
    settings = {op.source.name: op for op in one.design}
    assert (settings["a"].strategy, settings["a"].reuse_factor) == ("latency", 1)
    assert (settings["b"].strategy, settings["b"].reuse_factor) == ("resource", 2)
    x = data_for(model)
    np.testing.assert_array_equal(one.predict(x), plain.predict(x))
