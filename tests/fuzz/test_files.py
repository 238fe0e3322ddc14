"""The files that the fuzzers make are files as Keras writes them."""

from __future__ import annotations

import numpy as np
import pytest

import hlsgen
from tests.fuzz.files import LAYOUTS, flavour_of, write_model
from tests.fuzz.networks import every_network
from tests.passes.builders import evaluate_float, graph_of, project_of

SEEDS = range(12)


def data_for(inputs, samples: int = 4):
    rng = np.random.default_rng(0)
    return [rng.normal(size=(samples, *value.shape)).astype(np.float32) for value in inputs]


@pytest.mark.parametrize("nested", [False, True], ids=["flat", "nested"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_file_means_what_its_network_means(tmp_path, layout, nested):
    for seed in SEEDS:
        source = every_network(seed)
        if nested and (len(source.inputs) > 1 or len(source.outputs) > 1):
            continue
        model, weights = write_model(source, tmp_path, layout, nested=nested)
        read, known = hlsgen.convert(model, weights=weights), project_of(source)
        x = data_for(known.design.inputs)
        found, right = (p.evaluate(x[0] if len(x) == 1 else x, raw=True) for p in (read, known))
        for a, b in zip(read.design.outputs, known.design.outputs, strict=True):
            np.testing.assert_array_equal(found[a.name], right[b.name])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("layout", LAYOUTS)
def test_keras_reads_the_files_alike(tmp_path, layout):
    """Where its order of layers, by which it pairs weights, is that of the network."""
    keras = pytest.importorskip("keras")
    compared = 0
    for seed in range(60):
        source = every_network(seed, steps=4)
        others = [call for call in source.calls if call.class_name.startswith("Q") or call.name != call.layer_name]
        if flavour_of(source) != "keras3" or others or len(source.inputs) > 1:
            continue
        model, weights = write_model(source, tmp_path, layout)
        architecture = write_model(source, tmp_path, "json by path")[0].read_text()
        loaded = keras.models.model_from_json(architecture)
        if [layer.name for layer in loaded.layers[1:]] != [call.name for call in source.calls]:
            continue
        if not weights:
            loaded = keras.models.load_model(model)
        if weights:
            loaded.load_weights(weights)
        graph = graph_of(source)
        (x,) = data_for(graph.inputs)
        results = loaded(x)
        known = evaluate_float(graph, {graph.inputs[0].name: x})
        for found, value in zip(results if isinstance(results, list) else [results], graph.outputs, strict=True):
            np.testing.assert_allclose(np.asarray(found), known[value], rtol=1e-3, atol=1e-3)
        compared += 1
    assert compared >= 4
