"""Functions of one real number that no adder computes, and how they run far from zero."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from hlsgen.ir.constant import Floats

_OCTAVES = 256
"""Types reach from 2^-256 to 2^256."""
_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805  # Klambauer et al., 2017


@dataclass(frozen=True)
class Unary:
    """A function of one real number with values from ``low`` to ``high``.

    Far below zero it runs along ``negative * x``, far above along ``positive * x`` (a function with a bound: along
    that bound), so that ``function(x)`` less that line has an end on both sides. ``exponential`` alone has none above.
    """

    name: str
    function: Callable[[Floats], Floats]
    low: float
    high: float
    negative: float = 0.0
    positive: float = 0.0

    def __str__(self) -> str:
        return self.name

    @property
    def bounded(self) -> bool:
        return bool(np.isfinite(self.low) and np.isfinite(self.high))

    @property
    def steep(self) -> bool:
        """Whether it rises faster than any line."""
        return not (self.bounded or self.negative or self.positive)

    def __call__(self, x: Floats) -> Floats:
        with np.errstate(over="ignore"):
            return np.asarray(self.function(np.asarray(x, dtype=np.float64)))

    def held(self, scale: float, offset: float) -> Unary:
        """``(function(x) - offset) * scale``; the scale is above zero."""
        return Unary(
            f"({self.name} - {offset:.9g}) * {scale:.9g}",
            lambda x: (self(x) - offset) * scale,
            (self.low - offset) * scale,
            (self.high - offset) * scale,
            self.negative * scale,
            self.positive * scale,
        )

    def flat_from(self, sign: int, step: float) -> Fraction | None:
        """The power of two from which on, left or right of zero, the function moves by half a step at most."""
        magnitudes = np.exp2(np.arange(-_OCTAVES, _OCTAVES + 1))
        values = self(sign * magnitudes)
        if not np.isfinite(values[-1]) or abs(values[-1] - values[-2]) > step / 2:
            return None
        moving = np.abs(values - values[-1]) > step / 2
        place = len(moving) - int(np.argmax(moving[::-1])) if moving.any() else 0
        return Fraction(float(magnitudes[place]))

    def line(self, x: Floats) -> Floats:
        """The two half-lines along which the function runs far from zero, joined at zero."""
        return np.where(x < 0, self.negative * x, self.positive * x)


def _sigmoid(x: Floats) -> Floats:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * x)))


def _softplus(x: Floats) -> Floats:
    return np.asarray(np.logaddexp(x, 0.0))


def erf(x: Floats) -> Floats:
    """The error function of each number, as the C library has it."""
    return np.fromiter(map(math.erf, x.ravel().tolist()), np.float64, x.size).reshape(x.shape)


def _gelu(x: Floats) -> Floats:
    return np.asarray(0.5 * x * (1.0 + erf(x / np.sqrt(2.0))))


def _gelu_by_tanh(x: Floats) -> Floats:
    return np.asarray(0.5 * x * (1.0 + np.tanh(np.sqrt(2.0 / np.pi) * (x + 0.044715 * x**3))))


def _selu(x: Floats) -> Floats:
    return np.asarray(_SELU_SCALE * np.where(x > 0, x, _SELU_ALPHA * np.expm1(np.minimum(x, 0))))


def _sparse_plus(x: Floats) -> Floats:
    return np.where(x <= -1, 0.0, np.where(x < 1, 0.25 * (x + 1) ** 2, x))


def elu(alpha: float) -> Unary:
    """``x`` above zero, ``alpha * (exp(x) - 1)`` below."""
    name = "elu" if alpha == 1 else f"elu({alpha:g})"

    def function(x: Floats) -> Floats:
        return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))

    return Unary(name, function, min(-alpha, 0.0), np.inf, 0.0, 1.0)


def celu(alpha: float) -> Unary:
    """``x`` above zero, ``alpha * (exp(x / alpha) - 1)`` below; ``alpha`` is above zero."""
    name = "celu" if alpha == 1 else f"celu({alpha:g})"

    def function(x: Floats) -> Floats:
        return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0) / alpha))

    return Unary(name, function, -alpha, np.inf, 0.0, 1.0)


def squareplus(b: float) -> Unary:
    """``(x + sqrt(x^2 + b)) / 2``; ``b`` is above zero."""
    name = "squareplus" if b == 4 else f"squareplus({b:g})"
    return Unary(name, lambda x: (x + np.sqrt(x**2 + b)) / 2, 0.0, np.inf, 0.0, 1.0)


def soft_shrink(threshold: float) -> Unary:
    """``x`` nearer to zero by ``threshold``, which is not below zero, and zero within it."""
    name = "soft_shrink" if threshold == 0.5 else f"soft_shrink({threshold:g})"
    return Unary(name, lambda x: x - np.clip(x, -threshold, threshold), -np.inf, np.inf, 1.0, 1.0)


_EVERY = (
    Unary("sigmoid", _sigmoid, 0.0, 1.0),
    Unary("tanh", np.tanh, -1.0, 1.0),
    Unary("softsign", lambda x: x / (1.0 + np.abs(x)), -1.0, 1.0),
    Unary("sparse_sigmoid", lambda x: np.clip(0.5 * (x + 1), 0, 1), 0.0, 1.0),
    Unary("softplus", _softplus, 0.0, np.inf, 0.0, 1.0),
    squareplus(4.0),
    Unary("sparse_plus", _sparse_plus, 0.0, np.inf, 0.0, 1.0),
    Unary("exponential", np.exp, 0.0, np.inf),
    Unary("log_sigmoid", lambda x: -_softplus(-x), -np.inf, 0.0, 1.0, 0.0),
    Unary("selu", _selu, -1.7581, np.inf, 0.0, _SELU_SCALE),
    Unary("silu", lambda x: x * _sigmoid(x), -0.2785, np.inf, 0.0, 1.0),
    Unary("mish", lambda x: x * np.tanh(_softplus(x)), -0.3089, np.inf, 0.0, 1.0),
    Unary("gelu", _gelu, -0.17, np.inf, 0.0, 1.0),
    Unary("gelu_by_tanh", _gelu_by_tanh, -0.1701, np.inf, 0.0, 1.0),
    Unary("tanh_shrink", lambda x: x - np.tanh(x), -np.inf, np.inf, 1.0, 1.0),
    soft_shrink(0.5),
    celu(1.0),
    elu(1.0),
)
FUNCTIONS = {unary.name: unary for unary in _EVERY}
