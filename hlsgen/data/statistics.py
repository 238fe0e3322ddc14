"""What steps ask of the training part, computed piece by piece: samples may be a file larger than memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import fsum

import numpy as np

from hlsgen.data.dataset import Data, pieces
from hlsgen.data.operations import Floats, Operation, applied
from hlsgen.errors import InputError


@dataclass(frozen=True, eq=False)
class Seen:
    """Samples as a step sees them: behind the operations before it. Statistics are of float64, one for each feature;
    ``together``: a single one of all."""

    data: Data
    before: tuple[Operation, ...] = ()

    @property
    def features(self) -> int:
        return int(self.data.x.shape[-1])

    def feature(self, place: int, of: int | None = None) -> str:
        """A feature for a message; where there is a single number ``of`` all, all of them."""
        if of == 1 and self.features > 1:
            return f"{self.data.source}: all features together"
        return f"{self.data.source}: feature '{self.data.feature_names()[place]}'"

    def ends(self, together: bool) -> tuple[Floats, Floats]:
        """The least and the largest."""
        found = [(rows.min(axis=0), rows.max(axis=0)) for rows in self._rows(together)]
        return np.min([low for low, _ in found], axis=0), np.max([high for _, high in found], axis=0)

    def means_and_deviations(self, together: bool) -> tuple[Floats, Floats]:
        """Mean and standard deviation (of all, not of a sample), by two passes; no square leaves the range of float64.

        What does not vary has a deviation of exactly 0.
        """
        least, largest = self.ends(together)
        _, exponents = np.frexp(np.maximum(np.abs(least), np.abs(largest)))
        down = np.where(exponents > 0, -exponents, 0).astype(np.int64)
        count = sum(len(rows) for rows in self._rows(together))
        mean = _sums(np.ldexp(rows, down).sum(axis=0) for rows in self._rows(together)) / count
        mean = np.where(least == largest, np.ldexp(least, down), mean)
        spread = np.ldexp(largest, down) - np.ldexp(least, down)
        _, wide = np.frexp(np.where(spread > 0, spread, 1.0))
        squares = _sums(
            np.square(np.ldexp(np.ldexp(rows, down) - mean, -wide)).sum(axis=0) for rows in self._rows(together)
        )
        deviation = np.ldexp(np.sqrt(squares / count), wide)
        return np.ldexp(mean, -down), np.where(least == largest, 0.0, np.ldexp(deviation, -down))

    def quantiles(self, levels: Sequence[float], together: bool) -> tuple[Floats, ...]:
        """Quantiles, between neighbours by proportion."""
        if together:
            every = np.concatenate([rows.reshape(-1) for rows in self._rows(True)])
            return tuple(np.array([q]) for q in np.quantile(every, levels))
        found = [np.quantile(self._column(place), levels) for place in range(self.features)]
        return tuple(np.array(found).T)

    def least_positive(self) -> Floats:
        """The least number above 0 of each feature; infinite where there is none."""
        least: Floats = np.min([np.where(rows > 0, rows, np.inf).min(axis=0) for rows in self._rows(False)], axis=0)
        return least

    def _rows(self, together: bool) -> Iterator[Floats]:
        """Pieces of (rows, features), or (rows, 1). Raises InputError for what is not finite."""
        for piece in pieces(self.data.x):
            yield self._read(self.data.x[piece], piece.start).reshape(-1, 1 if together else self.features)

    def _column(self, place: int) -> Floats:
        """One feature of all samples."""
        parts = [self._read(self.data.x[piece], piece.start)[..., place].reshape(-1) for piece in pieces(self.data.x)]
        return np.concatenate(parts)

    def _read(self, x: np.ndarray, start: int) -> Floats:
        numbers = np.asarray(x, dtype=np.float64)
        finite = np.isfinite(numbers)
        if not finite.all():
            index = np.argwhere(~finite)[0].tolist()
            found = "NaN" if np.isnan(numbers[tuple(index)]) else "an infinity"
            raise InputError(
                f"{self.data.place((start + index[0], *index[1:]))}: {found}, by which no scale can be found; "
                "leave such rows out: load(..., missing='drop'), or take(...)"
            )
        return applied(self.before, numbers)


def _sums(parts: Iterator[Floats]) -> Floats:
    """Sums over pieces, each rounded once."""
    every = list(parts)
    return np.array([fsum(column) for column in np.array(every).T.tolist()])
