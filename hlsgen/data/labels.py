"""Labels: names of classes as numbers, other numbers as they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from hlsgen.design.arrays import Array
from hlsgen.errors import InputError, brief, nearest


class Labels(NamedTuple):
    """Labels as numbers; ``missing`` tells of each sample whether it has none (its number means nothing then)."""

    y: Array
    classes: tuple[str, ...]
    missing: Array


def labels_of(values: Array, classes: Sequence[object] | None, where: str, place: Callable[[int], str]) -> Labels:
    """Class numbers by name where labels are texts or ``classes`` are given, in their order; else numbers as they are.

    Names are sorted, so that they do not depend on the order of rows. ``where`` begins the messages, ``place`` calls a
    row. Raises InputError for a name that is not among ``classes``, and for what is neither text nor number.
    """
    if values.dtype.kind in "fiub":
        plain = values.astype(np.int64) if values.dtype.kind == "b" else values
        gaps = np.isnan(plain) if plain.dtype.kind == "f" else np.zeros(plain.shape, dtype=bool)
        missing = np.atleast_1d(gaps.reshape(len(plain), -1).any(axis=1))
        if classes is not None:
            return _numbered(_spelt(plain), classes, where, place)
        return Labels(_whole(plain, gaps), (), missing)
    if values.dtype.kind not in "OUST" or values.ndim != 1:
        raise InputError(f"{where}: labels of shape {values.shape} and dtype {values.dtype}, expected texts or numbers")
    return _numbered([_text(v, where, at, place) for at, v in enumerate(values.tolist())], classes, where, place)


def _numbered(
    names: Sequence[str | None], classes: Sequence[object] | None, where: str, place: Callable[[int], str]
) -> Labels:
    known = sorted({name for name in names if name is not None}) if classes is None else [str(c) for c in classes]
    if len(set(known)) < len(known):
        raise InputError(f"{where}: a class is named twice in classes={brief(known)}")
    numbers = {name: number for number, name in enumerate(known)}
    for at, name in enumerate(names):
        if name is not None and name not in numbers:
            raise InputError(f"{where}, {place(at)}: the label {brief(name)} is not in classes{nearest(name, known)}")
    y = np.array([0 if name is None else numbers[name] for name in names], dtype=np.int64)
    return Labels(y, tuple(known), np.array([name is None for name in names], dtype=bool))


def _spelt(values: Array) -> list[str | None]:
    """Numbers as classes may be called: whole ones without a point. Raises InputError for several a sample."""
    if values.ndim != 1:
        raise InputError(f"labels of shape {values.shape} have no classes to name; give one number a sample")
    items = values.tolist()
    return [None if v != v else str(int(v)) if v == int(v) else str(v) for v in items]


def _whole(values: Array, gaps: Array) -> Array:
    """Floating point as integers where all are, as CSV files and frames with gaps make them."""
    if values.dtype.kind != "f" or values.ndim != 1:
        return values
    filled = np.where(gaps, 0.0, values)
    whole = np.isfinite(filled).all() and (filled == np.floor(filled)).all() and (np.abs(filled) < 2**53).all()
    return filled.astype(np.int64) if whole else values


def _text(value: object, where: str, at: int, place: Callable[[int], str]) -> str | None:
    if value is None or (isinstance(value, float) and value != value):
        return None
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InputError(f"{where}, {place(at)}: the label {brief(value)} is no text in UTF-8") from error
    if isinstance(value, bool | int | float | str):
        return str(value)
    raise InputError(f"{where}, {place(at)}: the label is {brief(value)}, expected a text or a number")
