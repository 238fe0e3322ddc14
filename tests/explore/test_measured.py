"""Objectives that are measured of circuits, by yosys and nextpnr: the numbers that the project itself gives."""

from __future__ import annotations

import numpy as np
import pytest

from hlsgen import tools
from hlsgen.config import make_config
from hlsgen.explore.sweep import sweep
from hlsgen.project import Project
from tests.passes.builders import Net, graph_of
from tests.rtl.synthesis import found

AREAS = {"area_lut": "luts", "area_ff": "ffs", "area_dsp": "dsps", "area_bram": "brams"}
X = np.random.default_rng(0).normal(0, 1, (50, 4))
SPACE = {"layers.fc1.precision.weight": ["fixed<3,1>", "fixed<6,1>"]}


def circuit() -> Project:
    """As small as circuits are that have something to choose: one product of four by two numbers."""
    net = Net(seed=1)
    weights = {"kernel": [[0.75, -0.5], [1, 0.25], [-0.3, 0.4], [0.2, 1]], "bias": [0.25, -1]}
    source = net.source(net.call("Dense", "fc1", net.input((4,)), weights, units=2))
    settings = {"defaults": {"precision": {"result": "fixed<6,3>"}}, "input_precision": "fixed<4,2>"}
    return Project(graph_of(source), make_config(None, backend="verilog", **settings))


def test_area() -> None:
    found(tools.find_yosys)
    project = circuit()
    study = sweep(project, SPACE, X, objectives=["agreement", "latency_cycles", *AREAS], workers=0)
    assert len(study.done) == len(study) == 2, str(study)
    for trial, weight in zip(study.trials, SPACE["layers.fc1.precision.weight"], strict=True):
        alone = project.with_settings(layers={"fc1": {"precision": {"weight": weight}}})
        area = alone.area().total
        assert {name: trial.values[name] for name in AREAS} == {n: getattr(area, part) for n, part in AREAS.items()}
        assert trial.values["latency_cycles"] == alone.circuit.latency
    narrow, wide = study.trials
    assert 0 < narrow.values["area_lut"] < wide.values["area_lut"]


@pytest.mark.slow
def test_fmax() -> None:
    """And by processes, which find the tools too."""
    found(tools.find_yosys)
    found(tools.find_nextpnr)
    project = circuit()
    study = sweep(project, SPACE, objectives=["fmax", "area_lut"], workers=2)
    assert len(study.done) == len(study) == 2, str(study)
    for trial, weight in zip(study.trials, SPACE["layers.fc1.precision.weight"], strict=True):
        alone = project.with_settings(layers={"fc1": {"precision": {"weight": weight}}})
        assert trial.values["fmax"] == alone.timing(on_failure="ignore").fmax > 1
    assert study.best(minimum={"fmax": 1}, by="area_lut") == study.trials[0]
