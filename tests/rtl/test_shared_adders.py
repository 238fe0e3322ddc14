"""Graphs of shared adders as logic: exact for every sort of matrix, bias and depth of the pipeline; which layers get them."""

from __future__ import annotations

import re

import numpy as np
import pytest

from hlsgen.adders import product_graph
from hlsgen.backends.verilog.casts import Number
from hlsgen.backends.verilog.circuit import Chain, Circuit
from hlsgen.backends.verilog.core import Core, Place, Words
from hlsgen.backends.verilog.logic import Logic, constant
from hlsgen.backends.verilog.pipeline import elements
from hlsgen.backends.verilog.sharing import shared_sums
from hlsgen.backends.verilog.text import joined, render
from hlsgen.errors import ConfigError, UnsupportedError
from hlsgen.ir.types import FixedType
from hlsgen.simulation.simulator import Simulator
from tests.passes.builders import Net, grid, project_of
from tests.rtl.test_networks import reference

HELD = FixedType(40, 40)
"""Mantissas of all results."""


def drawn(inputs: int, outputs: int, bits: int, seed: int, density: float = 1.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    numbers = rng.integers(-(2 ** (bits - 1)), 2 ** (bits - 1), (inputs, outputs))
    return np.where(rng.random(numbers.shape) < density, numbers, 0)


MATRICES = {
    "dense": drawn(7, 9, 8, 1),
    "sparse": drawn(12, 10, 8, 2, 0.2),
    "one input": drawn(1, 20, 10, 3),
    "alike, negated, shifted, zero": np.array([[11, -11, 22, 0, -88], [5, -5, 10, 0, -40], [-7, 7, -14, 0, 56]]),
    "powers of two": np.array([[1, -2, 4, -64], [0, 8, 0, 0]]),
    "negatives alone": -np.abs(drawn(4, 6, 6, 7)),
}
BIASES = [0, 1, -3, 64, -4096, 1023]
"""Of outputs in turn; on the grids below they are far below and far above the products."""


def circuit_of(matrix: np.ndarray, x: FixedType, bias_frac: int, levels: int) -> tuple[Circuit, np.ndarray, list[int]]:
    """A circuit whose one core gives ``x W + b`` as mantissas; the biases, and the grids of the results."""
    inputs, outputs = matrix.shape
    place = Place("sums_core", Words(x, inputs, 1), Words(HELD, outputs, 1), levels)
    logic = Logic(levels, place.module)
    biases = np.array([BIASES[o % len(BIASES)] for o in range(outputs)])
    numbers = [Number(constant(int(b)), bias_frac) for b in biases]
    graph = product_graph(matrix, x, slack=levels - 1)
    sums = shared_sums(logic, graph, elements(logic, place.x, "x", "x"), 2, numbers)
    results, latency = logic.registered([number.signal for number in sums])
    lines = {"lines": logic.lines(), "results": joined(results, HELD.width)}
    core = Core(
        place.module, place.x, place.y, latency, 1,
        {place.module: render("pipeline.v.j2", place=place, latency=latency, about=["sums"], **lines)},
    )  # fmt: skip
    circuit = Circuit("sums", "x", "y", place.x, place.y, (Chain("core", (core,), ("core",)),))
    return circuit, biases, [number.frac for number in sums]


CASES = [
    ("dense", FixedType(8, 4), 6, 1),
    ("dense", FixedType(8, 4), 6, 3),
    ("dense", FixedType(1, 1, False), 9, 2),
    ("sparse", FixedType(6, 8), -3, 1),
    ("one input", FixedType(9, 3, False), 0, 2),
    ("alike, negated, shifted, zero", FixedType(8, 4), 12, 1),
    ("powers of two", FixedType(5, 5), 2, 1000),
    ("negatives alone", FixedType(1, 1), 1, 1),
]


@pytest.mark.parametrize(
    ("name", "x", "bias_frac", "levels"),
    [pytest.param(*c, marks=pytest.mark.slow if i % 3 else ()) for i, c in enumerate(CASES)],
)
def test_exact(name: str, x: FixedType, bias_frac: int, levels: int):
    matrix = MATRICES[name]
    circuit, biases, grids = circuit_of(matrix, x, bias_frac, levels)
    rng = np.random.default_rng(8)
    mantissas = rng.integers(x.min_mantissa, x.max_mantissa + 1, (200, len(matrix)))
    mantissas[0], mantissas[1] = x.min_mantissa, x.max_mantissa
    signs = np.where(matrix[:, 0] < 0, x.min_mantissa, x.max_mantissa)
    mantissas[2], mantissas[3] = signs, x.min_mantissa + x.max_mantissa - signs
    run = Simulator(circuit).run(mantissas)
    fine = max(x.frac + 2, bias_frac, *grids)
    exact = (mantissas @ matrix << (fine - x.frac - 2)) + (biases << (fine - bias_frac))
    np.testing.assert_array_equal(run.result << (fine - np.array(grids)), exact)
    assert (run.latency, run.interval) == (circuit.latency, 1.0)


def layers(strategy: str, **settings):
    """A convolution in groups, a depthwise one with zeros around, and a matrix behind them."""
    net = Net(seed=9, name=f"layers_{strategy}")
    x = net.input((5, 4, 4), "image")
    weights = {"kernel": net.dyadic(2, 2, 2, 6, frac=3, bound=15), "bias": net.dyadic(6)}
    x = net.call("Conv2D", "grouped", x, weights, filters=6, kernel_size=[2, 2], groups=2)
    weights = {"depthwise_kernel": net.dyadic(3, 2, 6, 2, frac=4, bound=15), "bias": net.dyadic(12)}
    x = net.call("DepthwiseConv2D", "depthwise", x, weights, kernel_size=[3, 2], depth_multiplier=2, padding="same")
    x = net.call("Flatten", "flat", x)
    net.dense("classes", x, 144, 3)
    settings = {"backend": "verilog", "input_precision": "fixed<6,3>", "strategy": strategy, **settings}
    return project_of(net.source("classes"), **settings)


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["distributed_arithmetic", "latency", "resource"])
def test_layers(strategy: str):
    """The same integers by products and by shared adders."""
    project = layers(strategy)
    multiplies = [
        name for name, text in project.files.items() if name.startswith("rtl/") and re.search(r"\w \* ", text)
    ]
    assert bool(multiplies) == (strategy == "resource")
    x = grid(project.design.inputs[0].shape, samples=12, frac=3, bound=31)
    expected = reference(project, x)
    np.testing.assert_array_equal(project.simulate(x).result, expected)
    np.testing.assert_array_equal(project.simulate(x, gaps=0.2, stalls=0.4, seed=3).result, expected)


def test_text_is_the_same_every_time():
    found = [layers("distributed_arithmetic").files["rtl/layers_distributed_arithmetic_classes.v"] for _ in range(2)]
    assert found[0] == found[1]
    assert re.search(r"// no multiplier: \d+ shared adders, \d+ full adders, \d+ levels", found[0])


def dense(n_in: int, n_out: int, **settings):
    net = Net(seed=2)
    weights = {"kernel": net.dyadic(n_in, n_out, frac=7, bound=127), "bias": net.dyadic(n_out)}
    net.call("Dense", "fc", net.input((n_in,)), weights, units=n_out)
    return project_of(net.source("fc"), backend="verilog", **settings)


def test_refused():
    with pytest.raises(
        UnsupportedError, match=r"'fc' .*constants other than zero .* at most 16,384 are; set strategy: resource"
    ):
        dense(130, 128, strategy="distributed_arithmetic")
    with pytest.raises(ConfigError, match=r"layer 'fc': strategy 'distributed_arithmetic' computes .*reuse_factor 2"):
        dense(4, 4, layers={"fc": {"strategy": "distributed_arithmetic", "reuse_factor": 2}})
