"""``hlsgen simulate``: a circuit run clock by clock, its integers held against those of the emulator."""

from __future__ import annotations

from typing import Any

import numpy as np

from hlsgen.cli.show import working
from hlsgen.project import Project
from hlsgen.simulation.run import Simulation


def simulated(project: Project, x: Any, **options: Any) -> bool:
    """Simulate, print clocks, FIFOs and what the emulator says to it; whether all integers are equal."""
    with working("simulating the circuit"):  # the first time Verilator and the compiler work longest
        run = project.simulate(x, **options)
    print(run.table())
    with working("running the emulator"):
        expected = project.predict(x, raw=True)
    return _compared(project, run, expected if isinstance(expected, list) else [expected])


def _compared(project: Project, run: Simulation, expected: list[Any]) -> bool:
    print()
    equal = True
    for name, found, wanted in zip(project.design.output_names, run.results, expected, strict=True):
        samples = len(found)
        same = int((np.asarray(found) == wanted).reshape(samples, -1).all(axis=1).sum())
        equal &= same == samples
        print(f"{name}: {same} of {samples} samples equal to the emulator, bit by bit")
    return equal
