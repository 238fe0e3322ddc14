"""Functions of one variable keep the bits of their results, whatever the types of argument and result.

The measure is each function's definition in float64, written down here a second time.
"""

from __future__ import annotations

from collections.abc import Callable
from math import erfc, sqrt
from typing import Any

import numpy as np
import pytest

from hlsgen.ir.interval import Interval
from hlsgen.ir.layer import Exact
from hlsgen.ir.spelling import CONSTANT_MODES
from hlsgen.ir.types import FixedType
from hlsgen.layers.fit_pieces import FINEST, Argument, fit, own_rounding
from hlsgen.layers.functions import FUNCTIONS, elu
from hlsgen.layers.interpolate import POINTS, interpolated
from hlsgen.layers.piecewise import Direct, Form, Piecewise
from tests.passes.builders import Net, project_of

ARGUMENTS = ["fixed<12,3>", "fixed<16,6>", "fixed<24,12>", "fixed<32,16>", "ufixed<20,3>", "fixed<20,-4>"]
RESULTS = ["fixed<16,1>", "fixed<16,6>", "fixed<18,2>", "fixed<24,8>", "fixed<32,16>", "ufixed<16,0>", "fixed<9,7>"]
MOST = 0.9
"""Steps of the result: half a step of rounding, an eighth of the index, a fifth of interpolation, a few small ones."""
BY_NAME = [name for name in FUNCTIONS if name != "gelu_by_tanh"]
"""Those that a model calls by this name."""
TURNING = {"silu", "mish", "gelu", "gelu_by_tanh"}


def _sigmoid(x: Any) -> Any:
    small = np.exp(-np.abs(x))
    return np.where(x < 0, small, 1.0) / (1.0 + small)


def _softplus(x: Any) -> Any:
    return np.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0.0)


def _elu(x: Any) -> Any:
    return np.where(x < 0, np.expm1(np.minimum(x, 0.0)), x)


def _gelu_by_tanh(x: Any) -> Any:
    return x * _sigmoid(2.0 * sqrt(2.0 / np.pi) * (x + 0.044715 * x**3))


DEFINITIONS: dict[str, Callable[[Any], Any]] = {
    "sigmoid": _sigmoid,
    "tanh": lambda x: 1.0 - 2.0 * _sigmoid(-2.0 * x),
    "softsign": lambda x: x / (np.abs(x) + 1.0),
    "sparse_sigmoid": lambda x: np.minimum(np.maximum(x / 2 + 0.5, 0.0), 1.0),
    "softplus": _softplus,
    "squareplus": lambda x: np.maximum(x, 0.0) + 2.0 / (np.abs(x) + np.sqrt(x * x + 4.0)),
    "sparse_plus": lambda x: np.maximum(x, 0.0) + np.maximum(1.0 - np.abs(x), 0.0) ** 2 / 4,
    "exponential": lambda x: np.exp(np.minimum(x, 100.0)),
    "log_sigmoid": lambda x: -_softplus(-x),
    "selu": lambda x: 1.0507009873554805 * np.where(x < 0, 1.6732632423543772 * np.expm1(np.minimum(x, 0.0)), x),
    "silu": lambda x: x * _sigmoid(x),
    "mish": lambda x: x * np.tanh(_softplus(x)),
    "gelu": lambda x: x * np.array([erfc(-v / sqrt(2.0)) / 2 for v in x]),
    "gelu_by_tanh": _gelu_by_tanh,
    "tanh_shrink": lambda x: x - np.tanh(x),
    "soft_shrink": lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.5, 0.0),
    "celu": _elu,
    "elu": _elu,
}


def numbers(fixed: FixedType, count: int, seed: int = 0) -> Any:
    """Mantissas of all sizes, the ends, zero, and what stands beside it."""
    rng = np.random.default_rng(seed)
    drawn = rng.integers(fixed.min_mantissa, fixed.max_mantissa, count, endpoint=True)
    drawn >>= rng.integers(0, fixed.width, count)
    near = [max(fixed.min_mantissa, -1), 0, 1]
    ends = [fixed.min_mantissa, fixed.min_mantissa + 1, fixed.max_mantissa]
    return np.minimum(np.concatenate([drawn, near, ends]), fixed.max_mantissa)


def nearest(text: str) -> FixedType:
    """A result type as the configuration completes one that is written without modes."""
    return FixedType.parse(text).with_modes(*CONSTANT_MODES)


def fitted(name: str, argument: FixedType, result: FixedType, direct_bits: int = 12) -> tuple[Form, Any]:
    whole = Argument(argument, float(argument.min), float(argument.max))
    return fit(FUNCTIONS[name], whole, result, direct_bits)


def results(form: Form, table: Any, x: Exact, result: FixedType) -> Any:
    """Mantissas of what a layer yields: the exact sum, cast as inference has it."""
    mantissas, frac = form.exact(table, x)
    if isinstance(form, Piecewise) and form.held is not None:
        mantissas, frac = form.held.cast(mantissas, frac), form.held.frac
    return result.cast(mantissas, frac)


def steps_off(name: str, x: Any, argument: FixedType, y: Any, result: FixedType) -> Any:
    """How far results (mantissas) are off, in steps; the real function is cut off where the type ends."""
    right = DEFINITIONS[name](argument.to_float(x)) * 2.0**result.frac
    return np.abs(y - np.clip(right, result.min_mantissa, result.max_mantissa))


def test_every_function_is_measured():
    assert set(DEFINITIONS) == set(FUNCTIONS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_results_are_within_a_step_and_what_is_stated(name: str):
    for argument in map(FixedType.parse, ARGUMENTS):
        x = numbers(argument, 1500)
        for result in map(nearest, RESULTS):
            form, table = fitted(name, argument, result)
            off = steps_off(name, x, argument, results(form, table, Exact(x, argument.frac), result), result).max()
            assert off <= form.deviation + 1e-6, (argument, result, form)
            assert form.deviation <= MOST, (argument, result, form)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_argument_of_16_bits(name: str):
    """All of them: what is stated holds, the proved range too, and what rises goes on rising."""
    argument, result = FixedType.parse("fixed<16,4>"), nearest("fixed<18,4>")
    x = np.arange(argument.min_mantissa, argument.max_mantissa + 1)
    form, table = fitted(name, argument, result)
    assert isinstance(form, Piecewise)
    y = results(form, table, Exact(x, argument.frac), result)
    assert steps_off(name, x, argument, y, result).max() <= form.deviation + 1e-6
    if name not in TURNING:
        assert (np.diff(y) >= 0).all()
    exact, proved = form.exact(table, Exact(x, argument.frac)), form.interval(table, Interval.of_type(argument, 1))
    assert proved.frac == exact.frac
    assert proved.lowest <= exact.mantissas.min() and exact.mantissas.max() <= proved.highest


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("bits", [0, 5])
def test_narrow_arguments_without_a_table_of_results(name: str, bits: int):
    """What is left to interpolation if tables of results are (almost) forbidden."""
    for argument in map(FixedType.parse, ("fixed<8,3>", "ufixed<7,2>", "fixed<6,9>", "fixed<2,2>", "fixed<1,1>")):
        x = np.arange(argument.min_mantissa, argument.max_mantissa + 1)
        for result in map(nearest, ("fixed<8,2>", "fixed<20,10>")):
            form, table = fitted(name, argument, result, bits)
            y = results(form, table, Exact(x, argument.frac), result)
            assert steps_off(name, x, argument, y, result).max() <= form.deviation + 1e-6, (argument, result, form)
            assert form.deviation <= MOST


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_is_not_wanted_of_an_argument_changes_nothing(name: str):
    """Types in front of a function are narrowed to what it wants."""
    for argument in map(FixedType.parse, ("fixed<32,16>", "ufixed<30,12>", "fixed<9,3>")):
        x = numbers(argument, 1000)
        for result in map(nearest, ("fixed<16,6>", "fixed<6,2>", "ufixed<9,-1>")):
            form, table = fitted(name, argument, result, 7)
            wanted, kept = form.wanted(argument), x
            low, high = (None if v is None else int(v * 2**argument.frac) for v in (wanted.low, wanted.high))
            kept = kept if low is None else np.maximum(kept, low)
            kept = kept if high is None else np.minimum(kept, high)
            dropped = 0 if wanted.frac is None else max(argument.frac - wanted.frac, 0)
            kept = Exact(kept >> dropped, argument.frac - dropped)
            np.testing.assert_array_equal(
                results(form, table, kept, result), results(form, table, Exact(x, argument.frac), result)
            )


@pytest.mark.parametrize("name", ["tanh", "elu", "softplus", "sparse_sigmoid"])
@pytest.mark.parametrize("modes", ["TRN,SAT", "TRN_ZERO,SAT", "RND,WRAP", "RND_MIN_INF,SAT_SYM"])
def test_written_modes_are_those_of_the_result(name: str, modes: str):
    """Also where the function is computed in pieces; and an approximation does not wrap where the function stays."""
    for argument in map(FixedType.parse, ("fixed<10,4>", "fixed<20,6>")):
        x = numbers(argument, 800)
        result = FixedType.parse(f"fixed<18,8,{modes}>")
        form, table = fitted(name, argument, result)
        y = results(form, table, Exact(x, argument.frac), result)
        off = steps_off(name, x, argument, y, result)
        assert off.max() <= form.deviation + 1e-6
        assert (form.deviation > 0.9) == modes.startswith("TRN")
        if modes == "TRN,SAT":
            assert (result.to_float(y) <= FUNCTIONS[name](argument.to_float(x)) + 0.45 * float(result.step)).all()


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "softsign", "selu", "softplus", "silu", "exponential"])
@pytest.mark.parametrize("modes", ["RND,WRAP", "TRN,WRAP", "RND_CONV,WRAP,3", "RND,WRAP_SM", "RND,SAT_ZERO"])
def test_what_does_not_saturate_falls_where_the_function_leaves_the_type(name: str, modes: str):
    """Nothing is cut off at the ends of a type that wraps, or becomes zero, there."""
    argument = FixedType.parse("fixed<18,4>")
    x = numbers(argument, 600)
    real = DEFINITIONS[name](argument.to_float(x))
    for text in ("fixed<8,0", "fixed<12,-1", "ufixed<10,1"):
        if text.startswith("u") and "SM" in modes:
            continue
        result = FixedType.parse(f"{text},{modes}>")
        form, table = fitted(name, argument, result)
        y = results(form, table, Exact(x, argument.frac), result)
        off = form.deviation - own_rounding(result) + 1e-6
        assert off < 0.5
        near = [result.quantize(real + shift * off * float(result.step)) for shift in (-1, -0.5, 0, 0.5, 1)]
        assert np.any([y == candidate for candidate in near], axis=0).all(), text


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("tanh", 8, 8),
        ("sigmoid", 16, 16),
        ("exponential", 16, None),
        ("softplus", 16, None),
        ("tanh_shrink", None, None),
    ],
)
def test_where_a_function_is_flat_is_known(name: str, low: int | None, high: int | None):
    """To half a step of a result with 15 fraction bits."""
    assert (FUNCTIONS[name].flat_from(-1, 2.0**-15), FUNCTIONS[name].flat_from(1, 2.0**-15)) == (low, high)


@pytest.mark.parametrize("text", ["fixed<64,48,RND,SAT>", "ufixed<90,80,RND,SAT>", "fixed<60,40,TRN,WRAP>"])
def test_a_result_far_larger_than_the_function_gets_costs_no_bit(text: str):
    argument, result = FixedType.parse("fixed<16,3>"), FixedType.parse(text)
    form, table = fitted("exponential", argument, result)
    assert form.deviation <= MOST + own_rounding(result) - 0.5
    x = numbers(argument, 600)
    y = results(form, table, Exact(x, argument.frac), result)
    assert steps_off("exponential", x, argument, y.astype(float), result).max() <= form.deviation + 1e-6


def test_a_result_too_small_for_any_function_has_a_bit():
    net = Net()
    net.call("Activation", "act", net.input((1,)), activation="gelu")
    project = project_of(net.source("act"), input_precision="fixed<4,-60>")
    assert project.design.outputs[0].type.frac <= 30


def test_a_short_index_is_a_table_of_the_rounded_function():
    argument, result = FixedType.parse("fixed<9,4>"), nearest("fixed<16,1>")
    form, table = fitted("tanh", argument, result)
    assert isinstance(form, Direct) and form.deviation == 0.5
    x = np.arange(argument.min_mantissa, argument.max_mantissa + 1)
    right = np.minimum(np.rint(np.tanh(argument.to_float(x)) * 2.0**result.frac), result.max_mantissa)
    np.testing.assert_array_equal(results(form, table, Exact(x, argument.frac), result), right)


@pytest.mark.parametrize("name", ["elu", "celu", "softplus", "silu", "tanh_shrink"])
def test_far_from_zero_a_line_is_exact(name: str):
    """The proved range may be any: an argument far beyond what was met in use is not cut off."""
    argument, result = FixedType.parse("fixed<40,20>"), nearest("fixed<42,21>")
    form, table = fitted(name, argument, result)
    far = numbers(argument, 200)
    far = far[argument.to_float(far) > 50]
    y = results(form, table, Exact(far, argument.frac), result)
    np.testing.assert_array_equal(y, (far - (1 << argument.frac if name == "tanh_shrink" else 0)) << 1)


def test_elu_above_zero_is_its_argument():
    argument, result = FixedType.parse("fixed<24,12>"), nearest("fixed<32,16>")
    form, table = fitted("elu", argument, result)
    x = numbers(argument, 2000)
    x = x[x >= 0]
    np.testing.assert_array_equal(results(form, table, Exact(x, argument.frac), result), x << 4)


def test_an_elu_of_another_alpha():
    argument, result = FixedType.parse("fixed<20,6>"), nearest("fixed<20,6>")
    form, table = fit(elu(0.3), Argument(argument, -32.0, 32.0), result, 12)
    x = numbers(argument, 4000)
    real = argument.to_float(x)
    right = np.where(real < 0, 0.3 * np.expm1(np.minimum(real, 0)), real) * 2.0**14
    assert np.abs(results(form, table, Exact(x, 14), result) - right).max() <= form.deviation <= MOST


def test_what_is_proved_of_the_argument_narrows_the_index():
    fixed = FixedType.parse("fixed<24,12>")
    narrow, _ = fit(FUNCTIONS["softsign"], Argument(fixed, -0.5, 3.9), nearest("fixed<16,1>"), 12)
    assert isinstance(narrow, Piecewise) and narrow.index_of(narrow.ranges - 1).max < 4


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_is_stated_holds_for_any_range_of_the_argument(name: str):
    """Also for one that lies beyond the index, or between two of its values."""
    rng = np.random.default_rng(3)
    for text in ("fixed<24,12>", "ufixed<20,8>", "fixed<40,8>", "ufixed<18,-6>"):
        argument = FixedType.parse(text)
        for result in map(nearest, ("fixed<16,6>", "fixed<30,12>", "fixed<16,19>", "ufixed<8,-9>")):
            low, high = np.sort(numbers(argument, 2, int(rng.integers(1 << 30)))[:2])
            x = np.unique(np.clip(numbers(argument, 300, 1), low, high))
            proved = Argument(argument, float(argument.to_float(low)), float(argument.to_float(high)))
            form, table = fit(FUNCTIONS[name], proved, result, 6)
            off = steps_off(name, x, argument, results(form, table, Exact(x, argument.frac), result), result).max()
            assert off <= form.deviation + 1e-6, (argument, low, high, result, form)
            assert form.deviation <= MOST or result.integer < 0, (argument, low, high, result, form)


def test_an_argument_that_never_comes_near_zero():
    argument, result = FixedType.parse("ufixed<23,7>"), nearest("fixed<40,16>")
    form, table = fit(FUNCTIONS["sparse_plus"], Argument(argument, 100.0, 115.9), result, 12)
    x = np.arange(100 << 16, 115 << 16, 997)
    np.testing.assert_array_equal(results(form, table, Exact(x, 16), result), x << 8)
    assert form.deviation <= MOST


@pytest.mark.parametrize(("low", "high"), [(0, 53), (30, 40), (45, 50)])
def test_wide_arguments_have_an_index_of_a_word(low: int, high: int):
    argument, result = FixedType.parse("ufixed<100,53>"), nearest("fixed<40,10>")
    form, table = fit(FUNCTIONS["softsign"], Argument(argument, 2.0**low, 2.0**high), result, 12)
    assert isinstance(form, Piecewise) and form.index.width + (form.ranges - 1).bit_length() <= 62
    x = np.array([(1 << low + 47) + 1, (1 << high + 46) + 12345, (1 << high + 47) - 1], dtype=object)
    y = results(form, table, Exact(x, 47), result)
    real = x.astype(np.float64) * 2.0**-47
    assert np.abs(y - real / (1 + real) * 2.0**30).max() <= form.deviation + 1e-6


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_pieces_meet_and_do_not_turn_back(degree: int):
    """Ends are integers that neighbours share; a rising curve so flat that rounding rules rises on."""
    x = np.arange(64)[:, None] + POINTS
    rises = np.random.default_rng(0).exponential(1.0, 64 * 16).cumsum()
    curves = [scale * np.tanh((x - 32) / 8) for scale in (1.0, 30.0, 1e6)]
    curves += [scale * np.interp(x, np.arange(64 * 16) / 16, rises) for scale in (0.01, 0.1, 1.0)]
    for y in curves:
        coefficients = interpolated(y, degree, np.zeros((64, 2), dtype=bool) | ((x == 0) | (x == 64))[:, [0, -1]])
        np.testing.assert_array_equal(coefficients, np.rint(coefficients))
        ends = coefficients.sum(axis=0)
        np.testing.assert_array_equal(ends[:-1], coefficients[0, 1:])
        fine = np.linspace(0, 1, 101)
        values = coefficients.T @ fine ** np.arange(degree + 1)[:, None]
        assert (np.diff(values, axis=1) >= -1e-9 * y.max()).all()


# -- as layers of a model ------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted({*FUNCTIONS} - {"gelu_by_tanh", "exponential"}))
def test_generous_types_keep_their_bits(name: str):
    """An input type that is far too wide costs nothing: an argument keeps what the result shows."""
    net = Net(0)
    net.call("Activation", "y", net.input((50,)), activation=name)
    wide = {"input_precision": "fixed<24,12>", "precision": "fixed<32,16,RND,SAT>"}
    project = project_of(net.source("y"), **wide)
    x = np.random.default_rng(1).normal(size=(40, 50))
    held = project.evaluate(x)["x"].astype(np.float64)
    right = DEFINITIONS[name](held.reshape(-1)).reshape(held.shape)
    assert np.abs(project.evaluate(x)["y"] - right).max() <= MOST * 2.0**-16
    assert not [note for note in project.design.notes if "off by" in note]


@pytest.mark.parametrize("name", BY_NAME)
@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_the_type_holds_what_the_function_reaches_within_its_argument(name: str, sign: float):
    """Some are largest between the ends of what is proved of the argument: silu has its minimum at -1.28."""
    net = Net(0)
    net.call("Dense", "fc", net.input((1,)), {"kernel": [[sign]], "bias": [0.0]}, units=1)
    net.call("Activation", "y", "fc", activation=name)
    x = np.arange(0.0, 16.0, 1 / 64).reshape(-1, 1)
    right = DEFINITIONS[name](sign * x[:, 0])
    for calibration in (None, {"x": x}):
        project = project_of(net.source("y"), calibration, input_precision="ufixed<10,4,RND,SAT>")
        held = project.design.outputs[0].type
        found = project.evaluate(x)["y"][:, 0]
        if calibration is not None or np.abs(right).max() < 2.0**15:
            assert np.abs(found - right).max() < max(1e-3, 2.0 * float(held.step)), (held, calibration is None)
            assert float(held.step) <= 2.0**-10 * max(np.abs(right).max(), 1.0), held


@pytest.mark.parametrize("name", [name for name in BY_NAME if not FUNCTIONS[name].bounded])
def test_large_values_that_were_measured_are_held(name: str):
    """However many integer bits they need."""
    net = Net(0)
    net.call("Activation", "y", net.input((8,)), activation=name)
    drawn = np.random.default_rng(0).normal(size=(100, 8))
    for scale in (1.0, 3e2, 3e5):
        x = np.clip(drawn * scale, -20.0, 20.0) if name == "exponential" else drawn * scale
        project = project_of(net.source("y"), {"x": x})
        right = np.asarray(DEFINITIONS[name](project.evaluate(x)["x"].astype(np.float64).reshape(-1))).reshape(x.shape)
        off = project.evaluate(x)["y"] - right
        assert np.sqrt(np.square(off).mean()) < 1e-3 * np.sqrt(np.square(right).mean()), (scale, project.design)


SMALL = [name for name in BY_NAME if name != "tanh_shrink" and FUNCTIONS[name](np.zeros(1))[0] == 0]
"""Functions that small arguments leave small: most run along a line there."""


@pytest.mark.parametrize("name", SMALL)
def test_small_values_that_were_measured_keep_their_bits(name: str):
    """Also those of a function that has a range of its own; what is beyond the finest step of all is no more."""
    net = Net(0)
    net.call("Activation", "y", net.input((8,)), activation=name)
    drawn = np.random.default_rng(0).normal(size=(100, 8))
    for scale in (1e-2, 1e-4, 1e-6, 1e-12):
        x = drawn * scale
        project = project_of(net.source("y"), {"x": x}, input_precision="fixed<80,4>")
        found, right = project.evaluate(x)["y"].astype(np.float64), FUNCTIONS[name](x)
        held, size = project.design.outputs[0].type, np.sqrt(np.square(right).mean())
        assert np.sqrt(np.square(found - right).mean()) <= max(1e-3 * size, 2.0**-FINEST), (scale, held)
        assert len(project.design.notes) == (0 < size < 2.0 ** -(FINEST - 3)), project.design.notes


@pytest.mark.parametrize(("name", "whole"), [("tanh", 1), ("softsign", 1), ("sigmoid", 0), ("sparse_sigmoid", 0)])
def test_a_range_of_its_own_is_kept_while_it_costs_little(name: str, whole: int):
    net = Net(0)
    net.call("Activation", "y", net.input((8,)), activation=name)
    drawn = np.random.default_rng(0).normal(size=(100, 8))
    for calibration in (None, {"x": drawn}, {"x": np.clip(drawn, -2.9, 0.0) / 8}):
        project = project_of(net.source("y"), calibration, input_precision="fixed<16,6>")
        assert project.design.outputs[0].type.integer == whole
    proved = project_of(net.source("y"), input_precision="fixed<16,-6>").design.outputs[0].type
    assert proved.integer == (-6 if whole else 0)


def test_a_range_of_its_own_that_is_far_too_large_is_said_where_nothing_was_measured():
    net = Net(0)
    kernel = net.rng.normal(size=(8, 2)) * 0.3
    net.call("Dense", "y", net.input((8,)), {"kernel": kernel, "bias": [-11, -11]}, units=2, activation="sigmoid")
    x = np.random.default_rng(0).normal(size=(200, 8))
    (note,) = [note for note in project_of(net.source("y")).design.notes if " is coarse: " in note]
    assert note.startswith("warning: y: ufixed<16,0,")
    project = project_of(net.source("y"), {"x": x}, layers={"y": {"precision": {"result": "ufixed<16,-10,RND,SAT>"}}})
    right = _sigmoid(x @ kernel - 11)
    assert not [note for note in project.design.notes if " is coarse: " in note]
    assert np.sqrt(np.square(project.evaluate(x)["y"] - right).mean()) < 1e-3 * np.sqrt(np.square(right).mean())


def test_ten_functions_one_behind_the_other():
    net = Net(0)
    y = net.input((20,))
    for i in range(10):
        y = net.call("Activation", f"y{i}", y, activation="elu")
    project = project_of(net.source(y), input_precision="fixed<24,12>", precision="fixed<32,16,RND,SAT>")
    x = np.random.default_rng(1).normal(size=(100, 20))
    right = project.evaluate(x)["x"].astype(np.float64)
    for _ in range(10):
        right = _elu(right)
    assert np.abs(project.evaluate(x)["y9"] - right).max() <= 10 * MOST * 2.0**-16


def test_the_summary_says_how_far_off_a_function_is():
    net = Net(0)
    net.call("Activation", "y", net.input((2,)), activation="tanh")
    project = project_of(net.source("y"))
    (op,) = [op for op in project.design if op.name == "y"]
    (row,) = [row for row in project.summary().splitlines() if row.split()[:2] == ["y", "result"]]
    assert op.layer.deviation is not None and row.endswith(f"{op.layer.deviation:.2g} steps")


def test_what_cannot_keep_its_bits_says_so():
    """2^-40 is finer than functions are computed."""
    net = Net(0)
    net.call("Activation", "fine", net.input((2,)), activation="tanh")
    project = project_of(net.source("fine"), input_precision="fixed<44,4>", precision="fixed<42,2,RND,SAT>")
    assert not [note for note in project_of(net.source("fine"), default_width=44).design.notes if "off by" in note]
    (note,) = [note for note in project.design.notes if "off by" in note]
    assert note.startswith("warning: fine: ") and "tanh" in note and "fixed<42,2" in note
    held = project.evaluate(np.linspace(-3, 3, 500).reshape(-1, 2))
    (op,) = [op for op in project.design if op.name == "fine"]
    assert np.abs(held["fine"] - np.tanh(held["x"])).max() <= op.layer.deviation * 2.0**-40
