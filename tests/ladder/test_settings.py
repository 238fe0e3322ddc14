"""Types that users fix: narrow, wrapping, saturating, rounding, wide; every executor casts alike."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers as kl

from tests.ladder.harness import dyadic_weights, grid_input, ladder

NARROW = [
    {"result": "fixed<6,3>"},
    {"result": "ufixed<5,2,RND,SAT>", "accum": "fixed<9,4>"},
    {"result": "fixed<4,-1,RND_CONV,SAT_SYM>"},
    {"result": "fixed<7,9,TRN_ZERO,WRAP>"},
    {"result": "fixed<8,4,RND_ZERO,SAT_ZERO>", "accum": "fixed<7,5,RND_INF,SAT>"},
    {"result": "ufixed<3,3,RND_MIN_INF,WRAP>", "accum": "fixed<12,6,TRN,WRAP>"},
    {"weight": "fixed<3,2>", "bias": "fixed<5,3>", "result": "fixed<9,5,RND_INF,WRAP>"},
    {"weight": "ufixed<3,2>", "bias": "ufixed<2,3>", "accum": "ufixed<9,5,TRN,SAT>"},
    {"accum": "fixed<4,4,RND_CONV,SAT_SYM>", "result": "fixed<16,6>"},
    {"accum": "fixed<24,12,TRN_ZERO,SAT>", "result": "fixed<2,1,RND,SAT>"},
]


def every_kind() -> Any:
    """A small model in which every kind of arithmetic occurs."""
    x = keras.Input((4, 4, 2), name="image")
    conv = kl.Conv2D(3, 2, name="conv")(x)
    dw = kl.DepthwiseConv2D(2, padding="same", name="dw")(conv)
    bn = kl.BatchNormalization(epsilon=0.0, name="bn")(dw)
    act = kl.ReLU(name="relu")(bn)
    leaky = kl.LeakyReLU(0.25, name="leaky")(bn)
    mean = kl.AveragePooling2D(2, strides=1, name="mean")(act)
    top = kl.MaxPooling2D(2, strides=1, name="top")(leaky)
    both = kl.Add(name="add")([mean, top])
    product = kl.Multiply(name="mul")([mean, top])
    less = kl.Subtract(name="sub")([product, both])
    average = kl.Average(name="avg")([both, less])
    best = kl.Maximum(name="best")([average, less])
    cat = kl.Concatenate(name="cat")([best, product])
    gap = kl.GlobalAveragePooling2D(name="gap")(cat)
    out = kl.Dense(3, name="fc")(gap)
    model = keras.Model(x, [kl.Softmax(name="soft")(out), kl.Activation("tanh", name="tanh")(out)])
    dyadic_weights(model)
    return model


@pytest.fixture(scope="module")
def model():
    return every_kind()


ROTATED = 3
"""How many assignments of the narrow types to the layers run by default."""


@pytest.mark.parametrize(
    "turn", [pytest.param(t, marks=() if t < ROTATED else pytest.mark.slow) for t in range(len(NARROW))]
)
def test_narrow_types(model, turn):
    names = [la.name for la in model.layers if la.name != "image" and la.name != "cat"]
    layers = {name: {"precision": NARROW[(i + turn) % len(NARROW)]} for i, name in enumerate(names)}
    for name in ("soft", "tanh", "relu", "leaky", "mean", "top", "add", "mul", "sub", "avg", "best", "gap"):
        chosen = {k: v for k, v in layers[name]["precision"].items() if k == "result"}
        layers[name] = {"precision": chosen}
    ladder(model, grid_input((4, 4, 2), bound=24), input_precision="fixed<7,4,TRN,WRAP>", layers=layers)


def test_bare_precision_string(model):
    ladder(model, grid_input((4, 4, 2)), precision="fixed<10,5>", input_precision="ufixed<5,2,RND_CONV,SAT>")


def test_default_types(model):
    """A float model with nothing said: 16 bits, rounded and saturating, on random reals."""
    x = np.random.default_rng(5).normal(0, 3, (24, 4, 4, 2)).astype(np.float32)
    ladder(model, x)


def wide_model(units: int = 3) -> Any:
    x = keras.Input((3, 3, 2), name="x")
    h = kl.Conv2D(units, 2, name="conv")(x)
    h = kl.ReLU(name="relu")(h)
    d = kl.DepthwiseConv2D(2, name="dw")(h)
    s = kl.Add(name="add")([d, d])
    m = kl.MaxPooling2D(1, name="pool")(s)
    f = kl.Flatten(name="flat")(m)
    model = keras.Model(x, [kl.Dense(2, name="fc")(f), s])
    rng = np.random.default_rng(9)
    for la in model.layers:
        la.set_weights([rng.normal(0, 300, w.shape) for w in la.get_weights()])
    return model


@pytest.mark.parametrize(
    ("weight", "input_type", "result"),
    [
        ("fixed<32,16>", "fixed<32,16>", "fixed<32,20,RND,SAT>"),  # sums beyond 64 bits
        pytest.param("fixed<24,12>", "fixed<16,8>", "fixed<40,24>", marks=pytest.mark.slow),
        pytest.param("fixed<48,16>", "fixed<48,16>", "fixed<44,30,RND_CONV,SAT>", marks=pytest.mark.slow),  # 100 bits
    ],
)
def test_wide_sums(weight, input_type, result):
    x = np.random.default_rng(3).normal(0, 100, (12, 3, 3, 2))
    ladder(wide_model(), x, input_precision=input_type, precision={"weight": weight, "bias": weight, "result": result})


@pytest.mark.slow
def test_wide_with_accumulator():
    x = np.random.default_rng(3).normal(0, 100, (12, 3, 3, 2))
    precision = {"weight": "fixed<32,16>", "accum": "fixed<70,50,RND,SAT>", "result": "fixed<33,20,RND_INF,WRAP>"}
    ladder(wide_model(), x, input_precision="fixed<32,16>", precision=precision)


def test_weights_and_inputs_in_steps_above_one():
    """Every bit lies left of the binary point, with some to spare: no executor may mind."""
    x = keras.Input((3, 3, 2), name="image")
    conv = kl.Conv2D(2, 2, padding="same", use_bias=False, name="conv")(x)
    coarse = keras.Model(x, [kl.Dense(2, name="fc")(kl.DepthwiseConv2D(2, name="dw")(conv)), conv])
    dyadic_weights(coarse, frac=-3)
    ladder(coarse, grid_input((3, 3, 2), frac=-2), input_precision="fixed<6,8>")
