"""A test case of another tool, told again: a model of ours, inputs distributed as there, and how far off may be what."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hlsgen.ir.types import FixedType
from tests.qkeras_layers.random_models import LIBRARY

KERAS2, KERAS3, QKERAS = "tf_keras", "keras", "qkeras"
Floats = NDArray[np.float64]
Shape = tuple[int, ...]
Draw = Callable[[np.random.Generator, Shape], Floats]
"""Inputs from a generator, for a shape with the samples first."""


@dataclass(frozen=True)
class Kit:
    """What a model is built of: a Keras, and the QKeras on it where the scenario asks for one."""

    keras: Any
    qkeras: Any = None

    @property
    def layers(self) -> Any:
        return self.keras.layers

    def stack(self, shape: Shape, *layers: Any) -> Any:
        """A functional model of layers one behind the other."""
        x = first = self.keras.Input(shape)
        for layer in layers:
            x = layer(x)
        return self.keras.Model(first, x)


def kit(library: str) -> Kit:
    """The framework of that name, 'qkeras' being QKeras 0.9 on Keras 2; the test is skipped where it is not there."""
    if library != QKERAS:
        return Kit(pytest.importorskip(library))
    if LIBRARY != QKERAS:
        pytest.skip("needs qkeras 0.9")
    return Kit(importlib.import_module(KERAS2), importlib.import_module(QKERAS))


# -- how far off ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Within:
    """Each number: ``|got - right| <= absolute + relative * |right|``."""

    absolute: float
    relative: float = 0.0

    def missed_by(self, got: Floats, right: Floats) -> float:
        """By which factor the worst number is beyond the bound: at most 1 where all are within."""
        bound = self.absolute + self.relative * np.abs(right)
        difference = np.abs(got - right)
        return float(np.max(np.divide(difference, bound, out=np.where(difference > 0, np.inf, 0.0), where=bound > 0)))


@dataclass(frozen=True)
class Differing:
    """The share of numbers that may differ at all: for outputs of one or two bits."""

    share: float

    def missed_by(self, got: Floats, right: Floats) -> float:
        return float(np.mean(got != right)) / self.share


@dataclass(frozen=True)
class TopOne:
    """The least share of samples (or of positions) whose largest value is at the same place."""

    agreement: float

    def missed_by(self, got: Floats, right: Floats) -> float:
        same = float(np.mean(np.argmax(got, axis=-1) == np.argmax(right, axis=-1)))
        return (1.0 - same) / (1.0 - self.agreement)


Tolerance = Within | Differing | TopOne
EQUAL = Within(0.0)
SIXTEEN_BITS = 2.0**-9
"""How far off default types may be, as a part of the largest value: two steps of inputs of ``fixed<16,6>``."""
STEPS = 16
"""As many steps of a type that is fixed for everything may results be off, ..."""
FLOAT32 = 2.0**-20
"""... but this is what Keras rounds itself, as a part of the largest value."""

# -- inputs --------------------------------------------------------------------------------------


def unit(rng: np.random.Generator, shape: Shape) -> Floats:
    """Evenly from 0 to 1."""
    return rng.random(shape)


def unit_grid(rng: np.random.Generator, shape: Shape) -> Floats:
    """Evenly from 0 to 1, on the grid of ``fixed<16,6>``."""
    return np.round(rng.random(shape) * 2**10) * 2.0**-10


def below_zero(rng: np.random.Generator, shape: Shape) -> Floats:
    return -unit_grid(rng, shape)


def centred(rng: np.random.Generator, shape: Shape) -> Floats:
    """Evenly from -1/2 to 1/2."""
    return rng.random(shape) - 0.5


def both_signs(rng: np.random.Generator, shape: Shape) -> Floats:
    """Evenly from -1 to 1."""
    return 2 * rng.random(shape) - 1


def normal(scale: float, low: float, high: float) -> Draw:
    """A bell around zero, cut off at both ends."""
    return lambda rng, shape: np.clip(rng.normal(0, scale, shape), low, high)


def integers(low: int, high: int) -> Draw:
    """Whole numbers from ``low`` to below ``high``."""
    return lambda rng, shape: rng.integers(low, high, shape).astype(np.float64)


# -- scenarios -----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Scenario:
    """One case: ``build(kit)`` gives the model, with weights drawn from a seed.

    ``precision``: the type that the other tool's test fixes for everything; None where it keeps its default of 16 bits.
    ``settings``: what it fixes besides. ``samples``: fewer than there where tensors are large. ``libraries``: the first
    is that of the other tool's test.
    """

    source: str
    """The file of the other tool's tests, without ``test_`` and ``.py``."""
    name: str
    build: Callable[[Kit], Any]
    tolerance: Tolerance
    draw: Draw = unit
    precision: str | None = None
    samples: int = 100
    libraries: Sequence[str] = (KERAS2,)
    settings: Mapping[str, Any] = field(default_factory=dict)
    slow: bool = False

    def __str__(self) -> str:
        return f"{self.source}: {self.name}"

    def model(self, library: str) -> Any:
        tools = kit(library)
        tools.keras.utils.set_random_seed(7)
        return self.build(tools)

    def inputs(self, model: Any) -> list[NDArray[np.float32]]:
        """An array for each input of the model, float32 as Keras reads them."""
        rng = np.random.default_rng(11)
        shapes = [(self.samples, *(int(n) for n in tensor.shape[1:])) for tensor in model.inputs]
        return [self.draw(rng, shape).astype(np.float32) for shape in shapes]

    def missed_by_default(self, got: Floats, right: Floats) -> float:
        """With default types: the other tool's tolerance, but no less than what 16 bits show where it fixes more."""
        tolerance = self.tolerance
        if self.precision is not None and isinstance(tolerance, Within):
            coarse = SIXTEEN_BITS * _size(right)
            tolerance = Within(max(tolerance.absolute, coarse), tolerance.relative)
        return tolerance.missed_by(got, right)

    def missed_as_fixed(self, got: Floats, right: Floats) -> float:
        """With the types of the other tool's test: its tolerance, and what those types can show."""
        assert self.precision is not None
        tight = Within(max(STEPS * float(FixedType.parse(self.precision).step), FLOAT32) * _size(right))
        return max(self.tolerance.missed_by(got, right), tight.missed_by(got, right))


def _size(right: Floats) -> float:
    return max(1.0, float(np.abs(right).max()))


def layer(name: str, *arguments: Any, **options: Any) -> Callable[[Kit], Any]:
    """A layer of Keras by the name of its class, made anew for each Keras."""
    return lambda kit: getattr(kit.layers, name)(*arguments, **options)


def stacked(shape: Shape, *makers: Callable[[Kit], Any]) -> Callable[[Kit], Any]:
    """The builder of a model of layers one behind the other."""
    return lambda kit: kit.stack(shape, *(make(kit) for make in makers))
