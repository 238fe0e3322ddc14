"""What a test bench wrote, compared with the integers of the emulator.

The test bench writes a sample a line, outputs one after the other, as integer mantissas. What is expected comes from
the exact reference, whose integers the emulator's are, and not from a file that may have been changed since.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hlsgen.backends.base import Job
from hlsgen.backends.vectors import vectors
from hlsgen.backends.vitis.script import OUTPUTS
from hlsgen.errors import MismatchError, ToolError
from hlsgen.ir.types import Ints
from hlsgen.ir.typing import Tensor
from hlsgen.named_files import checked_file, content_of

_EXPECTED = "what the test bench writes: whole numbers, a sample a line"
_LARGEST = 1 << 30
_SIMULATION = {"csim": "C simulation", "cosim": "co-simulation"}


def check_outputs(job: Job, folder: Path, step: str) -> int:
    """Compare what a step computed of the test vectors, and return of how many samples.

    Raises MismatchError for the first integer that differs, ToolError if the test bench wrote nothing, too little, or
    something else.
    """
    file, name = folder / "tb_data" / OUTPUTS[step], _SIMULATION[step]
    if not file.is_file():
        raise ToolError(f"{name}: the test bench wrote no {file}, so nothing was compared; see the log, and run again")
    exact, outputs = vectors(job), job.design.outputs
    samples = len(exact[outputs[0]])
    expected = [exact[tensor].reshape(samples, -1) for tensor in outputs]
    found = _read(file, name, samples, [part.shape[1] for part in expected])
    differing = [np.asarray(a != b, dtype=bool) for a, b in zip(found, expected, strict=True)]
    wrong = np.any([part.any(axis=1) for part in differing], axis=0)
    if wrong.any():
        sample = int(wrong.argmax())
        number = next(number for number, part in enumerate(differing) if part[sample].any())
        place = int(differing[number][sample].argmax())
        values = int(expected[number][sample, place]), int(found[number][sample, place])
        raise _mismatch(name, file, outputs[number], sample, place, *values, f"{wrong.sum()} of {samples}")
    return samples


def _mismatch(
    name: str, file: Path, tensor: Tensor, sample: int, place: int, expected: int, found: int, share: str
) -> MismatchError:
    index = tuple(int(axis) for axis in np.unravel_index(place, tensor.shape))
    return MismatchError(
        f"{name}: output '{tensor.name}', sample {sample}, element {index}: found {found}, expected {expected}, the "
        f"emulator's integer, of type {tensor.type}; {share} samples differ ({file}). The tool has built something "
        "else than the C++ says: see its warnings in the log; without any, this is a defect of hlsgen's to report",
        output=tensor.name,
        sample=sample,
        element=index,
        expected=expected,
        found=found,
    )


def _read(file: Path, name: str, samples: int, sizes: Sequence[int]) -> list[Ints]:
    """The integers of each output, (samples, size). Raises ToolError."""
    content = content_of(checked_file(file, _EXPECTED, ToolError), _EXPECTED, ToolError, _LARGEST)
    lines = content.decode("ascii", "replace").splitlines()
    if len(lines) != samples:
        raise ToolError(
            f"{name}: {file} has {len(lines)} samples, expected {samples}: the test bench did not come to its end; "
            "see the log"
        )
    rows = []
    for number, line in enumerate(lines):
        words = line.split()
        if len(words) != sum(sizes) or not all(re.fullmatch(r"-?[0-9]{1,5000}", word) for word in words):
            raise ToolError(
                f"{name}: {file}, sample {number}: found {len(words)} words, expected {sum(sizes)}; {_EXPECTED}"
            )
        rows.append([int(word) for word in words])
    return np.split(np.array(rows, dtype=object), np.cumsum(sizes)[:-1], axis=1)
