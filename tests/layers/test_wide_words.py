"""Words of more than 64 bits: a layer computes them exactly in every executor, or refuses them by name."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from hlsgen.config import make_config
from hlsgen.errors import UnsupportedError
from hlsgen.ir.graph import Graph, Source
from hlsgen.layers.input import Input
from hlsgen.project import Project
from tests.layers.instances import EVERY, Instance

CONFIG = make_config(input_precision="fixed<68,4>")
COMPUTED = [instance for instance in EVERY if not instance.layer.is_input and instance.layer.border is None]


def project_of(*instances: Instance) -> Project:
    """All of them side by side, each behind inputs of its own."""
    graph, outputs = Graph("wide"), []
    for i, instance in enumerate(instances):
        inputs = []
        for k, shape in enumerate(instance.shapes):
            inputs.append(graph.add(Input(shape), (), f"x{i}_{k}", Source(f"x{i}_{k}", "InputLayer")))
        node = graph.add_node(instance.layer, inputs, f"y{i}", Source(f"y{i}", instance.layer.kind))
        outputs += node.outputs
    graph.set_outputs(outputs, [value.name for value in outputs])
    return Project(graph, CONFIG)


@cache
def accepted(instance: Instance) -> bool:
    try:
        project_of(instance)
    except UnsupportedError as error:
        assert "y0" in str(error) and "bits" in str(error)
        return False
    return True


def test_layers_compute_wide_words_exactly_or_refuse_them() -> None:
    chosen = [instance for instance in COMPUTED if accepted(instance)]
    assert len(COMPUTED) / 2 < len(chosen) < len(COMPUTED)
    project = project_of(*chosen)
    rng = np.random.default_rng(0)
    x = {tensor.name: rng.normal(size=(20, *tensor.shape)) * 4 for tensor in project.design.inputs}
    x = {
        name: np.concatenate([values, np.full_like(values[:1], 9), np.full_like(values[:1], -9)])
        for name, values in x.items()
    }
    with pytest.warns(UserWarning, match="were saturated"):
        found = project.predict(x, raw=True)
    right = project.evaluate(x, raw=True)
    for name, values in zip((tensor.name for tensor in project.design.outputs), found, strict=True):
        np.testing.assert_array_equal(values, right[name], err_msg=name)
