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

FOLDER = Path(__file__).parents[2] / "benchmarks" / "estimate"
MODULES = ("reports", "baselines", "projects", "check", "fit")


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
    assert script.fit.drawn_constants().startswith("expected 60.3 DSPs of 64 products, found 56 to 63")


def test_the_page_says_what_baselines_are(script):
    (found,) = script.fit.BETWEEN_BASELINES.findall(script.fit.PAGE.read_text(encoding="utf-8"))
    assert found == script.baselines.compare_baselines()


def of_design(script, design):
    """The estimate of a design, and the reports of it."""
    reports = [baseline for baseline in script.baselines.baselines() if baseline.design == design]
    assert reports
    return reports[0].project().estimate(), [report.figures for report in reports]


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("kind", ["AveragePooling1D", "AveragePooling2D", "MaxPooling1D", "MaxPooling2D"])
def test_pooling_is_as_reported(script, kind, padding):
    """Registers and cycles to the last one, LUTs within a ninth, and in the interval."""
    found, (reported,) = of_design(script, f"{kind}, {padding}")
    exact = (found.dsp, found.ff, found.bram, found.latency, found.interval)
    names = ("DSP", "FF", "BRAM_18K", "latency", "interval")
    assert [figure.value for figure in exact] == [reported[name] for name in names]
    assert abs(found.lut.value - reported["LUT"]) < reported["LUT"] / 9
    assert found.lut.holds(reported["LUT"])


@pytest.mark.parametrize("activation", ["relu", "prelu", "leaky_relu"])
def test_rectifiers_are_as_reported(script, activation):
    """Of two versions of the tool; a slope of 1, which the leaky one has, leaves nothing to be computed."""
    found, reports = of_design(script, f"dense, {activation}; arrays")
    for reported in reports:
        assert (found.ff.value, found.latency.value, found.interval.value) == (18, 0, 1)
        assert (reported["FF"], reported["latency"], reported["interval"]) == (18, 0, 1)
        assert abs(found.dsp.value - reported["DSP"]) <= 4
        assert found.lut.holds(reported["LUT"])


def test_streams_have_two_processes_more(script):
    """Those that a report has take a cycle each, and so do ours, with those of the ports."""
    found, reports = of_design(script, "dense, relu; streams")
    assert {report["latency"] for report in reports} == {2}
    assert found.latency.value == 4
    assert {report["interval"] for report in reports} == {found.interval.value}


def test_intervals_hold_baselines(script):
    held = []
    for baseline in script.baselines.baselines():
        found = script.baselines.figures_of(baseline.project().estimate())
        held += [found[name].holds(reported) for name, reported in baseline.figures.items()]
    assert len(held) == 31 * 6
    assert np.mean(held) >= 0.8


def test_a_baseline_of_an_unknown_test_is_refused(script):
    with pytest.raises(ValueError, match="test_garnet: what this test converts is not known"):
        script.baselines.Baseline("2024.1", "test_garnet", {}).project()


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
