"""Seeded random QKeras networks: every quantiser with its options, every layer, weights of several kinds.

Widths are kept small, so that float32 holds most sums exactly. What QKeras itself rounds is found by
:mod:`tests.qkeras_layers.explain`, layer by layer.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.qkeras_layers.random_specs import Quantizers, Spec
from tests.quantizers.reference import installed_library

if installed_library() != "qkeras-v3":
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
LIBRARY = installed_library()
Floats = NDArray[np.float32]
Options = dict[str, Any]


def frameworks() -> tuple[Any, Any]:
    """The installed qkeras and the Keras it stands on."""
    return importlib.import_module("qkeras"), importlib.import_module("keras" if LIBRARY == "qkeras-v3" else "tf_keras")


@dataclass(frozen=True)
class Step:
    """One call of a layer: the layer and the names of the steps (or inputs) it reads."""

    layer: Any
    sources: tuple[str, ...]

    @property
    def name(self) -> str:
        return str(self.layer.name)

    @property
    def kind(self) -> str:
        return type(self.layer).__name__


@dataclass(frozen=True)
class Tap:
    """A symbolic tensor and the step it comes from."""

    tensor: Any
    source: str

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.tensor.shape)[1:]


@dataclass
class Network:
    """A model with random weights and inputs on the grid of ``input_precision``."""

    model: Any
    input_precision: str
    x: Floats
    steps: list[Step]
    text: list[str]
    outputs: list[str]
    forgets: bool = False
    """A file of this model says less than the live objects do."""
    sigmoid: str = "hard"
    weights: str = "normal"
    facts: set[str] = field(default_factory=set)

    @contextmanager
    def internal_sigmoid(self) -> Iterator[None]:
        """QKeras's global switch, set as this network wants it."""
        quantizers = importlib.import_module("qkeras.quantizers")
        quantizers.set_internal_sigmoid(self.sigmoid)
        try:
            yield
        finally:
            quantizers.set_internal_sigmoid("hard")


class Generator:
    """Draws a network from a seed; ``exact_only`` leaves out everything that float32 rounds."""

    def __init__(self, seed: int, *, exact_only: bool = False) -> None:
        self.rng = np.random.default_rng(seed)
        self.exact_only = exact_only
        self.qkeras, self.keras = frameworks()
        self.draw = Quantizers(self.rng, str(LIBRARY), exact_only=exact_only)
        self.pick = self.draw.pick
        self.text: list[str] = []
        self.steps: list[Step] = []
        self.forgets = False
        self.style = self.pick("normal", "normal", "normal", "pruned", "large", "tiny", "zeros")

    # -- layers -----------------------------------------------------------------------------

    def add(self, package: Any, kind: str, *inputs: Tap, **options: Any) -> Tap:
        """Build a layer, call it, remember both."""
        name = f"l{len(self.steps) + 1}_{kind.lower()}"
        shown = ", ".join(f"{k}={v.text if isinstance(v, Spec) else repr(v)}" for k, v in options.items())
        self.text.append(f"{name}: {kind}({shown}) on {[t.source for t in inputs]}")
        built = {k: v.build(self.qkeras, self.rng) if isinstance(v, Spec) else v for k, v in options.items()}
        self.forgets |= any(_forgotten(v) for v in options.values() if isinstance(v, Spec))
        layer = getattr(package, kind)(**built, name=name)
        tensors = [tap.tensor for tap in inputs]
        tensor = layer(tensors if len(tensors) > 1 else tensors[0])
        self.steps.append(Step(layer, tuple(tap.source for tap in inputs)))
        return Tap(tensor, name)

    def layer(self, kind: str, *inputs: Tap, **options: Any) -> Tap:
        return self.add(self.qkeras, kind, *inputs, **options)

    def plain(self, kind: str, *inputs: Tap, **options: Any) -> Tap:
        return self.add(self.keras.layers, kind, *inputs, **options)

    def activated(self, x: Tap) -> Tap:
        if not self.exact_only and self.rng.random() < 0.1:
            return self.adaptive(x)
        return self.layer("QActivation", x, activation=self.data_quantizer())

    def data_quantizer(self) -> Any:
        """As an object mostly; QKeras takes the text where it can."""
        return self.draw.activation()

    def adaptive(self, x: Tap) -> Tap:
        """Its training is over (step above the delay), else calls go on adapting."""
        options: Options = {"total_bits": self.draw.integers(3, 8), "ema_freeze_delay": 1, "current_step": 5}
        options |= self.pick(
            {"activation": "quantized_bits", "symmetric": self.pick(True, False)},
            {"activation": "quantized_relu"},
            {"activation": "quantized_relu", "relu_neg_slope": 0.25},
        )
        return self.layer("QAdaptiveActivation", x, **options, **self.draw.maybe(0.3, po2_rounding=True))

    def linear_options(self) -> Options:
        options: Options = {"use_bias": bool(self.rng.random() < 0.8)}
        options["bias_quantizer"] = self.draw.bias() if options["use_bias"] else None
        if self.rng.random() < 0.5:
            options["activation"] = self.data_quantizer()
        return options

    def quantized_after(self, x: Tap, options: Options) -> Tap:
        """Every linear layer is quantised: by its own activation, or by one behind it, maybe behind something else."""
        if options.get("activation"):
            return x
        chance = self.rng.random()
        if not self.exact_only and chance < 0.3:
            x = self.layer("QBatchNormalization", x, **self.batchnorm_options(), **self.draw.normalization())
        elif not self.exact_only and chance < 0.35:
            x = self.plain("BatchNormalization", x)
        elif chance < 0.4:
            x = self.plain("ReLU", x)
        elif chance < 0.45 and len(x.shape) == 3:
            x = self.plain("MaxPooling2D", x, pool_size=2, padding="same")
        return self.activated(x)

    def batchnorm_options(self) -> Options:
        return self.draw.maybe(0.2, epsilon=self.pick(0.0, 1e-5, 0.25)) | self.draw.maybe(0.1, scale=False) | (
            self.draw.maybe(0.1, center=False)
        )  # fmt: skip

    def dense(self, x: Tap) -> Tap:
        if not self.exact_only and self.rng.random() < 0.04:
            return self.activated(self.plain("Dense", x, units=self.draw.integers(2, 6)))
        options = self.linear_options()
        kind, units = "QDense", self.draw.integers(2, 7)
        if LIBRARY == "qkeras-v3" and not self.exact_only and self.rng.random() < 0.3:
            kind = "QDenseBatchnorm"
            options |= self.folding(options)
        kernel = self.draw.kernel((x.shape[-1], units))
        return self.quantized_after(self.layer(kind, x, units=units, kernel_quantizer=kernel, **options), options)

    def folding(self, options: Options) -> Options:
        return {
            "folding_mode": self.pick("ema_stats_folding", "batch_stats_folding"),
            "bias_quantizer": self.pick(options["bias_quantizer"], Spec("quantized_bits", {"bits": 8, "integer": 3})),
            **self.draw.maybe(0.2, epsilon=1e-5),
            **self.draw.maybe(0.1, scale=False),
        }

    def conv(self, x: Tap) -> Tap:
        rank = len(x.shape) - 1
        options = self.linear_options()
        options |= {"kernel_size": self.pick(1, 2, 3), "strides": self.pick(1, 1, 2)}
        options["padding"] = self.pick("valid", "same", *(["causal"] if rank == 1 and LIBRARY == "qkeras" else []))
        if min(x.shape[:-1]) < 3:
            options["padding"] = "same"
        kinds = ["QConv", "QConv", "QSeparableConv"] + (["QDepthwiseConv"] if rank == 2 else [])
        kind = self.pick(*kinds)
        if options["strides"] == 1 and kind == "QConv" and options["padding"] == "same":
            options |= self.draw.maybe(0.15, dilation_rate=2)
        if kind == "QSeparableConv":
            options |= {"depthwise_quantizer": self.draw.kernel(), "pointwise_quantizer": self.draw.kernel()}
            options |= self.draw.maybe(0.2, depth_multiplier=2)
            options["padding"] = "same" if options["padding"] == "causal" else options["padding"]
        elif kind == "QDepthwiseConv":
            options |= {"depthwise_quantizer": self.draw.kernel(), "depth_multiplier": self.pick(1, 1, 2)}
        if kind != "QDepthwiseConv":
            options["filters"] = self.draw.integers(2, 6)
        if kind == "QConv":
            options["kernel_quantizer"] = self.draw.kernel((options["filters"],))
        name = f"{kind}{rank}D"
        if rank == 2 and kind != "QSeparableConv" and not self.exact_only and self.rng.random() < 0.3:
            name += "Batchnorm"
            options |= self.folding(options)
        return self.quantized_after(self.layer(name, x, **options), options)

    def pool(self, x: Tap) -> Tap:
        rank = len(x.shape) - 1
        if rank == 1 or self.rng.random() < 0.4:
            return self.plain(f"MaxPooling{rank}D", x, pool_size=2, padding="same")
        if self.rng.random() < 0.15 and not self.exact_only:
            return self.activated(self.plain("AveragePooling2D", x, pool_size=self.pick(2, 3), padding="same"))
        options: Options = {"activation": self.data_quantizer()}
        factor: Options = {"average_quantizer": self.pick(
            Spec("quantized_bits", {"bits": 6, "integer": 0, "symmetric": 1, "alpha": 1}),
            Spec("quantized_bits", {"bits": 8, "integer": 0}),
            Spec("quantized_bits", {"bits": 4, "integer": 0, "alpha": 0.5}),
            Spec("quantized_po2", {"bits": 4}) if LIBRARY == "qkeras-v3" else None,
            *([] if self.exact_only else [None]),
        )}  # fmt: skip
        if self.rng.random() < 0.3:
            return self.layer("QGlobalAveragePooling2D", x, **factor, **options)
        size = self.pick(2, 2, (1, 2)) if self.exact_only else self.pick(2, 3, (2, 3))
        padding = "valid" if min(x.shape[:-1]) >= 3 else "same"
        return self.layer("QAveragePooling2D", x, pool_size=size, padding=padding, **factor, **options)

    def residual(self, x: Tap) -> Tap:
        """A shared value, two branches, merged."""
        other = self.activated(x)
        if self.rng.random() < 0.3:
            other = self.activated(other)
        kind = self.pick("Add", "Concatenate", "Subtract", "Maximum", "Multiply")
        return self.activated(self.plain(kind, x, other))

    def moved(self, x: Tap) -> Tap:
        """Values moved about, nothing computed."""
        match len(x.shape):
            case 3:
                return self.plain(self.pick("ZeroPadding2D", "UpSampling2D"), x)
            case 2:
                return self.plain("Reshape", x, target_shape=(x.shape[0] * x.shape[1],))
            case _:
                return self.plain("Reshape", x, target_shape=(1, x.shape[0]))

    # -- networks ---------------------------------------------------------------------------

    def network(self) -> Network:
        shape = self.pick((self.draw.integers(3, 9),), (9, 3), (7, 6, 2), (6, 6, 3))
        inputs = self.keras.Input(shape, name="in0")
        bits, frac = self.draw.integers(4, 9), self.draw.integers(2, 6)
        x = Tap(inputs, "in0")
        for _ in range(self.draw.integers(1, 4)):
            x = self.block(x)
        if len(x.shape) > 1 and self.rng.random() < 0.7:
            x = self.dense(self.plain("Flatten", x))
        outputs = [x]
        if self.rng.random() < 0.1:
            outputs = [x, self.activated(x)]
        elif self.rng.random() < 0.1:
            outputs = [self.layer("QDense", x, units=3, kernel_quantizer=self.draw.bits_kernel(),
                                  bias_quantizer="quantized_bits(8,2,1)")]  # fmt: skip
        model = self.keras.Model(inputs, [tap.tensor for tap in outputs] if len(outputs) > 1 else outputs[0].tensor)
        self.randomize(model)
        low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
        data = self.rng.integers(low, high + 1, (8, *shape))
        data[0], data[1], data[2] = low, high, 0
        grid = (data * 2.0**-frac).astype(np.float32)
        model(grid, training=False)  # QAdaptiveActivation moves its integer bits at the end of a call
        sigmoid = "hard" if self.rng.random() < 0.9 or self.exact_only else self.pick("smooth", "real")
        names = [tap.source for tap in outputs]
        return Network(model, f"fixed<{bits},{bits - frac}>", grid, self.steps, self.text, names, self.forgets,
                       sigmoid, self.style)  # fmt: skip

    def block(self, x: Tap) -> Tap:
        if self.rng.random() < 0.1:
            x = self.moved(x)
        if len(x.shape) == 1:
            return self.pick(self.dense, self.dense, self.dense, self.residual)(x)  # type: ignore[no-any-return]
        return self.pick(self.conv, self.conv, self.conv, self.pool, self.residual)(x)  # type: ignore[no-any-return]

    # -- weights ----------------------------------------------------------------------------

    def randomize(self, model: Any) -> None:
        """Weights with ties of the quantisers' grids among them; sensible statistics."""
        for layer in model.layers:
            for variable in layer.weights:
                path = str(getattr(variable, "path", variable.name))
                if "float" in str(variable.dtype):
                    variable.assign(self.values(path, tuple(variable.shape)))

    def values(self, path: str, shape: tuple[int, ...]) -> Floats:
        if "ema_min" in path:
            return -self.rng.uniform(0, 5, shape).astype(np.float32)
        if "ema_max" in path:
            return self.rng.uniform(0, 5, shape).astype(np.float32)
        if "variance" in path:
            special = self.rng.choice([0.0625, 0.25, 1.0, 4.0], shape)
            return np.where(self.rng.random(shape) < 0.2, special, self.rng.uniform(0.1, 3.0, shape)).astype(np.float32)
        if "gamma" in path:
            return (self.rng.uniform(0.3, 2.0, shape) * self.rng.choice([1, -1], shape)).astype(np.float32)
        return self.styled(shape)

    def styled(self, shape: tuple[int, ...]) -> Floats:
        values = self.rng.normal(0, 0.6, shape)
        match self.style:
            case "pruned":  # as training with pruning leaves them
                values = np.where(self.rng.random(shape) < 0.6, 0.0, values * 0.3)
            case "large":
                values = np.where(self.rng.random(shape) < 0.2, values * 40, values)
            case "tiny":
                values = np.where(self.rng.random(shape) < 0.3, values * 1e-5, values)
            case "zeros" if self.rng.random() < 0.2:
                values = np.zeros(shape)
        ties = self.rng.integers(-64, 64, shape) / 32
        return np.where(self.rng.random(shape) < 0.2, ties, values).astype(np.float32)


def _forgotten(spec: Spec) -> bool:
    """Whether ``get_config`` of this quantiser leaves out something that changes its results."""
    keys: Sequence[str] = ("scale_axis", "min_po2_exponent", "max_po2_exponent", "use_ste")
    clip = spec.options.get("relu_upper_bound") is not None and not spec.options.get("is_quantized_clip", 1)
    return clip or any(key in spec.options for key in keys)


def random_network(seed: int, *, exact_only: bool = False) -> Network:
    return Generator(seed, exact_only=exact_only).network()
