"""Random networks of the project's layers, seeded: what rewrites of a graph are tried on."""

from __future__ import annotations

from math import prod
from typing import Any

from hlsgen.frontends.keras.source import SourceModel
from tests.passes.builders import Net

Tensor = tuple[str, tuple[int, ...]]
_SIZE = 600
"""Tensors do not grow beyond this many elements."""


class RandomNet(Net):
    """``quantized``: weights are on the model's own grids; else they are real numbers."""

    def __init__(self, seed: int, *, quantized: bool) -> None:
        super().__init__(seed, f"random{seed}")
        self.quantized = quantized
        self.tensors: list[Tensor] = []
        self.count = 0

    # -- choices ----------------------------------------------------------------------------

    def pick(self, *choices: Any) -> Any:
        return choices[int(self.rng.integers(len(choices)))]

    def fresh(self, kind: str) -> str:
        self.count += 1
        return f"{kind}{self.count}"

    def values(self, *shape: int) -> Any:
        return self.dyadic(*shape) if self.quantized else self.rng.normal(0, 0.6, shape)

    def add(self, name: str, shape: tuple[int, ...]) -> None:
        assert min(shape) > 0
        self.tensors.append((name, shape))

    def quantizers(self, kernel: str = "kernel") -> dict[str, Any]:
        if not self.quantized:
            return {}
        bits = self.quantized_bits(6, 2)
        return {f"{kernel}_quantizer": bits, "bias_quantizer": bits}

    # -- layers: each takes a tensor and may add one -----------------------------------------

    def linear(self, name: str, shape: tuple[int, ...]) -> None:
        kind, filters = "Q" if self.quantized else "", int(self.rng.integers(1, 5))
        weights = {"kernel": self.values(shape[-1], filters), "bias": self.values(filters)}
        made = self.call(f"{kind}Dense", self.fresh("fc"), name, weights, units=filters, **self.quantizers())
        self.add(made, (*shape[:-1], filters))

    def convolution(self, name: str, shape: tuple[int, ...]) -> None:
        rows, columns, channels = shape
        size = [int(self.rng.integers(1, min(3, rows) + 1)), int(self.rng.integers(1, min(3, columns) + 1))]
        padding, kind = self.pick("valid", "same"), "Q" if self.quantized else ""
        options = {"kernel_size": size, "padding": padding, "strides": self.pick(1, 1, 2)}
        stride = options["strides"]
        extents = [
            -(-n // stride) if padding == "same" else (n - k) // stride + 1 for n, k in zip(shape, size, strict=False)
        ]
        if self.rng.random() < 0.4:
            multiplier = self.pick(1, 2)
            weights = {
                "depthwise_kernel": self.values(*size, channels, multiplier),
                "bias": self.values(channels * multiplier),
            }
            made = self.call(
                f"{kind}DepthwiseConv2D", self.fresh("dw"), name, weights, depth_multiplier=multiplier, **options,
                **self.quantizers("depthwise"),
            )  # fmt: skip
            self.add(made, (*extents, channels * multiplier))
            return
        filters = int(self.rng.integers(1, 5))
        weights = {"kernel": self.values(*size, channels, filters), "bias": self.values(filters)}
        made = self.call(
            f"{kind}Conv2D", self.fresh("conv"), name, weights, filters=filters, **options, **self.quantizers()
        )
        self.add(made, (*extents, filters))

    def transposed(self, name: str, shape: tuple[int, ...]) -> None:
        stride, filters = self.pick(1, 2), self.pick(1, 2)
        weights = {"kernel": self.values(2, 3, filters, shape[-1]), "bias": self.values(filters)}
        made = self.call(
            ("Q" if self.quantized else "") + "Conv2DTranspose", self.fresh("up"), name, weights, filters=filters,
            kernel_size=[2, 3], strides=stride, padding="same", **self.quantizers(),
        )  # fmt: skip
        self.add(made, (shape[0] * stride, shape[1] * stride, filters))

    def pooling(self, name: str, shape: tuple[int, ...]) -> None:
        size = self.pick([1, 2], [2, 1], [2, 2])
        if any(k > n for k, n in zip(size, shape, strict=False)):
            return
        made = self.call(f"{self.pick('Max', 'Average')}Pooling2D", self.fresh("pool"), name, pool_size=size, strides=1)
        self.add(made, (shape[0] - size[0] + 1, shape[1] - size[1] + 1, shape[2]))

    def whole(self, name: str, shape: tuple[int, ...]) -> None:
        self.add(self.call(f"Global{self.pick('Max', 'Average')}Pooling2D", self.fresh("all"), name), shape[-1:])

    def moved(self, name: str, shape: tuple[int, ...]) -> None:
        rows, columns, channels = shape
        match self.pick("pad", "crop", "up", "permute", "flatten", "reshape", "none"):
            case "pad":
                made = self.call("ZeroPadding2D", self.fresh("pad"), name, padding=[[1, 0], [0, 1]])
                self.add(made, (rows + 1, columns + 1, channels))
                if self.rng.random() < 0.7:
                    self.convolution(*self.tensors[-1])
            case "crop" if rows > 1:
                self.add(
                    self.call("Cropping2D", self.fresh("crop"), name, cropping=[[1, 0], [0, 0]]), (rows - 1, *shape[1:])
                )
            case "up":
                self.add(self.call("UpSampling2D", self.fresh("up"), name, size=[1, 2]), (rows, columns * 2, channels))
            case "permute":
                order = self.pick((2, 1, 3), (1, 3, 2), (1, 2, 3))
                made = self.call("Permute", self.fresh("perm"), name, dims=list(order))
                self.add(made, tuple(shape[i - 1] for i in order))
            case "flatten":
                self.add(self.call("Flatten", self.fresh("flat"), name), (prod(shape),))
            case "reshape":
                new = self.pick((columns, rows, channels), (rows * columns, 1, channels), (1, rows, columns * channels))
                self.add(self.call("Reshape", self.fresh("shape"), name, target_shape=list(new)), new)
            case "none":
                self.add(self.call("Dropout", self.fresh("drop"), name, rate=0.1), shape)

    def normalised(self, name: str, shape: tuple[int, ...]) -> None:
        """A BatchNormalization: real numbers, exact constants, or scale and bias with quantisers of their own."""
        channels = shape[-1]
        kind = self.pick("real", "dyadic", "plain", "quantized") if self.quantized else self.pick("real", "plain")
        weights = {
            "gamma": self.rng.choice([-1.5, -0.5, 0.0, 0.75, 1.0, 2.0] if kind != "plain" else [0.5, 1.0], channels),
            "beta": self.dyadic(channels) * (kind != "plain"),
            "moving_mean": self.dyadic(channels) * (kind != "plain"),
            "moving_variance": self.rng.choice([0.25, 1.0, 4.0], channels),
        }
        options: dict[str, Any] = {"axis": -1, "epsilon": 0.0}
        if kind == "real":
            weights["gamma"] = weights["gamma"] * self.rng.uniform(0.5, 1.5, channels)
            weights["beta"] = self.rng.normal(size=channels)
        if kind == "quantized":
            options |= {"scale_quantizer": self.quantized_bits(5, 1), "bias_quantizer": self.quantized_bits(6, 2)}
        class_name = "QBatchNormalization" if kind == "quantized" else "BatchNormalization"
        self.add(self.call(class_name, self.fresh("bn"), name, weights, **options), shape)

    def rectified(self, name: str, shape: tuple[int, ...]) -> None:
        if self.pick(True, True, False):
            self.add(self.call("ReLU", self.fresh("relu"), name), shape)
        else:
            self.add(self.call("LeakyReLU", self.fresh("leaky"), name, alpha=0.25), shape)

    def rounded(self, name: str, shape: tuple[int, ...]) -> None:
        spelled = self.pick(
            "quantized_bits(6,3,alpha=1)", "quantized_relu(5,2)", "quantized_relu(2,1)", "binary(alpha=1)", "ternary(alpha=1)",
            "quantized_bits(3,1,alpha=1)",
        )  # fmt: skip
        self.add(self.call("QActivation", self.fresh("q"), name, activation=spelled), shape)

    def joined(self, name: str, shape: tuple[int, ...]) -> None:
        others = [n for n, s in self.tensors if s == shape and n != name]
        if not others:
            return
        kind = self.pick("Concatenate", "Concatenate", "Add", "Maximum")
        if kind != "Concatenate":
            self.add(self.call(kind, self.fresh("merge"), [name, self.pick(*others)]), shape)
            return
        axis = int(self.rng.integers(len(shape)))
        joined = tuple(2 * n if i == axis else n for i, n in enumerate(shape))
        self.add(self.call("Concatenate", self.fresh("cat"), [name, self.pick(*others)], axis=axis + 1), joined)

    # -- networks ---------------------------------------------------------------------------

    def step(self) -> None:
        recent = self.tensors[-3:]
        name, shape = recent[-1] if self.rng.random() < 0.75 else self.pick(*recent)
        if prod(shape) > _SIZE:
            shape_steps = [self.linear, self.normalised]
        elif len(shape) == 3:
            shape_steps = [
                self.convolution, self.convolution, self.linear, self.transposed, self.pooling, self.pooling, self.moved,
                self.moved, self.normalised, self.normalised, self.normalised, self.rectified, self.joined,
                self.whole if self.rng.random() < 0.3 else self.moved,
            ]  # fmt: skip
        else:
            shape_steps = [self.linear, self.linear, self.normalised, self.normalised, self.rectified, self.joined]
        if self.quantized:
            shape_steps.append(self.rounded)
        self.pick(*shape_steps)(name, shape)

    def network(self, steps: int, shape: tuple[int, ...] = (4, 3, 2)) -> SourceModel:
        self.add(self.input(shape), shape)
        while len(self.calls) < steps:
            self.step()
        read = {tensor.call for call in self.calls for tensor in call.inputs}
        ends = [name for name, _ in self.tensors[1:] if name not in read][-2:]
        needed = set(ends)
        for call in reversed(self.calls):  # a source model holds nothing that no output depends on
            if call.name in needed:
                needed |= {tensor.call for tensor in call.inputs}
        self.calls = [call for call in self.calls if call.name in needed]
        return self.source(*ends)


def random_network(seed: int, *, quantized: bool, steps: int = 9) -> SourceModel:
    return RandomNet(seed, quantized=quantized).network(steps)
