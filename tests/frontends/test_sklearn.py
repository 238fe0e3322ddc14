"""Estimators of scikit-learn, against their own predictions in double precision."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hlsgen
from hlsgen.errors import ModelError, UnsupportedError

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, RidgeClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, Normalizer, RobustScaler, StandardScaler
from sklearn.svm import LinearSVC

DATA = {
    "iris": load_iris(return_X_y=True),
    "cancer": load_breast_cancer(return_X_y=True),
    "digits": tuple(a[:400] for a in load_digits(return_X_y=True)),
    "diabetes": load_diabetes(return_X_y=True),
}


def fitted(estimator: Any, data: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # few iterations are enough here
        return estimator.fit(*DATA[data])


def classifier(**options: Any) -> MLPClassifier:
    return MLPClassifier(**({"hidden_layer_sizes": (12, 8), "max_iter": 60, "random_state": 0} | options))


def regressor(**options: Any) -> MLPRegressor:
    return MLPRegressor(**({"hidden_layer_sizes": (10,), "max_iter": 60, "random_state": 0} | options))


def one_column(estimator: Any, x: Any) -> Any:
    """``predict_proba``, of two classes the second."""
    probabilities = estimator.predict_proba(x)
    return probabilities[:, 1:] if probabilities.shape[1] == 2 else probabilities


NETWORKS = {
    "relu, softmax": (classifier(), "iris", one_column),
    "tanh": (make_pipeline(StandardScaler(), classifier(activation="tanh")), "iris", one_column),
    "logistic, two classes": (
        make_pipeline(StandardScaler(), classifier(activation="logistic")),
        "cancer",
        one_column,
    ),
    "identity": (make_pipeline(MinMaxScaler((-1, 1)), classifier(activation="identity")), "digits", one_column),
    "clip": (make_pipeline(MinMaxScaler(clip=True), classifier()), "iris", one_column),
    "clip around zero": (make_pipeline(MinMaxScaler((-1, 1), clip=True), classifier()), "iris", one_column),
    "largest": (make_pipeline(MaxAbsScaler(), classifier(hidden_layer_sizes=())), "iris", one_column),
    "quartiles": (make_pipeline(RobustScaler(), PCA(3), classifier()), "iris", one_column),
    "white components": (make_pipeline(StandardScaler(), PCA(8, whiten=True), classifier()), "cancer", one_column),
    "no deviation": (make_pipeline(StandardScaler(with_std=False), classifier()), "iris", one_column),
    "no mean": (make_pipeline(StandardScaler(with_mean=False), classifier()), "iris", one_column),
    "nested": (
        Pipeline([("scale", Pipeline([("a", StandardScaler()), ("b", "passthrough")])), ("output", classifier())]),
        "iris",
        one_column,
    ),
    "regression": (
        make_pipeline(StandardScaler(), regressor(max_iter=400)),
        "diabetes",
        lambda e, x: e.predict(x)[:, None],
    ),
    "linear": (LinearRegression(), "diabetes", lambda e, x: e.predict(x)[:, None]),
    "ridge without intercept": (Ridge(fit_intercept=False), "diabetes", lambda e, x: e.predict(x)[:, None]),
    "logistic regression": (make_pipeline(StandardScaler(), LogisticRegression()), "cancer", one_column),
    "multinomial": (make_pipeline(StandardScaler(), LogisticRegression()), "iris", one_column),
    "decisions": (make_pipeline(StandardScaler(), LinearSVC()), "iris", lambda e, x: e.decision_function(x)),
    "two decisions": (
        make_pipeline(StandardScaler(), RidgeClassifier()),
        "cancer",
        lambda e, x: e.decision_function(x)[:, None],
    ),
    "scaler alone": (StandardScaler(), "iris", lambda e, x: e.transform(x)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_as_the_estimator_predicts(name: str) -> None:
    """Types of 16 bits hold results to 2^-10 of the largest; deep ones and tables add some of their steps."""
    estimator, data, predicted = NETWORKS[name]
    x = DATA[data][0]
    right = predicted(fitted(estimator, data), x)
    project = hlsgen.convert(estimator, calibration=x)
    ours = project.evaluate(x)[project.design.outputs[0].name]
    assert ours.shape == right.shape
    assert np.abs(ours - right).max() <= 2.0**-8 * np.abs(right).max()
    if right.shape[1] > 1:
        assert (ours.argmax(1) == right.argmax(1)).mean() >= 0.99


def test_several_targets() -> None:
    x = DATA["iris"][0]
    targets = np.stack([x[:, 0] + x[:, 1], x[:, 2] - x[:, 3]], axis=1)
    for estimator in (LinearRegression(fit_intercept=False), Ridge()):
        estimator.fit(x, targets)
        ours = hlsgen.convert(estimator, calibration=x).evaluate(x)["output"]
        np.testing.assert_allclose(ours, estimator.predict(x), atol=2.0**-9)  # steps of the result: 16 bits hold 10


def test_several_labels_are_one_probability_each() -> None:
    x, y = DATA["iris"]
    labels = np.stack([y > 0, x[:, 0] > 5.8], axis=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator = classifier().fit(x, labels)
    ours = hlsgen.convert(estimator, calibration=x).evaluate(x)["output"]
    np.testing.assert_allclose(ours, estimator.predict_proba(x), atol=2.0**-8)


def test_a_scaler_is_multiplied_into_the_weights_behind_it() -> None:
    x = DATA["diabetes"][0]
    pipeline = fitted(make_pipeline(StandardScaler(), regressor(max_iter=400)), "diabetes")
    project = hlsgen.convert(pipeline, calibration=x)
    assert [op.name for op in project.design.ops if op.layer.kind == "Scale"] == []
    kept = hlsgen.convert(pipeline, calibration=x, skip_passes=["fuse_batchnorm"])
    assert [op.name for op in kept.design.ops if op.layer.kind == "Scale"] == ["standardscaler"]
    ours, theirs = (made.evaluate(x)["output"] for made in (project, kept))
    np.testing.assert_allclose(ours, theirs, atol=2.0**-8 * np.abs(theirs).max())


def test_layers_are_named_in_the_configuration() -> None:
    pipeline = fitted(make_pipeline(StandardScaler(), classifier()), "iris")
    project = hlsgen.convert(
        pipeline,
        layers={"hidden_2": {"reuse_factor": 4}},
        layer_types={"StandardScaler": {"precision": {"result": "fixed<14,4>"}}},
    )
    ops = {op.name: op for op in project.design.ops}
    assert ops["hidden_2_dense"].reuse_factor == 4
    assert ops["standardscaler"].output.type.width == 14
    assert {"standardscaler", "hidden_1", "hidden_2", "output"} <= set(project.trace_keys())


def test_emulator_equals_the_reference() -> None:
    x = DATA["digits"][0]
    project = hlsgen.convert(fitted(make_pipeline(MinMaxScaler(), classifier()), "digits"), calibration=x)
    np.testing.assert_array_equal(project.predict(x, raw=True), project.evaluate(x, raw=True)["output"])


class Own(MLPClassifier):
    """It could predict anything."""


def with_bad_weights() -> MLPClassifier:
    estimator = fitted(classifier(), "iris")
    estimator.coefs_[1] = estimator.coefs_[1][:-1]
    return estimator


def with_nan() -> MLPClassifier:
    estimator = fitted(classifier(), "iris")
    estimator.intercepts_[0][3] = np.nan
    return estimator


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (classifier, ModelError, r"step 'mlpclassifier' \(MLPClassifier\): it has no \w+: it is not fitted"),
        (lambda: Pipeline([("a", "passthrough")]), ModelError, "no steps but 'passthrough'"),
        (
            lambda: fitted(make_pipeline(Normalizer(), classifier()), "iris"),
            UnsupportedError,
            r"step 'normalizer' \(Normalizer\) is not supported; valid: ElasticNet, Lasso",
        ),
        (lambda: fitted(Own(max_iter=5), "iris"), UnsupportedError, "a class of your own .* than MLPClassifier"),
        (with_bad_weights, ModelError, r"coefs_\[1\] has shape \(11, 8\), expected \(12, 8\)"),
        (with_nan, ModelError, r"intercepts_\[0\] holds NaN"),
    ],
)
def test_what_is_refused(make: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        hlsgen.convert(make())


def test_steps_that_do_not_fit() -> None:
    pipeline = fitted(make_pipeline(StandardScaler(), classifier()), "iris")
    pipeline.steps[0] = ("standardscaler", fitted(StandardScaler(), "cancer"))
    with pytest.raises(
        ModelError, match=r"'mlpclassifier' \(MLPClassifier\): it was fitted on 4 features, and gets 30"
    ):
        hlsgen.convert(pipeline)
    pipeline = Pipeline([("a", fitted(classifier(), "iris")), ("b", fitted(StandardScaler(), "iris"))])
    with pytest.raises(UnsupportedError, match="step 'a' .* as the last step"):
        hlsgen.convert(pipeline)
    with pytest.raises(ModelError, match="holds its own weights"):
        hlsgen.convert(fitted(classifier(), "iris"), weights="w.h5")


@pytest.mark.parametrize("suffix", [".pkl", ".joblib", ".PICKLE"])
def test_files_are_refused(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"net{suffix}"
    file.write_bytes(b"\x80\x02cos\nabort\n(tR.")  # would end the process if it were read
    with pytest.raises(ModelError, match=r"can hold code .*hlsgen\.convert\(joblib\.load\('net"):
        hlsgen.convert(file)
