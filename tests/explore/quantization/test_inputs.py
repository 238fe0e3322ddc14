"""Inputs of ``hlsgen.quantize``: types for each feature, raw data for networks that want scaled ones."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import hlsgen
from hlsgen import data
from hlsgen.config import make_config
from hlsgen.errors import InputError
from hlsgen.explore.quantization.driver import TargetMissedWarning
from hlsgen.explore.quantization.inputs import _Features, reach
from hlsgen.explore.quantization.parts import divided
from hlsgen.explore.quantization.placement import clipped_share, typed
from hlsgen.explore.quantization.result import Quantized
from hlsgen.frontends.keras.source import SourceModel
from hlsgen.ir.spelling import INPUT_MODES
from hlsgen.project import ClippedInputWarning, Project
from tests.explore.quantization.networks import real
from tests.exports.c_library import check, compiler, job_of
from tests.passes.builders import Net, evaluate_float, graph_of, project_of, rewritten

SIZES = np.array([1e4, 1e-2, 1.0, 30.0])
ONES = np.ones(4)


def mlp(sizes: Any = SIZES, seed: int = 4) -> SourceModel:
    """A network to which features of these sizes are alike."""
    net = Net(seed)
    kernel = net.rng.normal(size=(len(sizes), 16)) / np.asarray(sizes)[:, None] / 2
    weights = {"kernel": kernel, "bias": net.rng.normal(size=16) / 4}
    x = net.call("Dense", "fc", net.input((len(sizes),)), weights, units=16, activation="relu")
    return net.source(real(net, "classes", x, 16, 4, activation="softmax"))


def raw(sizes: Any = SIZES, count: int = 1000, seed: int = 1, outliers: float = 0.0) -> Any:
    """Normal features of these sizes; of the last, a part is some ten times larger."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, len(sizes)))
    x[: round(outliers * count), -1] *= 100
    return rng.permutation(x) * sizes


def quantized(project: Project, x: Any, target: float = 0.95, **options: Any) -> Quantized:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TargetMissedWarning)
        return hlsgen.quantize(project, x, None, target, **options)


def reached_by(rows: Any, how: Any, deviations: float) -> Any:
    return reach(rows, rows.min(axis=0), rows.max(axis=0), how, deviations)


def input_row(found: Quantized, name: str = "x") -> Any:
    (row,) = (row for row in found.rows if row.what == "input" and row.layer == name)
    return row


def integers(found: Quantized, name: str = "x") -> list[int]:
    """The integer bits of each feature, as the configuration has them."""
    types = found.config.input_precision
    assert isinstance(types, dict) and isinstance(types[name], tuple)
    return [one.completed(INPUT_MODES).integer for one in types[name]]


# -- types for each feature ------------------------------------------------------------------------


def test_features_of_all_sizes_need_no_more_bits_than_alike_ones() -> None:
    apart = quantized(project_of(mlp()), raw())
    alike = quantized(project_of(mlp(ONES)), raw(ONES))
    assert apart.met and alike.met and apart.bits.inputs.by_tensor <= alike.bits.inputs.by_tensor + 1
    assert max(integers(apart)) - min(integers(apart)) in (19, 20), "1e4 and 1e-2 are 20 octaves apart"
    assert "each feature" in input_row(apart).done and " .. " in input_row(apart).type
    together = quantized(project_of(mlp(), input_granularity="tensor"), raw())
    assert not together.met and together.bits.inputs.by_tensor == 16


@pytest.mark.parametrize("seed", [1, 2, 4])
def test_three_bits_fewer_decide_alike(seed: int) -> None:
    sizes = np.array([16.0, 0.25, 1.0, 4.0])
    x = raw(sizes, 2000, seed)
    apart = quantized(project_of(mlp(sizes, seed)), x)
    together = quantized(project_of(mlp(sizes, seed), input_granularity="tensor"), x)
    assert apart.met and together.met
    assert apart.bits.inputs.by_tensor + 3 <= together.bits.inputs.by_tensor
    assert apart.bits.weights.larger <= together.bits.weights.larger


def test_the_port_rounds_each_feature_to_its_own_type(tmp_path: Any) -> None:
    found, x = quantized(project_of(mlp()), raw()), np.concatenate([raw(count=200, seed=9), 4 * raw(count=50, seed=8)])
    types = found.config.input_precision
    assert isinstance(types, dict)
    each = [one.completed(INPUT_MODES) for one in types["x"]]
    assert len({one.width for one in each}) == 1 and found.bits.inputs.by_tensor == each[0].width
    right = np.stack([t.to_float(t.quantize(x[:, c])) for c, t in enumerate(each)], axis=1)
    np.testing.assert_array_equal(found.project.evaluate(x)["x"], right)
    path = found.write(tmp_path / "q.yml")
    again = Project(found.project.graph, hlsgen.load_config(path))
    assert again.design.digest == found.project.design.digest and path.read_text().partition("\n")[2] == found.yaml


@pytest.mark.filterwarnings("ignore::hlsgen.project.ClippedInputWarning")
def test_every_executor_computes_the_same(tmp_path: Any) -> None:
    compiler()
    scaling = {"offset": [100.0, 1e-3, 0.5, -3.0], "scale": (1 / SIZES).tolist()}
    plain = quantized(project_of(mlp()), raw())
    scaled = quantized(project_of(mlp(ONES)), raw(), input_scaling=scaling)
    for name, found in {"plain": plain, "scaled": scaled}.items():
        ends = np.array([[1, 1, 1, 1], [-1, -1, -1, -1], [1, -1, 0, 1]]) * 1e30
        x = np.concatenate([raw(count=40, seed=5), ends, ends / 1e26])
        right = found.project.evaluate(x, raw=True)["classes"]
        np.testing.assert_array_equal(found.project.predict(x, raw=True), right)
        np.testing.assert_array_equal(found.project.with_settings(io_type="io_stream").predict(x, raw=True), right)
        circuit = found.project.with_settings(backend="verilog")
        np.testing.assert_array_equal(circuit.simulate(x).result, right)
        port = found.project.design.inputs[0]
        assert port.exponents is not None
        (tmp_path / name).mkdir()
        check(job_of(found.project), {"x": port.type.quantize(x * np.exp2(port.exponents))}, tmp_path / name)


def test_features_that_agree_have_one_type() -> None:
    found = quantized(project_of(mlp(ONES)), raw(ONES))
    assert input_row(found).done == "mse" and not found.notes
    assert isinstance(found.config.input_precision, dict) and not isinstance(found.config.input_precision["x"], tuple)


@pytest.mark.parametrize("how", ["max", "zscore", "robust"])
def test_how_far_a_type_reaches_can_be_said(how: str) -> None:
    x = raw(ONES, 1000, 3, outliers=0.004)
    found = quantized(project_of(mlp(ONES)), x, input_ranges=how)
    search, _ = divided(found.project.design, x, None, 0.5, 0)
    rows = search.inputs["x"]
    wanted = np.frexp(reached_by(rows, how, 4.0))[1] + 1
    reached = integers(found) if len(set(wanted)) > 1 else wanted.tolist()
    assert reached == wanted.tolist() and (how != "robust" or found.config.clipped_share("x") > 0)
    assert input_row(found).done.startswith(how)


def test_a_feature_that_is_never_met_takes_no_bits() -> None:
    x = raw() * [1, 1, 1, 0]
    found = quantized(project_of(mlp(SIZES * [1, 1, 1, 1e-6])), x)
    assert found.met and integers(found)[3] < min(integers(found)[:1]) - 10
    assert quantized(project_of(mlp()), 0 * raw(), 0.5).value == 1.0


def test_outliers_are_clipped_if_that_leaves_room_for_the_target() -> None:
    x = raw(count=2000, outliers=0.02)
    lenient, whole = (quantized(project_of(mlp()), x, input_ranges=how) for how in (None, "max"))
    assert lenient.met and whole.met and lenient.bits.inputs.by_tensor + 2 <= whole.bits.inputs.by_tensor
    assert "each feature" in input_row(lenient).done and "clipped" in input_row(lenient).done
    assert 0.001 < lenient.config.clipped_share("x") < 0.006 and whole.config.clipped_share("x") == 0.0
    narrow = quantized(project_of(mlp()), x, input_deviations=1.0)
    assert narrow.config.clipped_share("x") < 0.01, "a third of all values would be clipped"
    with warnings.catch_warnings():
        warnings.simplefilter("error", ClippedInputWarning)
        lenient.project.predict(x)
    with pytest.warns(ClippedInputWarning, match="input_clipping expects"):
        lenient.project.predict(10 * x)


def test_means_are_corrected_of_what_is_not_clipped() -> None:
    """The mean of outliers that are clipped on purpose is no error of rounding, by which all others would be shifted."""
    x = raw(ONES, 2000, outliers=0.02) + [0, 0, 0, 3.0] * (np.arange(2000) % 50 == 0)[:, None] * 1000
    found = quantized(project_of(mlp(ONES)), x, input_ranges="robust", weight_bits=12, result_bits=12, input_bits=12)
    corrections = found.config.layers["fc"].bias_correction
    assert corrections is not None and np.abs(corrections).max() < 0.05


# -- where it is not possible ----------------------------------------------------------------------


def obstructed(kind: str) -> SourceModel:
    net = Net(7)
    x = net.input((4,))
    if kind == "function":
        hidden = real(net, "fc", net.call("Activation", "act", x, activation="tanh"), 4, 8, activation="relu")
    elif kind == "softmax":
        hidden = real(net, "fc", net.call("Softmax", "act", x), 4, 8, activation="relu")
    else:
        assert kind == "branch"
        shape = real(net, "fc", x, 4, 8, activation="relu")
        hidden = net.call("Concatenate", "both", [shape, net.call("Activation", "act", x, activation="sigmoid")])
        return net.source(real(net, "classes", hidden, 12, 3, activation="softmax"))
    return net.source(real(net, "classes", hidden, 8, 3, activation="softmax"))


@pytest.mark.parametrize("kind", ["function", "softmax", "branch"])
@pytest.mark.parametrize("how", [None, "zscore"])
def test_what_cannot_take_factors_keeps_one_type_and_says_why(kind: str, how: Any) -> None:
    found = quantized(project_of(obstructed(kind)), raw(), 0.5, input_ranges=how)
    assert "each feature" not in input_row(found).done and found.project.design.inputs[0].exponents is None
    (note,) = found.notes
    assert note.startswith("x: features that differ have one type: 'act' (") and "commute" in note
    assert note in str(found)


def test_an_input_that_is_an_output_keeps_one_type() -> None:
    net = Net(7)
    x = net.input((4,))
    out = real(net, "classes", x, 4, 3)
    found = quantized(project_of(net.source(out, "x")), raw(), 0.5)
    assert found.project.design.inputs[0].exponents is None and "'x' is an output of the model" in found.notes[0]


def test_weights_of_fixed_types_are_named() -> None:
    project = project_of(mlp(), layers={"fc": {"precision": {"weight": "fixed<16,8>"}}})
    found = quantized(project, raw(), 0.5)
    assert found.project.design.inputs[0].exponents is None and "types are fixed for the weights of" in found.notes[0]


def test_two_branches_read_the_same_features() -> None:
    net = Net(8)
    x, size = net.input((4,)), SIZES[:, None]
    parts = [
        net.call("Dense", name, x, {"kernel": net.rng.normal(size=(4, 6)) / size, "bias": np.zeros(6)}, units=6,
                 activation="relu") for name in ("a", "b")
    ]  # fmt: skip
    both = net.call("Concatenate", "both", parts)
    found = quantized(project_of(net.source(real(net, "classes", both, 12, 3, activation="softmax"))), raw())
    assert found.met and max(integers(found)) - min(integers(found)) >= 19 and not found.notes


def test_each_input_by_itself() -> None:
    net = Net(9)
    kernel = net.rng.normal(size=(4, 8)) / SIZES[:, None]
    a = net.call("Dense", "fa", net.input((4,), "a"), {"kernel": kernel, "bias": np.zeros(8)}, units=8)
    b = real(net, "fb", net.call("Activation", "squashed", net.input((3,), "b"), activation="tanh"), 3, 8)
    hidden = net.call("ReLU", "relu", net.call("Add", "sum", [a, b]))
    project = project_of(net.source(real(net, "classes", hidden, 8, 3, activation="softmax")))
    found = quantized(project, {"a": raw(), "b": raw([8.0, 0.1, 1.0], seed=2)})
    assert found.met and len(integers(found, "a")) == 4
    assert [note[:2] for note in found.notes] == ["b:"] and "each feature" not in input_row(found, "b").done


def test_features_that_are_added_are_tied() -> None:
    net = Net(10)
    total = net.call("Add", "sum", [net.input((4,), "a"), net.input((4,), "b")])
    kernel = net.rng.normal(size=(4, 8)) / SIZES[:, None]
    hidden = net.call("Dense", "fc", total, {"kernel": kernel, "bias": np.zeros(8)}, units=8, activation="relu")
    project = project_of(net.source(real(net, "classes", hidden, 8, 3, activation="softmax")))
    x = {"a": raw(), "b": raw(SIZES * [0.01, 1, 1, 1], seed=2)}
    found = quantized(project, x, input_ranges="max")
    a, b = (np.array(integers(found, name)) for name in "ab")
    assert (a - a.max() == b - b.max()).all(), "held times the same powers of two"


def test_channels_of_images_and_features_of_sequences() -> None:
    net, sizes = Net(11), np.array([100.0, 1.0, 0.05])
    kernel = net.rng.normal(size=(3, 3, 3, 4)) / sizes[:, None] / 4
    x = net.call("Conv2D", "conv", net.input((5, 5, 3)), {"kernel": kernel, "bias": np.zeros(4)}, filters=4,
                 kernel_size=[3, 3], padding="same", activation="relu")  # fmt: skip
    x = net.call("Flatten", "flat", x)
    images = project_of(net.source(real(net, "classes", x, 100, 3, activation="softmax")))
    found = quantized(images, np.random.default_rng(1).normal(size=(400, 5, 5, 3)) * sizes)
    assert found.met and integers(found)[0] - integers(found)[2] in (10, 11, 12)
    net = Net(12)
    weights = {
        "kernel": net.rng.normal(size=(3, 16)) / sizes[:, None],
        "recurrent_kernel": net.rng.normal(size=(4, 16)) / 2,
        "bias": np.zeros(16),
    }
    cell = net.call("LSTM", "cell", net.input((4, 3)), weights, units=4)
    sequences = project_of(net.source(real(net, "classes", cell, 4, 3, activation="softmax")))
    found = quantized(sequences, np.random.default_rng(1).normal(size=(400, 4, 3)) * sizes)
    assert found.met and integers(found)[0] - integers(found)[2] in (10, 11, 12)


def test_numbers_of_rows_keep_their_type() -> None:
    net = Net(13)
    rows = net.call("Embedding", "rows", net.input((4,)), {"embeddings": net.rng.normal(size=(9, 5))}, input_dim=9,
                    output_dim=5)  # fmt: skip
    project = project_of(net.source(real(net, "classes", net.call("Flatten", "flat", rows), 20, 3)))
    x = np.random.default_rng(3).integers(0, 9, (300, 4))
    found = quantized(project, x, input_bits=2)
    assert str(found.project.design.inputs[0].type.plain()) == "ufixed<4,4>" and found.config.input_precision is None
    assert not [row for row in found.rows if row.what == "input"]
    with pytest.raises(hlsgen.errors.ConfigError, match="read as whole numbers"):
        quantized(project, x, input_scaling="zscore")


# -- raw data --------------------------------------------------------------------------------------

RAW = raw() + SIZES * [3.0, 1.0, 0.0, -2.0]


@pytest.mark.parametrize(
    ("asked", "step"),
    [
        ("zscore", data.ZScore()),
        ("minmax", data.MinMax()),
        ("robust", data.Robust()),
        (data.MinMax(-1, 1), data.MinMax(-1, 1)),
        (data.Pipeline(data.MinMax(), data.ZScore()), None),
    ],
    ids=["zscore", "minmax", "robust", "step", "pipeline"],
)
def test_scaling_is_fitted_on_what_is_chosen_by(asked: Any, step: Any, tmp_path: Any) -> None:
    project = project_of(mlp(ONES))
    found = quantized(project, RAW, input_scaling=asked)
    search, judged = divided(project.design, RAW, None, 0.5, 0)
    folded = (asked if step is None else data.Pipeline(step)).fit(search.inputs["x"]).folded()
    said = found.config.input_scaling
    assert isinstance(said, dict) and (list(said["x"].offset), list(said["x"].scale)) == tuple(folded.values())
    scaled = (judged.inputs["x"] - folded["offset"]) * np.array(folded["scale"])
    graph = graph_of(mlp(ONES))
    right = evaluate_float(graph, {"x": scaled})[graph.outputs[0]].argmax(axis=1)
    assert found.met
    assert found.agreement == (found.project.evaluate(judged.inputs["x"])["classes"].argmax(axis=1) == right).mean()
    assert "x_scaled" not in [op.name for op in found.project.design], "folded: powers of two are in the types"
    again = Project(graph, hlsgen.load_config(found.write(tmp_path / "q.yml")))
    assert again.design.digest == found.project.design.digest


def test_scaling_that_is_known_stays() -> None:
    known = data.Pipeline(data.ZScore()).fit(RAW)
    folded = known.folded()
    by_pipeline = quantized(project_of(mlp(ONES)), RAW, input_scaling=known)
    by_numbers = quantized(project_of(mlp(ONES)), RAW, input_scaling={"x": folded})
    one = quantized(project_of(mlp(ONES)), RAW, input_scaling=folded)
    assert by_pipeline.yaml == by_numbers.yaml == one.yaml and by_pipeline.met


def test_scaling_of_a_configuration_needs_no_type(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setattr("hlsgen.project.read_model", lambda model, *_: graph_of(mlp(ONES)))
    folded = data.Pipeline(data.ZScore()).fit(RAW).folded()
    found = hlsgen.quantize("m.keras", RAW, None, 0.95, config={"input_scaling": folded})
    assert found.met and found.config.input_scaling is not None
    known = project_of(mlp(ONES), {"x": RAW}, input_scaling=folded)
    assert quantized(known, RAW).met
    typed = project_of(mlp(ONES), input_scaling=folded, input_precision="fixed<24,18>")
    assert quantized(typed, RAW).project.design.inputs[0].type.width == 24


def test_the_function_that_is_folded_is_that_of_scaled_data() -> None:
    found = quantized(project_of(mlp(ONES)), RAW, input_scaling="zscore")
    said = found.config.input_scaling
    assert isinstance(said, dict)
    config = make_config({"input_scaling": said, "input_precision": found.config.input_precision})
    folded, plain = rewritten(graph_of(mlp(ONES)), config), graph_of(mlp(ONES))
    exponents = found.project.design.inputs[0].exponents
    assert exponents is not None
    a = evaluate_float(folded, {"x": RAW * np.exp2(exponents)})[folded.outputs[0]]
    b = evaluate_float(plain, {"x": (RAW - said["x"].offset) * np.array(said["x"].scale)})[plain.outputs[0]]
    np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_a_feature_without_a_spread_is_told() -> None:
    x = RAW.copy()
    x[:, 2] = 5.0
    found = quantized(project_of(mlp(ONES)), x, input_scaling="zscore")
    assert any("is the same (5)" in note for note in found.notes)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"input_scaling": "zscre"}, "input_scaling is 'zscre'; did you mean 'zscore'"),
        ({"input_scaling": {"y": "zscore"}}, "input_scaling: the model has no input 'y'"),
        ({"input_scaling": data.Log2()}, "is no offset and scale"),
        ({"input_scaling": 3}, "is no step"),
        ({"input_ranges": "zscor"}, "input_ranges is 'zscor'"),
        ({"input_deviations": 0}, "input_deviations is 0, expected a number above 0"),
        ({"config": {}}, "a project has its configuration"),
    ],
)
def test_what_cannot_be_is_refused(options: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        hlsgen.quantize(project_of(mlp()), np.abs(raw()) + 1, **options)


def test_several_inputs_are_scaled_by_name() -> None:
    net = Net(14)
    a, b = (real(net, f"f{name}", net.input((3,), name), 3, 6) for name in "ab")
    hidden = net.call("ReLU", "relu", net.call("Add", "sum", [a, b]))
    project = project_of(net.source(real(net, "classes", hidden, 6, 3, activation="softmax")))
    x = {"a": raw([100.0, 1.0, 1.0]), "b": raw([1.0, 1.0, 1.0], seed=2)}
    with pytest.raises(InputError, match=r"the model has 2 inputs \(a, b\); give it by name"):
        quantized(project, x, input_scaling="zscore")
    found = quantized(project, x, input_scaling={"a": "zscore"})
    assert found.met and isinstance(found.config.input_scaling, dict) and set(found.config.input_scaling) == {"a"}


# -- ranges ----------------------------------------------------------------------------------------


def test_reach() -> None:
    rows = np.array([[0.0, 1.0, 0.0, 4.0], [0.0, 2.0, 0.0, 4.0], [0.0, 3.0, 0.0, 4.0], [0.0, 4.0, 0.0, 4.0],
                     [0.0, 100.0, -8.0, 4.0]])  # fmt: skip
    assert reached_by(rows, "max", 4.0).tolist() == [0.0, 100.0, 8.0, 4.0]
    assert reached_by(rows, "robust", 1.0).tolist() == pytest.approx([0.0, 3 + 2 / 1.349, 8.0, 4.0])
    assert reached_by(rows, "robust", 1e3).tolist() == [0.0, 100.0, 8.0, 4.0], "no farther than what was met"
    assert reached_by(rows, "zscore", 1.0).tolist() == pytest.approx([0.0, 22 + np.std(rows[:, 1]), 1.6 + 3.2, 4.0])
    large = reached_by(rows * 1e300, "zscore", 1.0)
    assert np.isfinite(large).all() and large[1] == pytest.approx(1e300 * (22 + np.std(rows[:, 1])))


def test_large_data_are_looked_at_in_part_but_for_their_ends() -> None:
    x = np.random.default_rng(1).normal(size=(1 << 19, 1, 2)) * [8, 1]
    x[77777] = [[1e3, -1e3]]
    features = _Features(x)
    assert features.integers("max", 4.0)[0].tolist() == [11, 11]
    assert features.integers("zscore", 5.0)[0].tolist() == [7, 4]
    assert features.integers("robust", 3.5)[0].tolist() == [6, 3]


def test_clipped_shares() -> None:
    fixed = typed(8, 3, True)
    x = np.zeros((3, 1 << 19), dtype=np.float32)
    x[0, :5], x[2, -5:] = 3.985, -4.1
    assert clipped_share(x, fixed) == 10 / x.size, "3.985 is rounded to 4, which it does not hold"
    x[0, :5], x[2, -5:] = 3.98, -4.01
    assert clipped_share(x, fixed) == 0.0


def test_a_sample_that_outweighs_all_others_is_clipped() -> None:
    """Its squared error alone is larger than that of all others together, whatever they lose."""
    x = raw(ONES)
    x[7] = 1e6
    found = quantized(project_of(mlp(ONES)), x)
    assert found.met and max(integers(found)) < 8 and "clipped" in input_row(found).done
