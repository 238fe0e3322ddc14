"""Random networks of operators that turn, cut, join and compute: equal to ONNX Runtime, or refused."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np
import pytest

import hlsgen
from hlsgen.errors import UnsupportedError
from tests.ladder.harness import grid_input
from tests.onnx.nets import Net, runtime

Shape = tuple[int, ...]


class Walk:
    """A network that grows by random operators; ``shape`` is that of its last tensor, without the samples."""

    def __init__(self, seed: int) -> None:
        self.net = Net(seed=seed)
        self.rng = np.random.default_rng(seed)
        count = int(self.rng.integers(1, 4))
        self.shape: Shape = tuple(int(n) for n in self.rng.choice([1, 2, 3, 4, 6], count))
        self.first = self.shape
        self.x = self.net.input(*self.shape)
        self.seen: list[tuple[str, Shape]] = []

    def step(self) -> None:
        """One more operator, of those that the shape allows."""
        self.seen.append((self.x, self.shape))
        moves: list[Callable[[], None]] = [self.transpose, self.reshape, self.constant, self.function, self.slice]
        moves += [self.pad, self.reduce, self.join, self.squeeze]
        if len(self.shape) in (2, 3):
            moves += [self.conv, self.pool]
        moves += [self.product, self.earlier]
        moves[int(self.rng.integers(len(moves)))]()

    def _set(self, x: str, shape: Shape) -> None:
        if shape and prod(shape) <= 400:
            self.x, self.shape = x, shape

    def _axis(self) -> int:
        return int(self.rng.integers(len(self.shape)))

    def transpose(self) -> None:
        order = self.rng.permutation(len(self.shape)).tolist()
        x = self.net("Transpose", self.x, perm=[0, *(axis + 1 for axis in order)])
        self._set(x, tuple(self.shape[axis] for axis in order))

    def reshape(self) -> None:
        rest, shape = prod(self.shape), []
        while rest > 1 and len(shape) < 3:
            size = int(self.rng.choice([d for d in range(1, rest + 1) if rest % d == 0]))
            shape.append(size)
            rest //= size
        shape = [*shape, rest] if rest > 1 or not shape else shape
        self._set(self.net("Reshape", self.x, self.net.whole(-1, *shape)), tuple(shape))

    def constant(self) -> None:
        shape = [1 if self.rng.random() < 0.5 else extent for extent in self.shape]
        shape = shape[int(self.rng.integers(len(shape))) :]
        op = str(self.rng.choice(["Add", "Sub", "Mul", "Max", "Min"]))
        pair = [self.x, self.net.weight(*shape)]
        self._set(self.net(op, *(pair if self.rng.random() < 0.7 else pair[::-1])), self.shape)

    def function(self) -> None:
        op = str(self.rng.choice(["Relu", "Abs", "Neg", "LeakyRelu"]))
        options = {"alpha": 0.25} if op == "LeakyRelu" else {}
        self._set(self.net(op, self.x, **options), self.shape)

    def slice(self) -> None:
        axis = self._axis()
        extent = self.shape[axis]
        start, step = int(self.rng.integers(extent)), int(self.rng.choice([-2, -1, 1, 2]))
        end = 99 if step > 0 else -99
        x = self.net("Slice", self.x, *(self.net.whole(n) for n in (start, end, axis + 1, step)))
        left = len(range(extent)[start::step])
        self._set(x, (*self.shape[:axis], left, *self.shape[axis + 1 :]))

    def pad(self) -> None:
        axis = self._axis()
        before, behind = (int(n) for n in self.rng.integers(0, 2, 2))
        pads = [0] * (2 * len(self.shape) + 2)
        pads[axis + 1], pads[len(self.shape) + 2 + axis] = before, behind
        shape = (*self.shape[:axis], self.shape[axis] + before + behind, *self.shape[axis + 1 :])
        self._set(self.net("Pad", self.x, self.net.whole(*pads), self.net.scalar(0.25)), shape)

    def reduce(self) -> None:
        axis, keeps = self._axis(), int(self.rng.integers(2))
        op = str(self.rng.choice(["ReduceSum", "ReduceMax", "ReduceMin"]))
        shape = (*self.shape[:axis], *((1,) if keeps else ()), *self.shape[axis + 1 :])
        if shape:
            self._set(self.net(op, self.x, self.net.whole(axis + 1), keepdims=keeps), shape)

    def join(self) -> None:
        axis = self._axis()
        others = [x for x, shape in self.seen if shape == self.shape]
        x = self.net("Concat", self.x, str(self.rng.choice(others)), axis=axis + 1)
        self._set(x, (*self.shape[:axis], 2 * self.shape[axis], *self.shape[axis + 1 :]))

    def squeeze(self) -> None:
        ones = [axis for axis, extent in enumerate(self.shape) if extent == 1]
        if ones and len(self.shape) > 1:
            axis = int(self.rng.choice(ones))
            self._set(self.net("Squeeze", self.x, self.net.whole(axis + 1)), self.shape[:axis] + self.shape[axis + 1 :])
        elif len(self.shape) < 4:
            axis = int(self.rng.integers(len(self.shape) + 1))
            x = self.net("Unsqueeze", self.x, self.net.whole(axis + 1))
            self._set(x, (*self.shape[:axis], 1, *self.shape[axis:]))

    def conv(self) -> None:
        channels, *extents = self.shape
        size = [int(self.rng.integers(1, min(extent, 3) + 1)) for extent in extents]
        groups = int(self.rng.choice([g for g in range(1, channels + 1) if channels % g == 0]))
        filters = groups * int(self.rng.integers(1, 3))
        x = self.net("Conv", self.x, self.net.weight(filters, channels // groups, *size), group=groups)
        self._set(x, (filters, *(extent - k + 1 for extent, k in zip(extents, size, strict=True))))

    def pool(self) -> None:
        channels, *extents = self.shape
        size = [int(self.rng.integers(1, min(extent, 2) + 1)) for extent in extents]
        x = self.net("MaxPool", self.x, kernel_shape=size)
        self._set(x, (channels, *(extent - k + 1 for extent, k in zip(extents, size, strict=True))))

    def product(self) -> None:
        outputs = int(self.rng.integers(1, 5))
        x = self.net("MatMul", self.x, self.net.weight(self.shape[-1], outputs))
        self._set(x, (*self.shape[:-1], outputs))

    def earlier(self) -> None:
        """With a tensor from before that broadcasts against this one."""
        fitting = [
            (x, shape)
            for x, shape in self.seen
            if len(shape) == len(self.shape)
            and all(1 in (a, b) or a == b for a, b in zip(shape, self.shape, strict=True))
        ]
        if fitting:
            x, shape = fitting[int(self.rng.integers(len(fitting)))]
            op = str(self.rng.choice(["Add", "Sub", "Max"]))
            self._set(self.net(op, self.x, x), tuple(max(a, b) for a, b in zip(shape, self.shape, strict=True)))


def outcome(seed: int) -> str:
    """What became of the network of a seed: right, or what was refused of it."""
    walk = Walk(seed)
    for _ in range(int(walk.rng.integers(3, 9))):
        walk.step()
    walk.net.output(walk.x)
    model = walk.net.model()
    x = grid_input(walk.first, seed=seed, samples=6)
    (right,) = runtime(model, [x])
    if right.shape[1:] != walk.shape or len(walk.net.nodes) == 0:
        return "no network"
    try:
        project = hlsgen.convert(model, input_precision="fixed<8,4>", default_width=48, max_width=80)
    except UnsupportedError as error:
        return f"refused: {error}"
    found = project.evaluate(x)
    value = project.design.outputs[0]
    got = next(found[key] for key, tensor in project.trace_keys().items() if tensor is value)
    np.testing.assert_array_equal(got, right, err_msg=f"seed {seed}")
    return "right"


SEEDS = 60


@pytest.mark.parametrize("seed", range(SEEDS))
def test_network(seed: int) -> None:
    outcome(seed)


@pytest.mark.slow
def test_more_networks() -> None:
    found = [outcome(seed) for seed in range(SEEDS, 1000)]
    assert found.count("right") > len(found) * 3 // 4


def test_most_networks_are_taken() -> None:
    found = [outcome(seed) for seed in range(30)]
    assert found.count("right") >= 20, found
