"""Circuits that branch: forks, merges behind FIFOs of computed depth, several ports, words in other places.

Every word passes in the clock that the schedule says, and with gaps and stalls the integers stay the same.
"""

from __future__ import annotations

import numpy as np
import pytest

from hlsgen.backends.verilog.circuit import Fifo, Fork
from hlsgen.project import Project
from tests.circuits import check_circuit
from tests.passes.builders import Net, grid, project_of
from tests.selection import first_of

SAMPLES = 5


def inputs_of(project: Project, samples: int = SAMPLES, bound: int = 30) -> list[np.ndarray]:
    return [
        grid(tensor.shape, samples=samples, bound=bound, seed=seed) for seed, tensor in enumerate(project.design.inputs)
    ]


def check(project: Project) -> None:
    check_circuit(project, inputs_of(project))


def made(net: Net, *outputs: str, **settings) -> Project:
    return project_of(net.source(*outputs), backend="verilog", input_precision="fixed<6,3>", **settings)


def residual() -> Project:
    """Two ways of an image that meet again, twice, one of them folded; a third way is an output."""
    net = Net(seed=1, name="residual")
    x = net.conv("stem", net.input((6, 5, 2), "image"), 2, 3, padding="same", activation="relu")
    y = net.conv("first", x, 3, 3, padding="same", activation="relu")
    y = net.conv("second", y, 3, 3, padding="same")
    x = net.call("Add", "sum", [x, y])
    y = net.conv("third", x, 3, 3, size=1)
    x = net.call("Maximum", "largest", [y, x])
    net.call("GlobalAveragePooling2D", "mean", x)
    folded = {"second": {"strategy": "resource", "reuse_factor": 3}}
    return made(net, "mean", "sum", layers=folded)


def gated() -> Project:
    """Squeeze and excitation: the whole image waits for what is computed of it."""
    net = Net(seed=2, name="gated")
    x = net.conv("conv", net.input((4, 5, 2), "image"), 2, 4, padding="same", activation="relu")
    g = net.call("GlobalAveragePooling2D", "squeeze", x, keepdims=True)
    g = net.call("Dense", "excite", g, {"kernel": net.dyadic(4, 4), "bias": net.dyadic(4)}, units=4)
    g = net.call("Activation", "gate", g, activation="hard_sigmoid")
    x = net.call("Multiply", "scaled", [x, g])
    x = net.call("Flatten", "flat", x)
    net.dense("classes", x, 80, 3)
    return made(net, "classes")


def joined() -> Project:
    """Tensors behind each other along every axis, and channels of other types side by side."""
    net = Net(seed=3, name="joined")
    x = net.input((3, 4, 2), "image")
    a = net.conv("a", x, 2, 2, padding="same")
    b = net.conv("b", x, 2, 2, size=1, activation="relu")
    rows = net.call("Concatenate", "rows", [a, b], axis=1)
    columns = net.call("Concatenate", "columns", [b, a], axis=2)
    channels = net.call("Concatenate", "channels", [a, b, x], axis=-1)
    outputs = [net.call("GlobalMaxPooling2D", f"{name}_pool", name) for name in (rows, columns)]
    return made(net, *outputs, channels)


def ports() -> Project:
    """Three inputs, one of them an output as well, and one that nothing reads but a difference; two outputs."""
    net = Net(seed=4, name="ports")
    a, b, c = (net.input((4,), name) for name in "abc")
    x = net.call("Subtract", "difference", [net.dense("fc", a, 4, 4), b])
    y = net.call("Multiply", "product", [x, c])
    net.call("Minimum", "least", [y, x])
    return made(net, "least", "product", layers={"fc": {"strategy": "resource", "reuse_factor": 4}})


def moved() -> Project:
    """Words that are dropped, repeated, made of zeros, and elements in other places."""
    net = Net(seed=5, name="moved")
    x = net.input((4, 6, 2), "image")
    x = net.call("ZeroPadding2D", "padded", x, padding=[[1, 0], [2, 1]])
    x = net.call("Cropping2D", "cropped", x, cropping=[[0, 1], [1, 0]])
    x = net.conv("conv", x, 2, 4, size=2, activation="relu")
    x = net.call("UpSampling2D", "wide", x, size=[1, 2])
    x = net.call("Permute", "turned", x, dims=[2, 3, 1])
    net.call("Cropping2D", "last", x, cropping=[[1, 2], [1, 1]])
    return made(net, "last")


def uneven() -> Project:
    """Words of four elements as words of three; one tensor in both."""
    net = Net(seed=6, name="uneven")
    x = net.call("Reshape", "pairs", net.input((12,), "x"), target_shape=[6, 2])
    x = net.dense("fours", x, 2, 4)
    y = net.call("Reshape", "threes", x, target_shape=[8, 3])
    y = net.dense("last", y, 3, 2)
    return made(net, "last", "fours")


def paused() -> Project:
    """A folded convolution whose windows come in rows with pauses between them."""
    net = Net(seed=7, name="paused")
    x = net.conv("first", net.input((14, 14, 1), "image"), 1, 4)
    x = net.call("MaxPooling2D", "pool", x, pool_size=[2, 2])
    net.conv("second", x, 4, 2)
    return made(net, "second", layers={"second": {"strategy": "resource", "reuse_factor": 12}})


def crossed() -> Project:
    """Two inputs, of which one waits until all of the other has passed, while both are added word by word."""
    net = Net(seed=8, name="crossed")
    a, b = net.input((3, 2, 2), "a"), net.input((3, 2, 2), "b")
    rows = net.call("Concatenate", "rows", [b, a], axis=1)
    net.call("Add", "sum", [a, b])
    return made(net, "sum", rows)


NETWORKS = [residual, gated, joined, ports, moved, uneven, paused, crossed]


@pytest.mark.parametrize("name", first_of([network.__name__ for network in NETWORKS], 2))
def test_branches(name: str):
    (network,) = [network for network in NETWORKS if network.__name__ == name]
    check(network())


def depths(project: Project) -> dict[str, int]:
    return {block.reads[0].name: block.depth for block in project.circuit.blocks if isinstance(block, Fifo)}


def test_the_short_way_of_a_residual_waits():
    """As long as the windows of two convolutions reach; the way through the convolutions has no FIFO."""
    assert depths(residual()) == {"stem__out__to1": 31, "sum__out__to1": 2}
    assert sum(isinstance(block, Fork) for block in residual().circuit.blocks) == 2


def test_a_gate_holds_the_image():
    """All of it, and what comes of the next one until the gate is computed."""
    (depth,) = depths(gated()).values()
    assert 20 <= depth < 40, "an image has 20 pixels"


def through() -> Project:
    """An input that is also an output, and one that nothing reads."""
    net = Net(seed=8, name="through")
    a, b, c = net.input((3,), "a"), net.input((2, 2), "b"), net.input((2,), "c")
    net.dense("fc", a, 3, 2)
    assert c
    return made(net, "fc", b, a)


def test_inputs_that_are_outputs():
    check(through())
