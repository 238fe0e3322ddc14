"""docs/layers.md tells the truth: each of its lines is converted and compared with Keras."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hlsgen
from hlsgen.errors import UnsupportedError
from tests.ladder.harness import dyadic_weights, grid_input
from tests.layers.inventory import ABSENT, EXACT, REFUSED, ROWS, Row, document
from tests.oracle import processor_independent

LIBRARIES = ("keras", "tf_keras")


def model_of(row: Row, library: str) -> Any:
    """The model of a row; None where this Keras does not have it."""
    keras = pytest.importorskip(library)
    inputs = [keras.Input(shape, name=f"in{i}") for i, shape in enumerate(row.shapes)]
    x = inputs if len(inputs) > 1 else inputs[0]
    try:
        model = keras.Model(x, row.build(keras, x))
    except (AttributeError, ValueError, TypeError) as error:
        assert row.status(library) == ABSENT, f"Keras refuses it: {error}"
        return None
    assert row.status(library) != ABSENT, "Keras has it, and the inventory says it has not"
    dyadic_weights(model)
    return model


def check(model: Any, source: Any, row: Row, library: str, **settings: Any) -> None:
    """Assert what the inventory says of a model; ``source`` is the model itself or one of its files."""
    status = row.status(library)
    if status == REFUSED:
        with pytest.raises(UnsupportedError) as caught:
            hlsgen.convert(source, **settings)
        for word in row.words:
            assert word in str(caught.value)
        return
    data = [grid_input(shape, seed=i, bound=16, samples=20) for i, shape in enumerate(row.shapes)]
    x = data if len(data) > 1 else data[0]
    project = hlsgen.convert(source, input_precision="fixed<8,4>", **settings)
    by_key, keys = project.evaluate(x), project.trace_keys()
    expected = processor_independent(model)(x, training=False)
    expected = expected if isinstance(expected, list | tuple) else [expected]
    differences = []
    for wanted, value in zip(expected, project.design.outputs, strict=True):
        got = next(by_key[k] for k, v in keys.items() if v is value)
        right = np.asarray(wanted, dtype=np.float64)
        assert got.shape == right.shape
        differences.append(float(np.abs(got - right).max()) / max(1.0, float(np.abs(right).max())))
    assert max(differences) <= (0.0 if status == EXACT else 2.0**-10)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("row", ROWS, ids=lambda r: r.text)
def test_live(row: Row, library: str) -> None:
    model = model_of(row, library)
    if model is None:
        pytest.skip("Keras does not have it, as the inventory says")
    check(model, model, row, library)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("form", [".keras", *(pytest.param(form, marks=pytest.mark.slow) for form in (".h5", ".json"))])
@pytest.mark.parametrize("row", ROWS, ids=lambda r: r.text)
def test_from_files(row: Row, form: str, library: str, tmp_path: Path) -> None:
    if row.text == "a function of your own":
        pytest.skip("Keras cannot save it, or saves code")
    model = model_of(row, library)
    if model is None:
        pytest.skip("Keras does not have it, as the inventory says")
    path, settings = tmp_path / f"model{form}", {}
    if form == ".json":
        path.write_text(model.to_json())
        settings = {"weights": tmp_path / "model.weights.h5"}
        model.save_weights(settings["weights"])
    else:
        model.save(path)
    check(model, path, row, library, **settings)


def test_document(repository: Path) -> None:
    """The page is the inventory; HLSGEN_UPDATE_GOLDEN=1 writes it anew."""
    path = repository / "docs" / "layers.md"
    if os.environ.get("HLSGEN_UPDATE_GOLDEN"):
        path.write_text(document())
    assert path.read_text() == document()
