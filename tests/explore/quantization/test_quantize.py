"""``hlsgen.quantize`` as a whole: what it reports is what the design does, and its YAML stands alone."""

from __future__ import annotations

import warnings
from math import ceil

import numpy as np
import pytest
import yaml

import hlsgen
from hlsgen.analysis.meaning import meant_outputs
from hlsgen.errors import InputError
from hlsgen.explore.quantization.driver import TargetMissedWarning
from hlsgen.explore.quantization.parts import divided
from hlsgen.project import ClippedInputWarning, Project
from tests.explore.quantization.networks import image_network, perceptron, real, samples, two_ways
from tests.passes.builders import Net, project_of

CASES = {
    "default": {},
    "greedy": {"allocation": "greedy"},
    "percentile": {"calibration": "percentile", "weight_calibration": "percentile", "percentile": 99.5},
    "largest": {"calibration": "max", "weight_calibration": "max"},
    "cross_entropy": {"calibration": "cross_entropy"},
    "channel": {"granularity": "channel"},
    "no_correction": {"bias_correction": False},
    "weights_alike": {"equalisation": "weights"},
    "values_alike": {"equalisation": "values"},
    "octaves": {"scales": "power_of_two", "zero_points": False},
    "zero_points": {"zero_points": True},
    "one_width": {"weight_bits": 6, "result_bits": 7, "input_bits": 9},
    "plain": {"method": "max", "weight_bits": 6, "result_bits": 8},
    "lut": {"minimise": "lut"},
    "dsp": {"minimise": "dsp"},
}


def right():
    """What the perceptron decides."""
    project, x = perceptron(), samples()
    return meant_outputs(project.design, {"x": x})[0].argmax(axis=1)


def quiet(model, x, y=None, target=0.95, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TargetMissedWarning)
        return hlsgen.quantize(model, x, y, target, **options)


ALWAYS = ("default", "cross_entropy", "channel", "weights_alike", "one_width", "lut")
"""The others are tried with --slow."""


@pytest.mark.parametrize(
    "options",
    [pytest.param(o, id=name, marks=() if name in ALWAYS else pytest.mark.slow) for name, o in CASES.items()],
)
def test_the_yaml_is_the_design_without_data(options, tmp_path) -> None:
    project = perceptron()
    found = quiet(project, samples(count=200), None, 0.9, **options)
    path = found.write(tmp_path / "quantized.yml")
    again = Project(project.graph, hlsgen.load_config(path))
    assert again.design.digest == found.project.design.digest
    first, _, rest = path.read_text().partition("\n")
    assert (
        first.startswith("# quantised for agreement of 90 % or more")
        and rest == found.yaml
        and "calibration:" not in found.yaml.replace("weight_calibration:", "")
    )
    assert np.array_equal(again.evaluate(samples())["classes"], found.project.evaluate(samples())["classes"])


def test_what_is_reported_is_what_the_design_does() -> None:
    project, x = perceptron(1), samples(count=800)
    right = meant_outputs(project.design, {"x": x})[0].argmax(axis=1)
    found = quiet(project, x, right, 0.97)
    _, judged = divided(project.design, x, right, 0.5, 0)
    outputs = found.project.evaluate(judged.inputs)["classes"]
    agreement = float((outputs.argmax(axis=1) == judged.y["classes"]).mean())
    assert found.agreement == found.value == found.accuracy == agreement and found.float_accuracy == 1.0
    assert found.samples == 400 and found.met and agreement >= 0.97
    widths = [t.type.width for t in found.project.design.tensors if t.name != "x"]
    assert found.bits.results.by_tensor == pytest.approx(np.mean(widths))
    text = str(found)
    for word in ("fc1", "weights", "mean corrected", "above zero", "400 held-out samples", "LUT", "bits a weight"):
        assert word in text
    assert "fc1" in found._repr_html_()


@pytest.mark.parametrize("granularity", ["tensor", "channel"])
def test_the_table_says_what_is_stored(granularity) -> None:
    found = quiet(perceptron(), samples(count=200), None, 0.9, granularity=granularity)
    stored = {op.source.name: op.layer.weight.type for op in found.project.design if op.layer.constants_of("weight")}
    rows = [row for row in found.rows if row.what == "weights"]
    assert {row.layer: (row.bits, row.type) for row in rows} == {n: (t.width, str(t)) for n, t in stored.items()}
    assert np.mean([row.bits for row in rows]) == pytest.approx(found.bits.weights.by_tensor)
    asked = {
        name: layer["width"]["weight"]
        for name, layer in yaml.safe_load(found.yaml)["layers"].items()
        if "width" in layer
    }
    said = {row.layer: f"{asked[row.layer]} bits a channel, " in row.done for row in rows}
    assert set(said.values()) == {granularity == "channel"}
    assert any(row.bits > asked[row.layer] for row in rows) == (granularity == "channel")


def test_at_no_fewer_bits_plain_calibration_decides_worse() -> None:
    """Of single networks at their limit some ten of thousand decisions differ, by chance more or fewer: so of six."""
    x, differing = samples(count=2000), {"found": 0.0, "plain": 0.0}
    for seed in range(2, 8):
        found = quiet(perceptron(seed), x, target=0.99)
        weights, results, inputs = (ceil(m.larger) for m in (found.bits.weights, found.bits.results, found.bits.inputs))
        bits = {"weight_bits": weights, "result_bits": results, "input_bits": inputs}
        plain = quiet(perceptron(seed), x, method="max", **bits)
        assert found.met
        differing["found"] += 1 - found.agreement
        differing["plain"] += 1 - plain.agreement
    assert 1.5 * differing["found"] < differing["plain"]


def test_images_with_batchnorm_keep_it_fused() -> None:
    found = quiet(image_network(), samples((6, 6, 1), 400), target=0.95)
    assert {op.layer.kind for op in found.project.design} <= {
        "Input", "Conv2D", "Relu", "Merge", "GlobalAveragePooling", "Dense", "Softmax"
    }  # fmt: skip
    assert found.met


def test_predict_does_not_warn_of_pixels() -> None:
    x = np.random.default_rng(2).integers(0, 256, (400, 6, 6, 1)) / 256
    found = quiet(image_network(), x, target=0.9)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ClippedInputWarning)
        found.project.predict(x)
    clipped = quiet(image_network(), x, target=0.9, calibration="mse", input_bits=4)
    assert 0 < clipped.config.clipped_share("x") < 0.2
    with warnings.catch_warnings():
        warnings.simplefilter("error", ClippedInputWarning)
        clipped.project.predict(x)
    with pytest.warns(ClippedInputWarning, match="input_clipping expects"):
        clipped.project.predict(2 * x)


def test_several_inputs_and_outputs() -> None:
    project = two_ways()
    x = {"a": samples((5,), 500), "b": samples((3,), 500, 2)}
    found = quiet(project, x, target=0.95)
    assert found.met and set(found.config.input_precision) == {"a", "b"}
    labels = meant_outputs(project.design, x)[0].argmax(axis=1)
    scored = quiet(project, x, {"classes": labels}, 0.95, metric="accuracy")
    assert scored.met and scored.accuracy is not None and scored.value == scored.accuracy


def test_numbers_are_held_against_their_variance() -> None:
    net = Net(4)
    project = project_of(net.source(real(net, "out", real(net, "fc", net.input((6,)), 6, 8, activation="tanh"), 8, 2)))
    found = quiet(project, samples(), target=0.999)
    assert found.numbers and found.met and "variance met" in str(found)


def test_what_is_fixed_stays() -> None:
    project = perceptron(
        layers={"fc1": {"precision": {"weight": "fixed<7,2>", "result": "ufixed<9,3,RND,SAT>"}}},
        input_precision="fixed<10,4>",
    )
    found = quiet(project, samples())
    layers = yaml.safe_load(found.yaml)["layers"]
    assert layers["fc1"]["precision"] == {"weight": "fixed<7,2>", "result": "ufixed<9,3,RND,SAT>"}
    assert "width" not in layers["fc1"] and found.yaml.count("fixed<10,4>") == 1
    fixed = {op.name: op for op in found.project.design}
    assert str(fixed["fc1_dense"].layer.weight.type) == "fixed<7,2>" and fixed["x"].output.type.width == 10


def test_weights_of_a_quantiser_stay() -> None:
    net = Net(6)
    hidden = net.call(
        "QDense", "q", net.input((6,)), {"kernel": net.dyadic(6, 8), "bias": net.dyadic(8)}, units=8,
        kernel_quantizer=net.quantized_bits(4, 1), bias_quantizer=net.quantized_bits(6, 2),
    )  # fmt: skip
    hidden = net.quantize("act", hidden, 5, 2)
    project = project_of(net.source(real(net, "classes", hidden, 8, 3, activation="softmax")))
    found = quiet(project, samples())
    assert {row.layer for row in found.rows if row.what == "weights"} == {"classes"}
    kept, was = ({op.name: op for op in p.design} for p in (found.project, project))
    assert np.array_equal(kept["q"].layer.weight.mantissas, was["q"].layer.weight.mantissas)


def test_a_target_out_of_reach_says_how_far_it_came() -> None:
    rng = np.random.default_rng(0)
    with pytest.warns(TargetMissedWarning, match="the target of 100 % is not reached; the best design has"):
        found = hlsgen.quantize(perceptron(), samples(), rng.integers(0, 4, 600), 1.0, weight_bits=2, result_bits=3)
    assert not found.met and "NOT MET" in str(found) and found.value < 1.0


def test_what_loses_most_is_named() -> None:
    with pytest.warns(TargetMissedWarning) as warned:
        found = hlsgen.quantize(perceptron(), samples(), None, 1.0, weight_bits=2)
    worst = max((row for row in found.rows if row.loss is not None), key=lambda row: row.loss or 0.0)
    assert f"most is lost in {worst.what} of '{worst.layer}' ({worst.type})" in str(warned[0].message)


def test_data_beyond_every_type_are_not_met_and_no_error() -> None:
    found = quiet(perceptron(), samples().astype(np.float64) * 1e200, None, 1.0)
    assert not found.met and "NOT MET" in str(found)


def test_the_same_seed_finds_the_same() -> None:
    first, second = (quiet(perceptron(), samples(), seed=3) for _ in range(2))
    assert first.yaml == second.yaml and first.rows == second.rows


def test_data_are_divided_once_and_with_their_labels() -> None:
    design, x = perceptron().design, samples(count=50)
    y = np.arange(50) % 4
    search, judged = divided(design, x, y, 0.3, 7)
    assert (len(search), len(judged)) == (35, 15)
    label = {tuple(row): its for row, its in zip(x.tolist(), y.tolist(), strict=True)}
    rows = [*search.inputs["x"].tolist(), *judged.inputs["x"].tolist()]
    labels = [*search.y["classes"], *judged.y["classes"]]
    assert len(rows) == 50 and {tuple(row): its for row, its in zip(rows, labels, strict=True)} == label


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"target": 1.5}, "target is 1.5, expected a number above 0, up to 1"),
        ({"target": True}, "target is True"),
        ({"metric": "accuracy"}, "needs y"),
        ({"metric": "agreemnt"}, "did you mean 'agreement'"),
        ({"calibration": "kl"}, "calibration is 'kl'"),
        ({"equalisation": "yes"}, "equalisation is 'yes'"),
        ({"calibration": samples()}, "(?s)calibration is array.*; valid: cross_entropy, max, mse, percentile"),
        ({"metric": None}, "metric is None; valid: accuracy, agreement"),
        ({"granularity": None}, "granularity is None"),
        ({"weight_bits": 1}, "weight_bits is 1, expected 2 to 16 bits"),
        ({"result_bits": 8.0}, "result_bits is 8.0"),
        ({"held_out": 1.0}, "held_out is 1.0"),
        ({"bias_correction": 1}, "bias_correction is 1"),
        ({"seed": -1}, "seed is -1"),
        ({"x": samples(count=8)}, "x has 8 samples, expected 16 and more"),
        ({"x": np.full((40, 6), np.nan)}, "NaN"),
        ({"x": np.full((40, 6), np.inf)}, "infinities"),
        ({"x": samples((5,), 40)}, "expected \\(samples, 6\\)"),
        ({"y": np.zeros(7, dtype=int)}, "y for 'classes' has 7 rows, x has 600 samples"),
        ({"y": np.full(600, 9)}, r"has shape \(600,\) and numbers from 9 to 9; expected class numbers from 0 to 3 of"),
        ({"y": np.full(600, 0.5)}, "numbers from 0.5 to 0.5 that are not whole; expected class numbers"),
        ({"y": (right() + 1) % 4, "metric": "accuracy"}, "the float model is right in none of 300 samples"),
    ],
)
def test_what_cannot_be_is_refused(options, said) -> None:
    given = {"x": samples(), "y": None, "target": 0.99} | options
    with pytest.raises(InputError, match=said):
        hlsgen.quantize(perceptron(), given.pop("x"), given.pop("y"), given.pop("target"), **given)
