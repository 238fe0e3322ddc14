"""Real numbers with casts: what is computed again is what is computed anew, and near to the design itself."""

from __future__ import annotations

import numpy as np
import pytest

from hlsgen.analysis.meaning import meant_outputs
from hlsgen.design import arrays
from hlsgen.design.reference import evaluate
from hlsgen.explore.quantization.correction import Corrector, correctable
from hlsgen.explore.quantization.material import Material
from hlsgen.explore.quantization.placement import Calibration
from hlsgen.explore.quantization.plan import Plan, settings_for
from hlsgen.explore.quantization.simulation import Simulation
from hlsgen.project import Project
from tests.explore.quantization.networks import image_network, perceptron, samples

CASES = [(perceptron, (6,)), (image_network, (6, 6, 1))]


def narrow(project: Project) -> Project:
    return project.with_settings(default_width=8, weight_granularity="tensor", skip_passes=["equalise_channels"])


@pytest.mark.parametrize(("network", "shape"), CASES)
def test_without_casts_it_is_the_model(network, shape) -> None:
    design, x = narrow(network()).design, {"x": samples(shape, 40)}
    simulation = Simulation(design, x)
    found = simulation.outputs(simulation.known({}, {}))
    assert all(np.array_equal(a, b) for a, b in zip(found, meant_outputs(design, x), strict=True))


@pytest.mark.parametrize(("network", "shape"), CASES)
def test_what_is_computed_again_is_what_is_computed_anew(network, shape) -> None:
    x = {"x": samples(shape, 40)}
    material = Material(narrow(network()), x)
    simulation = Simulation(material.design, x)
    base = simulation.known({}, {})
    for held in material.held:
        types = dict.fromkeys(held.tensors, material.type_of(held, 4, "mse", 99.0))
        again, anew = simulation.changed(base, types, {}, {}, {}), simulation.known(types, {})
        assert again.keys() == anew.keys()
        assert all(np.array_equal(again[tensor], anew[tensor]) for tensor in anew)
    for weights in material.weights:
        layers = material.layers({weights.layer: 3}, frozenset(), {weights.layer: "mse"})
        again, anew = simulation.changed(base, {}, layers, {}, {}), simulation.known({}, layers)
        assert all(np.array_equal(again[tensor], anew[tensor]) for tensor in anew)


@pytest.mark.parametrize(("network", "shape"), CASES)
def test_it_is_near_to_the_design(network, shape) -> None:
    project, x = narrow(network()), {"x": samples(shape, 60)}
    material = Material(project, x)
    bits = {w.layer: 6 for w in material.weights}
    by_error: dict[str, Calibration] = dict.fromkeys(bits, "mse")
    plan = Plan(bits, {h.name: material.type_of(h, 7, "mse", 99.0) for h in material.held}, {}, by_error)
    simulation = Simulation(material.design, x)
    known = simulation.known(plan.types(material.held), material.layers(bits, frozenset(), by_error))
    design = project.with_settings(**settings_for(project.config, plan, material.weights, material.held)).design
    exact = evaluate(design, arrays.mantissas(design.inputs, x))
    for tensor in design.outputs:
        right = tensor.type.to_float(exact[tensor])
        found = next(values for t, values in known.items() if t.name == tensor.name)
        plain = meant_outputs(design, x)[0]
        assert np.abs(found - right).mean() < 0.35 * np.abs(plain - right).mean()
        assert np.abs(found - right).max() <= 2 * float(tensor.type.step)


def test_corrected_means_are_those_of_the_model() -> None:
    x = {"x": samples((6,), 300)}
    material = Material(narrow(perceptron()), x)
    simulation = Simulation(material.design, x)
    right = simulation.known({}, {})
    layers = material.layers({w.layer: 3 for w in material.weights}, frozenset(), {})
    corrector = Corrector(simulation, material.correctable, material.correction_factors)
    found = simulation.known({}, layers, corrector)
    plain = simulation.known({}, layers)
    assert set(corrector.found) == {"fc1", "fc2", "classes"} == set(correctable(material.design).values())
    for name in correctable(material.design):
        (tensor,) = [op.output for op in material.design if op.name == name]
        off, was = (np.abs(known[tensor].mean(axis=0) - right[tensor].mean(axis=0)).max() for known in (found, plain))
        assert off < 1e-3 < was


@pytest.mark.parametrize(("network", "shape"), CASES)
def test_a_design_is_corrected_as_the_simulation_is(network, shape) -> None:
    """Also where a BatchNormalization is fused into the layer, which multiplies what its bias is corrected by."""
    x = {"x": samples(shape, 300)}
    material = Material(narrow(network()), x)
    simulation = Simulation(material.design, x)
    corrector = Corrector(simulation, material.correctable, material.correction_factors)
    shifts: dict[str, np.ndarray] = {}

    def adjust(op, given, results):
        found = corrector(op, given, results)
        if op.name in material.correction_factors:
            shifts[op.name] = (found[0] - results[0]).reshape(-1, found[0].shape[-1])[0]
        return found

    simulation.known({}, material.layers({w.layer: 3 for w in material.weights}, frozenset(), {}), adjust)
    settings = settings_for(material.base.config, Plan(corrections=corrector.found), material.weights, material.held)
    corrected = {
        op.name: op.layer.bias.values for op in material.base.with_settings(**settings).design if op.name in shifts
    }
    plain = {op.name: op.layer.bias.values for op in material.design if op.name in shifts}
    assert corrected and any(not np.allclose(factors, 1.0) for factors in material.correction_factors.values())
    for name, bias in corrected.items():
        assert np.allclose(bias - plain[name], shifts[name], atol=1e-9)
