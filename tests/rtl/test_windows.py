"""Windows: any geometry, every word in the clock that is stated, and no clock more than pixels and products take."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from hlsgen.backends.verilog.circuit import Stage
from hlsgen.project import Project
from tests.passes.builders import Net
from tests.rtl.test_branches import check, made
from tests.selection import first_of

AT_ONCE = 12
"""Geometries in one circuit, each with ports of its own."""


class Geometry(NamedTuple):
    """An image, and the window over it."""

    image: tuple[int, int, int]
    size: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: str = "valid"
    margins: tuple[int, int, int, int] = (0, 0, 0, 0)
    """Zeros around the image: top, bottom, left, right."""
    pools: bool = False

    @property
    def fits(self) -> bool:
        height, width = (n + a + b for n, a, b in zip(self.image, self.margins[::2], self.margins[1::2], strict=False))
        reach = [(n - 1) * d + 1 for n, d in zip(self.size, self.dilation, strict=True)]
        return self.padding == "same" or (reach[0] <= height and reach[1] <= width)


NAMED = [
    Geometry((4, 5, 2), (3, 3), padding="same"),
    Geometry((1, 1, 1), (3, 3), padding="same"),
    Geometry((6, 1, 1), (3, 1), padding="same"),
    Geometry((1, 7, 2), (1, 5), padding="same"),
    Geometry((5, 4, 1), (2, 2), (2, 2), pools=True),
    Geometry((5, 6, 1), (3, 2), (2, 1), padding="same", pools=True),
    Geometry((5, 5, 2), (1, 1), (2, 2)),
    Geometry((3, 4, 1), (3, 4)),
    Geometry((3, 2, 1), (3, 3), margins=(2, 2, 2, 2)),
    Geometry((2, 3, 1), (2, 2), margins=(3, 4, 2, 5)),
    Geometry((7, 6, 1), (2, 3), dilation=(3, 2), padding="same"),
    Geometry((7, 5, 1), (2, 1), (3, 2)),
]


def drawn(seed: int) -> list[Geometry]:
    """Any geometries of small images."""
    rng = np.random.default_rng(seed)
    found: list[Geometry] = []
    while len(found) < AT_ONCE:
        pair = [tuple(int(n) for n in rng.integers(1, most + 1, 2)) for most in (7, 4, 3, 3)]
        pools = rng.random() < 0.3
        margins = tuple(int(n) for n in rng.integers(0, 4, 4)) if rng.random() < 0.4 and not pools else (0, 0, 0, 0)
        stride, dilation = pair[2], pair[3]
        if rng.random() < 0.5 or pools:
            dilation = (1, 1)
        elif dilation != (1, 1):
            stride = (1, 1)
        image = (*pair[0], int(rng.integers(1, 3)))
        drawn = Geometry(image, pair[1], stride, dilation, str(rng.choice(["same", "valid"])), margins, pools)
        if drawn.fits:
            found.append(drawn)
    return found


def side_by_side(geometries: list[Geometry], seed: int) -> Project:
    """A layer for each, with an input and an output of its own."""
    net = Net(seed=seed, name="windows")
    for k, geometry in enumerate(geometries):
        x = net.input(geometry.image, f"image{k}")
        if any(geometry.margins):
            top, bottom, left, right = geometry.margins
            x = net.call("ZeroPadding2D", f"padded{k}", x, padding=[[top, bottom], [left, right]])
        shared = {"strides": list(geometry.stride), "padding": geometry.padding}
        if geometry.pools:
            net.call("MaxPooling2D", f"layer{k}", x, pool_size=list(geometry.size), **shared)
            continue
        weights = {"kernel": net.dyadic(*geometry.size, geometry.image[-1], 1), "bias": net.dyadic(1)}
        shared["dilation_rate"] = list(geometry.dilation)
        net.call("Conv2D", f"layer{k}", x, weights, filters=1, kernel_size=list(geometry.size), **shared)
    return made(net, *(f"layer{k}" for k in range(len(geometries))))


@pytest.mark.parametrize("seed", first_of(range(12), 1))
def test_any_geometry(seed: int):
    check(side_by_side(drawn(seed) if seed else NAMED, seed))


class Cnn(NamedTuple):
    """Convolutions and poolings one behind the other: (kind, size, stride, padding, filters, reuse factor)."""

    image: tuple[int, ...]
    layers: tuple[tuple[str, int, int, str, int, int], ...]


CNNS = [
    Cnn((28, 28, 1), (("conv", 3, 1, "same", 2, 1), ("pool", 2, 2, "valid", 2, 1), ("conv", 3, 1, "same", 2, 3))),
    Cnn((8, 8, 1), (("conv", 3, 1, "same", 2, 1), ("conv", 5, 1, "same", 2, 1), ("conv", 3, 1, "same", 2, 1))),
    Cnn((4, 4, 2), (("conv", 3, 1, "same", 4, 1), ("conv", 3, 1, "same", 4, 6), ("conv", 3, 1, "same", 2, 3))),
    Cnn((10, 3), (("conv", 3, 1, "same", 4, 1), ("conv", 5, 1, "same", 2, 1))),
    Cnn((16, 16, 1), (("conv", 7, 1, "same", 2, 1), ("pool", 3, 2, "same", 2, 1), ("conv", 3, 1, "valid", 4, 6))),
    Cnn((15, 13, 2), (("conv", 3, 2, "same", 4, 3), ("conv", 1, 1, "valid", 2, 2), ("conv", 3, 2, "same", 4, 9))),
    Cnn((20, 20, 1), (("conv", 3, 1, "valid", 8, 1), ("pool", 2, 2, "valid", 2, 1), ("conv", 3, 1, "valid", 2, 8))),
    Cnn((20, 20, 1), (("conv", 3, 1, "valid", 16, 1), ("pool", 2, 2, "valid", 2, 1), ("conv", 5, 1, "valid", 2, 16))),
    Cnn((6, 6, 4), (("conv", 1, 2, "valid", 4, 2), ("conv", 3, 1, "same", 4, 4))),
]


def cnn(network: Cnn) -> tuple[Project, int]:
    """It as a circuit, and the most that a layer takes: a clock a pixel, the reuse factor a window."""
    net = Net(seed=1, name="cnn")
    x, shape, settings, bound = net.input(network.image), network.image, {}, int(np.prod(network.image[:-1]))
    axes = len(shape) - 1
    for k, (kind, size, stride, padding, filters, reuse) in enumerate(network.layers):
        config = {"strides": [stride] * axes, "padding": padding}
        extent = [-(-n // stride) if padding == "same" else (n - size) // stride + 1 for n in shape[:-1]]
        if kind == "pool":
            x = net.call("MaxPooling2D", f"layer{k}", x, pool_size=[size] * axes, **config)
            filters = shape[-1]
        else:
            weights = {"kernel": net.dyadic(*[size] * axes, shape[-1], filters), "bias": net.dyadic(filters)}
            config |= {"filters": filters, "kernel_size": [size] * axes}
            x = net.call(f"Conv{axes}D", f"layer{k}", x, weights, **config)
            settings[f"layer{k}"] = {"strategy": "resource", "reuse_factor": reuse}
            bound = max(bound, reuse * int(np.prod(extent)))
        shape = (*extent, filters)
    return made(net, x, layers=settings), bound


@pytest.mark.parametrize("network", CNNS, ids=range(len(CNNS)))
def test_intervals_are_those_of_the_largest_layer(network: Cnn):
    """At most a twentieth above."""
    project, bound = cnn(network)
    assert bound <= project.circuit.interval <= 1.05 * bound


def test_rows_wait_for_a_folded_layer():
    """Of 6 rows of windows each takes 64 clocks, and the next comes in 40: more rows wait than a window spans."""
    project, bound = cnn(CNNS[7])
    assert project.circuit.interval == bound == 400
    deeper = [
        block.name
        for block in project.circuit.blocks
        if "lines" in block.name and isinstance(block, Stage) and not block.deeper
    ]
    assert deeper == ["layer2__lines"]
