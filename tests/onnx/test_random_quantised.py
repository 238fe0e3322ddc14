"""Random quantised networks: every number equal to QONNX's specification, words to ONNX Runtime's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hlsgen
from tests.ladder.harness import grid_input
from tests.onnx.nets import Net, runtime
from tests.onnx.quant import DOMAIN, MODES, executed

INPUT = "fixed<12,5>"


class Random(Net):
    """A net with quantisers of random options."""

    def power(self, *shape: int) -> Any:
        return 2.0 ** self.rng.integers(-4, 1, shape)

    def quantised(self, x: str, scale: Any, bits: int, zero: int, signed: bool) -> str:
        narrow, mode = int(self.rng.random() < 0.3), str(self.rng.choice(list(MODES)))
        given = self.weight(values=np.asarray(scale, dtype=np.float32)), self.scalar(zero), self.scalar(bits)
        out: str = self("Quant", x, *given, domain=DOMAIN, signed=int(signed), narrow=narrow, rounding_mode=mode)
        return out

    def activation(self, x: str, channels: tuple[int, ...]) -> str:
        """Of what is computed, with a scale for all or for each channel."""
        zero = int(self.rng.integers(-2, 3)) if self.rng.random() < 0.4 else 0
        scale = self.power(*channels) if self.rng.random() < 0.4 else self.power()
        return self.quantised(x, scale, int(self.rng.integers(2, 7)), zero, bool(self.rng.random() < 0.6))

    def kernel(self, shape: tuple[int, ...], channels: tuple[int, ...]) -> str:
        real = self.weight(values=self.rng.normal(0, 1, shape).astype(np.float32))
        scale = self.power(*channels) if self.rng.random() < 0.7 else self.power()
        return self.quantised(real, scale, int(self.rng.integers(1, 7)), 0, True)

    def word(self, kind: Any, *numbers: int) -> str:
        return self.weight(values=np.array(numbers if len(numbers) > 1 else numbers[0], dtype=kind))

    def pair(self, x: str, scale: float, kind: Any, zero: int) -> str:
        """QuantizeLinear and DequantizeLinear."""
        given = self.scalar(scale), self.word(kind, zero)
        out: str = self("DequantizeLinear", self("QuantizeLinear", x, *given), *given)
        return out

    def words(self, shape: tuple[int, ...], scale: Any, **options: Any) -> str:
        """Weights as words of 8 bits."""
        numbers = self.weight(values=self.rng.integers(-128, 128, shape).astype(np.int8))
        zeros = self.word(np.int8, *[0] * np.size(scale))
        out: str = self("DequantizeLinear", numbers, self.weight(values=np.float32(scale)), zeros, **options)
        return out


def perceptron(net: Random) -> str:
    x, features = net.activation(net.input(5), (1, 5)), 5
    for _ in range(int(net.rng.integers(1, 3))):
        x = net("Add", net("MatMul", x, net.kernel((features, 6), (1, 6))), net.kernel((6,), (6,)))
        x, features = net.activation(net("Relu", x) if net.rng.random() < 0.5 else x, (1, 6)), 6
    return x


def image(net: Random) -> str:
    groups = int(net.rng.choice([1, 2, 4]))
    kernel = net.kernel((4, 4 // groups, 3, 3), (4, 1, 1, 1))
    x = net.activation(net.input(4, 5, 5), (1, 4, 1, 1))
    x = net("Conv", x, kernel, net.kernel((4,), (4,)), group=groups, pads=[1] * 4)
    x = net("MaxPool", net.activation(x, (1, 4, 1, 1)), kernel_shape=[2, 2])
    x = net("Flatten", net.activation(net("Add", x, net("Relu", x)), (1, 4, 1, 1)))
    return net.activation(net("Gemm", x, net.kernel((3, 64), (3, 1)), net.kernel((3,), (3,)), transB=1), (1, 3))


def result(project: Any, x: np.ndarray) -> np.ndarray:
    got = project.evaluate(x)
    return next(np.asarray(got[key]) for key, held in project.trace_keys().items() if held is project.design.outputs[0])


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("make", [perceptron, image])
def test_qonnx(make: Any, seed: int) -> None:
    """With a budget that would round weights of a float model."""
    net = Random(seed=seed)
    net.output(make(net))
    model = net.model()
    shape = tuple(entry.dim_value for entry in net.inputs[0].type.tensor_type.shape.dim[1:])
    x = grid_input(shape, seed=seed, bound=64, samples=40)
    project = hlsgen.convert(model, input_precision=INPUT, default_width=6)
    assert np.array_equal(result(project, x), executed(model, [x])[0])


@pytest.mark.parametrize("seed", range(12))
def test_pairs_of_any_scale(seed: int) -> None:
    """Words behind three quantisers, whose scales are no powers of two: those of a runtime that sums in float32."""
    net = Random(seed=seed)
    small, middle, large = (float(number) for number in net.rng.uniform([0.01, 2, 60], [0.2, 10, 300]))
    x = net.pair(net.input(3, 6, 6), small, np.uint8, int(net.rng.integers(100, 140)))
    x = net("Conv", x, net.words((4, 3, 3, 3), net.rng.uniform(0.01, 0.2, 4), axis=0))
    x = net("Flatten", net.pair(net("Relu", x), middle, np.uint8, 0))
    x = net("MatMul", x, net.words((64, 5), float(net.rng.uniform(0.01, 0.2))))
    net.output(net("QuantizeLinear", x, net.scalar(large), net.word(np.int8, int(net.rng.integers(-20, 20)))))
    model = net.model()
    x = grid_input((3, 6, 6), seed=seed, bound=200, frac=5, samples=50)
    right = runtime(model, [x])[0]
    assert len(np.unique(right)) > 10
    found = result(hlsgen.convert(model, input_precision=INPUT), x)
    differ = found != right  # beside a tie, where the order of the runtime's sums decides
    assert differ.mean() <= 1 / 250 and np.abs(found - right).max() <= 1
