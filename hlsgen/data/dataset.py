"""Samples with their features, labels and names: what is loaded, split and looked at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from hlsgen.data.histograms import Histogram, histogram_of
from hlsgen.data.splitting import Parts, split_rows
from hlsgen.design.arrays import Array, real_array
from hlsgen.errors import InputError, brief
from hlsgen.ir.text import table
from hlsgen.ir.types import Ints

_MOST_CLASSES = 256
"""Whole numbers of more kinds are no classes, unless these have names."""
_CELLS = 1 << 20
"""Numbers that are looked at in one piece."""


@dataclass(frozen=True, eq=False)
class Data:
    """Samples, and labels where there are some. Print it; ``x`` and ``y`` are arrays as everything else takes them.

    Raises InputError where they do not belong together, or are no numbers.
    """

    x: Array
    """(samples, *shape) as they were read: of their own dtype, and a view of the file where that is possible."""
    y: Array | None = None
    """(samples, ...): numbers of classes from 0, or any others."""
    features: tuple[str, ...] = ()
    """Names of the last axis of ``x``, where they are known."""
    classes: tuple[str, ...] = ()
    """Names of the classes by number, where labels had names."""
    source: str = "arrays"
    """What it was read from."""
    part: str = ""
    """Which part of its source it is, as ``train``; of parts of parts, with slashes between them."""
    rows: Ints | None = None
    """(samples,): which rows of its source these are, from 0; None: all, in order."""
    notes: tuple[str, ...] = ()
    """What is to be known of it."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "x", real_array(f"{self.source}: x", self.x))
        if self.x.ndim < 2:
            raise InputError(
                f"{self.source}: x has shape {self.x.shape}, expected (samples, features, ...): x[:, None]"
            )
        if not self.x.size:
            raise InputError(f"{self.source}: x has shape {self.x.shape}: there is nothing in it")
        if self.features and len(self.features) != self.x.shape[-1]:
            raise InputError(
                f"{self.source}: {len(self.features)} names of features, x has {self.x.shape[-1]} on its last axis"
            )
        if self.y is not None:
            object.__setattr__(self, "y", real_array(f"{self.source}: y", self.y))
            self._check_labels()

    def _check_labels(self) -> None:
        assert self.y is not None
        found = len(self.y) if self.y.ndim else "one number instead of"
        if found != len(self.x):
            raise InputError(f"{self.source}: y has {found} labels, x {len(self.x)} samples; they belong together")
        if self.classes and not (
            self.y.dtype.kind in "iu" and self.y.min() >= 0 and int(self.y.max()) < len(self.classes)
        ):
            raise InputError(f"{self.source}: y holds other numbers than those of its {len(self.classes)} classes")

    def __len__(self) -> int:
        return len(self.x)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one sample."""
        return self.x.shape[1:]

    # -- parts -----------------------------------------------------------------------------------

    def split(self, *, seed: int, stratify: bool | Array = False, **shares: float) -> Parts[Data]:
        """Parts of these samples by name, each row in one of them at most: ``split(train=0.8, test=0.2, seed=1)``.

        Args:
            seed: which rows go where depends on it, the number of samples and the labels alone, on every machine.
            stratify: whether each class is shared out by itself: by ``y``, or by class numbers that are given.
            shares: of the samples, 1.0 at most in sum. Parts keep the order of the samples.

        Raises InputError for shares that cannot be, parts without a sample, and classes too small to be shared out.
        """
        chosen, notes = split_rows(len(self), shares, seed, self._strata(stratify), self._class_name, self.source)
        parts = {name: self._part(name, rows) for name, rows in chosen.items()}
        for name, part in parts.items():
            notes += part._missing_classes(self, name)
        return Parts(parts, tuple(notes))

    def take(self, rows: Any) -> Data:
        """Some of the samples, by their numbers or by a mask, in the order in which they are named."""
        chosen = np.asarray(rows)
        if chosen.ndim != 1 or chosen.dtype.kind not in "iub":
            raise InputError(f"take(): rows are {brief(rows)}, expected whole numbers, or one truth value a sample")
        try:
            places = np.arange(len(self))[chosen]
        except IndexError as error:
            raise InputError(f"take(): {error}; there are {len(self)} samples") from error
        y = None if self.y is None else self.y[places]
        return replace(self, x=self.x[places], y=y, rows=places if self.rows is None else self.rows[places], notes=())

    def _part(self, name: str, rows: Ints) -> Data:
        return replace(self.take(rows), part=f"{self.part}/{name}" if self.part else name)

    def _strata(self, stratify: bool | Array) -> Ints | None:
        """The class of each sample. Raises InputError where there are no classes."""
        if stratify is False:
            return None
        y = self.y if stratify is True else real_array("split(): stratify", stratify)
        if y is None:
            raise InputError(f"split(): {self.source} has no labels to stratify by; load(..., y=), or stratify=False")
        found = class_numbers(y)
        if found is None or len(found) != len(self):
            raise InputError(
                f"split(): stratify needs a class of each of {len(self)} samples, found labels of shape {y.shape} and "
                f"dtype {y.dtype}; give class numbers by stratify=, or stratify=False"
            )
        return found

    def _class_name(self, number: int) -> str:
        return repr(self.classes[number]) if number < len(self.classes) else str(number)

    def _missing_classes(self, whole: Data, name: str) -> list[str]:
        """What to say of classes that a part has lost."""
        mine, all_of_them = self.class_counts(), whole.class_counts()
        lost = [label for label in all_of_them if label not in mine]
        if not lost:
            return []
        return [f"part '{name}' has no sample of class {', '.join(lost[:8])}; stratify=True shares them out"]

    # -- looking ---------------------------------------------------------------------------------

    def class_counts(self) -> dict[str, int]:
        """How many samples each class has, by name or number; empty where labels are no classes."""
        found = None if self.y is None else class_numbers(self.y)
        if found is None:
            return {}
        numbers, counts = np.unique(found, return_counts=True)
        if len(numbers) > _MOST_CLASSES and not self.classes:
            return {}
        return {self._class_name(int(n)): int(c) for n, c in zip(numbers, counts, strict=True)}

    def histogram(self) -> Histogram:
        """How each feature is distributed, and the classes; print it or plot it. NaN are counted and left out."""
        return histogram_of(self.x, self.feature_names(), self.class_counts(), self.described())

    def feature_names(self) -> tuple[str, ...]:
        """Names of the last axis: those of the source, else numbers."""
        return self.features or tuple(map(str, range(self.x.shape[-1])))

    def described(self) -> str:
        """What it is, in one line."""
        part = f" ({self.part})" if self.part else ""
        shape = " x ".join(map(str, self.shape))
        return f"{self.source}{part}: {len(self)} samples of {shape}, {self.x.dtype}"

    def place(self, index: tuple[int, ...]) -> str:
        """Where a number of ``x`` stands in the source: ``row 7 (from 0), feature 'pt'``."""
        row = index[0] if self.rows is None else int(self.rows[index[0]])
        inner = f", at {list(index[1:-1])}" if len(index) > 2 else ""
        return f"{self.source}, row {row} (from 0){inner}, feature '{self.feature_names()[index[-1]]}'"

    def __str__(self) -> str:
        lines = [self.described()]
        if self.features:
            lines.append(f"features: {', '.join(self.features)}")
        counts = self.class_counts()
        if counts:
            rows = [[name, str(count), f"{100 * count / len(self):.1f} %"] for name, count in counts.items()]
            lines.append(table(["class", "samples", "share"], rows))
        elif self.y is not None:
            lines.append(f"labels: {self.y.shape}, {self.y.dtype}")
        return "\n".join([*lines, *self.notes])

    def __repr__(self) -> str:
        return f"<Data {self.described()}>"


def class_numbers(y: Array) -> Ints | None:
    """The class of each label: whole numbers (samples,) or one-hot rows; None where they are neither."""
    if y.ndim == 2 and y.shape[1] > 1:
        one_hot = bool(((y == 0) | (y == 1)).all() and (y.sum(axis=1) == 1).all())
        return np.asarray(y.argmax(axis=1), dtype=np.int64) if one_hot else None
    flat = y.reshape(-1)
    if len(flat) != len(y) or not (np.isfinite(flat).all() and (flat == np.floor(flat)).all() and flat.min() >= 0):
        return None
    return flat.astype(np.int64) if flat.max() < 2**31 else None


def first_nan(x: Array) -> tuple[int, ...] | None:
    """The index of the first NaN, looked for piece by piece: ``x`` may be a file larger than memory."""
    if x.dtype.kind != "f":
        return None
    for piece in pieces(x):
        found = np.isnan(x[piece])
        if found.any():
            place = np.argwhere(found)[0].tolist()
            return piece.start + place[0], *place[1:]
    return None


def pieces(x: Array) -> Iterator[slice]:
    """Slices of the first axis, each of a size that is worth a pass."""
    step = max(1, _CELLS // max(1, prod(x.shape[1:])))
    return (slice(at, at + step) for at in range(0, len(x), step))
