"""Scenarios of convolutions, dense layers and pooling."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from tests.peer.scenario import (
    KERAS2,
    KERAS3,
    Kit,
    Scenario,
    Within,
    both_signs,
    integers,
    layer,
    stacked,
    unit_grid,
)

PADDINGS = ("same", "valid")
ONE_PERCENT = Within(0.01, 0.01)
THOUSANDTH = Within(0.001)
NORMAL: dict[str, Any] = {"kernel_initializer": "normal", "use_bias": False}
LECUN: dict[str, Any] = {"kernel_initializer": "lecun_uniform", "bias_initializer": "lecun_uniform"}


def dense() -> list[Scenario]:
    found = []
    for shape in ((4, 3), (4, 1), (2, 3, 2), (1, 3, 1)):
        model = stacked(shape, layer("Dense", 7, activation="relu"), layer("Dense", 2, activation="relu"))
        found.append(Scenario("multi_dense", f"{shape}", model, ONE_PERCENT, unit_grid))
    model = stacked((10,), layer("Dense", 30), layer("Reshape", (10, 3)), layer("ReLU"))
    found.append(Scenario("reshape", "dense, reshape, relu", model, Within(0.02), precision="fixed<32,16>", samples=20))
    found.append(Scenario("inplace_variable", "dense, reshape, relu", model, Within(0.02)))
    model = stacked((16,), layer("Dense", 12, **LECUN))
    found.append(Scenario("dense_unrolled", "dense", model, Within(0.01), precision="fixed<32,16>"))
    for rank in (1, 2):
        conv = layer(f"Conv{rank}D", 4, (3,) * rank, **LECUN)
        model = stacked((*(8,) * rank, 3), conv, layer("Flatten"), layer("Dense", 1, **LECUN))
        found.append(Scenario("dense_unrolled", f"conv{rank}d", model, Within(0.01), precision="fixed<32,16>"))
    return found


def einsum_dense() -> list[Scenario]:
    """Contractions with weights of equations with and without ``...``; a bias along some of the axes."""
    cases: tuple[tuple[str, Any, Any, str | None], ...] = (
        ("bi,j->bij", (8,), (8, 7), None),
        ("bi,j->bij", (8,), (8, 7), "i"),
        ("bi,j->bij", (8,), (8, 7), "j"),
        ("bi,io->bo", (8,), 7, None),
        ("...i,oi->...o", (4, 3), (5,), None),
        ("...abcd,bcde->...aeb", (5, 4, 3, 2), (5, 6, 4), None),
        ("...abcd,bcde->...aeb", (5, 4, 3, 2), (5, 6, 4), "aeb"),
        ("...abcd,bcde->...aeb", (5, 4, 3, 2), (5, 6, 4), "ab"),
        ("...abcd,bcde->...aeb", (5, 4, 3, 2), (5, 6, 4), "a"),
    )
    found = []
    for equation, shape, output, bias in cases:
        options = {"output_shape": output, "bias_axes": bias}
        if bias:
            options["bias_initializer"] = "lecun_normal" if len(bias) > 1 else "random_normal"
        model = stacked(shape, layer("EinsumDense", equation, **options))
        name = f"{equation}, bias {bias}"
        found.append(Scenario("einsum_dense", name, model, Within(2e-6), precision="fixed<32,8>", libraries=(KERAS3,)))
    return found


def convolutions() -> list[Scenario]:
    found = []
    loose = Within(0.05)
    for padding in PADDINGS:
        conv = layer("Conv1D", 32, 3, padding=padding, activation="relu", **NORMAL)
        model = stacked((128, 4), conv, layer("Activation", "relu"))
        found.append(Scenario("keras_api", f"conv1d {padding}", model, loose, samples=10))
        model = stacked((28, 28, 3), layer("Conv2D", 32, 4, strides=4, padding=padding, **NORMAL))
        found.append(Scenario("keras_api", f"conv2d {padding}", model, loose, samples=20))
        model = stacked((32, 32, 3), layer("Conv2D", 32, (2, 3), strides=(4, 5), padding=padding, **NORMAL))
        found.append(Scenario("keras_v3_api", f"conv2d {padding}", model, loose, samples=20, libraries=(KERAS3,)))
        for name in ("elu", "relu"):
            conv = layer("Conv1D", 32, 3, strides=2, padding=padding, activation=name, **NORMAL)
            model, text = stacked((128, 4), conv, layer("Activation", "relu")), f"conv1d {padding} {name}"
            found.append(Scenario("keras_v3_api", text, model, loose, samples=10, libraries=(KERAS3,)))
    model = stacked((100, 1), layer("Conv1D", 1, 5, padding="causal"))
    found.append(Scenario("causalpadding", "conv1d", model, Within(5e-3), integers(0, 10), samples=1))
    found.append(Scenario("conv1d_narrow", "conv1d", stacked((11, 3), layer("Conv1D", 5, 9)), loose, samples=10))
    found.append(Scenario("conv2d_narrow", "conv2d", stacked((5, 5, 3), layer("Conv2D", 5, 4)), loose, samples=10))
    for rank in (1, 2):
        model = stacked((*(5,) * rank, 3), layer(f"Conv{rank}DTranspose", 4, 3))
        found.append(Scenario("conv_transpose", f"{rank}d", model, loose, samples=10))
    return found


def pointwise() -> list[Scenario]:
    """Windows of one element."""
    found = [Scenario("pointwiseconv", "settings", stacked((8, 8, 3), layer("Conv2D", 8, 1, **NORMAL)), Within(0.05))]
    for padding, stride, rank in product(PADDINGS, (1, 2), (1, 2)):
        conv = layer(f"Conv{rank}D", 32, 1, strides=stride, padding=padding, **NORMAL)
        name, held, samples = (
            f"{rank}d {padding} strides {stride}",
            {1: "fixed<32,16>", 2: "fixed<32,9>"}[rank],
            40 // rank,
        )
        model = stacked((*(28,) * rank, 3), conv)
        found.append(Scenario("pointwiseconv", name, model, THOUSANDTH, precision=held, samples=samples))
    return found


def _dilated(dilation: int, padding: str) -> Any:
    """Weights that count up, in thirty-seconds."""

    def build(kit: Kit) -> Any:
        model = kit.stack((17, 2), kit.layers.Conv1D(3, 3, padding=padding, dilation_rate=dilation))
        kernel = np.arange(18, dtype=np.float32).reshape(3, 2, 3) / 32 - 0.25
        model.layers[-1].set_weights([kernel, np.array([-0.125, 0.0, 0.125], np.float32)])
        return model

    return build


def options_of_convolutions() -> list[Scenario]:
    """Dilation and groups, which the other tool refuses in part."""
    found = []
    for dilation, padding in product((1, 2, 4), PADDINGS):
        model = _dilated(dilation, padding)
        name = f"{dilation} {padding}"
        found.append(Scenario("conv1d_dilation", name, model, Within(2e-3), both_signs, "fixed<32,12>", samples=4))
    for padding in (*PADDINGS, "causal"):
        model = stacked((16, 4), layer("Conv1D", 4, 3, padding=padding, groups=4))
        found.append(_grouped(f"1d {padding}", model))
    found.append(_grouped("2d", stacked((8, 8, 4), layer("Conv2D", 4, 3, padding="same", groups=4))))
    for channels, filters, groups in ((4, 4, 2), (8, 8, 4), (4, 8, 4)):
        model = stacked((16, channels), layer("Conv1D", filters, 3, padding="same", groups=groups))
        found.append(_grouped(f"{groups} groups of {channels} to {filters}", model))
    refused_there: dict[str, dict[str, Any]] = {
        "conv2d dilation": {"dilation_rate": 2},
        "conv2d unequal dilation": {"dilation_rate": (2, 3)},
        "conv2d groups": {"groups": 2},
    }
    for name, options in refused_there.items():
        model = stacked((16, 16, 4), layer("Conv2D", 4, 3, **options))
        found.append(Scenario("keras_converter", name, model, ONE_PERCENT, unit_grid, samples=10))
    model = stacked((64, 1), layer("Conv1D", 4, 3, dilation_rate=2))
    found.append(Scenario("keras_converter", "conv1d dilation", model, ONE_PERCENT, unit_grid, samples=10))
    model = stacked((16, 16, 4), layer("Conv2D", 4, 3, groups=4))
    found.append(Scenario("keras_converter", "conv2d depthwise by groups", model, ONE_PERCENT, unit_grid, samples=10))
    return found


def _grouped(name: str, model: Any) -> Scenario:
    return Scenario(
        "depthwise_via_groups", name, model, ONE_PERCENT, unit_grid, "fixed<32,12>", samples=10, libraries=(KERAS3,)
    )


def depthwise() -> list[Scenario]:
    found = []
    for padding, stride, size in product(PADDINGS, (1, 2), (1, 2, 3)):
        name = f"{padding} strides {stride} size {size}"
        options: dict[str, Any] = {"strides": stride, "padding": padding, "use_bias": False}
        if size > 1:
            model = stacked((16, 4), layer("DepthwiseConv1D", size, **options))
            found.append(Scenario("depthconv1d", name, model, THOUSANDTH, precision="fixed<32,8>"))
            model = stacked((16, 16, 2), layer("DepthwiseConv2D", size, **options))
            found.append(Scenario("depthconv2d", name, model, THOUSANDTH, precision="fixed<32,8>", samples=20))
            model = stacked((16, 16, 3), layer("SeparableConv2D", 8, size, **options))
            found.append(Scenario("sepconv2d", name, model, THOUSANDTH, precision="fixed<32,8>", samples=20))
        if size != 2:
            model = stacked((28, 3), layer("SeparableConv1D", 32, size, **options))
            found.append(Scenario("sepconv1d", name, model, THOUSANDTH, precision="fixed<32,16>", samples=50))
    line, image = stacked((32, 3), layer("DepthwiseConv1D", 3)), stacked((32, 32, 3), layer("DepthwiseConv2D", 3))
    for source, libraries in (("keras_v3_api", (KERAS3,)), ("keras_api", (KERAS2,))):
        found.append(Scenario(source, "depthwise1d", line, ONE_PERCENT, unit_grid, samples=10, libraries=libraries))
        found.append(
            Scenario(source, "depthwise2d", image, ONE_PERCENT, unit_grid, "fixed<32,12>", 10, libraries=libraries)
        )
    return found


def pooling() -> list[Scenario]:
    found = []
    for kind, padding in product(("Max", "Average"), PADDINGS):
        name = f"{kind.lower()} {padding}"
        tight: dict[str, Any] = {"tolerance": Within(5e-3), "precision": "fixed<32,9>"}
        model = stacked((124, 5), layer(f"{kind}Pooling1D", 3, padding=padding))
        found.append(Scenario("pooling", f"1d {name}", model, **tight, samples=20))
        model = stacked((124, 124, 5), layer(f"{kind}Pooling2D", padding=padding))
        found.append(Scenario("pooling", f"2d {name}", model, **tight, samples=2))
        model = stacked((121, 3), layer(f"{kind}Pooling1D", 2, padding=padding))
        found.append(Scenario("keras_v3_api", f"pooling1d {name}", model, Within(0.03), libraries=(KERAS3,)))
        model = stacked((18, 15, 3), layer(f"{kind}Pooling2D", (4, 2), padding=padding))
        found.append(Scenario("keras_v3_api", f"pooling2d {name}", model, Within(0.03), libraries=(KERAS3,)))
        conv, pool = layer("Conv2D", 1, 3, padding=padding), layer(f"{kind}Pooling2D", 2, padding=padding)
        found.append(Scenario("keras_api", f"pooling2d {name}", stacked((8, 8, 3), conv, pool), Within(0.03)))
        conv = layer("Conv1D", 32, 3, padding=padding, **NORMAL)
        pool = layer(f"{kind}Pooling1D", 2, padding=padding)
        found.append(Scenario("keras_api", f"pooling1d {name}", stacked((64, 3), conv, pool), Within(0.03), samples=20))
    for kind, keep in product(("Max", "Average"), (False, True)):
        tight = {"tolerance": Within(5e-3), "precision": "fixed<32,9>"}
        name = f"{kind.lower()} keepdims {keep}"
        model = stacked((18, 6), layer(f"Global{kind}Pooling1D", keepdims=keep))
        found.append(Scenario("globalpooling", f"1d {name}", model, **tight))
        model = stacked((18, 18, 6), layer(f"Global{kind}Pooling2D", keepdims=keep))
        found.append(Scenario("globalpooling", f"2d {name}", model, **tight, samples=20))
    for kind in ("Max", "Average"):
        model = stacked((8, 4), layer(f"Global{kind}Pooling1D"))
        found.append(Scenario("globalpooling1d", kind.lower(), model, Within(5e-3), precision="fixed<32,1>"))
    return found


Single = tuple[str, Any, Any]
"""A name, the shape of the input, and what makes the layer."""


def _without_windows() -> list[Single]:
    return [
        ("dense", (16,), layer("Dense", 16)),
        ("dense, no bias", (16,), layer("Dense", 16, use_bias=False)),
        ("batchnorm", (16,), layer("BatchNormalization")),
        ("relu", (1,), layer("Activation", "relu")),
        ("leaky 1.0", (1,), layer("LeakyReLU", 1.0)),
        ("leaky 0.5", (1,), layer("LeakyReLU", 0.5)),
        ("elu 1.0", (1,), layer("ELU", 1.0)),
        ("elu 0.5", (1,), layer("ELU", 0.5)),
        ("prelu", (1,), layer("PReLU")),
        ("permute", (32, 32, 4), layer("Permute", (2, 1, 3))),
    ]


def _with_windows() -> list[Single]:
    found: list[Single] = []
    for size, stride, padding in ((3, 1, "valid"), (3, 1, "same"), (4, 2, "same")):
        conv = layer("Conv1D", 32, size, strides=stride, padding=padding, use_bias=False)
        found.append((f"conv1d {size} {padding}", (128, 4), conv))
    for padding in PADDINGS:
        conv = layer("Conv2D", 32, 4, strides=4, padding=padding, use_bias=False)
        found.append((f"conv2d {padding}", (28, 28, 3), conv))
    for kind in ("Max", "Average"):
        for size, step, padding in (
            (2, None, "valid"), (2, None, "same"), (3, None, "valid"), (4, None, "valid"), (2, 2, "same"),
            (3, 3, "valid"), (3, 2, "valid"),
        ):  # fmt: skip
            pool = layer(f"{kind}Pooling1D", size, strides=step, padding=padding)
            found.append((f"{kind.lower()} 1d {size} {step} {padding}", (128, 4), pool))
        for window, padding in ((2, "valid"), (2, "same"), (3, "valid"), (4, "valid"), ((2, 4), "valid")):
            pool = layer(f"{kind}Pooling2D", window, padding=padding)
            found.append((f"{kind.lower()} 2d {window} {padding}", (32, 32, 4), pool))
    return found


def single_layers() -> list[Scenario]:
    """One layer a model, on inputs of both signs."""
    wide: dict[str, Any] = {"tolerance": ONE_PERCENT, "draw": both_signs, "precision": "fixed<32,16>"}
    return [
        Scenario("conversion", name, stacked(shape, made), **wide, samples=100 if len(shape) < 2 else 5)
        for name, shape, made in (*_without_windows(), *_with_windows())
    ]


SCENARIOS = [
    *dense(),
    *einsum_dense(),
    *convolutions(),
    *pointwise(),
    *options_of_convolutions(),
    *depthwise(),
    *pooling(),
    *single_layers(),
]
