"""Many designs of a model measured on the same data: each design once, by the exact executor that is sooner done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic, Literal, Self, TypeVar

import numpy as np

from hlsgen.backends.hls.plan import make_plan
from hlsgen.design import arrays
from hlsgen.design.arrays import Array
from hlsgen.design.design import Design
from hlsgen.design.reference import evaluate
from hlsgen.emulation.emulator import Emulator
from hlsgen.ir.typing import Tensor
from hlsgen.tools import processors

T = TypeVar("T")
Engine = Literal["auto", "emulator", "reference"]
_CELLS = 1 << 22
"""Values that the reference holds at once."""
CHEAP_PRODUCTS, CHEAP_CELLS = 1 << 27, 1 << 23
"""Up to so many multiplications and values of all samples, the reference takes less time than a compiler."""


class Runner(Generic[T]):
    """Measures designs on the same inputs, several at once; a design with the digest of another is not run again.

    The emulator and the NumPy reference give the same integers (docs/numerics.md), so it makes no difference but time
    which of them works: the reference where it is done before a compiler would be, else the compiled emulator, as many
    compilers at once as there are processors. A context: leaving it drops what has not begun.
    """

    def __init__(
        self,
        design: Design,
        name: str,
        inputs: Mapping[str, Array],
        measure: Callable[[list[Array]], T],
        engine: Engine = "auto",
    ) -> None:
        """``design``: one of them, by whose size the engine is chosen. ``inputs``: as users give them, without NaN.
        ``measure``: of a design's outputs, each float64 (samples, *shape), as the model means them."""
        self._name, self._inputs, self._measure = name, dict(inputs), measure
        self.samples = min(len(data) for data in inputs.values())
        self.engine: Engine = cheaper(design, self.samples) if engine == "auto" else engine
        self._known: dict[str, Future[T]] = {}
        self._pool = ThreadPoolExecutor(processors() if self.engine == "emulator" else 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    @property
    def runs(self) -> int:
        """How many different designs there were."""
        return len(self._known)

    def measured(self, design: Design) -> Future[T]:
        """The measure of what a design makes of the inputs."""
        digest = design.digest
        if digest not in self._known:
            self._known[digest] = self._pool.submit(self._run, design)
        return self._known[digest]

    def _run(self, design: Design) -> T:
        return self._measure(self._emulated(design) if self.engine == "emulator" else self._evaluated(design))

    def _emulated(self, design: Design) -> list[Array]:
        emulator = Emulator(make_plan(design, "io_parallel", self._name))
        held = arrays.as_held(design.inputs, self._inputs)
        results = emulator.run(list(held.values()), raw=True, threads=1)
        return [_real(raw, tensor) for raw, tensor in zip(results, design.outputs, strict=True)]

    def _evaluated(self, design: Design) -> list[Array]:
        step = design.samples_within(self.samples, _CELLS)
        parts: list[list[Array]] = []
        for start in range(0, self.samples, step):
            some = {name: data[start : start + step] for name, data in self._inputs.items()}
            known = evaluate(design, arrays.mantissas(design.inputs, some))
            parts.append([_real(known[tensor], tensor) for tensor in design.outputs])
        return [np.concatenate(every) for every in zip(*parts, strict=True)]


def cheaper(design: Design, samples: int) -> Engine:
    """What is sooner done with so many samples of a design that nothing was compiled of."""
    cheap = samples * design.products <= CHEAP_PRODUCTS and samples * design.cells <= CHEAP_CELLS
    return "reference" if cheap else "emulator"


def _real(raw: Any, tensor: Tensor) -> Array:
    values = np.asarray(tensor.type.to_float(arrays.shaped(raw, tensor.shape)), dtype=np.float64)
    return arrays.in_model_units(values, tensor)
