"""docs/pytorch.md tells the truth: each of its lines is converted and compared with PyTorch."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hlsgen
from hlsgen.errors import UnsupportedError
from tests.ladder.harness import grid_input
from tests.torch.inventory import MARK, ROWS, Row, document


def module_of(row: Row, torch: Any) -> Any:
    """The module with seeded weights; a function becomes one."""
    torch.manual_seed(3)
    made = row.make(torch.nn, torch)
    if isinstance(made, torch.nn.Module):
        return made

    class Function(torch.nn.Module):  # type: ignore[misc]
        def forward(self, *x: Any) -> Any:
            return made(*x)

    return Function()


@pytest.mark.parametrize("row", ROWS, ids=lambda r: r.text)
def test_row(row: Row) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed; run make test-torch")
    pytest.importorskip("onnxscript", reason="onnxscript is not installed; run make test-torch")
    module = module_of(row, torch)
    whole = row.text == "Embedding"
    x = [
        np.abs(grid_input(shape, seed=i, bound=16, samples=20))
        if whole
        else grid_input(shape, seed=i, bound=16, samples=20)
        for i, shape in enumerate(row.shapes)
    ]
    x = [np.floor(a * 15 / max(a.max(), 1)) for a in x] if whole else x
    examples = tuple(torch.zeros(2, *shape, dtype=torch.int64 if whole else torch.float32) for shape in row.shapes)
    if row.words is not None:
        with pytest.raises(UnsupportedError) as caught:
            hlsgen.convert(module, example_inputs=examples)
        assert row.words in str(caught.value)
        return
    settings = {} if whole else {"input_precision": "fixed<8,4>"}
    project = hlsgen.convert(module, example_inputs=examples, **settings)
    with torch.no_grad():
        given = [torch.from_numpy(a) for a in x]
        right = module.eval().double()(*(g.long() if whole else g.double() for g in given)).numpy()
    by_key, (output,) = project.evaluate(x if len(x) > 1 else x[0]), project.design.outputs
    got = next(by_key[key] for key, tensor in project.trace_keys().items() if tensor is output)
    assert got.shape == right.shape
    assert np.abs(got - right).max() <= 2.0**-10 * max(1.0, float(np.abs(right).max()))


def test_document(repository: Path) -> None:
    """The end of the page is the inventory; HLSGEN_UPDATE_GOLDEN=1 writes it anew."""
    path = repository / "docs" / "pytorch.md"
    text, mark, found = path.read_text().partition(MARK)
    assert mark
    if os.environ.get("HLSGEN_UPDATE_GOLDEN"):
        path.write_text(text + mark + document())
        return
    assert found == document()
