"""A design that something moves samples to and from: predict, and a test with the project's stored vectors.

What moves them is of the kind of board, and a class of its own. Written by hlsgen.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from . import packing
from .packing import Port
from .ports import INPUTS, OUTPUTS, PROJECT

HERE = Path(__file__).resolve().parent


class SelfTestError(Exception):
    """The board gives other results than the exact reference that the project was written with."""


class Samples(ABC):
    """What every driver offers."""

    @abstractmethod
    def move(self, given: Sequence[np.ndarray], taken: Sequence[np.ndarray]) -> None:
        """Let the design compute: bytes of each input, (samples, bytes), to those of each output, which are there."""

    def predict(self, x: Any, raw: bool = False) -> Any:
        """Run the design on a batch, as hlsgen's ``project.predict`` does.

        ``x``: (samples, *shape) of real values; a list, or a dict by the ports' names, for several inputs. Returns
        (samples, *output shape), a list of these for several outputs; integer mantissas if ``raw``.

        Raises ValueError for inputs that do not fit.
        """
        results = self.run([packing.quantize(port, values) for port, values in zip(INPUTS, _by_port(x), strict=True)])
        if raw:
            shaped = [r.reshape(len(r), *port.shape) for port, r in zip(OUTPUTS, results, strict=True)]
        else:
            shaped = [packing.real(port, r) for port, r in zip(OUTPUTS, results, strict=True)]
        return shaped[0] if len(shaped) == 1 else shaped

    def run(self, mantissas: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Mantissas of the inputs, each (samples, size), to those of the outputs."""
        samples = {len(values) for values in mantissas}
        if len(samples) != 1:
            raise ValueError(f"inputs differ in their number of samples: {sorted(samples)}")
        given = [packing.pack(port, values) for port, values in zip(INPUTS, mantissas, strict=True)]
        taken = [np.empty((len(given[0]), port.nbytes), dtype=np.uint8) for port in OUTPUTS]
        self.move(given, taken)
        return [packing.unpack(port, data) for port, data in zip(OUTPUTS, taken, strict=True)]

    def self_test(self, folder: Path = HERE.parent / "tb_data") -> int:
        """Run the project's stored vectors and return how many samples were compared.

        Raises SelfTestError that names the first wrong element.
        """
        given = _read(Path(folder) / "inputs.dat", INPUTS)
        expected = _read(Path(folder) / "expected.dat", OUTPUTS)
        for port, found, wanted in zip(OUTPUTS, self.run(given), expected, strict=True):
            wrong = np.argwhere(found != wanted)
            if len(wrong):
                sample, element = wrong[0]
                raise SelfTestError(
                    f"{PROJECT}: {len(wrong)} elements of {port.name} are wrong; the first is element {element} of "
                    f"sample {sample}: found {found[sample, element]}, expected {wanted[sample, element]}"
                )
        return len(expected[0])


def _by_port(x: Any) -> list[Any]:
    """What is given for each input, in order."""
    names = [port.name for port in INPUTS]
    if isinstance(x, dict):
        if sorted(x) != sorted(names):
            raise ValueError(f"found inputs {', '.join(map(str, x))}, expected {', '.join(names)}")
        return [x[name] for name in names]
    if len(names) == 1:
        return [x]
    if not isinstance(x, list | tuple) or len(x) != len(names):
        raise ValueError(f"the design has {len(names)} inputs ({', '.join(names)}); give a list or a dict of them")
    return list(x)


def _read(path: Path, ports: Sequence[Port]) -> list[np.ndarray]:
    """Mantissas of each port from a file with a sample a line, ports one after the other."""
    rows = [[int(word) for word in line.split()] for line in path.read_text().splitlines()]
    ends = np.cumsum([port.size for port in ports])
    if not rows:
        raise SelfTestError(f"{path}: holds no sample; write the project again")
    if any(len(row) != ends[-1] for row in rows):
        raise SelfTestError(f"{path}: a line has not the {ends[-1]} numbers of a sample; it is of another project")
    return np.split(np.array(rows, dtype=object), ends[:-1], axis=1)
