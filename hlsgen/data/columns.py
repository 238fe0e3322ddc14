"""Sources that know their columns by name: tables and archives, read one column at a time or all that are wanted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from hlsgen.design.array_files import read_archive
from hlsgen.design.arrays import Array, reason
from hlsgen.errors import ConfigError, HlsgenError, InputError, brief
from hlsgen.frontends.keras.h5_file import open_h5
from hlsgen.named_files import checked_file

_EXACT = 1 << 53
"""Integers up to here are exact in float64."""


class Columns(Protocol):
    """Arrays by name."""

    @property
    def where(self) -> str:
        """What messages begin with."""

    @property
    def names(self) -> tuple[str, ...]: ...

    @property
    def is_table(self) -> bool:
        """Whether all columns are numbers of rows, of which features are chosen; else each is an array of its own."""

    def read(self, names: Sequence[str]) -> dict[str, Array]:
        """Columns by name: numbers, with NaN for those that are missing; else texts as objects, None for missing ones.

        Raises InputError, with column and row, for what is neither.
        """

    def place(self, row: int) -> str:
        """How a row (from 0) is called."""


def repeated(names: Sequence[str]) -> list[str]:
    """The names that are there more than once, sorted; there may be very many names."""
    return sorted(name for name, count in Counter(names).items() if count > 1)


class _Rows:
    """Rows are called by their numbers."""

    def place(self, row: int) -> str:
        return f"row {row} (from 0)"


@dataclass(frozen=True)
class ArrayColumns(_Rows):
    """Arrays that are there already."""

    where: str
    arrays: Mapping[str, Any]
    is_table: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.arrays)

    def read(self, names: Sequence[str]) -> dict[str, Array]:
        return {name: np.asarray(self.arrays[name]) for name in names}


@dataclass(frozen=True)
class Archive(_Rows):
    """An ``.npz`` file."""

    path: Path
    names: tuple[str, ...]
    is_table: bool = False

    @classmethod
    def open(cls, path: Path) -> Archive:
        """Raises InputError for what is no such file."""
        names: list[str] = []
        read_archive(path, lambda members: names.extend(members) or {})  # type: ignore[func-returns-value]
        return cls(path, tuple(names))

    @property
    def where(self) -> str:
        return str(self.path)

    def read(self, names: Sequence[str]) -> dict[str, Array]:
        return read_archive(self.path, lambda members: {name: members[name] for name in names})


@dataclass(frozen=True)
class H5(_Rows):
    """An HDF5 file, read by a process of its own: a damaged one cannot harm this one, and none holds code."""

    path: Path
    names: tuple[str, ...]
    is_table: bool = False

    @classmethod
    def open(cls, path: Path) -> H5:
        """Raises InputError for what is no such file."""
        file = checked_file(path, "an HDF5 file", InputError)
        return cls(file, tuple(_of_h5(file, None)))

    @property
    def where(self) -> str:
        return str(self.path)

    def read(self, names: Sequence[str]) -> dict[str, Array]:
        return _of_h5(self.path, names)


def _of_h5(path: Path, names: Sequence[str] | None) -> dict[str, Array]:
    """Datasets by their paths; None: all of them, without their numbers. Raises InputError."""
    try:
        with open_h5(str(path), path) as root:
            if names is None:
                return dict.fromkeys(root.datasets(), np.empty(0))
            found = {}
            for name in names:
                data = root.dataset(name)
                assert data is not None, "it was listed"
                if data.dtype.kind == "O":
                    raise InputError(
                        f"{path}: dataset '{name}' holds no plain numbers; store labels as class numbers, and columns "
                        "as datasets of their own"
                    )
                array = np.asarray(data)
                found[name] = array.astype(array.dtype.newbyteorder("="), copy=False)
            return found
    except InputError:
        raise
    except HlsgenError as error:
        raise InputError(str(error)) from error


@dataclass(frozen=True)
class Frame(_Rows):
    """A DataFrame of pandas or polars."""

    where: str
    frame: Any
    is_table: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        names = list(self.frame.columns)
        wrong = [name for name in names if not isinstance(name, str)]
        if wrong:
            raise InputError(f"{self.where}: column {brief(wrong[0])} has no text as its name; rename it")
        twice = repeated(names)
        if twice:
            raise InputError(f"{self.where}: the column {brief(twice[0])} is there twice")
        return tuple(names)

    def read(self, names: Sequence[str]) -> dict[str, Array]:
        return {name: self._column(name) for name in names}

    def _column(self, name: str) -> Array:
        series = self.frame[name]
        try:
            if hasattr(series, "is_null"):  # polars
                missing = series.is_null().to_numpy()
                return filled(series.to_numpy, missing, series.to_list, series.dtype.is_float())
            plain = series.astype(object) if series.dtype == "category" else series
            is_float = isinstance(plain.dtype, np.dtype) and plain.dtype.kind == "f"
            return filled(plain.to_numpy, series.isna().to_numpy(), plain.tolist, is_float)
        except Exception as error:  # columns may be of any type, and each has its own refusals
            raise InputError(f"{self.where}: column '{name}' cannot be read ({reason(error)})") from error


@dataclass(frozen=True)
class Parquet(_Rows):
    """A Parquet file, by pyarrow, else by polars: only the columns that are wanted are read."""

    path: Path
    names: tuple[str, ...]
    is_table: bool = True

    @classmethod
    def open(cls, path: Path) -> Parquet:
        """Raises InputError for what is no such file, ConfigError where nothing is installed that reads them."""
        file = checked_file(path, "a Parquet file", InputError)
        try:
            names = list(_parquet(file, None))
        except ConfigError:
            raise
        except Exception as error:  # of a damaged file
            raise InputError(f"{file}: cannot be read as Parquet ({reason(error)})") from error
        return cls(file, tuple(names))

    @property
    def where(self) -> str:
        return str(self.path)

    def read(self, names: Sequence[str]) -> dict[str, Array]:
        try:
            return _parquet(self.path, names)
        except InputError:
            raise
        except Exception as error:  # as above
            raise InputError(f"{self.path}: cannot be read as Parquet ({reason(error)})") from error


def _parquet(file: Path, names: Sequence[str] | None) -> dict[str, Array]:
    """Columns of a Parquet file by name; None: all names, without their numbers."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        return _parquet_by_polars(file, names)
    with pyarrow.parquet.ParquetFile(file, memory_map=True) as stored:
        if names is None:
            return dict.fromkeys(stored.schema_arrow.names, np.empty(0))
        table = stored.read(columns=list(names))
    return {name: _arrow_column(table.column(name), pyarrow) for name in names}


def _arrow_column(column: Any, pyarrow: Any) -> Array:
    if pyarrow.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    is_float = pyarrow.types.is_floating(column.type)
    return filled(column.to_numpy, column.is_null().to_numpy(), column.to_pylist, is_float)


def _parquet_by_polars(file: Path, names: Sequence[str] | None) -> dict[str, Array]:
    try:
        import polars
    except ImportError as error:
        raise ConfigError(f"{file}: reading Parquet takes pyarrow or polars; pip install pyarrow") from error
    if names is None:
        return dict.fromkeys(polars.read_parquet_schema(file), np.empty(0))
    return Frame(str(file), polars.read_parquet(file, columns=list(names))).read(names)


def filled(values: Callable[[], Array], missing: Array, listed: Callable[[], list[Any]], is_float: bool) -> Array:
    """A column without gaps: NaN in the place of missing numbers, None in that of missing texts.

    ``values`` gives the column as an array, which of floating point has NaN in the gaps; ``listed`` as a list.
    """
    if is_float or not missing.any():
        return values()
    items = [None if gap else item for item, gap in zip(listed(), missing.tolist(), strict=True)]
    present = [item for item in items if item is not None]
    if not all(isinstance(item, int | float) for item in present):  # bool is int
        return np.array([*items, None], dtype=object)[:-1]  # None last: never taken for an array of texts
    return numbers_of(items, "it")


def numbers_of(items: Sequence[Any], what: str) -> Array:
    """Numbers with NaN for None. Raises InputError for integers that float64 does not hold."""
    if any(isinstance(item, int) and abs(item) > _EXACT for item in items):
        raise InputError(f"{what} has missing values and integers beyond 2^53, which float64 does not hold exactly")
    return np.array([np.nan if item is None else item for item in items], dtype=np.float64)
