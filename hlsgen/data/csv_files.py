"""CSV: read by Python's own reader and number by number, so that a text means the same on every machine.

Other readers differ in which words they take for missing, and some round decimals carelessly. Numbers are decimals as
Python's ``float`` reads them, rounded correctly; every refusal names line and column.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from hlsgen.data.columns import repeated
from hlsgen.design.arrays import Array
from hlsgen.errors import InputError, brief
from hlsgen.named_files import checked_file

MISSING = frozenset(("", "na", "n/a", "nan", "null", "none"))
"""Words for a value that is missing, in letters of any size."""
_WHOLE = re.compile(r"[+-]?[0-9]+")
_EXACT = 1 << 53
"""Whole numbers up to here are exact in float64."""
_ROWS = 1 << 16
"""Rows that are turned into arrays at once."""


@dataclass(frozen=True)
class Csv:
    """A CSV file with a line of names first, or without one: then columns are called ``0``, ``1``, ..."""

    path: Path
    separator: str
    header: bool
    names: tuple[str, ...]
    is_table: bool = True

    @classmethod
    def open(cls, path: Path, separator: str | None, header: bool) -> Csv:
        """Raises InputError for what is no such file. Without a separator, that of ``.tsv`` is a tabulator."""
        file = checked_file(path, "a CSV file", InputError)
        chosen = separator if separator is not None else "\t" if file.suffix == ".tsv" else ","
        if not isinstance(chosen, str) or len(chosen) != 1:
            raise InputError(f"load(): separator is {brief(chosen)}, expected one character")
        with _reading(file, chosen) as reader:
            first = next((row for row in reader if row), None)
        if first is None:
            raise InputError(f"{file}: is empty, expected a CSV file")
        return cls(file, chosen, header, _names(file, first, header, chosen))

    @property
    def where(self) -> str:
        return str(self.path)

    def read(self, names: Sequence[str]) -> dict[str, Array]:
        """Numbers where all of a column are; else texts, as objects."""
        parts: dict[str, list[Array | None]] = {name: [] for name in names}
        for columns in self._chunks(names):
            for name, cells in columns.items():
                numbers = _numbers(cells)
                before = [len(part) for part in parts[name] if part is not None]
                if numbers is not None and len(before) == len(parts[name]):  # else it is a column of texts
                    self._check_held(name, cells, numbers, sum(before))
                parts[name].append(numbers)
        return {name: self._joined(name, found) for name, found in parts.items()}

    def _check_held(self, name: str, cells: Sequence[str], numbers: Array, before: int) -> None:
        """Refuse whole numbers that float64 does not hold, and decimals beyond all of it."""
        for row in map(int, np.flatnonzero(np.abs(numbers) >= _EXACT)):  # NaN is not
            cell, number = cells[row].strip(), float(numbers[row])
            endless = np.isinf(number) and "inf" not in cell.lower()
            if endless or (_WHOLE.fullmatch(cell) and int(cell) != number):
                raise InputError(
                    f"{self.path}, {self.place(before + row)}, column {brief(name)}: {brief(cell)} is beyond what "
                    "float64 holds exactly (2^53 of whole numbers); leave the column out, or bring it to other units"
                )

    def _joined(self, name: str, parts: list[Array | None]) -> Array:
        """All of a column; of one that holds texts, it is read again."""
        numbers = [part for part in parts if part is not None]
        if not parts:
            raise InputError(f"{self.path}: has no rows{' below its names' if self.header else ''}")
        if len(numbers) == len(parts):
            return np.concatenate(numbers)
        texts = [cell.strip() for columns in self._chunks([name]) for cell in columns[name]]
        found = np.empty(len(texts), dtype=object)
        found[:] = [None if text.lower() in MISSING else text for text in texts]
        return found

    def _chunks(self, names: Sequence[str]) -> Iterator[dict[str, Sequence[str]]]:
        """The cells of some columns, many rows at once."""
        known = {name: place for place, name in enumerate(self.names)}
        places = {name: known[name] for name in names}
        with _reading(self.path, self.separator) as reader:
            rows = (row for _, row in self._rows(reader))
            while chunk := list(islice(rows, _ROWS)):
                columns = list(zip(*chunk, strict=True))
                yield {name: columns[place] for name, place in places.items()}

    def place(self, row: int) -> str:
        """On which line (from 1) a row (from 0) ends."""
        with _reading(self.path, self.separator) as reader:
            return f"line {next(line for line, _ in islice(self._rows(reader), row, None))}"

    def _rows(self, reader: Any) -> Iterator[tuple[int, list[str]]]:
        """All rows but that of names, each with its line."""
        skip = self.header
        for row in reader:
            if not row:
                continue  # an empty line
            if skip:
                skip = False
                continue
            if len(row) != len(self.names):
                raise InputError(
                    f"{self.path}, line {reader.line_num}: {len(row)} columns, expected {len(self.names)} as above"
                )
            yield reader.line_num, row


@contextmanager
def _reading(file: Path, separator: str) -> Iterator[Any]:
    """Python's reader of a file. Raises InputError for what is no text, or no CSV."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            reader = csv.reader(text, delimiter=separator, strict=True)
            try:
                yield reader
            except csv.Error as error:
                raise InputError(f"{file}, line {reader.line_num}: is no CSV ({error})") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: is no text in UTF-8 ({error.reason} at byte {error.start} of a block)") from error
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror})") from error


def _names(file: Path, first: list[str], header: bool, separator: str) -> tuple[str, ...]:
    if not header:
        return tuple(map(str, range(len(first))))
    names = tuple(name.strip() for name in first)
    if all(number_in(name) is not None for name in names):
        raise InputError(f"{file}: its first line holds numbers alone; header=False if there are no names in it")
    if "" in names:
        raise InputError(f"{file}, line 1: column {names.index('') + 1} has no name; write one")
    twice = repeated(names)
    if twice:
        raise InputError(f"{file}, line 1: the column {brief(twice[0])} is there twice; rename one")
    other = [mark for mark in ";\t," if mark != separator and mark in names[0]]
    if len(names) == 1 and other:
        raise InputError(f"{file}: one column, called {brief(names[0])}; give separator={other[0]!r}")
    return names


def _numbers(cells: Sequence[str]) -> Array | None:
    """Numbers, with NaN for those that are missing; None if a cell is neither."""
    joined = "".join(cells)
    if joined.isascii() and "_" not in joined:  # which Python would take: 1_000, and digits of other scripts
        with suppress(ValueError):
            return np.array(list(map(float, cells)), dtype=np.float64)
    found = [np.nan if cell.strip().lower() in MISSING else number_in(cell) for cell in cells]
    return None if None in found else np.array(found, dtype=np.float64)


def number_in(cell: str) -> float | None:
    """What a text means; None where it is no number."""
    if not cell.isascii() or "_" in cell:
        return None
    try:
        return float(cell)
    except ValueError:
        return None
