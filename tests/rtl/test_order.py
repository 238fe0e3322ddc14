"""Words and elements in another order, by way of memories: integers, and every word in the clock that is stated."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from hlsgen.backends.verilog import outline
from hlsgen.backends.verilog.circuit import Circuit, Stage, Stream
from hlsgen.backends.verilog.core import Words
from hlsgen.backends.verilog.moves import ZERO
from hlsgen.backends.verilog.order import Loop, Order, order_of, order_stage
from hlsgen.backends.verilog.schedule import clocks_of, passing
from hlsgen.ir.types import FixedType
from hlsgen.project import Project
from hlsgen.simulation.simulator import Simulator
from tests.passes.builders import Net
from tests.rtl.test_branches import check, made


@pytest.fixture
def no_registers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever registers could hold, memories do."""
    monkeypatch.setattr(outline, "_FEW_BITS", 0)


def turned() -> Project:
    """Every order of the axes of an image, side by side."""
    net = Net(seed=1, name="turned")
    names = []
    for k, axes in enumerate(permutations((1, 2, 3))):
        x = net.input((3, 4, 2), f"image{k}")
        names.append(net.call("Permute", f"turn{k}", x, dims=list(axes)))
    return made(net, *names[1:])


def repeated() -> Project:
    """Rows and columns that are repeated, words that are cut another way, zeros around what is turned."""
    net = Net(seed=2, name="repeated")
    a = net.call("UpSampling2D", "rows", net.input((3, 4, 2), "a"), size=[2, 1])
    b = net.call("UpSampling2D", "both", net.input((2, 3, 1), "b"), size=[3, 2])
    c = net.call("UpSampling2D", "columns", net.input((2, 3, 1), "c"), size=[1, 3])
    d = net.call("Reshape", "cut", net.input((4, 6), "d"), target_shape=[6, 4])
    e = net.call("Permute", "turn", net.input((4, 3), "e"), dims=[2, 1])
    e = net.call("ZeroPadding1D", "around", e, padding=[1, 2])
    return made(net, a, b, c, d, e)


def kinds(project: Project) -> list[str]:
    return [block.name.rpartition("__")[2] for block in project.circuit.blocks]


def test_permutations(no_registers):
    project = turned()
    assert "order" in kinds(project)
    check(project)


@pytest.mark.slow
def test_repetitions(no_registers):
    project = repeated()
    assert {"order", "repeat", "moves"} <= set(kinds(project))
    check(project)


@pytest.mark.slow
def test_permutations_in_registers():
    check(turned())


ORDERS = [
    Order(1, 5, (4, 3, 2, 1, 0)),
    Order(2, 3, (2, ZERO, 0, 0, ZERO, 1)),
    Order(1, 4, (ZERO, 2)),
    Order(3, 2, (1,)),
    Order(3, 1, (0, ZERO, 0)),
    Order(1, 7, (3, 1, 4, 1, 5, 0, 2, 6)),
    Order(2, 8, (0, 4, 1, 5, 2, 6, 3, 7)),
    Order(2, 2, (ZERO,)),
]


def alone(orders: list[Order]) -> Circuit:
    """The stage of each order, with ports of its own."""
    net = Net(name="any")
    (op,) = [op for op in made(net, net.dense("fc", net.input((2,)), 2, 2)).design if not op.is_input]
    streams, blocks = [], []
    for k, order in enumerate(orders):
        x, y = (Words(FixedType(5, 5, False), 1, order.blocks * count) for count in (order.length, len(order.words)))
        ends = Stream(f"x{k}", x), Stream(f"y{k}", y)
        text, pace = order_stage(order, x, y, op, f"orders_{k}")
        blocks.append(Stage(f"order{k}", (ends[0],), (ends[1],), f"orders_{k}", {f"orders_{k}": text}, pace))
        streams.append(ends)
    inputs, outputs = zip(*streams, strict=True)
    return Circuit("orders", inputs, outputs, tuple(blocks), clocks_of(inputs, outputs, blocks))


def test_any_order():
    """Tables and counters, zeros, words that nobody wants."""
    circuit, samples = alone(ORDERS), 7
    rng = np.random.default_rng(1)
    xs = [rng.integers(1, 32, (samples, port.words.beats)) for port in circuit.inputs]
    expected = []
    for x, order in zip(xs, ORDERS, strict=True):
        blocks, words = x.reshape(samples, order.blocks, order.length), np.array(order.words)
        expected.append(np.where(words == ZERO, 0, blocks[:, :, words]).reshape(samples, -1))
    stated = passing(circuit.inputs, circuit.outputs, circuit.blocks, samples)
    simulator = Simulator(circuit)
    for gaps, stalls in ((0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (0.3, 0.8)):
        run = simulator.run(xs, gaps=gaps, stalls=stalls, seed=1)
        for found, result in zip(run.results, expected, strict=True):
            np.testing.assert_array_equal(found, result)
        if not gaps and not stalls:
            for clocks, port in zip(run.passed, (*circuit.inputs, *circuit.outputs), strict=True):
                np.testing.assert_array_equal(clocks, stated[port].passed, err_msg=port.name)


def test_blocks_are_as_short_as_they_can_be():
    rows = np.arange(12).reshape(3, 4)
    assert order_of(np.repeat(rows, 2, axis=0).ravel(), 12) == Order(3, 4, (0, 1, 2, 3, 0, 1, 2, 3))
    assert order_of(rows[:, ::-1].ravel(), 12) == Order(3, 4, (3, 2, 1, 0))
    assert order_of(rows.T.ravel(), 12).length == 12
    assert order_of(rows[::-1].ravel(), 12).length == 12
    assert order_of([0, ZERO, 1, ZERO], 2) == Order(2, 1, (0, ZERO))
    assert order_of([1, 0], 5) == Order(1, 5, (1, 0))


@pytest.mark.parametrize("shape", [(5,), (3, 4), (2, 3, 4), (2, 2, 3, 2)])
def test_counters_give_the_places(shape):
    """Nested counters where there is a rule; else a table."""
    places = np.arange(np.prod(shape)).reshape(shape)
    for axes in permutations(range(len(shape))):
        words = tuple(places.transpose(axes).ravel().tolist())
        loops = Order(1, len(words), words).loops
        assert loops is not None and len(loops) <= len(shape)
        grids = np.indices([loop.turns for loop in loops][::-1]).reshape(len(loops), -1)[::-1]
        found = sum(grid * loop.stride for grid, loop in zip(grids, loops, strict=True))
        assert tuple(found.tolist()) == words
    assert Order(1, 4, (0, 2, 1, 3)).loops is not None
    assert Order(1, 4, (0, 1, 3, 2)).loops is None
    assert Order(1, 4, (3, 2, 1, 0)).loops == [Loop(4, -1)]
    assert Order(1, 2, (0, ZERO)).loops is None
