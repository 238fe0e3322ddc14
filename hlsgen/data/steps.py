"""What a pipeline is made of before it is fitted: each step looks at the training part and becomes an operation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Literal, Protocol, get_args

import numpy as np

from hlsgen.data.operations import Affine, Clamp, Floats, Logarithm, Operation
from hlsgen.data.statistics import Seen
from hlsgen.errors import ConfigError, InputError, brief, nearest

Of = Literal["each", "all"]
"""Whether every feature is looked at by itself, or all together, as the pixels of an image are."""


class Step(Protocol):
    """A step of a pipeline."""

    def fitted(self, seen: Seen) -> tuple[Operation, list[str]]:
        """The operation that it is for some samples, and what is to be said. Raises InputError."""


@dataclass(frozen=True)
class ZScore:
    """``(x - mean) / standard deviation`` of the training part."""

    of: Of = "each"

    def __post_init__(self) -> None:
        _check_of(self, self.of)

    def fitted(self, seen: Seen) -> tuple[Operation, list[str]]:
        mean, deviation = seen.means_and_deviations(self.of == "all")
        return _affine(self, seen, mean, deviation)


@dataclass(frozen=True)
class MinMax:
    """From the least and the largest of the training part to ``low`` and ``high``."""

    low: float = 0.0
    high: float = 1.0
    of: Of = "each"

    def __post_init__(self) -> None:
        _check_of(self, self.of)
        _check_numbers(self, low=self.low, high=self.high)
        if not self.low < self.high:
            raise ConfigError(f"MinMax: low={self.low} is not below high={self.high}")

    def fitted(self, seen: Seen) -> tuple[Operation, list[str]]:
        least, largest = seen.ends(self.of == "all")
        with np.errstate(over="ignore", invalid="ignore"):  # beyond float64, which is refused below
            spread = (largest - least) / (self.high - self.low)
            offset = least - self.low * np.where(least == largest, 1.0, spread)  # what does not vary becomes `low`, too
        return _affine(self, seen, offset, spread, constant=least == largest)


@dataclass(frozen=True)
class Robust:
    """``(x - median) / (quantile high - quantile low)``: the quartiles by default; outliers hardly count."""

    low: float = 0.25
    high: float = 0.75
    of: Of = "each"

    def __post_init__(self) -> None:
        _check_of(self, self.of)
        _check_numbers(self, low=self.low, high=self.high)
        if not 0 <= self.low < self.high <= 1:
            raise ConfigError(
                f"Robust: low={self.low}, high={self.high}, expected quantiles from 0 to 1, low below high"
            )

    def fitted(self, seen: Seen) -> tuple[Operation, list[str]]:
        low, median, high = seen.quantiles((self.low, 0.5, self.high), self.of == "all")
        return _affine(self, seen, median, high - low)


@dataclass(frozen=True)
class Clip:
    """The nearest number from ``low`` to ``high``; or, with ``quantile``, from that quantile of the training part to
    that from above."""

    low: float | Sequence[float] | None = None
    high: float | Sequence[float] | None = None
    quantile: float | None = None

    def __post_init__(self) -> None:
        if (self.quantile is None) == (self.low is None and self.high is None):
            raise ConfigError("Clip: give low and high (or one of them), or quantile, such as 0.001")
        if self.quantile is not None:
            _check_numbers(self, quantile=self.quantile)
            if not 0 <= self.quantile < 0.5:
                raise ConfigError(f"Clip: quantile is {self.quantile}, expected a number from 0 to below 0.5")

    def fitted(self, seen: Seen) -> tuple[Operation, list[str]]:
        if self.quantile is not None:
            low, high = seen.quantiles((self.quantile, 1 - self.quantile), together=False)
            return Clamp(tuple(low.tolist()), tuple(high.tolist())), []
        largest = float(np.finfo(np.float64).max)
        low = _numbers(self, "low", -largest if self.low is None else self.low, seen)
        high = _numbers(self, "high", largest if self.high is None else self.high, seen)
        return Clamp(tuple(low.tolist()), tuple(high.tolist())), []


@dataclass(frozen=True)
class Log2:
    """The logarithm of what is not below ``least``; by default the least number above 0 of the training part.

    It is computed in integers, to 28 binary places, so that it is the same on every machine.
    """

    least: float | Sequence[float] | None = None

    def fitted(self, seen: Seen) -> tuple[Operation, list[str]]:
        if self.least is not None:
            return Logarithm(tuple(_numbers(self, "least", self.least, seen).tolist())), []
        least = seen.least_positive()
        without = np.flatnonzero(np.isinf(least))
        if len(without):
            raise InputError(
                f"Log2: {seen.feature(int(without[0]))} has no number above 0; leave it out, or give least="
            )
        return Logarithm(tuple(least.tolist())), []


# -- what steps have in common --------------------------------------------------------------------


def _affine(
    step: Step, seen: Seen, offset: Floats, spread: Floats, constant: Floats | None = None
) -> tuple[Affine, list[str]]:
    """``(x - offset) * (1 / spread)``; of what does not spread, only the offset is taken off. Raises InputError."""
    name = type(step).__name__
    still = (spread == 0) if constant is None else constant
    with np.errstate(over="ignore", divide="ignore"):
        scale = np.where(still, 1.0, 1.0 / np.where(still, 1.0, spread))
    wrong = np.flatnonzero(~np.isfinite(scale) | ~np.isfinite(offset) | (scale == 0))
    if len(wrong):
        at = int(wrong[0])
        raise InputError(
            f"{name}: {seen.feature(at, len(scale))} spreads over {spread[at]:.3g} about {offset[at]:.3g}, for which "
            "float64 has no scale; bring it to other units first"
        )
    notes = [
        f"{name}: {seen.feature(int(at), len(scale))} is the same ({offset[at]:.6g}) {_where(step, seen, int(at))}; "
        "it is moved, not scaled"
        for at in np.flatnonzero(still)
    ]
    return Affine(tuple(offset.tolist()), tuple(scale.tolist())), notes


def _where(step: Step, seen: Seen, at: int) -> str:
    return "in its middle part" if isinstance(step, Robust) else "in all samples"


def _numbers(step: Step, name: str, given: float | Sequence[float], seen: Seen) -> Floats:
    """One number for all, or one for each feature. Raises InputError."""
    kind = type(step).__name__
    try:
        numbers = np.array(given, dtype=np.float64).reshape(-1)
    except (TypeError, ValueError) as error:
        raise InputError(f"{kind}: {name} is {brief(given)}, expected a number, or one for each feature") from error
    if len(numbers) not in (1, seen.features) or not np.isfinite(numbers).all():
        raise InputError(
            f"{kind}: {name} is {brief(given)}, expected a finite number, or one for each of {seen.features} features"
        )
    return numbers


def _check_of(step: Step, of: str) -> None:
    if of not in get_args(Of):
        raise ConfigError(f"{type(step).__name__}: of={brief(of)}{nearest(of, get_args(Of))}")


def _check_numbers(step: Step, **numbers: float) -> None:
    for name, number in numbers.items():
        if isinstance(number, bool) or not isinstance(number, int | float) or not isfinite(number):
            raise ConfigError(f"{type(step).__name__}: {name} is {brief(number)}, expected a number")
