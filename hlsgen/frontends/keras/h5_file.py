"""HDF5 files as trees of names, read by a process of its own (:mod:`hlsgen.frontends.keras.h5_process`).

What stands in a file is known before any data are read: groups, their attributes that are text, and the shapes and
dtypes of datasets. Data are read one dataset at a time, when somebody asks for them.
"""

from __future__ import annotations

import contextlib
import json
import math
import signal
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from hlsgen.errors import HlsgenError, ModelError, ToolError
from hlsgen.frontends.limits import MAX_WEIGHT, MAX_WEIGHTS
from hlsgen.helpers import Helper, HelperLost, HelperPool

_HELPERS = HelperPool(Path(__file__).with_name("h5_process.py"))
_SECONDS, _BYTES_A_SECOND, _MOST_SECONDS, _DATA_A_SECOND = 5.0, 2e6, 20.0, 50e6
"""Processor time that a file may take: so long, longer (but not much) if it is large, and for what is read of it."""
_WAITING, _SLOWEST = 120.0, 1e6
"""Seconds until an answer, and bytes a second: of a disk, and of a machine that is busy otherwise."""
_MOST_INDEX = 256 << 20
"""Bytes that tell what is in a file."""
_ERROR = 1000
"""Bytes of an error."""
_PACKED = 1100
"""How many times larger packed data get at most."""
_MORE, _SMALL = 16, 1 << 20
"""How many times the size of its data all chunks of a dataset may have, and bytes beyond that."""
_CAUSED = (signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGABRT)
"""Signals by which a library ends that reads damaged data."""


@dataclass(frozen=True)
class Span:
    """A part of a file: a member of an archive that is stored as it is."""

    path: Path
    offset: int
    size: int


@dataclass(frozen=True)
class Packed:
    """A part of a file that is packed: its size, and its content piece by piece."""

    size: int
    pieces: Iterable[bytes]


class _File:
    """An open file: its index, and what was read of it."""

    def __init__(self, where: str, helper: Helper) -> None:
        self.where = where
        self.helper: Helper | None = helper
        self.objects: list[dict[str, Any]] = []
        self.elements = 0
        self.granted = 0.0

    def ask(
        self, do: str, data: Iterable[bytes] = (), *, size: int = 0, memory: int = 0, most: int = 0, **facts: Any
    ) -> bytearray:
        """The content of the answer, of ``most`` bytes; ``size`` bytes are read for it, ``memory`` held.

        Raises ModelError for what the file made of it, ToolError for what it is not to blame for.
        """
        assert self.helper is not None, "the file is closed"
        opening = _SECONDS + min(size / _BYTES_A_SECOND, _MOST_SECONDS)
        granted = {"open": opening, "read": size / _DATA_A_SECOND}.get(do, 0.0)
        self.granted += granted
        request = json.dumps({"do": do, "seconds": granted, "size": size, "memory": memory, "most": most, **facts})
        try:
            answer = self.helper.ask(request.encode(), data, seconds=_WAITING + size / _SLOWEST, most=most + _ERROR)
        except HelperLost as error:
            raise self._lost(error) from error
        if answer.mark == b"+":
            return answer.content
        self.helper.close()  # what the library has met may have damaged it, too
        text = answer.content.decode("utf-8", "replace")
        if answer.mark == b"!":
            raise ToolError(f"{self.where}: its HDF5 data cannot be read here: {text}")
        raise self.damaged(text)

    def close(self) -> None:
        """Let go of it, whatever was wrong with what was read."""
        if self.helper is not None and self.helper.alive:
            with contextlib.suppress(HlsgenError):  # its process has ended then, and the file is closed
                self.ask("close")
        self.helper = None

    def damaged(self, reason: str) -> ModelError:
        return ModelError(f"{self.where}: its HDF5 data cannot be read (truncated or damaged?): {reason}")

    def _lost(self, error: HelperLost) -> ModelError | ToolError:
        if error.signal == signal.SIGPROF:
            return self.damaged(f"the HDF5 library does not get through it in {self.granted:.3g} s of processor time")
        if error.signal in _CAUSED:
            return self.damaged(f"the HDF5 library breaks down over it ({signal.Signals(error.signal).name})")
        return ToolError(
            f"{self.where}: the process that reads its HDF5 data is lost: {error}; try again, with "
            "more memory or from a faster disk if that is short or slow"
        )


@contextlib.contextmanager
def open_h5(where: str, source: Path | Span | Packed) -> Iterator[Group]:
    """Open a file or a part of one; ``where`` begins the messages. It can be read until the end of the block.

    Raises ModelError for damaged files, ToolError where the process that reads them cannot be started or is lost.
    """
    with _HELPERS.borrowed() as helper:
        file = _File(where, helper)
        try:
            file.objects = json.loads(_opened(file, source))
            yield Group(file, 0, "")
        finally:
            file.close()


def _opened(file: _File, source: Path | Span | Packed) -> bytearray:
    """The index of a file, which is opened."""
    if isinstance(source, Packed):
        return file.ask("open", source.pieces, size=source.size, memory=source.size, most=_MOST_INDEX)
    if isinstance(source, Span):
        place = str(source.path.absolute())
        return file.ask("open", size=source.size, most=_MOST_INDEX, path=place, offset=source.offset)
    try:
        size = source.stat().st_size
    except OSError as error:
        raise file.damaged(str(error)) from error
    return file.ask("open", size=size, most=_MOST_INDEX, path=str(source.absolute()))


class Dataset:
    """Numbers in a file: shape and dtype are known, the values are read when it becomes an array."""

    def __init__(self, file: _File, number: int, name: str) -> None:
        self._file, self._number, self.name = file, number, name
        facts = file.objects[number]
        if facts["shape"] is None:
            raise ModelError(f"{file.where}: dataset '{name}' is external, virtual or empty; expected the data itself")
        self.shape: tuple[int, ...] = tuple(facts["shape"])
        self.dtype = np.dtype(facts["dtype"] or "O")  # an object is no number
        self.size = math.prod(self.shape)
        if self.size > MAX_WEIGHT:
            raise ModelError(
                f"{file.where}: dataset '{name}' of shape {self.shape} is too big, above {MAX_WEIGHT} numbers"
            )
        self._bytes, stored = self.size * self.dtype.itemsize, facts["stored"]
        packed = facts["chunks"] is not None
        is_plain = self.dtype.kind != "O"  # of others the size is not known here, and nothing is read
        if is_plain and stored < self._bytes and not (packed and stored * _PACKED >= self._bytes):
            raise ModelError(
                f"{file.where}: dataset '{name}' of shape {self.shape} has {self._bytes} bytes, but {stored} stored"
            )
        self._chunk: int
        self._chunk, all_chunks = facts["chunks"] or (0, 0)
        if all_chunks > _MORE * self._bytes + _SMALL:
            raise ModelError(
                f"{file.where}: dataset '{name}' of {self._bytes} bytes has chunks of {self._chunk} bytes; the file is "
                "damaged"
            )

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        if self.dtype.kind == "O":
            raise self._file.damaged(f"dataset '{self.name}' holds no numbers")
        self._file.elements += self.size
        if self._file.elements > MAX_WEIGHTS:
            raise ModelError(f"{self._file.where}: it holds more than {MAX_WEIGHTS} numbers in all")
        payload = self._file.ask(
            "read", size=self._bytes, memory=self._bytes + 2 * self._chunk, most=self._bytes, dataset=self._number
        )
        if len(payload) != self._bytes:
            raise self._file.damaged(f"dataset '{self.name}' has {len(payload)} bytes, expected {self._bytes}")
        return np.frombuffer(payload, self.dtype).reshape(self.shape).astype(dtype or self.dtype, copy=False)


class Group:
    """A HDF5 group read by exact names; links out of the tree are refused."""

    def __init__(self, file: _File, number: int, name: str) -> None:
        self._file, self._name, self.where = file, name, file.where
        self._links: dict[str, int] = file.objects[number]["links"]
        self._attributes: dict[str, Any] = file.objects[number]["attributes"]

    def names(self) -> list[str]:
        return list(self._links)

    def group(self, path: str) -> Group | None:
        found = self._get(path)
        return found if isinstance(found, Group) else None

    def dataset(self, path: str) -> Dataset | None:
        found = self._get(path)
        return found if isinstance(found, Dataset) else None

    def datasets(self) -> Iterator[str]:
        """Paths of all datasets below this group."""
        for name in self.names():
            child = self._get(name)
            if isinstance(child, Dataset):
                yield name
            elif child is not None:
                yield from (f"{name}/{below}" for below in child.datasets())

    def text_attribute(self, name: str) -> str | None:
        """An attribute that is text; None where there is none."""
        value = self._attributes.get(name)
        if name in self._attributes and not isinstance(value, str):
            raise ModelError(f"{self.where}: attribute '{name}' of '{self._name}' is no text; the file is damaged")
        return value

    def has_names(self, name: str) -> bool:
        return name in self._attributes or f"{name}0" in self._attributes

    def name_list(self, name: str) -> list[str]:
        """A list of names, which Keras splits over attributes ``name0``, ``name1``, ... where it is long."""
        chunks = [name] if name in self._attributes else []
        if not chunks:
            while f"{name}{len(chunks)}" in self._attributes:
                chunks.append(f"{name}{len(chunks)}")
        names: list[str] = []
        for chunk in chunks:
            value = self._attributes[chunk]
            if not isinstance(value, list):
                raise ModelError(f"{self.where}: attribute '{chunk}' of '{self._name}' is no list of names")
            names += value
        return names

    def _get(self, path: str) -> Group | Dataset | None:
        found: Group | Dataset = self
        for part in path.split("/"):
            if part in ("", "."):  # as HDF5 itself reads names; '..' is an ordinary name there
                continue
            number = found._links.get(part) if isinstance(found, Group) else None
            if number is None:
                return None
            if number < 0:
                raise ModelError(f"{self.where}: '{part}' is a link to elsewhere; expected the data itself")
            found = self._child(number, f"{found._name if isinstance(found, Group) else ''}/{part}")
        return found

    def _child(self, number: int, name: str) -> Group | Dataset:
        facts = self._file.objects[number]
        if "links" in facts:
            return Group(self._file, number, name)
        if "shape" in facts:
            return Dataset(self._file, number, name)
        raise ModelError(f"{self.where}: '{name}' is no group and no dataset; the file is damaged")
