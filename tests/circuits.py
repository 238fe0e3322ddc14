"""A circuit in Verilator against the exact reference: all integers, the clock of every word, words that come late."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hlsgen.backends.verilog.schedule import passing
from hlsgen.ir.types import Ints
from hlsgen.project import Project

HURRIES = ((0.4, 0.0, 1), (0.0, 0.6, 2), (0.9, 0.1, 3), (0.1, 0.9, 4))
"""Gaps, stalls and seed: words come late, are taken late, both."""


def outputs_of(project: Project, x: Any) -> list[Ints]:
    """What the reference says of every output, as integers."""
    keys = {tensor: key for key, tensor in project.trace_keys().items()}
    traces = project.evaluate(x, raw=True)
    return [traces[keys[tensor]] for tensor in project.design.outputs]


def check_circuit(project: Project, x: Any, hurries: Sequence[tuple[float, float, int]] = HURRIES) -> None:
    """Integers and the clock of every word; then integers under some kinds of haste."""
    expected, circuit = outputs_of(project, x), project.circuit
    free = project.simulate(x)
    for tensor, found, right in zip(project.design.outputs, free.results, expected, strict=True):
        np.testing.assert_array_equal(found, right, err_msg=repr(tensor))
    stated = passing(circuit.inputs, circuit.outputs, circuit.blocks, len(expected[0]))
    for clocks, port in zip(free.passed, (*circuit.inputs, *circuit.outputs), strict=True):
        np.testing.assert_array_equal(clocks, stated[port].passed, err_msg=port.name)
    assert free.latency == circuit.latency
    for gaps, stalls, seed in hurries:
        run = project.simulate(x, gaps=gaps, stalls=stalls, seed=seed)
        for tensor, found, right in zip(project.design.outputs, run.results, expected, strict=True):
            np.testing.assert_array_equal(found, right, err_msg=f"{tensor!r}, gaps {gaps}, stalls {stalls}")
