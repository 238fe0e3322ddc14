"""Weights that come in at ports: the same bits, sums that hold any weights, refusals with what fits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers as kl

import hlsgen
from hlsgen.errors import ConfigError, WeightsError
from hlsgen.ir.interval import Interval
from tests.ladder.harness import (
    Reference,
    Variant,
    check_predict,
    check_vendor,
    dyadic_weights,
    grid_input,
)
from tests.ladder.test_synthesizable import check_symbols

INPUT = "fixed<8,4>"
PORTS: dict[str, Any] = {"weights": "bram_port", "reuse_factor": 6}


def mlp(seed: int = 1) -> Any:
    x = keras.Input((6,), name="x")
    h = kl.Dense(8, activation="relu", name="hidden")(x)
    model = keras.Model(x, kl.Dense(4, name="classes")(h))
    dyadic_weights(model, seed)
    return model


def cnn(seed: int = 1) -> Any:
    x = keras.Input((5, 6, 2), name="x")
    h = kl.ReLU(name="relu")(kl.Conv2D(3, 3, padding="same", name="conv")(x))
    h = kl.DepthwiseConv2D(2, name="depthwise")(h)
    model = keras.Model(x, kl.Dense(4, name="fc")(kl.Flatten(name="flat")(h)))
    dyadic_weights(model, seed)
    return model


def convert(model: Any, io_type: str = "io_parallel", **defaults: Any) -> hlsgen.Project:
    return hlsgen.convert(model, {"defaults": PORTS | defaults}, input_precision=INPUT, io_type=io_type)


@pytest.mark.parametrize(
    ("make", "io_type", "factor"),
    [(mlp, "io_parallel", 12), (mlp, "io_stream", 3), (cnn, "io_parallel", 6), (cnn, "io_stream", 36)],
)
def test_all_executors_agree(make: Any, io_type: str, factor: int) -> None:
    """Turns within rows, and over rows."""
    project = convert(make(), io_type, reuse_factor=factor)
    x = grid_input(project.design.inputs[0].shape, bound=16)
    reference, variant = Reference(project, x), Variant("ported", io_type)
    check_predict(project, variant, reference)
    check_vendor(project, variant, reference)


def test_it_can_be_synthesized(tmp_path: Path) -> None:
    check_symbols(convert(cnn(), "io_stream").plan, tmp_path, ("-DHLSGEN_EXACT_WORDS",))


def test_the_bits_are_those_of_constants() -> None:
    x = grid_input((5, 6, 2), bound=16)
    ports = convert(cnn(), precision="fixed<12,4,RND,SAT>")
    constants = convert(cnn(), precision="fixed<12,4,RND,SAT>", weights="constant")
    np.testing.assert_array_equal(ports.predict(x, raw=True), constants.predict(x, raw=True))
    assert [c.name for c in ports.plan.weight_ports] == ["conv_w", "conv_b", "fc_w", "fc_b"]
    assert not constants.plan.weight_ports


def test_any_weights_of_their_types_can_be_loaded() -> None:
    """Sums are proved for them: all at an end of their types, and inputs too."""
    project = convert(mlp())
    for op in project.design:
        if op.loads_weights:
            weight, bias = (c.known_type for c in op.layer.constants().values())
            ends = [Interval.of_type(op.input.type, 1).low[0], Interval.of_type(op.input.type, 1).high[0]]
            products = [int(a) * b for a in ends for b in (weight.min_mantissa, weight.max_mantissa)]
            frac = op.input.type.frac + weight.frac
            common = max(frac, bias.frac)
            low, high = (
                (f(products) * op.layer.constants()["weight"].shape[0] << common - frac) + (b << common - bias.frac)
                for f, b in ((min, bias.min_mantissa), (max, bias.max_mantissa))
            )
            assert op.input.interval.lowest > ends[0] or op.output.typing.sum_type.frac == common
            assert op.output.typing.exact.lowest >= low
            assert op.output.typing.exact.highest <= high
    extreme = mlp()
    extreme.set_weights([np.sign(w + 0.01) * np.abs(w).max() for w in extreme.get_weights()])
    with pytest.raises(WeightsError, match="exact results need"):
        convert(mlp(), weights="constant").with_weights(extreme)
    loaded = project.with_weights(extreme)
    x = grid_input((6,), bound=16)
    np.testing.assert_array_equal(loaded.predict(x, raw=True), loaded.evaluate(x, raw=True)["classes"])


def test_ports_are_described() -> None:
    project = hlsgen.convert(mlp(), {"defaults": PORTS}, input_precision=INPUT, project_name="mlp", io_type="io_stream")
    files = project.files
    head = [line for line in files["firmware/mlp.h"].splitlines() if "hidden_dense_" in line and line.startswith("//")]
    assert head == [
        "//   hidden_dense_w       output, input of layer 'hidden' (Dense): 48 integers of 4 bits in 6 words of 32 bits: "
        "word t holds the number t + 6 * m in the place m, place 0 in the lowest bits",
        "//   hidden_dense_b       output of layer 'hidden' (Dense): 8 integers of 3 bits in a word of 24 bits, number 0 in "
        "the lowest bits",
    ]
    top = files["firmware/mlp.cpp"]
    assert "#pragma HLS ARRAY_RESHAPE variable=hidden_dense_w complete dim=1" in top
    assert "#pragma HLS INTERFACE mode=ap_memory port=hidden_dense_w storage_type=ram_1p" in top
    assert "#pragma HLS INTERFACE mode=ap_none port=hidden_dense_b" in top
    assert "BIND_STORAGE" not in top
    assert "hidden_dense_w" not in files["firmware/weights.h"]
    assert "hidden_dense_w" in files["firmware/weights/hidden_dense_w.h"]
    (row,) = [line.split() for line in project.summary().splitlines() if line.startswith("hidden_dense_w ")]
    assert row[1:6] == ["in", "int<4>", "1", "32", "6"]


def test_weights_of_one_turn_are_a_word() -> None:
    """A memory of one word is none to the tool: what is read at once comes in at once."""
    project = hlsgen.convert(mlp(), {"defaults": {"weights": "bram_port"}}, input_precision=INPUT, project_name="mlp")
    top = project.files["firmware/mlp.cpp"]
    assert "#pragma HLS ARRAY_RESHAPE variable=hidden_dense_w complete dim=0" in top
    assert "#pragma HLS INTERFACE mode=ap_none port=hidden_dense_w" in top
    assert "ap_memory" not in top
    head = next(line for line in project.files["firmware/mlp.h"].splitlines() if "hidden_dense_w " in line)
    assert head.endswith("48 integers of 4 bits in a word of 192 bits, number 0 in the lowest bits")
    (row,) = [line.split() for line in project.summary().splitlines() if line.startswith("hidden_dense_w ")]
    assert row[1:6] == ["in", "int<4>", "1", "192", "1"]


def test_many_biases_have_ports_of_their_own() -> None:
    x = keras.Input((4,), name="x")
    model = keras.Model(x, kl.Dense(300, name="fc", bias_initializer="normal")(x))
    settings: dict[str, Any] = {"weights": "bram_port", "reuse_factor": 4, "precision": {"weight": "fixed<8,4>"}}
    project = hlsgen.convert(model, {"defaults": settings}, project_name="wide")
    assert "#pragma HLS ARRAY_PARTITION variable=fc_b complete dim=1" in project.files["firmware/wide.cpp"]
    (row,) = [line.split() for line in project.summary().splitlines() if line.startswith("fc_b ")]
    assert row[3] == "300"


def test_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"layer 'hidden': weights 'bram_port' are read a word a turn, and strategy 'l"
    ):
        convert(mlp(), strategy="latency")
    with pytest.raises(
        ConfigError, match=r"layer 'depthwise': weights 'bram_port' is for dense layers and convolutions"
    ):
        hlsgen.convert(cnn(), {"layers": {"depthwise": {"weights": "bram_port"}}})
    with pytest.raises(ConfigError, match=r"layer 'hidden' \(Dense\): weights 'bram_port' .* ap_ctrl_none"):
        hlsgen.convert(mlp(), {"defaults": PORTS}, io_type="io_stream", control="ap_ctrl_none").plan  # noqa: B018
    with pytest.raises(ConfigError, match="weights"):
        hlsgen.convert(mlp(), {"defaults": {"weights": "ports"}})


def test_words_of_a_port_are_limited() -> None:
    x = keras.Input((64,), name="x")
    model = keras.Model(x, kl.Dense(40, name="fc")(x))
    wide = hlsgen.convert(model, {"defaults": {"weights": "bram_port"}})
    with pytest.raises(
        ConfigError, match=r"layer 'fc' \(Dense\): weights 'bram_port' have 2560 weights of \d+ bits a turn"
    ):
        wide.files  # noqa: B018
