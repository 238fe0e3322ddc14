"""``reuse_factor: auto`` of circuits: every layer is folded as far as the interval allows, and the circuit keeps it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hlsgen.project import Project
from tests.circuits import outputs_of
from tests.passes.builders import Net, grid, project_of


def network() -> Any:
    net = Net(7)
    x = net.conv("wide", net.input((8, 8, 2)), 2, 4, padding="same")
    x = net.conv("strided", x, 4, 6, strides=[2, 2], padding="same")
    x = net.call("Flatten", "flat", x)
    return net.source(net.dense("classes", x, 96, 5))


SOURCE = network()


def shared(**settings: Any) -> Project:
    given = {"backend": "verilog", "input_precision": "fixed<6,3>", "strategy": "resource", "reuse_factor": "auto"}
    return project_of(SOURCE, **{**given, **settings})


def factors(project: Project) -> dict[str, int]:
    return {op.name: op.reuse_factor for op in project.design if op.layer.has_multiplier}


@pytest.mark.parametrize("interval", [None, 150, 300, 2500])
def test_each_factor_is_the_largest_that_keeps_the_interval(interval: int | None):
    project = shared(interval=interval)
    most = interval or shared(reuse_factor=1).circuit.bound
    beats = {"wide": 64, "strided": 16, "classes": 1}
    for op in project.design:
        if op.layer.has_multiplier:
            assert beats[op.name] * op.reuse_factor <= most
            larger = [f for f in op.layer.valid_reuse_factors(op.strategy) if f > op.reuse_factor]
            assert all(beats[op.name] * factor > most for factor in larger[:1]), op.name
    assert project.circuit.bound <= most
    assert project.circuit.interval <= 1.05 * most


def test_the_folded_circuit_computes_the_same():
    project = shared(interval=300)
    xs = [grid((8, 8, 2), samples=4, bound=30)]
    run = project.simulate(xs, gaps=0.2, stalls=0.2, seed=3)
    np.testing.assert_array_equal(run.result, outputs_of(project, xs)[0])
    assert project.simulate(xs).interval == project.circuit.interval


def test_one_layer_among_others():
    found = factors(shared(reuse_factor=2, interval=900, layers={"classes": {"reuse_factor": "auto"}}))
    assert (found["wide"], found["strided"], found["classes"]) == (2, 2, 480)


def test_what_takes_longer_is_named():
    notes = " ".join(shared(interval=50).design.notes)
    assert "warning: wide: takes" in notes and "cycles a sample at least, not the wished 50" in notes
    fixed = shared(reuse_factor=36, interval=300)
    assert any(n.startswith("warning: wide: takes 2304 cycles a sample at least") for n in fixed.design.notes)


def recurrent(reset_after: bool, **settings: Any) -> Project:
    net = Net(8)
    rows = (2,) if reset_after else ()
    weights = {"kernel": net.dyadic(3, 12), "recurrent_kernel": net.dyadic(4, 12), "bias": net.dyadic(*rows, 12)}
    net.call("GRU", "gru", net.input((5, 3)), weights, units=4, reset_after=reset_after)
    given = {"input_precision": "fixed<6,3>", "default_width": 6, "strategy": "resource", "reuse_factor": "auto"}
    return project_of(net.source("gru"), backend="verilog", **{**given, **settings})


@pytest.mark.parametrize(
    ("reset_after", "layers"), [(True, ["gru_recurrent"]), (False, ["gru_recurrent", "gru_recurrent_1"])]
)
def test_layers_within_a_step_share_its_time(reset_after: bool, layers: list[str]):
    """What the products of a state take is added to every step; those of the input are computed meanwhile."""
    alone = recurrent(reset_after)
    assert {name for name, factor in factors(alone).items() if factor > 1} == {"gru_inputs"}
    assert alone.circuit.interval == recurrent(reset_after, reuse_factor=1).circuit.interval
    wished = alone.circuit.interval + 5 * 16
    project = recurrent(reset_after, interval=wished)
    found = factors(project)
    assert all(found[name] > 1 for name in layers)
    assert wished - 5 * 8 < project.circuit.interval <= wished
    assert not any("cycles a sample at least" in note for note in project.design.notes)
    late = recurrent(reset_after, interval=alone.circuit.interval - 1)
    assert any("cycles a sample at least" in note for note in late.design.notes)
