"""``data.load``: files, frames, datasets and arrays as :class:`hlsgen.data.dataset.Data`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from hlsgen.data.columns import H5, Archive, ArrayColumns, Columns, Frame, Parquet, numbers_of, repeated
from hlsgen.data.csv_files import Csv, number_in
from hlsgen.data.dataset import Data, first_nan, pieces
from hlsgen.data.labels import labels_of
from hlsgen.data.tf_data import is_dataset, read_dataset
from hlsgen.design.array_files import load_array
from hlsgen.design.arrays import Array, real_array
from hlsgen.errors import InputError, brief, nearest
from hlsgen.named_files import named_path

Missing = Literal["refuse", "drop", "keep"]
_EXACT = 1 << 53
"""Integers up to here are exact in float64."""
_ENDINGS = (".npy", ".npz", ".csv", ".tsv", ".txt", ".parquet", ".pq", ".h5", ".hdf5")


def load(
    source: Any,
    x: str | int | Sequence[str | int] | None = None,
    y: Any = None,
    *,
    classes: Sequence[object] | None = None,
    missing: Missing = "refuse",
    separator: str | None = None,
    header: bool = True,
    batched: bool | None = None,
) -> Data:
    """Samples and labels from a file or from memory.

    Args:
        source: the path of an ``.npy``, ``.npz``, ``.csv``, ``.tsv``, ``.parquet`` or ``.h5``; a DataFrame of pandas or
            polars; a ``tf.data.Dataset``; arrays by name; or an array (samples, features, ...).
        x: the columns that are features, by name; of ``.npz``, ``.h5`` and arrays by name, the array of samples. None:
            all columns but the labels; the array ``x``, or the only one.
        y: the column of labels, or several; with ``.npy`` and arrays, the labels or the path of their ``.npy``.
        classes: names of the classes in the order of their numbers; None: of labels that are texts, sorted.
        missing: what becomes of rows with NaN or empty cells: ``"refuse"``, ``"drop"`` or ``"keep"`` (features alone).
        separator: of a CSV file.
        header: whether the first line of a CSV file holds names.
        batched: whether elements of a ``tf.data.Dataset`` are batches, where their shapes leave that open.

    Raises InputError, with file, column and row, for what cannot be read, is no number or is missing; ConfigError where
    a library is missing that reads the file.
    """
    if missing not in get_args(Missing):
        raise InputError(f"load(): missing={brief(missing)}{nearest(missing, get_args(Missing))}")
    if is_dataset(source):
        samples, labels = read_dataset(source, batched)
        return _of_arrays(samples, _only(y, labels), classes, missing, "tf.data.Dataset")
    columns = _columns(source, separator, header)
    if columns is None:
        return _of_arrays_given(source, x, y, classes, missing)
    return _of_columns(columns, x, y, classes, missing)


def _only(given: Any, labels: Array | None) -> Array | None:
    if given is not None:
        raise InputError("load(): a tf.data.Dataset brings its own labels; leave y out")
    return labels


def _columns(source: Any, separator: str | None, header: bool) -> Columns | None:
    """What is read column by column; None for single arrays."""
    if hasattr(source, "columns") and hasattr(source, "__getitem__"):
        return Frame(f"the {type(source).__module__.partition('.')[0]} DataFrame", source)
    if isinstance(source, Mapping):
        return ArrayColumns("the arrays", source)
    if not isinstance(source, str | Path):
        array = source if isinstance(source, np.ndarray) else None
        return None if array is None or array.dtype.names is None else _records("the array", array)
    path = named_path(source, "a file of data", InputError)
    match path.suffix.lower():
        case ".npz":
            return Archive.open(path)
        case ".csv" | ".tsv" | ".txt":
            return Csv.open(path, separator, header)
        case ".parquet" | ".pq":
            return Parquet.open(path)
        case ".h5" | ".hdf5":
            return H5.open(path)
        case ".npy":
            array = load_array(path, mapped=True)
            return None if array.dtype.names is None else _records(str(path), array)
    raise InputError(f"{brief(str(path))}: ends in {path.suffix or 'nothing'}, expected {', '.join(_ENDINGS)}")


def _records(where: str, array: Array) -> ArrayColumns:
    """An array of records as a table."""
    return ArrayColumns(where, {name: array[name] for name in array.dtype.names or ()}, is_table=True)


# -- arrays ----------------------------------------------------------------------------------------


def _of_arrays_given(source: Any, x: object, y: Any, classes: Sequence[object] | None, missing: Missing) -> Data:
    """An array, or the path of one, and labels that are given beside it."""
    where = str(source) if isinstance(source, str | Path) else "arrays"
    if x is not None:
        raise InputError(f"{where}: a single array has no columns by name; leave x out, and slice the array itself")
    samples = load_array(source, mapped=True) if isinstance(source, str | Path) else real_array("load(): x", source)
    labels = load_array(y, mapped=True) if isinstance(y, str | Path) else None if y is None else np.asarray(y)
    return _of_arrays(samples, labels, classes, missing, where)


def _of_arrays(x: Array, labels: Array | None, classes: Sequence[object] | None, missing: Missing, where: str) -> Data:
    def place(row: int) -> str:
        return f"row {row} (from 0)"

    data = Data(x, source=where)
    if labels is None:
        return _without_gaps(data, None, missing, place)
    if labels.ndim == 0 or len(labels) != len(x):
        raise InputError(f"{where}: y has shape {labels.shape}, x {len(x)} samples; they belong together")
    found = labels_of(labels, classes, f"{where}: y", place)
    return _without_gaps(replace(data, y=found.y, classes=found.classes), found.missing, missing, place)


# -- columns -----------------------------------------------------------------------------------------


def _of_columns(columns: Columns, x: Any, y: Any, classes: Sequence[object] | None, missing: Missing) -> Data:
    labels = [] if y is None else _chosen(columns, [y] if isinstance(y, str | int) else y, "y")
    chosen = _features(columns, x, labels)
    alone = isinstance(chosen, str)
    wanted = [chosen] if isinstance(chosen, str) else chosen
    both = [name for name in wanted if name in labels]
    if both:
        raise InputError(f"{columns.where}: {brief(both[0])} is a feature and a label; choose it for one of both")
    read = columns.read(list(dict.fromkeys([*wanted, *labels])))
    arrays = [_numbers(columns, name, read[name]) for name in wanted]
    samples = arrays[0] if alone and arrays[0].ndim > 1 else _stacked(columns, wanted, arrays)
    features = () if alone and arrays[0].ndim > 1 else tuple(wanted)
    data = Data(samples, features=features, source=columns.where)
    if not labels:
        return _without_gaps(data, None, missing, columns.place)
    target = _target(columns, labels, read)
    if len(target) != len(data):
        raise InputError(f"{columns.where}: {len(target)} labels for {len(data)} samples; they belong together")
    found = labels_of(target, classes, f"{columns.where}, column {', '.join(map(repr, labels))}", columns.place)
    return _without_gaps(replace(data, y=found.y, classes=found.classes), found.missing, missing, columns.place)


def _features(columns: Columns, x: Any, labels: Sequence[str]) -> str | list[str]:
    """The names that are features: a list, or the one array of samples."""
    if x is not None:
        if isinstance(x, str | int) and not isinstance(x, bool):
            return _chosen(columns, [x], "x")[0]
        return _chosen(columns, x, "x")
    others = [name for name in columns.names if name not in labels]
    if columns.is_table:
        if not others:
            raise InputError(f"{columns.where}: no columns are left for features")
        return others
    if "x" in others or len(others) == 1:
        return "x" if "x" in others else others[0]
    if not others:
        raise InputError(f"{columns.where}: holds no array of samples; expected one, called 'x' or alone")
    raise InputError(f"{columns.where}: holds {', '.join(map(repr, others[:20]))}; say by x= which are the samples")


def _chosen(columns: Columns, names: Any, key: str) -> list[str]:
    """Columns by their names, or by their places. Raises InputError for those that are not there."""
    known = columns.names
    if isinstance(names, bytes | Mapping) or not isinstance(names, Sequence) or not names:
        raise InputError(f"load(): {key}={brief(names)}, expected names of columns of {columns.where}")
    found, there = [], set(known)
    for name in names:
        if isinstance(name, int) and not isinstance(name, bool) and 0 <= name < len(known):
            found.append(known[name])
        elif isinstance(name, str) and name in there:
            found.append(name)
        else:
            raise InputError(f"{columns.where}: there is no column {brief(name)}{nearest(name, known)}")
    twice = repeated(found)
    if twice:
        raise InputError(f"load(): {key} names the column {brief(twice[0])} twice")
    return found


def _numbers(columns: Columns, name: str, values: Array) -> Array:
    """A column as numbers. Raises InputError with the row of what is none."""
    if values.dtype.kind in "OUST" and values.ndim == 1:
        items = values.tolist()
        if all(item is None or isinstance(item, int | float) for item in items):
            return numbers_of(items, f"{columns.where}, column {brief(name)}")
        wrong = [at for at, v in enumerate(items) if isinstance(v, str | bytes) and number_in(_shown(v)) is None]
        texts = [at for at, v in enumerate(items) if v is not None]
        row = (wrong or texts or [0])[0]
        raise InputError(
            f"{columns.where}, {columns.place(row)}, column {brief(name)}: {brief(items[row])} is no number; choose "
            "the columns of features by x=, or convert it first"
        )
    return real_array(f"{columns.where}, column {brief(name)}", values)


def _shown(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("utf-8", "replace")


def _stacked(columns: Columns, names: Sequence[str], arrays: Sequence[Array]) -> Array:
    """Columns side by side, in the narrowest dtype that holds all of them exactly. Raises InputError."""
    for name, array in zip(names, arrays, strict=True):
        if not array.ndim:
            raise InputError(f"{columns.where}, column {brief(name)}: is a single number, expected one for each sample")
        if array.ndim != 1 or len(array) != len(arrays[0]):
            raise InputError(
                f"{columns.where}, column {brief(name)}: shape {array.shape}, expected ({len(arrays[0])},) as column "
                f"{brief(names[0])}; name a single array of samples as x='{name}'"
            )
    dtype = np.result_type(*(array.dtype for array in arrays))
    for name, array in zip(names, arrays, strict=True):
        wide = dtype.kind == "f" and array.dtype.kind in "iu" and array.dtype.itemsize == 8 and array.size
        if wide and max(int(array.max()), -int(array.min())) > _EXACT:
            raise InputError(
                f"{columns.where}, column {brief(name)}: integers beyond 2^53, which float64 does not hold exactly"
            )
    return np.stack([array.astype(dtype, copy=False) for array in arrays], axis=1)


def _target(columns: Columns, labels: Sequence[str], read: Mapping[str, Array]) -> Array:
    if len(labels) == 1:
        return np.asarray(read[labels[0]])
    return _stacked(columns, labels, [_numbers(columns, name, read[name]) for name in labels])


# -- what is missing -------------------------------------------------------------------------------


def _without_gaps(data: Data, unlabelled: Array | None, missing: Missing, place: Any) -> Data:
    """Data of which nothing is missing, as ``missing`` says. Raises InputError with the row of the first gap."""
    if missing != "drop":
        if unlabelled is not None and unlabelled.any():
            raise InputError(
                f"{data.source}, {place(int(unlabelled.argmax()))}: the label is missing; leave such rows out by "
                "missing='drop'"
            )
        at = first_nan(data.x) if missing == "refuse" else None
        if at is not None:
            inner = f", at {list(at[1:-1])}" if len(at) > 2 else ""
            raise InputError(
                f"{data.source}, {place(at[0])}{inner}, feature '{data.feature_names()[at[-1]]}': the value is missing "
                "(NaN); leave such rows out by missing='drop', or take them by missing='keep' and fill them in"
            )
        return data
    whole = np.ones(len(data), dtype=bool) if unlabelled is None else ~unlabelled
    if data.x.dtype.kind == "f":
        for piece in pieces(data.x):
            whole[piece] &= ~np.isnan(data.x[piece]).reshape(whole[piece].size, -1).any(axis=1)
    if whole.all():
        return data
    if not whole.any():
        raise InputError(f"{data.source}: every row has a missing value")
    note = f"{len(whole) - int(whole.sum())} of {len(whole)} rows were left out, in which values are missing"
    return replace(data.take(np.flatnonzero(whole)), notes=(note,))
