"""Seeded random QKeras networks, and how they are compared with hlsgen.

Widths are kept small, so that float32 holds every sum exactly: a network then has to agree to the last bit, unless
it holds something that QKeras itself rounds in float32. Such layers are remembered in ``Network.inexact``.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.quantizers.reference import installed_library

if installed_library() != "qkeras-v3":
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
LIBRARY = installed_library()
Floats = NDArray[np.float32]


def frameworks() -> tuple[Any, Any]:
    """The installed qkeras and the Keras it stands on."""
    return importlib.import_module("qkeras"), importlib.import_module("keras" if LIBRARY == "qkeras-v3" else "tf_keras")


@dataclass
class Network:
    """A model with random weights, inputs on the grid of ``input_precision``, and what float32 may decide."""

    model: Any
    input_precision: str
    x: Floats
    text: list[str]
    inexact: set[str] = field(default_factory=set)


class Generator:
    """Draws a network from a seed. ``features`` limits the reasons for inexactness that may occur."""

    def __init__(self, seed: int, *, exact_only: bool = False) -> None:
        self.rng = np.random.default_rng(seed)
        self.exact_only = exact_only
        self.qkeras, self.keras = frameworks()
        self.inexact: set[str] = set()
        self.text: list[str] = []
        self.count = 0

    # -- quantisers -------------------------------------------------------------------------

    def pick(self, *choices: Any) -> Any:
        return choices[int(self.rng.integers(len(choices)))]

    def kernel_quantizer(self) -> str:
        bits, integer = int(self.rng.integers(2, 7)), int(self.rng.integers(0, 3))
        kinds: list[Callable[[], str]] = [
            lambda: f"quantized_bits({bits},{integer},{self.pick(0, 1)},alpha={self.alpha()})",
            lambda: f"quantized_bits({bits},{integer})",
            lambda: f"quantized_bits({bits},{integer},0,0,alpha={self.pick(None, 1)})",
            lambda: f"quantized_bits(1,{integer},alpha={self.pick(1, 0.5)})",
            lambda: f"binary(alpha={self.alpha()})",
            lambda: f"ternary(alpha={self.alpha()})",
            lambda: self.pick("stochastic_binary(alpha=1)", "stochastic_ternary(alpha=1)"),
            lambda: f"quantized_po2({self.pick(3, 4)}, {self.pick(1, 2, 4)})",
            lambda: f"quantized_relu_po2({self.pick(3, 4)}, {self.pick(1, 2)})",
        ]
        if LIBRARY == "qkeras-v3":
            kinds.append(lambda: f"quantized_linear({bits},{integer},{self.pick(0, 1)},alpha={self.alpha()})")
        return kinds[int(self.rng.integers(len(kinds)))]()

    def alpha(self) -> str:
        alpha = self.pick("None", "1", "0.5", "2", "'auto_po2'", "'auto'", "0.7")
        if alpha in ("'auto'", "0.7"):
            if self.exact_only:
                return "1"
            self.inexact.add("scale")
        return alpha

    def bias_quantizer(self) -> str | None:
        if not self.exact_only and self.rng.random() < 0.2:
            self.inexact.add("bias")
            return None
        return self.pick("quantized_bits(8,2,1)", "quantized_bits(6,2,0,alpha=1)", "quantized_po2(4,2)")

    def activation(self) -> str:
        bits, integer = int(self.rng.integers(3, 7)), int(self.rng.integers(0, 4))
        kinds = [
            f"quantized_bits({bits},{integer},{self.pick(0, 1)},alpha=1)",
            f"quantized_bits({bits},{integer},0,0)",
            f"quantized_relu({bits},{integer})",
            f"quantized_relu({bits},{integer},negative_slope={self.pick(0.25, 0.5)})",
            f"quantized_relu({bits},{integer},relu_upper_bound={self.pick(1.5, 6)})",
            f"quantized_tanh({bits})",
            f"quantized_sigmoid({bits})",
            f"quantized_hswish({bits},{integer})",
            "binary(alpha=1)",
            "ternary(alpha=1)",
            f"quantized_bits({bits},{integer},alpha=0.5)",
            "quantized_relu_po2(3,2)",
            "quantized_po2(3,2)",
        ]
        if LIBRARY == "qkeras-v3":
            kinds.append(f"quantized_linear({bits},{integer},{self.pick(0, 1)})")
        return kinds[int(self.rng.integers(len(kinds)))]

    # -- layers -----------------------------------------------------------------------------

    def make(self, package: Any, kind: str, **options: Any) -> Any:
        self.count += 1
        name = f"l{self.count}_{kind.lower()}"
        shown = ", ".join(f"{k}={v!r}" for k, v in options.items())
        self.text.append(f"{name}: {kind}({shown})")
        return getattr(package, kind)(**options, name=name)

    def layer(self, kind: str, **options: Any) -> Any:
        return self.make(self.qkeras, kind, **options)

    def plain(self, kind: str, **options: Any) -> Any:
        return self.make(self.keras.layers, kind, **options)

    def linear_options(self) -> dict[str, Any]:
        options: dict[str, Any] = {"use_bias": bool(self.rng.random() < 0.8)}
        options["bias_quantizer"] = self.bias_quantizer() if options["use_bias"] else None
        if self.rng.random() < 0.5:
            options["activation"] = self.activation()
        return options

    def quantized_after(self, x: Any, options: dict[str, Any]) -> Any:
        """Every linear layer is quantised: by its own activation, or by one behind it, maybe behind a BatchNorm."""
        if options.get("activation"):
            return x
        if not self.exact_only and self.rng.random() < 0.3:
            x = self.batchnorm()(x)
        return self.layer("QActivation", activation=self.activation())(x)

    def batchnorm(self) -> Any:
        self.inexact.add("batchnorm")
        options: dict[str, Any] = {}
        if self.rng.random() < 0.5:
            options = {
                "gamma_quantizer": self.pick(None, "quantized_bits(8,2,1)", "quantized_relu_po2(6,2048)"),
                "beta_quantizer": self.pick(None, "quantized_bits(8,2,1)"),
                "mean_quantizer": self.pick(None, "quantized_bits(8,2,1)"),
                "variance_quantizer": self.pick(None, "quantized_relu_po2(6,quadratic_approximation=True)"),
            }
        if LIBRARY == "qkeras-v3" and self.rng.random() < 0.3:
            options |= {"gamma_quantizer": None, "variance_quantizer": None}
            options["inverse_quantizer"] = self.pick("quantized_bits(8,3,1,alpha=1)", "quantized_po2(5)")
        return self.layer("QBatchNormalization", **options)

    def dense(self, x: Any) -> Any:
        options = self.linear_options()
        kind = "QDense"
        if LIBRARY == "qkeras-v3" and not self.exact_only and self.rng.random() < 0.3:
            kind = "QDenseBatchnorm"
            options |= self.folding(options)
        units = int(self.rng.integers(2, 7))
        y = self.layer(kind, units=units, kernel_quantizer=self.kernel_quantizer(), **options)(x)
        return self.quantized_after(y, options)

    def folding(self, options: dict[str, Any]) -> dict[str, Any]:
        self.inexact.add("folded")
        return {
            "folding_mode": self.pick("ema_stats_folding", "batch_stats_folding"),
            "bias_quantizer": options["bias_quantizer"] or "quantized_bits(8,3,1)",
        }

    def conv(self, x: Any) -> Any:
        rank = len(x.shape) - 2
        options = self.linear_options()
        options |= {"kernel_size": self.pick(1, 2, 3), "strides": self.pick(1, 1, 2)}
        options["padding"] = self.pick("valid", "same")
        if min(x.shape[1:-1]) < 3:
            options["padding"] = "same"
        kinds = ["QConv", "QConv", "QSeparableConv"] + (["QDepthwiseConv"] if rank == 2 else [])
        kind = self.pick(*kinds)
        if kind == "QSeparableConv":
            options |= {"depthwise_quantizer": self.kernel_quantizer(), "pointwise_quantizer": self.kernel_quantizer()}
        elif kind == "QDepthwiseConv":
            options |= {"depthwise_quantizer": self.kernel_quantizer(), "depth_multiplier": self.pick(1, 1, 2)}
        else:
            options["kernel_quantizer"] = self.kernel_quantizer()
        if kind != "QDepthwiseConv":
            options["filters"] = int(self.rng.integers(2, 6))
        name = f"{kind}{rank}D"
        if rank == 2 and kind != "QSeparableConv" and not self.exact_only and self.rng.random() < 0.3:
            name += "Batchnorm"
            options |= self.folding(options)
        return self.quantized_after(self.layer(name, **options)(x), options)

    def pool(self, x: Any) -> Any:
        rank = len(x.shape) - 2
        if rank == 1 or self.rng.random() < 0.5:
            return self.plain(f"MaxPooling{rank}D", pool_size=2, padding=self.pick("valid", "same"))(x)
        options: dict[str, Any] = {"activation": self.activation()}
        factor = self.pick("quantized_bits(6,0,1,alpha=1)", "quantized_bits(8,0)")
        if self.rng.random() < 0.3:
            return self.layer("QGlobalAveragePooling2D", average_quantizer=factor, **options)(x)
        size = self.pick(2, 2, (1, 2)) if self.exact_only else self.pick(2, 3, (2, 3))
        padding = "valid" if min(x.shape[1:-1]) >= 3 else "same"
        if padding == "same" or size != 2:
            self.inexact.add("average")
        return self.layer("QAveragePooling2D", pool_size=size, padding=padding, average_quantizer=factor, **options)(x)

    def residual(self, x: Any) -> Any:
        other = self.layer("QActivation", activation=self.activation())(x)
        merged = self.plain(self.pick("Add", "Concatenate"))([x, other])
        return self.layer("QActivation", activation=self.activation())(merged)

    def network(self) -> Network:
        shape = self.pick((int(self.rng.integers(3, 9)),), (9, 3), (7, 6, 2), (6, 6, 3))
        inputs = self.keras.Input(shape)
        bits, frac = int(self.rng.integers(4, 9)), int(self.rng.integers(2, 6))
        x = inputs
        for _ in range(int(self.rng.integers(1, 4))):
            x = self.dense(x) if len(x.shape) == 2 else self.pick(self.conv, self.conv, self.pool, self.residual)(x)
        if len(x.shape) > 2 and self.rng.random() < 0.7:
            x = self.plain("Flatten")(x)
            x = self.dense(x)
        model = self.keras.Model(inputs, x)
        self.randomize(model)
        low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
        data = self.rng.integers(low, high + 1, (8, *shape))
        data[0], data[1] = low, high
        grid = (data * 2.0**-frac).astype(np.float32)
        return Network(model, f"fixed<{bits},{bits - frac}>", grid, self.text, self.inexact)

    def randomize(self, model: Any) -> None:
        """Weights with ties of the quantisers' grids among them; sensible statistics."""
        for layer in model.layers:
            for variable in layer.weights:
                path = str(getattr(variable, "path", variable.name))
                if "float" not in str(variable.dtype):
                    continue
                variable.assign(self.values(path, tuple(variable.shape)))

    def values(self, path: str, shape: tuple[int, ...]) -> Floats:
        if "variance" in path:
            return self.rng.uniform(0.1, 3.0, shape).astype(np.float32)
        if "gamma" in path:
            return (self.rng.uniform(0.3, 2.0, shape) * self.rng.choice([1, -1], shape)).astype(np.float32)
        values = self.rng.normal(0, 0.6, shape).astype(np.float32)
        ties = (self.rng.integers(-64, 64, shape) / 32).astype(np.float32)
        return np.where(self.rng.random(shape) < 0.2, ties, values).astype(np.float32)


def random_network(seed: int, *, exact_only: bool = False) -> Network:
    return Generator(seed, exact_only=exact_only).network()
