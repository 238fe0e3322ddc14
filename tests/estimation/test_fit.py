"""The coefficients and the page are those of the script, and near enough to the reports."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from hlsgen.estimation.coefficients import FITTED, fitted
from tests.passes.builders import Net, project_of

FOLDER = Path(__file__).parents[2] / "benchmarks" / "estimate"
MODULES = ("reports", "projects", "check", "fit")


@pytest.fixture(scope="module")
def script() -> Iterator[SimpleNamespace]:
    """The modules of the script, which import each other by their plain names, and what they find."""
    before = {name: sys.modules.pop(name, None) for name in MODULES}
    sys.path.insert(0, str(FOLDER))
    try:
        modules = {name: importlib.import_module(name) for name in MODULES}
        coefficients, table = modules["fit"].fitted()
        yield SimpleNamespace(**modules, coefficients=coefficients, table=table)
    finally:
        sys.path.remove(str(FOLDER))
        for name, module in before.items():
            sys.modules.pop(name, None)
            if module is not None:
                sys.modules[name] = module


def test_the_package_has_what_the_script_finds(script):
    assert FITTED.read_text(encoding="utf-8") == script.fit.as_json(script.coefficients)


def test_the_page_says_what_the_script_finds(script):
    page = script.fit.PAGE.read_text(encoding="utf-8")
    (found,) = script.fit.BETWEEN.findall(page)
    assert found == script.fit.section(script.table, script.coefficients)


def test_every_report_is_there(script):
    networks = script.reports.networks()
    assert len(networks) == 4
    assert sum(len(network.reports) for network in networks) == 24
    modules = [of for network in networks for reports in network.reports.values() for of in reports]
    assert len(modules) == 24 + 6 * (4 + 8 + 8 + 8), "every module and every whole design"


def test_dsps_of_every_module_are_exact(script):
    residuals = script.fit.residuals(script.reports.networks(), fitted())
    found = [r for r in residuals if r.figure in ("DSP", "BRAM_18K")]
    assert len(found) > 300
    assert not [r for r in found if r.expected != r.reported]


@pytest.mark.parametrize(
    ("figure", "most"), [("DSP", 0.0), ("LUT", 0.05), ("FF", 0.1), ("latency", 0.05), ("interval", 0.0)]
)
def test_median_error_of_networks_left_out(script, figure, most):
    residuals, _ = script.fit.left_out()
    errors = [r.error for r in residuals if r.module == "total" and r.figure == figure]
    assert len(errors) == 24
    assert np.median(errors) <= most


def test_intervals_hold_networks_left_out(script):
    _, held = script.fit.left_out()
    for figure in script.reports.FIGURES:
        totals = [hit for residual, hit in held if residual.module == "total" and residual.figure == figure]
        modules = [hit for residual, hit in held if residual.module != "total" and residual.figure == figure]
        assert np.mean(totals) >= 0.8, figure
        assert np.mean(modules) >= 0.8, figure


def test_baselines_of_others(script):
    """Of 64 products the rule expects as many DSPs as twenty-four designs of other versions of the tool have."""
    assert script.fit.baselines().startswith("expected 60.3 DSPs of 64 products, found 56 to 63")


@pytest.mark.parametrize(("io_type", "cycles", "interval"), [("io_parallel", 0, 1), ("io_stream", 2, 2)])
def test_a_baseline_as_a_project(io_type, cycles, interval):
    """64 outputs of one input and ReLU: 56 to 63 DSPs, 2,840 and 2,983 LUTs, 18 FFs; of streams, 2 cycles each 2 cycles.

    The weights are drawn as Keras drew those of the report, by another seed.
    """
    net = Net(0)
    limit = np.sqrt(3.0)
    weights = {"kernel": net.rng.uniform(-limit, limit, (1, 64)), "bias": np.zeros(64)}
    x = net.call("Dense", "dense", net.input((1,)), weights, units=64)
    y = net.call("ReLU", "relu", x)
    project = project_of(
        net.source(y),
        io_type=io_type,
        precision={"weight": "fixed<16,6>", "bias": "fixed<16,6>", "accum": "fixed<16,6>", "result": "fixed<16,6>"},
        input_precision="fixed<16,6>",
        part="xcvu13p-flga2577-2-e",
    )
    found = project.estimate()
    assert 56 <= found.dsp.value <= 63
    assert found.latency.value == cycles
    assert found.interval.value == interval
    if io_type == "io_parallel":
        assert abs(found.lut.value - 2911) < 0.1 * 2911
        assert found.ff.value <= 18


def test_a_network_as_a_project(script):
    """The same DSPs as in the report, product by product; the interval as it was reported."""
    pytest.importorskip("keras")
    network = next(network for network in script.reports.networks() if network.name == "Breast_cancer")
    found = script.projects.project_of(network, 1).estimate(multipliers="dsp")
    reported = network.reports["DSP_reuse1"]
    by_name = {layer.name: layer for layer in found.layers}
    dense = [layer for layer in network.layers if layer.kind == "dense"]
    assert [by_name[layer.name].dsp.value for layer in dense] == [reported[layer.config]["DSP"] for layer in dense]
    for layer in dense:
        assert by_name[layer.name].lut.holds(reported[layer.config]["LUT"])
    assert found.interval.value == reported["total"]["interval"] == 1


@pytest.mark.slow
def test_the_page_says_what_projects_are(script):
    pytest.importorskip("keras")
    (found,) = script.fit.BETWEEN_PROJECTS.findall(script.fit.PAGE.read_text(encoding="utf-8"))
    assert found == script.check.compare(script.reports.networks(), as_projects=True)
