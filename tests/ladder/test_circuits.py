"""The fourth rung of the ladder: the Verilog of every kernel's cases, clock by clock.

A selection here; with ``--slow`` every design that climbs the ladder has its circuit simulated, unfolded and folded.
"""

from __future__ import annotations

import pytest

from hlsgen.backends.verilog import cores
from hlsgen.backends.verilog.core import BUILDERS
from hlsgen.layers.input import Input
from hlsgen.layers.loops import Carry, KeepLast, KeepSteps, State, TakeStep
from hlsgen.layers.scaled_steps import ScaledSteps
from hlsgen.layers.shape_ops import Mover
from hlsgen.layers.split import Split
from hlsgen.layers.steps import Steps
from tests.circuits import check_circuit
from tests.ladder.harness import Variant, convert, reuse_factors
from tests.ladder.test_kernels import CASES
from tests.layers.instances import classes

NONE_NEEDED = (Mover, Split, Input, Steps, ScaledSteps)
"""What moves elements, is a port, or becomes another layer before there are types."""
REFUSED = {TakeStep, State, Carry, KeepSteps, KeepLast}
"""Layers of loops."""


def test_every_layer_has_a_core_or_is_refused() -> None:
    assert cores.__path__, "the import registers them"
    layers = {cls for cls in classes() if "kind" in vars(cls)}
    without = {cls for cls in layers if cls not in BUILDERS and not issubclass(cls, NONE_NEEDED)}
    assert without == REFUSED


@pytest.mark.parametrize("name", ["embedding", "largest_along_axis"])
def test_a_selection(name: str) -> None:
    hand = CASES[name]()
    check_circuit(hand.project(backend="verilog"), hand.data())


def test_a_folded_selection() -> None:
    """Channels by themselves: factors that fold the taps, the outputs of each, and the channels."""
    hand = CASES["depthwise_conv2d"]()
    assert {2, 9, 18} <= set(reuse_factors(hand.project()).values())
    folded = convert(hand.graph, Variant("resource", "io_parallel"), **hand.settings)
    check_circuit(folded.with_settings(backend="verilog"), hand.data())
