"""No word of a stream is wider than a tool takes: what is, goes in parts of a position."""

from __future__ import annotations

import numpy as np
import pytest

from hlsgen.backends.hls.ports import WIDEST_WORD
from hlsgen.errors import ConfigError
from tests.ladder.harness import executors_agree
from tests.passes.builders import Net, project_of

STREAMS = {"io_type": "io_stream", "input_precision": "fixed<6,3>"}


@pytest.mark.parametrize("strategy", ["latency", "resource"])
def test_wide_positions_go_in_parts(strategy: str) -> None:
    """600 results of some 12 bits: dense layers, a rectifier, a sum of two, a softmax, and what reads that."""
    net = Net(1)
    net.input((4,))
    a, b = net.dense("left", "x", 4, 600), net.dense("right", "x", 4, 600)
    joined = net.call("Add", "joined", [net.call("ReLU", "relu", a), b])
    soft = net.call("Softmax", "soft", joined, axis=-1)
    project = project_of(net.source(net.dense("few", soft, 600, 2)), **STREAMS, strategy=strategy, reuse_factor=4)
    wires = {wire.name: wire for wire in project.plan.wires}
    assert all(wire.pack * wire.type.width <= WIDEST_WORD for wire in wires.values())
    assert all(wires[name].pack < 600 for name in ("left", "right", "joined", "soft"))
    executors_agree(project, np.random.default_rng(2).integers(-32, 32, (7, 4)) / 8, precompiled=False)


def test_a_pixel_that_is_wider_is_refused(tmp_path) -> None:
    """A window takes whole pixels."""
    net = Net(2)
    net.input((3, 3, 2))
    wide = net.conv("wide", "x", 2, 600, size=1)
    project = project_of(
        net.source(net.call("MaxPooling2D", "pool", wide, pool_size=[2, 2])), **STREAMS, output_dir=tmp_path / "out"
    )
    with pytest.raises(ConfigError, match=r"stream 'wide'.* 600 elements .* bits, .* 4,096.*narrower"):
        project.write()
    assert not (tmp_path / "out").exists()
