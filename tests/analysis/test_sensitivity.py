"""Sensitivity: every point is what a conversion with that setting gives, by whichever executor."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import yaml

import hlsgen
from hlsgen.analysis.narrowing import knobs
from hlsgen.analysis.sensitivity import Point, Sensitivity
from hlsgen.config import Config
from hlsgen.errors import HlsgenError, InputError
from hlsgen.ir.types import FixedType
from tests.analysis.shown import as_rich
from tests.passes.builders import Net, graph_of, grid, project_of
from tests.passes.unequal_networks import normal_data, unequal


def real(net: Net, name: str, x: str, n_in: int, n_out: int, **config) -> str:
    """A dense layer whose weights are no short numbers."""
    weights = {"kernel": net.rng.normal(size=(n_in, n_out)) / 2, "bias": net.rng.normal(size=n_out) / 4}
    return net.call("Dense", name, x, weights, units=n_out, **config)


def mlp(seed: int = 0) -> Net:
    net = Net(seed)
    hidden = real(net, "fc1", net.input((6,)), 6, 5, activation="relu")
    net.call("Softmax", "softmax", real(net, "fc2", hidden, 5, 3))
    return net


def with_batchnorm() -> Net:
    net = Net(4)
    hidden = net.call("ReLU", "relu", net.batchnorm("bn", real(net, "fc1", net.input((6,)), 6, 5), 5))
    real(net, "fc2", hidden, 5, 2)
    return net


def quantised() -> Net:
    net = Net(5)
    hidden = net.quantize("q1", net.dense("fc1", net.quantize("q0", net.input((6,)), 6, 2), 6, 5), 5, 2)
    net.dense("fc2", hidden, 5, 3)
    return net


def convolution() -> Net:
    net = Net(6)
    pooled = net.call(
        "MaxPooling2D", "pool", net.conv("conv", net.input((6, 6, 2)), 2, 3, activation="relu"), pool_size=2
    )
    net.dense("fc", net.call("Flatten", "flat", pooled), 12, 3)
    return net


def recurrent() -> Net:
    net = Net(7)
    shapes = {"kernel": (3, 12), "recurrent_kernel": (4, 12), "bias": (2, 12)}
    weights = {name: net.rng.normal(size=shape) / 2 for name, shape in shapes.items()}
    net.call("GRU", "gru", net.input((5, 3)), weights, units=4, reset_after=True)
    net.dense("fc", "gru", 4, 3)
    return net


NETWORKS = {f.__name__: f for f in (mlp, with_batchnorm, quantised, convolution, recurrent)}


def by_hand(point, build, x, y, settings, outputs) -> float:
    """The metric of a conversion from the source, with this one setting."""
    if point.kind == "input":
        settings = settings | {"input_precision": {point.layer: point.type}}
    else:
        settings = settings | {"layers": {point.layer: {"precision": {point.kind: point.type}}}}
    project = project_of(build().source(*outputs), **settings)
    found = project.evaluate(x)[outputs[0]]
    return int((found.argmax(axis=1) == y).sum()) / len(y)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_point_is_what_a_conversion_with_that_setting_gives(name):
    build = NETWORKS[name]
    outputs = (build().calls[-1].name,)
    project = project_of(build().source(*outputs))
    shape = project.design.inputs[0].shape
    x = grid(shape, 60, frac=5, bound=60)
    y = np.random.default_rng(0).integers(0, project.design.outputs[0].shape[-1], 60)
    found = project.sensitivity(x, y, widths=(2, 3, 5, 8, 18))
    assert found.engine == "reference" and found.metric == "accuracy"
    assert {(p.layer, p.kind) for p in found} == {(k.layer, k.kind) for k in knobs(project.design)}
    assert found.baseline == np.mean(project.predict(x).argmax(axis=1) == y)
    for point in found:
        assert point.value == by_hand(point, build, x, y, {}, outputs), point
    assert len({point.value for point in found}) > 3


@pytest.mark.parametrize("name", ["mlp", "recurrent"])
def test_emulator_and_reference_give_the_same(name):
    build = NETWORKS[name]
    project = project_of(build().source(build().calls[-1].name))
    x = grid(project.design.inputs[0].shape, 40, frac=5, bound=60)
    first = project.sensitivity(x, widths=(3, 6), engine="reference", kinds=["weight", "result"])
    second = project.sensitivity(x, widths=(3, 6), engine="emulator", kinds=["weight", "result"])
    assert first.points == second.points and (first.engine, second.engine) == ("reference", "emulator")
    assert first.baseline == second.baseline and first.designs == second.designs


def test_what_a_type_of_its_own_costs_is_seen_and_said():
    """Channels of very different sizes are held times powers of two, unless a type is fixed for them by name."""
    source = unequal("mlp", 0)
    project, x = project_of(source), normal_data(source, 40, 1)
    assert any(tensor.exponents for tensor in project.design.tensors)
    found = project.sensitivity(x, widths=(8, 16, 20), kinds=["result"])
    assert {"fc0", "fc1", "fc2"} <= {point.layer for point in found.pinned} and "out" not in str(found.pinned)
    for point in found.pinned:
        other = project.with_settings(layers={point.layer: {"precision": {"result": point.type}}})
        alone = other.sensitivity(x, widths=(8,), kinds=["result"], layers=["out"])
        assert point.value == alone.baseline > 2 * found.baseline
        assert f"{point.layer} result ({point.value:.2g})" in str(found)
        assert point.layer not in [s.layer for s in found.suggest(found.baseline)]
    even = project_of(mlp().source("softmax")).sensitivity(grid((6,)), widths=(16,))
    assert not even.pinned and "of its own" not in str(even)


def test_calibration_places_the_narrower_types():
    net = mlp(3)
    x = grid((6,), 50, frac=5, bound=20)
    project = project_of(net.source("softmax"), {"x": x.astype(np.float64)})
    found = project.sensitivity(x, widths=(6, 16))
    assert found.of("fc2", "result")[1].value == found.baseline
    fixed = found.of("fc2", "result")[0].type
    largest = np.abs(project.evaluate(x)["fc2"]).max()
    width, integer = map(int, fixed.partition("<")[2].split(",")[:2])
    assert width == 6 and 2.0 ** (integer - 1) >= largest > 2.0 ** (integer - 2)  # without the margin of 16 bits
    narrow = project_of(net.source("softmax"), {"x": x.astype(np.float64)}, default_width=6)
    assert FixedType.parse(fixed).plain() == narrow.design.aliases["fc2"].type.plain()


def test_other_settings_stay():
    build = mlp
    layers = {"fc1": {"precision": {"weight": "fixed<5,2>", "bias": "fixed<6,1>"}, "reuse_factor": 2}}
    settings = {"layers": layers, "input_precision": "fixed<7,3>", "default_width": 12}
    project = project_of(build().source("softmax"), **settings)
    x = grid((6,), 40, frac=5, bound=60)
    y = np.arange(40) % 3
    found = project.sensitivity(x, y, widths=(4,), layers=["fc1"])
    assert [p.kind for p in found] == ["weight", "result"]
    for point in found:
        precision = {**layers["fc1"]["precision"], point.kind: point.type}
        other = project_of(
            build().source("softmax"), **{**settings, "layers": {"fc1": {"precision": precision, "reuse_factor": 2}}}
        )
        assert point.value == np.mean(other.predict(x).argmax(axis=1) == y)


@pytest.mark.filterwarnings("ignore::hlsgen.project.ClippedInputWarning", "ignore::hlsgen.project.InaccurateWarning")
def test_suggested_widths_are_least_and_go_back_into_a_conversion():
    build = mlp
    project = project_of(build().source("softmax"), layers={"fc2": {"reuse_factor": 5}})
    x = grid((6,), 200, frac=5, bound=60)
    found = project.sensitivity(x, widths=range(2, 13))
    assert found.metric == "agreement" and found.against == "the source model"
    loss = 0.05
    suggested = found.suggest(loss)
    assert len(suggested) == len(found.present) and suggested.loss == loss
    for s in suggested:
        points = found.of(s.layer, s.kind)
        assert all(found.baseline - p.value <= loss + 1e-12 for p in points if p.width >= s.width)
        below = [p for p in points if p.width == s.width - 1]
        assert all(found.baseline - p.value > loss + 1e-12 for p in below)
        assert s.value == next(p.value for p in points if p.width == s.width)
    other = project.with_settings(**suggested.settings)
    assert other.config.layers["fc2"].reuse_factor == 5
    narrower = {(s.layer, s.kind): s.type for s in suggested if s.is_narrower}
    types = yaml.safe_load(suggested.yaml)
    again = project_of(build().source("softmax"), **types)
    assert (other.predict(x, raw=True) == again.predict(x, raw=True)).all()
    assert types["layers"]["fc1"]["precision"]["weight"] == narrower["fc1", "weight"]
    assert all(s.type in str(suggested) for s in suggested)


def test_regression_measures_errors():
    net = Net(8)
    real(net, "fc2", real(net, "fc1", net.input((4,)), 4, 5), 5, 2)
    project = project_of(net.source("fc2"))
    x = grid((4,), 50)
    found = project.sensitivity(x, widths=(4, 8, 16), kinds=["weight"])
    assert found.metric == "error" and not found.higher_is_better
    values = [p.value for p in found.of("fc1", "weight")]
    assert values == sorted(values, reverse=True) and values[0] > 5 * found.baseline
    against = np.asarray(project.predict(x), dtype=np.float64)
    y = against + 0.25
    labelled = project.sensitivity(x, y, widths=(16,), kinds=["weight"])
    assert labelled.baseline == pytest.approx(0.25 / np.sqrt(np.square(y).mean()), rel=1e-12)
    assert labelled.against == "labels"
    assert found.suggest(found.of("fc1", "weight")[0].value).entries


def test_a_design_that_is_refused_is_a_point_that_says_so(monkeypatch):
    project = project_of(mlp().source("softmax"))
    kept = type(project).with_settings

    def refusing(self, **settings):
        if "fixed<3," in str(settings["layers"]["fc1"].precision.weight if "fc1" in settings["layers"] else ""):
            raise HlsgenError("layer 'fc1': no")
        return kept(self, **settings)

    monkeypatch.setattr(type(project), "with_settings", refusing)
    found = project.sensitivity(grid((6,)), widths=(3, 5), kinds=["weight"])
    assert [p.refused for p in found.of("fc1", "weight")] == ["layer 'fc1': no", ""]
    assert found.of("fc1", "weight")[0].value is None and "refused" in str(found)
    assert [s.width for s in found.suggest(1.0)] == [5, 3]


def test_progress_and_every_form(tmp_path):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("matplotlib")
    net = mlp()
    project = project_of(net.source("softmax"))
    seen: list[tuple[int, int]] = []
    found = project.sensitivity(grid((6,)), widths=(3, 6), progress=lambda done, total: seen.append((done, total)))
    assert seen == [(i + 1, len(found)) for i in range(len(found))]
    assert isinstance(found.to_pandas(), pandas.DataFrame) and len(found.to_pandas()) == len(found)
    rows = list(csv.DictReader(found.to_csv(tmp_path / "s.csv").read_text().splitlines()))
    assert [(r["layer"], float(r["agreement"])) for r in rows] == [(p.layer, p.value) for p in found]
    assert json.loads(json.dumps(found.to_dict()))["points"][0]["layer"] == "x"
    for name in ("s.png", "s.svg"):
        first = found.plot(tmp_path / name).read_bytes()
        assert found.plot(tmp_path / name).read_bytes() == first
    assert all(layer in str(found) and layer in found._repr_html_() for layer, _, _ in found.present)
    assert all(layer in as_rich(found) for layer, _, _ in found.present)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"widths": []}, "no widths given"),
        ({"widths": [0]}, "a width is 0, expected whole numbers from 1 to 64"),
        ({"widths": [2.5]}, "a width is 2.5"),
        ({"widths": "2-10"}, "a width is '2-10'"),
        ({"widths": [True]}, "a width is True"),
        ({"layers": ["fc3"]}, "nothing of 'fc3' can be varied; did you mean"),
        ({"layers": "fc1"}, "layers is 'fc1', expected a list of names"),
        ({"kinds": ["weights"]}, "nothing of 'weights' can be varied; did you mean 'weight'"),
        ({"layers": ["softmax"], "kinds": ["weight"]}, "have no tensor of these kinds"),
        ({"engine": "emulater"}, "engine is 'emulater'; did you mean 'emulator'"),
        ({"output": "nope"}, "output is 'nope'; valid: softmax"),
        ({"task": "classify"}, "task is 'classify'; did you mean 'classification'"),
        ({"threshold": "half"}, "threshold is 'half'"),
        ({"y": np.zeros(3)}, "y for 'softmax' has 3 rows, x has 30 samples"),
        ({"y": np.full(30, 3)}, "expected class numbers from 0 to 2"),
        ({"y": np.full(30, np.nan)}, "holds NaN or infinities"),
        ({"y": np.array(["a"] * 30)}, "holds no real numbers"),
        ({"y": [0]}, "has 1 rows"),
        ({"x": np.zeros((0, 6))}, "x has no samples"),
        ({"x": np.full((3, 6), np.nan)}, "NaN at index"),
        ({"x": np.zeros((3, 7))}, "shape"),
    ],
)
def test_what_does_not_fit_is_refused(options, message):
    project = project_of(mlp().source("softmax"))
    with pytest.raises(InputError, match=message):
        project.sensitivity(**({"x": grid((6,))} | options))


def test_a_loss_is_a_number():
    found = project_of(mlp().source("softmax")).sensitivity(grid((6,)), widths=(8,), layers=["fc2"])
    for loss in (-1, True, "1 %", float("nan"), float("inf")):
        with pytest.raises(InputError, match="loss is"):
            found.suggest(loss)
    with pytest.raises(KeyError, match="'fc1 weight' was not varied; did you mean"):
        found.of("fc1", "weight")


def test_one_of_several_outputs_is_measured():
    net = Net(9)
    hidden = real(net, "fc1", net.input((4,)), 4, 5)
    real(net, "a", hidden, 5, 3)
    real(net, "b", hidden, 5, 2)
    project = project_of(net.source("a", "b"))
    x, y = grid((4,)), np.arange(30) % 2
    with pytest.raises(InputError, match="has 2 outputs; output= says which one is judged: a, b"):
        project.sensitivity(x)
    found = project.sensitivity(x, {"b": y}, output="b", widths=(4,))
    assert found.baseline == np.mean(project.predict(x)[1].argmax(axis=1) == y)
    assert graph_of(net.source("a", "b")).outputs


def made_of(values, metric="accuracy", baseline=0.9, present="fixed<6,1>") -> Sensitivity:
    points = [Point("fc", "weight", i + 2, f"fixed<{i + 2},1>", value) for i, value in enumerate(values)]
    tensors = (("fc", "weight", present),)
    return Sensitivity(metric, "labels", baseline, 10, tuple(points), tensors, 6, "reference", ("x",), Config())


@pytest.mark.parametrize(
    "values, loss, least",
    [
        ([0.5, 0.9, 0.7, 0.9, 0.9], 0.01, 5),  # a wider one loses more: no width below is safe
        ([0.9, 0.9, 0.7, 0.9, None], 0.01, None),  # the widest is refused
        ([0.9, 0.9, None, 0.9, 0.9], 0.01, 5),
        ([0.5, 0.9, 0.7, 0.9, 0.9], 0.2, 3),
        ([0.89, 0.89, 0.89, 0.9, 0.95], 0.01, 2),  # 0.9 - 0.89 is more than 0.01 in floats
        ([0.9, 0.9, 0.9, 0.9, 0.5], 0.01, None),
    ],
)
def test_the_least_width_has_no_wider_one_that_costs_more(values, loss, least):
    entries = made_of(values).suggest(loss).entries
    assert [s.width for s in entries] == ([] if least is None else [least])


def test_of_errors_less_is_better():
    found = made_of([0.4, 0.3, 0.12, 0.1, 0.1], "error", 0.1)
    assert [s.width for s in found.suggest(0.05)] == [4] and not found.pinned
    assert [p.width for p in made_of([0.4, 0.3, 0.3, 0.3, 0.3], "error", 0.1).pinned] == [6]
    assert not made_of([0.1, 0.2, 0.3, 0.3, 0.9]).suggest(0.01).entries[0].is_narrower


def test_weights_with_a_type_of_their_own_are_placed_without_what_was_fused_into_them():
    net = Net(4)
    statistics = {
        "gamma": np.full(5, 16.0),
        "beta": np.ones(5),
        "moving_mean": np.ones(5),
        "moving_variance": np.ones(5),
    }
    real(net, "fc1", net.input((6,)), 6, 5)
    net.call("BatchNormalization", "bn", "fc1", statistics, axis=-1, epsilon=1e-3)
    project = project_of(net.source("bn"))
    assert len(project.design) == 2  # fused: the weights are sixteen times as large
    found = project.sensitivity(grid((6,)), widths=(8, 16))
    largest = np.abs(net.calls[0].weights["kernel"]).max()
    for point in found.of("fc1", "weight"):
        _, integer = map(int, point.type.removesuffix(">").partition("<")[2].split(","))
        assert 2.0 ** (integer - 1) >= largest > 2.0 ** (integer - 3)
    assert [p.layer for p in found if p.kind == "result"] == ["bn", "bn"]  # which is what the operation yields
    assert found.of("bn", "result")[1].value == found.baseline  # its type fuses as before
    assert [(e.layer, e.name) for e in project.profile(grid((6,))).entries[1:]] == [
        ("fc1", "fc1.weight"), ("fc1", "fc1.bias"), ("bn", "fc1"),
    ]  # fmt: skip


def test_a_small_perceptron_needs_no_compiler(examples, monkeypatch):
    """Sixty designs of it are done before one is compiled."""

    def none(*_, **__):
        raise AssertionError("a compiler was asked for")

    monkeypatch.setattr("hlsgen.emulation.emulator.build_extension", none)
    folder = examples / "digits_mlp"
    project = hlsgen.convert(folder / "model.keras", input_precision="ufixed<5,1>")
    found = project.sensitivity(np.load(folder / "x.npy"), np.load(folder / "y.npy"), widths=range(2, 10))
    assert found.engine == "reference" and found.designs >= 60 and found.baseline > 0.98
    narrow = [p.value for p in found if p.width == 2]
    assert min(narrow) < 0.2 and all(p.value > 0.9 for p in found if p.width == 9)
