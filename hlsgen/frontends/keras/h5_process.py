"""The process that reads HDF5: a program of its own, started by :mod:`hlsgen.frontends.keras.h5_file`.

The HDF5 library is C, and a damaged file can make it loop for ever or read where nothing is: both happen within minutes
of random changes. Here that ends this process and nothing else.

A request is a length (4 bytes) and JSON, then as many bytes of a file as it announces; an answer is a length (8 bytes),
a mark (``+`` or ``-``), and JSON, raw data or the text of an error. ``open`` answers with an index of the whole file,
``read`` with the data of one dataset. The rest of hlsgen, which would take longer to import than this to work, is not
imported.
"""

from __future__ import annotations

import io
import json
import os
import struct
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

import h5py
import numpy as np

_MOST_OBJECTS = 200_000
_MOST_TEXT = 64 << 20
"""Bytes of all attributes that are text."""


class _Span(io.RawIOBase):
    """A part of a file, as a file."""

    def __init__(self, path: str, offset: int, size: int) -> None:
        self.file, self.offset, self.size, self.at = open(path, "rb"), offset, size, 0  # noqa: PTH123, SIM115

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self.at, os.SEEK_END: self.size}[whence]
        self.at = max(start + offset, 0)
        return self.at

    def tell(self) -> int:
        return self.at

    def readinto(self, buffer: Any) -> int:
        wanted = max(min(len(buffer), self.size - self.at), 0)
        self.file.seek(self.offset + self.at)
        data = self.file.read(wanted)
        buffer[: len(data)] = data
        self.at += len(data)
        return len(data)

    def close(self) -> None:
        self.file.close()
        super().close()


class _Index:
    """All objects of a file, each visited once."""

    def __init__(self, file: h5py.File) -> None:
        self.objects: list[dict[str, Any]] = []
        self.datasets: dict[int, h5py.Dataset] = {}
        self.text = 0
        self.known: dict[tuple[int, int], int] = {}
        waiting = [(file["/"], self._number(file["/"]))]
        while waiting:
            item, number = waiting.pop()
            if isinstance(item, h5py.Dataset):
                self.objects[number] = self._dataset(item)
                self.datasets[number] = item
            elif isinstance(item, h5py.Group):
                self.objects[number], below = self._group(item)
                waiting += below

    def _number(self, item: Any) -> int:
        """A new number for an object. Raises ValueError if it has one: then it stands at two places."""
        info = h5py.h5o.get_info(item.id)
        key = (int(info.fileno), int(info.addr))
        if key in self.known:
            raise ValueError(f"'{item.name}' stands at two places; expected a tree, as Keras writes it")
        if len(self.known) >= _MOST_OBJECTS:
            raise ValueError(f"it holds more than {_MOST_OBJECTS} objects")
        self.known[key] = len(self.objects)
        self.objects.append({})
        return self.known[key]

    def _group(self, group: h5py.Group) -> tuple[dict[str, Any], list[tuple[Any, int]]]:
        links: dict[str, int] = {}
        below = []
        for name in group:
            links[name] = -1  # a link to elsewhere
            if isinstance(group.get(name, getlink=True), h5py.HardLink):
                item = group[name]
                links[name] = self._number(item)
                below.append((item, links[name]))
        return {"links": links, "attributes": {name: self._attribute(group, name) for name in group.attrs}}, below

    def _attribute(self, group: h5py.Group, name: str) -> Any:
        """A text, a list of texts, or None for anything else."""
        try:
            value = group.attrs[name]
        except Exception:  # of a kind that h5py does not know, or damaged: it is no text either way
            return None
        found: Any = _text(value)
        if isinstance(value, np.ndarray) and (value.dtype.kind in "SOU" or not value.size):
            texts = [_text(item) for item in value.reshape(-1).tolist()]
            found = None if None in texts else texts
        self.text += len(str(found))
        if self.text > _MOST_TEXT:
            raise ValueError(f"its attributes hold more than {_MOST_TEXT} bytes of text")
        return found

    @staticmethod
    def _dataset(data: h5py.Dataset) -> dict[str, Any]:
        kind = data.dtype.kind
        plain = data.shape is not None and not data.external and not data.is_virtual
        return {
            "shape": list(data.shape) if plain else None,
            "dtype": data.dtype.str if kind in "fiu" else None,
            "stored": int(data.id.get_storage_size()) if plain else 0,
            "packed": data.chunks is not None,
        }


def _text(value: Any) -> str | None:
    """A text; None for what is none, and for bytes that are none in UTF-8 (h5py makes halves of characters of them)."""
    try:
        if isinstance(value, bytes):
            return value.decode("utf-8")
        return value.encode("utf-8").decode("utf-8") if isinstance(value, str) else None
    except UnicodeError:
        return None


class _Reader:
    """What requests are answered with."""

    def __init__(self, source: BinaryIO) -> None:
        self.source = source
        self.file: h5py.File | None = None
        self.index: _Index | None = None

    def open(self, request: dict[str, Any]) -> bytes:
        self.close(request)
        if "path" in request:
            at: Any = request["path"]
            if "offset" in request:
                at = io.BufferedReader(_Span(at, request["offset"], request["size"]))
        else:
            at = io.BytesIO(self.source.read(request["size"]))
        self.file = h5py.File(at, "r")
        self.index = _Index(self.file)
        return json.dumps(self.index.objects).encode()

    def read(self, request: dict[str, Any]) -> bytes:
        assert self.index is not None
        return np.ascontiguousarray(self.index.datasets[request["dataset"]][()]).tobytes()

    def close(self, request: dict[str, Any]) -> bytes:
        if self.file is not None:
            self.file.close()
        self.file = self.index = None
        return b""


def main() -> None:
    """Answer requests until there are no more."""
    source, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints is no answer
    reader = _Reader(source)
    answer: dict[str, Callable[[dict[str, Any]], bytes]] = {
        "open": reader.open,
        "read": reader.read,
        "close": reader.close,
    }
    while len(header := source.read(4)) == 4:
        request = json.loads(source.read(struct.unpack("<I", header)[0]))
        try:
            payload = b"+" + answer[request["do"]](request)
        except Exception as error:  # this is the border: h5py raises many kinds for damaged files
            payload = b"-" + f"{type(error).__name__}: {error}".encode("utf-8", "backslashreplace")
        answers.write(struct.pack("<Q", len(payload)) + payload)
        answers.flush()


if __name__ == "__main__":
    main()
