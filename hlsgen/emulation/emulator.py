"""The emulator of one design: NumPy arrays in, NumPy arrays out, integers in between."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from numbers import Integral
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hlsgen.backends.hls.kernel import ConstantArray
from hlsgen.backends.hls.program import Plan
from hlsgen.backends.hls.texts import emulation_files
from hlsgen.emulation.build import build_extension
from hlsgen.emulation.fit import check_fit
from hlsgen.errors import DesignError, InputError, brief
from hlsgen.ir.types import Ints
from hlsgen.progress import task
from hlsgen.tools import processors

Array = NDArray[Any]
_MOST_THREADS = 2**16
_FEW = 4
"""Samples that are one group of lanes on any processor, and the work of one thread."""


class Emulator:
    """A compiled design with its weights. Safe to use from several threads; releases the GIL."""

    def __init__(self, plan: Plan, flags: Sequence[str] = ()) -> None:
        """Compile (or find) the design of ``plan`` and bind its constants.

        Raises ToolError if it does not compile, DesignError if what was compiled is not for these ports and constants.
        """
        self._bind(plan, build_extension(emulation_files(plan), flags))

    @classmethod
    def of(cls, plan: Plan, module: ModuleType) -> Emulator:
        """What was compiled of other texts of a plan, with its constants bound. Raises DesignError as for its own."""
        emulator = cls.__new__(cls)
        emulator._bind(plan, module)
        return emulator

    def _bind(self, plan: Plan, module: ModuleType) -> None:
        self.plan, self._module = plan, module
        check_fit(plan, module)
        try:
            self._instance = module.Instance([_words(c.array) for c in plan.constants])
        except (ValueError, RuntimeError) as error:
            raise DesignError(f"design '{plan.top}': {error}") from error

    @property
    def module(self) -> ModuleType:
        """What was compiled, which runs any constants of these types."""
        return self._module

    def run(self, inputs: Sequence[Array], *, raw: bool, threads: int | None = None) -> list[Array]:
        """Run a batch.

        ``inputs``: one array (samples, *shape) for each port, float or integer *values*, read where they lie
        whatever their strides; all axes but the first together are the port's elements. Returns one array
        (samples, elements) for each output: real values, or integer mantissas if ``raw``. Raises InputError
        for NaN and for dtypes that hold no numbers.
        """
        return self.run_and_count(inputs, raw=raw, threads=threads)[0]

    def run_and_count(
        self, inputs: Sequence[Array], *, raw: bool, threads: int | None = None
    ) -> tuple[list[Array], list[int]]:
        """The same, and how many values of each input were out of range."""
        samples = len(inputs[0])
        count = _checked_threads(threads) if threads is not None else 1 if samples <= _FEW else processors()
        try:
            if samples <= _FEW:
                results, outside = self._instance.predict(list(inputs), count, raw)
            else:
                with task("predicting", samples, level=logging.DEBUG) as step:
                    results, outside = self._instance.predict(list(inputs), count, raw, step.reached)
        except (ValueError, TypeError) as error:
            raise InputError(str(error)) from error
        return [_joined(r) if isinstance(r, tuple) else r for r in results], outside


def _checked_threads(given: Any) -> int:
    if isinstance(given, bool) or not isinstance(given, Integral) or not 1 <= int(given) <= _MOST_THREADS:
        raise InputError(f"threads is {brief(given)}, expected a whole number from 1 to {_MOST_THREADS}")
    return int(given)


def _words(array: ConstantArray) -> Any:
    """int64 words, or the pair (upper, lower 64 bits) beyond 63 bits."""
    words = array.words.reshape(-1)
    if array.width + (not array.signed) <= 64:
        return words.astype(np.int64)
    upper = np.array([int(v) >> 64 for v in words], dtype=np.int64)
    lower = np.array([int(v) & (2**64 - 1) for v in words], dtype=np.uint64)
    return upper, lower


def _joined(pair: tuple[Array, Array]) -> Ints:
    return np.asarray(pair[0].astype(object) * 2**64 + pair[1].astype(object))
