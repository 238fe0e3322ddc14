"""From graph to design: a function of the graph and the settings that leaves the graph as it was."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from hlsgen.config import Config, make_config
from hlsgen.ir.graph import Graph
from hlsgen.ir.placing import Method, Placing
from hlsgen.ir.types import FixedType
from hlsgen.ir.wish import Budget, By, Granularity, Hardware, Level, Strategy, Wish, Wished
from hlsgen.pipeline import infer, make_design, steps
from tests.ir.test_graph import picture
from tests.passes.builders import Net, graph_of, grid, project_of, rewritten


def network() -> Net:
    """Constants of every kind, quantisers, layers that are prepared into others, averages that choose accumulators."""
    net = Net(3)
    y = net.conv("conv", net.input((6, 6, 2)), 2, 3, activation="relu")
    y = net.batchnorm("bn", y, 3)
    y = net.quantize("q", y, 8, 4)
    y = net.call("AveragePooling2D", "mean", y, pool_size=[3, 3], strides=[1, 1], padding="valid")
    y = net.call("QActivation", "tern", y, activation="ternary(alpha=1)")
    y = net.call("Flatten", "flat", y)
    y = net.dense("fc", y, 12, 4)
    net.call("Softmax", "soft", y)
    net.call("Activation", "tanh", y, activation="tanh")
    return net


def small_network() -> Net:
    """Without functions by table, which hold Python functions."""
    net = Net(3)
    y = net.dense("fc0", net.input((4,)), 4, 12, activation="relu")
    net.dense("fc", net.quantize("q", y, 8, 4), 12, 4)
    return net


SETTINGS: dict[str, dict[str, Any]] = {
    "nothing said": {},
    "narrow": {"max_width": 8},
    "fixed": {"precision": {"result": "fixed<9,4,RND,SAT>", "accum": "fixed<14,8>"}, "input_precision": "fixed<6,2>"},
    "channels": {"weight_granularity": "channel", "default_width": 7},
    "resource": {"layers": {"fc": {"strategy": "resource", "reuse_factor": 3}}},
}


@pytest.fixture(params=SETTINGS.values(), ids=SETTINGS.keys())
def config(request: pytest.FixtureRequest) -> Config:
    return make_config(**request.param)


def source_graph() -> Graph:
    return graph_of(network().source("soft", "tanh", "mean"))


def test_inference_twice_gives_the_same_design(config: Config) -> None:
    """Also where the first design was compiled in between: nothing is kept anywhere."""
    graph = rewritten(source_graph(), config)
    before = picture(graph)
    first = infer(graph, steps(config))
    second = infer(graph, steps(config))
    assert picture(graph) == before
    assert str(first) == str(second)
    assert first.digest == second.digest
    assert first.notes == second.notes
    assert [str(t.typing) for t in first.tensors] == [str(t.typing) for t in second.tensors]
    assert not set(first.tensors) & set(second.tensors)


@pytest.mark.parametrize("calibrated", [False, True])
def test_a_design_is_made_twice_of_one_graph(config: Config, calibrated: bool) -> None:
    graph = source_graph()
    before = picture(graph)
    data = {"x": grid((6, 6, 2))} if calibrated else None
    first, second = (make_design(graph, config, data) for _ in range(2))
    assert picture(graph) == before
    assert (str(first), first.digest, first.notes) == (str(second), second.digest, second.notes)


@pytest.mark.parametrize("twin", [copy.deepcopy, lambda thing: pickle.loads(pickle.dumps(thing))])
def test_graphs_are_copied_and_sent_to_other_processes(config: Config, twin: Callable[[Any], Any]) -> None:
    graph = graph_of(small_network().source("fc"))
    design = make_design(graph, config)
    assert twin(design).digest == make_design(twin(graph), config).digest == design.digest


@pytest.mark.parametrize("twin", [copy.deepcopy, lambda thing: pickle.loads(pickle.dumps(thing))])
def test_wishes_are_copied_whole(twin: Callable[[Any], Any]) -> None:
    wish = Wish(
        {"result": Wished(FixedType(4, 2), By.LAYER)},
        Hardware(Strategy.RESOURCE, 2),
        Granularity.CHANNEL,
        Placing(Method.MSE),
        {"weight": Budget(3, Level.NAME)},
        (1, 0),
    )
    assert twin(wish) == wish != Wish()


def test_wishes_cannot_be_changed() -> None:
    types = {"result": Wished(FixedType(4, 2), By.MODEL)}
    wish = Wish(types)
    types.clear()
    assert wish.result == FixedType(4, 2)
    with pytest.raises(TypeError):
        wish.types["accum"] = wish.types["result"]  # type: ignore[index]


def test_settings_of_one_design_are_not_those_of_the_next() -> None:
    """In any order, each is what it is alone."""
    graph = source_graph()
    alone = [make_design(source_graph(), make_config(**s)).digest for s in SETTINGS.values()]
    for order in (list(SETTINGS), list(SETTINGS)[::-1]):
        found = {name: make_design(graph, make_config(**SETTINGS[name])).digest for name in order}
        assert [found[name] for name in SETTINGS] == alone
    assert len(set(alone)) == len(alone) - 1, "strategy and reuse factor change no number"


@pytest.mark.parametrize(
    "settings", [{"input_precision": "fixed<8,4>"}, {"max_width": 8}], ids=["average", "max_width"]
)
def test_an_accumulator_that_was_inferred_is_nobodys_wish(settings: dict[str, Any]) -> None:
    """It is found anew each time; what was found first used to be reported as the user's own later."""
    project = project_of(network().source("soft", "tanh"), **settings)
    again = project.with_settings()
    chosen = {op.name for op in project.design if any(t.typing.accum is not None for t in op.outputs)}
    assert chosen, "no accumulator was chosen: the test shows nothing"
    for one in (project, again, again.with_settings()):
        assert {op.name for op in one.design if any(t.typing.accum is not None for t in op.outputs)} == chosen
        assert all(op.wish.accum is None for op in one.design)
        assert not [loss for loss in one.precision.losses if loss.role == "accum"]
        assert "Fixed types that lose" not in one.summary()
        assert one.summary() == project.summary()


def test_an_accumulator_that_the_user_wishes_is_reported_each_time() -> None:
    project = project_of(network().source("soft"), layers={"fc": {"precision": {"accum": "fixed<6,3>"}}})
    for one in (project, project.with_settings(), project.with_settings(io_type="io_stream")):
        (loss,) = [loss for loss in one.precision.losses if loss.role == "accum"]
        assert (loss.layer, str(loss.type)) == ("fc", "fixed<6,3>")
        (op,) = [op for op in one.design if op.name == "fc"]
        assert op.wish.types["accum"].by is By.LAYER
    plain = project.with_settings(layers={})
    assert not plain.precision.losses and np.all([op.wish.accum is None for op in plain.design])
