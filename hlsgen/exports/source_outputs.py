"""What the framework of a source model computes: ONNX Runtime, a live model of Keras, PyTorch, scikit-learn.

Files are run by ONNX Runtime alone: files of Keras and of PyTorch may hold code.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hlsgen.backends.base import Job
from hlsgen.design.arrays import Array, given_shape
from hlsgen.frontends import keras, onnx, sklearn, torch
from hlsgen.frontends.classes import KERAS, classes_of, package_of
from hlsgen.ir.constant import Shape

_DTYPES = {"tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(int32)": np.int32}
"""Of ONNX Runtime's inputs; others are indices, int64."""

_TWO_CLASSES = 2


class NotThereError(Exception):
    """Why there are no outputs of the source: a sentence without its point."""


@dataclass(frozen=True, eq=False)
class SourceOutputs:
    """What a framework computed."""

    framework: str
    """Its name and version."""
    results: tuple[Array, ...]
    """Of each output of the design, (samples, *shape)."""


def source_outputs(job: Job, inputs: Mapping[str, Array]) -> SourceOutputs:
    """The outputs for inputs by name, (samples, *shape) as users give them. Raises NotThereError."""
    model = job.source
    if model is None:
        raise NotThereError("the source model is not known")
    for accepts, run in _FRAMEWORKS:
        if accepts(model):
            try:
                found = run(job, model, inputs)
            except NotThereError:
                raise
            except Exception as error:  # frameworks raise what they like
                lines = str(error).strip().splitlines() or [""]
                raise NotThereError(f"its framework fails ({type(error).__name__}: {lines[0]})") from error
            _check_shapes(job, found, len(next(iter(inputs.values()))))
            return found
    raise NotThereError(f"a {type(model).__name__} is not asked")


def _check_shapes(job: Job, found: SourceOutputs, samples: int) -> None:
    shapes = [result.shape for result in found.results]
    expected = [(samples, *tensor.shape) for tensor in job.design.outputs]
    if shapes != expected:
        raise NotThereError(f"its framework gives outputs of shapes {shapes}, expected {expected}")


# -- ONNX Runtime ----------------------------------------------------------------------------------


def _run_onnx(job: Job, model: Any, inputs: Mapping[str, Array]) -> SourceOutputs:
    """As the model's operators say: without rewriting of graphs, on one thread."""
    try:
        import onnxruntime
    except ImportError as error:
        raise NotThereError("onnxruntime is not installed") from error
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    content = os.fsdecode(model) if isinstance(model, str | os.PathLike) else model.SerializeToString()
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    feeds = [_Feed.of(p, given_shape(t), inputs[t.name]) for p, t in _paired(session.get_inputs(), job)]
    ports, shapes = session.get_outputs(), [tensor.shape for tensor in job.design.outputs]
    parts = [session.run(None, part) for part in _parts(feeds)]
    results = []
    for port, shape, found in zip(ports, shapes, zip(*parts, strict=True), strict=True):
        axis = _axis_of_result(port.shape, shape, found[0].shape, {feed.symbol for feed in feeds})
        whole = np.concatenate([np.moveaxis(part, axis, 0) for part in found])
        results.append(whole[: len(feeds[0].data)])
    return SourceOutputs(f"ONNX Runtime {onnxruntime.__version__}", tuple(results))


def _paired(ports: Sequence[Any], job: Job) -> Iterator[tuple[Any, Any]]:
    tensors = {tensor.name: tensor for tensor in job.design.inputs}
    if len(ports) != len(tensors):
        raise NotThereError(f"it has {len(ports)} inputs, the design {len(tensors)}")
    by_name = all(port.name in tensors for port in ports)
    for port, tensor in zip(ports, tensors.values(), strict=True):
        yield port, tensors[port.name] if by_name else tensor


@dataclass(frozen=True, eq=False)
class _Feed:
    """Data for an input of a session."""

    name: str
    data: Array
    """(samples, *shape)"""
    axis: int
    """Where the model has the samples."""
    symbol: object
    """How it calls their number; None without a name."""
    fixed: int | None
    """Their number, if it takes no other."""

    @classmethod
    def of(cls, port: Any, shape: Shape, data: Array) -> _Feed:
        axis = _samples_axis(port.shape, shape)
        extent = port.shape[axis]
        typed = np.ascontiguousarray(data, dtype=_DTYPES.get(port.type, np.int64))
        fixed = extent if isinstance(extent, int) else None
        return cls(port.name, typed, axis, None if fixed is not None else extent, fixed)


def _parts(feeds: Sequence[_Feed]) -> Iterator[dict[str, Array]]:
    """All samples at once, or as many at a time as the model was exported for; the last ones with zeros behind."""
    samples = len(feeds[0].data)
    step = next((feed.fixed for feed in feeds if feed.fixed is not None), samples)
    for at in range(0, samples, step):
        part = {feed.name: (feed.data[at : at + step], feed.axis) for feed in feeds}
        missing = step - len(feeds[0].data[at : at + step])
        yield {n: np.moveaxis(np.pad(x, [(0, missing)] + [(0, 0)] * (x.ndim - 1)), 0, a) for n, (x, a) in part.items()}


def _samples_axis(extents: Sequence[object], shape: Shape) -> int:
    """Which axis the samples are, where the others have this shape. Raises NotThereError unless there is one."""
    fits = [a for a in range(len(extents)) if (*extents[:a], *extents[a + 1 :]) == shape]
    if len(fits) != 1 and 0 in fits and isinstance(extents[0], int) and extents[0] == 1:
        fits = [0]
    if len(fits) != 1:
        raise NotThereError(f"which axis of {list(extents)} the samples are is not clear")
    return fits[0]


def _axis_of_result(extents: Sequence[object], shape: Shape, found: Shape, symbols: set[object]) -> int:
    """The same of a result: by the name of their number, else by the shape that is declared, or that was found."""
    if len(extents) != len(found):
        return _samples_axis(found, shape)
    named = [a for a, extent in enumerate(extents) if isinstance(extent, str) and extent in symbols]
    if len(named) == 1:
        return named[0]
    try:
        return _samples_axis(extents, shape)
    except NotThereError:
        return _samples_axis(found, shape)


# -- live models -----------------------------------------------------------------------------------


def _run_keras(job: Job, model: Any, inputs: Mapping[str, Array]) -> SourceOutputs:
    if isinstance(model, str | os.PathLike):
        raise NotThereError("a file of Keras may hold code and is not run; convert a live model")
    data = [np.ascontiguousarray(inputs[tensor.name], dtype=np.float32) for tensor in job.design.inputs]
    found = model.predict(data if len(data) > 1 else data[0], verbose=0)
    if isinstance(found, Mapping):
        raise NotThereError("it returns a dict, whose order says nothing")
    results = tuple(map(np.asarray, found if isinstance(found, list | tuple) else [found]))
    library = sys.modules[package_of(classes_of(model, KERAS)[0])]
    return SourceOutputs(f"{library.__name__} {library.__version__}", results)


def _run_torch(job: Job, model: Any, inputs: Mapping[str, Array]) -> SourceOutputs:
    if isinstance(model, str | os.PathLike):
        raise NotThereError("a file of PyTorch may hold code and is not run; convert a live module")
    import torch as library

    from hlsgen.frontends.torch.exporting import inference, may_begin_with_steps

    if not isinstance(model, library.nn.Module):
        raise NotThereError(f"a {type(model).__name__} of PyTorch is not asked; convert a module")
    if may_begin_with_steps(model):
        raise NotThereError("its samples may be another axis than the first (batch_first=False)")
    data = [inputs[tensor.name] for tensor in job.design.inputs]
    tensors = [library.from_numpy(x.astype(np.float32 if x.dtype.kind == "f" else np.int64)) for x in data]
    with library.no_grad(), inference(model):
        results = tuple(_leaves(model(*tensors)))
    return SourceOutputs(f"torch {library.__version__}", results)


def _leaves(found: Any) -> Iterator[Array]:
    """The tensors of what a module returns, in its order."""
    if isinstance(found, list | tuple):
        for item in found:
            yield from _leaves(item)
        return
    if isinstance(found, Mapping):
        raise NotThereError("it returns a dict, whose order says nothing")
    yield found.numpy()


def _run_sklearn(job: Job, model: Any, inputs: Mapping[str, Array]) -> SourceOutputs:
    """What docs/sklearn.md says that a design computes of an estimator, as columns."""
    (x,) = inputs.values()
    _, last = sklearn.steps_of(model)[-1]
    if type(last).__name__ in ("MLPClassifier", "LogisticRegression"):
        found = model.predict_proba(x)
        one_of_two = job.design.outputs[0].shape == (1,) and found.shape[1] == _TWO_CLASSES
        found = found[:, 1:] if one_of_two else found
    else:
        methods = ("decision_function", "predict", "transform")
        found = next(getattr(model, name) for name in methods if hasattr(model, name))(x)
    return SourceOutputs(f"scikit-learn {sys.modules['sklearn'].__version__}", (found.reshape(len(x), -1),))


_FRAMEWORKS: tuple[tuple[Callable[[Any], bool], Callable[[Job, Any, Mapping[str, Array]], SourceOutputs]], ...] = (
    (onnx.accepts, _run_onnx),
    (keras.accepts, _run_keras),
    (torch.accepts, _run_torch),
    (sklearn.accepts, _run_sklearn),
)
