"""How good a design is on stored test vectors.

Beside the test inputs ``x.npy`` may stand what the source model computes on them: ``expected.npy``, or,
for a model that ends in a softmax, ``expected_softmax.npy`` with ``expected.npy`` the values before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hlsgen.config import TestVectors
from hlsgen.design.array_files import load_array
from hlsgen.design.arrays import checked_inputs, real_array
from hlsgen.errors import InputError
from hlsgen.ir.op import Op
from hlsgen.layers.softmax import Softmax
from hlsgen.project import Project

Array = NDArray[Any]


@dataclass(frozen=True)
class Comparison:
    """Two arrays of the same shape: equal elements, and the largest difference."""

    equal: int
    total: int
    largest: float

    def __str__(self) -> str:
        if self.equal == self.total:
            return f"all {self.total} values equal"
        return f"largest difference {self.largest:.3g} ({self.equal} of {self.total} values equal)"


@dataclass(frozen=True)
class Score:
    """Results on the test vectors; None where nothing was stored to compare with."""

    samples: int
    seconds: float
    accuracy: float | None = None
    model_accuracy: float | None = None
    """The source model's own, from its stored outputs."""
    agreement: float | None = None
    """Share of samples with the same top-1 as the source model."""
    output: Comparison | None = None
    before_softmax: Comparison | None = None
    targets: Comparison | None = None

    def rows(self) -> Iterator[tuple[str, str]]:
        """What to print, line by line."""
        yield "test vectors", f"{self.samples} samples in {self.seconds * 1e3:.1f} ms"
        if self.accuracy is not None:
            model = "" if self.model_accuracy is None else f" (source model {self.model_accuracy:.2%})"
            yield "accuracy", f"{self.accuracy:.2%}{model}"
        if self.targets is not None:
            yield "against y", str(self.targets)
        if self.agreement is not None:
            yield "agreement", f"{self.agreement:.2%} the same top-1 as the source model"
        if self.before_softmax is not None:
            yield "before softmax", str(self.before_softmax)
        if self.output is not None:
            yield "output", str(self.output)


def score(project: Project, vectors: TestVectors) -> Score:
    """Run the emulator on test vectors and compare with all that is stored about them.

    Raises InputError for vectors that do not fit the model or each other.
    """
    if len(project.design.outputs) > 1:
        raise InputError("test_vectors: the model has several outputs; only one can be compared so far")
    x = checked_inputs(project.design.inputs, load_array(vectors.x))
    samples = len(next(iter(x.values())))
    if not samples:
        raise InputError(f"test_vectors: {vectors.x} has no samples")
    project.predict({name: data[:1] for name, data in x.items()})  # start threads, touch the code before taking time
    began = perf_counter()
    found = project.predict(x)
    seconds = perf_counter() - began
    y = None if vectors.y is None else _stored_array("y", vectors.y, samples)
    expected, before = _stored(project, vectors.x.parent, samples)
    labels = y if y is not None and y.dtype.kind in "iub" and y.size == samples else None
    return Score(
        samples=samples,
        seconds=seconds,
        accuracy=None if labels is None else _accuracy(found, labels),
        model_accuracy=None if labels is None or expected is None else _accuracy(expected, labels),
        agreement=None if expected is None else _accuracy(found, _top(expected)),
        output=None if expected is None else _compare(found, expected),
        before_softmax=None if before is None else _compare(_traced_before_softmax(project, x), before),
        targets=None if y is None or labels is not None else _compare(found, y),
    )


def _stored(project: Project, folder: Path, samples: int) -> tuple[Array | None, Array | None]:
    """The source model's outputs, and the values before its softmax, as far as they are stored."""
    plain, softmax = folder / "expected.npy", folder / "expected_softmax.npy"
    if not plain.is_file():
        return None, None
    has_both = softmax.is_file() and isinstance(_last(project).layer, Softmax)
    expected = _stored_array("expected", softmax if has_both else plain, samples)
    return expected, _stored_array("expected", plain, samples) if has_both else None


def _last(project: Project) -> Op:
    """The operation that computes the output."""
    return project.design.producer(project.design.outputs[0])


def _stored_array(name: str, path: Path, samples: int) -> Array:
    """An array that goes with the test vectors, a sample a row."""
    array = real_array(f"test_vectors: {path}", load_array(path))
    if array.ndim == 0 or len(array) != samples:
        count = "one number" if array.ndim == 0 else f"{len(array)} samples"
        raise InputError(f"test_vectors: {name} has {count}, x has {samples}; they belong together")
    return array


def _traced_before_softmax(project: Project, x: Mapping[str, Array]) -> Array:
    wanted = _last(project).input
    key = next(key for key, value in project.trace_keys().items() if value is wanted)
    return project.trace(x)[key]


def _top(outputs: Array) -> Array:
    """The number of the class: of the largest output, or of a single output above one half."""
    flat = outputs.reshape(len(outputs), -1)
    return flat.argmax(axis=1) if flat.shape[1] > 1 else (flat[:, 0] > 0.5).astype(int)


def _accuracy(outputs: Array, labels: Array) -> float:
    return float(np.mean(_top(outputs) == labels.reshape(-1)))


def _compare(found: Array, expected: Array) -> Comparison:
    if found.size != expected.size:
        raise InputError(f"test_vectors: stored outputs of shape {expected.shape}, the model's are {found.shape}")
    difference = np.abs(found.astype(np.float64).ravel() - expected.astype(np.float64).ravel())
    return Comparison(int((difference == 0).sum()), difference.size, float(difference.max(initial=0.0)))
