"""Every pass on random networks: an exact one changes no bit, the others change no real number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from hlsgen.config import Config
from hlsgen.frontends.keras.build import build_graph
from hlsgen.frontends.keras.source import SourceModel
from hlsgen.ir.graph import Graph
from hlsgen.pipeline import passes, stages
from tests.passes.builders import grid, project_of
from tests.passes.random_graphs import random_network
from tests.selection import first_of

EXACT = [step.pass_name() for step in stages(Config()) if step.exact and step.optional]
NUMERIC = [step.pass_name() for step in stages(Config()) if not step.exact and step.optional]
SEEDS = range(80)
INPUT = "fixed<7,3>"
_EXACT_BITS = 100


def values(source: SourceModel, skip: list[str]) -> list[Any]:
    """Every output as integers on one fine grid: what has to be equal, whatever types were inferred."""
    project = project_of(source, input_precision=INPUT, skip_passes=skip)
    found = project.evaluate(grid((4, 3, 2), samples=16, bound=48), raw=True)
    outputs = []
    for value in project.design.outputs:
        key = next(k for k, v in project.trace_keys().items() if v is value)
        outputs.append(found[key].astype(object) << (_EXACT_BITS - value.type.frac))
    return outputs


@pytest.mark.parametrize("quantized", [True, False], ids=["quantized", "float"])
@pytest.mark.parametrize("seed", first_of(SEEDS, 32))
def test_exact_passes_change_no_bit(seed: int, quantized: bool):
    """Each alone, and all together; the others are off, for what they may do depends on what they find."""
    source = random_network(seed, quantized=quantized)
    reference = values(source, EXACT + NUMERIC)
    for kept in [*([name] for name in EXACT), EXACT]:
        skip = [name for name in EXACT + NUMERIC if name not in kept]
        for got, right in zip(values(source, skip), reference, strict=True):
            np.testing.assert_array_equal(got, right, err_msg=f"network {seed} with {kept}")


# -- real numbers ------------------------------------------------------------------------------


def real_outputs(graph: Graph, x: Mapping[str, Any]) -> list[Any]:
    """The real-number meaning of a graph."""
    known = {value: x[value.name] for value in graph.inputs}
    for node in graph:
        if node.inputs:
            known[node.output] = node.layer.evaluate_float([known[v] for v in node.inputs])
    return [known[value] for value in graph.outputs]


@pytest.mark.parametrize("name", ["fuse_exact_scales", "fuse_batchnorm", "fuse_padding", "remove_identities"])
@pytest.mark.parametrize("quantized", [True, False], ids=["quantized", "float"])
def test_fusions_keep_the_real_function(name: str, quantized: bool):
    """Before anything is rounded: equal up to float64, with and without permission to touch quantised weights."""
    x = {"x": grid((4, 3, 2), samples=8).astype(np.float64)}
    fused = 0
    for seed in SEEDS:
        source = random_network(seed, quantized=quantized)
        right = real_outputs(build_graph(source), x)
        for permission in (False, True):
            graph = build_graph(source)
            step = next(s for s in passes(Config(fuse_quantized=permission)) if s.pass_name() == name)
            fused += step.run(graph)
            graph.verify()
            for got, wanted in zip(real_outputs(graph, x), right, strict=True):
                assert got.shape == wanted.shape
                scale = max(1.0, float(np.abs(wanted).max()))
                np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-12 * scale, err_msg=f"network {seed}")
    if quantized or name != "fuse_exact_scales":
        assert fused > len(SEEDS) // 8, "the networks give the pass something to do"
