"""HDF5 files as trees of names, read by a process of its own (:mod:`hlsgen.frontends.keras.h5_process`).

What stands in a file is known before any data are read: groups, their attributes that are text, and the shapes and
dtypes of datasets. Data are read one dataset at a time, when somebody asks for them.
"""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from hlsgen.errors import ModelError
from hlsgen.frontends.limits import MAX_WEIGHT, MAX_WEIGHTS
from hlsgen.tools import Helper, HelperLost

_SCRIPT = Path(__file__).with_name("h5_process.py")
_SECONDS, _BYTES_A_SECOND = 10.0, 50e6
"""What a request may take: so long, and longer for what is large."""
_PACKED = 1100
"""How many times larger packed data get at most."""


@dataclass(frozen=True)
class Span:
    """A part of a file: a member of an archive that is stored as it is."""

    path: Path
    offset: int
    size: int


class _Helpers:
    """The helper of this process: started when the first file is read, again where it was lost."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.helper: Helper | None = None

    def get(self) -> Helper:
        if self.helper is None or not self.helper.alive:
            self.helper = Helper(_SCRIPT)
        return self.helper


_HELPERS = _Helpers()


class _File:
    """An open file: its index, and what was read of it."""

    def __init__(self, where: str, helper: Helper) -> None:
        self.where, self.helper = where, helper
        self.objects: list[dict[str, Any]] = []
        self.elements = 0

    def ask(self, request: Mapping[str, Any], data: bytes = b"", size: float = 0) -> bytes:
        """The payload of the answer. Raises ModelError for what the file made of it."""
        seconds = _SECONDS + size / _BYTES_A_SECOND
        try:
            answer = self.helper.ask(json.dumps(request).encode(), data, seconds=seconds)
        except HelperLost as error:
            raise self.damaged(f"the HDF5 library does not get through it: {error}") from error
        if answer[:1] != b"+":
            raise self.damaged(answer[1:500].decode("utf-8", "replace"))
        return answer[1:]

    def damaged(self, reason: str) -> ModelError:
        return ModelError(f"{self.where}: its HDF5 data cannot be read (truncated or damaged?): {reason}")


@contextmanager
def open_h5(where: str, source: Path | Span | bytes) -> Iterator[Group]:
    """Open a file, a part of one, or the bytes of one; ``where`` begins the messages. Raises ModelError."""
    with _HELPERS.lock:
        file = _File(where, _HELPERS.get())
        request, data = _opening(source)
        file.objects = json.loads(file.ask({"do": "open", **request}, data, request.get("size", 0)))
        try:
            yield Group(file, 0, "")
        finally:
            if file.helper.alive:
                file.ask({"do": "close"})


def _opening(source: Path | Span | bytes) -> tuple[dict[str, Any], bytes]:
    if isinstance(source, bytes):
        return {"size": len(source)}, source
    if isinstance(source, Span):
        return {"path": str(source.path.absolute()), "offset": source.offset, "size": source.size}, b""
    return {"path": str(source.absolute())}, b""


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
        size, stored = self.size * self.dtype.itemsize, facts["stored"]
        if stored < size and not (facts["packed"] and stored * _PACKED >= size):
            raise ModelError(
                f"{file.where}: dataset '{name}' of shape {self.shape} has {size} bytes, but {stored} stored"
            )

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        if self.dtype.kind == "O":
            raise self._file.damaged(f"dataset '{self.name}' holds no numbers")
        self._file.elements += self.size
        if self._file.elements > MAX_WEIGHTS:
            raise ModelError(f"{self._file.where}: it holds more than {MAX_WEIGHTS} numbers in all")
        payload = self._file.ask({"do": "read", "dataset": self._number}, size=self.size * self.dtype.itemsize)
        if len(payload) != self.size * self.dtype.itemsize:
            raise self._file.damaged(f"dataset '{self.name}' has {len(payload)} bytes, expected others")
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
