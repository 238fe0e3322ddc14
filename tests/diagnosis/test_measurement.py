"""What designs are measured against: real numbers, in which no type of the user's is left."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hlsgen
from hlsgen.analysis.diagnosis.measurement import Measurement
from hlsgen.design.arrays import Array
from tests.diagnosis.models import example


def in_real_numbers(model: Any, x: Array, settings: dict[str, Any]) -> list[Array]:
    project = hlsgen.convert(model, settings)
    (name,) = (tensor.name for tensor in project.design.inputs)
    work = Measurement(project.design, project.graph, {name: x}, np.ones(len(x)))
    return [work.ideal[tensor] for tensor in work.design.outputs]


LAYERS = {"fc1": ("result", "accum", "weight"), "relu1": ("result",), "fc2": ("result", "accum"), "logits": ("accum",)}


@pytest.mark.parametrize(("layer", "role"), [(layer, role) for layer, roles in LAYERS.items() for role in roles])
def test_types_of_the_user_are_lifted_beside_those_of_the_model(layer: str, role: str) -> None:
    """A quantiser that reads a narrow type need not saturate; the model's still does."""
    model, x = example("digits_mlp")
    right = in_real_numbers(model, x[:60], {})
    for fixed in ("fixed<8,2>", "fixed<3,1>", "fixed<20,10>"):
        found = in_real_numbers(model, x[:60], {"layers": {layer: {"precision": {role: fixed}}}})
        assert all(np.array_equal(a, b) for a, b in zip(found, right, strict=True)), fixed
