"""Random quantisers with all their options, as strings or as objects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.random import Generator as Random

Options = dict[str, Any]


@dataclass(frozen=True)
class Spec:
    """A quantiser by name and options."""

    name: str
    options: Options = field(default_factory=dict)

    @property
    def text(self) -> str:
        return f"{self.name}({','.join(f'{k}={_spelt(v)}' for k, v in self.options.items())})"

    @property
    def as_string(self) -> bool:
        """Whether QKeras's own reader of strings takes it (0.9 reads ``None`` as the text 'on')."""
        return all(isinstance(v, int | float | str) for v in self.options.values())

    def build(self, qkeras: Any, rng: Random) -> Any:
        """A string or a live object."""
        if self.as_string and rng.random() < 0.5:
            return self.text
        return getattr(qkeras, self.name)(**self.options)


def _spelt(value: Any) -> str:
    return repr(value.tolist()) if isinstance(value, np.ndarray) else repr(value)


class Quantizers:
    """Draws quantisers for kernels, biases, data and batch normalisation.

    ``exact_only`` leaves out what float32 rounds (scales that are no powers of two, real functions).
    """

    def __init__(self, rng: Random, library: str, *, exact_only: bool) -> None:
        self.rng, self.v3, self.exact_only = rng, library == "qkeras-v3", exact_only

    def pick(self, *choices: Any) -> Any:
        return choices[int(self.rng.integers(len(choices)))]

    def one_of(self, *makers: Callable[[], Spec]) -> Spec:
        maker: Callable[[], Spec] = self.pick(*makers)
        return maker()

    def maybe(self, share: float, **options: Any) -> Options:
        return options if self.rng.random() < share else {}

    def integers(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high))

    # -- kernels ----------------------------------------------------------------------------

    def kernel(self, shape: tuple[int, ...] | None = None) -> Spec:
        """For weights; ``shape``, where it is known, allows an ``alpha`` per channel."""
        kinds = [self.bits_kernel] * 4 + [self.po2, self.relu_po2, self.odd_kernel]
        kinds += [self.binary_kernel, self.ternary_kernel, self.stochastic_kernel]
        if self.v3:
            kinds += [self.linear_kernel] * 2
        if shape is not None and not self.exact_only and not self.v3:  # v3 fails on its own
            kinds.append(lambda: self.per_channel(shape[-1]))
        return self.one_of(*kinds)

    def bits_kernel(self) -> Spec:
        options: Options = {"bits": self.integers(1, 9), "integer": self.integers(0, 4)}
        alpha = self.alpha()
        options |= self.maybe(0.8, alpha=alpha)
        if options.get("alpha") is None:  # becomes auto_po2
            options["bits"] = max(options["bits"], 2)
        if isinstance(options.get("alpha"), str):
            options["bits"] = max(options["bits"], 2)  # one bit leaves no level but 0
            options["symmetric"] = 1
            options |= self.maybe(0.15, scale_axis=0)
            if self.v3 and options["alpha"] == "auto_po2":
                options |= self.maybe(0.2, min_po2_exponent=-3, max_po2_exponent=self.pick(0, 2))
        else:
            options |= self.maybe(0.5, symmetric=self.pick(0, 1))
            options |= self.maybe(0.15, keep_negative=0)
            options |= self.maybe(0.1, use_stochastic_rounding=self.pick(0, 1))
        options |= self.maybe(0.1, use_ste=0)
        return Spec("quantized_bits", options)

    def per_channel(self, channels: int) -> Spec:
        alpha = np.asarray(self.rng.choice([0.25, 0.5, 1, 2, 0.7, 1.3], channels), dtype=np.float32)
        return Spec("quantized_bits", {"bits": self.integers(2, 7), "integer": self.integers(0, 2), "alpha": alpha})

    def linear_kernel(self) -> Spec:
        options: Options = {"bits": self.integers(1, 9), "integer": self.integers(0, 4)}
        options |= self.maybe(0.7, alpha=self.alpha()) | self.maybe(0.5, symmetric=self.pick(0, 1))
        options |= self.maybe(0.1, keep_negative=0) | self.maybe(0.1, scale_axis=0)
        return Spec("quantized_linear", options)

    def alpha(self) -> Any:
        return self.pick(None, 1, 0.5, 2, "auto_po2", *([] if self.exact_only else ["auto", 0.7, 3.0]))

    def binary_kernel(self) -> Spec:
        options = self.maybe(0.7, alpha=self.alpha()) | self.maybe(0.2, use_01=1)
        return Spec("binary", options)

    def ternary_kernel(self) -> Spec:
        options = self.maybe(0.7, alpha=self.alpha())
        if not isinstance(options.get("alpha", "auto_po2"), str) and options["alpha"] is not None:
            options |= self.maybe(0.5, threshold=self.pick(0.25, 0.5, 0.1))
        else:
            options |= self.maybe(0.2, number_of_unrolls=self.pick(1, 3))
        return Spec("ternary", options)

    def stochastic_kernel(self) -> Spec:
        options = self.maybe(0.6, alpha=self.alpha()) | self.maybe(0.2, temperature=4.0)
        return Spec(self.pick("stochastic_binary", "stochastic_ternary"), options)

    def odd_kernel(self) -> Spec:
        """What is meant for data, on weights."""
        return self.one_of(
            lambda: Spec("quantized_relu", {"bits": self.integers(2, 7), "integer": self.integers(0, 3)}),
            lambda: Spec("quantized_tanh", {"bits": self.integers(2, 7)}),
            lambda: Spec("quantized_sigmoid", {"bits": self.integers(2, 7)}),
            lambda: Spec("quantized_hswish", {"bits": self.integers(3, 7), "integer": self.integers(0, 3)}),
            lambda: (
                Spec(self.pick("bernoulli", "quantized_ulaw")) if self.rng.random() < 0.2 else self.ternary_kernel()
            ),
        )

    def po2(self) -> Spec:
        options: Options = {"bits": self.pick(3, 4, 5)}
        options |= self.maybe(0.7, max_value=self.pick(0.5, 1, 2, 4, 3))
        options |= self.maybe(0.2, quadratic_approximation=1) | self.maybe(0.1, log2_rounding="floor")
        return Spec("quantized_po2", options | self.maybe(0.1, use_ste=0))

    def relu_po2(self) -> Spec:
        options: Options = {"bits": self.pick(3, 4)}
        options |= self.maybe(0.7, max_value=self.pick(0.5, 1, 2, 4)) | self.maybe(0.3, negative_slope=0.25)
        return Spec("quantized_relu_po2", options | self.maybe(0.1, quadratic_approximation=1))

    # -- biases -----------------------------------------------------------------------------

    def bias(self) -> Spec | None:
        if not self.exact_only and self.rng.random() < 0.25:
            return None
        return self.one_of(
            lambda: Spec("quantized_bits", {"bits": 8, "integer": 2, "symmetric": 1}),
            lambda: Spec("quantized_bits", {"bits": 6, "integer": 2, "alpha": self.pick(1, 0.5)}),
            lambda: Spec("quantized_bits", {"bits": 10, "integer": 3}),
            lambda: Spec("quantized_po2", {"bits": 4, "max_value": 2}),
            lambda: Spec("quantized_bits", {"bits": 6, "integer": 1, "symmetric": 1, "alpha": "auto_po2"}),
            self.pick(lambda: Spec("ternary"), lambda: Spec("binary", {"alpha": "auto_po2"})),
        )

    # -- data -------------------------------------------------------------------------------

    def activation(self) -> Spec:
        kinds = [self.bits_data] * 3 + [self.relu_data] * 4 + [self.bounded_data, self.hswish_data, self.sign_data]
        kinds += [self.po2_data]
        if self.v3:
            kinds.append(self.linear_data)
        if self.rng.random() < 0.02:
            kinds = [self.refused_data]
        return self.one_of(*kinds)

    def bits_data(self) -> Spec:
        options: Options = {"bits": self.integers(1, 8), "integer": self.integers(0, 4)}
        options |= self.maybe(0.5, symmetric=self.pick(0, 1)) | self.maybe(0.15, keep_negative=0)
        options |= self.maybe(0.4, alpha=self.pick(None, 1, 0.5, 2, *([] if self.exact_only else [0.7, 3.0])))
        return Spec("quantized_bits", options)

    def relu_data(self) -> Spec:
        options: Options = {"bits": self.integers(1, 8), "integer": self.integers(0, 5)}
        options |= self.maybe(0.3, negative_slope=self.pick(0.25, 0.5, 0.125, 1.0))
        options |= self.maybe(0.3, relu_upper_bound=self.pick(1.5, 6, 6.0, 0.5))
        options |= self.maybe(0.3, is_quantized_clip=self.pick(0, 1)) | self.maybe(
            0.08 * ("negative_slope" not in options), use_sigmoid=1
        )
        options |= self.maybe(0.1, use_stochastic_rounding=1)
        return Spec("quantized_relu", options)

    def bounded_data(self) -> Spec:
        which = self.pick("tanh", "sigmoid")
        options: Options = {"bits": self.integers(1, 9)} | self.maybe(0.4, symmetric=1)
        if not self.exact_only:
            options |= self.maybe(0.3, **{f"use_real_{which}": 1})
        return Spec(f"quantized_{which}", options)

    def hswish_data(self) -> Spec:
        options: Options = {"bits": self.integers(3, 8), "integer": self.integers(0, 4)}
        options |= self.maybe(0.2, symmetric=1) | self.maybe(0.3, relu_shift=self.pick(2, 3), relu_upper_bound=4)
        return Spec("quantized_hswish", options)

    def sign_data(self) -> Spec:
        alpha = self.pick({}, {"alpha": 1}, {"alpha": 0.5}, {} if self.exact_only else {"alpha": 0.7})
        return self.one_of(
            lambda: Spec("binary", alpha | self.maybe(0.3, use_01=1)),
            lambda: Spec("ternary", alpha | self.maybe(0.4, threshold=self.pick(0.25, 0.5, 0.7))),
            lambda: Spec("stochastic_binary", alpha),
            lambda: Spec("stochastic_ternary", alpha),
        )

    def po2_data(self) -> Spec:
        return self.one_of(
            lambda: Spec("quantized_po2", {"bits": self.pick(3, 4)} | self.maybe(0.7, max_value=self.pick(1, 2, 4, 3))),
            lambda: Spec(
                "quantized_relu_po2",
                {"bits": self.pick(2, 3, 4)}
                | self.maybe(0.7, max_value=self.pick(0.5, 2, 4))
                | self.maybe(0.3, negative_slope=self.pick(0.25, 0.5))
                | self.maybe(0.05, quadratic_approximation=1),
            ),
        )

    def linear_data(self) -> Spec:
        options: Options = {"bits": self.integers(1, 8), "integer": self.integers(0, 4)}
        options |= (
            self.maybe(0.4, symmetric=0) | self.maybe(0.3, alpha=self.pick(0.5, 2)) | self.maybe(0.1, keep_negative=0)
        )
        return Spec("quantized_linear", options)

    def refused_data(self) -> Spec:
        return self.one_of(
            lambda: Spec("bernoulli"),
            lambda: Spec("quantized_ulaw", {"bits": 6}),
            lambda: Spec("quantized_bits", {"bits": 4, "symmetric": 1, "alpha": self.pick("auto", "auto_po2")}),
            lambda: Spec("ternary", {"alpha": "auto"}),
        )

    # -- batch normalisation ----------------------------------------------------------------

    def normalization(self) -> Options:
        """All five quantisers of QBatchNormalization, or its defaults."""
        if self.rng.random() < 0.3:
            return {}
        bits = Spec("quantized_bits", {"bits": 8, "integer": 2, "symmetric": 1})
        variance = Spec("quantized_relu_po2", {"bits": 6, "quadratic_approximation": 1})
        options: Options = {
            "gamma_quantizer": self.pick(None, bits, Spec("quantized_relu_po2", {"bits": 6, "max_value": 2048}),
                                         Spec("quantized_bits", {"bits": 6, "integer": 1, "symmetric": 1, "alpha": "auto_po2"})),
            "beta_quantizer": self.pick(None, bits, Spec("quantized_po2", {"bits": 5})),
            "mean_quantizer": self.pick(None, bits, Spec("quantized_po2", {"bits": 5})),
            "variance_quantizer": self.pick(None, variance, Spec("quantized_relu", {"bits": 8, "integer": 3})),
        }  # fmt: skip
        if self.v3 and self.rng.random() < 0.5:
            options |= {"gamma_quantizer": None, "variance_quantizer": None}
            options["inverse_quantizer"] = self.pick(
                Spec("quantized_bits", {"bits": 8, "integer": 3, "symmetric": 1, "alpha": 1}),
                Spec("quantized_po2", {"bits": 5}),
                Spec("quantized_linear", {"bits": 8, "integer": 3}),
                Spec(
                    "quantized_bits", {"bits": 8, "integer": 0, "symmetric": 1, "alpha": self.pick("auto", "auto_po2")}
                ),
            )
        return options
