"""Graphs of shared adders: their matrix, ranges, depth and cost, exactly, and what is refused."""

from __future__ import annotations

import itertools
import os
import signal
import threading

import numpy as np
import pytest

from hlsgen.adders import Adder, AdderGraph, Options, Output, Source, optimise
from hlsgen.adders.cost import Word, bits, full_adders, in_units, negation
from hlsgen.adders.search import search_module
from hlsgen.errors import ConfigError, UnsupportedError

BYTE = Source(-128, 127)


def drawn(inputs, outputs, width, seed, density=1.0):
    generator = np.random.default_rng(seed)
    matrix = generator.integers(-(2 ** (width - 1)), 2 ** (width - 1), size=(inputs, outputs))
    return np.where(generator.random((inputs, outputs)) < density, matrix, 0)


def mixed(count):
    """Inputs of every sort: signed, unsigned, of one value, always zero, off centre, shifted."""
    sorts = [BYTE, Source(0, 255), Source(5, 5), Source(0, 0), Source(-3, 100, 2), Source(-1, 0, 5), Source(0, 1)]
    return [sorts[i % len(sorts)] for i in range(count)]


MATRICES = {
    "dense": drawn(12, 9, 8, 1),
    "sparse": drawn(20, 20, 8, 2, 0.2),
    "few bits": drawn(6, 40, 3, 3),
    "many columns of one input": drawn(1, 60, 10, 4),
    "one column": drawn(30, 1, 8, 5),
    "16 bits": drawn(5, 8, 16, 6),
    "extremes": np.array([[-128, 127, -128], [127, -128, -128], [-1, 1, 0]]),
    "zero rows and columns": np.array([[0, 0, 0, 0], [0, 3, 0, -3], [0, 0, 0, 0], [0, 1, 0, 5]]),
    "nothing": np.zeros((3, 2), np.int64),
    "no inputs": np.zeros((0, 2), np.int64),
    "no outputs": np.zeros((2, 0), np.int64),
    "powers of two": np.array([[1, -2, 4, -64], [0, 8, 0, 0]]),
    "duplicates": np.array([[11, -11, 22, 11, -88], [5, -5, 10, 5, -40], [-7, 7, -14, -7, 56]]),
    "negatives alone": -np.abs(drawn(4, 6, 6, 7)),
    "big numbers": np.array([[2**55 - 1, -(2**55) + 12345], [3, 2**54 + 987654321]]),
    "beyond int64 at one shift": np.array([[2**60 * 3, 2**61], [2**60 * 5, -(2**60)]], dtype=object) << 5,
}


WIDE = {"big numbers", "beyond int64 at one shift"}
"""With shifted inputs they would be refused."""


def product_matrix(matrix, sources):
    """What mantissas are multiplied by, in Python's integers."""
    shifts = np.array([s.shift for s in sources], dtype=object)
    zero = np.array([s.low == s.high == 0 for s in sources], dtype=bool)
    return np.where(zero[:, None], 0, matrix.astype(object) << shifts[:, None])


def of_bytes(matrix, **options):
    return optimise(matrix, [BYTE] * len(matrix), Options(**options))


def samples(sources, seed=0):
    """Units, ends of all ranges, and numbers between them."""
    generator = np.random.default_rng(seed)
    ends = np.array([[s.low, s.high] for s in sources], dtype=object).reshape(-1, 2)
    drawn_ends = [ends[np.arange(len(sources)), generator.integers(0, 2, len(sources))] for _ in range(20)]
    between = [np.array([int(generator.integers(s.low, s.high + 1)) for s in sources], dtype=object) for _ in range(20)]
    return np.array([*np.eye(len(sources), dtype=int), ends[:, 0], ends[:, 1], *drawn_ends, *between], dtype=object)


@pytest.mark.parametrize("slack", [None, 0, 2])
@pytest.mark.parametrize("name", MATRICES)
def test_a_graph_computes_the_product(name, slack):
    matrix = MATRICES[name]
    for sources in ([BYTE] * len(matrix), [] if name in WIDE else mixed(len(matrix))):
        if len(sources) < len(matrix):
            continue
        graph, wanted = optimise(matrix, sources, Options(slack=slack)), product_matrix(matrix, sources)
        mantissas = samples(sources)
        assert np.array_equal(graph.evaluate(mantissas), mantissas @ wanted)
        assert np.array_equal(graph.matrix(), wanted)
        assert all(a.left_shift == 0 or a.right_shift == 0 for a in graph.adders)
        assert all(o.shift >= 0 and (o.node is not None or o == Output(None)) for o in graph.outputs)


def least_depth(matrix):
    """What the longest column needs with nothing shared."""
    columns = [[int(w) for w in column] for column in matrix.T]
    return max(sum(bin(abs(w) ^ 3 * abs(w)).count("1") for w in column) - 1 for column in columns).bit_length()


@pytest.mark.parametrize("shape", [(12, 9, 8), (40, 12, 6), (8, 50, 4), (3, 3, 16)], ids=str)
@pytest.mark.parametrize("density", [1.0, 0.3])
def test_the_depth_is_kept(shape, density):
    matrix = drawn(*shape, 11, density)
    costs = []
    for slack in (0, 1, 3, None):
        graph = of_bytes(matrix, slack=slack, tries=4)
        assert slack is None or graph.depth <= least_depth(matrix) + slack
        costs.append(graph.cost())
    assert costs[-1] <= costs[0]


def test_ranges_are_exact():
    """By all values of all inputs: each bound is reached, and every power of two is named that divides all values."""
    for seed in range(6):
        sources = [Source(-4, 3), Source(0, 5), Source(-2, -1), Source(3, 3, 1)]
        graph = optimise(drawn(4, 6, 5, seed), sources)
        every = np.array(list(itertools.product(*(range(s.low, s.high + 1) for s in sources))))
        nodes = AdderGraph(graph.sources, graph.adders, tuple(map(Output, range(len(graph.nodes)))))
        values = nodes.evaluate(every)
        assert [n.low for n in graph.nodes] == values.min(axis=0).tolist()
        assert [n.high for n in graph.nodes] == values.max(axis=0).tolist()
        assert all((values[:, i] % 2**node.zeros == 0).all() for i, node in enumerate(graph.nodes))
        assert [n.width for n in graph.nodes] == [bits(int(c.min()), int(c.max())) for c in values.T]


def test_what_is_no_full_adder_passes_through():
    """Below the first full adder, the result has the bits of the lower operand; side by side, of both."""
    seen = set()
    for seed, source in itertools.product(range(4), (Source(-5, 5), Source(0, 7), Source(-8, -2))):
        graph = optimise(drawn(4, 8, 7, seed), [source] * 4)
        values = AdderGraph(graph.sources, graph.adders, tuple(map(Output, range(len(graph.nodes))))).evaluate(
            np.random.default_rng(seed).integers(source.low, source.high + 1, size=(60, 4))
        )
        for i, (a, paid) in enumerate(zip(graph.adders, graph.adder_bits(), strict=True), len(graph.sources)):
            left, right, made = values[:, a.left] << a.left_shift, values[:, a.right] << a.right_shift, values[:, i]
            passed = graph.nodes[i].width - paid
            if paid == 0:
                assert not a.subtract and (made == left | right).all()
                seen.add("side by side")
            elif passed > 0:
                lower = (
                    left
                    if graph.nodes[a.left].zeros + a.left_shift <= graph.nodes[a.right].zeros + a.right_shift
                    else right
                )
                assert ((made ^ (-lower if a.subtract and lower is right else lower)) & (2**passed - 1) == 0).all()
                seen.add("passed")
    assert seen == {"side by side", "passed"}


@pytest.mark.parametrize(
    ("left", "right", "subtract", "expected"),
    [
        (Word(-128, 127, 0), Word(-128, 127, 0), False, 9),
        (Word(-128, 127, 0), Word(-512, 508, 2), False, 9),  # the two lowest bits are those of the left
        (Word(-128, 127, 0), Word(-512, 508, 2), True, 9),
        (Word(-512, 508, 2), Word(-128, 127, 0), True, 11),  # they are to be negated
        (Word(0, 3, 0), Word(0, 12, 2), False, 0),  # side by side
        (Word(0, 7, 0), Word(0, 12, 2), False, 3),
        (Word(0, 3, 0), Word(0, 12, 2), True, 3),
        (Word(-4, 3, 0), Word(0, 12, 2), False, 3),  # a sign reaches over the upper operand
    ],
)  # fmt: skip
def test_what_an_adder_costs(left, right, subtract, expected):
    low, high = (
        (left.low - right.high, left.high - right.low) if subtract else (left.low + right.low, left.high + right.high)
    )
    assert full_adders(left, right, subtract, Word(low, high, 0)) == expected


def test_negations_and_blocks():
    assert negation(Word(-128, 127, 0)) == 9 and negation(Word(0, 255, 0)) == 9 and negation(Word(-12, 0, 2)) == 2
    assert [in_units(n, 8) for n in (0, 1, 8, 9)] == [0, 8, 8, 16]
    one = AdderGraph((Source(0, 7),), (Adder(0, 0, 0, 2, False),), (Output(1, 0, True), Output(0)))
    assert one.adder_bits() == (4,) and one.cost() == 4 + negation(Word(0, 35, 0)) and one.cost(8) == 16


@pytest.mark.parametrize("unit", [1, 4])
@pytest.mark.parametrize("slack", [-1, 1])
def test_the_search_counts_as_python_does(unit, slack):
    for seed in range(3):
        matrix = drawn(10, 10, 7, seed, 0.7)
        low, high = np.full(10, -100.0), np.full(10, 27.0)
        adders, outputs, cost = search_module().search(matrix, low, high, slack, unit, 1)
        graph = AdderGraph(
            (Source(-100, 27),) * 10,
            tuple(Adder(*map(int, row[:4]), bool(row[4])) for row in adders),
            tuple(Output(int(n) if n >= 0 else None, int(s), bool(m)) for n, s, m in outputs),
        )
        assert graph.cost(unit) == cost


def test_what_is_common_is_there_once():
    """Counts that a reader can check: 3x, 6x, -12x are one adder; a column comes again, in whatever scale, for nothing."""
    assert len(of_bytes(np.array([[3, 6, -12]])).adders) == 1
    assert len(of_bytes(MATRICES["duplicates"]).adders) == len(of_bytes(MATRICES["duplicates"][:, :1]).adders)
    both = of_bytes(np.array([[5, 5, 9], [7, 7, 0]]))
    assert both.outputs[0] == both.outputs[1] and len(both.adders) == 4
    assert of_bytes(np.array([[1, -4], [0, 0]])).adders == ()


def test_sharing_saves():
    """Bounds on the figures of one seed."""
    matrix = drawn(32, 32, 8, 0)
    assert of_bytes(matrix).cost() < 0.82 * sum(of_bytes(matrix[:, i : i + 1]).cost() for i in range(32))
    alike = drawn(16, 1, 7, 0) + drawn(16, 24, 2, 1)  # columns that differ by little: one is computed from the other
    assert of_bytes(alike).cost() < 0.7 * of_bytes(alike, slack=0).cost()


def test_more_tries_never_cost_more():
    matrix = drawn(24, 24, 6, 3)
    costs = [of_bytes(matrix, slack=1, tries=n).cost() for n in (1, 2, 3, 4)]
    assert costs == sorted(costs, reverse=True) and costs[3] < costs[0]


def test_the_same_input_gives_the_same_graph():
    matrix, sources = drawn(20, 20, 8, 9), mixed(20)
    assert len({optimise(matrix, sources, Options(slack=2)) for _ in range(3)}) == 1
    assert optimise(matrix.astype(np.int16), sources) == optimise(matrix.astype(object), sources)


class Interrupted(Exception):
    pass


def test_a_search_can_be_interrupted():
    def interrupt(number, frame):
        raise Interrupted

    former = signal.signal(signal.SIGUSR1, interrupt)
    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGUSR1))
    timer.start()
    try:
        with pytest.raises(Interrupted):
            of_bytes(drawn(192, 192, 8, 0))  # seconds
    finally:
        timer.join()
        signal.signal(signal.SIGUSR1, former)


@pytest.mark.parametrize(
    ("matrix", "sources", "error", "said"),
    [
        (np.zeros((2, 2)), [BYTE] * 2, ConfigError, "float64"),
        (np.zeros((2, 2), int), [BYTE], ConfigError, r"expected integers and shape \(1, outputs\)"),
        (np.zeros(2, int), [BYTE] * 2, ConfigError, r"shape \(2,\)"),
        (np.ones((1, 1), int), [Source(1, 0)], ConfigError, "input 0"),
        (np.ones((1, 1), int), [Source(0, 1, -1)], ConfigError, "shift of 0 or more"),
        (np.array([[2**56 + 1]]), [BYTE], UnsupportedError, "57 bits"),
        (np.array([[1], [1]]), [BYTE, Source(0, 1, 60)], UnsupportedError, "61 bits"),
        (np.full((1500, 40), 0x5555), [BYTE] * 1500, UnsupportedError, "480000 signed digits"),
    ],
    ids=lambda value: None,
)
def test_what_is_refused(matrix, sources, error, said):
    with pytest.raises(error, match=said):
        optimise(matrix, sources)


@pytest.mark.parametrize("wrong", [{"slack": -1}, {"unit": 0}, {"tries": 0}, {"unit": 1001}], ids=str)
def test_options_that_cannot_be(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        Options(**wrong)
