"""What the user fixed is kept; where it can overflow or loses bits, the summary says so with numbers."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pytest

from hlsgen.ir.types import FixedType
from hlsgen.ir.typing import Reason
from hlsgen.layers.table import Table
from hlsgen.project import UnexpectedInputWarning
from tests.passes.builders import Net, evaluate_float, graph_of, grid, project_of


def matrix(calibrated: bool = False, **precision: str):
    """16 inputs, weights of about 0.5: sums of about +-2, up to +-200 by proof."""
    net = Net(1)
    x = net.input((16,))
    net.call("Dense", "fc", x, {"kernel": net.rng.normal(size=(16, 4)) * 0.5, "bias": np.zeros(4)}, units=4)
    data = {"x": np.random.default_rng(0).normal(size=(100, 16))} if calibrated else None
    return project_of(net.source("fc"), data, layers={"fc": {"precision": precision}})


def loss(project, role: str):
    (found,) = [entry for entry in project.precision.losses if entry.role == role]
    return found


def warned(project) -> list[str]:
    return [note for note in project.design.notes if note.startswith("warning")]


@pytest.mark.parametrize("role", ["accum", "result"])
def test_wrapping_is_warned_of_by_proof(role):
    project = matrix(**{role: "fixed<20,3>"})
    found = loss(project, role)
    assert found.overflows and found.wraps and found.highest > 50 > 4
    (text,) = warned(project)
    assert text.startswith(f"warning: fc: {role} fixed<20,3> can wrap: values reach -") and "would hold them" in text


@pytest.mark.parametrize("role", ["accum", "result"])
@pytest.mark.parametrize(("calibrated", "origin"), [(True, "calibration"), (False, "probe")])
def test_saturation_is_warned_of_where_it_is_expected(role, calibrated, origin):
    (text,) = warned(matrix(calibrated, **{role: "fixed<16,2,RND,SAT>"}))
    assert text.startswith(f"warning: fc: {role} fixed<16,2,RND,SAT> saturates: values up to +-")
    assert f"are expected ({origin}), it holds -2 .. 1.99" in text


def test_saturation_that_is_only_possible_is_listed_without_a_warning():
    project = matrix(result="fixed<18,6,RND,SAT>")
    found = loss(project, "result")
    assert found.overflows and not found.expected_beyond and found.effect.startswith("can saturate")
    assert warned(project) == []
    assert "can saturate" in project.summary()


@pytest.mark.parametrize("role", ["accum", "result"])
def test_lost_bits_are_counted(role):
    project = matrix(**{role: "fixed<18,12,RND,SAT>"})
    found = loss(project, role)
    exact = project.design.ops[-1].output.typing.exact
    assert found.lost_bits == exact.frac - 6 and not found.overflows
    assert f"drops {found.lost_bits} bits below its step of 0.0156" in project.summary()
    assert warned(project) == []


@pytest.mark.parametrize("role", ["accum", "result"])
def test_a_step_as_large_as_the_values_is_warned_of(role):
    (text,) = warned(matrix(**{role: "fixed<12,12,RND,SAT>"}))
    assert f"{role} fixed<12,12,RND,SAT> is coarse: its step is 1, values up to +-" in text


def test_nothing_is_said_of_types_that_lose_nothing():
    project = matrix(accum="fixed<60,30>")
    assert project.precision.losses == () and warned(project) == []
    assert "Fixed types that lose something" not in project.summary()


@pytest.mark.parametrize(("fixed", "clipped"), [("fixed<8,-2>", True), ("fixed<8,2>", False)])
def test_constants_beyond_their_type(fixed, clipped):
    project = matrix(weight=fixed)
    found = warned(project)
    assert bool(found) == clipped and all("cannot hold all constants" in text for text in found)


@pytest.mark.parametrize(
    ("modes", "used", "effect"),
    [
        ("", "fixed<8,2,RND_CONV,SAT>", "saturates"),
        (",TRN,SAT_SYM", "fixed<8,2,TRN,SAT_SYM>", "saturates"),
        (",RND,SAT_ZERO", "fixed<8,2,RND,SAT_ZERO>", "becomes zero"),
        (",TRN,WRAP", "fixed<8,2,TRN,WRAP>", "wraps"),
    ],
)
def test_bias_beyond_its_type(modes, used, effect):
    net = Net()
    x = net.input((2,))
    net.call("Dense", "fc", x, {"kernel": np.ones((2, 1)), "bias": [5.0]}, units=1)
    project = project_of(net.source("fc"), layers={"fc": {"precision": {"bias": f"fixed<8,2{modes}>"}}})
    (text,) = warned(project)
    assert f"bias {used} cannot hold all constants: values reach 5 .. 5, what lies beyond {effect}" in text
    assert loss(project, "bias").effect == effect


@pytest.mark.parametrize(
    ("value", "fixed", "overflows"),
    [
        (1.995, "fixed<8,2,TRN,SAT>", False),
        (1.995, "fixed<8,2,RND,SAT>", True),
        (1.97, "fixed<8,2,RND,SAT>", False),
        (-2.0, "fixed<8,2,RND,SAT>", False),
        (-2.0, "fixed<8,2,RND,SAT_SYM>", True),
        (-2.001, "fixed<8,2,TRN,SAT>", True),
        (-2.001, "fixed<8,2,TRN_ZERO,SAT>", False),
        (-0.001, "ufixed<8,2,RND,SAT>", False),
        (-0.001, "ufixed<8,2,TRN,SAT>", True),
        (-1e-30, "ufixed<8,2,TRN,SAT>", True),
        (-1e-30, "ufixed<8,2,RND,SAT>", False),
        (1e30, "fixed<8,2,TRN,SAT>", True),
    ],
)
def test_a_constant_overflows_where_it_is_outside_after_rounding(value, fixed, overflows):
    net = Net()
    weights = {"kernel": [[value]], "bias": [0.0]}
    net.call("Dense", "fc", net.input((1,)), weights, units=1)
    losses = project_of(net.source("fc"), layers={"fc": {"precision": {"weight": fixed}}}).precision.losses
    assert [entry.overflows for entry in losses if entry.role == "weight"] == [True] * overflows


@pytest.mark.parametrize(
    ("function", "result", "effect"),
    [
        ("tanh", "fixed<8,1>", None),
        ("tanh", "fixed<8,0,RND,SAT>", "can saturate"),
        ("exponential", "fixed<8,3>", "can saturate"),
        ("exponential", "fixed<8,3,RND,SAT_ZERO>", "can become zero"),
        ("exponential", "fixed<8,3,TRN,WRAP>", "can wrap"),
        ("exponential", "ufixed<9,5,TRN,WRAP>", None),
        ("exponential", "ufixed<8,2>", "saturates"),
    ],
)
def test_tables_of_functions_lose_too(function, result, effect):
    """exp reaches 20.1 at 3, the most that comes; with data of 1.5, 4.5 is expected. Real numbers have no last bit."""
    net = Net()
    x = net.call("ReLU", "relu", net.input((3,)), max_value=3)
    net.call("Activation", "act", x, activation=function)
    project = project_of(
        net.source("act"), {"x": np.ones((5, 3)) * (1.5 if effect == "saturates" else 0.5)}, input_precision="fixed<7,4>",
        layers={"act": {"precision": {"result": result}}},
    )  # fmt: skip
    found = [entry for entry in project.precision.losses if entry.role == "result"]
    below = f"drops what lies below its step of {float(found[0].type.step):.3g}"
    assert [entry.effect for entry in found] == [below if effect is None else f"{effect}; {below}"]
    assert any("act: result" in text for text in warned(project)) == (effect not in (None, "can saturate"))


@pytest.mark.parametrize(("argument", "form"), [("fixed<7,4>", "Direct"), ("fixed<24,12>", "Piecewise")])
def test_functions_in_coarse_types_are_named(argument, form):
    """However they are computed; and one whose values are all in the type loses nothing."""
    net = Net()
    net.call("Activation", "act", net.input((3,)), activation="elu")
    net.call("Activation", "shrink", "x", activation="soft_shrink")
    x = np.random.default_rng(0).normal(size=(50, 3))
    coarse, exact = {"result": "fixed<16,15,RND,SAT>"}, {"result": "fixed<40,16,TRN,SAT>"}
    types = {"act": {"precision": coarse}, "shrink": {"precision": exact}}
    project = project_of(net.source("act", "shrink"), {"x": x}, input_precision=argument, layers=types)
    forms = [type(op.layer.form).__name__ for op in project.design if isinstance(op.layer, Table)]
    assert forms[0] == form
    (text,) = warned(project)
    assert text.startswith("warning: act: result fixed<16,15,RND,SAT> is coarse: its step is 0.5")
    assert [entry.layer for entry in project.precision.losses] == ["act"] + ["shrink"] * (form == "Piecewise")


def test_values_that_become_zero_do_not_wrap():
    (text,) = warned(matrix(result="fixed<20,3,RND,SAT_ZERO>"))
    assert "can become zero: values reach" in text
    assert loss(matrix(result="fixed<20,3,RND,SAT_ZERO>"), "result").effect.startswith("can become zero")


def test_calibration_beyond_a_fixed_input():
    net = Net()
    net.dense("fc", net.input((2,)), 2, 1)
    project = project_of(net.source("fc"), {"x": np.array([[7.9, 0.1]])}, input_precision="fixed<8,3>")
    assert any("x: input fixed<8,3,RND,SAT> saturates: values up to +-7.9 are expected" in t for t in warned(project))


def test_the_models_own_quantisers_are_no_losses():
    net = Net()
    x = net.input((4,))
    net.dense("fc", x, 4, 3)
    net.quantize("q", "fc", 4, 1)
    assert project_of(net.source("q")).precision.losses == ()


# -- max_width -------------------------------------------------------------------------------------


def wide() -> Net:
    net = Net(2)
    x = net.input((64,))
    for i in range(2):
        net.call("Dense", f"fc{i}", x, {"kernel": net.rng.normal(size=(64, 64)), "bias": np.zeros(64)}, units=64)
        x = f"fc{i}"
    net.batchnorm("bn", x, 64)
    net.call("ReLU", "relu", "bn")
    net.dense("out", "relu", 64, 3)
    return net


@pytest.mark.parametrize("most", [8, 12, 16, 20, 24])
def test_max_width_caps_accumulators_results_and_constants(most):
    project = project_of(wide().source("out"), max_width=most, layers={"fc1": {"precision": {"result": "fixed<20,8>"}}})
    for node in project.design:
        if node.layer.kind == "Input" or node.name == "fc1":
            continue
        assert node.output.type.width <= most, node.name
        for name, parameter in node.layer.constants().items():
            assert parameter.type.width <= most, f"{node.name}: {name}"
        if node.layer.constants():
            assert node.output.typing.accum_type.width <= most
    named = {note.split(": ")[1] for note in warned(project) if "max_width cuts the accumulator" in note}
    assert named == {
        node.name for node in project.design if node.layer.constants() and node.output.typing.sum_type.width > most
    }
    assert {"fc0", "fc1"} <= named
    budgets = [note for note in warned(project) if "max_width leaves" in note]
    if most < 24:
        assert budgets[-1] == f"warning: max_width leaves {most} bits for inferred constants of fc0, fc1, bn, out"
    else:
        assert budgets == []
    x = np.random.default_rng(0).normal(size=(30, 64))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        np.testing.assert_array_equal(project.predict(x, raw=True), project.evaluate(x, raw=True)["out"])


@pytest.mark.parametrize("function", ["sigmoid", "softmax", "elu", "relu"])
def test_max_width_names_functions_whose_results_it_cuts(function):
    """Not what only picks among values, nor a quantiser of the model that happens to be as wide."""
    net = Net(2)
    x = net.call("Activation", "picked", net.quantize("q", net.input((4,)), 8), activation="relu")
    net.call("Activation", "function", net.dense("fc", x, 4, 3), activation=function)
    source = net.source("function")
    found = [text for text in project_of(source, max_width=8).design.notes if "bits for inferred results" in text]
    text = "warning: max_width leaves 8 bits for inferred results of function"
    assert found == ([] if function == "relu" else [text])
    assert not any("max_width" in text for text in project_of(source, max_width=30).design.notes)


def test_capped_accumulators_are_placed_by_what_is_expected():
    """Not by the worst case, which would leave nothing of the usual values."""
    source = wide().source("out")
    x = np.random.default_rng(0).normal(size=(300, 64)).astype(np.float32)
    graph = graph_of(source)
    right = evaluate_float(graph, {"x": x.astype(np.float64)})[graph.outputs[0]]
    got = project_of(source, max_width=16).evaluate(x)["out"]
    assert (got.argmax(axis=-1) == right.argmax(axis=-1)).mean() > 0.99


def test_max_width_says_where_it_cuts_the_models_own_fixed_point():
    net = Net(2)
    x = net.input((8,))
    net.call("QDense", "fc", x, {"kernel": net.dyadic(8, 4, frac=7, bound=100), "bias": net.dyadic(4)}, units=4,
             kernel_quantizer=net.quantized_bits(8), bias_quantizer=net.quantized_bits(8, 3))  # fmt: skip
    net.call("QDense", "out", "fc", {"kernel": net.dyadic(4, 4, frac=7, bound=100), "bias": net.dyadic(4)}, units=4,
             kernel_quantizer=net.quantized_bits(8), bias_quantizer=net.quantized_bits(8, 3))  # fmt: skip
    net.call("Multiply", "square", ["out", "out"])
    texts = warned(project_of(net.source("square"), max_width=12))
    for name in (
        "fc: max_width cuts the accumulator",
        "out: max_width cuts the accumulator",
        "square: max_width cuts the exact result",
    ):
        assert any(name in text for text in texts)
    assert len(set(texts)) == len(texts)
    assert warned(project_of(net.source("square"))) == []


@pytest.mark.parametrize("most", [9, 12])
def test_max_width_narrows_no_accumulator_that_a_kernel_does_not_have(most):
    """Rectifiers with slopes round once; NumPy and the emulator agree on it."""
    net = Net()
    x = net.dense("fc", net.input((2, 3)), 3, 3)
    x = net.call("PReLU", "p", x, {"alpha": [[0.3, 0.17, 0.77]]}, shared_axes=[1])
    net.call("LeakyReLU", "leaky", x, negative_slope=0.3)
    project = project_of(net.source("leaky"), max_width=most, input_precision="fixed<10,3>")
    data = grid((2, 3))
    np.testing.assert_array_equal(project.predict(data, raw=True), project.evaluate(data, raw=True)["leaky"])
    assert all(project.trace_keys()[name].type.width == most for name in ("fc", "p", "leaky"))


@pytest.mark.parametrize("most", [5, 9, 12])
@pytest.mark.parametrize("behind", ["softmax", "linear", "relu", "tanh"])
def test_max_width_holds_where_nothing_is_expected_and_for_functions(behind, most):
    """``x - x`` is never met other than zero; the range that is proved of it is wide."""
    net = Net(5)
    x = net.call("Subtract", "none", [net.input((6,)), "x"])
    x = net.call("Multiply", "square", [net.dense("fc", x, 6, 4), "fc"])
    net.dense("out", net.call("Activation", "function", x, activation=behind), 4, 3, activation=behind)
    project = project_of(net.source("out"), max_width=most, input_precision="fixed<14,5>")
    for tensor in project.design.tensors[1:]:
        assert max(tensor.type.width, tensor.typing.accum_type.width if tensor.typing.accum else 0) <= most, tensor
    for text in warned(project):
        cut = re.search(r"cuts the accumulator from (\S+) to (\S+)", text)
        assert cut is None or FixedType.parse(cut[1]).width > most >= FixedType.parse(cut[2]).width, text


# -- the report as data ----------------------------------------------------------------------------


def test_choices_are_data():
    net = Net(1)
    x = net.input((16,))
    net.call("Dense", "fc", x, {"kernel": net.rng.normal(size=(16, 4)), "bias": np.zeros(4)}, units=4)
    net.quantize("q", "fc", 4, 1)
    net.call("Dense", "b", "q", {"kernel": net.rng.normal(size=(4, 4)), "bias": np.zeros(4)}, units=4)
    net.call("Activation", "tanh", "b", activation="tanh")
    data = np.random.default_rng(0).normal(size=(100, 16))
    project = project_of(net.source("tanh"), {"x": data})
    report = project.precision
    reasons = {choice.name: choice.reason for choice in report}
    assert reasons == {"x": Reason.BUDGET, "fc": Reason.MODEL, "b": Reason.BUDGET, "tanh": Reason.FUNCTION}
    b = report["b"]
    largest = np.abs(project.evaluate(data)["b"]).max()
    assert b.origin == "calibration" and b.expected == pytest.approx(largest, rel=0.01)
    assert b.margin == pytest.approx(max(float(b.type.max), -float(b.type.min)) / b.expected)
    assert 0 <= b.margin_bits <= 1 and b.proved[0] < 0 < largest <= b.proved[1]
    assert report["q" if "q" in reasons else "fc"].layer == "fc" and str(report) in project.summary()


def test_a_ceiling_is_no_missing_margin():
    net = Net(1)
    x = net.input((16,))
    weights = {"kernel": net.rng.normal(size=(16, 4)) * 9, "bias": np.zeros(4)}
    net.call("Dense", "fc", x, weights, units=4, activation="relu6")
    choice = next(iter(c for c in project_of(net.source("fc")).precision if c.reason is Reason.BUDGET))
    assert choice.expected == 6.0 and choice.margin_bits > 0


@pytest.mark.parametrize(("size", "warns"), [(1.0, False), (2.0, False), (6.0, True)])
def test_inputs_larger_than_expected_are_reported_even_if_their_type_holds_them(size, warns):
    project = matrix()
    x = np.random.default_rng(3).normal(size=(50, 16)) * size
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        project.predict(x)
    assert [w.category for w in caught] == ([UnexpectedInputWarning] if warns else [])
    if warns:
        assert "times larger than those by which results were placed (probe)" in str(caught[0].message)
        assert caught[0].filename == __file__


def test_designs_that_no_estimate_shaped_expect_nothing():
    net = Net()
    x = net.input((4,))
    net.dense("fc", x, 4, 3)
    net.quantize("q", "fc", 4, 1)
    project = project_of(net.source("q"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        project.predict(np.full((5, 4), 30.0))
