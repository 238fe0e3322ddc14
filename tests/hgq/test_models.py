"""Live models of HGQ2: what its own forward pass computes, integer for integer, and the same out of files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import hlsgen
from tests.hgq.nets import INSTALLED, NETS, inputs, made
from tests.hgq.test_stored import result_of

pytestmark = pytest.mark.skipif(not INSTALLED, reason="HGQ2 is not installed (extra hgq; make test-hgq)")


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("name", NETS)
def test_it_computes_what_hgq_does(name: str, seed: int, tmp_path: Path) -> None:
    model = made(name, seed)
    x = inputs(model, seed=seed)
    right = np.asarray(model(x))
    project = hlsgen.convert(model)
    np.testing.assert_array_equal(result_of(project, x), right)
    model.save(tmp_path / "net.keras")
    assert hlsgen.convert(tmp_path / "net.keras").design.digest == project.design.digest
