"""ExpectRanges: what is expected in use, from calibration data, from statistics or from a seeded probe."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import hlsgen
from hlsgen.design.reference import evaluate_real
from hlsgen.errors import ConfigError
from hlsgen.ir.expected import Expected, Histogram, Origin, magnitude_bits
from hlsgen.ir.types import FixedType, Overflow, Rounding
from hlsgen.precision.expect_ranges import PROBE_MARGIN, ExpectRanges
from tests.passes.builders import Net, evaluate_float, graph_of, outline, project_of


def chain(with_bn: bool = False) -> Net:
    net = Net()
    x = net.input((8,))
    x = net.dense("fc", x, 8, 6)
    if with_bn:
        x = net.batchnorm("bn", x, 6)
    x = net.call("ReLU", "relu", x)
    net.dense("out", x, 6, 3)
    return net


def expectations(graph) -> dict[str, float]:
    return {node.name: node.output.expected.reach for node in graph}


def origins(graph) -> dict[str, Origin]:
    return {node.name: node.output.expected.origin for node in graph}


def test_calibration_is_the_largest_magnitude_seen():
    x = np.random.default_rng(0).normal(size=(700, 8)) * 5  # more than one batch of observation
    graph = graph_of(chain().source("out"))
    before = outline(graph)
    ExpectRanges({"x": x}).run(graph)
    assert outline(graph) == before
    w, b = (graph.nodes[1].layer.weight.values, graph.nodes[1].layer.bias.values)
    seen = expectations(graph)
    assert seen["x"] == np.abs(x).max()
    assert seen["fc"] == pytest.approx(np.abs(x @ w + b).max(), rel=1e-12)
    assert seen["relu"] == pytest.approx(np.maximum(x @ w + b, 0).max(), rel=1e-12)


def test_probe_is_seeded_and_has_a_margin():
    first, second = (graph_of(chain().source("out")) for _ in range(2))
    for graph in (first, second):
        ExpectRanges().run(graph)
    assert expectations(first) == expectations(second)
    probe = np.abs(np.random.default_rng(20240229).standard_normal((256, 8))).max()
    assert expectations(first)["x"] == PROBE_MARGIN * probe


def test_large_tensors_are_observed_in_small_batches():
    net = Net()
    x = net.input((96, 96, 3))
    net.conv("conv", x, 3, 16, padding="same")
    graph = graph_of(net.source("conv"))
    ExpectRanges().run(graph)
    assert expectations(graph)["conv"] > 0


def test_constant_zero_network():
    net = Net()
    x = net.input((4,))
    net.call("Dense", "fc", x, {"kernel": np.zeros((4, 2)), "bias": np.zeros(2)}, units=2)
    project = project_of(net.source("fc"), {"x": np.zeros((10, 4))})
    assert expectations(project.design) == {"x": 0.0, "fc": 0.0}
    np.testing.assert_array_equal(project.evaluate(np.ones((3, 4)))["fc"], 0)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 300.0])
def test_calibration_places_inputs_and_results(scale):
    x = np.random.default_rng(3).normal(size=(500, 8)) * scale
    project = project_of(chain().source("out"), {"x": x})
    (value,) = project.design.inputs
    assert value.type is not None and value.type.width == 16
    assert float(value.type.max) >= np.abs(x).max() - float(value.type.step)
    assert float(value.type.max) < 4 * np.abs(x).max(), "no integer bit is wasted"
    graph = graph_of(chain().source("out"))
    w0, b0, w1, b1 = (p.values for n in (graph.nodes[1], graph.nodes[-1]) for p in (n.layer.weight, n.layer.bias))
    truth = np.maximum(x @ w0 + b0, 0) @ w1 + b1
    assert np.abs(project.evaluate(x)["out"] - truth).max() <= 2**-11 * np.abs(truth).max()


def test_the_probe_keeps_to_the_input_type():
    """What the input cannot hold is not expected behind it, and a narrow type is filled."""
    project = project_of(chain().source("out"), input_precision="ufixed<8,0>")
    largest = project.design.inputs[0].expected.largest
    assert 0.99 < largest <= 1 - 2.0**-8


@pytest.mark.parametrize(
    ("stated", "least", "most"),
    [
        ("ufixed<8,8>", 250, 255),  # pixels
        ("fixed<8,8>", 126, 128),
        ("fixed<18,8>", 100, 128),
        ("fixed<16,6>", 3, 6),  # the default, stated: standardised data as without
        ("fixed<16,6,TRN,WRAP>", 3, 6),
    ],
)
def test_a_stated_input_type_is_filled_except_the_default(stated, least, most):
    graph = project_of(chain().source("out"), input_precision=stated).design
    expected = graph.inputs[0].expected
    assert least <= expected.largest <= most
    assert expected.origin is (Origin.PROBE if most < 10 else Origin.INPUT_TYPE)


# -- which statistics are believed -----------------------------------------------------------------


def normalised(seed: int, statistics: str, gain: float = 1.0, size: float = 1.0) -> Net:
    """Three Dense and BatchNormalization, with statistics as training would leave them, fresh, or made up."""
    net = Net(seed)
    rng = np.random.default_rng(seed)
    x = net.input((24,))
    data = np.maximum(rng.normal(size=(500, 24)) * 0.3 + 0.3, 0) * size
    for i in range(3):
        w, b = rng.normal(size=(24, 24)) * gain / 4, rng.normal(size=24) * 0.1
        y = data @ w + b
        mean, variance = {
            "trained": (y.mean(axis=0), y.var(axis=0)),
            "fresh": (np.zeros(24), np.ones(24)),
            "made up": (rng.normal(size=24), 10.0 ** rng.uniform(-4, 0, 24)),
        }[statistics]
        x = net.call("Dense", f"fc{i}", x, {"kernel": w, "bias": b}, units=24)
        weights = {"gamma": np.ones(24), "beta": np.zeros(24), "moving_mean": mean, "moving_variance": variance}
        x = net.call("BatchNormalization", f"bn{i}", x, weights, axis=-1, epsilon=1e-12)
        x = net.call("ReLU", f"relu{i}", x)
        data = np.maximum((y - mean) / np.sqrt(variance), 0)
    net.dense("out", x, 24, 3)
    return net


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("size", [1e-3, 1.0, 1e3])
def test_statistics_of_training_are_believed(seed, size):
    """However large the data were in training, and unlike the probe."""
    graph = graph_of(normalised(seed, "trained", size=size).source("out"))
    ExpectRanges().run(graph)
    assert set(origins(graph).values()) == {Origin.STATISTICS}
    for i in range(3):  # a normal distribution's largest value, with the margin
        assert PROBE_MARGIN * 3 < expectations(graph)[f"bn{i}"] < PROBE_MARGIN * 6


@pytest.mark.parametrize("gain", [0.1, 1.0, 4.0])
def test_a_batchnorm_that_was_never_trained_says_nothing(gain):
    """Its mean is 0 and its variance 1, whatever it is given."""
    net = normalised(1, "fresh", gain)
    graph = graph_of(net.source("out"))
    ExpectRanges().run(graph)
    assert set(origins(graph).values()) == {Origin.PROBE}
    seen = expectations(graph)
    assert seen["bn2"] == pytest.approx(seen["fc2"])


@pytest.mark.parametrize("seed", range(4))
def test_statistics_that_contradict_each_other_are_guarded_by_a_probe(seed):
    """Values as the probe makes them have to fit, too."""
    net = normalised(seed, "made up")
    graph = graph_of(net.source("out"))
    ExpectRanges().run(graph)
    x = np.random.default_rng(seed).normal(size=(300, 24))
    project = project_of(net.source("out"))
    truth = evaluate_float(graph, {"x": x})
    for node in graph:
        largest = float(np.abs(truth[node.output]).max())
        assert node.output.expected.reach > 0.5 * largest, node.name
    found = project.evaluate(x)["out"]
    right = truth[graph.outputs[0]]
    assert np.abs(found - right).max() < 0.02 * np.abs(right).max()


@pytest.mark.parametrize(("mean", "deviation"), [(0.0, 1.0), (1e4, 1.0), (120.0, 60.0), (-3.0, 1e-3)])
def test_a_normalization_of_the_inputs_is_believed(mean, deviation):
    """What it was adapted to says more of the inputs than a probe can."""
    net = Net(2)
    weights = {"mean": np.full(8, mean), "variance": np.full(8, deviation**2), "count": np.array(5)}
    x = net.call("Normalization", "norm", net.input((8,)), weights, axis=-1, invert=False, mean=None, variance=None)
    x = net.dense("fc", x, 8, 6)
    net.dense("out", net.call("ReLU", "relu", x), 6, 3)
    graph = graph_of(net.source("out"))
    ExpectRanges().run(graph)
    assert PROBE_MARGIN * 3 < expectations(graph)["norm"] < PROBE_MARGIN * 6


# -- methods of calibration ------------------------------------------------------------------------


def heavy_tailed(seed: int = 0, samples: int = 3000) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(samples, 8))
    x[rng.integers(0, samples, 3), 0] = 300.0
    return x


def test_histogram_does_not_depend_on_batches():
    x = heavy_tailed().reshape(-1)
    one, many = Histogram(), Histogram()
    one.add(x)
    for part in np.array_split(x[::-1], 17):
        many.add(part)
    np.testing.assert_array_equal(one.counts, many.counts)
    assert one.zeros == many.zeros and int(one.counts.sum()) + one.zeros == x.size


@pytest.mark.parametrize("values", [[0.0], [1e-300, 1e300], [2.0**-90, 2.0**90], [1.0, 2.0, 4.0, np.nextafter(2, 1)]])
def test_histogram_takes_every_magnitude(values):
    histogram = Histogram()
    histogram.add(np.array(values))
    assert int(histogram.counts.sum()) + histogram.zeros == len(values)


def test_edges_are_powers_of_two_at_octaves():
    histogram = Histogram()
    histogram.add(np.array([2.0]))
    (place,) = np.flatnonzero(histogram.counts)
    assert histogram.edges[place] == 2.0


@pytest.mark.parametrize("percent", [50.0, 90.0, 99.0, 99.99, 100.0])
def test_percentile(percent):
    x = heavy_tailed().reshape(-1)
    histogram = Histogram()
    histogram.add(x)
    right = np.percentile(np.abs(x), percent, method="inverted_cdf")
    assert right <= histogram.percentile(percent) * (1 + 1e-9) and histogram.percentile(percent) <= right * 1.05


@pytest.mark.parametrize("kind", ["normal", "laplace", "uniform", "outlier", "integers", "tiny", "relu"])
@pytest.mark.parametrize("width", [4, 6, 8, 12])
def test_mse_places_as_well_as_trying_every_place_does(kind, width):
    rng = np.random.default_rng(width)
    n = 20_000
    x = {
        "normal": lambda: rng.normal(size=n),
        "laplace": lambda: rng.laplace(size=n) * 3,
        "uniform": lambda: rng.uniform(-1, 1, n),
        "outlier": lambda: np.append(rng.normal(size=n), 700.0),
        "integers": lambda: rng.integers(-90, 91, n).astype(float),
        "tiny": lambda: rng.normal(size=n) * 1e-9,
        "relu": lambda: np.maximum(rng.normal(size=n), 0),
    }[kind]()
    finest = 0 if kind == "integers" else 100
    signed = bool((x < 0).any())
    histogram = Histogram()
    histogram.add(x)
    largest = float(np.abs(x).max())
    chosen = Expected(largest, largest, Origin.CALIBRATION, 0.0, histogram).integer_bits(width, signed, finest)
    assert chosen <= magnitude_bits(largest) + signed

    def error(integer: int) -> float:
        frac = min(width - integer, finest)
        fixed = FixedType(integer + frac, integer, signed, Rounding.RND, Overflow.SAT)
        return float(((fixed.to_float(fixed.quantize(x)) - x) ** 2).mean())

    places = range(magnitude_bits(largest) - 12, magnitude_bits(largest) + 2)
    best = min(error(i) for i in places if i + min(width - i, finest) > 0)
    assert error(chosen) <= 1.05 * best


def test_methods_differ_as_they_should():
    x = heavy_tailed()
    types = {
        method: project_of(chain().source("out"), {"x": x}, calibration_method=method, **options).design
        for method, options in (("max", {}), ("percentile", {"percentile": 99.9}), ("mse", {}))
    }
    bits = {m: [n.output.type.integer for n in g] for m, g in types.items()}
    assert bits["percentile"][0] < bits["max"][0] and bits["percentile"][1] < bits["max"][1]
    assert all(a <= b for a, b in zip(bits["mse"], bits["max"], strict=True))
    many = heavy_tailed(samples=200_000)
    narrow = {
        method: project_of(chain().source("out"), {"x": many}, calibration_method=method, default_width=6)
        for method in ("max", "mse")
    }
    typical = np.random.default_rng(5).normal(size=(500, 8))
    graph = graph_of(chain().source("out"))
    right = evaluate_float(graph, {"x": typical})[graph.outputs[0]]
    errors = {m: np.abs(p.evaluate(typical)["out"] - right).mean() for m, p in narrow.items()}
    assert errors["mse"] < errors["max"], "three outliers of a thousand do not pay for the bits of the others"


def test_a_method_without_data_is_refused(tmp_path):
    keras = pytest.importorskip("keras")
    model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(2)])
    with pytest.raises(ConfigError, match="calibration_method 'mse' needs data to work on"):
        hlsgen.convert(model, calibration_method="mse")
    project = hlsgen.convert(model, calibration_method="mse", calibration=np.ones((5, 4)))
    assert project.config.calibration_method == "mse"


def below_zero(class_name: str) -> Net:
    """A sum that is large below zero only, and a rectifier of that layer (or of the next, whose traces show the sum)."""
    net = Net(1)
    inside = {"activation": "relu"} if class_name == "inside" else {}
    weights = {"kernel": net.rng.normal(size=(16, 8)), "bias": np.array([-3000.0] + [0.0] * 7)}
    x = net.call("Dense", "fc", net.input((16,)), weights, units=8, **inside)
    net.call("ReLU", "relu", x)
    return net


@pytest.mark.parametrize("calibrated", [False, True])
def test_what_no_reader_tells_apart_is_not_expected(calibrated):
    x = np.random.default_rng(0).normal(size=(200, 16))
    found = {}
    for kind in ("inside", "shown"):
        project = project_of(below_zero(kind).source("relu"), {"x": x} if calibrated else None)
        (found[kind],) = (op.output for op in project.design if op.layer.kind == "Dense")
    assert found["shown"].expected.largest > 2900 > 30 > found["inside"].expected.largest
    assert found["inside"].expected.channels.largest[0] == 0.0
    assert found["inside"].type.frac >= 10 > 3 >= found["shown"].type.frac


@pytest.mark.parametrize("method", ["max", "percentile", "mse"])
def test_a_layer_that_never_fires_stays_in_the_budget(method):
    net = Net(1)
    weights = {"kernel": net.rng.normal(size=(16, 8)), "bias": np.full(8, -50.0)}
    net.call("Dense", "fc", net.input((16,)), weights, units=8, activation="relu")
    x = np.random.default_rng(0).normal(size=(200, 16))
    design = project_of(net.source("fc"), {"x": x}, calibration_method=method).design
    assert max(tensor.type.width for tensor in design.tensors) <= 16


def test_a_ceiling_is_the_most_that_is_expected():
    net = Net(1)
    weights = {"kernel": net.rng.normal(size=(16, 8)) * 50, "bias": np.zeros(8)}
    net.call("Dense", "fc", net.input((16,)), weights, units=8, activation="relu6")
    graph = graph_of(net.source("fc"))
    ExpectRanges().run(graph)
    assert {v.expected.largest for v in graph.values if not v.producer.is_input} == {6.0}


@pytest.mark.parametrize("size", [None, 1e3, 1e300], ids=["probe", "large data", "larger data"])
@pytest.mark.parametrize("function", ["exponential", "gelu", "softplus", "softmax", "tanh", "relu"])
def test_what_reaches_infinity_counts_as_very_large(function, size):
    """Behind an exponential of large arguments, infinities of both signs meet, and their squares."""
    net = Net(seed=3)
    x = net.call("Activation", "exp", net.input((3,)), activation="exponential")
    x = net.call("Multiply", "square", [x, net.dense("fc", x, 3, 3)])
    net.dense("out", net.call("Activation", "function", x, activation=function), 3, 3)
    data = None if size is None else {"x": np.random.default_rng(0).normal(size=(40, 3)) * size}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        project = project_of(net.source("out"), data, input_precision="fixed<24,24>")
        project.summary()
        real = evaluate_real(project.design, {"x": np.random.default_rng(1).normal(size=(9, 3)) * 2.0**20})
    for tensor in project.design.tensors:
        assert tensor.expected is not None and np.isfinite(real[tensor]).all()
        found = tensor.expected
        assert np.isfinite([found.largest, found.reach, found.rms, *np.square(found.channel_rms)]).all(), tensor


@pytest.mark.parametrize("stated", [None, "fixed<16,10>", "fixed<32,12>"])
def test_what_grows_beyond_every_number_has_a_type(stated: str | None):
    """Exponentials in a row: infinite in float32, and whatever is made of them behind."""
    net = Net(1)
    x = net.input((4,))
    for place in range(3):
        weights = {"kernel": net.rng.normal(size=(4, 4)) * 30, "bias": np.zeros(4)}
        dense = net.call("Dense", f"dense{place}", x, weights, units=4)
        x = net.call("Activation", f"exp{place}", dense, activation="exponential")
    settings = {} if stated is None else {"input_precision": stated}
    for value in project_of(net.source(x), **settings).design.tensors:
        assert value.expected is None or np.isfinite([value.expected.largest, value.expected.reach]).all()
