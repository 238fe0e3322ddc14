"""Overflow counters: what did not fit is counted, what nobody wanted is not."""

from __future__ import annotations

import warnings
from fractions import Fraction

import numpy as np
import pytest

from hlsgen.analysis.exposed_casts import expose_casts
from hlsgen.analysis.overflow import Overflow, OverflowReport
from hlsgen.backends.hls.parts import STEPS_OF_A_PART
from hlsgen.errors import HlsgenError
from hlsgen.ir.demand import Demand
from hlsgen.ir.types import FixedType
from tests.passes.builders import Net, project_of


def count(project, x):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        project.predict(x, count_overflows=True)
    return project.overflows


def two_layers(activation: str, **settings):
    net = Net(4)
    x = net.input((16,))
    for name, n_in, n_out in (("a", 16, 8), ("b", 8, 4)):
        weights = {"kernel": net.rng.normal(size=(n_in, n_out)) / 3, "bias": np.zeros(n_out)}
        x = net.call("Dense", name, x, weights, units=n_out, activation=activation)
    return project_of(net.source("b"), **settings)


@pytest.mark.parametrize("activation", ["relu", "relu6", "tanh", "linear"])
def test_what_an_activation_cuts_off_is_no_overflow(activation):
    project = two_layers(activation)
    report = count(project, np.random.default_rng(0).normal(size=(200, 16)))
    assert report.total == 0, str(report)


@pytest.mark.parametrize("activation", ["relu", "linear"])
def test_values_beyond_the_placed_range_are_counted(activation):
    project = two_layers(activation)
    x = np.random.default_rng(0).normal(size=(200, 16)) * 8
    report = count(project, x)
    inner = next(node for node in project.design if node.layer.kind == "Dense")
    with_reals = np.clip(x, -32, 32 - 2.0**-10) @ inner.layer.weight.effective
    top, bottom = float(inner.output.type.max), float(inner.output.type.min)
    beyond = (with_reals > top + 0.01).sum() + (0 if activation == "relu" else (with_reals < bottom - 0.01).sum())
    assert beyond > 0 and abs(report["a"] - beyond) <= 3


def test_a_fixed_type_is_counted_against_the_exact_sum():
    net = Net()
    x = net.input((2,))
    net.call("Dense", "fc", x, {"kernel": [[1.0], [1.0]], "bias": [0.0]}, units=1)
    project = project_of(
        net.source("fc"), input_precision="fixed<8,4>", layers={"fc": {"precision": {"result": "fixed<6,3>"}}}
    )
    report = count(project, np.array([[1.0, 1.0], [3.0, 3.0], [-2.0, -2.0], [-2.0, -2.125]]))
    assert report["fc"] == 2 and report.entries[0].largest == 6.0


def test_designs_without_a_lossy_cast_say_so():
    net = Net()
    net.dense("fc", net.input((2,)), 2, 2)
    project = project_of(net.source("fc"), input_precision="fixed<6,3>")
    assert str(count(project, np.ones((3, 2)))) == "no cast in this design can overflow"


def test_what_is_behind_the_last_lossy_cast_is_not_computed():
    net = Net(1)
    x = net.dense("first", net.input((3,)), 3, 3)
    for i in range(2 * STEPS_OF_A_PART + 2):
        x = net.call("ReLU", f"relu{i}", x)
    project = project_of(net.source(x), layers={"first": {"precision": {"result": "fixed<6,2>"}}})
    report = count(project, np.ones((2, 3)))
    assert [entry.layer for entry in report.entries] == ["first"]
    assert [op.layer.kind for op in expose_casts(project.design).design] == ["Input", "Dense"]


def test_what_is_reshaped_for_an_output_is_counted_where_something_else_reads_it():
    """The counting design has other outputs: there nobody reads the reshaped values."""
    net = Net(3)
    shared = net.dense("shared", net.input((4, 2)), 2, 3)
    net.call("Flatten", "flat", shared)
    net.dense("last", shared, 3, 2)
    project = project_of(net.source("flat", "last"), layers={"last": {"precision": {"result": "fixed<4,1>"}}})
    assert count(project, np.ones((3, 4, 2)))["last"] > 0


# -- the report as a mapping ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def report():
    """A Dense with a BatchNormalization that is fused into it, a Dropout, and a Dense that cannot overflow."""
    net = Net(5)
    x = net.call("Dropout", "drop", net.input((3,)), rate=0.5)
    x = net.batchnorm("bn", net.dense("first", x, 3, 4, activation="linear"), 4)
    net.dense("second", net.call("ReLU", "relu", x), 4, 2)
    project = project_of(
        net.source("second"), layers={"bn": {"precision": {"result": "fixed<4,1>"}}, "second": {"precision": "auto"}}
    )
    return count(project, np.random.default_rng(0).normal(size=(50, 3)))


def test_the_report_is_a_mapping_of_all_layers(report):
    assert set(report) == {"bn", "first", "relu", "second"} and len(report) == 4
    assert list(report) == list(report.keys())
    assert "first" in report and "x" not in report and "drop" not in report and "nope" not in report
    assert report["first"] > 0 and report["second"] == report["relu"] == 0
    assert report.get("nope", 7) == 7
    assert report == dict(report.items()) and report != {"first": 0}
    assert report.total == sum(entry.count for entry in report.entries) == report["first"]


def test_a_layer_that_was_fused_away_has_the_count_of_what_it_was_fused_into(report):
    assert report["bn"] == report["first"] == report.total


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("frist", "overflows: the model has no layer 'frist'; did you mean 'first'?"),
        ("zzz", "overflows: the model has no layer 'zzz'; valid: bn, first, relu, second"),
        (0, "overflows: the model has no layer 0; valid"),
        ("x", "overflows: 'x' is an input; predict warns"),
        ("drop", "overflows: 'drop' is an input; predict warns"),
    ],
)
def test_what_is_no_layer_is_refused(report, name, message):
    with pytest.raises(HlsgenError) as caught:
        report[name]
    assert isinstance(caught.value, KeyError) and str(caught.value).startswith(message)


def test_texts_of_a_report(report):
    assert repr(report) == f"<overflows: {report.total} ('first': {report.total}, 'bn': {report.total})>"
    assert str(report).splitlines()[0].split("  ")[0] == "layer"
    assert repr(OverflowReport([], {"fc": "fc"})) == "<overflows: 0>"


@pytest.mark.parametrize("function", ["elu", "silu", "exponential", "log_sigmoid", "tanh", "sigmoid", "softsign"])
def test_functions_in_pieces_count_what_saturates(function):
    """And not that a function comes to its own bound, which its type need not hold."""
    net = Net()
    net.call("Activation", "y", net.input((40,)), activation=function)
    x = np.random.default_rng(0).normal(size=(50, 40))
    project = project_of(net.source("y"), {"x": x}, input_precision="fixed<18,6>")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        y = project.predict(8 * x, count_overflows=True)
    held = project.design.outputs[0].type
    if function in ("tanh", "sigmoid", "softsign"):
        assert y.max() == float(held.max) or function == "softsign"
        assert project.overflows.total == 0 and not project.overflows.entries
    else:
        ends = (y == float(held.max)) | ((y == float(held.min)) & held.signed)
        assert 0.9 * ends.sum() <= project.overflows["y"] <= ends.sum() and ends.sum() > 100


def test_no_samples_overflow_nothing():
    net = Net()
    net.dense("fc", net.input((2, 3)), 3, 2)
    project = project_of(net.source("fc"), layers={"fc": {"precision": {"result": "fixed<4,1>"}}})
    empty = np.zeros((0, 2, 3))
    assert project.predict(empty, count_overflows=True).shape == (0, 2, 2)
    (entry,) = project.overflows.entries
    assert (entry.count, entry.total, entry.largest) == (0, 0, 0.0) and project.overflows["fc"] == 0


@pytest.mark.parametrize("overflow", ["WRAP", "SAT", "SAT_ZERO", "SAT_SYM", "WRAP_SM"])
def test_a_value_overflows_where_it_is_outside_after_rounding(overflow):
    """-2 is no value of a symmetric range; 1.97 rounds to 2; -2.03 rounds to -2."""
    fixed = FixedType.parse(f"fixed<6,2,RND,{overflow}>")
    values = np.array([1.97, 1.96, -2.0, -2.03, -2.04, 100.0, -100.0]) * 2.0**10
    found = Overflow("fc", "result", fixed).counted(np.round(values).astype(np.int64), 10)
    assert found.count == (6 if overflow == "SAT_SYM" else 4)
    assert (found.total, found.largest) == (7, 100.0)


def test_limits_far_beyond_the_values():
    """Limits of readers on the fine grid of a sum need more than 64 bits."""
    fixed, far = FixedType.parse("fixed<6,2>"), Fraction(2) ** 50
    found = Overflow("fc", "result", fixed, Demand(-far, far)).counted(np.array([1, -1]) * 2**41, 40)
    assert found.count == 1, "2 is outside, -2 is not"


# -- results that saturate -----------------------------------------------------------------------


@pytest.mark.parametrize("skipped", [[], ["narrow_types"], ["leave_off_modes"], ["narrow_types", "leave_off_modes"]])
@pytest.mark.parametrize("modes", ["TRN,SAT", "RND,SAT", "RND_CONV,SAT_SYM", "TRN,WRAP", "RND_ZERO,SAT_ZERO"])
def test_what_a_written_result_cannot_hold_is_counted_behind_any_step(modes, skipped):
    """A sum is stored as its ReLU's result can tell it apart; what that result loses is counted all the same."""
    net = Net()
    weights = {"kernel": np.eye(2), "bias": np.zeros(2)}
    net.call("Dense", "fc", net.input((2,)), weights, units=2, activation="relu")
    types = {"precision": {"weight": "fixed<2,2>", "bias": "fixed<2,2>", "result": f"fixed<6,3,{modes}>"}}
    project = project_of(net.source("fc"), input_precision="fixed<12,6>", layers={"fc": types}, skip_passes=skipped)
    x = np.array([[1.0, 3.875], [4.0, 31.0], [-9.0, 0.0], [5.5, -4.0], [3.9375, 3.75]])
    rounds_up = modes.startswith(("RND,", "RND_CONV"))
    assert count(project, x)["fc"] == 3 + rounds_up  # 3.9375 is between two steps


def test_what_an_inner_step_loses_is_counted_though_the_result_would_lose_it_too():
    net = Net()
    net.call("Activation", "act", net.input((1,)), activation="hard_sigmoid")
    types = {"act": {"precision": {"result": "fixed<12,0,TRN,SAT>"}}}
    report = count(project_of(net.source("act"), layers=types), np.array([[0.0], [-0.5], [0.25], [9.0], [-9.0]]))
    assert report["act"] == 3  # 1/2, 0.55 and 1; 0.4 and 0 fit


@pytest.mark.parametrize(
    ("function", "result", "overflows"),
    [
        ("exponential", "ufixed<8,4,RND,SAT>", 2),  # e^3 and e^5
        ("exponential", "ufixed<8,4,RND,WRAP>", 2),
        ("softplus", "fixed<8,2,RND,SAT>", 2),
        ("tanh", "fixed<8,0,RND,SAT>", 4),
        ("tanh", "fixed<8,1,RND,SAT>", 0),  # 0.9999 is its bound, which the type misses by a step
        ("sigmoid", "ufixed<8,0,RND,SAT>", 0),
        ("elu", "ufixed<8,4,RND,SAT>", 1),
    ],
)
def test_results_of_functions_beyond_their_words_are_counted(function, result, overflows):
    net = Net()
    net.call("Activation", "act", net.input((1,)), activation=function)
    project = project_of(net.source("act"), layers={"act": {"precision": {"result": result}}})
    report = count(project, np.array([[-4.0], [0.125], [1.0], [3.0], [5.0]]))
    assert report["act"] == overflows
    assert all(entry.type == FixedType.parse(result) for entry in report.entries)


def test_a_step_in_front_of_a_function_overflows_where_the_function_still_moves():
    net = Net()
    net.call("Dense", "fc", net.input((1,)), {"kernel": [[0.7]], "bias": [0.0]}, units=1, activation="exponential")
    types = {"fc": {"precision": {"result": "fixed<16,14,RND,SAT>"}}}
    data = {"x": np.array([[-4.0], [1.0]])}
    project = project_of(net.source("fc"), data, input_precision="fixed<24,8>", layers=types)
    (step,) = count(project, np.array([[0.5], [3.0], [7.0], [-100.0]])).entries
    assert step.type == FixedType.parse("fixed<16,3,RND,SAT>")
    assert (step.count, step.total) == (1, 4), "to a step of 1/4, e^-70 is the zero that e^-4 is; e^4.9 is not e^4"


def test_what_a_transposed_convolution_cuts_off_is_not_counted():
    """Its blocks compute pixels beside the image, which the model has not."""
    net = Net()
    weights = {"kernel": np.ones((3, 1, 1)), "bias": np.zeros(1)}
    net.call(
        "Conv1DTranspose", "up", net.input((3, 1)), weights, filters=1, kernel_size=[3], strides=2, padding="valid"
    )
    project = project_of(
        net.source("up"), input_precision="fixed<8,4>", layers={"up": {"precision": {"result": "fixed<4,2,RND,SAT>"}}}
    )
    x = np.full((1, 3, 1), 4.0)
    report = count(project, x)
    assert project.predict(x).size == 7 and report["up"] == 7 and [entry.total for entry in report.entries] == [7]


def test_counting_goes_by_the_graph_that_types_were_inferred_of(monkeypatch):
    """Passes are not run again: with calibration data, that would send all of them through the network once more."""
    net = Net(4)
    x = net.dense("a", net.input((16,)), 16, 8, activation="relu")
    data = {"x": np.random.default_rng(0).normal(size=(50, 16))}
    layers = {"a": {"precision": {"result": "fixed<4,1>"}}}
    project = project_of(net.source(net.dense("b", x, 8, 4)), data, layers=layers)
    monkeypatch.setattr("hlsgen.pipeline.run_passes", None)
    assert count(project, data["x"])["a"] > 0
