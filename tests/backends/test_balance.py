"""``reuse_factor: auto``, ``interval`` and ``pipeline``: multipliers are shared as long as nobody waits for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hlsgen.errors import ConfigError
from hlsgen.ir.op import Op
from hlsgen.project import Project
from tests.ladder.harness import executors_agree
from tests.passes.builders import Net, project_of


def network() -> Any:
    """Pixels in 8 x 8, two convolutions of which the second strides, and a dense layer behind a Flatten."""
    net = Net(7)
    net.input((8, 8, 2))
    net.conv("wide", "x", 2, 4, padding="same")
    net.conv("strided", "wide", 4, 6, strides=[2, 2], padding="same")
    net.call("Flatten", "flat", "strided")
    return net.source(net.dense("classes", "flat", 96, 5))


SOURCE = network()
SETTINGS = {"input_precision": "fixed<6,3>", "io_type": "io_stream", "strategy": "resource", "reuse_factor": "auto"}


def shared(**settings: Any) -> Project:
    return project_of(SOURCE, **{**SETTINGS, **settings})


def products(project: Project) -> list[Op]:
    return [op for op in project.design if op.layer.has_multiplier]


def cycles(project: Project) -> dict[str, int]:
    return {call.name: call.cycles for call in project.schedule.calls}


@pytest.mark.parametrize("interval", [None, 120, 700, 3000])
@pytest.mark.parametrize("strategy", ["resource", "latency", "unrolled"])
def test_each_factor_is_the_largest_that_keeps_the_interval(strategy: str, interval: int | None) -> None:
    project = shared(strategy=strategy, interval=interval)
    most = interval or shared(strategy=strategy, reuse_factor=1).schedule.interval
    assert project.schedule.interval <= most
    for op in products(project):
        factors = op.layer.valid_reuse_factors(op.strategy)
        larger = factors[factors.index(op.reuse_factor) + 1 :][:1]
        assert all(cycles(with_factor(op.name, factor, strategy))[op.name] > most for factor in larger), op.name
    assert project.design.digest == shared(reuse_factor=1).design.digest, "no bit depends on it"


def with_factor(name: str, factor: int, strategy: str) -> Project:
    return shared(strategy=strategy, reuse_factor=1, layers={name: {"reuse_factor": factor}})


def test_a_layer_that_is_slower_says_so() -> None:
    project = shared(interval=70)
    assert any(
        n.startswith("warning: wide: takes 100 cycles a sample at least, not the wished 70")
        for n in project.design.notes
    )
    assert {op.name: op.reuse_factor for op in products(project)}["wide"] == 1


def test_one_layer_among_others() -> None:
    project = shared(reuse_factor=2, interval=900, layers={"classes": {"reuse_factor": "auto"}})
    found = {op.name: op.reuse_factor for op in products(project)}
    assert (found["wide"], found["strided"]) == (2, 2) and found["classes"] == 480
    executors_agree(project, np.random.default_rng(1).integers(-32, 32, (5, 8, 8, 2)) / 8)


# -- the form of the top function ------------------------------------------------------------------


def perceptron() -> Any:
    net = Net(8)
    net.input((6,))
    return net.source(net.dense("b", net.dense("a", "x", 6, 4), 4, 3))


def top(project: Project) -> str:
    return project.files[f"firmware/{project.name}.cpp"]


def test_a_flat_pipeline_of_a_wished_interval() -> None:
    project = project_of(perceptron(), input_precision="fixed<6,3>", interval=4)
    assert "#pragma HLS PIPELINE II=4" in top(project) and project.schedule.interval == 4
    shared_too = project_of(perceptron(), input_precision="fixed<6,3>", interval=2, layers={"a": {"reuse_factor": 3}})
    assert "#pragma HLS PIPELINE II=3" in top(shared_too), "a layer that takes longer"


def test_what_is_in_a_flat_pipeline_says_its_interval() -> None:
    """A function of an interval of its own would share nothing, and a limit for one position be too few for all."""
    net = Net(8)
    rows = net.dense("rows", net.conv("conv", net.input((4, 4, 1)), 1, 5, size=2), 5, 4)
    layers = {"conv": {"parallelization_factor": 3}}
    project = project_of(
        net.source(rows), input_precision="fixed<6,3>", pipeline="flat", interval=4, layers=layers, project_name="dut"
    )
    text = project.files["firmware/parameters.h"]
    for step, limit, products in (("conv", "all_multipliers", 9 * 20), ("rows", "multipliers", 9 * 20)):
        config = text.partition(f"struct {step}_config ")[2].partition("};")[0]
        assert "static const int interval = 4;" in config
        assert f"static const int {limit} = {products // 4};" in config
    assert {call.multipliers for call in project.schedule.calls} == {45}, "the summary says the same"
    executors_agree(project, np.random.default_rng(5).integers(-32, 32, (5, 4, 4, 1)) / 8)


def test_a_dataflow_on_wish() -> None:
    project = project_of(perceptron(), input_precision="fixed<6,3>", pipeline="dataflow")
    assert "#pragma HLS DATAFLOW" in top(project) and "PIPELINE" not in top(project)
    executors_agree(project, np.random.default_rng(2).integers(-32, 32, (5, 6)) / 8)


def test_flat_unrolls_also_what_is_large() -> None:
    source = network()
    project = project_of(source, input_precision="fixed<6,3>", pipeline="flat", strategy="latency", interval=64)
    assert "#pragma HLS PIPELINE II=64" in top(project) and "DATAFLOW" not in top(project)
    executors_agree(project, np.random.default_rng(3).integers(-32, 32, (5, 8, 8, 2)) / 8)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"io_type": "io_stream"}, "pipeline 'flat' is one pipeline of arrays.*io_parallel"),
        ({"interface": "axi_master"}, "pipeline 'flat' is one pipeline of arrays.*ap_vld"),
        ({"strategy": "resource", "reuse_factor": 2}, r"'a' \(Dense\).*pipeline 'flat'.*strategy 'latency'"),
    ],
)
def test_what_is_not_flat(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        project_of(perceptron(), input_precision="fixed<6,3>", pipeline="flat", **settings).plan  # noqa: B018
