"""An input that only quantisers read is rounded once: whatever float32 comes, the result is the library's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hlsgen.quantizers.qkeras import parse_quantizer
from tests.passes.builders import Net, project_of
from tests.quantizers.reference import call, installed_library

pytestmark = pytest.mark.skipif(installed_library() is None, reason="needs a qkeras")

LINEAR = {
    "quantized_bits(4,0,alpha=1)": "fixed<4,1,RND_CONV,SAT>",
    "quantized_bits(4,1,1,alpha=1)": "fixed<4,2,RND_CONV,SAT_SYM>",
    "quantized_bits(8,2,alpha=1)": "fixed<8,3,RND_CONV,SAT>",
    "quantized_bits(16,6,alpha=1)": "fixed<16,7,RND_CONV,SAT>",
    "quantized_bits(3,0,keep_negative=False,alpha=1)": "ufixed<3,0,RND_CONV,SAT>",
    "quantized_bits(4,0,alpha=0.25)": "fixed<4,1,RND_CONV,SAT>",
    "quantized_relu(4)": "ufixed<4,0,RND_CONV,SAT>",
    "quantized_relu(6,2)": "ufixed<6,2,RND_CONV,SAT>",
}
STEPS = {
    "quantized_bits(1,0,alpha=1)": "fixed<31,6,TRN,SAT>",
    "quantized_relu(4,1,negative_slope=0.25)": "fixed<33,6,TRN,SAT>",
    "binary(alpha=1)": "fixed<31,6,TRN,SAT>",
    "binary(use_01=1,alpha=1)": "fixed<31,6,TRN,SAT>",
    "ternary(alpha=1)": "fixed<32,6,TRN,SAT>",
    "ternary(alpha=1,threshold=0.5)": "fixed<32,6,TRN,SAT>",
}
HARD_SIGMOIDS = {
    "quantized_sigmoid(6)": "fixed<36,6,TRN,SAT>",
    "quantized_sigmoid(4,symmetric=1)": "fixed<34,6,TRN,SAT>",
    "quantized_relu(6,1,use_sigmoid=1)": "fixed<36,6,TRN,SAT>",
    "quantized_relu(3,2,use_sigmoid=1)": "fixed<32,6,TRN,SAT>",
    "quantized_tanh(5)": "fixed<5,1,RND_CONV,SAT>",
}


def floats() -> Any:
    """Numbers of many sizes, all ties of grids up to 8 bits, and their neighbours; up to 2**20, where the library's own
    way to gradients, x + (q - x), is still exact enough to give q."""
    rng = np.random.default_rng(5)
    ties = (np.arange(-2100, 2101) / 2.0**9).astype(np.float32)
    near = [np.nextafter(ties, np.float32(end)) for end in (-np.inf, np.inf)]
    tiny = np.float32(
        [0.0, -0.0, 1e-7, -1e-7, 2.0**-40, -(2.0**-40), 1e-30, -1e-30, 0.33333334, -0.33333334, 100, -100]
    )
    sizes = 2.0 ** rng.uniform(-30, 5, 20_000)
    parts = [rng.normal(size=20_000), rng.uniform(-1, 1, 20_000), rng.normal(size=20_000) * sizes, ties, *near, tiny]
    x = np.concatenate(parts).astype(np.float32)
    return np.where(np.abs(x) < np.finfo(np.float32).tiny, np.float32(0), x)  # the library's processor has no denormals


@pytest.mark.parametrize(("text", "wanted"), [*LINEAR.items(), *STEPS.items()])
def test_every_float_is_quantised_once(text: str, wanted: str):
    net = Net()
    net.call("QActivation", "q", net.input((1,)), activation=text)
    project = project_of(net.source("q"))
    x = floats()
    found = project.evaluate(x[:, None])["q"][:, 0]
    # The library's result carries the rounding of its straight-through additions where x is much larger than it.
    right, step = call(text, x), float(project.design.outputs[0].type.step)
    np.testing.assert_array_equal(found, np.rint(right / step) * step)
    assert str(project.design.inputs[0].type) == wanted


@pytest.mark.parametrize(("text", "wanted"), HARD_SIGMOIDS.items())
def test_hard_sigmoids_of_every_float_are_quantised_once(text: str, wanted: str):
    net = Net()
    net.call("QActivation", "q", net.input((1,)), activation=text)
    project = project_of(net.source("q"))
    x = floats()[::9]
    found = project.evaluate(x[:, None])["q"][:, 0]
    assert str(project.design.inputs[0].type) == wanted
    # The library adds a half in float32: what it rounds there is its own.
    kept = np.float32(0.5) * x + np.float32(0.5) == 0.5 * x.astype(np.float64) + 0.5
    right, step = call(text, x), float(project.design.outputs[0].type.step)
    np.testing.assert_array_equal(found[kept], (np.rint(right / step) * step)[kept])
    mantissas = np.array([int(v) for v in np.ldexp(x.astype(np.float64), 140)], dtype=object)
    exact = parse_quantizer(text, library=installed_library()).activation()
    np.testing.assert_array_equal(found, exact.type.to_float(exact.apply(mantissas, 140)))


def test_the_default_type_would_round_twice():
    """What all this is for."""
    net = Net()
    net.call("QActivation", "q", net.input((1,)), activation="quantized_bits(4,0,alpha=1)")
    project = project_of(net.source("q"), input_precision="fixed<16,6>")
    x = np.random.default_rng(5).uniform(-1, 1, 20_000).astype(np.float32)
    off = project.evaluate(x[:, None])["q"][:, 0] != call("quantized_bits(4,0,alpha=1)", x)
    assert 0.001 < off.mean() < 0.01
