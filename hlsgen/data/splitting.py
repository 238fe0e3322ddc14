"""Which rows go into which part: by a seed, and the same on every machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import isfinite
from typing import Generic, TypeVar

import numpy as np

from hlsgen.errors import InputError, UnknownNameError, brief, nearest
from hlsgen.ir.text import table
from hlsgen.ir.types import Ints

P = TypeVar("P")
_SLACK = 1e-9
"""By how much shares such as 0.6, 0.3, 0.1 may miss one in sum."""


@dataclass(frozen=True, eq=False, repr=False)
class Parts(Mapping[str, P], Generic[P]):
    """Parts by name, as a mapping and as attributes: ``parts["train"]`` is ``parts.train``. Print it."""

    parts: Mapping[str, P]
    notes: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> P:
        """A part by name. Raises UnknownNameError (a KeyError)."""
        if name not in self.parts:
            raise UnknownNameError(f"there is no part {brief(name)}{nearest(name, self.parts)}")
        return self.parts[name]

    def __getattr__(self, name: str) -> P:
        parts: Mapping[str, P] = self.__dict__.get("parts", {})  # of which there are none while it is copied
        if name.startswith("_") or name not in parts:
            raise AttributeError(f"there is no part '{name}'{nearest(name, parts)}")
        return parts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.parts)

    def __len__(self) -> int:
        return len(self.parts)

    def __str__(self) -> str:
        rows = []
        for name, part in self.parts.items():
            counts: dict[str, int] = getattr(part, "class_counts", dict)()
            shown = ", ".join(f"{label}: {count}" for label, count in list(counts.items())[:12])
            rows.append([name, str(len(part)), shown + (", ..." if len(counts) > 12 else "")])  # type: ignore[arg-type]
        return "\n".join([table(["part", "samples", "classes"], rows), *self.notes])

    __repr__ = __str__


def split_rows(
    samples: int,
    shares: Mapping[str, float],
    seed: int,
    strata: Ints | None,
    class_name: Callable[[int], str],
    source: str,
) -> tuple[dict[str, Ints], list[str]]:
    """Rows of each part, ascending, and what is to be said of them.

    Rows are ordered by 64 random bits each, drawn by PCG64 from the seed, whose sequence NumPy guarantees; of each
    stratum (or of all), the first go into the first part, and so on. Sizes are shares rounded by largest remainders.
    Raises InputError.
    """
    exact = _checked(shares)
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise InputError(f"split(): seed is {brief(seed)}, expected a whole number from 0 on")
    order = np.argsort(np.random.PCG64(int(seed)).random_raw(samples), kind="stable")
    groups = [order] if strata is None else [order[strata[order] == label] for label in np.unique(strata)]
    chosen: dict[str, list[Ints]] = {name: [] for name in exact}
    for group in groups:
        if strata is not None and len(group) < len(exact):
            raise InputError(
                f"split(): {source} has {len(group)} of class {class_name(int(strata[group[0]]))}, too few for "
                f"{len(exact)} parts; leave the class out, or stratify=False"
            )
        at = 0
        for name, size in _sizes(len(group), exact, at_least=0 if strata is None else 1).items():
            chosen[name].append(group[at : at + size])
            at += size
    rows = {name: np.sort(np.concatenate(found)) for name, found in chosen.items()}
    empty = [name for name, found in rows.items() if not len(found)]
    if empty:
        raise InputError(f"split(): part '{empty[0]}' gets none of {samples} samples; give it a larger share")
    left = samples - sum(map(len, rows.values()))
    return rows, [f"{left} samples are in no part"] if left else []


def _checked(shares: Mapping[str, float]) -> dict[str, Fraction]:
    """Shares as exact numbers."""
    if not shares:
        raise InputError("split(): name the parts and their shares: split(train=0.8, test=0.2, seed=1)")
    exact = {}
    for name, share in shares.items():
        if name.startswith("_") or hasattr(Parts, name) or name in ("parts", "notes"):
            raise InputError(
                f"split(): a part cannot be called '{name}', which means something else; choose another name"
            )
        number = isinstance(share, int | float | np.integer | np.floating) and not isinstance(share, bool)
        if not number or not isfinite(share) or not 0 < share <= 1:
            raise InputError(
                f"split(): the share of part '{name}' is {brief(share)}, expected a number above 0 up to 1"
            )
        exact[name] = Fraction(float(share)).limit_denominator(10**9)
    total = sum(exact.values())
    if total > 1 + _SLACK:
        raise InputError(f"split(): the shares are {float(total):g} in sum, expected 1 at most")
    return exact


def _sizes(samples: int, shares: Mapping[str, Fraction], at_least: int) -> dict[str, int]:
    """How many of some samples go to each part: the shares by largest remainders, those above in order first."""
    wanted = {name: share * samples for name, share in shares.items()}
    sizes = {name: int(size) for name, size in wanted.items()}
    total = min(samples, round(sum(wanted.values())))
    by_remainder = sorted(sizes, key=lambda name: sizes[name] - wanted[name])
    for name in by_remainder[: total - sum(sizes.values())]:
        sizes[name] += 1
    for name in sizes:
        if sizes[name] < at_least:
            largest = max(sizes, key=lambda other: sizes[other])
            left = samples - sum(sizes.values())
            sizes[name] += 1
            sizes[largest] -= not left
    return sizes
