"""Layers beyond windows and matrices of weights: what their circuits take, and networks of them.

Every kernel by itself is simulated in ``tests/ladder``.
"""

from __future__ import annotations

from math import ceil, log2

import numpy as np
import pytest

from hlsgen.backends.verilog.circuit import Chain, Stage
from hlsgen.backends.verilog.core import Core
from hlsgen.backends.verilog.cores.sorting import network
from hlsgen.errors import UnsupportedError
from hlsgen.ir.layer import Layer
from hlsgen.layers.axis_windows import LargestAlongAxis, Spans
from hlsgen.layers.dense import Dense
from hlsgen.layers.matmul import MatMul
from hlsgen.layers.merge import Merge
from hlsgen.layers.softmax import Softmax
from hlsgen.layers.sparsemax import Sparsemax
from hlsgen.layers.standardise import Standardise
from hlsgen.layers.standardise_plan import Measure
from hlsgen.layers.sums import GlobalSum
from hlsgen.layers.top import TopIndices, TopValues
from hlsgen.project import Project
from tests.circuits import check_circuit
from tests.ladder.by_hand import Hand

ONE_LEVEL = 1.6
"""The clock period of one level of logic."""


def attention() -> Hand:
    """Queries, keys and values of one tensor, a causal mask, what comes beside it, and a normalisation."""
    h = Hand(seed=3)
    x = h.input((4, 6), "fixed<6,3>")

    def dense(n: int) -> Dense:
        return Dense(h.constant("fixed<4,2>", 6, n), h.constant("fixed<4,2>", n))

    q, k, v = (h.add(dense(n), x, result="fixed<8,4,RND,SAT>", inner=True) for n in (4, 4, 6))
    scores = h.add(MatMul(4, 4, transposed=True), q, k, result="fixed<8,4,RND,SAT>", inner=True)
    shares = h.add(Softmax(np.tri(4, dtype=bool)), scores, result="ufixed<8,0,RND,SAT>", inner=True)
    y = h.add(MatMul(4, 6), shares, v, result="fixed<9,5>", inner=True)
    y = h.add(Merge("add"), x, y, inner=True)
    y = h.add(Standardise(Measure.DEVIATION, 1e-3), y, result="fixed<8,3,RND,SAT>")
    h.add(TopIndices(), h.add(GlobalSum.of_channels(), y, inner=True))
    return h


@pytest.mark.parametrize("reuse", [1, pytest.param(8, marks=pytest.mark.slow)])
def test_attention(reuse: int) -> None:
    """Rows wait until all keys are there: the interval is that of the slowest part all the same."""
    h = attention()
    folded = {"layers": {"MatMul4": {"strategy": "resource", "reuse_factor": reuse}}} if reuse > 1 else {}
    project = h.project(backend="verilog", **folded)
    check_circuit(project, h.data())
    assert project.circuit.interval == project.circuit.bound == 4 * reuse


def core(layer: Layer, channels: int, **settings: object) -> Core:
    """The core of a layer of vectors."""
    h = Hand()
    h.add(layer, h.input((channels,), "fixed<8,4>"))
    return only_core(h.project(backend="verilog", clock_period=ONE_LEVEL, **settings))


def only_core(project: Project) -> Core:
    (chain,) = (block for block in project.circuit.blocks if isinstance(block, Chain))
    return chain.cores[0]


@pytest.mark.parametrize("n", [2, 5, 16])
def test_latency_of_choices(n: int) -> None:
    """As docs/circuits.md has it: two levels for each comparison on the longest way, and a register behind the last."""
    t = ceil(log2(n))
    assert core(TopValues(), n).latency == 2 * t
    assert core(TopIndices(), n).latency == 2 * t + 1
    sorted_whole = core(TopValues(n), n).latency
    assert sorted_whole == t * (t + 1) if n == 1 << t else sorted_whole <= t * (t + 1)


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8, 13])
def test_networks_sort(n: int) -> None:
    """Of zeros and ones, hence (Knuth, 5.3.4, theorem Z) of everything."""
    for number in range(1 << n):
        held = [number >> k & 1 for k in range(n)]
        for a, b in network(n):
            assert a < b
            held[a], held[b] = max(held[a], held[b]), min(held[a], held[b])
        assert held == sorted(held, reverse=True)


def test_windows_that_end_together() -> None:
    """A step for each cell, and one for each further window with the same end; three of four cells are in none."""
    h = Hand()
    x = h.input((5, 3, 2), "fixed<8,4>")
    h.add(LargestAlongAxis(0, Spans((0, 0, 2), (2, 2, 4))), x)
    h.add(LargestAlongAxis(0, Spans((1, 4), (2, 5))), x)
    stages = [block for block in h.project(backend="verilog").circuit.blocks if isinstance(block, Stage)]
    assert [(stage.kind, stage.pace.clocks) for stage in stages] == [("stage", 18), ("stage", 15)]
    assert stages[1].y.elements == 2, "cells are dropped, no window is made"


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (Standardise(Measure.DEVIATION, 1e-3), "takes 34000 multipliers side by side, at most 16384"),
        (Softmax(), "multipliers side by side"),
        (Sparsemax(), "comparisons side by side"),
        (TopValues(3), "comparisons side by side"),
    ],
    ids=lambda value: value.kind if isinstance(value, Layer) else "",
)
def test_too_many_channels(layer: Layer, text: str) -> None:
    h = Hand()
    h.add(layer, h.input((17000,), "fixed<4,2>"))
    with pytest.raises(UnsupportedError, match=text):
        h.project(backend="verilog")
