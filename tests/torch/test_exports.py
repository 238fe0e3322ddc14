"""Test vectors of PyTorch modules: what the module itself computes stands beside the integers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import hlsgen
from hlsgen.errors import UnsupportedError
from tests.ladder.harness import grid_input
from tests.torch.nets import Recurrent, made, torch


def test_the_module_computes_the_same_samples(tmp_path: Path) -> None:
    module, shapes = made("residual")
    module.train()
    example = tuple(torch.randn(1, *shape) for shape in shapes)
    project = hlsgen.convert(module, example_inputs=example, input_precision="fixed<8,4>")
    x = grid_input(shapes[0], bound=16, samples=5)
    folder = project.export("test-vectors", tmp_path / "out", x=x, source=True)
    facts = json.loads((folder / "test_vectors.json").read_text("utf-8"))["source"]
    assert facts["framework"] == f"torch {torch.__version__}" and module.training, "its mode is as before"
    found = np.load(folder / facts["outputs"][0]["npy"])
    with torch.no_grad():
        right = module.eval()(torch.from_numpy(x.astype(np.float32))).numpy()
    np.testing.assert_array_equal(found, right)
    np.testing.assert_allclose(project.predict(x), found, rtol=0, atol=2.0**-9 * max(1.0, float(np.abs(found).max())))


def test_samples_that_may_be_elsewhere_are_not_asked_for(tmp_path: Path) -> None:
    module = Recurrent("LSTM", batch_first=False)
    project = hlsgen.convert(module, example_inputs=(torch.randn(6, 2, 3),), input_precision="fixed<8,4>")
    with pytest.raises(UnsupportedError, match="batch_first=False"):
        project.export("test-vectors", tmp_path / "out", source=True)
