"""Types: read and printed alike, cast as rational arithmetic says."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import isfinite
from pathlib import Path
from typing import Any, Self

import numpy as np

from hlsgen.errors import TypeSpecError
from hlsgen.ir.types import FixedType
from tests.fuzz.cases.base import Case, WrongError, refusal
from tests.fuzz.fixed_types import broken_text, spelt, wild_type
from tests.vendor.reference import cast, cast_mantissa


@dataclass(frozen=True)
class TypeCase(Case):
    """A text, and numbers to be cast to the type that it names."""

    kind = "type"
    text: str
    named: str | None = None
    """The type as the program prints it; None: whether the text names one is open."""
    mantissas: tuple[tuple[int, int], ...] = ()
    """Exact numbers ``mantissa * 2**-frac``."""
    floats: tuple[float, ...] = ()

    @classmethod
    def draw(cls, rng: random.Random) -> Self:
        if rng.random() < 0.4:
            return cls(broken_text(rng))
        fixed = wild_type(rng)
        around = [
            (rng.getrandbits(rng.randint(1, 90)) * rng.choice((1, -1)), fixed.frac + rng.randint(-9, 40))
            for _ in range(6)
        ]
        ends = [((end << 3) + rng.randint(-9, 9), fixed.frac + 3) for end in (fixed.min_mantissa, fixed.max_mantissa)]
        floats = [
            rng.choice((0.0, -0.5, rng.gauss(0, 4), rng.gauss(0, 1) * 2.0 ** rng.randint(-300, 300), 5e-324, 1e308))
            for _ in range(4)
        ]
        return cls(spelt(rng, fixed), str(fixed), (*around, *ends), tuple(floats))

    def prepare(self, folder: Path) -> Any:
        return None

    def check(self, prepared: Any, folder: Path) -> str:
        try:
            fixed = FixedType.parse(self.text)
        except TypeSpecError as error:
            if self.named is not None:
                raise WrongError("refused", str(error)) from error
            return refusal(error)
        if self.named is not None and str(fixed) != self.named:
            raise WrongError("read", f"'{self.text}' is read as {fixed}, expected {self.named}")
        if FixedType.parse(str(fixed)) != fixed or FixedType.parse(fixed.cpp) != fixed:
            raise WrongError("printed", f"{fixed!r} is printed as '{fixed}' and '{fixed.cpp}', which read otherwise")
        self._check_casts(fixed)
        return "right"

    def _check_casts(self, fixed: FixedType) -> None:
        for mantissa, frac in self.mantissas:
            found = int(fixed.cast(np.array([mantissa], dtype=object), frac)[0])
            if found != cast_mantissa(fixed, mantissa, frac):
                raise WrongError("cast", f"{fixed}: {mantissa} * 2**-{frac} becomes {found}")
        for value in filter(isfinite, self.floats):
            found = int(fixed.quantize([value])[0])
            if found != cast(fixed, Fraction(value)):
                raise WrongError("cast", f"{fixed}: {value!r} becomes {found}")

    def simpler(self) -> Iterator[Self]:
        for name in ("mantissas", "floats"):
            values = getattr(self, name)
            for i in range(len(values)):
                yield self.with_fields(**{name: (*values[:i], *values[i + 1 :])})
