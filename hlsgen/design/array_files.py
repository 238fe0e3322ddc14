"""Files of arrays: read, or refused whatever their bytes are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from pathlib import Path
from typing import IO
from zipfile import ZipFile, ZipInfo

import numpy as np

from hlsgen.design.arrays import Array, Port, by_name, check_shape, reason
from hlsgen.errors import InputError, brief, nearest
from hlsgen.named_files import checked_file

MAX_UNPACKED = 1 << 30
"""Bytes to which an .npz archive may unpack, if they are more than it has itself."""

_STARTS = (b"\x93NUMPY", b"PK")
"""Of an .npy file, and of an .npz."""


def load_array(path: str | Path, *, mapped: bool = False) -> Array:
    """Read an .npy file, or map it into memory. Raises InputError; pickled objects are refused."""
    file = checked_file(path, "an .npy array", InputError)
    try:
        with file.open("rb") as stream:
            start = stream.read(len(_STARTS[0]))
        if start and not start.startswith(_STARTS):  # NumPy would take it for a pickle, and say how to run that
            raise ValueError("it does not begin as one; 'hlsgen data split' makes such of CSV, HDF5 and Parquet")
        # Mapped first: a header that promises more than the file holds is an error before memory is asked for.
        with np.errstate(over="ignore"):  # of a shape that is beyond all memory
            array = np.load(file, mmap_mode="r", allow_pickle=False)
        if isinstance(array, np.ndarray):
            return array if mapped else np.array(array)
    except Exception as error:  # a damaged file may raise anything: NumPy parses its header as Python
        raise InputError(f"{file}: cannot be read as an .npy array ({_said(error)})") from error
    array.close()
    raise InputError(f"{file}: holds several arrays; expected one, saved by numpy.save(...) as .npy")


_OBJECTS = "it holds Python objects, which are never read from files; save numbers"
_MEANT = {
    "Python objects": _OBJECTS,
    "mmap length": "it is shorter than its header says",
    "Header info": "its header is longer than that of any array",
    "malformed node": "its header is none",
    "cannot fit": "its header promises more than any memory",
}
"""What is said in place of NumPy's words, by some of these: it tells of its own ways to read, and advises to trust."""


def _said(error: Exception) -> str:
    """Why a file cannot be read, in a line."""
    text = reason(error)
    return next((said for words, said in _MEANT.items() if words in text), text.splitlines()[0])


def load_inputs(path: Path, ports: Sequence[Port]) -> Array | dict[str, Array]:
    """Read an .npy file, or the arrays of an .npz file by name. Raises InputError as :func:`load_array`.

    A small archive may hold very much: names and shapes are compared with the ports before anything is unpacked.
    """
    if path.suffix != ".npz":
        return load_array(path)
    by_port = {port.name: port for port in ports}
    return read_archive(
        path, lambda members: by_name(by_port, members), lambda n, shape: check_shape(by_port[n], shape)
    )


def load_labels(path: Path, outputs: Sequence[str]) -> Array | dict[str, Array]:
    """Read an .npy file, or the labels of several outputs from an .npz file, by names of outputs. Raises InputError as
    :func:`load_array`, and for names that are no outputs."""
    if path.suffix != ".npz":
        return load_array(path)

    def chosen(members: Mapping[str, ZipInfo]) -> Mapping[str, ZipInfo]:
        for name in members:
            if name not in outputs:
                raise InputError(f"{path}: the model has no output {brief(name)}{nearest(name, outputs)}")
        return members

    return read_archive(path, chosen)


def read_archive(
    path: Path,
    choose: Callable[[Mapping[str, ZipInfo]], Mapping[str, ZipInfo]],
    check: Callable[[str, tuple[int, ...]], None] | None = None,
) -> dict[str, Array]:
    """The arrays of an .npz file that ``choose`` takes from its members, by the names that it gives them.

    ``check`` sees names and shapes before anything is unpacked. Raises InputError as :func:`load_array`.
    """
    file = checked_file(path, "an .npz archive of arrays", InputError)
    try:
        with ZipFile(file) as archive:
            return _unpacked(file, archive, choose, check)
    except InputError:
        raise
    except Exception as error:  # as above
        raise InputError(f"{file}: cannot be read as .npz arrays ({_said(error)})") from error


def _unpacked(
    file: Path,
    archive: ZipFile,
    choose: Callable[[Mapping[str, ZipInfo]], Mapping[str, ZipInfo]],
    check: Callable[[str, tuple[int, ...]], None] | None,
) -> dict[str, Array]:
    members = {member.filename.removesuffix(".npy"): member for member in archive.infolist()}
    total = sum(member.file_size for member in members.values())
    if total > max(MAX_UNPACKED, file.stat().st_size):
        raise InputError(
            f"{file}: unpacks to {total} bytes, more than the {MAX_UNPACKED} allowed; save larger arrays unpacked, by "
            "numpy.savez(...), or as .npy"
        )
    found = choose(members)
    for name, info in found.items():
        with archive.open(info) as member:
            shape = _shape_in_header(member, info.file_size)
        if check is not None:
            check(name, shape)
    return {name: _read_member(archive, info) for name, info in found.items()}


def _shape_in_header(member: IO[bytes], size: int) -> tuple[int, ...]:
    """The shape that an .npy file of so many bytes declares. Raises ValueError unless as much data follows."""
    formats = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    version = np.lib.format.read_magic(member)
    if version not in formats:  # later ones differ in the names of records only
        raise ValueError(f"it has version {version} of the format, expected one of {list(formats)}")
    shape, _, dtype = formats[version](member)
    if dtype.hasobject:
        raise ValueError(_OBJECTS)
    promised, there = prod(shape) * dtype.itemsize, size - member.tell()
    if promised != there:
        raise ValueError(f"its header promises {promised} bytes, there are {there}")
    return shape


def _read_member(archive: ZipFile, info: ZipInfo) -> Array:
    with archive.open(info) as member:
        array: Array = np.lib.format.read_array(member, allow_pickle=False)
    return array
