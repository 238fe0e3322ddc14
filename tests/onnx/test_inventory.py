"""docs/onnx.md and docs/qonnx.md tell the truth: each of their lines is converted and compared with ONNX Runtime, or
with QONNX's specification."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import hlsgen
from hlsgen.errors import UnsupportedError
from tests.ladder.harness import grid_input
from tests.onnx import inventory_quantised
from tests.onnx.inventory import EXACT, REFUSED, ROWS, Row, document
from tests.onnx.nets import runtime
from tests.onnx.quant import executed


@pytest.mark.parametrize("row", [*ROWS, *inventory_quantised.ROWS], ids=lambda r: r.text)
def test_row(row: Row) -> None:
    model = row.model()
    if row.status == REFUSED:
        with pytest.raises(UnsupportedError) as caught:
            hlsgen.convert(model)
        assert all(word in str(caught.value) for word in row.words)
        return
    x = [grid_input(shape, seed=i, bound=16, samples=20) for i, shape in enumerate(row.shapes)]
    project = hlsgen.convert(model, input_precision="fixed<8,4>")
    by_key, keys = project.evaluate(x if len(x) > 1 else x[0]), project.trace_keys()
    differences = []
    oracle = executed if any(node.domain for node in model.graph.node) else runtime
    for right, value in zip(oracle(model, x), project.design.outputs, strict=True):
        got = next(by_key[key] for key, tensor in keys.items() if tensor is value)
        assert got.shape == right.shape
        differences.append(float(np.abs(got - right).max()) / max(1.0, float(np.abs(right).max())))
    assert max(differences) <= (0.0 if row.status == EXACT else 2.0**-10)


@pytest.mark.parametrize(("name", "document"), [("onnx", document), ("qonnx", inventory_quantised.document)])
def test_document(name: str, document: Callable[[], str], repository: Path) -> None:
    """The page is the inventory; HLSGEN_UPDATE_GOLDEN=1 writes it anew."""
    path = repository / "docs" / f"{name}.md"
    if os.environ.get("HLSGEN_UPDATE_GOLDEN"):
        path.write_text(document())
    assert path.read_text() == document()
