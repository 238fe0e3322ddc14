"""A pipeline for raw integers as one multiplication, addition and shift of integers, for hosts without floating point.

For raw numbers of 8 or 16 bits there are few enough to look at all of them: constants are searched for such that every
raw number gives the mantissa that the pipeline in float64 gives. So the form is exact, or there is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from hlsgen.data.operations import Affine, Clamp, Operation, applied
from hlsgen.data.ports import InputPort
from hlsgen.data.recipe import Recipe, one_of
from hlsgen.errors import InputError, UnsupportedError, brief
from hlsgen.ir.types import FixedType, Ints

RAW = ("int8", "uint8", "int16", "uint16")
"""Types of raw numbers, as NumPy calls them."""
_PLACES = range(43)
"""By how much sums may be shifted."""
_RAW_BITS = 16
_SAFE, _SHORT = 1 << 60, 1 << 31
"""Products below the first and their sums with an offset fit words of 64 bits."""


class Line(NamedTuple):
    """``(multiplier * raw + offset) / 2^places``, rounded down, and then the nearest number from low to high."""

    multiplier: int
    offset: int
    low: int
    high: int


@dataclass(frozen=True)
class IntegerForm:
    """Lines of all features, with the same places."""

    raw: str
    places: int
    lines: tuple[Line, ...]

    @property
    def constants(self) -> dict[str, tuple[int, ...]]:
        """Their numbers by name, for each feature."""
        return {name: tuple(getattr(line, name) for line in self.lines) for name in Line._fields}

    @property
    def word(self) -> int:
        """Bits of the words in which all of it can be computed."""
        raw = np.iinfo(self.raw)
        most = max(abs(m * end + c) for m, c, _, _ in self.lines for end in (raw.min, raw.max))
        sizes = [most, *(abs(number) for line in self.lines for number in line)]
        products = [abs(line.multiplier * end) for line in self.lines for end in (raw.min, raw.max)]
        return 32 if max([*sizes, *products]) < _SHORT and self.places < 31 else 64


def integer_form(recipe: Recipe, port: InputPort, raw: str) -> IntegerForm:
    """The form with the fewest places.

    Raises InputError for raw numbers of another type, UnsupportedError where there is no such form: of logarithms, of
    values that wrap, and where rounding treats both signs differently.
    """
    if raw not in RAW:
        raise InputError(f"write_c(): raw is {brief(raw)}, expected one of {', '.join(RAW)}, or None for real numbers")
    if port.exponents is not None and port.order is not None:
        raise UnsupportedError(
            f"input '{port.name}': the integer form is not written where axes are moved and features are held times "
            "powers of two; write the header for real numbers (raw=None)"
        )
    exponents = port.exponents or (0,) * recipe.features
    keys = [(_alone(recipe.operations, place), exponents[place]) for place in range(recipe.features)]
    known = {key: _bounds(*key, port.type, raw) for key in dict.fromkeys(keys)}
    for places in _PLACES:
        lines = {key: bounds.line(places) for key, bounds in known.items()}
        found = [lines[key] for key in keys]
        if None not in found:
            return IntegerForm(raw, places, tuple(line for line in found if line is not None))
    never = [place for place, key in enumerate(keys) if all(known[key].line(places) is None for places in _PLACES)]
    which = f"feature '{recipe.name_of(never[0])}'" if never else "all features"
    raise UnsupportedError(
        f"input '{port.name}': {which} of raw {raw} cannot be made {port.type} by one multiplication, addition and "
        "shift: a step is a logarithm, values wrap, or rounding is not of one direction; write the header for real "
        "numbers (raw=None)"
    )


@dataclass(frozen=True, eq=False)
class _Bounds:
    """What a line has to keep: of each mantissa, the first and the last raw number that give it."""

    mantissas: Ints
    first: Ints
    last: Ints
    slope: Fraction | None
    """In steps of the type for each raw number; None where they give no line."""

    def line(self, places: int) -> Line | None:
        """A line of so many places; None where none keeps all bounds."""
        step = 1 << places
        if self.slope is None:
            return None
        multiplier = round(self.slope * step)
        low, high = int(self.mantissas.min()), int(self.mantissas.max())
        if abs(multiplier) << _RAW_BITS >= _SAFE or (max(abs(low), abs(high)) + 1) * step >= _SAFE:
            return None
        products = np.minimum(self.first * multiplier, self.last * multiplier)
        largest = np.maximum(self.first * multiplier, self.last * multiplier)
        above = (self.mantissas * step - products)[self.mantissas > low]
        below = ((self.mantissas + 1) * step - 1 - largest)[self.mantissas < high]
        least = int(above.max()) if len(above) else None
        most = int(below.min()) if len(below) else None
        if least is None or most is None:
            return Line(0, low * step, low, high)  # a single mantissa
        return Line(multiplier, (least + most) // 2, low, high) if least <= most else None


def _alone(operations: tuple[Operation, ...], place: int) -> tuple[Operation, ...]:
    """The operations of one feature."""
    return tuple(
        type(operation)(**{name: (one_of(numbers, place),) for name, numbers in operation.constants.items()})
        for operation in operations
    )


def _bounds(operations: tuple[Operation, ...], exponent: int, fixed: FixedType, raw: str) -> _Bounds:
    """What every raw number gives, by the pipeline itself."""
    limits = np.iinfo(raw)
    numbers = np.arange(int(limits.min), int(limits.max) + 1)
    real = applied(operations, numbers[:, None].astype(np.float64))
    with np.errstate(over="ignore"):
        mantissas = fixed.quantize(np.ldexp(real, exponent))[:, 0]
    starts = np.flatnonzero(np.diff(mantissas, prepend=mantissas[0] - 1))
    runs, ends = mantissas[starts], np.append(starts[1:], len(numbers)) - 1
    rising = np.diff(runs)
    one_way = bool((rising > 0).all() or (rising < 0).all())
    slope = _slope(operations, fixed.frac + exponent) if one_way else None
    return _Bounds(runs, numbers[starts], numbers[ends], slope)


def _slope(operations: tuple[Operation, ...], places: int) -> Fraction | None:
    """By how many steps of ``2**-places`` the result moves with a raw number, where it is not clamped."""
    slope = Fraction(2) ** places
    for operation in operations:
        if isinstance(operation, Affine):
            slope *= Fraction(operation.scale[0])
        elif not isinstance(operation, Clamp):
            return None
    return slope
