"""Estimators of scikit-learn: multilayer perceptrons and linear models, alone or behind scalers in a pipeline.

What a scaler does is a :class:`Scale`, which passes multiply into the weights behind it where that costs no accuracy.
docs/sklearn.md says what users see. Files are refused: those of scikit-learn are pickles, and to read one is to run
what it holds.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hlsgen.errors import ModelError, UnsupportedError, nearest
from hlsgen.frontends.builder import Builder, add_input
from hlsgen.frontends.classes import classes_of
from hlsgen.frontends.functions import add_clip, add_relu, add_table
from hlsgen.frontends.values import Batch, MayHoldCodeError, NotRunError, SourceValues, failure, in_order_of
from hlsgen.ir.constant import Constant, Floats
from hlsgen.ir.graph import Graph, Value
from hlsgen.ir.layer import Statistics
from hlsgen.layers.dense import Dense
from hlsgen.layers.functions import FUNCTIONS
from hlsgen.layers.scale import Scale
from hlsgen.layers.softmax import Softmax

_SUFFIXES = (".pkl", ".pickle", ".joblib", ".skops")
_PROBABILITIES = ("MLPClassifier", "LogisticRegression")
"""Estimators whose ``predict_proba`` is computed."""
_Activation = Callable[[Builder, Value], Value]


def accepts(model: Any) -> bool:
    """Whether this is an estimator of scikit-learn, or a file of the kinds they are kept in."""
    if isinstance(model, str | os.PathLike):
        return Path(os.fsdecode(model)).suffix.lower() in _SUFFIXES
    return _class_of(model) is not None


def read(model: Any, weights: Path | None = None) -> Graph:
    """Build the graph of an estimator. Raises ModelError and UnsupportedError."""
    if weights is not None:
        raise ModelError("weights= goes with a .json architecture of Keras; an estimator holds its own weights")
    if isinstance(model, str | os.PathLike):
        path = Path(os.fsdecode(model))
        raise ModelError(
            f"{path}: a '{path.suffix}' file can hold code that runs when it is read, so it is not read here; if you "
            f"trust it, load it yourself and give the estimator: hlsgen.convert(joblib.load('{path.name}'))"
        )
    steps = steps_of(model)
    if not steps:
        raise ModelError("the pipeline has no steps but 'passthrough'; expected an estimator")
    graph = Graph(type(model).__name__.lower())
    first = _Estimator(*steps[0])
    value = add_input(graph, "input", (first.count("n_features_in_"),))
    for place, (name, estimator) in enumerate(steps):
        value = _read_step(graph, value, _Estimator(name, estimator), last=place == len(steps) - 1)
    graph.set_outputs([value], ["output"])
    graph.verify()
    return graph


def _class_of(model: Any) -> str | None:
    """The class of scikit-learn that an object is of, or derived from; None for all else. Nothing is imported."""
    names = (kind.__name__ for kind in classes_of(model, ["sklearn"]))
    return next((name for name in names if name != "BaseEstimator"), None)


def steps_of(model: Any, prefix: str = "") -> list[tuple[str, Any]]:
    """The estimators of a pipeline with their names, those of pipelines inside of it too."""
    if type(model).__name__ != "Pipeline" or _class_of(model) != "Pipeline":
        return [(prefix or type(model).__name__.lower(), model)]
    steps = []
    for name, step in model.steps:
        if step is not None and not (isinstance(step, str) and step == "passthrough"):
            steps += steps_of(step, f"{prefix}.{name}" if prefix else str(name))
    return steps


class _Estimator:
    """An estimator, and what it learnt, checked."""

    def __init__(self, name: str, estimator: Any) -> None:
        self.name, self.estimator = name, estimator
        self.kind = type(estimator).__name__
        self.where = f"step '{name}' ({self.kind})"

    def get(self, attribute: str) -> Any:
        """An attribute that fitting sets. Raises ModelError if it is not there."""
        if not hasattr(self.estimator, attribute):
            raise ModelError(f"{self.where}: it has no {attribute}: it is not fitted; call fit() first")
        return getattr(self.estimator, attribute)

    def option(self, name: str, usual: Any) -> Any:
        return getattr(self.estimator, name, usual)

    def count(self, attribute: str) -> int:
        return int(self.get(attribute))

    def array(self, attribute: str, shape: tuple[int, ...]) -> Floats:
        """Real numbers of a shape. Raises ModelError for others."""
        return self.checked(self.get(attribute), attribute, shape)

    def checked(self, given: Any, what: str, shape: tuple[int, ...]) -> Floats:
        """``given`` as an array, sparse or not."""
        array = np.asarray(given.toarray() if hasattr(given, "toarray") else given, dtype=np.float64)
        if array.shape != shape:
            raise ModelError(f"{self.where}: {what} has shape {array.shape}, expected {shape}")
        if not np.isfinite(array).all():
            raise ModelError(f"{self.where}: {what} holds NaN or infinity; expected finite numbers")
        return array


def _read_step(graph: Graph, value: Value, step: _Estimator, last: bool) -> Value:
    """Add one step of the pipeline."""
    if _class_of(step.estimator) != step.kind:
        known = _class_of(step.estimator) or "no class of scikit-learn"
        raise UnsupportedError(
            f"{step.where}: a class of your own may compute something else than {known}; give the estimator itself"
        )
    reader = _TRANSFORMERS.get(step.kind) or _PREDICTORS.get(step.kind)
    if reader is None:
        names = sorted([*_TRANSFORMERS, *_PREDICTORS, "Pipeline"])
        raise UnsupportedError(f"{step.where} is not supported{nearest(step.kind, names)}")
    if step.kind in _PREDICTORS and not last:
        raise UnsupportedError(f"{step.where}: something follows it; expected it as the last step of the pipeline")
    if (n_in := step.count("n_features_in_")) != value.shape[-1]:
        raise ModelError(f"{step.where}: it was fitted on {n_in} features, and gets {value.shape[-1]}")
    return reader(graph, value, step)


def _builder(graph: Graph, name: str, step: _Estimator, value: Value) -> Builder:
    """The nodes of one layer, under a name that no other layer has."""
    while name in graph.aliases:
        name += "_"
    return Builder(graph, name, step.kind, [value])


# -- transformers ------------------------------------------------------------------------------


def _read_standard_scaler(graph: Graph, value: Value, step: _Estimator) -> Value:
    """``(x - mean) / scale``, either of which may be left out; mean and variance place ranges, too."""
    n = value.shape[-1]
    means, scales = step.get("mean_"), step.get("scale_")
    mean = np.zeros(n) if means is None or not step.option("with_mean", True) else step.checked(means, "mean_", (n,))
    scale = np.ones(n) if scales is None else step.checked(scales, "scale_", (n,))
    measured = None
    if means is not None and scales is not None:
        measured = Statistics(step.checked(means, "mean_", (n,)), np.sqrt(step.array("var_", (n,))))
    return _add_scale(graph, value, step, 1 / scale, -mean / scale, measured)


def _read_robust_scaler(graph: Graph, value: Value, step: _Estimator) -> Value:
    n = value.shape[-1]
    centers, scales = step.get("center_"), step.get("scale_")
    center = np.zeros(n) if centers is None else step.checked(centers, "center_", (n,))
    scale = np.ones(n) if scales is None else step.checked(scales, "scale_", (n,))
    return _add_scale(graph, value, step, 1 / scale, -center / scale)


def _read_max_abs_scaler(graph: Graph, value: Value, step: _Estimator) -> Value:
    n = value.shape[-1]
    return _add_scale(graph, value, step, 1 / step.array("scale_", (n,)), np.zeros(n), clip=_clip(step, (-1.0, 1.0)))


def _read_min_max_scaler(graph: Graph, value: Value, step: _Estimator) -> Value:
    """``x * scale + min``; with ``clip=True`` cut to its range."""
    n = value.shape[-1]
    low, high = (float(end) for end in step.option("feature_range", (0.0, 1.0)))
    return _add_scale(
        graph, value, step, step.array("scale_", (n,)), step.array("min_", (n,)), clip=_clip(step, (low, high))
    )


def _clip(step: _Estimator, ends: tuple[float, float]) -> tuple[float, float] | None:
    return ends if step.option("clip", False) else None


def _add_scale(
    graph: Graph,
    value: Value,
    step: _Estimator,
    scale: Floats,
    shift: Floats,
    measured: Statistics | None = None,
    clip: tuple[float, float] | None = None,
) -> Value:
    builder = _builder(graph, step.name, step, value)
    scale, shift = (step.checked(array, "what it learnt", array.shape) for array in (scale, shift))
    result = builder.add(Scale(Constant.of(scale), Constant.of(shift), measured))
    if clip is not None:
        low, high = clip
        result = add_relu(builder, result, ceiling=high) if low == 0 else add_clip(builder, result, low, high)
    builder.finish(result)
    return result


def _read_pca(graph: Graph, value: Value, step: _Estimator) -> Value:
    """``(x - mean) @ components.T``, divided by the deviations where it whitens."""
    n_in, n_out = value.shape[-1], len(step.get("components_"))
    weights = step.array("components_", (n_out, n_in)).T
    bias = -step.array("mean_", (n_in,)) @ weights
    if step.option("whiten", False):
        variance = step.array("explained_variance_", (n_out,))
        # scikit-learn divides by this much at least
        deviation = np.maximum(np.sqrt(variance), np.finfo(np.float64).eps)
        weights, bias = weights / deviation, bias / deviation
    builder = _builder(graph, step.name, step, value)
    result = builder.add(Dense(Constant.of(weights), Constant.of(bias)))
    builder.finish(result)
    return result


# -- predictors --------------------------------------------------------------------------------


def _as_it_is(builder: Builder, value: Value) -> Value:
    return value


def _table(name: str) -> _Activation:
    return lambda builder, value: add_table(builder, value, FUNCTIONS[name])


_ACTIVATIONS: Mapping[str, _Activation] = {
    "identity": _as_it_is,
    "relu": add_relu,
    "logistic": _table("sigmoid"),
    "tanh": _table("tanh"),
    "exp": _table("exponential"),
    "softmax": lambda builder, value: builder.add(Softmax(), [value], "softmax"),
}


def _read_mlp(graph: Graph, value: Value, step: _Estimator) -> Value:
    """Layers ``hidden_1``, ``hidden_2``... and ``output``, each with its activation."""
    weights, biases = step.get("coefs_"), step.get("intercepts_")
    if len(weights) != len(biases) or not len(weights):
        raise ModelError(f"{step.where}: {len(weights)} matrices and {len(biases)} biases; expected as many")
    for place, (weight, bias) in enumerate(zip(weights, biases, strict=True), 1):
        last = place == len(weights)
        name = "output" if last else f"hidden_{place}"
        n_in, n_out = value.shape[-1], len(bias)
        value = _add_dense(
            graph,
            value,
            step,
            name,
            step.checked(weight, f"coefs_[{place - 1}]", (n_in, n_out)),
            step.checked(bias, f"intercepts_[{place - 1}]", (n_out,)),
            step.get("out_activation_") if last else step.option("activation", "relu"),
        )
    return value


def run(model: Any, batch: Batch) -> SourceValues:
    """The values of a batch by scikit-learn (:mod:`hlsgen.frontends.reference`): of the whole, as columns.

    Of what an estimator offers, that which docs/sklearn.md says that a design computes. Raises NotRunError.
    """
    if isinstance(model, str | os.PathLike):
        raise MayHoldCodeError(f"'{model}'", "a file of scikit-learn may hold code")
    what = f"the estimator {type(model).__name__}"
    if len(batch.inputs) != 1:
        raise NotRunError(what, f"it has one input, the design {len(batch.inputs)}", "give the model itself")
    (x,) = batch.inputs.values()
    last = type(steps_of(model)[-1][1]).__name__
    usual = ("decision_function", "predict", "transform")
    methods = ("predict_proba",) if last in _PROBABILITIES else usual
    try:
        found = np.asarray(next(getattr(model, name) for name in methods if hasattr(model, name))(x))
    except Exception as error:  # as it likes
        raise failure(what, error) from error
    if last in _PROBABILITIES and batch.outputs == ((1,),) and found.shape[1:] == (2,):
        found = found[:, 1:]  # of two classes that of the second one
    library = f"scikit-learn {sys.modules['sklearn'].__version__}"
    return SourceValues("scikit-learn", library, in_order_of(what, [found.reshape(len(x), -1)], batch))


def _read_linear(graph: Graph, value: Value, step: _Estimator) -> Value:
    """``predict`` of a regressor, ``decision_function`` of a classifier: one or several sums."""
    return _add_linear(graph, value, step, "identity")


def _read_logistic(graph: Graph, value: Value, step: _Estimator) -> Value:
    """``predict_proba``; of two classes that of the second one."""
    classes = len(step.get("classes_"))
    one_by_one = step.option("solver", "") == "liblinear" or step.option("multi_class", "") == "ovr"
    if classes > 2 and one_by_one:
        raise UnsupportedError(
            f"{step.where}: probabilities of {classes} classes trained one against the rest are divided by their sum, "
            "which is not there; train it with another solver (multinomial), or use LinearSVC's decisions"
        )
    return _add_linear(graph, value, step, "softmax" if classes > 2 else "logistic")


def _add_linear(graph: Graph, value: Value, step: _Estimator, activation: str) -> Value:
    n_in, given = value.shape[-1], step.get("coef_")
    # one output may be a vector and a number
    rows = 1 if np.ndim(given) == 1 else int(np.shape(given)[0])
    weights = step.checked(given, "coef_", (n_in,) if np.ndim(given) == 1 else (rows, n_in))
    offset = step.get("intercept_")
    if np.size(offset) == 1:  # a number 0.0 where there is none, however many outputs
        offset = np.full(rows, np.reshape(offset, ()))
    bias = step.checked(offset, "intercept_", (rows,))
    return _add_dense(graph, value, step, "output", weights.reshape(rows, n_in).T, bias, activation)


def _add_dense(
    graph: Graph, value: Value, step: _Estimator, name: str, weights: Floats, bias: Floats, activation: str
) -> Value:
    function = _ACTIVATIONS.get(activation)
    if function is None:
        raise UnsupportedError(
            f"{step.where}: activation '{activation}' is not supported{nearest(str(activation), _ACTIVATIONS)}"
        )
    builder = _builder(graph, name, step, value)
    result = function(builder, builder.add(Dense(Constant.of(weights), Constant.of(bias))))
    builder.finish(result)
    return result


_Reader = Callable[[Graph, Value, _Estimator], Value]

_TRANSFORMERS: Mapping[str, _Reader] = {
    "StandardScaler": _read_standard_scaler,
    "MinMaxScaler": _read_min_max_scaler,
    "MaxAbsScaler": _read_max_abs_scaler,
    "RobustScaler": _read_robust_scaler,
    "PCA": _read_pca,
}
_PREDICTORS: Mapping[str, _Reader] = {
    "MLPClassifier": _read_mlp,
    "MLPRegressor": _read_mlp,
    "LogisticRegression": _read_logistic,
    "LinearRegression": _read_linear,
    "Ridge": _read_linear,
    "Lasso": _read_linear,
    "ElasticNet": _read_linear,
    "SGDRegressor": _read_linear,
    "LinearSVR": _read_linear,
    "LinearSVC": _read_linear,
    "RidgeClassifier": _read_linear,
    "SGDClassifier": _read_linear,
    "Perceptron": _read_linear,
}
