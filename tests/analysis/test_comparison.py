"""Source model and emulator side by side: numbers by hand, the rule that decides what labels are, what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

import hlsgen
from hlsgen.errors import InputError
from tests.analysis.shown import as_rich
from tests.passes.builders import Net, grid, project_of


def project_with(units: int, activation: str | None = None, seed: int = 0, **settings):
    net = Net(seed)
    out = net.dense("out", net.input((4,)), 4, units, activation="sigmoid" if activation == "sigmoid" else "linear")
    if activation == "softmax":
        out = net.call("Softmax", "soft", out)
    return project_of(net.source(out), **settings)


X = grid((4,), 80, frac=5, bound=50)


def scores_of(project, x=X):
    return np.asarray(project.predict(x), dtype=np.float64)


def test_numbers_by_hand():
    project = project_with(3, "softmax")
    found = scores_of(project)
    rng = np.random.default_rng(0)
    source = rng.dirichlet(np.ones(3), 80)
    y = rng.integers(0, 3, 80)
    only = project.compare(source, X, y).only
    assert (only.name, only.task, only.rows, only.classes, only.threshold) == ("soft", "classification", 80, 3, None)
    assert only.agreement == int((found.argmax(1) == source.argmax(1)).sum()) / 80
    for quality, values in ((only.source, source), (only.emulator, found)):
        decisions = values.argmax(axis=1)
        assert quality.accuracy == int((decisions == y).sum()) / 80
        for one in quality.classes:
            both = int(((decisions == one.label) & (y == one.label)).sum())
            assert one.count == int((y == one.label).sum()) and one.recall == both / one.count
            assert one.precision == (both / int((decisions == one.label).sum()) if one.label in decisions else None)
            assert quality.confusion[one.label][one.label] == both
        assert np.sum(quality.confusion) == 80
    assert np.sum(only.crossed) == 80 and np.trace(only.crossed) == only.agreement * 80
    assert only.errors.rms == np.sqrt(np.square(found - source).mean())


def test_areas_are_those_of_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    project = project_with(3, "softmax", default_width=4)  # coarse: with ties
    found, y = scores_of(project), np.random.default_rng(1).integers(0, 3, 80)
    emulator = project.compare(None, X, y).only.emulator
    for one in emulator.classes:
        assert one.auc == pytest.approx(metrics.roc_auc_score(y == one.label, found[:, one.label]), abs=1e-12)
    rows = found / found.sum(axis=1, keepdims=True)  # which scikit-learn asks for
    mean = np.mean([metrics.roc_auc_score(y == label, found[:, label]) for label in range(3)])
    assert emulator.auc == pytest.approx(mean, abs=1e-12) and rows.shape == found.shape


@pytest.mark.parametrize("activation, threshold", [("sigmoid", 0.5), (None, 0.0)])
def test_a_single_value_decides_at_its_threshold(activation, threshold):
    metrics = pytest.importorskip("sklearn.metrics")
    project = project_with(1, activation)
    found, y = scores_of(project)[:, 0], np.random.default_rng(2).integers(0, 2, 80)
    for labels in (y, y.astype(float), y.astype(bool), y[:, None]):
        only = project.compare(None, X, labels).only
        assert (only.task, only.classes, only.threshold) == ("classification", 2, threshold)
        assert only.emulator.accuracy == int(((found > threshold) == y).sum()) / 80
        assert only.emulator.auc == pytest.approx(metrics.roc_auc_score(y, found), abs=1e-12)
    moved = project.compare(None, X, y, threshold=0.75).only
    assert moved.threshold == 0.75 and moved.emulator.accuracy == int(((found > 0.75) == y).sum()) / 80


def test_one_hot_rows_are_classes():
    project = project_with(3)
    y = np.random.default_rng(3).integers(0, 3, 80)
    numbers, rows = project.compare(None, X, y), project.compare(None, X, np.eye(3)[y])
    assert numbers.only.emulator == rows.only.emulator and rows.only.task == "classification"
    assert project.compare(None, X, np.eye(3, dtype=bool)[y]).only.source == numbers.only.source


@pytest.mark.parametrize(
    "units, activation, y, task",
    [
        (3, "softmax", None, "classification"),
        (1, "sigmoid", None, "classification"),
        (3, None, None, "regression"),
        (1, None, None, "regression"),
        (3, None, "numbers", "regression"),
        (1, None, "numbers", "regression"),
        (1, None, "counts", "regression"),
        (3, None, "classes", "classification"),
    ],
)
def test_labels_and_outputs_say_what_is_compared(units, activation, y, task):
    project = project_with(units, activation)
    rng = np.random.default_rng(4)
    labels = {
        None: None,
        "numbers": rng.normal(size=(80, units)),
        "counts": rng.integers(0, 9, 80),
        "classes": rng.integers(0, units, 80),
    }[y]
    only = project.compare(None, X, labels).only
    assert only.task == task and only.labelled == (labels is not None)
    assert (only.agreement is None) == (task == "regression")
    if task == "regression" and labels is not None:
        found = scores_of(project)
        assert only.emulator.rms == np.sqrt(np.square(found - labels.reshape(found.shape)).mean())


def test_the_task_can_be_told():
    project = project_with(3)
    y = np.random.default_rng(5).integers(0, 3, 80)
    assert project.compare(None, X, task="classification").only.task == "classification"
    as_numbers = project.compare(None, X, np.eye(3)[y], task="regression").only
    assert as_numbers.task == "regression" and as_numbers.emulator.rms > 0


def test_every_place_of_an_image_is_a_row():
    net = Net(1)
    net.call("Softmax", "soft", net.conv("conv", net.input((3, 3, 2)), 2, 4, size=2))
    project = project_of(net.source("soft"))
    x = grid((3, 3, 2), 20)
    y = np.random.default_rng(6).integers(0, 4, (20, 2, 2))
    only = project.compare(None, x, y).only
    assert only.rows == 80 and only.emulator.accuracy == np.mean(scores_of(project, x).argmax(-1) == y)
    assert project.compare(None, x, np.eye(4)[y]).only.emulator == only.emulator


def test_several_outputs():
    net = Net(2)
    hidden = net.dense("fc", net.input((4,)), 4, 5)
    net.dense("a", hidden, 5, 3)
    net.dense("b", hidden, 5, 1)
    project = project_of(net.source("a", "b"))
    y = np.random.default_rng(7).integers(0, 3, 80)
    every = project.compare(None, X, {"a": y})
    assert [o.name for o in every] == ["a", "b"] and "a" in every and len(every) == 2
    assert every["a"].labelled and not every["b"].labelled
    given = project.compare([np.asarray(v) for v in project.predict(X)], X, [y, None])
    assert given["b"].errors.rms == 0.0 and given["a"].agreement == 1.0
    by_name = project.compare(dict(zip("ab", project.predict(X), strict=True)), X)
    assert by_name["a"].errors.rms == 0.0
    with pytest.raises(KeyError, match="there is no output 'c'"):
        every["c"]
    with pytest.raises(KeyError, match="the model has several outputs; name one of a, b"):
        _ = every.only
    with pytest.raises(InputError, match=r"the model has 2 outputs \(a, b\); give y as a list"):
        project.compare(None, X, y)
    with pytest.raises(InputError, match="y has no output 'c'"):
        project.compare(None, X, {"c": y})
    with pytest.raises(InputError, match=r"1 outputs are given, the model has 2"):
        project.compare(project.predict(X)[0], X)
    with pytest.raises(InputError, match="outputs are given for"):
        project.compare({"a": project.predict(X)[0]}, X)


def test_the_source_runs_in_its_own_framework():
    networks = pytest.importorskip("sklearn.neural_network")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 4))
    y = (x @ rng.normal(size=(4, 3))).argmax(axis=1)
    model = networks.MLPClassifier((6,), max_iter=200, random_state=0).fit(x, y)
    project = hlsgen.convert(model)
    for source in (None, model):
        found = project.compare(source, x, y)
        assert found.reference.startswith("scikit-learn ")
        assert found.only.source.accuracy == model.score(x, y)
        assert found.only.errors.largest == np.abs(project.predict(x) - model.predict_proba(x)).max()


def test_what_cannot_be_run_is_computed_in_real_numbers_and_said():
    project = project_with(3, "softmax")
    found = project.compare(None, X)
    assert found.reference == "in real numbers, computed by hlsgen, as the source model is not known"
    with pytest.raises(
        InputError, match="a int is no model; give one that hlsgen reads, or its path, or its outputs as an array"
    ):
        project.compare(3, X)


def test_every_form(tmp_path):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("matplotlib")
    project = project_with(3, "softmax")
    y = np.random.default_rng(8).integers(0, 3, 80)
    for number, found in enumerate(
        (project.compare(None, X, y), project.compare(None, X), project_with(2).compare(None, X))
    ):
        assert isinstance(found.to_pandas(), pandas.DataFrame)
        assert json.loads(json.dumps(found.to_dict()))["samples"] == 80
        path = found.plot(tmp_path / f"{number}.svg")
        first = path.read_bytes()
        assert found.plot(path).read_bytes() == first
        for text in (str(found), found._repr_html_(), as_rich(found)):
            assert "difference, rms" in text and "80 samples" in text


def test_one_class_alone_has_no_area():
    only = project_with(3, "softmax").compare(None, X, np.zeros(80, dtype=int)).only
    assert only.emulator.auc is None and only.emulator.classes[1].recall is None
    assert only.emulator.classes[0].count == 80


@pytest.mark.parametrize(
    "options, message",
    [
        ({"y": np.zeros(79, int)}, "y for 'soft' has 79 rows, x has 80 samples"),
        ({"y": np.full(80, 3)}, r"expected class numbers from 0 to 2 of shape \(80\), or one-hot rows \(80, 3\)"),
        ({"y": np.full(80, -1)}, "expected class numbers"),
        ({"y": np.full((80, 3), np.nan)}, "holds NaN or infinities"),
        ({"y": np.array(["cat"] * 80)}, "holds no real numbers"),
        ({"y": np.zeros((80, 2))}, "expected class numbers"),
        ({"y": 3}, "has one number"),
        ({"y": np.ones((80, 3)), "task": "classification"}, "holds no classes"),
        ({"task": "classify"}, "did you mean 'classification'"),
        ({"task": 3}, "task is 3"),
        ({"threshold": float("nan")}, "threshold is nan, expected a number"),
        ({"threshold": True}, "threshold is True"),
        ({"model": np.zeros((80, 4))}, r"output 'soft' of the source has shape \(80, 4\), expected \(80, 3\)"),
        ({"model": np.full((80, 3), np.inf)}, "output 'soft' of the source is inf at index"),
        ({"model": np.array([["a"] * 3] * 80)}, "holds no real numbers"),
        ({"x": np.zeros((0, 4))}, "x has no samples"),
        ({"x": np.full((3, 4), np.nan)}, "NaN at index"),
    ],
)
def test_what_does_not_fit_is_refused(options, message):
    project = project_with(3, "softmax")
    with pytest.raises(InputError, match=message):
        project.compare(**({"model": None, "x": X} | options))
