"""with_weights takes a project's own weights, whatever the network and the settings, and changes nothing.

But for weights of which each channel has a grid of its own: the finest of them is that of all new ones.
"""

from __future__ import annotations

import random
from typing import Any

import pytest

from hlsgen.errors import HlsgenError
from hlsgen.frontends.keras.build import build_graph
from hlsgen.pipeline import with_weights
from hlsgen.project import Project
from tests.fuzz.networks import every_network
from tests.fuzz.settings import any_settings
from tests.passes.builders import project_of

AT_PORTS = {"weights": "bram_port", "strategy": "resource"}


def types(ops: Any) -> list[Any]:
    return [
        (
            op.name,
            [(str(t.type), str(t.typing.sum_type), str(t.typing.accum)) for t in op.outputs],
            {name: str(constant.type) for name, constant in op.layer.constants().items()},
        )
        for op in ops
    ]


def reloaded(project: Project, source: Any) -> Any:
    graph = build_graph(source)
    config, calibration = project.config, project._calibration
    former = project.graph, project._rewritten, project.design, project._inferred
    return with_weights(graph, *former, config, calibration)[2]


@pytest.mark.parametrize("start", [0, 50, 100, 400])
def test_own_weights_fit(start: int) -> None:
    tried = 0
    for seed in range(start, start + 50):
        rng = random.Random(seed)
        source = every_network(rng.getrandbits(32), steps=rng.randint(1, 7))
        settings = any_settings(rng, source)
        settings.pop("weight_granularity", None)
        if seed % 5 == 0:
            precision = {name: {"precision": own.get("precision", {})} for name, own in settings["layers"].items()}
            kept = {key: settings[key] for key in ("io_type", "input_precision") if key in settings}
            settings = {**kept, "layers": precision, "defaults": AT_PORTS}
        try:
            project = project_of(source, **settings)
        except HlsgenError:
            continue
        tried += 1
        assert types(reloaded(project, source)) == types(project.design), f"seed {seed}"
    assert tried > 25
