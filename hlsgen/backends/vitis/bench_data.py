"""Data for the test bench: inputs and expected outputs as integer mantissas, by the exact reference."""

from __future__ import annotations

from collections.abc import Sequence

from hlsgen.backends.base import Job
from hlsgen.backends.vectors import vectors
from hlsgen.ir.types import Ints


def bench_data(job: Job) -> dict[str, str]:
    """The files by path, one sample a line. Raises InputError for test vectors that do not fit the model."""
    exact = vectors(job)
    ports = {"tb_data/inputs.dat": job.design.inputs, "tb_data/expected.dat": job.design.outputs}
    return {path: _lines([exact[tensor] for tensor in tensors]) for path, tensors in ports.items()}


def _lines(tensors: Sequence[Ints]) -> str:
    rows = zip(*(tensor.reshape(len(tensor), -1) for tensor in tensors), strict=True)
    return "".join(" ".join(" ".join(map(str, part.tolist())) for part in row) + "\n" for row in rows)
