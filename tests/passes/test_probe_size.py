"""How much of a network a probe runs through."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hlsgen.config import make_config
from hlsgen.errors import UnsupportedError
from hlsgen.ir.constant import Constant, Shape
from hlsgen.ir.graph import Graph, Source, Value
from hlsgen.ir.layer import Layer
from hlsgen.layers.conv2d import Conv2D
from hlsgen.layers.dense import Dense
from hlsgen.layers.input import Input
from hlsgen.layers.merge import Merge
from hlsgen.layers.pooling2d import GlobalAveragePooling, MaxPooling2D
from hlsgen.layers.prelu import PRelu
from hlsgen.layers.relu import Relu
from hlsgen.layers.shape_ops import Permute, Reshape, UpSampling
from hlsgen.layers.window import Window
from hlsgen.pipeline import make_design
from hlsgen.precision import probe_size as module
from hlsgen.precision.part import part_of, whole_of
from hlsgen.precision.probe_size import ProbeSize, probe_size


class Net:
    """A graph, layer by layer."""

    def __init__(self, *shapes: Shape) -> None:
        self.graph = Graph("net")
        self.inputs = [
            self.graph.add(Input(shape), (), f"x{i}", Source(f"x{i}", "InputLayer")) for i, shape in enumerate(shapes)
        ]

    def add(self, layer: Layer, *read: Value) -> Value:
        name = f"n{len(list(self.graph))}"
        (value,) = self.graph.add_node(layer, read, name, Source(name, layer.kind)).outputs
        return value

    def conv(self, value: Value, filters: int, size: int = 3, stride: int = 1, padding: int = 1) -> Value:
        weight = np.random.default_rng(filters).normal(0, 0.2, (size, size, value.shape[-1], filters))
        window = Window((size, size), (stride, stride), padding=(padding,) * 4)
        return self.add(Conv2D(Constant.of(weight), Constant.of(np.zeros(filters)), window), value)

    def size(self, *outputs: Value) -> ProbeSize:
        self.graph.set_outputs(outputs, [value.name for value in outputs])
        return probe_size(self.graph)


@pytest.fixture(autouse=True)
def little_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that small networks reach."""
    monkeypatch.setattr(module, "_WORK", 1 << 24)
    monkeypatch.setattr(module, "MOST_WORK", 1 << 32)
    monkeypatch.setattr(module, "_MOST_CELLS", 1 << 20)


def cut(size: ProbeSize) -> list[Shape]:
    return [shape for value, shape in size.part.shapes.items() if value.producer.is_input]


def test_small_networks_are_probed_whole() -> None:
    net = Net((8, 8, 3))
    assert net.size(net.conv(net.inputs[0], 2)) == ProbeSize(256, whole_of(net.graph))


def global_end(net: Net, value: Value) -> Value:
    return net.add(GlobalAveragePooling(Constant.of([1.0 / np.prod(value.shape[:-1])])), value)


def test_what_is_the_same_at_every_place_is_cut() -> None:
    net = Net((1000, 1000, 3))
    x = net.add(MaxPooling2D(Window((2, 2), (2, 2))), net.conv(net.inputs[0], 8))
    x = global_end(net, net.add(Merge("add"), x, net.conv(x, 8)))
    size = net.size(net.add(Dense(Constant.of(np.ones((8, 4))), Constant.of(np.zeros(4))), x))
    assert cut(size) == [(32, 32, 3)]
    assert size.samples == 7


@pytest.mark.parametrize(
    "whole", [Reshape((256 * 200 * 2,)), Permute((2, 0, 1)), PRelu(Constant.of(np.ones((256, 200, 2))))]
)
def test_what_needs_the_whole_gets_the_part_repeated(whole: Any) -> None:
    net = Net((256, 200, 3))
    conv = net.conv(net.inputs[0], 2)
    node = net.add(whole, conv).producer
    size = net.size(node.output)
    assert cut(size) == [(32, 32, 3)]
    assert size.part.shapes[conv] == (32, 32, 2)
    assert size.part.shapes[node.output] == node.output.shape
    found = np.arange(2 * 32 * 32 * 2, dtype=np.float64).reshape(2, 32, 32, 2)
    (taken,) = size.part.taken(node, [found])
    assert taken.shape == (2, 256, 200, 2)
    for row, column in ((0, 0), (31, 31), (32, 0), (255, 199)):
        assert (taken[:, row, column] == found[:, row % 32, column % 32]).all()


def test_layers_without_multiplications_take_time_too() -> None:
    net = Net((1 << 12, 2))
    value = net.add(Reshape((1 << 13,)), net.inputs[0])
    assert net.size(value).samples == 16
    for _ in range(40):
        value = net.add(Relu(), value)
    assert net.size(value).samples == 2


def test_a_reshape_of_what_no_cut_reaches() -> None:
    """As in squeeze and excitation: a number a channel gets the axes of an image."""
    net = Net((512, 512, 4))
    x = net.conv(net.inputs[0], 4)
    scale = net.add(Reshape((1, 1, 4)), global_end(net, x))
    assert cut(net.size(net.add(Merge("multiply"), x, scale))) == [(32, 32, 4)]


def test_branches_that_no_longer_fit_are_made_whole() -> None:
    """An odd extent is rounded up when it is halved: enlarged again, the branch is longer than the other."""
    net = Net((130, 130, 4))
    down = net.add(MaxPooling2D(Window((2, 2), (2, 2))), net.conv(net.inputs[0], 4))
    up = net.add(UpSampling((2, 2)), net.conv(down, 4))
    total = net.add(Merge("add"), net.inputs[0], up)
    assert part_of(net.graph, 0) == whole_of(net.graph)
    odd, even = part_of(net.graph, 1), part_of(net.graph, 2)
    assert (odd.shapes[net.inputs[0]], odd.shapes[up], odd.shapes[total]) == ((65, 65, 4), (64, 64, 4), (130, 130, 4))
    assert odd.taken_shapes(total.producer) == [(130, 130, 4)] * 2
    assert not odd.whole.isdisjoint([total])
    assert (even.shapes[up], even.shapes[total]) == ((32, 32, 4), (130, 130, 4))


def test_inputs_of_several_sizes() -> None:
    net = Net((512, 512, 2), (5,), (600, 3))
    x = global_end(net, net.conv(net.inputs[0], 2))
    size = net.size(x, net.inputs[1], net.inputs[2])
    assert cut(size) == [(32, 32, 2), (5,), (32, 3)]


def deep(extent: int) -> Net:
    """A convolution, and others where an image has a sixteenth of its extent."""
    net = Net((extent, extent, 3))
    x = net.conv(net.inputs[0], 4)
    for _ in range(4):
        x = net.conv(net.add(MaxPooling2D(Window((2, 2), (2, 2))), x), 8)
    net.size(x)
    return net


def test_the_last_layers_keep_as_many_positions_as_their_windows_see() -> None:
    """Beside a part lie zeros: of an image of 2 x 2 a window of 3 x 3 sees four ninths of what it sums up in the whole."""
    net = deep(256)
    assert probe_size(net.graph).part.shapes[list(net.graph.values)[-1]] == (4, 4, 8)
    assert part_of(net.graph, 9, positions=1).shapes[list(net.graph.values)[-1]] == (2, 2, 8)
    few = deep(48)  # there are no more than three
    assert part_of(few.graph, 1).shapes[few.inputs[0]] == (48, 48, 3)


def test_positions_are_given_up_before_a_network_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    net = deep(256)
    monkeypatch.setattr(module, "_WORK", 1)
    assert cut(probe_size(net.graph)) == [(64, 64, 3)]
    monkeypatch.setattr(module, "MOST_WORK", 1 << 23)
    assert cut(probe_size(net.graph)) == [(32, 32, 3)]


def test_sums_of_deep_layers_are_as_large_as_the_whole_makes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights that add up what all nine places hold."""

    def reach() -> float:
        net = deep(256)
        for node in net.graph:
            if isinstance(node.layer, Conv2D):
                node.layer = replace(node.layer, weight=Constant.of(np.abs(node.layer.weight.values)))
        (tensor,) = make_design(net.graph, make_config()).outputs
        assert tensor.expected is not None
        return tensor.expected.reach

    part = reach()
    monkeypatch.undo()
    monkeypatch.setattr(module, "_WORK", 1 << 40)
    assert part > 0.7 * reach()


def test_a_network_that_takes_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WORK", 1 << 24)
    net = Net((256, 256, 3))
    with pytest.raises(UnsupportedError, match="types takes as long as .* multiplications, more than the 1.7e\\+07"):
        net.size(net.add(Reshape((256 * 256 * 2,)), net.conv(net.inputs[0], 2)))


def test_a_flattened_image_of_too_many_channels_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    net = Net((1 << 10, 1 << 10, 3))
    value = net.add(Reshape((3 << 20,)), net.inputs[0])
    assert net.size(value).samples > 1
    with pytest.raises(UnsupportedError, match="the network is too large"):
        net.size(net.add(Relu(), net.add(Relu(), value)))


def test_a_cut_probe_finds_the_same_types(monkeypatch: pytest.MonkeyPatch) -> None:
    def types() -> list[str]:
        net = Net((128, 128, 3))
        x = net.conv(net.conv(net.inputs[0], 8), 8, stride=2)
        net.graph.set_outputs([x], ["y"])
        return [str(tensor.type) for tensor in make_design(net.graph, make_config()).tensors]

    cut_down = types()
    monkeypatch.undo()
    assert types() == cut_down
