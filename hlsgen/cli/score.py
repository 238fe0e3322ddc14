"""How good a design is on stored test vectors.

Beside the test inputs ``x.npy`` may stand what the source model computes on them: ``expected.npy``, or,
for a model that ends in a softmax, ``expected_softmax.npy`` with ``expected.npy`` the values before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hlsgen.config import TestVectors
from hlsgen.design.arrays import load_array
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
    x = load_array(vectors.x)
    project.predict(x[:1])  # start threads and touch the code before taking time
    began = perf_counter()
    found = project.predict(x)
    seconds = perf_counter() - began
    y = None if vectors.y is None else load_array(vectors.y)
    _check_count("y", y, len(x))
    expected, before = _stored(project, vectors.x.parent, len(x))
    labels = y if y is not None and y.dtype.kind in "iub" and y.size == len(x) else None
    return Score(
        samples=len(x),
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
    expected = load_array(softmax if has_both else plain)
    _check_count("expected", expected, samples)
    return expected, load_array(plain) if has_both else None


def _last(project: Project) -> Op:
    """The operation that computes the output."""
    return project.design.producer(project.design.outputs[0])


def _check_count(name: str, array: Array | None, samples: int) -> None:
    if array is not None and len(array) != samples:
        raise InputError(f"test_vectors: {name} has {len(array)} samples, x has {samples}; they belong together")


def _traced_before_softmax(project: Project, x: Array) -> Array:
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
