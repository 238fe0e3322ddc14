"""Host code, compiled and called: the integers that C and Python make of raw numbers."""

from __future__ import annotations

import ctypes
import importlib.util
import itertools
from pathlib import Path
from types import ModuleType

import numpy as np

from hlsgen.data import FittedPipeline
from hlsgen.exports.c.numbers import of_type, storage
from hlsgen.ir.types import Ints
from tests.exports.c_library import C99, call, compiler

_NUMBERS = itertools.count()


class CHost:
    """The header of a pipeline in a shared object."""

    def __init__(self, pipe: FittedPipeline, folder: Path, *flags: str, name: str = "prepare") -> None:
        assert pipe.port is not None
        self.port, number = pipe.port, next(_NUMBERS)
        pipe.write_c(folder / f"{name}.h")
        kept = storage(of_type(pipe.port.type))
        self.dtype = np.dtype(str(kept).removesuffix("_t"))
        prefix = next(
            line.split()[1].removesuffix("_H").lower()
            for line in (folder / f"{name}.h").read_text().splitlines()
            if line.startswith("#ifndef")
        )
        unit = f'#include "{name}.h"\n' + "".join(
            f"int32_t run_{kind}(const {kind} *raw, {kept} *held);\n"
            f"int32_t run_{kind}(const {kind} *raw, {kept} *held) {{ return {function}(raw, held); }}\n"
            for kind, function in (("double", prefix), ("float", f"{prefix}_of_floats"))
        )
        (folder / f"host{number}.c").write_text(unit, encoding="utf-8")
        words = [
            compiler(),
            *C99,
            *(flags or ("-O1",)),
            "-shared",
            "-fPIC",
            f"host{number}.c",
            "-o",
            f"host{number}.so",
        ]
        call(words, folder)
        self.library = ctypes.CDLL(str(folder / f"host{number}.so"))

    def run(self, raw: np.ndarray, kind: str = "double") -> Ints:
        """Integers of samples; of the first with NaN, minus the place that the function gives."""
        given = np.ascontiguousarray(raw.reshape(len(raw), -1), dtype=np.float32 if kind == "float" else np.float64)
        held = np.zeros((len(raw), self.port.size), dtype=self.dtype)
        for sample in range(len(raw)):
            wrong = getattr(self.library, f"run_{kind}")(
                given[sample].ctypes.data_as(ctypes.c_void_p), held[sample].ctypes.data_as(ctypes.c_void_p)
            )
            assert wrong == 0, f"sample {sample}: {wrong}"
        return held.reshape(len(held), *self.port.shape)

    def place_of_nan(self, raw: np.ndarray) -> int:
        """What the function gives for one sample."""
        given, held = np.ascontiguousarray(raw, dtype=np.float64), np.zeros(self.port.size, dtype=self.dtype)
        return int(self.library.run_double(given.ctypes.data_as(ctypes.c_void_p), held.ctypes.data_as(ctypes.c_void_p)))


def python_host(pipe: FittedPipeline, folder: Path) -> ModuleType:
    """The module of a pipeline."""
    path = pipe.write_python(folder / f"prepare{next(_NUMBERS)}.py")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def by_python(module: ModuleType, raw: np.ndarray) -> Ints:
    """All samples by plain Python."""
    rows = [module.prepare(row) for row in raw.reshape(len(raw), -1).tolist()]
    return np.array(rows, dtype=object).reshape(len(raw), *module.HELD_SHAPE)
