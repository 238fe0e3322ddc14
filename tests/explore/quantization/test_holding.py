"""Channels held times factors and less offsets: chosen where rounding costs less, and what the model gives stays."""

from __future__ import annotations

import numpy as np
import pytest

import hlsgen
from hlsgen.errors import InputError
from hlsgen.explore.quantization.equalisation import scales
from hlsgen.explore.quantization.noise import Noise
from hlsgen.explore.quantization.placement import Sample, farther, place
from hlsgen.explore.quantization.simulation import Simulation
from hlsgen.explore.quantization.tensors import NARROW, held_in
from hlsgen.explore.quantization.zero_points import all_offsets, zero_points
from hlsgen.ir.graph import Graph
from hlsgen.pipeline import rewrite
from hlsgen.project import Project
from tests.explore.quantization.networks import perceptron, real, samples
from tests.explore.quantization.test_quantize import quiet
from tests.passes.builders import Net, project_of

UNEVEN = np.array([1, 1, 1 / 5, 1 / 5, 1 / 30, 1 / 30, 1, 1 / 200, 1, 1, 1, 1])
"""How large the channels of a layer are."""


def uneven(activation: str = "relu") -> Project:
    """A hidden layer whose channels differ in size, which the next layer makes alike again."""
    net = Net(3)
    kernel = net.rng.normal(size=(6, 12)) * UNEVEN
    back = net.rng.normal(size=(12, 4)) / UNEVEN[:, None]
    x = net.call(
        "Dense", "fc", net.input((6,)), {"kernel": kernel, "bias": np.zeros(12)}, units=12, activation=activation
    )
    return project_of(net.source(net.call("Dense", "classes", x, {"kernel": back, "bias": np.zeros(4)}, units=4)))


def curved(activation: str) -> Project:
    """Two hidden layers of a function that reaches far above zero, and little below."""
    net = Net(4)
    x = real(net, "fc1", net.input((6,)), 6, 12, activation=activation)
    return project_of(net.source(real(net, "numbers", real(net, "fc2", x, 12, 8, activation=activation), 8, 3)))


def noise_of(project: Project, x: np.ndarray) -> tuple[Graph, Noise]:
    narrow = project.with_settings(default_width=NARROW, skip_passes=["equalise_channels"])
    graph = rewrite(narrow.graph, narrow.config)
    known = Simulation(narrow.design, {narrow.design.inputs[0].name: x}).known({}, {})
    return graph, Noise(graph, {t.name: values for t, values in known.items()}, held_in(narrow.design))


@pytest.mark.parametrize("free", [False, True])
def test_channels_of_different_sizes_are_made_alike(free: bool) -> None:
    graph, noise = noise_of(uneven(), samples())
    found = scales(graph, noise, "auto", free)
    factors = np.array(found["fc"])
    assert list(found) == ["fc"] and factors[7] > 2 * factors[4] > 4 * factors[0] > 0
    assert free or (np.frexp(factors)[0] == 0.5).all()
    assert scales(graph, noise, "none", free=False) == {}


def test_channels_that_nobody_reads_are_made_alike_too() -> None:
    """They would set the range of all others."""
    net = Net(3)
    x = net.input((6,))
    loud = np.where(np.arange(12) == 5, 64.0, 1.0)
    kernel, back = net.rng.normal(size=(6, 12)) * loud, net.rng.normal(size=(12, 4)) * (loud == 1)[:, None]
    x = net.call("Dense", "fc", x, {"kernel": kernel, "bias": np.zeros(12)}, units=12, activation="relu")
    project = project_of(net.source(net.call("Dense", "classes", x, {"kernel": back, "bias": np.zeros(4)}, units=4)))
    graph, noise = noise_of(project, samples())
    factors = np.array(scales(graph, noise, "auto", free=True)["fc"])
    assert factors[5] <= np.delete(factors, 5).min() / 16


def test_free_factors_leave_less_noise_than_powers_of_two() -> None:
    graph, noise = noise_of(uneven(), samples())
    value = graph.aliases["fc"].producer.inputs[0] if graph.aliases["fc"] not in noise.rounded else graph.aliases["fc"]
    behind = next(node for node in graph if graph.aliases["fc"] in node.inputs)
    front = value.producer

    def cost(factors: np.ndarray) -> float:
        ones = [np.ones(node_value.shape[-1]) for node_value in (front.input, behind.output)]
        among_weights = noise.of_weights(front, ones[0], factors) + noise.of_weights(behind, factors, ones[1])
        return noise.of_value(value, factors) + among_weights

    octaves, free = (cost(np.array(scales(graph, noise, "auto", how)["fc"])) for how in (False, True))
    assert free <= octaves < cost(np.ones(12)) / 10


def test_with_few_bits_alike_channels_decide_better() -> None:
    x = samples(count=1200)
    found = {
        way: quiet(uneven(), x, task="classification", weight_bits=5, result_bits=6, equalisation=way).agreement
        for way in ("none", "auto")
    }
    assert found["auto"] > found["none"] + 0.1


@pytest.mark.parametrize("activation", ["gelu", "swish"])
def test_functions_that_reach_little_below_zero_are_held_without_a_sign(activation: str) -> None:
    graph, noise = noise_of(curved(activation), samples())
    offsets = zero_points(graph, noise)
    assert {value.name for value in offsets} == {"fc1", "fc2"}
    for value, own in offsets.items():
        assert (own == own[0]).all() and own[0] < noise.least(value).min() <= own[0] + 0.1
        assert noise.of_value(value, offsets=own) < 0.8 * noise.of_value(value)
    assert set(all_offsets(graph, offsets)) == set(graph.values)


def test_offsets_need_not_be_wished_for() -> None:
    x = samples(count=400)
    affine = quiet(curved("gelu"), x, None, 0.99, weight_bits=8, result_bits=5, zero_points=True)
    symmetric = quiet(curved("gelu"), x, None, 0.99, weight_bits=8, result_bits=5, zero_points=False)
    holds = {name: settings.hold for name, settings in affine.config.layers.items() if settings.hold is not None}
    assert {name for name, hold in holds.items() if hold.offset is not None} >= {"fc1"}
    assert affine.agreement > symmetric.agreement
    assert "less -0.1" in str(affine) and not any(s.hold for s in symmetric.config.layers.values())


def test_nothing_is_less_where_rectifiers_read_it() -> None:
    graph, noise = noise_of(perceptron(), samples())
    assert zero_points(graph, noise) == {}


def test_channels_that_are_tied_are_held_less_one_offset() -> None:
    """A mean of values is held less what those are: of both, one is said."""
    net = Net(5)
    kernel = {"kernel": net.rng.normal(size=(3, 3, 2, 4)), "bias": net.rng.normal(size=4)}
    x = net.call("Conv2D", "conv", net.input((8, 8, 2)), kernel, filters=4, kernel_size=[3, 3], activation="elu")
    x = net.call("AveragePooling2D", "pool", x, pool_size=[2, 2], strides=[2, 2], padding="valid")
    x = net.call("Flatten", "flat", x)
    project = project_of(net.source(real(net, "classes", x, 36, 3)))
    data = 2 * np.random.default_rng(0).normal(size=(300, 8, 8, 2))
    graph, noise = noise_of(project, data)
    assert len(zero_points(graph, noise)) == 1
    found = quiet(project, data, task="classification", zero_points=True, result_bits=6, weight_bits=8)
    assert "less -" in str(found)


def test_a_type_may_reach_farther_than_the_least_error_says() -> None:
    values = np.concatenate([np.random.default_rng(0).normal(size=5000), [30.0, -25.0]])
    sample = Sample(values, float(values.min()), float(values.max()))
    first = place(sample, 6, "mse")
    reached = [farther(sample, 6, bits).integer for bits in range(8)]
    most = place(sample, 6, "max").integer
    assert first.integer < most and reached == [min(first.integer + bits, most) for bits in range(8)]


@pytest.mark.parametrize(
    ("options", "said"),
    [({"scales": "any"}, "scales is 'any'"), ({"zero_points": "yes"}, "zero_points is 'yes', expected True or False")],
)
def test_what_cannot_be_is_refused(options, said) -> None:
    with pytest.raises(InputError, match=said):
        hlsgen.quantize(perceptron(), samples(count=64), **options)
