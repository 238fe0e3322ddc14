"""What the rounding of inferred types adds up to is estimated about right, and too much of it is noted by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hlsgen.ir.expected import Channels, Expected, Origin
from hlsgen.precision import rounding_errors as module
from hlsgen.precision.rounding_errors import rounding_errors
from hlsgen.project import Project
from tests.passes.builders import Net, evaluate_float, graph_of, project_of
from tests.passes.float_networks import Recipe, network
from tests.passes.random_graphs import random_network


def measured(project: Project, x: Any) -> float:
    """The root mean square by which the result is off, relative to that of float."""
    graph = project.graph
    right = evaluate_float(graph, {"x": x})[graph.outputs[0]]
    found = project.evaluate(x)[project.design.outputs[0].name]
    return float(np.sqrt(np.square(found - right).mean() / np.square(right).mean()))


def estimated(project: Project) -> float:
    return rounding_errors(project.design)[project.design.outputs[0]].relative


def coarse(project: Project) -> list[str]:
    return [note for note in project.design.notes if " is coarse: " in note]


def badly_scaled(seed: int, low: float, high: float) -> Net:
    """A perceptron whose units have sizes of 10**low to 10**high, which the weights behind them undo."""
    net = Net(seed)
    rng, scale, x = net.rng, np.ones(16), net.input((16,))
    for i, (n_in, n_out) in enumerate([(16, 32), (32, 32)]):
        sizes = 10.0 ** rng.uniform(low, high, n_out)
        kernel = rng.normal(size=(n_in, n_out)) * np.sqrt(2 / n_in) / scale[:, None] * sizes
        weights = {"kernel": kernel, "bias": rng.normal(size=n_out) * 0.1 * sizes}
        x = net.call("Dense", f"fc{i}", x, weights, units=n_out, activation="relu")
        scale = sizes
    weights = {"kernel": rng.normal(size=(32, 5)) / 4 / scale[:, None], "bias": np.zeros(5)}
    net.call("Dense", "out", x, weights, units=5)
    return net


@pytest.mark.parametrize("calibrated", [False, True])
@pytest.mark.parametrize("sizes", [(-4, 1), (-2, 0), (-1, 0), (0, 0)], ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_the_estimate_is_about_right(seed: int, sizes: tuple[float, float], calibrated: bool):
    x = np.random.default_rng(9).normal(size=(200, 16))
    project = project_of(badly_scaled(seed, *sizes).source("out"), {"x": x} if calibrated else None)
    right = measured(project, x)
    assert right / 3 < estimated(project) < 2 * right
    if right > 0.02:
        (note,) = coarse(project)
        assert note.startswith(("warning: fc0_dense: ", "warning: fc1_dense: ")) and "puts 'out' off by" in note
    if right < 0.005:
        assert coarse(project) == []


NETWORKS = [("mlp", "he", "none"), ("cnn", "glorot", "trained"), ("cnn", "he", "random"), ("resnet8", "he", "fresh")]


@pytest.mark.parametrize("case", NETWORKS, ids="-".join)
def test_usual_networks_are_not_spoken_ill_of(case: tuple[str, str, str]):
    kind, init, norm = case
    source = network(kind, Recipe(init, norm), 100, "normal")
    project = project_of(source)
    assert coarse(project) == []
    x = np.random.default_rng(1).normal(size=(40, *source.inputs[0].shape))
    assert measured(project, x) / 5 < estimated(project) < 5 * measured(project, x)


@pytest.mark.parametrize("width", [8, 10, 12, 16])
def test_a_narrow_budget_is_the_users_choice(width: int):
    project = project_of(network("mlp", Recipe("he", "none"), 100, "normal"), default_width=width)
    assert coarse(project) == []
    assert estimated(project) * 2**width > 5  # it is known all the same


def test_types_of_the_user_and_of_quantisers_are_no_ones_mistake():
    net = Net(1)
    x = net.input((8,))
    net.quantize("q", net.dense("fc", x, 8, 6), 2)
    net.dense("out", "q", 6, 3)
    assert coarse(project_of(net.source("out"))) == []
    fixed = {"fc": {"precision": {"result": "fixed<4,3,RND,SAT>", "weight": "fixed<3,1>"}}}
    assert (
        coarse(project_of(badly_scaled(0, 0, 0).source("out"), layers={"fc0": fixed["fc"], "fc1": fixed["fc"]})) == []
    )


def test_the_input_with_the_larger_error_is_named():
    """Of an Add, through which two branches reach the output."""
    net = Net(2)
    x = net.input((16,))
    for name, bias in (("fine", 0.0), ("coarse", 3e4)):  # whose range is that of its bias
        weights = {"kernel": net.rng.normal(size=(16, 16)), "bias": np.full(16, bias)}
        net.call("Dense", name, x, weights, units=16)
    net.batchnorm("norm", "coarse", 16)
    net.calls[-1].weights["moving_mean"][:] = 3e4
    net.call("Subtract", "both", ["fine", "norm"])
    project = project_of(net.source("both"), skip_passes=["fuse_batchnorm"])
    culprit = rounding_errors(project.design)[project.design.outputs[0]].culprit
    assert culprit is not None and culprit.name == "coarse" and culprit.what == "its rounding"
    (note,) = coarse(project)
    assert note.startswith("warning: coarse: ")


@pytest.mark.parametrize("seed", range(12))
def test_every_value_of_a_rewritten_graph_has_an_estimate(seed: int):
    """Passes move scales between values of other channels and shapes, and what is expected with them."""
    project = project_of(random_network(seed, quantized=False), input_precision="fixed<24,12>")
    for tensor, error in rounding_errors(project.design).items():
        assert error.variance.shape == (1, *tensor.shape)
        assert 0 <= error.relative <= 1


def large_image(seed: int, extent: int) -> Net:
    """Convolutions, means and a dense layer that reads every place."""
    net = Net(seed)
    x = net.input((extent, extent, 2))
    for i, (channels, units) in enumerate([(2, 4), (4, 3)]):
        weights = {"kernel": net.rng.normal(size=(3, 3, channels, units)) / 4, "bias": np.zeros(units)}
        x = net.call("Conv2D", f"conv{i}", x, weights, filters=units, kernel_size=[3, 3], padding="same")
    x = net.call("AveragePooling2D", "mean", x, pool_size=[4, 4], strides=[4, 4])
    x = net.call("Flatten", "flat", x)
    weights = {"kernel": net.rng.normal(size=((extent // 4) ** 2 * 3, 2)) / 20, "bias": np.zeros(2)}
    net.call("Dense", "out", x, weights, units=2)
    return net


def test_a_part_of_a_large_image_is_estimated_like_the_whole(monkeypatch: pytest.MonkeyPatch):
    project = project_of(large_image(0, 96).source("out"))
    part = rounding_errors(project.design)
    monkeypatch.setattr(module, "_MOST_CELLS", 1 << 30)
    whole = rounding_errors(project.design)
    assert max(error.variance.size for error in part.values()) < 96 * 96 < whole[project.design.inputs[0]].variance.size
    for tensor, error in whole.items():
        assert part[tensor].relative == pytest.approx(error.relative, rel=0.1)  # borders are more of a part
        assert part[tensor].culprit == error.culprit


def test_expectations_of_larger_values_are_larger_in_all():
    small = Channels(np.ones(2), np.full(2, 0.5))
    least = Expected(1.0, 2.0, Origin.PROBE, 0.5, channels=small)
    known = Expected(8.0, 16.0, Origin.PROBE, 4.0, None, small.times(8.0), least).times(4.0)
    assert (known.largest, known.reach, known.rms, known.octaves) == (32.0, 64.0, 16.0, 3)
    assert known.channel_rms is not None
    assert list(known.channel_rms) == [16.0, 16.0]
    assert known.of_no_channel().channel_rms is None
    assert known.of_no_channel().octaves == 3


def test_layers_pass_errors_on_as_they_do():
    """Against the difference that noise of that variance makes."""
    net, rng = Net(3), np.random.default_rng(0)
    x = net.input((6, 6, 4))
    y = net.conv("conv", x, 4, 4, padding="same")
    y = net.call("Activation", "tanh", y, activation="tanh")
    y = net.call("Multiply", "mul", [y, x])
    y = net.call("PReLU", "prelu", y, {"alpha": rng.uniform(2, 4, (6, 6, 4))})
    y = net.call("AveragePooling2D", "average", y, pool_size=[3, 3], strides=1, padding="same")
    y = net.call("MaxPooling2D", "pool", y, pool_size=[2, 2])
    y = net.call("GlobalAveragePooling2D", "gap", y, keepdims=True)
    net.call("Flatten", "flat", y)
    graph = graph_of(net.source("flat"))
    data = rng.normal(size=(400, 6, 6, 4))
    known = evaluate_float(graph, {"x": data})
    for node in graph:
        if node.is_input:
            continue
        inputs = [known[v] for v in node.inputs]
        sizes = [np.sqrt(np.square(v).mean(axis=tuple(range(v.ndim - 1)))) for v in inputs]
        step = 1e-3
        (found,) = node.layer.error_variances([np.full((1, *v.shape[1:]), step**2) for v in inputs], sizes)
        found = found / node.layer.averaged_cells([v.shape[1:] for v in inputs])
        noisy = node.layer.evaluate_float([v + step * rng.normal(size=v.shape) for v in inputs])
        right = float(np.square(noisy - known[node.output]).mean())
        assert right / 2 < float(found.mean()) < 2 * right, node.name


@pytest.mark.parametrize("layer", ["AveragePooling2D", "GlobalAveragePooling2D"])
@pytest.mark.parametrize("fixed", ["weight", "result"])
def test_a_mean_evens_out_what_values_lose_but_not_what_constants_do(fixed: str, layer: str):
    """Rounding of values is another in each cell, that of weights the same; one of both is the user's here."""
    net = Net(5)
    weights = {"kernel": np.abs(net.rng.normal(size=(1, 1, 4, 64))), "bias": np.zeros(64)}
    x = net.call("Conv2D", "conv", net.input((8, 8, 4)), weights, filters=64, kernel_size=[1, 1])
    net.call(layer, "mean", x, **({"pool_size": [8, 8]} if layer == "AveragePooling2D" else {}))
    data = np.abs(np.random.default_rng(1).normal(size=(40, 8, 8, 4)))
    wide = {"weight": "fixed<30,4>", "result": "fixed<40,10,RND,SAT>"}[fixed]
    settings: dict[str, Any] = {
        "layers": {"conv": {"precision": {fixed: wide}}, "mean": {"precision": {"result": wide}}}
    }
    project = project_of(net.source("mean"), {"x": data}, default_width=8, input_precision="fixed<40,10>", **settings)
    right = measured(project, data)
    assert right / 3 < estimated(project) < 3 * right


def test_what_is_left_of_large_values_is_off_by_more_than_itself():
    """As far as its type reaches; and so is what it is added to."""
    net = Net(2)
    x, large = net.input((16,)), 3e5 + 8 * net.rng.uniform(size=16)
    for name, size, bias in (("fine", 0.2, np.zeros(16)), ("coarse", 1e-3, large)):
        weights = {"kernel": net.rng.normal(size=(16, 16)) * size, "bias": bias}
        net.call("Dense", name, x, weights, units=16)
    net.batchnorm("norm", "coarse", 16)
    net.calls[-1].weights["moving_mean"][:], net.calls[-1].weights["beta"][:] = large, 0.0
    net.call("Add", "sum", ["norm", "fine"])
    data = np.random.default_rng(1).normal(size=(200, 16))
    project = project_of(net.source("sum"), {"x": data}, skip_passes=["fuse_batchnorm"])
    right = measured(project, data)
    assert right > 0.02 and right / 3 < estimated(project) < 3 * right
    (note,) = (note for note in project.design.notes if note.startswith("warning: "))
    assert note.startswith("warning: coarse: ")


def test_types_that_came_out_narrow_are_no_choice_of_anybody():
    """Weights of which 16 bits leave a single one."""
    net = Net(1)
    net.call("Dense", "out", net.input((2,)), {"kernel": [[1.0], [2.0**-18]], "bias": [0.0]}, units=1)
    x = np.random.default_rng(0).normal(size=(100, 2)) * [1e-3, 1e3]
    project = project_of(net.source("out"), {"x": x}, input_granularity="tensor")
    assert measured(project, x) > 0.9
    (note,) = coarse(project)
    assert note.startswith(
        "warning: out: ufixed<1,1> is coarse: the rounding of its weights to steps of 1 puts 'out' off"
    )


def capped() -> Any:
    """Sums of which a ceiling leaves little where inputs fill a generous type."""
    net = Net(3)
    x = net.input((16,))
    for place in range(3):
        weights = {"kernel": net.rng.normal(size=(16, 16)) / 2, "bias": net.rng.normal(size=16) / 10}
        x = net.call("Dense", f"fc{place}", x, weights, units=16, activation="relu6")
    return net.source(
        net.call("Dense", "out", x, {"kernel": net.rng.normal(size=(16, 4)), "bias": np.zeros(4)}, units=4)
    )


@pytest.mark.parametrize("stated", ["fixed<32,12>", "fixed<32,16>", "fixed<64,32>"])
def test_a_generous_type_is_no_alarm(stated: str):
    """Neither of data that fill it, of which a ceiling leaves little, nor of standardised ones, much is lost."""
    project = project_of(capped(), input_precision=stated)
    assert not [note for note in project.design.notes if note.startswith("warning: ")]
    x = np.random.default_rng(1).normal(size=(100, 16))
    assert measured(project, x) < 0.003


def test_a_generous_type_that_costs_much_is_named():
    """Of either data: large numbers that nearly cancel."""
    net = Net(2)
    a = net.call(
        "Dense", "a", net.input((16,)), {"kernel": net.rng.normal(size=(16, 16)), "bias": np.zeros(16)}, units=16
    )
    eye = np.eye(16) + net.rng.normal(size=(16, 16)) * 2.0**-16
    net.call("Subtract", "y", [a, net.call("Dense", "b", a, {"kernel": eye, "bias": np.zeros(16)}, units=16)])
    project = project_of(net.source("y"), input_precision="fixed<16,8>")
    assert measured(project, np.random.default_rng(1).normal(size=(100, 16))) > 0.02 and coarse(project)
