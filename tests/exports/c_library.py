"""Libraries of C, compiled and called: what a run gives for integers, sample by sample."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hlsgen.backends.base import Job
from hlsgen.design.design import Design
from hlsgen.design.reference import evaluate
from hlsgen.errors import UnsupportedError
from hlsgen.exports.base import exported_files
from hlsgen.exports.c.function import build_function
from hlsgen.exports.c.numbers import storage_of
from hlsgen.exports.c.program import Port, Program, make_program
from hlsgen.ir.loop import units
from hlsgen.ir.op import Op
from hlsgen.ir.types import Ints
from hlsgen.ir.typing import Tensor
from hlsgen.project import Project

STRICT = ("-Wall", "-Wextra", "-Werror", "-pedantic")
C99 = ("-std=c99", *STRICT, "-Wconversion", "-Wshadow")
CHECKED = ("-fsanitize=undefined,address", "-fno-sanitize-recover=all")


def compiler(name: str = "gcc") -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def job_of(project: Project) -> Job:
    return Job("dut", project.design, project.config)


def write(job: Job, folder: Path) -> Path:
    for name, text in exported_files(job, "c", {}).items():
        assert isinstance(text, str)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def call(words: list[str], folder: Path) -> str:
    run = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert run.returncode == 0, f"{' '.join(words)}\n{run.stdout}{run.stderr}"
    return run.stdout


def run_test(folder: Path, *flags: str, program: str = "gcc") -> str:
    """Compile the library with its own test, run that, and return what it says."""
    call([compiler(program), *(flags or C99), "-O1", "dut.c", "dut_test.c", "-o", "dut_test"], folder)
    return call(["./dut_test"], folder)


class Library:
    """A library as a shared object."""

    def __init__(self, job: Job, folder: Path) -> None:
        self.program: Program = make_program(job)
        write(job, folder)
        call([compiler(), *C99, "-O1", "-shared", "-fPIC", "dut.c", "-o", "dut.so"], folder)
        self.calls = ctypes.CDLL(str(folder / "dut.so"))
        self.work = ctypes.create_string_buffer(self.program.memory.bytes + 64)

    def run(self, inputs: Mapping[Tensor, Ints]) -> dict[Tensor, Ints]:
        """(samples, *shape) of every output."""
        ports = self.program.outputs
        given = [_array(port, inputs[port.tensor]) for port in self.program.inputs]
        found = [np.zeros((len(given[0]), port.tensor.size), dtype=_dtype(port)) for port in ports]
        for sample in range(len(given[0])):
            arrays = [array[sample].ctypes.data_as(ctypes.c_void_p) for array in (*given, *found)]
            self.calls.dut_run(*arrays, self.work)
        return {p.tensor: y.reshape(len(y), *p.tensor.shape) for p, y in zip(ports, found, strict=True)}

    def quantised(self, port: Port, real: np.ndarray) -> Ints:
        """Real numbers (samples, ...) as integers, by the library's function."""
        held = np.zeros((len(real), port.tensor.size), dtype=_dtype(port))
        given = np.ascontiguousarray(real.reshape(len(real), -1), dtype=np.float32)
        for sample in range(len(real)):
            getattr(self.calls, f"dut_quantise_{port.name}")(
                given[sample].ctypes.data_as(ctypes.c_void_p), held[sample].ctypes.data_as(ctypes.c_void_p)
            )
        return held.reshape(len(held), *port.tensor.shape)

    def read(self, port: Port, held: Ints, dtype: type) -> np.ndarray:
        """Integers (samples, ...) as real numbers, by the library's function."""
        given, real = _array(port, held), np.zeros((len(held), port.tensor.size), dtype=dtype)
        for sample in range(len(held)):
            getattr(self.calls, f"dut_read_{port.name}")(
                given[sample].ctypes.data_as(ctypes.c_void_p), real[sample].ctypes.data_as(ctypes.c_void_p)
            )
        return real.reshape(len(real), *port.tensor.shape)


def _dtype(port: Port) -> np.dtype:
    return np.dtype(str(storage_of(port.tensor)).removesuffix("_t"))


def _array(port: Port, values: Ints) -> np.ndarray:
    return np.ascontiguousarray(values.reshape(len(values), -1).astype(_dtype(port)))


def check(job: Job, inputs: Mapping[str, Ints], folder: Path) -> Library:
    """Assert that the library gives the integers of the reference."""
    library = Library(job, folder)
    known = evaluate(job.design, inputs)
    found = library.run({tensor: inputs[tensor.name] for tensor in job.design.inputs})
    for tensor, values in found.items():
        np.testing.assert_array_equal(values.astype(object), known[tensor].astype(object), err_msg=str(tensor))
    return library


def without_refused(design: Design) -> tuple[Design, list[str]]:
    """What is left of a design without operations that are refused, and why they are; of a loop, all or nothing."""
    kept: list[Op] = []
    dropped: set[Tensor] = set()
    reasons: list[str] = []
    for unit in units(design):
        found = [why for op in unit if op.inputs for why in _refusal(op)]
        reasons += found
        if found or any(tensor in dropped for op in unit for tensor in op.inputs):
            dropped.update(tensor for op in unit for tensor in op.outputs)
        else:
            kept += unit
    outputs = [(t, n) for t, n in zip(design.outputs, design.output_names, strict=True) if t not in dropped]
    needed = {tensor for op in kept for tensor in op.inputs} | {tensor for tensor, _ in outputs}
    ops = tuple(op for op in kept if not op.is_input or op.output in needed)
    tensors, names = tuple(t for t, _ in outputs), tuple(name for _, name in outputs)
    return replace(design, ops=ops, outputs=tensors, output_names=names, aliases={}), reasons


def _refusal(op: Op) -> list[str]:
    try:
        build_function(op)
    except UnsupportedError as error:
        return [str(error)]
    return []
