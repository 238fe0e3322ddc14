"""Every layer and every option that hlsgen accepts means what it means in Keras.

Weights and inputs are multiples of a quarter, so Keras's float32 is exact and equality is demanded.
Where a constant has to be rounded (1/3, 1/sqrt(v + epsilon), tables) the tolerance says from what.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import hlsgen
from tests.ladder.harness import dyadic_weights, grid_input
from tests.oracle import processor_independent

Build = Callable[[Any, Any], Any]
INPUT = "fixed<8,4>"
LARGEST = 4.0
"""Inputs reach from -4 to 4 in steps of 1/8."""
TABLE = 2.0**-8
"""Table functions: half a step of the index of 2^-8 times a slope of at most 1, and the result's own rounding."""


class Case:
    def __init__(self, name: str, shape: Any, build: Build, tolerance: float = 0.0, keras3_only: bool = False) -> None:
        self.name, self.build, self.tolerance, self.keras3_only = name, build, tolerance, keras3_only
        self.shapes = shape if isinstance(shape, list) else [shape]


def layer(class_name: str, *args: Any, **options: Any) -> Build:
    return lambda kl, x: getattr(kl, class_name)(*args, **options)(x)


def _convolutions() -> list[Case]:
    cases = []
    image, line = (7, 6, 3), (9, 3)
    for k in (1, 2, 3, (2, 3), (3, 1)):
        for s in (1, 2, (2, 1), 3, 4):
            for p in ("valid", "same"):
                cases.append(Case(f"conv2d k{k} s{s} {p}", image, layer("Conv2D", 4, k, strides=s, padding=p)))
    for k in (1, 2, 3, 4):
        for s in (1, 2, 5):
            for p in ("valid", "same", "causal"):
                cases.append(Case(f"conv1d k{k} s{s} {p}", line, layer("Conv1D", 4, k, strides=s, padding=p)))
    for d in (2, (1, 2), 3):
        for p in ("valid", "same"):
            cases.append(Case(f"conv2d d{d} {p}", image, layer("Conv2D", 2, (2, 2), dilation_rate=d, padding=p)))
    for p in ("valid", "same", "causal"):
        cases.append(Case(f"conv1d d3 {p}", line, layer("Conv1D", 2, 3, dilation_rate=3, padding=p)))
    cases.append(Case("conv2d no bias relu", image, layer("Conv2D", 4, 3, use_bias=False, activation="relu")))
    cases.append(Case("conv2d whole image", image, layer("Conv2D", 4, (7, 6))))
    for m in (1, 2, 3):
        for p in ("valid", "same"):
            for s in (1, 2):
                name = f"m{m} {p} s{s}"
                options = {"depth_multiplier": m, "padding": p, "strides": s}
                cases.append(Case(f"depthwise2d {name}", image, layer("DepthwiseConv2D", (3, 2), **options)))
                cases.append(Case(f"depthwise1d {name}", line, layer("DepthwiseConv1D", 3, **options)))
                cases.append(Case(f"separable2d {name}", image, layer("SeparableConv2D", 4, (3, 2), **options)))
                cases.append(Case(f"separable1d {name}", line, layer("SeparableConv1D", 4, 3, **options)))
    cases.append(Case("depthwise2d d2", image, layer("DepthwiseConv2D", 2, dilation_rate=2, padding="same")))
    cases.append(Case("depthwise1d d2", line, layer("DepthwiseConv1D", 2, dilation_rate=2, padding="same")))
    cases.append(Case("separable2d d2", image, layer("SeparableConv2D", 3, 2, dilation_rate=2, padding="same")))
    cases.append(Case("depthwise1d relu no bias", line, layer("DepthwiseConv1D", 3, use_bias=False, activation="relu")))
    return cases


def _transposed() -> list[Case]:
    """Keras 3 and Keras 2 agree on every output size; TensorFlow's padding says which pixels are cut off."""
    cases = []
    image, line = (4, 3, 3), (5, 3)
    for k in (1, 2, 3, 4, (2, 3)):
        for s in (1, 2, 3, (2, 1)):
            for p in ("valid", "same"):
                cases.append(Case(f"up k{k} s{s} {p}", image, layer("Conv2DTranspose", 2, k, strides=s, padding=p)))
    for k in (1, 2, 3, 5):
        for s in (1, 2, 4):
            for p in ("valid", "same"):
                cases.append(Case(f"up1d k{k} s{s} {p}", line, layer("Conv1DTranspose", 2, k, strides=s, padding=p)))
    for k, s, more in ((3, 2, 0), (3, 2, 1), (4, 3, 2), (2, 3, 1), ((3, 5), (2, 3), (1, 0))):
        for p in ("valid", "same"):
            options = {"strides": s, "padding": p, "output_padding": more}
            cases.append(Case(f"up k{k} s{s} {p} +{more}", image, layer("Conv2DTranspose", 2, k, **options)))
    for d in (2, (1, 3)):
        for p in ("valid", "same"):
            options = {"dilation_rate": d, "padding": p}
            cases.append(Case(f"up d{d} {p}", image, layer("Conv2DTranspose", 2, 2, **options), keras3_only=True))
    cases.append(Case("up1d +1", line, layer("Conv1DTranspose", 2, 3, strides=2, padding="same", output_padding=1)))
    cases.append(Case("up no bias relu", image, layer("Conv2DTranspose", 2, 3, 2, use_bias=False, activation="relu")))
    return cases


def _pools() -> list[Case]:
    cases = []
    image, line = (7, 6, 3), (9, 3)
    for kind in ("Max", "Average"):
        for pool, stride in ((2, None), (2, 1), (1, 2), (3, 2), (2, 3), ((2, 3), (1, 2)), ((3, 1), None), (4, 4)):
            for p in ("valid", "same"):
                # averages of 3, 6 or 9: 1/n is rounded to 2^-18 or finer; at most 9 addends of 4
                tolerance = 0.0 if kind == "Max" else LARGEST * 2**-9
                options = {"strides": stride, "padding": p}
                cases.append(
                    Case(f"{kind}2d {pool} {stride} {p}", image, layer(f"{kind}Pooling2D", pool, **options), tolerance)
                )
                if isinstance(pool, int):
                    cases.append(
                        Case(
                            f"{kind}1d {pool} {stride} {p}", line, layer(f"{kind}Pooling1D", pool, **options), tolerance
                        )
                    )
        tolerance = 0.0 if kind == "Max" else LARGEST * 2**-9
        for keep in (False, True):
            cases.append(
                Case(f"global {kind} 2d {keep}", image, layer(f"Global{kind}Pooling2D", keepdims=keep), tolerance)
            )
            cases.append(
                Case(f"global {kind} 1d {keep}", line, layer(f"Global{kind}Pooling1D", keepdims=keep), tolerance)
            )
    cases.append(Case("average exact", (8, 8, 2), layer("AveragePooling2D", (2, 4))))
    cases.append(Case("global average exact", (4, 8, 2), layer("GlobalAveragePooling2D")))
    return cases


def _shapes() -> list[Case]:
    image, line = (4, 3, 2), (5, 2)
    cases = [
        Case("pad2d 1", image, layer("ZeroPadding2D", 1)),
        Case("pad2d 2 1", image, layer("ZeroPadding2D", (2, 1))),
        Case("pad2d asymmetric", image, layer("ZeroPadding2D", ((1, 2), (0, 3)))),
        Case("pad1d 2", line, layer("ZeroPadding1D", 2)),
        Case("pad1d asymmetric", line, layer("ZeroPadding1D", (0, 3))),
        Case("up2d", image, layer("UpSampling2D", (2, 3))),
        Case("up2d 2", image, layer("UpSampling2D", 2)),
        Case("up2d 1 1", image, layer("UpSampling2D", (1, 1))),
        Case("up1d", line, layer("UpSampling1D", 3)),
        Case("crop2d 1", image, layer("Cropping2D", 1)),
        Case("crop2d asymmetric", image, layer("Cropping2D", ((1, 0), (0, 2)))),
        Case("crop1d", line, layer("Cropping1D", (1, 2))),
        Case("flatten", image, layer("Flatten")),
        Case("flatten flat", (6,), layer("Flatten")),
        Case("reshape -1", image, layer("Reshape", (-1, 6))),
        Case("reshape 4d", image, layer("Reshape", (2, 2, 3, 2))),
        Case("permute 2 1", line, layer("Permute", (2, 1))),
        Case("dropout", line, layer("Dropout", 0.5)),
        Case("spatial dropout", line, layer("SpatialDropout1D", 0.5)),
        Case("identity", line, layer("Activation", "linear")),
    ]
    for order in ((1, 2, 3), (1, 3, 2), (2, 1, 3), (2, 3, 1), (3, 1, 2), (3, 2, 1)):
        cases.append(Case(f"permute {order}", image, layer("Permute", order)))
    pad_conv: Build = lambda kl, x: kl.Conv2D(3, 3, strides=2)(kl.ZeroPadding2D(((0, 1), (2, 1)))(x))  # noqa: E731
    cases.append(Case("pad then conv", image, pad_conv))
    pad_same: Build = lambda kl, x: kl.DepthwiseConv2D(3, padding="same")(kl.ZeroPadding2D(1)(x))  # noqa: E731
    cases.append(Case("pad then same", image, pad_same))
    pad_twice: Build = lambda kl, x: kl.Conv1D(3, 3)(kl.ZeroPadding1D((1, 0))(kl.ZeroPadding1D((2, 1))(x)))  # noqa: E731
    cases.append(Case("pad pad conv", line, pad_twice))
    pad_pool: Build = lambda kl, x: kl.MaxPooling2D(2)(kl.ZeroPadding2D(1)(x))  # noqa: E731
    cases.append(Case("pad then max pool", image, pad_pool))
    pad_average: Build = lambda kl, x: kl.AveragePooling2D(2)(kl.ZeroPadding2D(1)(x))  # noqa: E731
    cases.append(Case("pad then average pool", image, pad_average))
    return cases


def _activations() -> list[Case]:
    cases = [
        Case("relu", (9,), layer("ReLU")),
        Case("relu max", (9,), layer("ReLU", max_value=2.5)),
        Case("relu slope", (9,), layer("ReLU", negative_slope=0.25)),
        Case("relu slope max", (9,), layer("ReLU", negative_slope=0.5, max_value=1.0)),
        Case("relu max 0.7", (9,), layer("ReLU", max_value=0.7), 2.0**-10),
        Case("leaky 0.25", (9,), lambda kl, x: kl.LeakyReLU(0.25)(x)),
        Case("leaky 0.3", (9,), lambda kl, x: kl.LeakyReLU()(x), LARGEST * 2.0**-9),
        Case("softmax layer", (9,), layer("Softmax"), 2.0**-8),
        Case("softmax rank 2", (4, 5), layer("Activation", "softmax"), 2.0**-8),
        Case("softmax 2", (2,), layer("Softmax"), 2.0**-8),
        Case("softmax 1", (1,), layer("Softmax"), 2.0**-8),
        Case("activation relu", (3, 3, 2), layer("Activation", "relu")),
        Case("relu6", (9,), layer("Activation", "relu6"), keras3_only=True),
        Case("dense softmax", (9,), lambda kl, x: kl.Dense(4, activation="softmax")(x), 2.0**-7),
    ]
    for name in ("sigmoid", "tanh", "elu", "selu", "softplus", "softsign", "swish", "gelu"):
        tolerance = 2 * TABLE if name in ("selu", "gelu", "swish") else TABLE
        cases.append(Case(name, (9,), layer("Activation", name), tolerance))
        cases.append(Case(f"dense {name}", (9,), lambda kl, x, n=name: kl.Dense(4, activation=n)(x), 8 * TABLE))
    cases.append(Case("silu", (9,), layer("Activation", "silu"), 2 * TABLE, keras3_only=True))
    return cases


def _batchnorm() -> list[Case]:
    def behind(kl: Any, x: Any, **options: Any) -> Any:
        return kl.BatchNormalization(epsilon=0.0, **options)(kl.Conv2D(4, 3)(x))

    def before(kl: Any, x: Any) -> Any:
        return kl.Conv2D(4, 2)(kl.BatchNormalization(epsilon=0.0)(x))

    def chain(kl: Any, x: Any) -> Any:
        return kl.BatchNormalization(epsilon=0.0)(kl.BatchNormalization(epsilon=0.0)(kl.Dense(4)(x)))

    def behind_relu(kl: Any, x: Any) -> Any:
        return kl.BatchNormalization(epsilon=0.0)(kl.Dense(4, activation="relu")(x))

    def behind_pad(kl: Any, x: Any) -> Any:
        return kl.Conv2D(2, 3, padding="same")(kl.BatchNormalization(epsilon=0.0)(x))

    image = (5, 4, 3)
    cases = [
        Case("bn", image, layer("BatchNormalization", epsilon=0.0)),
        Case("bn flat", (5,), layer("BatchNormalization", epsilon=0.0)),
        Case("bn no scale", image, layer("BatchNormalization", epsilon=0.0, scale=False)),
        Case("bn no center", image, layer("BatchNormalization", epsilon=0.0, center=False)),
        Case("bn neither", image, layer("BatchNormalization", epsilon=0.0, center=False, scale=False)),
        Case("bn epsilon", image, layer("BatchNormalization", epsilon=0.5), 2.0**-9),  # 16-bit results up to 20
        Case("bn default epsilon", image, layer("BatchNormalization"), 2.0**-7),
        Case("conv bn", image, behind),
        Case("conv bn no scale", image, lambda kl, x: behind(kl, x, scale=False)),
        Case("bn conv", image, before),
        Case("bn conv same", image, behind_pad),
        Case("dense bn bn", (5,), chain),
        Case("dense relu bn", (5,), behind_relu),
        Case(
            "depthwise bn",
            image,
            lambda kl, x: kl.BatchNormalization(epsilon=0.0)(kl.DepthwiseConv2D(2, depth_multiplier=2)(x)),
        ),
        Case("separable bn", image, lambda kl, x: kl.BatchNormalization(epsilon=0.0)(kl.SeparableConv2D(2, 2)(x))),
    ]
    return cases


def _merges() -> list[Case]:
    cases = []
    shape = (4, 3, 2)
    for n in (2, 3, 4):
        for name in ("Add", "Multiply", "Average", "Maximum", "Minimum"):
            tolerance = 0.01 if (name, n) == ("Average", 3) else 0.0
            cases.append(Case(f"{name} of {n}", [shape] * n, layer(name), tolerance))
        for axis in (-1, 1, 2, 3, -2, -3):
            cases.append(Case(f"Concatenate of {n} on {axis}", [shape] * n, layer("Concatenate", axis=axis)))
        cases.append(Case(f"Concatenate flat {n}", [(3,), (4,), (1,), (2,)][:n], layer("Concatenate")))
    cases.append(Case("Subtract", [shape] * 2, layer("Subtract")))
    cases.append(Case("Concatenate unequal", [(4, 3, 2), (4, 3, 5), (4, 3, 1)], layer("Concatenate")))
    cases.append(Case("Concatenate rows", [(4, 3, 2), (1, 3, 2)], layer("Concatenate", axis=1)))
    cases.append(Case("Concatenate columns", [(4, 3, 2), (4, 1, 2)], layer("Concatenate", axis=2)))
    for name in ("Add", "Multiply", "Maximum", "Minimum", "Average"):
        cases.append(Case(f"{name} channels second", [shape, (1, 1, 2)], layer(name)))
        cases.append(Case(f"{name} channels first", [(1, 1, 2), shape], layer(name)))
    cases.append(Case("Subtract channels", [shape, (1, 1, 2)], layer("Subtract")))
    cases.append(Case("Multiply line", [(5, 2), (1, 2)], layer("Multiply")))
    cases.append(Case("Add small small big", [(1, 1, 2), (1, 1, 2), shape], layer("Add")))
    cases.append(Case("Average big small", [shape, (1, 1, 2), shape, shape], layer("Average")))
    cases.append(Case("Add of itself", [shape], lambda kl, x: kl.Add()([x, x, x])))
    cases.append(Case("Multiply by itself", [shape], lambda kl, x: kl.Multiply()([x, x])))
    cases.append(Case("Concatenate itself", [shape], lambda kl, x: kl.Concatenate(axis=1)([x, x])))
    return cases


def _dense() -> list[Case]:
    return [
        Case("dense", (6,), layer("Dense", 5)),
        Case("dense rank 2", (4, 6), layer("Dense", 5)),
        Case("dense rank 3", (3, 2, 6), layer("Dense", 5, activation="relu")),
        Case("dense no bias", (6,), layer("Dense", 5, use_bias=False)),
        Case("dense 1", (1,), layer("Dense", 1)),
        Case("dense rank 4", (2, 2, 2, 3), layer("Dense", 2)),
    ]


CASES = [*_convolutions(), *_transposed(), *_pools(), *_shapes(), *_activations(), *_batchnorm(), *_merges(), *_dense()]


@pytest.mark.parametrize("library", ["keras", "tf_keras"])
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_means_what_keras_means(case: Case, library: str):
    framework = importlib.import_module(library)
    if case.keras3_only and library != "keras":
        pytest.skip("only in Keras 3")
    inputs = [framework.Input(shape, name=f"in{i}") for i, shape in enumerate(case.shapes)]
    y = case.build(framework.layers, inputs if len(inputs) > 1 else inputs[0])
    model = framework.Model(inputs, y)
    dyadic_weights(model)
    data = [grid_input(s, seed=i, bound=32, samples=12) for i, s in enumerate(case.shapes)]
    x = data if len(data) > 1 else data[0]
    expected = np.asarray(processor_independent(model)(x, training=False))
    project = hlsgen.convert(model, input_precision=INPUT)
    got = project.evaluate(x)[model.layers[-1].name]
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, rtol=0, atol=case.tolerance)
