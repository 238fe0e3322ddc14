"""What objectives are expected to be where nothing was measured: Gaussian processes, by NumPy alone.

The covariance is that of a plane plus a smooth function (a squared exponential with a length for each direction): bits
and resources are close to planes in widths, accuracy is not. Lengths are chosen by the likelihood of what is known, one
direction after the other (Rasmussen, Williams 2006, chapters 2 and 5).
"""

from __future__ import annotations

import numpy as np

from hlsgen.ir.constant import Floats

_NOISE = 1e-4
"""Of a standardised objective: measurements are exact, the model is not."""
_LENGTHS = (0.5, 1.0, 2.0, 4.0)
"""Of the squared exponential at first, in all directions."""
_SHORTER, _LONGER = 0.5, 2.0


class Process:
    """An objective over points of (n, features)."""

    def __init__(self, x: Floats, y: Floats, lengths: Floats | None = None) -> None:
        """``lengths``: as found before; None: to be chosen."""
        self._x, self._mean = x, float(y.mean())
        self._scale = float(y.std()) or 1.0
        self._y = (y - self._mean) / self._scale
        self.lengths = self._isotropic() if lengths is None else lengths
        self._solve()

    def _solve(self) -> None:
        # The inverse, made once for all points: with this much noise it loses nothing that counts.
        self._inverse = np.linalg.inv(np.linalg.cholesky(_with_noise(covariance(self._x, self._x, self.lengths))))
        self._weights = self._inverse.T @ (self._inverse @ self._y)

    def expected(self, x: Floats) -> tuple[Floats, Floats]:
        """Means and standard deviations at points of (n, features), in the units of the objective."""
        between = covariance(x, self._x, self.lengths)
        inner = self._inverse @ between.T
        variance = np.maximum(prior(x) - np.square(inner).sum(axis=0), 1e-12)
        return self._mean + self._scale * (between @ self._weights), self._scale * np.sqrt(variance)

    def _isotropic(self) -> Floats:
        every = [np.full(self._x.shape[1], length) for length in _LENGTHS]
        return max(every, key=self._likelihood)

    def tune(self) -> None:
        """Choose the length of each direction anew, from those it has."""
        best = self._likelihood(self.lengths)
        for direction in range(len(self.lengths)):
            for factor in (_SHORTER, _LONGER):
                tried = self.lengths.copy()
                tried[direction] = np.clip(tried[direction] * factor, 0.05, 50.0)
                found = self._likelihood(tried)
                if found > best:
                    best, self.lengths = found, tried
        self._solve()

    def _likelihood(self, lengths: Floats) -> float:
        """The logarithm of the marginal likelihood, but for what is constant."""
        factor = np.linalg.cholesky(_with_noise(covariance(self._x, self._x, lengths)))
        inner = np.linalg.solve(factor, self._y)
        return float(-0.5 * inner @ inner - np.log(np.diag(factor)).sum())


def covariance(one: Floats, other: Floats, lengths: Floats) -> Floats:
    """Of a plane through the middle plus a smooth function."""
    a, b = one / lengths, other / lengths
    squares = np.square(a).sum(axis=1)[:, None] + np.square(b).sum(axis=1)[None, :] - 2 * a @ b.T
    found: Floats = np.exp(-0.5 * np.maximum(squares, 0.0)) + _centred(one) @ _centred(other).T
    return found


def prior(x: Floats) -> Floats:
    """The variance at points of which nothing is known."""
    found: Floats = 1.0 + np.square(_centred(x)).sum(axis=1)
    return found


def _centred(x: Floats) -> Floats:
    return x - 0.5


def _with_noise(matrix: Floats) -> Floats:
    return matrix + _NOISE * np.eye(len(matrix))
