"""Samples for test benches: integer mantissas of every tensor, by the exact reference."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hlsgen.backends.base import Job
from hlsgen.config import TestVectors
from hlsgen.design import array_files, arrays
from hlsgen.design.design import Design
from hlsgen.design.reference import evaluate
from hlsgen.errors import InputError
from hlsgen.ir.types import Ints
from hlsgen.ir.typing import Tensor

_SAMPLES = 10
"""Samples for the test bench: enough to see an error, few enough for RTL simulation."""
_CELLS, _WORK = 1 << 22, 1 << 28
"""Values and multiplications for which there is a second one: designs beyond take seconds for each, and megabytes."""


def vectors(job: Job) -> Mapping[Tensor, Ints]:
    """A few samples of every tensor. Raises InputError for test vectors that do not fit the model."""
    design = job.design
    inputs = arrays.checked_inputs(design.inputs, stored_or_random(design, job.config.test_vectors))
    arrays.refuse_nan(inputs)
    return evaluate(design, arrays.mantissas(design.inputs, inputs))


def stored_or_random(
    design: Design, vectors: TestVectors | None, most: int = _SAMPLES
) -> dict[str, NDArray[np.float64]]:
    """The first test vectors of the configuration, else seeded random values over the inputs' ranges; by input name,
    at most so many samples, fewer of large designs."""
    samples = design.samples_within(most, _CELLS, _WORK)
    if vectors is not None and len(design.inputs) == 1:
        try:
            x = array_files.load_array(vectors.x, mapped=True)
        except InputError as error:
            raise InputError(f"test_vectors.x: {error}") from error
        return {design.inputs[0].name: np.array(x[:samples] if x.ndim else x)}
    random = np.random.default_rng(0)
    return {tensor.name: _random(tensor, samples, random) for tensor in design.inputs}


def _random(tensor: Tensor, samples: int, random: np.random.Generator) -> NDArray[np.float64]:
    low, high = float(tensor.type.min), float(tensor.type.max)
    held = random.uniform(low, high, size=(samples, *tensor.shape)) * tensor.factors
    return (
        held if tensor.order is None else held.transpose(0, *(tensor.order.index(a) + 1 for a in range(held.ndim - 1)))
    )
