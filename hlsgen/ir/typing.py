"""What inference found for a value: one frozen finding, complete."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from math import prod

from hlsgen.ir.constant import Floats, Shape
from hlsgen.ir.demand import EVERYTHING, Demand
from hlsgen.ir.expected import Expected
from hlsgen.ir.held import Held
from hlsgen.ir.interval import Interval
from hlsgen.ir.types import FixedType


class Reason(Enum):
    """Who chose a result type."""

    CONFIGURATION = "configuration"
    MODEL = "the model's quantiser"
    DEFAULT = "default for inputs"
    EXACT = "exact"
    BUDGET = "budget"
    FUNCTION = "range of the function"


@dataclass(frozen=True, eq=False)
class Typing:
    """How the exact result of a layer becomes a value: cast to ``accum`` (if there is one), then to ``result``."""

    exact: Interval
    """The proved range of the exact result, before any cast (of an input: of its type)."""
    accum: FixedType | None
    """The accumulator the exact result is cast to first; None: it is held as it is."""
    result: FixedType
    reason: Reason
    """Who chose ``result``."""
    demand: Demand = EVERYTHING
    """What the readers can tell apart, where ``result`` was narrowed to that."""

    @cached_property
    def sum_type(self) -> FixedType:
        """The narrowest type that holds the exact result."""
        return self.exact.type()

    @property
    def accum_type(self) -> FixedType:
        """What the sum is held in before the cast to ``result``."""
        return self.accum or self.sum_type

    @cached_property
    def summed(self) -> Interval:
        """The proved range in front of the cast to ``result``."""
        return self.exact if self.accum is None else self.exact.cast(self.accum)


@dataclass(frozen=True, eq=False)
class Tensor:
    """A typed value; ``shape`` is without the batch. Compared by identity."""

    name: str
    shape: Shape
    typing: Typing
    interval: Interval
    """The proved range of its values, per channel."""
    expected: Expected | None = None
    """How large it gets in use, where that was estimated (of what is held)."""
    held: Held | None = None
    """How it holds what the model means, channel by channel; None: as it is."""
    order: tuple[int, ...] | None = None
    """Of an input, if given: the axes of what users give (without the batch) in the order in which it holds them."""

    def __repr__(self) -> str:
        return f"%{self.name}"

    @property
    def exponents(self) -> tuple[int, ...] | None:
        """If it is a port that holds channel c times ``2**exponents[c]``: these. Ports hold nothing in another way."""
        return None if self.held is None else self.held.exponents

    @cached_property
    def meaning(self) -> Held:
        """How it holds what the model means, also where that is as it is."""
        return self.held or Held.plainly(self.shape[-1])

    @property
    def factors(self) -> Floats:
        """What each channel's differences have to be multiplied by to be those that the model means (channels,)."""
        return self.meaning.factors

    @property
    def type(self) -> FixedType:
        return self.typing.result

    @property
    def size(self) -> int:
        return prod(self.shape)
