"""The input of a design as host code needs to know it: type, shape, powers of two, order of axes."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Protocol

from hlsgen.config import Config
from hlsgen.design.arrays import given_shape
from hlsgen.design.design import Design
from hlsgen.errors import ConfigError, InputError, brief, nearest
from hlsgen.ir.constant import Shape
from hlsgen.ir.types import FixedType
from hlsgen.ir.typing import Tensor


class Converted(Protocol):
    """A converted model; :class:`hlsgen.project.Project` is one."""

    config: Config
    design: Design


@dataclass(frozen=True)
class InputPort:
    """An input that takes integers."""

    name: str
    shape: Shape
    """As it is held, without the batch."""
    type: FixedType
    exponents: tuple[int, ...] | None = None
    """If given, feature c (of the last axis) is held times ``2**exponents[c]``."""
    order: tuple[int, ...] | None = None
    """If given, the axes of what users give in the order in which they are held."""

    def __post_init__(self) -> None:
        """Raise ConfigError for what can be no port."""
        if not self.shape or min(self.shape) < 1:
            raise ConfigError(f"input '{self.name}': shape {self.shape}, expected whole numbers from 1 on")
        if self.exponents is not None and len(self.exponents) != self.shape[-1]:
            raise ConfigError(
                f"input '{self.name}': {len(self.exponents)} exponents, expected one for each of {self.shape[-1]}"
            )
        if self.order is not None and sorted(self.order) != list(range(len(self.shape))):
            raise ConfigError(f"input '{self.name}': order {self.order} is no order of {len(self.shape)} axes")

    @classmethod
    def of(cls, tensor: Tensor) -> InputPort:
        return cls(tensor.name, tensor.shape, tensor.type, tensor.exponents, tensor.order)

    @property
    def given_shape(self) -> Shape:
        """What users give, without the batch."""
        return given_shape(self)

    @property
    def size(self) -> int:
        return prod(self.shape)

    def __str__(self) -> str:
        times = " times a power of two for each feature" if self.exponents is not None else ""
        shape = " x ".join(map(str, self.given_shape))
        return f"'{self.name}', {shape} of {self.type}{times}"


def input_port(target: Converted | InputPort | FixedType | str, name: str | None, features: int) -> InputPort:
    """The input that a pipeline of so many features feeds: of a project (by name, if it has several), or a vector of a
    type. Raises InputError for one that does not fit.
    """
    port = _found(target, name, features)
    if port.given_shape[-1] != features:
        raise InputError(
            f"input '{port.name}' has {port.given_shape[-1]} features on its last axis, the pipeline {features}"
        )
    return port


def _found(target: Converted | InputPort | FixedType | str, name: str | None, features: int) -> InputPort:
    if isinstance(target, InputPort):
        return target
    if isinstance(target, FixedType | str):
        return InputPort(name or "input", (features,), FixedType.parse(target))
    inputs = getattr(getattr(target, "design", None), "inputs", None)
    if inputs is None:
        raise InputError(f"expected a project or a type such as 'fixed<16,6,RND,SAT>', found {brief(target)}")
    names = [tensor.name for tensor in inputs]
    if name is None and len(inputs) > 1:
        raise InputError(f"the project has {len(inputs)} inputs ({', '.join(names)}); name one by input=")
    if name is not None and name not in names:
        raise InputError(f"the project has no input {brief(name)}{nearest(name, names)}")
    return InputPort.of(inputs[0 if name is None else names.index(name)])
