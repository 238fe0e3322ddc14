"""with_weights: the same program on other constants, exactly as its types say, or a refusal that says why."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers as kl

import hlsgen
from hlsgen.backends.hls.same_program import check_same_program
from hlsgen.backends.hls.texts import emulation_files
from hlsgen.errors import WeightsError
from hlsgen.ir.constant import Constant
from hlsgen.ir.spelling import CONSTANT_MODES
from tests.ladder.harness import grid_input

INPUT = "fixed<8,4>"
Settings = dict[str, Any]


def filled(model: Any, seed: int, scale: float = 0.5) -> Any:
    """Weights up to ``scale``: by seed 1, or those a little closer to zero, so that proved ranges hold."""
    first, rng = np.random.default_rng(1), np.random.default_rng(seed)
    for layer in model.layers:
        found = [first.uniform(-0.5, 0.5, w.shape) for w in layer.get_weights()]
        if seed != 1:
            found = [w * rng.uniform(0.7, 1.0, w.shape) for w in found]
        found = [w * scale / 0.5 for w in found]
        if type(layer).__name__ == "BatchNormalization":
            gamma, beta, mean, variance = found
            found = [0.5 - np.abs(gamma) / 2, beta / 2, mean / 2, 1.5 - np.abs(variance)]
        layer.set_weights(found)
    return model


def mlp(seed: int, scale: float = 0.5, units: int = 6, activation: str = "relu", **dense: Any) -> Any:
    x = keras.Input((5,), name="x")
    h = kl.Dense(units, activation=activation, name="hidden", **dense)(x)
    return filled(keras.Model(x, kl.Dense(3, name="classes")(h)), seed, scale)


def normalised(seed: int, scale: float = 0.5) -> Any:
    x = keras.Input((7, 6, 2), name="x")
    h = kl.Conv2D(4, 3, padding="same", use_bias=False, name="conv")(x)
    h = kl.ReLU(max_value=6.0, name="relu")(kl.BatchNormalization(name="bn")(h))
    h = kl.BatchNormalization(name="scale")(kl.DepthwiseConv2D(2, name="depthwise")(h))
    h = kl.AveragePooling2D(2, name="pool")(kl.PReLU(shared_axes=[1, 2], name="prelu")(h))
    return filled(keras.Model(x, kl.Dense(3, activation="softmax", name="fc")(kl.Flatten(name="flat")(h))), seed, scale)


def branched(seed: int, scale: float = 0.5) -> Any:
    x = keras.Input((6, 3), name="x")
    a = kl.Conv1D(3, 3, padding="same", activation="tanh", name="conv")(x)
    b = kl.Conv1D(3, 1, name="side")(x)
    h = kl.Add(name="sum")([a, b])
    return filled(
        keras.Model(x, [kl.GlobalMaxPooling1D(name="top")(h), kl.Activation("elu", name="elu")(b)]), seed, scale
    )


def assert_right(project: hlsgen.Project, x: Any) -> None:
    """Emulator and reference agree on every value, of the emulator's program and of the traces'."""
    known = project.evaluate(x, raw=True)
    for key, found in project.trace(x, raw=True).items():
        np.testing.assert_array_equal(found, known[key])
    got = project.predict(x, raw=True)
    for tensor, found in zip(project.design.outputs, got if isinstance(got, list) else [got], strict=True):
        np.testing.assert_array_equal(found, known[tensor.name])


def types(project: hlsgen.Project) -> list[str]:
    return [
        f"{op.name}: {[str(c.type) for c in op.layer.constants().values()]} "
        f"{[(str(t.typing.sum_type), str(t.typing.accum), str(t.type), t.exponents) for t in op.outputs]}"
        for op in project.design
    ]


# -- right -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [{}, {"io_type": "io_stream", "strategy": "resource", "reuse_factor": 2}], ids=str)
@pytest.mark.parametrize("make", [mlp, normalised, branched], ids=lambda make: make.__name__)
def test_every_type_and_text_stays(make: Any, settings: Settings) -> None:
    first = hlsgen.convert(make(1), input_precision=INPUT, **settings)
    x = grid_input(first.design.inputs[0].shape, bound=16)
    second = first.with_weights(make(2))
    assert types(second) == types(first)
    assert emulation_files(second.plan) == emulation_files(first.plan)
    assert_right(second, x)
    wanted = _list(make(2)(x.astype(np.float32), training=False))
    for right, found in zip(wanted, _list(second.predict(x)), strict=True):
        np.testing.assert_allclose(found, np.asarray(right), atol=0.02)


def _list(found: Any) -> list[Any]:
    return found if isinstance(found, list) else [found]


@pytest.mark.parametrize("precision", ["fixed<16,6,RND,SAT>", "fixed<7,2,TRN,SAT>", "fixed<9,3>"])
def test_as_converted_with_every_type_pinned(precision: str) -> None:
    settings: Settings = {"precision": precision, "input_precision": INPUT, "io_type": "io_stream"}
    x = grid_input((7, 6, 2), bound=16)
    reloaded = hlsgen.convert(normalised(1), **settings).with_weights(normalised(5))
    fresh = hlsgen.convert(normalised(5), **settings)
    np.testing.assert_array_equal(reloaded.predict(x, raw=True), fresh.predict(x, raw=True))
    for op, other in zip(reloaded.design, fresh.design, strict=True):
        for name, constant in op.layer.constants().items():
            np.testing.assert_array_equal(constant.effective, other.layer.constants()[name].effective)


def test_as_computed_by_hand() -> None:
    """Two layers in NumPy, of the types that the first weights got."""
    first = hlsgen.convert(mlp(1), input_precision=INPUT)
    model = mlp(3)
    reloaded = first.with_weights(model)
    x = grid_input((5,), bound=16)
    ops = {op.name: op for op in first.design}
    value, frac = ops["x"].output.type.quantize(x), ops["x"].output.type.frac
    for name, relu in (("hidden_dense", "hidden"), ("classes", None)):
        layer, out = ops[name].layer, ops[name].output.typing
        weight, bias = (
            cast(layer.constants()[role], w) for role, w in zip(("weight", "bias"), weights(model, name), strict=True)
        )
        w_frac, b_frac = (layer.constants()[role].known_type.frac for role in ("weight", "bias"))
        common = max(frac + w_frac, b_frac)
        total = (value @ weight << (common - frac - w_frac)) + (bias << (common - b_frac))
        assert out.accum is None
        value, frac = out.result.cast(total, common), out.result.frac
        if relu is not None:
            value, frac = ops[relu].output.type.cast(np.maximum(value, 0), frac), ops[relu].output.type.frac
    np.testing.assert_array_equal(reloaded.predict(x, raw=True), value)


def cast(constant: Constant, values: Any) -> Any:
    return constant.known_type.with_modes(*CONSTANT_MODES).quantize(values.astype(np.float64))


def weights(model: Any, op: str) -> Any:
    return model.get_layer(op.split("_")[0]).get_weights()


def test_nothing_is_compiled_in_ten_reloads(monkeypatch: pytest.MonkeyPatch) -> None:
    x = grid_input((7, 6, 2), bound=16)
    project = hlsgen.convert(normalised(1), input_precision=INPUT)
    project.trace(x)
    module = project.emulator.module
    for name in ("hlsgen.emulation.emulator.build_extension", "hlsgen.emulation.build._compile"):
        monkeypatch.setattr(name, None)
    for seed in range(10):
        project = project.with_weights(normalised(seed + 2))
        assert_right(project, x)
        assert project.emulator.module is module


def test_the_way_does_not_count() -> None:
    """A project rests on the first weights alone: there and back again gives what was there."""
    first = hlsgen.convert(normalised(1), input_precision=INPUT)
    again = first.with_weights(normalised(2)).with_weights(normalised(1))
    assert again.design.digest == first.design.digest
    assert again.files == first.files
    direct, behind = (p.with_weights(normalised(4)) for p in (first, again))
    assert direct.design.digest == behind.design.digest != first.design.digest


def test_what_is_written_has_the_new_weights() -> None:
    first = hlsgen.convert(mlp(1), input_precision=INPUT)
    second = first.with_weights(mlp(2))
    changed = {name for name, text in second.files.items() if text != first.files[name]}
    weights_files = {name for name in first.files if name.startswith("firmware/weights/")}
    assert len(weights_files) == 4
    assert weights_files < changed
    assert second.files["firmware/parameters.h"] == first.files["firmware/parameters.h"]


def test_channels_keep_their_powers_of_two() -> None:
    """Channels of very different sizes are held times powers of two, of the first weights' choice."""

    def uneven(seed: int, scale: float = 0.5) -> Any:
        model = mlp(seed, scale, units=8)
        hidden = model.get_layer("hidden")
        by = np.exp2(-np.arange(8) * 1.5)
        hidden.set_weights([w * by for w in hidden.get_weights()])
        classes = model.get_layer("classes")
        kernel, bias = classes.get_weights()
        classes.set_weights([kernel / by[:, None], bias])
        return model

    data = np.random.default_rng(0).normal(size=(200, 5))
    first = hlsgen.convert(uneven(1), calibration=data)
    assert any(tensor.exponents for tensor in first.design.tensors)
    second = first.with_weights(uneven(2))
    assert types(second) == types(first)
    assert_right(second, data[:50])
    np.testing.assert_allclose(second.predict(data), uneven(2).predict(data, verbose=0), atol=0.01)


def test_overflows_are_counted() -> None:
    settings: Settings = {"input_precision": INPUT, "precision": "fixed<10,2,TRN,SAT>"}
    first = hlsgen.convert(mlp(1), **settings)
    second, fresh = first.with_weights(mlp(2)), hlsgen.convert(mlp(2), **settings)
    x = grid_input((5,), bound=64)
    counts = []
    for project in (second, fresh):
        project.predict(x, count_overflows=True)
        assert project.overflows is not None
        counts.append(dict(project.overflows))
    assert counts[0] == counts[1]
    assert counts[0]["hidden"] > 0


def test_streams_are_checked() -> None:
    second = hlsgen.convert(branched(1), io_type="io_stream").with_weights(branched(2))
    assert second.check_streams().streams


def test_other_settings_find_types_anew() -> None:
    first = hlsgen.convert(mlp(1), input_precision=INPUT)
    second = first.with_weights(mlp(2, 0.1))
    anew, direct = (
        p.with_settings(default_width=12) for p in (second, hlsgen.convert(mlp(2, 0.1), input_precision=INPUT))
    )
    assert types(anew) == types(direct)
    assert types(anew) != types(second)


def test_layers_keep_their_names() -> None:
    other = keras.Sequential([keras.Input((5,)), kl.Dense(6, activation="relu"), kl.Dense(3)], name="other")
    second = hlsgen.convert(mlp(1), input_precision=INPUT, project_name="first").with_weights(filled(other, 2))
    assert list(second.evaluate(np.zeros((1, 5)))) == ["x", "hidden", "classes", "hidden_dense"]
    assert second.name == "first"


def test_constants_beyond_their_type_saturate_and_it_is_said() -> None:
    first = hlsgen.convert(mlp(1), input_precision=INPUT, max_width=30)
    model = mlp(2, 0.1)
    kernel, bias = model.get_layer("classes").get_weights()
    kernel[0, 0] = 0.7
    model.get_layer("classes").set_weights([kernel, bias])
    second = first.with_weights(model)
    fixed = second.design.ops[-1].layer.constants()["weight"]
    assert fixed.known_type.max < 0.7
    assert float(fixed.effective[0, 0]) == float(fixed.known_type.max)
    said = [note for note in second.design.notes if note.startswith("warning: classes: weight")]
    assert said == [
        f"warning: classes: weight {fixed.type} cannot hold 1 of 18 new constants, up to +-0.7: they saturate"
    ]
    assert said[0] in second.summary()


# -- refused ---------------------------------------------------------------------------------------


def conv(seed: int, scale: float = 0.5, strides: int = 1, level: float | None = None) -> Any:
    x = keras.Input((7, 6, 2), name="x")
    model = filled(keras.Model(x, kl.Conv2D(3, 3, strides=strides, name="conv")(x)), seed, scale)
    if level is not None:
        model.set_weights([np.full(w.shape, level) for w in model.get_weights()])
    return model


REFUSED = {
    "shape": (
        mlp,
        {},
        mlp,
        {"units": 7},
        r"layer 'hidden' \(Dense\): the new model has Dense .*: its shape is \[\(7,\)\]",
    ),
    "operation": (
        mlp,
        {},
        mlp,
        {"activation": "tanh"},
        r"layer 'hidden' .* has Table .*: another operation, expected Relu",
    ),
    "function": (mlp, {"activation": "tanh"}, mlp, {"activation": "sigmoid"}, r"layer 'hidden' .*its 'unary' is"),
    "option": (conv, {}, conv, {"strides": 2}, r"layer 'conv' .*its shape is \[\(3, 2, 3\)\]"),
    "fewer layers": (mlp, {}, conv, {}, r"layer 'x' .*shape is \[\(7, 6, 2\)\], and was \[\(5,\)\]"),
    "sums": (
        conv,
        {},
        conv,
        {"level": 0.5},
        r"layer 'conv' \(Conv2D\): its exact results need fixed<28,8>, and are held ",
    ),
    "zeros": (mlp, {"scale": 0.0}, mlp, {}, r"layer 'hidden' \(Dense\): its weight was all zeros"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str) -> None:
    make, options, other, changed, message = REFUSED[case]
    first = hlsgen.convert(make(1, **options), input_precision=INPUT)
    with pytest.raises(WeightsError, match=message):
        first.with_weights(other(2, **changed))


def test_refused_where_another_layer_follows() -> None:
    model = mlp(1)
    longer = keras.Model(model.input, kl.ReLU(name="last")(model.output))
    first = hlsgen.convert(model, input_precision=INPUT)
    with pytest.raises(
        WeightsError, match=r"behind its last layer: the new model has Relu \('last'\), expected nothing"
    ):
        first.with_weights(longer)
    with pytest.raises(WeightsError, match=r"layer 'last' \(ReLU\): the new model has nothing, expected Relu"):
        hlsgen.convert(longer, input_precision=INPUT).with_weights(model)


def test_refused_where_results_would_leave_a_type_that_does_not_saturate() -> None:
    """A sum in an accumulator of the configuration is held in it; its result was proved to need no saturation."""
    settings: Settings = {"input_precision": INPUT, "layers": {"conv": {"precision": {"weight": "fixed<12,3>"}}}}
    first = hlsgen.convert(conv(1), **settings)
    assert not first.design.outputs[0].type.saturates
    with pytest.raises(
        WeightsError, match=r"layer 'conv' .*exact results need .* with the new weights they reach -\d+"
    ):
        first.with_weights(conv(2, 3.0))


def test_a_table_takes_no_larger_arguments() -> None:
    """Beyond what was proved of its argument it was not made; what fits the same form is made for both."""
    first = hlsgen.convert(mlp(1, 0.2, activation="tanh"), input_precision="fixed<8,1>")
    table = next(op for op in first.design if op.layer.kind == "Table")
    x = np.random.default_rng(1).uniform(-1, 1, (200, 5))
    outcomes = set()
    for scale in (0.1, 0.21, 0.25, 0.3, 1.0):
        try:
            second = first.with_weights(mlp(3, scale, activation="tanh"))
        except WeightsError as error:
            assert "layer 'hidden'" in str(error)
            outcomes.add("refused")
            continue
        other = next(op for op in second.design if op.layer.kind == "Table")
        assert str(other.layer.describe()) == str(table.layer.describe())
        assert_right(second, x)
        np.testing.assert_allclose(second.evaluate(x)["hidden"], np.tanh(second.evaluate(x)["hidden_dense"]), atol=1e-4)
        outcomes.add("kept")
    assert outcomes == {"kept", "refused"}


def test_a_model_that_is_none_is_refused() -> None:
    with pytest.raises(hlsgen.HlsgenError):
        hlsgen.convert(mlp(1)).with_weights("no_such_model.keras")


def test_the_slope_of_a_rectifier_is_an_option() -> None:

    def leaky(slope: float) -> Any:
        x = keras.Input((5,), name="x")
        return filled(keras.Model(x, kl.LeakyReLU(negative_slope=slope, name="leaky")(kl.Dense(3, name="fc")(x))), 1)

    first = hlsgen.convert(leaky(0.25), input_precision=INPUT)
    assert first.with_weights(leaky(0.25)).design.digest == first.design.digest
    with pytest.raises(WeightsError, match=r"^layer 'leaky' \(LeakyReLU\): .* its 'slope' is 0.75, and was 0.25"):
        first.with_weights(leaky(0.75))


def test_refused_where_a_type_inside_of_a_kernel_would_be_another() -> None:
    """What the kernel call says has to stay, to the last member: here the type of slope times x."""

    def sloped(slope: float) -> Any:
        x = keras.Input((6, 3), name="x")
        model = keras.Model(x, kl.PReLU(shared_axes=[1], name="prelu")(x))
        model.set_weights([np.full((1, 3), slope)])
        return model

    pinned: Settings = {"input_precision": INPUT, "layers": {"prelu": {"precision": {"result": "fixed<16,8,RND,SAT>"}}}}
    first = hlsgen.convert(sloped(0.75), **pinned)
    with pytest.raises(WeightsError, match=r"^layer 'prelu' \(PReLU\): its slopes was never below zero, and ufixed"):
        first.with_weights(sloped(-1.0))
    plan, other = first.plan, hlsgen.convert(sloped(3.0), **pinned).plan
    with pytest.raises(
        WeightsError, match=r"^layer 'prelu' \(PReLU\): '\w+' of prelu would be .*, which is part of the"
    ):
        check_same_program(plan, other)


# -- what is fused ---------------------------------------------------------------------------------


def between(scale: list[float], shift: float = 0.25) -> Any:
    """Dense, ReLU, BatchNormalization, Dense: which of them takes the scale in depends on its numbers."""
    model = keras.Sequential(
        [
            keras.Input((5,), name="x"),
            kl.Dense(4, activation="relu", name="hidden"),
            kl.BatchNormalization(name="bn", epsilon=1e-3),
            kl.Dense(3, name="classes"),
        ]
    )
    rng = np.random.default_rng(3)
    for name in ("hidden", "classes"):
        layer = model.get_layer(name)
        layer.set_weights([rng.uniform(-0.4, 0.4, w.shape) for w in layer.get_weights()])
    ones = np.ones(4)
    model.get_layer("bn").set_weights([np.array(scale), shift * ones, 0 * ones, ones - 1e-3])
    return model


EVEN, UNEVEN = [1.0, 0.75, 0.5, 1.0], [1.0, 0.02, 0.5, 1.0]


@pytest.mark.parametrize(("first", "second"), [(EVEN, UNEVEN), (UNEVEN, EVEN)], ids=["fused", "apart"])
def test_what_was_fused_stays_so(first: list[float], second: list[float]) -> None:
    """A scale whose factors differ much is left alone, where somebody may choose: here the first conversion did."""
    project = hlsgen.convert(between(first), input_precision=INPUT)
    assert any(op.name == "bn" for op in project.design) == (first == UNEVEN)
    other = project.with_weights(between(second))
    assert types(other) == types(project)
    x = grid_input((5,), bound=16)
    assert_right(other, x)
    np.testing.assert_allclose(other.predict(x), np.asarray(between(second)(x)), atol=0.02)


def test_refused_where_numbers_let_something_else_be_fused() -> None:
    """Without a shift the scale passes the rectifier and goes into the layer in front; with one it cannot."""
    negative = between([-1.0, 1.0, 1.0, 1.0], 0.0)
    project = hlsgen.convert(between(EVEN, 0.0), input_precision=INPUT, layers={"classes": {"precision": "fixed<9,2>"}})
    assert "bn is fused into hidden" in "\n".join(project.design.notes)
    with pytest.raises(WeightsError, match=r"what can be fused follows from the numbers; convert the model anew"):
        project.with_weights(negative)


# -- of what readers can tell apart ----------------------------------------------------------------


def test_a_narrowed_result_that_saturates_earlier_stays() -> None:
    """Of a result that saturates below what its reader tells apart nothing else is asked than before."""
    settings: Settings = {"defaults": {"weights": "bram_port", "precision": "fixed<16,6,RND,SAT>"}}
    project = hlsgen.convert(mlp(1), input_precision="fixed<12,3>", **settings)
    narrowed = project.design.ops[1].outputs[0]
    assert not narrowed.type.signed and narrowed.typing.demand.high > narrowed.type.max
    other = project.with_weights(mlp(2))
    assert types(other) == types(project)
    assert_right(other, grid_input((5,), bound=16))


def test_an_average_whose_type_is_fixed_is_divided_as_before() -> None:
    """How finely a quotient is kept depends on what reads it: here its own type."""
    x = keras.Input((7, 2), name="x")
    h = kl.GlobalAveragePooling1D(name="mean")(kl.Conv1D(3, 3, name="conv")(x))
    model = filled(keras.Model(x, kl.Dense(2, name="classes")(h)), 1)
    project = hlsgen.convert(model, input_precision=INPUT, precision="fixed<16,6,RND,SAT>")
    other = project.with_weights(filled(model, 2))
    assert types(other) == types(project)
    assert_right(other, grid_input((7, 2), bound=16))
