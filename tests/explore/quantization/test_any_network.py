"""Networks of all kinds, at random: quantize makes a design of each, which its file is again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hlsgen
from hlsgen.project import Project
from tests.explore.quantization.test_quantize import quiet
from tests.passes.builders import project_of
from tests.passes.random_graphs import random_network

# 11, 96: scales that go back through a function and a join as far as nothing has a type or a shift there;
# 28: parts of scales that passes make.
SEEDS = (*range(4), 11, 28, 96)


@pytest.mark.parametrize("options", [{}, {"zero_points": True, "equalisation": "both"}], ids=["auto", "all"])
@pytest.mark.parametrize("seed", SEEDS)
def test_any_network_is_quantised(seed: int, options: dict[str, Any], tmp_path: Path) -> None:
    source = random_network(seed, quantized=False)
    project, chance = project_of(source), np.random.default_rng(seed)
    x = {port.name: 2 * chance.normal(size=(96, *port.shape)) for port in project.design.inputs}
    found = quiet(project, x, target=0.9, **options)
    again = Project(project.graph, hlsgen.load_config(found.write(tmp_path / "quantised.yml")))
    assert again.design.digest == found.project.design.digest
