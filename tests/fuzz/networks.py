"""Random small networks of every kind of layer that the frontend reads, as source models: no framework is imported.

The families of layers are in :mod:`tests.fuzz.layers`; here is what there has been longest, and how one is drawn.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

from hlsgen.frontends.keras.source import SourceModel
from tests.fuzz.describe import OPERATIONS
from tests.fuzz.layers.base import LARGEST, Shape, Step
from tests.fuzz.layers.chosen import Chosen
from tests.fuzz.layers.elements import Elements
from tests.fuzz.layers.products import Products
from tests.fuzz.layers.recurrent import Recurrent
from tests.fuzz.layers.spatial import Spatial

SHAPES: tuple[Shape, ...] = ((5,), (6, 3), (4, 3, 2))
VOLUME: Shape = (3, 2, 3, 2)
FUNCTIONS = (
    "linear relu relu6 leaky_relu elu selu sigmoid tanh softplus softsign gelu silu swish mish exponential hard_sigmoid "
    "softmax"
).split()
KERAS3_FUNCTIONS = "celu log_sigmoid squareplus tanh_shrink sparse_sigmoid sparse_plus soft_shrink hard_silu hard_tanh hard_shrink log_softmax"
NEUTRAL: tuple[tuple[str, dict[str, float]], ...] = (
    ("Dropout", {"rate": 0.5}),
    ("GaussianDropout", {"rate": 0.5}),
    ("AlphaDropout", {"rate": 0.5}),
    ("GaussianNoise", {"stddev": 0.5}),
    ("ActivityRegularization", {"l2": 0.5}),
    ("Identity", {}),
)


class EveryNet(Recurrent, Products, Elements, Chosen, Spatial):
    """As :class:`RandomNet`, in one to four axes, and with all the layers that it leaves out."""

    def step(self) -> None:
        recent = self.tensors[-3:]
        name, shape = recent[-1] if self.rng.random() < 0.75 else self.pick(*recent)
        families = [*[self.choices(shape)] * 3, *self.families(shape)]
        self.pick(*self.pick(*families))(name, shape)

    def families(self, shape: Shape) -> list[list[Step]]:
        """What else may be done with it, kind by kind; one kind is drawn, then one of its steps."""
        if prod(shape) > LARGEST:
            return []
        found = [
            self.recurrent_steps(shape), self.product_steps(shape), self.element_steps(shape),
            self.choosing_steps(shape), self.spatial_steps(shape), [self.again],
        ]  # fmt: skip
        return [family for family in found if family]

    def choices(self, shape: Shape) -> list[Step]:
        """What may be done with a tensor of this shape."""
        found: list[Step] = [
            self.linear, self.normalised, self.joined, self.merged, self.activated, self.rectified, self.rescaled,
            self.sloped, self.neutral,
        ]  # fmt: skip
        if self.flavour == "keras3":
            found.append(self.with_number)
        if self.quantized:
            found += [self.rounded, self.rounded, self.adaptive]
        if prod(shape) > LARGEST:
            return [self.linear, *found[1:2], *found[4:]] + ([self.whole] if len(shape) > 1 else [])
        match len(shape):
            case 1:
                found += [self.vector_moved, self.dotted]
            case 2:
                found += [self.line_convolution] * 2 + [
                    self.line_pooling,
                    self.line_moved,
                    self.distributed,
                    self.whole,
                ]
            case 3:
                found += [self.convolution] * 2 + [
                    self.separable,
                    self.transposed,
                    self.pooling,
                    self.moved,
                    self.whole,
                ]
                found += [self.quantized_pooling, self.folded] * self.quantized
        return found

    # -- weights ----------------------------------------------------------------------------

    def separable(self, name: str, shape: Shape) -> None:
        channels, filters, multiplier = shape[-1], self.pick(1, 2, 3), self.pick(1, 1, 2)
        size = [min(n, self.pick(1, 2, 3)) for n in shape[:-1]]
        ones = [1] * len(size)
        weights = {
            "depthwise_kernel": self.values(*size, channels, multiplier),
            "pointwise_kernel": self.values(*ones, channels * multiplier, filters),
            "bias": self.values(filters),
        }
        options = self.quantizers("depthwise") | self.quantizers("pointwise")
        made = self.call(
            f"{self.q}SeparableConv{len(size)}D", self.fresh("sep"), name, weights, filters=filters, kernel_size=size,
            depth_multiplier=multiplier, padding="same", **options,
        )  # fmt: skip
        self.add(made, (*shape[:-1], filters))

    def line_convolution(self, name: str, shape: Shape) -> None:
        length, channels = shape
        size, stride, filters = min(length, self.pick(1, 2, 3)), self.pick(1, 1, 2), self.pick(1, 2, 4)
        match self.pick("plain", "plain", "depthwise", "separable", "transposed"):
            case "plain":
                padding = self.pick("valid", "same", "causal")
                groups = self.pick(*(n for n in range(1, channels + 1) if channels % n == 0))
                filters *= groups
                weights = {"kernel": self.values(size, channels // groups, filters), "bias": self.values(filters)}
                made = self.call(
                    f"{self.q}Conv1D", self.fresh("conv"), name, weights, filters=filters, kernel_size=[size],
                    strides=stride, padding=padding, groups=groups, **self.quantizers(),
                )  # fmt: skip
                left = (length - size) // stride + 1 if padding == "valid" else -(-length // stride)
                self.add(made, (left, filters))
            case "depthwise":
                weights = {"depthwise_kernel": self.values(size, channels, 2), "bias": self.values(2 * channels)}
                made = self.call(
                    "DepthwiseConv1D", self.fresh("dw"), name, weights, kernel_size=[size], depth_multiplier=2,
                    padding="same",
                )  # fmt: skip
                self.add(made, (length, 2 * channels))
            case "separable":
                self.separable(name, shape)
            case _:
                weights = {"kernel": self.values(3, filters, channels), "bias": self.values(filters)}
                made = self.call(
                    "Conv1DTranspose", self.fresh("up"), name, weights, filters=filters, kernel_size=[3],
                    strides=stride, padding="same",
                )  # fmt: skip
                self.add(made, (length * stride, filters))

    def distributed(self, name: str, shape: Shape) -> None:
        units = self.pick(1, 2, 4)
        inner = {"module": "keras.layers", "class_name": "Dense", "config": {"name": "inner", "units": units}}
        weights = {"layer/kernel": self.values(shape[-1], units), "layer/bias": self.values(units)}
        made = self.call("TimeDistributed", self.fresh("each"), name, weights, layer=inner)
        self.add(made, (*shape[:-1], units))

    def folded(self, name: str, shape: Shape) -> None:
        """A convolution with its BatchNormalization inside."""
        channels, filters = shape[-1], self.pick(1, 2, 3)
        weights = {"kernel": self.values(1, 1, channels, filters), "bias": self.values(filters), "iteration": 7}
        weights |= self.statistics(filters)
        made = self.call(
            "QConv2DBatchnorm", self.fresh("fold"), name, weights, filters=filters, kernel_size=[1, 1],
            folding_mode="ema_stats_folding", **self.quantizers(),
        )  # fmt: skip
        self.add(made, (*shape[:-1], filters))

    def statistics(self, channels: int) -> dict[str, Any]:
        return {
            "gamma": self.rng.uniform(0.5, 1.5, channels),
            "beta": self.dyadic(channels),
            "moving_mean": self.dyadic(channels),
            "moving_variance": self.rng.choice([0.25, 1.0, 4.0], channels),
        }

    # -- element by element -----------------------------------------------------------------

    def activated(self, name: str, shape: Shape) -> None:
        functions = FUNCTIONS + KERAS3_FUNCTIONS.split() * (self.flavour == "keras3")
        if self.rng.random() < 0.2:
            self.add(self.call("Softmax", self.fresh("soft"), name, axis=-1), shape)
        elif self.rng.random() < 0.2:
            self.add(self.call("ELU", self.fresh("elu"), name, alpha=0.5), shape)
        else:
            self.add(self.call("Activation", self.fresh("act"), name, activation=self.pick(*functions)), shape)

    def sloped(self, name: str, shape: Shape) -> None:
        shared = self.pick([], list(range(1, len(shape)))) if len(shape) > 1 else []
        slopes = tuple(1 if axis in shared else extent for axis, extent in enumerate(shape, start=1))
        made = self.call("PReLU", self.fresh("prelu"), name, {"alpha": self.values(*slopes)}, shared_axes=shared)
        self.add(made, shape)

    def rescaled(self, name: str, shape: Shape) -> None:
        if self.rng.random() < 0.5:
            made = self.call("Rescaling", self.fresh("scale"), name, scale=self.pick(0.5, 1 / 255), offset=-0.25)
        else:
            channels = shape[-1]
            weights = {
                "mean": self.dyadic(channels),
                "variance": self.rng.choice([0.25, 1.0, 4.0], channels),
                "count": 9,
            }
            made = self.call("Normalization", self.fresh("norm"), name, weights, axis=[-1])
        self.add(made, shape)

    def with_number(self, name: str, shape: Shape) -> None:
        """An operator on a tensor and a number, as in ``2 * x``."""
        made = self.call(self.pick("Add", "Subtract", "Multiply", "Maximum", "Minimum"), self.fresh("op"), name)
        numbers = self.pick((None, 0.5), (-2.0, None))
        self.calls[-1] = replace(self.calls[-1], is_operation=True, numbers=numbers, module=OPERATIONS)
        self.add(made, shape)

    def neutral(self, name: str, shape: Shape) -> None:
        kind, options = self.pick(*NEUTRAL)
        self.add(self.call(kind, self.fresh("same"), name, **options), shape)

    def adaptive(self, name: str, shape: Shape) -> None:
        weights = {"step": 9, "ema_min": [-self.rng.uniform(0, 3)], "ema_max": [self.rng.uniform(0, 3)]}
        made = self.call(
            "QAdaptiveActivation", self.fresh("adapt"), name, weights, activation="quantized_bits", total_bits=6,
            current_step=9, ema_freeze_delay=1,
        )  # fmt: skip
        self.add(made, shape)

    def merged(self, name: str, shape: Shape) -> None:
        others = [n for n, s in self.tensors if s == shape and n != name]
        if not others:
            return
        kind = self.pick("Add", "Multiply", "Minimum", "Maximum", "Subtract", "Average")
        count = 1 if kind == "Subtract" else self.pick(1, 1, 2)
        self.add(self.call(kind, self.fresh("merge"), [name, *(self.pick(*others) for _ in range(count))]), shape)

    def dotted(self, name: str, shape: Shape) -> None:
        others = [n for n, s in self.tensors if s == shape]
        self.add(self.call("Dot", self.fresh("dot"), [name, self.pick(*others)], axes=-1, normalize=False), (1,))

    # -- what moves and what pools ------------------------------------------------------------

    def vector_moved(self, name: str, shape: Shape) -> None:
        match self.pick("repeat", "line", "image"):
            case "repeat":
                self.add(self.call("RepeatVector", self.fresh("repeat"), name, n=3), (3, *shape))
            case "line":
                self.add(self.call("Reshape", self.fresh("shape"), name, target_shape=[-1, 1]), (*shape, 1))
            case _:
                self.add(self.call("Reshape", self.fresh("shape"), name, target_shape=[1, *shape, 1]), (1, *shape, 1))

    def line_moved(self, name: str, shape: Shape) -> None:
        length, channels = shape
        match self.pick("pad", "crop", "up", "permute", "flatten"):
            case "pad":
                self.add(self.call("ZeroPadding1D", self.fresh("pad"), name, padding=[1, 2]), (length + 3, channels))
            case "crop" if length > 1:
                self.add(self.call("Cropping1D", self.fresh("crop"), name, cropping=[0, 1]), (length - 1, channels))
            case "up":
                self.add(self.call("UpSampling1D", self.fresh("up"), name, size=2), (2 * length, channels))
            case "permute":
                self.add(self.call("Permute", self.fresh("perm"), name, dims=[2, 1]), (channels, length))
            case "flatten":
                self.add(self.call("Flatten", self.fresh("flat"), name), (prod(shape),))

    def line_pooling(self, name: str, shape: Shape) -> None:
        size = min(2, shape[0])
        made = self.call(
            f"{self.pick('Max', 'Average')}Pooling1D", self.fresh("pool"), name, pool_size=[size], padding="same"
        )
        self.add(made, (-(-shape[0] // size), shape[1]))

    def whole(self, name: str, shape: Shape) -> None:
        made = self.call(f"Global{self.pick('Max', 'Average')}Pooling{len(shape) - 1}D", self.fresh("all"), name)
        self.add(made, shape[-1:])

    def quantized_pooling(self, name: str, shape: Shape) -> None:
        options = {"average_quantizer": "quantized_bits(6,0,1,alpha=1)", "activation": "quantized_bits(6,2,alpha=1)"}
        if self.rng.random() < 0.5:
            self.add(self.call("QGlobalAveragePooling2D", self.fresh("all"), name, **options), shape[-1:])
            return
        made = self.call("QAveragePooling2D", self.fresh("pool"), name, pool_size=[2, 2], padding="same", **options)
        self.add(made, (-(-shape[0] // 2), -(-shape[1] // 2), shape[2]))


def every_network(seed: int, *, steps: int = 6, quantized: bool | None = None) -> SourceModel:
    """A network of some ``steps`` layers; its flavour, the shapes of its inputs and (if nothing is said) whether it is
    quantised follow from the seed."""
    shapes = (*SHAPES, VOLUME)
    given, flavour = bool(seed // 4 % 2) if quantized is None else quantized, ("keras2", "keras3")[seed // 8 % 2]
    more = [shapes[seed // 3 % 3]] if seed // 16 % 3 == 0 else []
    return EveryNet(seed, quantized=given, flavour=flavour).network(steps, shapes[seed % 4], *more)
