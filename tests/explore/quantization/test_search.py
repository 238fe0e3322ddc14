"""What bits are worth: each tensor alone, then among others that are rounded, too."""

from __future__ import annotations

import pytest

from hlsgen.explore.quantization.correction import Corrector
from hlsgen.explore.quantization.goal import Goal
from hlsgen.explore.quantization.material import Material
from hlsgen.explore.quantization.options import Options
from hlsgen.explore.quantization.search import Search, marked
from hlsgen.explore.quantization.simulation import Simulation
from hlsgen.explore.quantization.tensors import NARROW
from tests.explore.quantization.networks import perceptron, samples


def test_among_others_a_bit_costs_what_a_plan_loses_without_it() -> None:
    project, inputs = perceptron(2).with_settings(default_width=NARROW), {"x": samples(count=300)}
    material, simulation = Material(project, inputs), Simulation(project.design, inputs)
    goal = Goal.of(project.design, inputs, None, "agreement", None, None)
    search = Search(material, Options())
    search.measure(simulation, goal)
    plan, alone = search.plan(0.02), {name: dict(curve) for name, curve in search.losses.items()}
    search.measure_around(plan, simulation, goal)

    def loss(layer: str | None = None) -> float:
        bits = {name: width - (name == layer) for name, width in plan.weights.items()}
        layers = material.layers(bits, frozenset(), plan.weight_calibrations)
        corrector = Corrector(simulation, material.correctable, material.correction_factors)
        return goal.loss(simulation.outputs(simulation.known(plan.types(material.held), layers, corrector)))

    corrected = 0
    for weights in material.weights:
        width, curve, before = plan.weights[weights.layer], search.losses[marked(weights)], alone[marked(weights)]
        factor = curve[width] / before[width]
        assert 0.25 <= factor <= 4.0 and curve[width + 2] == pytest.approx(factor * before[width + 2])
        if 0.2501 < factor < 3.999 and width > 3:
            assert curve[width - 1] - curve[width] == pytest.approx(loss(weights.layer) - loss(), rel=1e-6)
            corrected += factor != 1.0
    assert corrected
