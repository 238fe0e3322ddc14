"""A circuit in Verilator against the exact reference: all integers, the clock of every word, words that come late."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hlsgen.backends.verilog.circuit import Chain, Circuit, Fifo, Stream
from hlsgen.backends.verilog.core import Core
from hlsgen.backends.verilog.schedule import Passing, clocks_of, high_water, passing
from hlsgen.ir.types import Ints
from hlsgen.project import Project

HURRIES = ((0.4, 0.0, 1), (0.0, 0.6, 2), (0.9, 0.1, 3), (0.1, 0.9, 4))
"""Gaps, stalls and seed: words come late, are taken late, both."""


def circuit_of(name: str, core: Core) -> Circuit:
    """A circuit of one core."""
    reads, writes = (Stream("x", core.xs[0]),), (Stream("y", core.y),)
    blocks = (Chain("core", reads, writes, (core,), ("core",)),)
    return Circuit(name, reads, writes, blocks, clocks_of(reads, writes, blocks))


def outputs_of(project: Project, x: Any) -> list[Ints]:
    """What the reference says of every output, as integers."""
    keys = {tensor: key for key, tensor in project.trace_keys().items()}
    traces = project.evaluate(x, raw=True)
    return [traces[keys[tensor]] for tensor in project.design.outputs]


def most_words(circuit: Circuit, stated: Mapping[Stream, Passing]) -> dict[str, int]:
    """How full each FIFO is, by the schedule. A word is in that of a chain from the clock before the one in which it
    can be offered."""
    found = {}
    for block in circuit.blocks:
        if isinstance(block, Fifo):
            found[block.name] = high_water(stated[block.reads[0]], stated[block.writes[0]])
        elif isinstance(block, Chain):
            y = stated[block.writes[0]]
            found[f"{block.name}__flow"] = high_water(Passing(passed=[clock - 1 for clock in y.offered]), y)
    return found


def check_circuit(project: Project, x: Any, hurries: Sequence[tuple[float, float, int]] = HURRIES) -> None:
    """Integers, the clock of every word and the words in every FIFO; then integers under some kinds of haste."""
    expected, circuit = outputs_of(project, x), project.circuit
    free = project.simulate(x)
    for tensor, found, right in zip(project.design.outputs, free.results, expected, strict=True):
        np.testing.assert_array_equal(found, right, err_msg=repr(tensor))
    stated = passing(circuit.inputs, circuit.outputs, circuit.blocks, len(expected[0]))
    for clocks, port in zip(free.passed, (*circuit.inputs, *circuit.outputs), strict=True):
        np.testing.assert_array_equal(clocks, stated[port].passed, err_msg=port.name)
    assert free.latency == circuit.latency
    assert {fifo.name: fifo.most for fifo in free.fifos} == most_words(circuit, stated)
    for gaps, stalls, seed in hurries:
        run = project.simulate(x, gaps=gaps, stalls=stalls, seed=seed)
        for tensor, found, right in zip(project.design.outputs, run.results, expected, strict=True):
            np.testing.assert_array_equal(found, right, err_msg=f"{tensor!r}, gaps {gaps}, stalls {stalls}")
        assert all(fifo.most <= fifo.depth for fifo in run.fifos)
